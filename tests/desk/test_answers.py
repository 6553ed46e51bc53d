"""Recording on the desk what was delivered and answered, and where each demand is."""

import html
import io
import json
import zipfile
from datetime import date, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from delivery.files import HTML_PAGE, SVG, hostile_pdf, photo
from desk_clients import Person, person
from sabal.accounts.acts import TeamRole
from sabal.accounts.models import Organisation, Ownership
from sabal.delivery.rows import Continuation, Proof, Statement, Step
from sabal.desk.recordfields import this_day
from sabal.pages.progress import progress as public_page
from sabal.petitions.folderzip import from_zip
from sabal.petitions.models import Petition, Version
from sabal.petitions.standing import Standing
from served import SLUG
from sites import SiteOfTests

HERE = f"/petitions/{SLUG}/answers"
UNHCR = f"{HERE}/to/unhcr"
DELIVERED = {
    "day": "2026-03-14",
    "way": "hand",
    "by": "Carol",
    "reference": "2026/114",
    "words:en": "At the entrance",
}
ANSWERED = {"day": "2026-05-28", "language": "fr", "answer": "Non.\r\n\r\nMerci.", "words:en": "No."}
STATED = {
    "day": "2026-05-28",
    "state": "refused",
    "demands": ["demand-1-1", "demand-2-1"],
    "link": "https://un.example/a",
}


@pytest.fixture
def olga(site: SiteOfTests) -> Person:
    published = site.publish()
    ours = Organisation.objects.create(key="ours", name="Ours")
    Ownership.objects.create(petition_id=published.id, organisation=ours)
    return person("olga@example.org", TeamRole.OWNER, organisation=ours)


def page_of(site: SiteOfTests, language: str = "en") -> str:
    return public_page(site.petition(), language).body.decode()


