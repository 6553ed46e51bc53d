"""Import a file of addresses into a newsletter: first it is checked, then what is good in it is stored.

Checking puts the good rows, sealed, into a scratch database beside the file, so that a list of a million rows needs no
memory, and an address that is there twice is found. Storing reads that, and may be repeated after a crash: an address
is in a list only once.
"""

import contextlib
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import TextIO, TypeVar

from sabal.database import Database
from sabal.newsletter import subscription, suppression
from sabal.newsletter.importrows import Columns, Defaults, Good, Line, RowFault, read_line
from sabal.newsletter.lists import MailingList
from sabal.newsletter.subscription import CONFIRMED, Subscription
from sabal.newsletter.suppression import Why
from sabal.spreadsheet import csv_line

CHUNK = 500  # rows of one transaction
Row = TypeVar("Row")


class ListGone(Exception):
    """The uploaded file or its good rows are not there any more, or some of the rows are missing."""


class Known(StrEnum):
    """Why a good row is left out all the same."""

    TWICE = "twice"
    THERE = "there"
    LEFT = "left"
    REFUSED = "refused"
    BOUNCED = "bounced"
    COMPLAINED = "complained"


def check(
    database: Database,
    subscribers: bytes,
    organisation: str,
    lines: Iterable[Line],
    columns: Columns,
    defaults: Defaults,
    scratch: Path,
    broken: Path,
    go_on: Callable[[int, Counter[str]], bool],
) -> Counter[str]:
    """Check a file, and return how many rows are good ("good"), broken (by Fault) and left out (by Known).

    `scratch` gets the good rows, `broken` a CSV file of the others with their line and the reason. `go_on` is told the
    number of the last line and the numbers, and says whether to continue. Nothing is stored in the database.
    """
    scratch.unlink(missing_ok=True)
    broken.touch(mode=0o600)
    with contextlib.closing(_open(scratch)) as store, broken.open("w", encoding="utf-8", newline="") as out:
        out.write("\ufeff" + csv_line(("line", "reason", "row")))
        checking = _Check(database, subscribers, MailingList(organisation), store, out)
        rows = ((line, read_line(line, columns, defaults)) for line in lines if line.cells != [])
        for some in _chunks(rows):
            checking.take(some)
            if not go_on(some[-1][0].number, checking.found):
                break
    return checking.found


@dataclass
class _Check:
    """A check in progress: `store` gets the good rows, `out` the others, and `found` is how many there are of each."""

    database: Database
    subscribers: bytes
    of: MailingList
    store: sqlite3.Connection
    out: TextIO
    found: Counter[str] = field(default_factory=Counter)

    def take(self, rows: Sequence[tuple[Line, Good | RowFault]]) -> None:
        """Sort some rows. Those that are broken come first in the file of the others."""
        for line, read in rows:
            if isinstance(read, RowFault):
                self._leave_out(line, read)
        hashed = [
            (subscription.address_hash(self.subscribers, read.address), line, read)
            for line, read in rows
            if isinstance(read, Good)
        ]
        known = _known(self.database, self.of, [address_hash for address_hash, _, _ in hashed])
        with self.store:
            for address_hash, line, read in hashed:
                is_new = self._keep(address_hash, read)
                why = known.get(address_hash) if is_new else Known.TWICE
                if why is None:
                    self.found["good"] += 1
                else:
                    self._leave_out(line, why)

    def _keep(self, address_hash: bytes, read: Good) -> bool:
        """Store a row, and return whether its address is there for the first time."""
        row = subscription.subscription(self.subscribers, self.of, read.address, read.language, "")
        values = (address_hash, row.sealed_address, read.language, read.day)
        return self.store.execute("INSERT OR IGNORE INTO good VALUES (?, ?, ?, ?)", values).rowcount > 0

    def _leave_out(self, line: Line, why: RowFault | Known) -> None:
        self.found[why] += 1
        self.out.write(csv_line((str(line.number), why, line.text)))


