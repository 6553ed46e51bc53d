"""A late link of a guarded petition: only withdrawing finds it, and no clock tells it from an invented one."""

import random
import statistics
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from sabal import token
from sabal.records.export import Header
from sabal.signing import epochs, late, operations
from sabal.signing.operations import Outcome
from sabal.signing.sealed import write_sealed
from sabal.signing.writer.find import LATE_DAYS, find, is_late
from signing.steps import Signed, confirmation, confirmed, signed
from sites import DAY_NUMBER, NOW, SiteOfTests

DAY = 86_400
COUNTED = DAY_NUMBER + 7  # the day of the batch
LATE = COUNTED + LATE_DAYS + 1


def counted(site: SiteOfTests, *emails: str, **changes: str) -> list[Signed]:
    petition = site.publish(**changes)
    signers = [confirmed(site, petition, email) for email in emails]
    site.sequence(petition, NOW + 7 * DAY)
    return signers


def rekey(site: SiteOfTests, today: int = LATE) -> int:
    return late.rekey(site.database, site.petition(), today)


def found(site: SiteOfTests, one: Signed) -> bool:
    return find(site.database, [one.digest]) != [None]


def withdraw(site: SiteOfTests, one: Signed) -> list[Outcome]:
    return site.writer.commit(site.database, [operations.Withdraw(one.t, one.digest)])


def test_a_late_link_leads_nowhere_but_still_withdraws(site: SiteOfTests) -> None:
    suzie, max_ = counted(site, "suzie@example.org", "max@example.org")
    assert rekey(site, LATE - 1) == 0 and found(site, suzie)
    assert rekey(site) == 2
    assert not found(site, suzie) and find(site.database, [token.late(suzie.digest)]) != [None]
    assert site.writer.commit(site.database, [confirmation(suzie)]) == [Outcome.GONE]
    assert rekey(site) == 0  # once
    assert withdraw(site, suzie) == [Outcome.DONE] and withdraw(site, suzie) == [Outcome.GONE]
    assert site.rows("signing_signature") == site.rows("signing_sealed") == 1
    site.sequence(site.petition(), NOW + 30 * DAY)
    assert site.petition().counts.counted == 1
    assert withdraw(site, max_) == [Outcome.DONE]
    assert site.rows("signing_signature") == 0


def test_the_stored_hash_of_one_link_withdraws_nothing_by_itself(site: SiteOfTests) -> None:
    (suzie,) = counted(site, "suzie@example.org")
    rekey(site)
    invented = token.new()
    assert site.writer.commit(site.database, [operations.Withdraw(invented, token.digest(invented))]) == [
        Outcome.GONE
    ]
    assert site.rows("signing_signature") == 1 and withdraw(site, suzie) == [Outcome.DONE]


def test_later_links_of_the_address_follow(site: SiteOfTests) -> None:
    (suzie,) = counted(site, "suzie@example.org")
    again = confirmed(site, site.petition())
    early = signed(site, site.petition())
    assert site.rows("signing_access") == 1
    assert rekey(site) == 1  # the first link; the later one has no batch yet
    assert not found(site, suzie) and found(site, again)
    assert site.writer.commit(site.database, [confirmation(early)]) == [Outcome.DONE]
    assert found(site, early) and site.rows("signing_signature") == 1
    site.sequence(site.petition(), NOW + 30 * DAY)
    assert rekey(site, DAY_NUMBER + 30 + LATE_DAYS + 1) == 2
    assert not found(site, again) and not found(site, early)
    assert withdraw(site, again) == [Outcome.DONE]
    assert (site.rows("signing_signature"), site.rows("signing_access")) == (0, 0)


def test_a_pending_link_of_an_earlier_period_leads_to_the_signature(site: SiteOfTests) -> None:
    (suzie,) = counted(site, "suzie@example.org")
    pending = signed(site, site.petition())
    epochs.forget_epoch(site.database, site.keystore, site.petition().id, site.petition().pepper_epoch)
    assert rekey(site) == 1
    assert site.writer.commit(site.database, [confirmation(pending)]) == [Outcome.DONE]
    assert site.rows("signing_signature") == 1 and site.rows("signing_access") == 1
    assert withdraw(site, suzie) == [Outcome.DONE]
    assert (site.rows("signing_signature"), site.rows("signing_access")) == (0, 0)


def test_links_of_an_open_petition_keep_their_hash(site: SiteOfTests) -> None:
    (suzie,) = counted(site, "suzie@example.org", profile='"open"')
    assert rekey(site, LATE + 100) == 0 and found(site, suzie)


