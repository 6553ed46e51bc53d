"""The confirmed subscribers of a newsletter as a table, with the proof of consent of each."""

from collections.abc import Callable, Iterator

from sabal import days, settings, token
from sabal.database import Database
from sabal.keys.keystore import unseal
from sabal.newsletter.subscription import (
    ASKED_HERE,
    CONFIRMED,
    WITH_SIGNATURE,
    told_origin,
    unsubscribe_token,
)
from sabal.spreadsheet import csv_line

CHUNK = 1_000
HEADER = ("address", "language", "since", "source", "consent", "unsubscribe")
_ROWS = (
    "SELECT s.id, s.language, s.sealed_address, s.since, s.origin, t.place, c.sentence"
    " FROM newsletter_subscription s LEFT JOIN newsletter_consent c ON c.version = s.consent"
    " LEFT JOIN newsletter_transfer t ON t.id = s.origin"
    f" WHERE s.organisation = ? AND s.petition_id = 0 AND s.state = {CONFIRMED} AND s.id > ?"
    f" ORDER BY s.id LIMIT {CHUNK}"
)
_SOURCES = {ASKED_HERE: "asked for on this site", WITH_SIGNATURE: "ticked with a signature"}


def count(database: Database, organisation: str) -> int:
    """Return how many are subscribed to the newsletter of an organisation."""
    sql = "SELECT COUNT(*) FROM newsletter_subscription WHERE organisation = ? AND petition_id = 0 AND state = ?"
    return int(database.query(sql, (organisation, CONFIRMED))[0][0])


def lacks_days(database: Database, organisation: str) -> bool:
    """Return whether a subscriber of the newsletter has no day. Then an export has days of imported ones alone.

    A day is not stored if it could be that of a signature of a guarded petition (signing/writer/confirm.py). If the
    days of the others were there, an empty one would tell who signed it.
    """
    sql = (
        "SELECT 1 FROM newsletter_subscription WHERE organisation = ? AND petition_id = 0"
        f" AND state = {CONFIRMED} AND since IS NULL LIMIT 1"
    )
    return bool(database.query(sql, (organisation,)))


def table(
    database: Database,
    subscribers: bytes,
    organisation: str,
    go_on: Callable[[int], bool],
    *,
    hides_days: bool,
) -> Iterator[str]:
    """Yield the lines of a CSV file, the heading first. `go_on` is told how many rows are done, and may end it.

    `hides_days` is what `lacks_days` returned. The first one without a day who comes after that is left for the next
    file.
    """
    yield "\ufeff" + csv_line(HEADER)
    last, done = -1, 0
    while found := database.query(_ROWS, (organisation, last)):
        for row_id, language, sealed, since, origin, place, sentence in found:
            if since is None and not hides_days:
                continue
            subscribed_here = origin in (ASKED_HERE, WITH_SIGNATURE)
            link = token.encode(unsubscribe_token(subscribers, row_id))
            yield csv_line(
                (
                    unseal(subscribers, bytes(sealed), b"subscriber").decode(),
                    language,
                    ""
                    if since is None or (subscribed_here and hides_days)
                    else days.date_of(since).isoformat(),
                    _SOURCES.get(told_origin(origin, since), place or ""),
                    sentence or "",
                    f"{settings.BASE_URL}/{language}/newsletter/unsubscribe/{link}",
                )
            )
        last, done = found[-1][0], done + len(found)
        if not go_on(done):
            return