def upload(content: bytes, name: str = "receipt.jpg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def test_the_whole_way_of_a_recipient(site: SiteOfTests, olga: Person) -> None:
    """Each page says what comes next, and leads there."""
    assert b"Deliver the petition, then record here" in olga.browser.get(HERE).content
    form = {**DELIVERED, "proof": upload(photo()), "caption": "The stamp", "seen_by": "public"}
    assert olga.browser.post(f"{UNHCR}/add/delivered", form)["Location"] == UNHCR
    page = page_of(site)
    for words in ("Handed over", "Carol", "2026/114", "At the entrance", 'alt="The stamp"'):
        assert words in page, words
    assert f"{UNHCR}/add/asked".encode() in olga.browser.get(HERE).content
    due = this_day() - timedelta(days=2)
    asked = {"day": "2026-04-02", "due": due.isoformat()}
    assert olga.browser.post(f"{UNHCR}/add/asked", asked).status_code == 302
    late = olga.browser.get(HERE).content.decode()
    assert "The answer is 2 days late." in late and 'class="late"' in late
    assert (
        b"An answer from The Office of the United Nations" in olga.browser.get(f"/petitions/{SLUG}").content
    )
    answer = olga.browser.post(f"{UNHCR}/add/answered", ANSWERED)
    step = Step.objects.latest("pk")
    assert answer["Location"] == f"{UNHCR}/demands?source={step.pk}"
    stating = olga.browser.get(answer["Location"]).content.decode()
    assert f'<option value="{step.pk}" selected' in stating and 'value="2026-05-28"' in stating
    assert b"was due on" not in olga.browser.get(f"/petitions/{SLUG}").content
    assert "Non.</p>" in page_of(site) and "No." in page_of(site)
    stated = {**STATED, "source": str(step.pk), "words:en": "It says so"}
    assert olga.browser.post(f"{UNHCR}/demands", stated)["Location"] == UNHCR
    assert Statement.objects.count() == 2 and Statement.objects.latest("pk").step_id == step.pk
    found = olga.browser.get(UNHCR).content.decode()
    assert found.count("Refused, 28 May 2026") == 4 and "As they gave it" in found
    assert page_of(site).count("Refused, 28 May 2026") == 2


def test_a_correction_and_a_mistake(site: SiteOfTests, olga: Person) -> None:
    olga.browser.post(f"{UNHCR}/add/delivered", DELIVERED)
    first = Step.objects.get()
    shown = olga.browser.get(f"{HERE}/steps/{first.pk}").content.decode()
    assert 'value="2026-03-14"' in shown and 'value="Carol"' in shown and "At the entrance" in shown
    olga.browser.post(f"{HERE}/steps/{first.pk}", {**DELIVERED, "reference": "2026/115"})
    second = Step.objects.latest("pk")
    assert (second.corrects_id, second.reference, second.by_whom) == (first.pk, "2026/115", "Carol")
    assert "2026/114" in page_of(site) and "2026/115" in page_of(site)
    late = olga.browser.post(f"{HERE}/steps/{first.pk}", DELIVERED)
    assert late.status_code == 409 and "corrected this row meanwhile" in late.content.decode()
    assert olga.browser.post(f"{HERE}/steps/{second.pk}", {"mistake": "1"}).status_code == 302
    assert "Recorded by mistake" in page_of(site)
    mistake = Step.objects.latest("pk")
    assert olga.browser.get(f"{HERE}/steps/{mistake.pk}").status_code == 404
    olga.browser.post(f"{UNHCR}/demands", STATED)
    one = Statement.objects.order_by("pk").first()
    assert one is not None
    form = {"day": "2026-05-29", "state": "promised", "link": ""}
    assert olga.browser.post(f"{HERE}/demands/{one.pk}", form).status_code == 302
    assert Statement.objects.latest("pk").corrects_id == one.pk
    other = Statement.objects.get(anchor="demand-2-1")
    assert olga.browser.post(f"{HERE}/demands/{other.pk}", {"mistake": "1"}).status_code == 302
    assert "Promised, 29 May 2026" in page_of(site)


@pytest.mark.parametrize(
    ("kind", "form", "sentence"),
    [
        ("delivered", {"day": ""}, "This field is required"),
        ("delivered", {"day": "2999-01-01"}, "in the future"),
        ("delivered", {"day": "1066-01-01"}, "too long ago"),
        ("delivered", {"day": "tomorrow"}, "Enter a valid date"),
        ("delivered", {"way": "pigeon"}, "Select a valid choice"),
        ("delivered", {"by": "a\u202eb"}, "invisible character"),
        ("delivered", {"words:en": "x" * 2_001}, "at most 2000 characters"),
        ("asked", {"due": ""}, "This field is required"),
        ("asked", {"due": "2026-03-13"}, "before the day on which you asked"),
        ("asked", {"due": "2099-01-01"}, "more than five years away"),
        ("answered", {"language": "fr", "answer": ""}, "Copy the answer here"),
        (
            "answered",
            {"language": "fr", "answer": "x", "link": "javascript:alert(1)"},
            "begins with https://",
        ),
        ("answered", {"language": "xx", "answer": "x"}, "Select a valid choice"),
        ("answered", {"language": "fr", "answer": "⟦token⟧"}, "brackets"),
    ],
)
def test_bad_input_gives_a_sentence_and_loses_nothing(
    site: SiteOfTests, olga: Person, kind: str, form: dict[str, str], sentence: str
) -> None:
    answer = olga.browser.post(f"{UNHCR}/add/{kind}", {"day": "2026-03-14", "reference": "KEPT 7", **form})
    page = answer.content.decode()
    assert answer.status_code == 422 and sentence in page and "KEPT 7" in page
    assert not Step.objects.exists()


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"demands": []}, "Choose at least one demand"),
        ({"demands": ["demand-9"]}, "Select a valid choice"),
        ({"state": "mistake"}, "Select a valid choice"),
        ({"state": ""}, "This field is required"),
        ({"link": "http://un.example"}, "begins with https://"),
        ({"source": "999"}, "Select a valid choice"),
    ],
)
def test_a_statement_that_cannot_be_made(
    site: SiteOfTests, olga: Person, form: dict[str, object], sentence: str
) -> None:
    olga.browser.post(f"{UNHCR}/add/delivered", DELIVERED)
    answer = olga.browser.post(f"{UNHCR}/demands", {**STATED, "words:en": "KEPT 7", **form})
    assert answer.status_code == 422 and sentence in answer.content.decode()
    assert "KEPT 7" in answer.content.decode() and not Statement.objects.exists()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (SVG, "neither a photo"),
        (HTML_PAGE, "neither a photo"),
        (b"\xff" * 13_000_000, "at most 10 MB"),  # the server does not even read a file of this size
        (b"%PDF-" + b" " * 10_500_000, "at most 10 MB"),
        (photo()[:500], "photo is damaged"),
        (b"", "The submitted file is empty"),
    ],
)
def test_a_file_that_is_no_proof_records_nothing(
    site: SiteOfTests, olga: Person, content: bytes, sentence: str
) -> None:
    form = {**DELIVERED, "reference": "KEPT 7", "proof": upload(content)}
    answer = olga.browser.post(f"{UNHCR}/add/delivered", form)
    page = answer.content.decode()
    assert answer.status_code == 422 and sentence in page and "KEPT 7" in page and "choose it again" in page
    assert not Step.objects.exists() and not Proof.objects.exists()


