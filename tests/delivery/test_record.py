"""Recording what was delivered and answered: rows that are only added, and what the public process reads of them."""

from datetime import date

import pytest

from delivery.files import pdf, photo
from desk_clients import person
from sabal.accounts.acts import TeamRole
from sabal.accounts.models import AuditEntry, User
from sabal.delivery import record
from sabal.delivery.proofs import distilled
from sabal.delivery.record import Happening, Said
from sabal.delivery.rows import Proof, Statement, Step
from sabal.petitions.deliveries import DemandState, StepKind, Way, proof_data
from sabal.petitions.models import Petition
from sabal.petitions.standing import SignedVersion, Standing, progressed
from sabal.refusal import Refusal
from served import SLUG
from sites import SiteOfTests

DAY = date(2026, 3, 14)
HANDED = Happening(StepKind.DELIVERED, DAY, way=Way.HAND, by="Carol", words={"en": "At the embassy"})


@pytest.fixture
def petition(site: SiteOfTests) -> Petition:
    site.publish()
    return Petition.objects.get(slug=SLUG)


@pytest.fixture
def carol(site: SiteOfTests) -> User:
    return person("carol@example.org", TeamRole.OWNER).user


def test_the_public_process_reads_what_was_recorded(
    site: SiteOfTests, petition: Petition, carol: User
) -> None:
    before = site.petition().progress
    step = record.add(petition, "unhcr", HANDED, user=carol)
    answer = record.add(
        petition,
        "unhcr",
        Happening(
            StepKind.ANSWERED,
            DAY,
            language="fr",
            words={"fr": "Non.", "en": "No."},
            link="https://un.example",
        ),
        user=carol,
    )
    record.add(petition, "china", Happening(StepKind.ASKED, DAY, due=date(2026, 6, 1)), user=carol)
    said = Said(DemandState.REFUSED, DAY, step=answer, notes={"en": "All of it"})
    record.state(petition, "unhcr", ["demand-1-1", "demand-1-2"], said, user=carol)
    read = site.petition().progress
    assert read.number > before.number and read.deliveries
    first, second, third = read.deliveries.steps
    assert (first.id, first.recipient, first.kind, first.on, first.by, first.way) == (
        step.pk, "unhcr", StepKind.DELIVERED, DAY, "Carol", "hand",
    )  # fmt: skip
    assert (second.language, second.words, second.link) == (
        "fr", {"fr": "Non.", "en": "No."}, "https://un.example",
    )  # fmt: skip
    assert third.due == date(2026, 6, 1) and first.version == 1 and first.made_on >= date(2026, 1, 1)
    assert [(one.anchor, one.state, one.step) for one in read.deliveries.statements] == [
        ("demand-1-1", DemandState.REFUSED, answer.pk),
        ("demand-1-2", DemandState.REFUSED, answer.pk),
    ]
    found = progressed(read.deliveries, [SignedVersion(1, site.petition().definition)])
    assert found.cells["demand-1-1", "unhcr"].standing is Standing.REFUSED
    assert found.cells["demand-2-1", "unhcr"].standing is Standing.ANSWERED
    lines = list(AuditEntry.objects.order_by("pk").values_list("what", flat=True))
    assert lines[-4:] == ["step-delivered", "step-answered", "step-asked", "demand-stated"]


def test_a_correction_is_a_row_and_a_row_is_corrected_once(petition: Petition, carol: User) -> None:
    step = record.add(petition, "unhcr", HANDED, user=carol)
    again = Step.objects.get(pk=step.pk)
    new = record.correct(step, Happening(StepKind.MISTAKE, DAY), user=carol)
    with pytest.raises(Refusal, match="corrected this row meanwhile"):
        record.correct(again, HANDED, user=carol)
    record.correct(new, HANDED, user=carol)
    assert Step.objects.count() == 3 and Step.objects.get(pk=step.pk).kind == "delivered"
    (statement,) = record.state(petition, "unhcr", ["demand-1-1"], Said(DemandState.MET, DAY), user=carol)
    record.correct_statement(statement, Said(DemandState.MISTAKE, DAY), user=carol)
    with pytest.raises(Refusal, match="corrected this row meanwhile"):
        record.correct_statement(statement, Said(DemandState.MET, DAY), user=carol)


def test_rows_are_never_changed_or_deleted(petition: Petition, carol: User) -> None:
    step = record.add(petition, "unhcr", HANDED, user=carol)
    (statement,) = record.state(petition, "unhcr", ["demand-1-1"], Said(DemandState.MET, DAY), user=carol)
    for row in (step, statement):
        with pytest.raises(TypeError, match="never changed"):
            row.save()
        with pytest.raises(TypeError, match="never deleted"):
            row.delete()


