"""Let each write of a batch fail, fail but persist, or be killed: the next run loses and duplicates no entry.

The log never contradicts a checkpoint that was published before.
"""

import errno
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import tlog
from ledger.reading import Read, read
from sabal import database as raw
from sabal import public
from sabal.ledger.log import Log
from sabal.ledger.publication import Publication, publication
from sabal.ledger.sequencer import Sequencer
from sabal.ledger.witnesses import Witnesses
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.signing import operations
from sabal.signing.count import check_sums
from sabal.signing.writer import log_index
from signing.steps import ask, confirmation
from sites import NOW, SiteOfTests

pytestmark = pytest.mark.slow  # hundreds of batches

WEEK = 604_800
SIGNERS, LEAVING = 230, 6


@pytest.fixture(autouse=True)
def _in_two_transactions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_index, "CHUNK", 200)


class Fault(Exception):
    """The error that the tests inject."""


class Breaking:
    """A counter of the writes of a run that breaks one of them, before or after it is persisted."""

    def __init__(self, at: int, break_: Callable[[], None], *, persisted: bool) -> None:
        self.at, self.break_, self.persisted = at, break_, persisted
        self.writes = 0
        self.counting = threading.Lock()  # files are written by several threads

    @property
    def fired(self) -> bool:
        return self.writes > self.at

    def write(self, do: Callable[[], Any]) -> Any:
        with self.counting:
            mine, self.writes = self.writes, self.writes + 1
        if mine == self.at and not self.persisted:
            self.break_()
        result = do()
        if mine == self.at and self.persisted:
            self.break_()
        return result

    @contextmanager
    def everywhere(self, database: raw.Database) -> Iterator[raw.Database]:
        """Wrap every commit and every write of a log file."""
        put, transaction = public.put, database.transaction

        @contextmanager
        def breaking() -> Iterator[None]:
            inner = transaction()
            inner.__enter__()
            try:
                yield
                if self.writes == self.at and not self.persisted:
                    self.write(lambda: None)
            except BaseException as error:
                inner.__exit__(type(error), error, error.__traceback__)
                raise
            self.write(lambda: inner.__exit__(None, None, None))

        database.transaction = breaking  # type: ignore[method-assign]
        public.put = lambda path, data: self.write(lambda: put(path, data))
        try:
            yield database
        finally:
            public.put = put
            del database.transaction  # type: ignore[method-assign]


def fail() -> None:
    raise Fault


def full() -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def petition_with_batches(site: SiteOfTests) -> PetitionSnapshot:
    """Return a petition with a published batch and a waiting one. Some signers of each have withdrawn."""
    petition = site.publish()
    first = sign(site, petition, "first", 40)
    site.sequence(petition, NOW + WEEK)
    second = sign(site, petition, "second", SIGNERS)
    site.writer.commit(
        site.database,
        [operations.Withdraw(one.t, one.digest) for one in [*first[:LEAVING], *second[:LEAVING]]],
    )
    return petition


def sign(site: SiteOfTests, petition: PetitionSnapshot, who: str, number: int) -> list[Any]:
    signers = [ask(site, petition, f"{who}{n}@example.org") for n in range(number)]
    site.writer.commit(site.database, [one.operation for one in signers])
    site.writer.commit(site.database, [confirmation(one) for one in signers])
    return signers


def check_consistent(site: SiteOfTests, petition: PetitionSnapshot, seen: list[tlog.Checkpoint]) -> Read:
    """Check that the published log continues every checkpoint in `seen`, and add its checkpoint to the list."""
    files = publication(petition)
    found = read(files.folder, files.key)
    for older in seen:
        assert tlog.root_of_entries(found.entries[: older.size]) == older.root
    seen.append(found.checkpoint)
    return found