def test_proofs_of_the_team_and_of_everybody(site: SiteOfTests, olga: Person) -> None:
    olga.browser.post(f"{UNHCR}/add/delivered", DELIVERED)
    step = Step.objects.get()
    assert olga.browser.post(f"{HERE}/steps/{step.pk}/proof", {"seen_by": "team"}).status_code == 422
    form = {"proof": upload(hostile_pdf(), "x.html"), "seen_by": "team"}
    assert olga.browser.post(f"{HERE}/steps/{step.pk}/proof", form).status_code == 302
    proof = Proof.objects.get()
    assert "/proofs/" not in page_of(site) and b"Only your team sees it" in olga.browser.get(UNHCR).content
    answer = olga.browser.get(f"{HERE}/proofs/{proof.pk}")
    assert answer.content == bytes(proof.data) and answer["Content-Type"] == "application/pdf"
    assert answer["Content-Disposition"].startswith("attachment")
    assert "sandbox" in answer["Content-Security-Policy"] and answer["X-Content-Type-Options"] == "nosniff"
    olga.browser.post(f"{HERE}/proofs/{proof.pk}/show", {"seen_by": "public"})
    assert f"/{SLUG}/proofs/{proof.digest}.pdf" in page_of(site)
    olga.browser.post(f"{HERE}/proofs/{proof.pk}/show", {"seen_by": "team"})
    assert "/proofs/" not in page_of(site)


def test_rows_of_another_petition_do_not_exist(site: SiteOfTests, olga: Person) -> None:
    """Olga may use both petitions, so only the address decides."""
    olga.browser.post(f"{UNHCR}/add/delivered", {**DELIVERED, "proof": upload(photo())})
    olga.browser.post(f"{UNHCR}/demands", STATED)
    step, proof, statement = (model.objects.latest("pk").pk for model in (Step, Proof, Statement))
    other = site.publish(slug='"second"')
    Ownership.objects.create(petition_id=other.id, organisation=Organisation.objects.get(key="ours"))
    there = "/petitions/second/answers"
    for path in (f"steps/{step}", f"steps/{step}/proof", f"demands/{statement}", f"proofs/{proof}"):
        assert olga.browser.get(f"{there}/{path}").status_code == 404, path
        assert olga.browser.post(f"{there}/{path}", {"mistake": "1"}).status_code in (404, 405), path
    assert olga.browser.post(f"{there}/proofs/{proof}/show", {"seen_by": "public"}).status_code == 404
    answer = olga.browser.post(f"{there}/to/unhcr/demands", {**STATED, "source": str(step)})
    assert answer.status_code in (302, 422)
    assert not Statement.objects.filter(petition_id=other.id, step__isnull=False).exists()
    assert olga.browser.get(f"{there}/to/nobody").status_code == 404
    assert olga.browser.post(f"{UNHCR}/add/mistake", {"day": "2026-03-14"}).status_code == 404
    assert not Proof.objects.get(pk=proof).is_public


def test_who_may_only_look_changes_nothing(site: SiteOfTests, olga: Person) -> None:
    olga.browser.post(f"{UNHCR}/add/delivered", DELIVERED)
    ours = Organisation.objects.get(key="ours")
    max_ = person("max@example.org", TeamRole.VIEWER, organisation=ours)
    shown = max_.browser.get(UNHCR).content.decode()
    assert "Handed over" in shown and "/add/" not in shown and "Correct" not in shown
    assert max_.browser.post(f"{UNHCR}/add/delivered", DELIVERED).status_code == 403
    assert Step.objects.count() == 1


def amend(text: dict[str, tuple[str, str]]) -> None:
    """Publish a second version in which each language's text has one change."""
    petition = Petition.objects.select_related("version").get(slug=SLUG)
    assert petition.version is not None
    files = petition.version.files
    for before, after in text.values():
        assert before in files
        files = files.replace(before, after)
    manifest = petition.version.manifest
    new = Version.objects.create(
        petition=petition, number=2, files=files, manifest=manifest, published_on=date(2026, 11, 25)
    )
    Petition.objects.filter(pk=petition.pk).update(version=new, revision=petition.revision + 1)


