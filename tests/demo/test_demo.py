"""The invented petitions: made by the real code, once, on development servers only; their people exist only sealed."""

import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest

import agefile
from conftest import dump
from sabal import settings
from sabal.accounts.models import AuditEntry
from sabal.api import views
from sabal.delivery.contact import Contact
from sabal.demo import make as demo
from sabal.demo.people import Person, person
from sabal.demo.plans import PLANS
from sabal.desk.numbers import numbers_of
from sabal.first_use import development_identity
from sabal.mail.waiting import waiting
from sabal.mailings.models import Mailing
from sabal.petitions import folder
from sabal.petitions.deliveries import DemandState, StepKind
from sabal.petitions.models import Petition
from sabal.petitions.standing import leaves
from sabal.refusal import Refusal
from sabal.signing import count
from sites import TODAY, SiteOfTests

SMALL = tuple(
    replace(plan, days=plan.days // 3, signers=60, second_wave=4, closed_on=plan.closed_on and 12,
            audited_on=plan.audited_on and 6, robots_on=plan.robots_on and 8)
    for plan in PLANS
)  # fmt: skip
ORCHARD, BUS, RIVER = (plan.slug for plan in PLANS)


@pytest.fixture
def development(site: SiteOfTests, monkeypatch: pytest.MonkeyPatch) -> SiteOfTests:
    """Return a development site, for which less history is made."""
    monkeypatch.setattr(settings, "DEV", True)
    monkeypatch.setattr(demo, "PLANS", SMALL)
    return site


def made(site: SiteOfTests) -> tuple[int, list[str]]:
    said: list[str] = []
    return demo.make(site.keystore, said.append, TODAY, Random(7)), said


@pytest.mark.slow
def test_three_petitions_with_weeks_of_history(development: SiteOfTests) -> None:
    site = development
    number, said = made(site)
    assert number == 3 and "does not exist" in said[0] and said[-1].strip() == "16 of 16 days"
    for plan in SMALL:
        petition = site.petition(plan.slug)
        row = Petition.objects.select_related("version").get(slug=plan.slug)
        numbers = numbers_of(site.database, row, petition.definition)
        assert petition.opened_on == TODAY - timedelta(days=plan.days)
        assert 30 < numbers.confirmed <= 60 <= numbers.asked + 9
        assert count.check_sums(site.database, petition.id) == (True, 0)
        assert plan.slug == RIVER or len(numbers.history) > 5
    assert site.petition(ORCHARD).state == "closed"
    assert site.petition(BUS).counts.invalidated == 6
    assert site.petition(RIVER).definition.profile == "guarded"
    days = json.loads(views.growth(site.petition(BUS)).body)["days"]
    assert days[-1]["counted"] == site.petition(BUS).counts.counted
    assert site.database.query("SELECT SUM(n) FROM mail_traffic WHERE outcome = 'accepted'")[0][0] > 100
    assert waiting(site.database).number < 10

    before = site.rows("signing_signature")
    assert made(site) == (0, ["The invented petitions are here already."])
    assert site.rows("signing_signature") == before


