"""Measure how fast confirmed signatures enter the public log: rows, tree, signature, tiles, checkpoint."""

import time
from contextlib import closing
from statistics import median

from bench import rows
from bench.stage import Stage
from bench.table import Line
from sabal import database as raw
from sabal.database import Database
from sabal.signing.buckets import Buckets
from sabal.signing.writer.log_index import CHUNK
from tlog import Frontier, entry, leaf_hashes
from tlog.entry import ENTRY_BYTES
from tlog.tiles import WIDTH

WANTED = 30_000


def sequencing(stage: Stage) -> list[Line]:
    """Measure entries a second, from the first statement to the published checkpoint, against bare hashing and rows."""
    stage.stop()
    server, bare = stage.workspace.new_server("sequenced"), stage.workspace.database("marks")
    server.start()
    server.stop()
    petition, runs = server.petition().id, list[tuple[float, ...]]()
    server.inside("publish", 1)
    for _ in range(stage.plan.runs):
        with closing(raw.connect(bare)) as database:
            fill(database, petition, stage.plan.waiting, Buckets(bytes(32)))
            hashing, marking = floor(database, petition)
        with closing(server.connect()) as database:
            buckets = Buckets.of(database, server.keys(), petition)
            fill(database, petition, stage.plan.waiting, buckets)
        found = server.inside("sequence")
        number, seconds = found["entries"], found["seconds"]
        shares = found["database"] / seconds, found["tiles"] / seconds
        bound = number / (hashing + marking)
        rate = number / seconds
        runs.append((rate, bound, rate / bound, *shares, number / hashing, number / marking))
    rate, bound, ratio, database_share, tiles, hashing, marking = (
        median(r[i] for r in runs) for i in range(7)
    )
    rest = 1 - database_share - tiles
    beside = (
        f"database {database_share:.0%}, tiles {tiles:.0%}, rest {rest:.0%}; bare hashing {hashing:,.0f}, "
        f"bare rows in transactions of {CHUNK} {marking:,.0f}; limit of both {bound:,.0f}; ratio {ratio:.2f}"
    )
    what = f"sequencing {stage.plan.waiting:,} signatures, until the checkpoint is published"
    return [Line(what, f"≥ {WANTED:,} entries/s", f"{rate:,.0f}/s", beside, rate >= WANTED)]


def fill(database: Database, petition_id: int, number: int, buckets: Buckets) -> None:
    """Replace all signatures by that many confirmed ones, which wait for a batch. Do not flush."""
    lazy = "PRAGMA synchronous = OFF" if database.vendor == "sqlite" else "SET synchronous_commit = off"
    database.execute(lazy)
    with database.transaction():
        database.execute("DELETE FROM signing_signature")
        database.execute("DELETE FROM signing_waiting")
    for signatures, waits in rows.waiting(number, petition_id, buckets):
        with database.transaction():
            database.insert("signing_signature", rows.SIGNATURE, signatures)
            database.insert("signing_waiting", rows.WAITING, waits)
    if database.vendor == "postgresql":
        # Autovacuum would do this later.
        database.execute("VACUUM ANALYZE signing_signature, signing_waiting")
        database.execute("SET synchronous_commit = on")
    else:
        database.wal_checkpoint(truncate=True)
        database.execute("PRAGMA synchronous = FULL")


def floor(database: Database, petition_id: int) -> tuple[float, float]:
    """Return the seconds of bare hashing, and of bare statements and commits, for all waiting signatures.

    In the order of C, delete each waiting row, and insert its log index and its entry. Any log needs at least this.
    """
    waiting = [
        bytes(c) for (c,) in database.query("SELECT commitment FROM signing_waiting ORDER BY commitment")
    ]
    entries = [entry.Sign(c).encode() for c in waiting]
    start = time.perf_counter()
    tree = Frontier()
    for at in range(0, len(entries), CHUNK):
        tree.extend(leaf_hashes(entries[at : at + CHUNK]))
    tree.root()
    hashed = time.perf_counter()
    database.execute("DELETE FROM ledger_bundle")
    database.execute("DELETE FROM signing_log_index")
    for at in range(0, len(waiting), CHUNK):
        number = at // WIDTH
        with database.transaction():
            _move(database, petition_id, waiting[at : at + CHUNK], at)
            _insert(database, petition_id, number, b"".join(entries[number * WIDTH : at + CHUNK]))
    return hashed - start, time.perf_counter() - hashed


def _move(database: Database, petition_id: int, commitments: list[bytes], first: int) -> None:
    where, params = database.among("commitment", commitments)
    database.execute(f"DELETE FROM signing_waiting WHERE petition_id = ? AND {where}", [petition_id, *params])
    indexes = [(petition_id, commitment, at) for at, commitment in enumerate(commitments, first)]
    database.insert("signing_log_index", rows.LOG_INDEX, indexes)


def _insert(database: Database, petition_id: int, number: int, entries: bytes) -> None:
    width = WIDTH * ENTRY_BYTES
    database.insert(
        "ledger_bundle",
        ("petition_id", "number", "entries"),
        [
            (petition_id, number + n, entries[n * width : (n + 1) * width])
            for n in range(-(-len(entries) // width))
        ],
        on_conflict="(petition_id, number) DO UPDATE SET entries = excluded.entries",
    )
