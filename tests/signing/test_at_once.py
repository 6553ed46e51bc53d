"""Two processes at once: rows that one of them holds are waited for, or left to it, never counted twice."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from sabal.database import Database
from sabal.signing import count, held, operations, writer
from sabal.signing.operations import Operation, Outcome
from sabal.signing.writer.find import find
from signing.steps import ask, confirmation, confirmed, signed
from sites import NOW, SiteOfTests

MAILBOXES = 12
WITHIN = 20.0  # seconds


def at_once(site: SiteOfTests, *batches: list[Operation]) -> list[list[Outcome]]:
    """Commit each batch on a connection of its own, all at the same moment."""
    gate = threading.Barrier(len(batches))

    def commit(batch: list[Operation]) -> list[Outcome]:
        database = site.connect()
        try:
            gate.wait(WITHIN)
            return site.writer.commit(database, batch)
        finally:
            database.close()

    with ThreadPoolExecutor(len(batches)) as pool:
        return list(pool.map(commit, batches, timeout=WITHIN))


def test_two_links_of_each_mailbox_confirmed_by_two_processes_at_once(site: SiteOfTests) -> None:
    petition = site.publish()
    for turn in range(5):
        pairs = [
            [signed(site, petition, f"suzie.{turn}.{box}@example.org") for _ in range(2)]
            for box in range(MAILBOXES)
        ]
        ones = [confirmation(pair[0]) for pair in pairs]
        others = [confirmation(pair[1]) for pair in reversed(pairs)]
        assert at_once(site, [*ones], [*others]) == [[Outcome.DONE] * MAILBOXES] * 2
        assert site.rows("signing_signature") == (turn + 1) * MAILBOXES
    # A link whose row the other process held may still wait; its own click has settled it all the same.
    assert site.rows("signing_pending") == 0
    assert site.rows("signing_access") == 5 * MAILBOXES
    assert site.rows("signing_sealed") == 5 * MAILBOXES


def test_one_link_pressed_in_two_processes_at_once(site: SiteOfTests) -> None:
    petition = site.publish()
    suzie = signed(site, petition)
    click = confirmation(suzie)
    assert at_once(site, [click], [click], [click]) == [[Outcome.DONE]] * 3
    assert site.rows("signing_signature") == 1


@pytest.mark.postgresql
def test_a_withdrawal_in_the_middle_of_a_batch_does_not_wait_for_it(
    site: SiteOfTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    if site.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    petition = site.publish()
    suzie = confirmed(site, petition)
    add = count.add

    def meanwhile(*arguments: object) -> None:
        """The batch has taken her signature and has not committed."""
        monkeypatch.setattr(count, "add", add)
        withdrawn.extend(at_once(site, [operations.Withdraw(suzie.t, suzie.digest)]))
        add(*arguments)  # type: ignore[arg-type]

    withdrawn: list[list[Outcome]] = []
    monkeypatch.setattr(count, "add", meanwhile)
    database = site.connect()
    try:
        assert site.sequence(petition, NOW + 1, every=1.0, database=database) == 1
        assert withdrawn == [[Outcome.DONE]] and site.rows("signing_signature") == 0
        site.sequence(petition, NOW + 2, every=1.0, database=database)
    finally:
        database.close()
    totals = site.database.query("SELECT shown_confirmed, shown_withdrawn FROM signing_total")
    assert totals == [(1, 1)]


def test_many_withdrawals_against_a_batch(site: SiteOfTests) -> None:
    """Two processes withdraw overlapping sets, a third counts, and each statement meets the rows in another order."""
    petition = site.publish()
    for turn in range(4):
        signers = [
            ask(site, petition, f"suzie.{turn}.{n}@example.org", held=int(n % 4 == 0)) for n in range(60)
        ]
        site.writer.commit(site.database, [s.operation for s in signers])
        site.writer.commit(site.database, [confirmation(s) for s in signers])
        leaving = [operations.Withdraw(s.t, s.digest) for s in signers[:40]]
        gate = threading.Barrier(4)

        def withdraw(clicks: list[Operation], plan: str, gate: threading.Barrier = gate) -> int:
            with _planned(site, plan) as database:
                gate.wait(WITHIN)
                return site.writer.commit(database, clicks).count(Outcome.DONE)

        def take(plan: str, gate: threading.Barrier = gate, now: int = NOW + turn + 1) -> int:
            with _planned(site, plan) as database:
                gate.wait(WITHIN)
                return site.sequence(petition, now, every=0.5, database=database)

        def release(plan: str, gate: threading.Barrier = gate) -> int:
            with _planned(site, plan) as database:
                gate.wait(WITHIN)
                return held.release(database, petition.id)

        with ThreadPoolExecutor(4) as pool:
            tasks = [
                pool.submit(withdraw, [*leaving[:30]], "seqscan"),
                pool.submit(withdraw, [*reversed(leaving[10:])], "indexscan"),
                pool.submit(take, "indexscan"),
                pool.submit(release, "seqscan"),
            ]
            assert sum(task.result(WITHIN) for task in tasks[:2]) >= 40
            assert all(task.result(WITHIN) is not None for task in tasks)
    site.sequence(petition, NOW + 100, every=0.5)
    site.sequence(petition, NOW + 200, every=0.5)
    totals = site.database.query("SELECT shown_confirmed, shown_withdrawn FROM signing_total")
    assert totals == [(4 * 60, 4 * 40)]
    assert site.rows("signing_signature") == site.rows("signing_sealed") == 4 * 20


@contextmanager
def _planned(site: SiteOfTests, plan: str) -> Iterator[Database]:
    """A connection that finds its rows by this plan wherever it can: other plans meet them in other orders."""
    database = site.connect()
    try:
        if site.vendor == "postgresql":
            for other in {"seqscan", "indexscan", "bitmapscan"} - {plan}:
                database.execute(f"SET enable_{other} = off")
        yield database
    finally:
        database.close()


@pytest.mark.postgresql
@pytest.mark.parametrize("withdrawn_before_the_look", [True, False])
def test_a_click_that_meets_the_withdrawal_of_its_mailbox_is_not_lost(
    site: SiteOfTests, monkeypatch: pytest.MonkeyPatch, withdrawn_before_the_look: bool
) -> None:
    """Her second email is pressed while her first signature is withdrawn: one signature, or none, and no remains."""
    if site.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    petition = site.publish()
    first = confirmed(site, petition)
    second = signed(site, petition)
    look = writer.confirm.owners

    def meanwhile(*arguments: object) -> object:
        """The insert has met her first signature."""
        monkeypatch.setattr(writer.confirm, "owners", look)
        if withdrawn_before_the_look:
            withdrawal.start()
            withdrawal.join(WITHIN)
            return look(*arguments)  # type: ignore[arg-type]
        found = look(*arguments)  # type: ignore[arg-type]
        withdrawal.start()
        _wait(lambda: site.database.query("SELECT 1 FROM pg_locks WHERE NOT granted") != [])
        return found

    withdrawal = threading.Thread(target=at_once, args=(site, [operations.Withdraw(first.t, first.digest)]))
    monkeypatch.setattr(writer.confirm, "owners", meanwhile)
    assert at_once(site, [confirmation(second)]) == [[Outcome.DONE]]
    withdrawal.join(WITHIN)
    stands = 1 if withdrawn_before_the_look else 0  # withdrawn later, both links are withdrawn
    tables = ("signing_signature", "signing_sealed", "signing_access", "signing_pending")
    assert [site.rows(table) for table in tables] == [stands, stands, 0, 0]
    assert (find(site.database, [second.digest]) != [None]) == withdrawn_before_the_look


@pytest.mark.postgresql
def test_who_signs_again_while_withdrawing_gets_no_link_to_nothing(
    site: SiteOfTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    if site.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    petition = site.publish(profile='"open"')  # whose emails may say that a mailbox has signed
    first = confirmed(site, petition)
    again = ask(site, petition)
    judge = writer.sign._judge

    def meanwhile(*arguments: object) -> object:
        """Her signature has been found to stand."""
        withdrawal.start()
        _wait(lambda: site.database.query("SELECT 1 FROM pg_locks WHERE NOT granted") != [])
        return judge(*arguments)  # type: ignore[arg-type]

    withdrawal = threading.Thread(target=at_once, args=(site, [operations.Withdraw(first.t, first.digest)]))
    monkeypatch.setattr(writer.sign, "_judge", meanwhile)
    assert at_once(site, [again.operation]) == [[Outcome.DONE]]
    withdrawal.join(WITHIN)
    assert [site.rows(table) for table in ("signing_signature", "signing_sealed", "signing_access")] == [
        0,
        0,
        0,
    ]


def _wait(until: Callable[[], bool]) -> None:
    end = time.monotonic() + WITHIN
    while not until():
        assert time.monotonic() < end
        time.sleep(0.02)
