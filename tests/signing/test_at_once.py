"""Two processes at once: a row locked by the other process is waited for or skipped, and never counted twice."""

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

ADDRESSES = 12
WITHIN = 20.0  # seconds


def at_once(site: SiteOfTests, *batches: list[Operation]) -> list[list[Outcome]]:
    """Commit each batch on its own connection, all at the same time."""
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


def test_two_processes_confirm_two_links_of_each_address_at_once(site: SiteOfTests) -> None:
    petition = site.publish()
    for turn in range(5):
        pairs = [
            [signed(site, petition, f"suzie.{turn}.{box}@example.org") for _ in range(2)]
            for box in range(ADDRESSES)
        ]
        ones = [confirmation(pair[0]) for pair in pairs]
        others = [confirmation(pair[1]) for pair in reversed(pairs)]
        assert at_once(site, [*ones], [*others]) == [[Outcome.DONE] * ADDRESSES] * 2
        assert site.rows("signing_signature") == (turn + 1) * ADDRESSES
    # A process skips a pending row that the other has locked, but each link's own click has removed its row.
    assert site.rows("signing_pending") == 0
    assert site.rows("signing_access") == 5 * ADDRESSES
    assert site.rows("signing_sealed") == 5 * ADDRESSES


def test_three_processes_confirm_one_link_at_once(site: SiteOfTests) -> None:
    petition = site.publish()
    suzie = signed(site, petition)
    click = confirmation(suzie)
    assert at_once(site, [click], [click], [click]) == [[Outcome.DONE]] * 3
    assert site.rows("signing_signature") == 1


@pytest.mark.postgresql
def test_a_withdrawal_during_a_batch_does_not_wait_for_it(
    site: SiteOfTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    if site.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    petition = site.publish()
    suzie = confirmed(site, petition)
    enter = count.sums.enter

    def meanwhile(*arguments: object) -> None:
        """Withdraw after the batch has taken her signature and before it commits."""
        monkeypatch.setattr(count.sums, "enter", enter)
        withdrawn.extend(at_once(site, [operations.Withdraw(suzie.t, suzie.digest)]))
        enter(*arguments)  # type: ignore[arg-type]

    withdrawn: list[list[Outcome]] = []
    monkeypatch.setattr(count.sums, "enter", meanwhile)
    database = site.connect()
    try:
        assert site.sequence(petition, NOW + 1, every=1.0, database=database) == 1
        assert withdrawn == [[Outcome.DONE]] and site.rows("signing_signature") == 0
        site.sequence(petition, NOW + 2, every=1.0, database=database)
    finally:
        database.close()
    totals = site.database.query("SELECT published_confirmed, published_withdrawn FROM signing_total")
    assert totals == [(1, 1)]


def test_many_withdrawals_during_a_batch(site: SiteOfTests) -> None:
    """Two processes withdraw overlapping sets while others count and release; plans read rows in different orders."""
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
    totals = site.database.query("SELECT published_confirmed, published_withdrawn FROM signing_total")
    assert totals == [(4 * 60, 4 * 40)]
    assert site.rows("signing_signature") == site.rows("signing_sealed") == 4 * 20


@contextmanager
def _planned(site: SiteOfTests, plan: str) -> Iterator[Database]:
    """Open a connection that uses this plan where possible. Different plans read the rows in different orders."""
    database = site.connect()
    try:
        if site.vendor == "postgresql":
            for other in {"seqscan", "indexscan", "bitmapscan"} - {plan}:
                database.execute(f"SET enable_{other} = off")
        yield database
    finally:
        database.close()


@pytest.mark.postgresql
@pytest.mark.parametrize("withdrawn_before_the_query", [True, False])
def test_a_click_during_a_withdrawal_of_the_same_address_is_not_lost(
    site: SiteOfTests, monkeypatch: pytest.MonkeyPatch, withdrawn_before_the_query: bool
) -> None:
    """She confirms by her second email while her first signature is withdrawn.

    This gives one signature or none, and no rows are left over.
    """
    if site.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    petition = site.publish()
    first = confirmed(site, petition)
    second = signed(site, petition)
    owners = writer.confirm.owners

    def meanwhile(*arguments: object) -> object:
        """Withdraw after the insert has found her first signature."""
        monkeypatch.setattr(writer.confirm, "owners", owners)
        if withdrawn_before_the_query:
            withdrawal.start()
            withdrawal.join(WITHIN)
            return owners(*arguments)  # type: ignore[arg-type]
        found = owners(*arguments)  # type: ignore[arg-type]
        withdrawal.start()
        _wait(lambda: site.database.query("SELECT 1 FROM pg_locks WHERE NOT granted") != [])
        return found

    withdrawal = threading.Thread(target=at_once, args=(site, [operations.Withdraw(first.t, first.digest)]))
    monkeypatch.setattr(writer.confirm, "owners", meanwhile)
    assert at_once(site, [confirmation(second)]) == [[Outcome.DONE]]
    withdrawal.join(WITHIN)
    left = 1 if withdrawn_before_the_query else 0  # a later withdrawal withdraws both links
    tables = ("signing_signature", "signing_sealed", "signing_access", "signing_pending")
    assert [site.rows(table) for table in tables] == [left, left, 0, 0]
    assert (find(site.database, [second.digest]) != [None]) == withdrawn_before_the_query


@pytest.mark.postgresql
def test_signing_again_during_a_withdrawal_leaves_no_link_without_a_signature(
    site: SiteOfTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    if site.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    petition = site.publish(profile='"open"')  # its emails may say that an address has signed
    first = confirmed(site, petition)
    again = ask(site, petition)
    judge = writer.sign._judge

    def meanwhile(*arguments: object) -> object:
        """Withdraw after her signature has been found."""
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


def _wait(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + WITHIN
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)
