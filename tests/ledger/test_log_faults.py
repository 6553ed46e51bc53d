"""Every write of a batch, failed, failed but persisted, or cut off by kill -9: the next run loses and doubles nothing.

What an outsider has seen before stays true after: no checkpoint that was shown is ever contradicted.
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
from sabal.ledger.publication import Publication, publication
from sabal.ledger.sequencer import Sequencer
from sabal.ledger.tables import Log
from sabal.ledger.witnesses import Witnesses
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.signing import operations
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
    """What the tests break."""


class Breaking:
    """Counts the writes of a run, and breaks one of them: before it is kept, or after."""

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
        """Its grip on every commit and every file of the log."""
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


def crowd(site: SiteOfTests) -> PetitionSnapshot:
    """A petition with one batch shown, and a second that waits: signers, and some who left before and after theirs."""
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


def hold_true(site: SiteOfTests, petition: PetitionSnapshot, seen: list[tlog.Checkpoint]) -> Read:
    """Whatever is shown now goes on from all that was seen, and pages never say more than the log."""
    files = publication(petition)
    found = read(files.folder, files.key)
    for older in seen:
        assert tlog.root_of_entries(found.entries[: older.size]) == older.root
    seen.append(found.checkpoint)
    return found


def hold_whole(site: SiteOfTests, petition: PetitionSnapshot, seen: list[tlog.Checkpoint]) -> None:
    found = hold_true(site, petition, seen)
    assert (found.tally.signed, found.tally.counted) == (40 + SIGNERS, 40 + SIGNERS - 2 * LEAVING)
    commitments = [e for e in found.entries if e[1] == tlog.entry.Type.SIGN]
    assert len(set(commitments)) == len(commitments)
    counts = site.petition().counts
    assert (counts.confirmed, counts.counted, counts.log_size) == (
        found.tally.signed, found.tally.counted, found.checkpoint.size,
    )  # fmt: skip
    places = site.database.query(
        "SELECT p.idx, s.commitment FROM signing_signature s JOIN signing_log_index p ON p.commitment = s.commitment"
    )
    assert len(places) == 40 + SIGNERS - 2 * LEAVING
    for index, commitment in places:
        assert found.entries[index] == tlog.entry.Sign(bytes(commitment)).encode()


@pytest.mark.parametrize("persisted", [False, True], ids=["failed", "failed but persisted"])
@pytest.mark.parametrize("break_", [fail, full])
def test_every_write(site: SiteOfTests, persisted: bool, break_: Callable[[], None]) -> None:
    petition = crowd(site)
    if site.vendor == "postgresql" and break_ is full:
        pytest.skip("the same files")
    at, seen = 0, [hold_true(site, petition, []).checkpoint]
    before = Before(site)
    while True:
        fault = Breaking(at, break_, persisted=persisted)
        with fault.everywhere(site.database):
            try:
                Sequencer(site.keystore).sequence(site.database, petition, NOW + 2 * WEEK)
            except (Fault, OSError):
                hold_true(site, petition, seen)
        site.sequence(petition, NOW + 2 * WEEK + 1)
        hold_whole(site, petition, seen)
        if not fault.fired:
            break
        at += 1
        before.again()
        seen = [hold_true(site, petition, []).checkpoint]
    assert at >= 10  # the batch has as many writes


def test_kill_9_at_every_write(site: SiteOfTests) -> None:
    petition = crowd(site)
    before, at = Before(site), 0
    while True:
        seen = [hold_true(site, petition, []).checkpoint]
        died = run_and_die(site, petition, at)
        hold_true(site, petition, seen)
        site.sequence(petition, NOW + 2 * WEEK + 1)
        hold_whole(site, petition, seen)
        if not died:
            break
        at += 1
        before.again()
    assert at >= 10


def run_and_die(site: SiteOfTests, petition: PetitionSnapshot, at: int) -> bool:
    """A process of its own that is killed right after its write number `at`; whether it came so far."""
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


def test_witnesses_that_break_hold_nothing_back_for_ever(site: SiteOfTests) -> None:
    petition = crowd(site)

    class Broken(Witnesses):
        def ask(self, log: Log, files: Publication) -> bytes:
            raise Fault

    with pytest.raises(Fault):
        Sequencer(site.keystore, Broken()).sequence(site.database, petition, NOW + 2 * WEEK)
    seen = [hold_true(site, petition, []).checkpoint]
    site.sequence(petition, NOW + 2 * WEEK)
    hold_whole(site, petition, seen)


class Before:
    """The house's tables and files as they were, to be gone back to."""

    TABLES = (
        "signing_signature", "signing_waiting", "signing_log_index", "signing_withdrawal", "signing_total",
        "signing_bucket", "ledger_log", "ledger_bundle", "ledger_batch",
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