def load(
    database: Database,
    organisation: str,
    origin: int,
    sentence: str,
    scratch: Path,
    found: Mapping[str, object],
    go_on: Callable[[int, int], bool],
) -> int:
    """Store the good rows of a checked file as confirmed subscriptions, and return how many are new.

    Who subscribed, left or complained since the check is left out. `go_on` is told how many rows are done and how many
    are new, after each transaction. Done again, it adds nobody twice. `found` is what the check returned. Raises
    ListGone before anything is stored if `scratch` does not have the rows that the check put there.
    """
    of, done, added = MailingList(organisation), 0, 0
    with contextlib.closing(_reopen(scratch, found)) as store:
        rows = store.execute("SELECT address_hash, sealed, language, day FROM good ORDER BY address_hash")
        for some in _chunks(rows):
            with database.transaction():
                added += _store(database, of, origin, sentence, some)
            done += len(some)
            if not go_on(done, added):
                break
    return added


def _store(
    database: Database,
    of: MailingList,
    origin: int,
    sentence: str,
    some: Iterable[tuple[bytes, bytes, str, int]],
) -> int:
    rows = [
        Subscription(subscription.new_id(), of, address_hash, sealed, language, sentence, day, origin)
        for address_hash, sealed, language, day in some
    ]
    known = _known(database, of, [row.address_hash for row in rows])
    return subscription.add_confirmed(database, [row for row in rows if row.address_hash not in known])


def imported(database: Database, origin: int) -> int:
    """Return how many are subscribed that came with an import."""
    sql = f"SELECT COUNT(*) FROM newsletter_subscription WHERE origin = ? AND state = {CONFIRMED}"
    return int(database.query(sql, (origin,))[0][0])


def _known(database: Database, of: MailingList, hashes: list[bytes]) -> dict[bytes, Known]:
    """Return why addresses are left out, those that are."""
    if not hashes:
        return {}
    found: dict[bytes, Known] = {}
    where, params = database.among("address_hash", hashes)
    sql = f"SELECT address_hash, organisation, reason FROM newsletter_suppression WHERE {where} AND petition_id = 0"
    for address_hash, organisation, reason in database.query(sql, params):
        if organisation in ("", of.organisation):
            found[bytes(address_hash)] = _BY_WHY[Why(reason)]
    sql = f"SELECT address_hash FROM newsletter_subscription WHERE {where} AND organisation = ? AND petition_id = 0"
    rows = database.query(f"{sql} AND state = {CONFIRMED}", [*params, of.organisation])
    found |= {bytes(row[0]): Known.THERE for row in rows}
    return found | dict.fromkeys(subscription.refused(database, of, hashes), Known.REFUSED)


_BY_WHY = {
    Why.BOUNCED: Known.BOUNCED,
    Why.FULL: Known.BOUNCED,
    Why.COMPLAINED: Known.COMPLAINED,
    Why.LEFT: Known.LEFT,
    Why.REFUSED: Known.REFUSED,
}
assert set(_BY_WHY) == set(suppression.Why)


def _chunks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    rows = iter(rows)
    while some := list(islice(rows, CHUNK)):
        yield some


def _open(scratch: Path) -> sqlite3.Connection:
    scratch.touch(mode=0o600)
    store = sqlite3.connect(scratch)
    store.execute("PRAGMA journal_mode=OFF")  # after a crash it is made anew
    store.execute("PRAGMA synchronous=OFF")
    store.execute(
        "CREATE TABLE IF NOT EXISTS good (address_hash BLOB PRIMARY KEY, sealed BLOB, language TEXT, day INTEGER)"
        " WITHOUT ROWID"
    )
    return store


def _reopen(scratch: Path, found: Mapping[str, object]) -> sqlite3.Connection:
    """Open the good rows that a check stored, without creating a file. Raises ListGone if rows are missing."""
    if not scratch.exists():
        raise ListGone
    store = sqlite3.connect(scratch)
    try:
        (rows,) = store.execute("SELECT COUNT(*) FROM good").fetchone()
    except sqlite3.DatabaseError:  # a power failure may have left a part of it, or nothing
        rows = -1
    # An address that is left out is there too, so that it is found when it comes twice.
    if rows != sum(int(str(found.get(kind, 0))) for kind in ("good", *(set(Known) - {Known.TWICE}))):
        store.close()
        raise ListGone
    return store
