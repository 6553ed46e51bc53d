"""Traffic: the number of emails by result, hour and provider. It has no addresses."""

from collections import Counter
from enum import StrEnum

from sabal.database import Database


class End(StrEnum):
    """The result of an email, as in `mail_traffic.outcome`. With all but the last three, the row is deleted."""

    ACCEPTED = "accepted"
    NEVER = "never"
    GIVEN_UP = "given-up"
    LOST_KEY = "lost-key"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"  # its writer did not want it sent any more; not counted
    LATER = "later"
    UNREADABLE = "unreadable"
    UNSENT = "unsent"


RESULTS = {
    End.ACCEPTED: "accepted",
    End.LATER: "deferred",
    End.UNREADABLE: "deferred",
    End.NEVER: "refused permanently",
    End.GIVEN_UP: "given up",
    End.LOST_KEY: "given up",
    End.EXPIRED: "given up",
}
"""The results as people know them. An email that is deferred is tried again, and each try counts."""


def add(database: Database, hour: int, ends: Counter[tuple[str, End]]) -> None:
    """Add emails by provider and end to the totals of an hour (since 1970), in the caller's transaction."""
    for (provider, end), n in sorted(ends.items()):
        database.execute(
            "INSERT INTO mail_traffic (hour, provider, outcome, n) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (hour, provider, outcome) DO UPDATE SET n = mail_traffic.n + excluded.n",
            (hour, provider, end.value, n),
        )


def between(database: Database, first: int, last: int) -> Counter[tuple[str, End]]:
    """Return the emails by provider and end in the hours from `first` to `last` (since 1970)."""
    rows = database.query(
        "SELECT provider, outcome, SUM(n) FROM mail_traffic WHERE hour BETWEEN ? AND ? GROUP BY provider, outcome",
        (first, last),
    )
    return Counter({(provider, End(outcome)): int(n) for provider, outcome, n in rows})