def test_after_an_amendment_a_person_says_where_a_reworded_demand_is(site: SiteOfTests, olga: Person) -> None:
    olga.browser.post(f"{UNHCR}/demands", {**STATED, "state": "met"})
    amend({"en": ("Recognise that, under international refugee law,", "Recognise that by law")})
    found = olga.browser.get(HERE).content.decode()
    assert "Say where these demands are now" in found
    page = page_of(site)
    assert "Said about an earlier text" in page
    table = page.partition('<table class="grid')[2].partition("</table>")[0]
    assert "Met" not in table.partition('id="demand-1-1"')[2].partition("</tr>")[0]
    assert "Met" in table.partition('id="demand-2-1"')[2].partition("</tr>")[0]  # its words are the same
    shown = olga.browser.get(f"{HERE}/earlier").content.decode()
    assert "Recognise that, under international refugee law," in shown and 'value="1:demand-1-1"' in shown
    wrong = {"demand": "1:demand-1-1", "now": "demand-77"}
    assert olga.browser.post(f"{HERE}/earlier", wrong).status_code == 409
    assert olga.browser.post(f"{HERE}/earlier", {"demand": "9:x", "now": "demand-1-1"}).status_code == 404
    right = {"demand": "1:demand-1-1", "now": "demand-1-1"}
    assert olga.browser.post(f"{HERE}/earlier", right).status_code == 302
    assert Continuation.objects.count() == 1
    table = page_of(site).partition('<table class="grid')[2].partition("</table>")[0]
    assert "Met" in table.partition('id="demand-1-1"')[2].partition("</tr>")[0]
    assert b"Nothing is left" in olga.browser.get(f"{HERE}/earlier").content
    assert Standing.MET.value in page_of(site)


def test_the_exported_folder_has_the_record_and_is_imported_without_it(
    site: SiteOfTests, olga: Person
) -> None:
    before = olga.browser.get(f"/petitions/{SLUG}/folder.zip").content
    form = {**DELIVERED, "proof": upload(photo()), "seen_by": "public"}
    olga.browser.post(f"{UNHCR}/add/delivered", form)
    step = Step.objects.get()
    olga.browser.post(f"{HERE}/steps/{step.pk}/proof", {"proof": upload(hostile_pdf()), "seen_by": "team"})
    olga.browser.post(f"{UNHCR}/demands", STATED)
    content = olga.browser.get(f"/petitions/{SLUG}/folder.zip").content
    public = Proof.objects.get(is_public=True)
    with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(io.BytesIO(before)) as old:
        named = {"progress/record.json", f"progress/proofs/{public.digest}.webp"}
        assert set(archive.namelist()) - set(old.namelist()) == named
        document = json.loads(archive.read("progress/record.json"))
        assert archive.read(f"progress/proofs/{public.digest}.webp") == bytes(public.data)
    (delivery,) = document["deliveries"]
    assert (delivery["by"], delivery["recipient"], len(delivery["proofs"])) == ("Carol", "unhcr", 1)
    assert document["demand_states_total"]["refused"] == 2
    assert content == olga.browser.get(f"/petitions/{SLUG}/folder.zip").content
    assert from_zip(content, "x.zip") == from_zip(before, "x.zip")


@pytest.mark.parametrize(
    "words", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{% include 'x' %}"]
)
def test_what_people_wrote_is_text_on_the_desk_too(site: SiteOfTests, olga: Person, words: str) -> None:
    form = {
        **DELIVERED,
        "by": words,
        "member": words,
        "reference": words,
        "words:en": words,
        "caption": words,
    }
    olga.browser.post(f"{UNHCR}/add/delivered", {**form, "proof": upload(photo(), words)})
    step = Step.objects.get()
    olga.browser.post(f"{HERE}/steps/{step.pk}", {**form, "words:ko": words})
    olga.browser.post(f"{UNHCR}/demands", {**STATED, "words:en": words})
    statement = Statement.objects.latest("pk")
    newest = Step.objects.latest("pk")
    for path in ("", "/to/unhcr", f"/steps/{newest.pk}", f"/demands/{statement.pk}"):
        page = olga.browser.get(f"{HERE}{path}").content.decode()
        assert "<script>alert" not in page and "<img src=x" not in page, path
    assert html.escape(words) in olga.browser.get(UNHCR).content.decode()