@pytest.mark.slow
def test_what_their_organisers_did(development: SiteOfTests) -> None:
    site = development
    made(site)
    for plan in SMALL:
        petition = site.petition(plan.slug)
        languages, deliveries = set(petition.definition.languages), petition.progress.deliveries
        kinds = {step.kind for step in deliveries.steps}
        assert {StepKind.DELIVERED, StepKind.ACKNOWLEDGED, StepKind.ANSWERED} <= kinds
        assert any(step.reference for step in deliveries.steps if step.kind is StepKind.ACKNOWLEDGED)
        answers = [step for step in deliveries.steps if step.kind is StepKind.ANSWERED]
        assert all(set(step.words) == languages for step in answers)
        assert any(
            proof.media == "webp" and proof.width for step in deliveries.steps for proof in step.proofs
        )
        states = {one.state for one in deliveries.statements}
        assert {DemandState.MET, DemandState.PARTLY, DemandState.REFUSED} <= states
        assert len(petition.progress.posts) == 2
        assert all(set(post.texts) == languages for post in petition.progress.posts)
        # Everything happened on its day, and nothing today.
        assert all(step.on == step.made_on < TODAY for step in deliveries.steps)
        assert Contact.objects.filter(petition_id=petition.id).count() == len(petition.definition.recipients)
    assert not AuditEntry.objects.filter(at__date__gte=TODAY).exists()
    assert [one.signatures for one in site.petition(BUS).progress.other_counts.valid] == [84]
    issues = site.petition(BUS).newsletter.issues
    assert len(issues) == 1 and set(issues[0].texts) == {"en", "ko"}
    mailings = Mailing.objects.order_by("pk")
    assert {(one.organisation, one.petition is None) for one in mailings} == {
        (BUS, False), (BUS, True), (RIVER, False),
    }  # fmt: skip
    assert all(one.ended_at and one.queued for one in mailings)


def test_what_happened_is_written_in_the_languages_of_each_petition() -> None:
    for plan in PLANS:
        found = folder.parse(folder.read(demo._FOLDERS / plan.slug))
        file = demo._FOLDERS.parent / "happenings" / f"{plan.slug}.toml"
        happenings = tomllib.loads(file.read_text(encoding="utf-8"))
        anchors = {one.anchor for one in leaves(found.texts[found.authoritative].demands)}
        for kind, rows in happenings.items():
            for one in rows:
                assert kind == "contact" or 0 < round(one["at"] * plan.days / 100) < plan.days
                for name in ("words", "notes", "caption", "texts", "how_often"):
                    assert name not in one or set(one[name]) == set(found.languages), (plan.slug, one)
                assert set(one.get("anchors", ())) <= anchors
                assert one.get("recipient", "council") in {each.key for each in found.recipients}


@pytest.mark.slow
def test_the_people_exist_only_sealed(development: SiteOfTests) -> None:
    made(development)
    people = {one.name: one for plan in SMALL for one in of(plan.slug)}
    everything = b"".join(stored(development))
    for one in people.values():
        assert one.name.encode() not in everything, one.name
        assert one.address.encode() not in everything, one.address
    identity = development_identity()
    bodies = development.database.query("SELECT body FROM signing_sealed ORDER BY id LIMIT 20")
    opened = [agefile.decrypt(bytes(body), [identity]) for (body,) in bodies]
    names = [json.loads(one)["fields"]["name"] for one in opened]
    assert len(names) == 20 and set(names) <= set(people)


def of(slug: str) -> Iterator[Person]:
    plan = next(plan for plan in SMALL if plan.slug == slug)
    for number in range(120):
        yield person(number, plan.countries, plan.languages, Random(f"{slug} {number}"))


def stored(site: SiteOfTests) -> Iterator[bytes]:
    """Yield all that is on the disk: every file of the data folder, and every row on PostgreSQL."""
    site.database.wal_checkpoint(truncate=True)
    for path in site.data.rglob("*"):
        if path.is_file():
            yield path.read_bytes()
    if site.vendor == "postgresql":
        yield dump(site.url)


def test_only_on_a_development_server(site: SiteOfTests) -> None:
    with pytest.raises(Refusal, match="development servers only"):
        made(site)
    assert site.rows("petitions_petition") == 0


def test_never_beside_a_petition_with_a_key_of_its_own(development: SiteOfTests) -> None:
    development.publish()
    with pytest.raises(Refusal, match="this may be a real site"):
        made(development)
    assert development.rows("petitions_petition") == 1


def test_never_while_the_server_runs(development: SiteOfTests) -> None:
    with development.database.leader("ledger") as leads:
        assert leads
        with pytest.raises(Refusal, match="A worker"):
            made(development)
    assert development.rows("petitions_petition") == 0


def test_a_real_server_refuses_the_option() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sabal", "serve", "--demo"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2 and "--dev" in done.stderr