def test_what_the_server_sent_is_recorded_once(petition: Petition, carol: User) -> None:
    sent = Happening(StepKind.DELIVERED, DAY, way=Way.EMAIL)
    first = record.add(petition, "unhcr", sent, occasion="first")
    assert record.add(petition, "unhcr", sent, occasion="first").pk == first.pk
    assert record.add(petition, "china", sent, occasion="first").pk != first.pk
    record.add(petition, "unhcr", sent, occasion="1000")
    record.add(petition, "unhcr", HANDED, user=carol)
    record.add(petition, "unhcr", HANDED, user=carol)  # without an occasion there is no such rule
    assert Step.objects.count() == 5
    assert AuditEntry.objects.filter(user=None, what="step-delivered").count() == 3


@pytest.mark.parametrize("key", ["", "nobody", "unhcr' OR 1=1", "demand-1"])
def test_only_recipients_of_the_petition(petition: Petition, carol: User, key: str) -> None:
    with pytest.raises(Refusal):
        record.add(petition, key, HANDED, user=carol)
    with pytest.raises(Refusal):
        record.state(petition, key, ["demand-1-1"], Said(DemandState.MET, DAY), user=carol)
    assert not Step.objects.exists() and not Statement.objects.exists()


@pytest.mark.parametrize("anchors", [[], ["demand-99"], ["demand-1"], ["demand-1-1", "x"]])
def test_only_demands_of_the_text(petition: Petition, carol: User, anchors: list[str]) -> None:
    with pytest.raises(Refusal):
        record.state(petition, "unhcr", anchors, Said(DemandState.MET, DAY), user=carol)
    assert not Statement.objects.exists()


@pytest.mark.parametrize(
    "link",
    ["javascript:alert(1)", "http://un.example", "//un.example", "https://", "mailto:a@b.example", "/etc"],
)
def test_only_links_to_pages(petition: Petition, carol: User, link: str) -> None:
    with pytest.raises(Refusal, match="https://"):
        record.add(petition, "unhcr", Happening(StepKind.ANSWERED, DAY, link=link), user=carol)
    with pytest.raises(Refusal, match="https://"):
        record.state(petition, "unhcr", ["demand-1-1"], Said(DemandState.MET, DAY, link=link), user=carol)
    assert not Step.objects.exists() and not Statement.objects.exists()


def test_a_source_of_another_petition_is_refused(site: SiteOfTests, petition: Petition, carol: User) -> None:
    other = site.publish(slug='"second"')
    foreign = record.add(Petition.objects.get(pk=other.id), "unhcr", HANDED, user=carol)
    with pytest.raises(Refusal):
        record.state(petition, "unhcr", ["demand-1-1"], Said(DemandState.MET, DAY, step=foreign), user=carol)


def test_a_draft_has_no_record(site: SiteOfTests, petition: Petition, carol: User) -> None:
    Petition.objects.filter(pk=petition.pk).update(state="draft")
    petition.refresh_from_db()
    with pytest.raises(Refusal, match="before the petition is published"):
        record.add(petition, "unhcr", HANDED, user=carol)


def test_a_proof_is_public_only_if_somebody_said_so(
    site: SiteOfTests, petition: Petition, carol: User
) -> None:
    step = record.add(petition, "unhcr", HANDED, user=carol)
    picture, paper = distilled(photo()), distilled(pdf())
    hidden = record.attach(step, picture, public=False, caption={"en": "The stamp"}, user=carol)
    shown = record.attach(step, paper, public=True, caption={}, user=carol)
    assert record.attach(step, paper, public=False, caption={}, user=carol).pk == shown.pk
    assert Proof.objects.count() == 2

    def public() -> list[str]:
        deliveries = site.petition().progress.deliveries
        return [proof.name for step in deliveries.steps for proof in step.proofs]

    assert public() == [f"{paper.digest}.pdf"]
    assert proof_data(site.database, petition.pk, paper.digest) == paper.data
    assert proof_data(site.database, petition.pk, picture.digest) is None
    record.show_proof(hidden, True, user=carol)
    assert public() == [f"{picture.digest}.webp", f"{paper.digest}.pdf"]
    assert site.petition().progress.deliveries.steps[0].proofs[0].caption == {"en": "The stamp"}
    record.show_proof(shown, False, user=carol)
    assert public() == [f"{picture.digest}.webp"]
    assert proof_data(site.database, petition.pk, paper.digest) is None
