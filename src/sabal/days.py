"""Days as the database stores them: numbers since 1970-01-01 UTC in the hot tables, date columns elsewhere."""

from datetime import date, timedelta

SECONDS = 86_400
EPOCH = date(1970, 1, 1)


def number(day: date) -> int:
    """Return the number of a day."""
    return (day - EPOCH).days


def number_at(now: float) -> int:
    """Return the number of the day of a Unix time (seconds)."""
    return int(now) // SECONDS


def date_of(number: int) -> date:
    """Return the day of a number."""
    return EPOCH + timedelta(days=number)


def from_column(value: str | date | None) -> date | None:
    """Return the day in a date column, which is a text on SQLite and a date on PostgreSQL."""
    return date.fromisoformat(value) if isinstance(value, str) else value


def to_column(day: date, vendor: str) -> str | date:
    """Return a day as a date column of this kind of database stores it. The reverse of `from_column`."""
    return day if vendor == "postgresql" else day.isoformat()
