"""Figures: in any order of events, every number is the sum of its parts, and page, JSON and checkpoint agree."""

import json
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from conftest import POSTGRESQL, fresh_site, publish_example
from sabal.api import views
from sabal.desk.numbers import batches_of, numbers_of
from sabal.keys.keystore import bucket_key_name
from sabal.ledger.finalise import finalise_due
from sabal.ledger.revoke import revoke
from sabal.ledger.sequencer import Sequencer
from sabal.pages import petition as pages
from sabal.pages import site as site_pages
from sabal.petitions.countries import country_name
from sabal.petitions.growth import Step, parts
from sabal.petitions.models import Petition as PetitionRow
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.publishing import states
from sabal.records.revocations import Revocation, Revocations
from sabal.signing import epochs, held, operations
from sabal.signing.buckets import GONE, NOT_KNOWN, Buckets, items_of
from sabal.signing.operations import Outcome
from sabal.signing.writer import log_index, sums
from signing.steps import Signed, ask, confirmation, confirmed, signed
from sites import DAY_NUMBER, NOW, TODAY, SiteOfTests
from templates import Template, made_once
from tlog.entry import Reason

pytestmark = pytest.mark.slow  # many petitions, requests or events in each test

DAY, WEEK = 86_400, 604_800
KINDS = ("country", "day", "language")
Sites = Callable[[], AbstractContextManager[SiteOfTests]]


def test_the_country_leaves_with_the_signature(site: SiteOfTests) -> None:
    petition = site.publish(profile='"open"')
    signers = [confirmed(site, petition, f"suzie{n}@example.org", country="US") for n in range(6)]
    confirmed(site, petition, "max@example.org", country="KR", language="en")
    site.sequence(petition, NOW + 60)
    assert site.petition().counts.countries == (("US", 6), ("KR", 1))
    withdraw(site, signers[0])
    revoke(site.database, petition, proposal(site.petition(), [index_of(site, signers[1])]))
    assert site.petition().counts.countries == (("US", 6), ("KR", 1))  # all numbers wait for the same batch
    site.sequence(petition, NOW + 120)
    counts = agreeing(site)
    assert (counts.counted, counts.countries, counts.elsewhere) == (5, (("US", 4), ("KR", 1)), 0)
    assert stored(site)["language"] == {"ko": 4, "en": 1}


def test_a_country_without_signatures_leaves_no_trace(site: SiteOfTests) -> None:
    petition = site.publish(profile='"open"')
    only, _ = confirmed(site, petition, country="FJ"), confirmed(site, petition, "max@example.org")
    site.sequence(petition, NOW + 60)
    withdraw(site, only)
    site.sequence(petition, NOW + 120)
    assert agreeing(site).countries == (("KR", 1),)
    assert stored(site) == {"country": {"KR": 1}, "language": {"ko": 1}, "day": {"2026-11-24": 1}}


@pytest.mark.parametrize("times", [1, 2])
def test_a_second_link_takes_the_first_signatures_country(site: SiteOfTests, times: int) -> None:
    """Its own form may have said another one."""
    petition = site.publish(profile='"open"')
    confirmed(site, petition, country="KR")
    second = confirmed(site, petition, country="US", language="en")
    confirmed(site, petition, "max@example.org", country="US")
    site.sequence(petition, NOW + 60)
    assert agreeing(site).countries == (("KR", 1), ("US", 1))
    for _ in range(times):
        site.writer.commit(site.database, [operations.Withdraw(second.t, second.digest)])
        site.sequence(petition, NOW + 120)
    assert agreeing(site).countries == (("US", 1),)


def test_a_signature_that_leaves_before_its_batch_is_in_no_sum(site: SiteOfTests) -> None:
    petition = site.publish(profile='"open"')
    withdraw(site, confirmed(site, petition))
    confirmed(site, petition, "eve@example.org", country="US", held=2)
    assert held.drop(site.database, petition.id, held.REASONS["automated"]) == 1
    site.sequence(petition, NOW + 60)
    counts = agreeing(site)
    assert (counts.confirmed, counts.counted, counts.countries) == (2, 0, ())
    assert stored(site) == {}
    assert b"Nobody has signed" not in page(site).encode()  # two people have