def check_whole(site: SiteOfTests, petition: PetitionSnapshot, seen: list[tlog.Checkpoint]) -> None:
    """Check that no entry is lost or duplicated, and that log, pages and rows agree."""
    found = check_consistent(site, petition, seen)
    assert (found.tally.signed, found.tally.counted) == (40 + SIGNERS, 40 + SIGNERS - 2 * LEAVING)
    commitments = [e for e in found.entries if e[1] == tlog.entry.Type.SIGN]
    assert len(set(commitments)) == len(commitments)
    counts = site.petition().counts
    assert (counts.confirmed, counts.counted, counts.log_size) == (
        found.tally.signed, found.tally.counted, found.checkpoint.size,
    )  # fmt: skip
    assert check_sums(site.database, petition.id) == (True, 0)
    indexes = site.database.query(
        "SELECT p.idx, s.commitment FROM signing_signature s JOIN signing_log_index p ON p.commitment = s.commitment"
    )
    assert len(indexes) == 40 + SIGNERS - 2 * LEAVING
    for index, commitment in indexes:
        assert found.entries[index] == tlog.entry.Sign(bytes(commitment)).encode()


@pytest.mark.parametrize("persisted", [False, True], ids=["failed", "failed but persisted"])
@pytest.mark.parametrize("break_", [fail, full])
def test_every_write(site: SiteOfTests, persisted: bool, break_: Callable[[], None]) -> None:
    petition = petition_with_batches(site)
    if site.vendor == "postgresql" and break_ is full:
        pytest.skip("the same files")
    at, seen = 0, [check_consistent(site, petition, []).checkpoint]
    before = Before(site)
    while True:
        fault = Breaking(at, break_, persisted=persisted)
        with fault.everywhere(site.database):
            try:
                Sequencer(site.keystore).sequence(site.database, petition, NOW + 2 * WEEK)
            except (Fault, OSError):
                check_consistent(site, petition, seen)
        site.sequence(petition, NOW + 2 * WEEK + 1)
        check_whole(site, petition, seen)
        if not fault.fired:
            break
        at += 1
        before.again()
        seen = [check_consistent(site, petition, []).checkpoint]
    assert at >= 10  # the batch has as many writes


def test_kill_9_at_every_write(site: SiteOfTests) -> None:
    petition = petition_with_batches(site)
    before, at = Before(site), 0
    while True:
        seen = [check_consistent(site, petition, []).checkpoint]
        died = run_and_die(site, petition, at)
        check_consistent(site, petition, seen)
        site.sequence(petition, NOW + 2 * WEEK + 1)
        check_whole(site, petition, seen)
        if not died:
            break
        at += 1
        before.again()
    assert at >= 10


def run_and_die(site: SiteOfTests, petition: PetitionSnapshot, at: int) -> bool:
    """Sequence in another process, kill it after write number `at`, and return whether it made that write."""
    pid = os.fork()
    if not pid:
        try:
            database = raw.connect(site.url)
            with Breaking(at, die, persisted=True).everywhere(database):
                Sequencer(site.keystore).sequence(database, petition, NOW + 2 * WEEK)
            os._exit(0)
        finally:
            os._exit(1)
    _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def test_an_error_of_the_witnesses_only_delays_the_batch(site: SiteOfTests) -> None:
    petition = petition_with_batches(site)

    class Broken(Witnesses):
        def ask(self, log: Log, files: Publication) -> bytes:
            raise Fault

    with pytest.raises(Fault):
        Sequencer(site.keystore, Broken()).sequence(site.database, petition, NOW + 2 * WEEK)
    seen = [check_consistent(site, petition, []).checkpoint]
    site.sequence(petition, NOW + 2 * WEEK)
    check_whole(site, petition, seen)


class Before:
    """A copy of the site's tables and files, to restore them with `again`."""

    TABLES = (
        "signing_signature", "signing_waiting", "signing_log_index", "signing_counted", "signing_withdrawal",
        "signing_total", "signing_bucket", "ledger_log", "ledger_bundle", "ledger_batch",
    )  # fmt: skip

    def __init__(self, site: SiteOfTests) -> None:
        self.site = site
        for table in self.TABLES:
            site.database.execute(f"CREATE TABLE kept_{table} AS SELECT * FROM {table}")
        self.files = {p: p.read_bytes() for p in self._files()}

    def again(self) -> None:
        for table in self.TABLES:
            self.site.database.execute(f"DELETE FROM {table}")
            self.site.database.execute(f"INSERT INTO {table} SELECT * FROM kept_{table}")
        for path in self._files():
            path.unlink()
        for path, data in self.files.items():
            path.write_bytes(data)

    def _files(self) -> list[Path]:
        return [p for p in (self.site.data / "public").rglob("*") if p.is_file()]
