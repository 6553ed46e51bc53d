"""How many emails to lists came back, and why. Totals name nobody."""

from collections import Counter

from sabal.bounces.reasons import Reason
from sabal.database import Database
from sabal.newsletter.lists import MailingList


def add(database: Database, of: MailingList, occasion: int, reason: Reason) -> None:
    """Count one, inside the caller's transaction."""
    database.insert(
        "bounces_total",
        ("organisation", "petition_id", "occasion", "reason", "n"),
        [(of.organisation, of.petition_id, occasion, int(reason), 1)],
        on_conflict="(organisation, petition_id, occasion, reason) DO UPDATE SET n = bounces_total.n + 1",
    )


def of_mailing(database: Database, occasion: int) -> Counter[Reason]:
    """Return how many emails of a mailing came back, by reason."""
    rows = database.query(
        "SELECT reason, SUM(n) FROM bounces_total WHERE occasion = ? GROUP BY reason", (occasion,)
    )
    return Counter({Reason(reason): int(n) for reason, n in rows})


def by_list(database: Database, organisation: str) -> dict[MailingList, Counter[Reason]]:
    """Return how many emails of each list of an organisation came back, by reason."""
    rows = database.query(
        "SELECT petition_id, reason, SUM(n) FROM bounces_total WHERE organisation = ? GROUP BY petition_id, reason",
        (organisation,),
    )
    found: dict[MailingList, Counter[Reason]] = {}
    for petition_id, reason, n in rows:
        found.setdefault(MailingList(organisation, petition_id), Counter())[Reason(reason)] = int(n)
    return found


def of_organisation(database: Database, organisation: str) -> Counter[Reason]:
    """Return how many emails of all lists of an organisation came back, by reason."""
    return sum(by_list(database, organisation).values(), Counter())