def test_a_petition_without_server_dedupe_counts_alike(site: SiteOfTests) -> None:
    petition = site.publish(profile='"open"', dedupe='"offline"')
    first = confirmed(site, petition, country="KR")
    confirmed(site, petition, country="US")
    site.sequence(petition, NOW + 60)
    withdraw(site, first)
    site.sequence(petition, NOW + 120)
    assert agreeing(site).countries == (("US", 1),)


def test_after_the_end_a_withdrawal_changes_the_total_and_the_page_says_why(site: SiteOfTests) -> None:
    petition = site.publish(profile='"open"')
    suzie, _ = confirmed(site, petition), confirmed(site, petition, "max@example.org", country="US")
    site.sequence(petition, NOW + 60)
    states.close(petition.slug, TODAY)
    assert finalise(site)
    assert not site.database.query("SELECT 1 FROM keys_key WHERE name LIKE ?", ("bucket/%",))
    assert site.database.query("SELECT 1 FROM signing_counted WHERE buckets IS NOT NULL") == []
    assert agreeing(site).countries == (("KR", 1), ("US", 1))
    withdraw(site, suzie)
    site.sequence(site.petition(), NOW + 30 * DAY)
    counts = agreeing(site)
    assert (counts.counted, counts.countries, counts.no_longer_known) == (1, (("KR", 1), ("US", 1)), 1)
    assert "Of these, 1 no longer counts" in page(site)


def test_guarded_numbers_wait_for_company_when_they_fall(site: SiteOfTests) -> None:
    """One person who withdraws would otherwise show, in the next batch, where they live."""
    petition = site.publish()
    signers = [
        confirmed(site, petition, f"s{n}@example.org", country="KR" if n < 100 else "DE") for n in range(120)
    ]
    site.sequence(petition, NOW + WEEK)
    assert agreeing(site).countries == (("KR", 100), ("DE", 20))
    withdraw(site, signers[100])
    newcomers = iter(range(1000))

    def batch(now: float) -> dict[str, int]:
        for _ in range(5):
            confirmed(site, petition, f"max{next(newcomers)}@example.org", country="JP")
        site.sequence(petition, now)
        return dict(agreeing(site).countries)

    assert batch(NOW + WEEK + DAY) == {"KR": 100, "DE": 20}  # nothing shows where the one lives
    for one in signers[:4]:
        withdraw(site, one)
    assert batch(NOW + WEEK + 2 * DAY) == {"KR": 90, "DE": 10, "JP": 10}
    withdraw(site, signers[5])
    for days in (3, 4):  # those who left before are no company for one more
        assert batch(NOW + WEEK + days * DAY) == {"KR": 90, "DE": 10, "JP": 10}
    site.sequence(petition, NOW + 2 * WEEK + 4 * DAY)  # alone, after the longest wait
    assert agreeing(site).counted == 134 and dict(agreeing(site).countries)["JP"] == 20


def test_numbers_by_country_that_no_longer_fit_are_not_shown(site: SiteOfTests) -> None:
    petition = site.publish()
    signers = [confirmed(site, petition, f"s{n}@example.org", country="KR") for n in range(110)]
    site.sequence(petition, NOW + WEEK)
    assert agreeing(site).countries == (("KR", 110),)
    for one in signers[:5]:
        withdraw(site, one)
    Sequencer(site.keystore).sequence_all(site.database, petition, NOW + WEEK + 3_600)
    counts = agreeing(site)
    assert (counts.counted, counts.countries) == (105, ())
    assert "Where they live" not in page(site)
    site.sequence(petition, NOW + WEEK + DAY)  # nothing is to be counted; the numbers by country are due
    assert agreeing(site).countries == (("KR", 100),)


