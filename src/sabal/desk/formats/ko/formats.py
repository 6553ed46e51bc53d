"""Times in Korean have 24 hours."""

DATE_FORMAT = "Y년 n월 j일"
SHORT_DATE_FORMAT = "Y-n-j."
DATETIME_FORMAT = "Y년 n월 j일 H:i"
