"""Traffic: how many emails ended how, by the hour and by class of provider. It names no mailbox."""

from collections import Counter
from enum import StrEnum

from sabal.database import Database


class End(StrEnum):
    """What became of an email, in the words of `mail_traffic.outcome`. All but the last three take the
    row."""

    ACCEPTED = "accepted"
    NEVER = "never"
    GIVEN_UP = "given-up"
    LOST_KEY = "lost-key"
    EXPIRED = "expired"
    LATER = "later"
    UNREADABLE = "unreadable"
    UNSENT = "unsent"


def add(database: Database, hour: int, ends: Counter[tuple[str, End]]) -> None:
    """Add emails by provider and end to the totals of an hour (since 1970), in the caller's transaction."""
    for (provider, end), n in sorted(ends.items()):
        database.execute(
            "INSERT INTO mail_traffic (hour, provider, outcome, n) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (hour, provider, outcome) DO UPDATE SET n = mail_traffic.n + excluded.n",
            (hour, provider, end.value, n),
        )


def between(database: Database, first: int, last: int) -> Counter[tuple[str, End]]:
    """Emails by provider and end in the hours from `first` to `last`."""
    rows = database.query(
        "SELECT provider, outcome, SUM(n) FROM mail_traffic WHERE hour BETWEEN ? AND ? GROUP BY provider, outcome",
        (first, last),
    )
    return Counter({(provider, End(outcome)): int(n) for provider, outcome, n in rows})