def test_an_export_is_not_made_while_links_get_their_hash(
    site: SiteOfTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row that changes its key between two reads would be left out."""
    counted(site, "suzie@example.org", "max@example.org")
    other = site.connect()
    with other.leader("tidy") as leads:
        assert leads
        monkeypatch.setattr("sabal.signing.sealed.PATIENCE", 0.2)
        with pytest.raises(Exception, match="Try again in a minute"):
            list(write_sealed(site.database, site.petition().id, Header("x")))
    other.close()
    lines = write_sealed(site.database, site.petition().id, Header("x"))
    assert len(list(lines)) == 3


def test_signers_do_not_wait_while_late_links_are_looked_for(site: SiteOfTests) -> None:
    """Eve knows when the worker tidies. Another process is writing all the time: the search needs no turn."""
    counted(site, "suzie@example.org", "max@example.org")
    other = site.connect()
    with other.transaction():
        other.execute("UPDATE signing_total SET confirmed = confirmed")
        searching = threading.Thread(target=lambda: rekey(site, LATE - 1), daemon=True)
        searching.start()
        searching.join(10)
        waits = searching.is_alive()
    other.close()
    searching.join(40)
    assert not waits


def test_no_statement_that_others_wait_for_reads_a_whole_table(
    site: SiteOfTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    if site.vendor != "sqlite":
        pytest.skip("the plans of PostgreSQL depend on the number of rows")
    counted(site, "suzie@example.org")
    signed(site, site.petition())
    epochs.forget_epoch(site.database, site.keystore, site.petition().id, site.petition().pepper_epoch)
    statements: list[str] = []
    site.database._connection.set_trace_callback(statements.append)  # type: ignore[attr-defined]
    assert rekey(site) == 1
    site.database._connection.set_trace_callback(None)  # type: ignore[attr-defined]
    begin, end = statements.index("BEGIN IMMEDIATE"), statements.index("COMMIT")
    assert end - begin > 4
    for statement in statements[begin + 1 : end]:
        plan = site.database.query(f"EXPLAIN QUERY PLAN {statement}")
        assert not [row for row in plan if row[3].startswith("SCAN")], (statement, plan)


def test_what_is_withdrawn_during_the_search_stays_withdrawn(
    site: SiteOfTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    suzie, max_ = counted(site, "suzie@example.org", "max@example.org")
    search = late._search

    def meanwhile(*args: Any) -> Iterator[list[bytes]]:
        for hashes in search(*args):
            if suzie.digest in hashes:
                withdraw(site, suzie)
            yield hashes

    monkeypatch.setattr(late, "_search", meanwhile)
    assert rekey(site) == 1 and not found(site, suzie) and not found(site, max_)
    assert site.rows("signing_signature") == 1


def test_a_link_is_shown_until_it_is_no_longer_found(site: SiteOfTests) -> None:
    """To find and discard takes longer than to find nothing. That happens only if no worker ran for a day."""
    (suzie,) = counted(site, "suzie@example.org")

    def shows(today: int) -> bool:
        (one,) = find(site.database, [suzie.digest])
        return one is not None and not is_late(site.petition(), one.counted_on, today)

    assert all(shows(day) for day in range(COUNTED, LATE + 1))
    assert found(site, suzie) and not shows(LATE + 1)
    rekey(site)
    assert not shows(LATE) and not found(site, suzie)


@pytest.mark.timing
def test_a_clock_does_not_tell_a_late_link_from_an_invented_one(site: SiteOfTests) -> None:
    """Thousands of interleaved pairs: the difference of the medians is not larger than between two invented links."""
    signers = counted(site, *(f"signer{n}@example.org" for n in range(200)))
    assert rekey(site) == 200
    kinds: dict[str, list[float]] = {"late": [], "invented": [], "other": []}
    for _ in range(4_000):
        hashes = {
            "late": random.choice(signers).digest,
            "invented": token.digest(token.new()),
            "other": token.digest(token.new()),
        }
        for kind in random.sample(sorted(hashes), 3):
            began = time.perf_counter_ns()
            find(site.database, [hashes[kind]])
            kinds[kind].append((time.perf_counter_ns() - began) / 1_000)
    medians = {kind: statistics.median(times) for kind, times in kinds.items()}
    print({kind: f"{median:.2f} µs" for kind, median in medians.items()})
    noise = max(1.0, 3 * abs(medians["invented"] - medians["other"]))
    assert abs(medians["late"] - medians["invented"]) <= noise, medians
    # An attacker who compares pairs is right half of the time.
    right = sum(a > b for a, b in zip(kinds["late"], kinds["invented"], strict=True)) / 4_000
    assert 0.45 < right < 0.55
