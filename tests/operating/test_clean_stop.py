"""After the server has stopped, nothing of a withdrawn signature is in SQLite's files, also in those moved aside."""

import re
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner

from operating.test_no_traces import fetch, links, press
from sabal import token
from sabal.cli import main
from sabal.operating.backup import backup
from sabal.signing import operations
from served import SLUG, Served
from signing.steps import confirmed
from sites import SiteOfTests, point_django_at

ADDRESS = "suzie@example.org"


def sign_and_withdraw(served: Served) -> dict[str, bytes]:
    """Sign, confirm and withdraw. Return what the database held of the signature, and must not hold any more."""
    petition = f"{served.base}/ko/{SLUG}"
    version = re.findall(r'name="version" value="([0-9a-f]{16})"', fetch(petition))[0]
    fetch(f"{petition}/sign", name="Suzie", email=ADDRESS, country="KR", consent="1", version=version)
    link = links(served, 1)[ADDRESS]
    pending = rows(served, "SELECT pending_payload, token_hash FROM signing_pending")[0]
    press(link)
    served.wait_for_count(1)
    time.sleep(2.5)  # until the worker has copied the rows from the WAL into the database
    held = rows(served, "SELECT w, dedupe_tag FROM signing_signature")[0]
    (record,) = rows(served, "SELECT body FROM signing_sealed")[0]
    names = ("pending payload", "token hash", "w", "dedupe tag")
    parts = dict(zip(names, (pending[0][-40:], pending[1], *held), strict=True))
    parts["record"] = record[-64:]
    assert token.decode(link.rsplit("/", 1)[1])
    assert found(served, parts)
    press(f"{served.base}/ko/signature/{link.rsplit('/', 1)[1]}/withdraw")
    return parts


def rows(served: Served, query: str) -> list[tuple[bytes, ...]]:
    connection = sqlite3.connect(served.data / "sabal.sqlite3")
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def found(served: Served, parts: dict[str, bytes]) -> list[tuple[str, str]]:
    return files_with(served.data, parts)


def a_clean_stop(served: Served) -> None:
    served.stop()


def a_stop_after_the_worker_died(served: Served) -> None:
    end_by_force(served, "worker")
    served.stop()


def a_stop_after_public_processes_died(served: Served) -> None:
    end_by_force(served, "granian")
    served.stop()


def end_by_force(served: Served, word: str) -> None:
    assert served.process is not None
    for child in psutil.Process(served.process.pid).children(recursive=True):
        with suppress(psutil.Error):  # it ended already
            if word in " ".join(child.cmdline()):
                child.send_signal(signal.SIGKILL)


@pytest.mark.parametrize(
    "stop", [a_clean_stop, a_stop_after_the_worker_died, a_stop_after_public_processes_died]
)
def test_nothing_withdrawn_is_left_after_the_stop(
    served_alone: Served, stop: Callable[[Served], None]
) -> None:
    if "SABAL_DATABASE_URL" in served_alone.environment:
        pytest.skip("PostgreSQL keeps its files itself")
    parts = sign_and_withdraw(served_alone)
    stop(served_alone)
    assert not found(served_alone, parts)
    assert not list(served_alone.data.glob("sabal.sqlite3-*"))


def test_a_database_that_is_moved_aside_for_a_restore_holds_nothing_withdrawn(
    site: SiteOfTests, tmp_path: Path
) -> None:
    """The server was killed, so a write-ahead log with the withdrawn rows is left."""
    restore = ["restore", str(tmp_path / "copy"), "--aside"]
    petition = site.publish()
    suzie, max_ = confirmed(site, petition), confirmed(site, petition, "max@example.org")
    backup(tmp_path / "copy")
    if site.vendor == "postgresql":
        refused = CliRunner().invoke(main, restore)
        assert refused.exit_code == 2 and "--aside is for SQLite" in refused.output
        return
    click = operations.Withdraw(suzie.t, suzie.digest)
    assert site.writer.commit(site.database, [click]) == [operations.Outcome.DONE]
    in_use = CliRunner().invoke(main, restore)
    assert in_use.exit_code == 2 and "Stop the server first" in in_use.output
    again = confirmed(site, petition, "again@example.org")
    assert site.writer.commit(site.database, [operations.Withdraw(again.t, again.digest)])
    left = {path: path.read_bytes() for path in site.data.glob("sabal.sqlite3*")}
    site.database.close()
    point_django_at(site.url)
    for path, data in left.items():
        path.write_bytes(data)
    held = {"Suzie's record": suzie.operation.sealed[-64:], "the other record": again.operation.sealed[-64:]}
    assert files_with(site.data, held)

    done = CliRunner().invoke(main, restore)
    assert done.exit_code in (0, 1), done.output  # 1: the log waits for a copy
    (aside,) = site.data.glob("sabal.sqlite3.2*")
    assert str(aside) in done.output and not files_with(site.data, held)
    assert max_.operation.sealed[-64:] in aside.read_bytes()  # it is the database from before
    site.database = site.connect()
    assert site.rows("signing_signature") == 1


def files_with(folder: Path, parts: dict[str, bytes]) -> list[tuple[str, str]]:
    files = [path for path in folder.glob("*sqlite3*") if path.is_file()]
    return [(what, path.name) for path in files for what, part in parts.items() if part in path.read_bytes()]


def test_a_damaged_database_is_not_moved_aside(site: SiteOfTests, tmp_path: Path) -> None:
    if site.vendor == "postgresql":
        pytest.skip("PostgreSQL keeps its files itself")
    site.publish()
    backup(tmp_path / "copy")
    site.database.close()
    point_django_at(site.url)
    (site.data / "sabal.sqlite3").write_bytes(b"no database" * 1_000)
    done = CliRunner().invoke(main, ["restore", str(tmp_path / "copy"), "--aside"])
    assert done.exit_code == 2 and "is damaged" in done.output
    assert not list(site.data.glob("sabal.sqlite3.2*"))
