"""Measure inside a process with a server's settings: `python -m bench.inside sequence|publish|prove …`.

This is a process of its own, since settings are read once a process. It prints one line of JSON.
"""

import json
import os
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from typing import Any
from unittest.mock import patch

from bench import lists
from sabal import database as raw
from sabal import days
from sabal.database import Database
from sabal.keys.keystore import KeyStore, open_keystore
from sabal.ledger import tables
from sabal.ledger.publication import Publication
from sabal.ledger.receipt import proof
from sabal.ledger.sequencer import Sequencer
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.petitions.snapshots import Snapshots
from tlog import entry

PIECE = 256 * 200  # entries in one append


def sequence() -> dict[str, float]:
    """Sequence and publish all waiting signatures. Return the entries, and the seconds of all, database and tiles."""
    keystore = open_keystore()
    with closing(raw.connect()) as connection:
        petition = _petition(connection, keystore)
        before = petition.counts.log_size
        database = Timed(connection)
        start = time.perf_counter()
        with database.tiles_apart():
            taken = Sequencer(keystore).sequence(database, petition, time.time(), every=0)
        passed = time.perf_counter() - start
        after = _petition(connection, keystore).counts.log_size
    if not taken or after != before + taken:
        raise RuntimeError(f"{taken} signatures were taken, and the log went from {before} to {after}")
    return {
        "entries": taken,
        "seconds": passed,
        "database": database.seconds,
        "tiles": database.tiles,
    }


def publish(number: int) -> dict[str, float]:
    """Extend the log to that many entries, and write its files. This is not measured."""
    keystore = open_keystore()
    with closing(raw.connect()) as database:
        petition = _petition(database, keystore)
        log = tables.find(database, petition.id)
        assert log is not None
        key = tables.key_of(database, keystore, petition.id, petition.origin)
        with database.transaction():
            while log.size < number:
                new = [entry.Sign(os.urandom(32)).encode() for _ in range(min(PIECE, number - log.size))]
                log = tables.append(database, log, new)
            log = tables.sign(database, log, key, days.number_at(time.time()))
        Sequencer(keystore).sequence(database, petition, time.time())
        return {"entries": _petition(database, keystore).counts.log_size}


def prove(times: int) -> dict[str, float]:
    """Make that many proofs of random entries from the log's files. Return the milliseconds."""
    keystore = open_keystore()
    with closing(raw.connect()) as database:
        petition = _petition(database, keystore)
    took = []
    for _ in range(times):
        index = random.randrange(1, petition.counts.log_size)
        start = time.perf_counter()
        proof(petition, index, bytes(32))
        took.append((time.perf_counter() - start) * 1e3)
    took.sort()
    return {"p50": took[len(took) // 2], "p99": took[int(len(took) * 0.99)]}


def _petition(database: Database, keystore: KeyStore) -> PetitionSnapshot:
    snapshots = Snapshots()
    snapshots.refresh(database, keystore)
    return snapshots.published()[0]


class Timed(Database):
    """A connection that adds up the seconds of its statements and commits, without those for tiles."""

    def __init__(self, inner: Database) -> None:
        self._inner, self.vendor, self.among = inner, inner.vendor, inner.among  # type: ignore[method-assign]
        self.for_update, self.for_update_of_free = inner.for_update, inner.for_update_of_free
        self.for_key_share = inner.for_key_share
        self.seconds = self.tiles = 0.0

    @property
    def identity(self) -> str:
        return self._inner.identity

    def query(self, sql: str, params: Sequence[object] = ()) -> list[raw.Row]:
        with self._noted():
            return self._inner.query(sql, params)

    def execute(self, sql: str, params: Sequence[object] = ()) -> int:
        with self._noted():
            return self._inner.execute(sql, params)

    def insert(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[object]], **how: Any) -> int:
        with self._noted():
            return self._inner.insert(table, columns, rows, **how)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        transaction = self._inner.transaction()
        with self._noted():
            transaction.__enter__()
        with ExitStack() as stack:  # an exception rolls back untimed: then the measurement is void
            stack.push(transaction)
            yield
            stack.pop_all()
            with self._noted():
                transaction.__exit__(None, None, None)

    @contextmanager
    def tiles_apart(self) -> Iterator[None]:
        """In this `with`, count the time of writing tiles, with its statements, as `tiles`."""
        write = Publication.write_tiles

        def noting(files: Publication, database: Database, size: int) -> None:
            start, before = time.perf_counter(), self.seconds
            write(files, database, size)
            self.tiles += time.perf_counter() - start
            self.seconds = before

        with patch.object(Publication, "write_tiles", noting):
            yield

    @contextmanager
    def _noted(self) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds += time.perf_counter() - start


VERBS: dict[str, Callable[..., dict[str, float]]] = {
    "sequence": sequence,
    "publish": publish,
    "prove": prove,
    "subscribe": lists.subscribe,
    "begin-mailing": lists.begin,
    "pause-mailing": lists.pause,
}


def main() -> None:
    """Run the verb of the command line."""
    verb, *numbers = sys.argv[1:]
    print(json.dumps(VERBS[verb](*map(int, numbers))))


if __name__ == "__main__":
    main()
