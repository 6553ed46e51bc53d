"""Days as the database has them: numbers since 1970-01-01 UTC in the hot tables, date columns elsewhere."""

from datetime import date, timedelta

SECONDS = 86_400
EPOCH = date(1970, 1, 1)


def number(day: date) -> int:
    """The number of a day."""
    return (day - EPOCH).days


def number_at(now: float) -> int:
    """The number of the day of a moment in Unix seconds."""
    return int(now) // SECONDS


def date_of(number: int) -> date:
    """The day of that number."""
    return EPOCH + timedelta(days=number)


def from_column(value: str | date | None) -> date | None:
    """What a date column holds: a text on SQLite, a date on PostgreSQL."""
    return date.fromisoformat(value) if isinstance(value, str) else value


def to_column(day: date, vendor: str) -> str | date:
    """The reverse of `from_column`, for a database of that kind."""
    return day if vendor == "postgresql" else day.isoformat()