def test_a_crash_at_any_step_of_a_batch_keeps_the_sums(
    site: SiteOfTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After each transaction the process ends; the next one continues."""
    monkeypatch.setattr(log_index, "CHUNK", 2)
    petition = site.publish(profile='"open"')
    signers = [
        confirmed(site, petition, f"s{n}@example.org", country="US" if n % 2 else "KR") for n in range(7)
    ]
    site.sequence(petition, NOW + 60)
    for one in signers[:3]:
        withdraw(site, one)
    for n in range(3):
        confirmed(site, petition, f"max{n}@example.org", country="FJ")
    crashes = 0
    while crashes < 40:
        try:
            site.sequence(
                petition, NOW + 120, database=CrashingDatabase(site.database, after=crashes % 3 + 1)
            )  # type: ignore[arg-type]
            break
        except PowerFailure:
            crashes += 1
            assert complete(site)
    assert crashes > 2
    counts = agreeing(site)
    assert (counts.confirmed, counts.withdrawn) == (10, 3)
    assert dict(counts.countries) == {"US": 2, "KR": 2, "FJ": 3}


def test_a_crash_while_the_buckets_are_destroyed_is_made_good(
    site: SiteOfTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    petition = site.publish(profile='"open"')
    suzie, max_ = confirmed(site, petition), confirmed(site, petition, "max@example.org", country="US")
    site.sequence(petition, NOW + 60)
    states.close(petition.slug, TODAY)
    with monkeypatch.context() as broken:
        broken.setattr(sums, "forget", fail)  # after the key is destroyed
        with pytest.raises(PowerFailure):
            finalise(site)
    withdraw(site, suzie)
    assert finalise(site)
    counts = agreeing(site)
    assert (counts.counted, counts.countries, counts.no_longer_known) == (1, (("KR", 1), ("US", 1)), 1)
    assert site.database.query("SELECT 1 FROM signing_counted WHERE buckets IS NOT NULL") == []
    assert max_.t


def test_who_has_the_database_alone_learns_no_country(site: SiteOfTests) -> None:
    """Waiting or counted, equal buckets look different, all have one length, and none names a country or a language."""
    petition = site.publish(profile='"open"')
    for n in range(4):
        confirmed(site, petition, f"s{n}@example.org", country="FJ", language="zh-hans")
    confirmed(site, petition, "max@example.org", country="", language="en")
    found = [bytes(row[0]) for row in site.database.query("SELECT bucket FROM signing_waiting")]
    assert len(set(found)) == 5 and {len(one) for one in found} == {48}
    site.sequence(petition, NOW + 60)
    ((counted,),) = site.database.query("SELECT buckets FROM signing_counted")
    assert len(bytes(counted)) == 12 + 5 * 32 + 16
    everything = b"".join([*found, bytes(counted)])
    assert b"FJ" not in everything and b"zh-hans" not in everything
    assert site.petition().bucket_key not in (None, everything)


@pytest.mark.parametrize("how", ["withdrawn", "revoked"])
def test_what_leaves_leaves_no_country_with_the_key_either(site: SiteOfTests, how: str) -> None:
    """Who steals database and key later learns nothing about those who left before."""
    petition = site.publish(profile='"open"')
    leaver = confirmed(site, petition, country="FJ")
    confirmed(site, petition, "max@example.org", country="US")
    site.sequence(petition, NOW + 60)
    index = index_of(site, leaver)
    assert countries_of_entries(site).count("FJ") == 1
    if how == "withdrawn":
        withdraw(site, leaver)
    else:
        revoke(site.database, petition, proposal(site.petition(), [index]))
    site.sequence(petition, NOW + 120)
    assert sorted(countries_of_entries(site)) == ["", "US"] and agreeing(site).counted == 1


def test_a_goal_is_compared_with_what_counts(site: SiteOfTests) -> None:
    petition = site.publish(profile='"open"', goal="1000")
    signers = [confirmed(site, petition, f"s{n}@example.org") for n in range(3)]
    site.sequence(petition, NOW + 60)
    withdraw(site, signers[0])
    site.sequence(petition, NOW + 120)
    assert agreeing(site).counted == 2
    shown = page(site)
    assert '<progress max="1000" value="2"' in shown and re.search(r'id="goal">2 (of|/) 1,?000', shown)


@pytest.mark.parametrize("swapped", ["waiting", "counted"])
def test_buckets_cannot_be_swapped_unnoticed(
    site: SiteOfTests, swapped: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A bucket of another signature or of other entries does not open: no country gains, and the journal says so."""
    petition = site.publish(profile='"open"')
    first = confirmed(site, petition, country="KR")
    if swapped == "counted":
        site.sequence(petition, NOW + 60)
    confirmed(site, petition, "max@example.org", country="US")
    if swapped == "counted":
        site.sequence(petition, NOW + 120)
        swap(site, "signing_counted", "first", "buckets")
        withdraw(site, first)
    else:
        swap(site, "signing_waiting", "commitment", "bucket")
    site.sequence(petition, NOW + 180)
    assert "do not open" in caplog.text
    counts = agreeing(site)
    if swapped == "waiting":
        assert (counts.countries, counts.elsewhere) == ((), 2)
    else:
        assert (dict(counts.countries), counts.no_longer_known) == ({"KR": 1, "US": 1}, 1)


def test_without_the_key_people_sign_and_their_countries_are_not_known(site: SiteOfTests) -> None:
    petition = site.publish(profile='"open"')
    known = confirmed(site, petition, country="KR")
    site.sequence(petition, NOW + 60)
    site.keystore.destroy(site.database, bucket_key_name(petition.id))
    site.database.execute("UPDATE petitions_petition SET revision = revision + 1")
    confirmed(site, site.petition(), "max@example.org", country="US")
    withdraw(site, known)
    site.sequence(petition, NOW + 120)
    counts = agreeing(site)
    assert (counts.counted, counts.countries, counts.elsewhere, counts.no_longer_known) == (
        1,
        (("KR", 1),),
        1,
        1,
    )


class Petition(RuleBasedStateMachine):
    """One petition through its life, in any order of events."""

    sites: Sites
    profile = "open"

    def __init__(self) -> None:
        super().__init__()
        self._context = self.sites()
        self.site = self._context.__enter__()
        self.site.publish(profile=f'"{self.profile}"')
        self.pending: list[Signed] = []
        self.links: list[Signed] = []
        self.origins: dict[bytes, tuple[str, str]] = {}  # by commitment
        self.now, self.amended, self.signed = NOW, 0, 0
        self.seen: object = None  # the numbers that were compared last

    def teardown(self) -> None:
        self._context.__exit__(None, None, None)

    def is_open(self) -> bool:
        return self.site.petition().state == "open"

    @precondition(is_open)
    @rule(country=st.sampled_from(["KR", "US", "FJ", ""]), language=st.sampled_from(["ko", "en"]),
          n=st.integers(1, 12), why=st.sampled_from([0, 0, 0, 1]))  # fmt: skip
    def sign(self, country: str, language: str, n: int, why: int) -> None:
        for _ in range(n):
            self.signed += 1
            address = f"s{self.signed}@example.org"
            one = signed(
                self.site, self.site.petition(), address, country=country, language=language, held=why
            )
            self.origins[one.operation.commitment] = country, language
            self.pending.append(one)

    @precondition(is_open)
    @rule(data=st.data(), country=st.sampled_from(["KR", "JP"]))
    def sign_again(self, data: st.DataObject, country: str) -> None:
        if self.signed:
            address = f"s{data.draw(st.integers(1, self.signed))}@example.org"
            one = ask(self.site, self.site.petition(), address, country=country)
            (outcome,) = self.site.writer.commit(self.site.database, [one.operation])
            if outcome is Outcome.IGNORED:  # a fourth form of one address, while three wait for their click
                return
            assert outcome is Outcome.DONE
            self.origins[one.operation.commitment] = country, "ko"
            self.pending.append(one)

    @rule(all_but=st.integers(0, 2))
    def confirm(self, all_but: int) -> None:
        if self.site.petition().state not in ("open", "closed"):
            return
        while len(self.pending) > all_but:
            one = self.pending.pop()
            self.site.writer.commit(self.site.database, [confirmation(one)])
            self.links.append(one)

    @rule(data=st.data(), n=st.integers(1, 8))
    def withdraw(self, data: st.DataObject, n: int) -> None:
        for _ in range(min(n, len(self.links))):
            one = self.links[data.draw(st.integers(0, len(self.links) - 1))]
            self.site.writer.commit(self.site.database, [operations.Withdraw(one.t, one.digest)])

    @rule(data=st.data(), reason=st.sampled_from([Reason.DUPLICATE, Reason.FAKE]))
    def revoke(self, data: st.DataObject, reason: Reason) -> None:
        indexes = [
            row[0] for row in self.site.database.query("SELECT idx FROM signing_log_index ORDER BY idx")
        ]
        if indexes:
            some = data.draw(st.lists(st.sampled_from(indexes), max_size=8, unique=True))
            proposed = proposal(self.site.petition(), some, reason)
            revoke(self.site.database, self.site.petition(), proposed)
            revoke(self.site.database, self.site.petition(), proposed)  # as after a crash

    @rule(drop=st.booleans())
    def review(self, drop: bool) -> None:
        petition = self.site.petition()
        if drop:
            held.drop(self.site.database, petition.id, Reason.FAKE)
        else:
            held.release(self.site.database, petition.id)

    @precondition(is_open)
    @rule()
    def amend(self) -> None:
        slug = self.site.petition().slug
        states.pause(slug)
        self.site.publish_again(slug)
        self.amended += 1
        self.site.sequence(
            self.site.petition(), self.now
        )  # it shows what is counted only after the next round

    @precondition(is_open)
    @rule()
    def renew(self) -> None:
        epochs.renew_pepper(self.site.database, self.site.keystore, self.site.petition(), DAY_NUMBER)

    @rule(wait=st.sampled_from([60, 3_600, DAY, WEEK]))
    def batch(self, wait: int) -> None:
        self.now += wait
        self.site.sequence(self.site.petition(), self.now)

    @rule(wait=st.sampled_from([60, WEEK]), after=st.integers(1, 4))
    def crashing_batch(self, wait: int, after: int) -> None:
        self.now += wait
        database: Any = CrashingDatabase(self.site.database, after)
        try:
            self.site.sequence(self.site.petition(), self.now, database=database)
        except PowerFailure:
            assert complete(self.site)
            self.site.sequence(self.site.petition(), self.now)

    @precondition(is_open)
    @rule(last=st.booleans())
    def end(self, last: bool) -> None:
        if last and self.signed > 8:
            states.close(self.site.petition().slug, TODAY)
            assert finalise(self.site)

    @invariant()
    def every_number_is_the_sum_of_its_parts(self) -> None:
        assert complete(self.site)
        petition = self.site.petition()
        dashboard_agrees(self.site, petition)
        counts, closed = petition.counts, petition.state == "finalised"
        if (petition.revision, counts) == self.seen:
            return
        self.seen = petition.revision, counts
        assert agreeing(self.site) == counts
        if counts.log_size > 1:
            entries = 1 + self.amended + counts.confirmed + counts.withdrawn + counts.invalidated + closed
            assert counts.log_size == entries
        if not closed:
            assert stored(self.site) == self.true_sums()

    def true_sums(self) -> dict[str, dict[str, int]]:
        """Return what is counted, from the log and from what the signers typed."""
        rows = self.site.database.query(
            "SELECT commitment FROM signing_log_index WHERE commitment NOT IN"
            " (SELECT commitment FROM signing_withdrawal WHERE revoked = 1)"
        )
        origins = [self.origins[bytes(row[0])] for row in rows]
        by_day = stored(self.site).get("day", {})
        assert sum(by_day.values()) == len(origins)
        found = {
            "country": dict(Counter(country for country, _ in origins)),
            "language": dict(Counter(language for _, language in origins)),
            "day": by_day,
        }
        return {kind: found[kind] for kind in found if found[kind]}


@pytest.mark.parametrize("profile", ["open", "guarded"])
@pytest.mark.parametrize("kind", ["sqlite", POSTGRESQL])
def test_every_number_is_the_sum_of_its_parts_in_any_order_of_events(
    kind: str, profile: str, sites_of: Callable[[str], Sites]
) -> None:
    machine = type("AnyPetition", (Petition,), {"sites": staticmethod(sites_of(kind)), "profile": profile})
    some = settings(
        max_examples=8 if kind == "sqlite" else 3,
        stateful_step_count=20,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine, settings=some)


@pytest.fixture
def sites_of(
    request: pytest.FixtureRequest, key_file: Path, carols_identity: Any, django_db_blocker: Any
) -> Iterator[Callable[[str], Sites]]:
    """Yield a function that makes fresh sites on one kind of database."""

    def of(kind: str) -> Sites:
        template: Template = request.getfixturevalue(kind)
        made_once(template.example, lambda file: publish_example(file, template, key_file, carols_identity))

        @contextmanager
        def fresh() -> Iterator[SiteOfTests]:
            with (
                tempfile.TemporaryDirectory() as folder,
                pytest.MonkeyPatch.context() as patch,
                fresh_site(template, Path(folder), key_file, carols_identity, patch) as site,
            ):
                yield site

        return fresh

    with django_db_blocker.unblock():
        yield of


class PowerFailure(Exception):
    """The process ends here."""


def fail(*_: object) -> None:
    raise PowerFailure


class CrashingDatabase:
    """A database whose process ends after so many committed transactions."""

    def __init__(self, inner: Any, after: int) -> None:
        self._inner, self._after = inner, after

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self._inner.transaction():
            yield
        self._after -= 1
        if self._after == 0:
            raise PowerFailure


def withdraw(site: SiteOfTests, one: Signed) -> None:
    done = site.writer.commit(site.database, [operations.Withdraw(one.t, one.digest)])
    assert done == [Outcome.DONE]


def finalise(site: SiteOfTests, days: int = 16) -> bool:
    return finalise_due(
        site.database, site.keystore, Sequencer(site.keystore), site.petition(),
        TODAY + timedelta(days=days), NOW + 400 * DAY,
    )  # fmt: skip


def proposal(
    petition: PetitionSnapshot, indexes: list[int], reason: Reason = Reason.DUPLICATE
) -> Revocations:
    items = tuple(Revocation(index, reason, "") for index in sorted(indexes))
    return Revocations(petition.origin, petition.counts.log_size, items)


def countries_of_entries(site: SiteOfTests) -> list[str]:
    """Return the country under which each entry of the log is counted, as who has the key reads it."""
    buckets = Buckets(site.petition().bucket_key)
    rows = site.database.query("SELECT first, buckets FROM signing_counted")
    opened = [buckets.open_counted(first, bytes(sealed)) for first, sealed in rows]
    assert all(opened)
    return ["" if one == NOT_KNOWN else items_of(one)[0] for row in opened if row for one in row]


def index_of(site: SiteOfTests, one: Signed) -> int:
    found = site.database.query(
        "SELECT idx FROM signing_log_index WHERE commitment = ?", (one.operation.commitment,)
    )
    return int(found[0][0])


def swap(site: SiteOfTests, table: str, key: str, column: str) -> None:
    """Exchange a column of two rows."""
    (one, first), (other, second) = site.database.query(f"SELECT {key}, {column} FROM {table}")
    for at, value in ((one, second), (other, first)):
        site.database.execute(f"UPDATE {table} SET {column} = ? WHERE {key} = ?", (value, at))


def stored(site: SiteOfTests) -> dict[str, dict[str, int]]:
    """Return the sums in the database, by kind and item."""
    found: dict[str, dict[str, int]] = {}
    for kind, item, n in site.database.query("SELECT kind, item, n FROM signing_bucket"):
        found.setdefault(kind, {})[item] = n
    return found


def complete(site: SiteOfTests) -> bool:
    """Return whether the sums of each kind are what counts, and only the expected numbers are negative."""
    ((counted,),) = site.database.query("SELECT confirmed - withdrawn - invalidated FROM signing_total")
    found = stored(site)
    negative = {item for items in found.values() for item, n in items.items() if n < 0}
    return negative <= {GONE} and all(sum(found.get(kind, {}).values()) == counted for kind in KINDS)


def agreeing(site: SiteOfTests) -> Any:
    """Return the published numbers after comparing them with JSON, pages and checkpoint."""
    petition = site.petition()
    counts = petition.counts
    assert counts.elsewhere >= 0
    assert counts.counted == sum(n for _, n in counts.countries) + counts.elsewhere - counts.no_longer_known
    agree_elsewhere(petition)
    attributes = json.loads(views.petition(petition).body)["data"]["attributes"]
    flat = json.loads(views.count(petition).body)
    assert {key: attributes[key] for key in flat if key in attributes} == {
        key: flat[key] for key in flat if key in attributes
    }
    if petition.gathering:
        assert attributes["signature_count"] is None and attributes["signatures_by_country"] == []
        return counts
    by_country = sum(one["signature_count"] for one in attributes["signatures_by_country"])
    rest = attributes["signatures_elsewhere"] - attributes["signatures_no_longer_known"]
    assert attributes["signature_count"] == counts.counted == by_country + rest
    if counts.checkpoint:
        assert attributes["log"]["size"] == int(counts.checkpoint.split(b"\n")[1]) == counts.log_size
    shown = re.search(r"<b>([\d,]+)</b> (?:person|people)", text := page(site))
    assert (int(shown[1].replace(",", "")) if shown else 0) == counts.counted
    if line := re.search(r"Where they live: (.*?)</p>", text):
        numbers = [int(part.rsplit(" ", 1)[1].replace(",", "")) for part in line[1].split(" · ")]
        gone = re.search(r"Of these, (\d+) no longer count", text)
        assert sum(numbers) - (int(gone[1]) if gone else 0) == counts.counted
        assert all(country_name(code, "en") in line[1] for code, _ in counts.countries)
    return counts


def agree_elsewhere(petition: PetitionSnapshot) -> None:
    """Compare the list of petitions and the page on how to check with the published numbers."""
    counts = petition.counts
    words = re.sub(r"<[^>]*>", " ", site_pages.index([petition], "en").body.decode())
    shown = re.search(r"([\d,]+) signatures?, confirmed by email", words)
    assert petition.gathering == ("The first signatures are being gathered" in words) == (shown is None)
    check = re.search(
        r"<dl class=\"facts sum\">(.*?)</dl>", site_pages.verify([petition], "en").body.decode(), re.DOTALL
    )
    assert petition.gathering == (check is None)
    if shown and check:
        assert as_number(shown[1]) == counts.counted
        sums = [as_number(n) for n in re.findall(r"<dd>(?:− )?([\d,]+)</dd>", check[1])]
        assert sums == [counts.confirmed, counts.withdrawn, counts.invalidated, counts.counted]
        assert sums[0] - sums[1] - sums[2] == sums[3]


def dashboard_agrees(site: SiteOfTests, petition: PetitionSnapshot) -> None:
    """Compare the numbers of the desk and the public history with the published numbers."""
    counts = petition.counts
    row = PetitionRow.objects.select_related("version").get(pk=petition.id)
    numbers = numbers_of(site.database, row, petition.definition)
    assert numbers.counts == counts
    for step in Step:
        made = parts(numbers.history, step)
        grown = [
            sum(getattr(part, kind) for part in made) for kind in ("confirmed", "withdrawn", "invalidated")
        ]
        assert grown == [counts.confirmed, counts.withdrawn, counts.invalidated]
        assert made[-1].counted == counts.counted
    assert numbers.not_named(numbers.languages) >= 0
    if numbers.now is not None:
        ((ever,),) = site.database.query("SELECT confirmed FROM signing_total")
        assert numbers.confirmed == ever + site.rows("signing_waiting")
        assert min(numbers.now.waiting, numbers.now.all_held) >= 0
        assert dict(numbers.languages).keys() <= {"ko", "en"} and not numbers.gathering
        batches = batches_of(site.database, petition.id, limit=1_000)
        assert sum(batch.confirmed or 0 for batch in batches) == counts.confirmed
        assert sum(batch.withdrawn or 0 for batch in batches) == counts.withdrawn
        assert sum(batch.invalidated or 0 for batch in batches) == counts.invalidated
        assert not batches or batches[0].size == counts.log_size
        last = json.loads(views.growth(petition).body)["days"][-1]
        flat = json.loads(views.count(petition).body)
        assert all(last[kind] == flat[kind] for kind in ("confirmed", "withdrawn", "invalidated", "counted"))


def as_number(shown: str) -> int:
    return int(shown.replace(",", ""))


def page(site: SiteOfTests) -> str:
    return pages.petition(site.petition(), "en").body.decode()
