"""A petition begins from nothing, from a folder, or as a copy."""

import io
import zipfile
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from desk_clients import Person, person
from sabal.accounts.acts import TeamRole
from sabal.accounts.models import Membership, Organisation, Ownership
from sabal.petitions import folder
from sabal.petitions.definition import NO_DATE, TO_COMPLETE
from sabal.petitions.folderzip import as_zip
from sabal.petitions.models import Petition
from sabal.publishing import drafts
from served import SLUG
from sites import SiteOfTests

EXAMPLE = folder.read(Path(__file__).parents[2] / "petitions" / "stop-forced-repatriation")


@pytest.fixture
def ed(site: SiteOfTests) -> Person:
    """Return the editor of an organisation."""
    ours = Organisation.objects.create(key="ours", name="Ours")
    return person("ed@example.org", TeamRole.EDITOR, organisation=ours)


def upload(ed: Person, content: bytes, name: str = "bus.zip", organisation: str = "ours") -> tuple[int, str]:
    file = io.BytesIO(content)
    file.name = name
    answer = ed.browser.post("/new/folder", {"organisation": organisation, "file": file})
    return answer.status_code, answer.get("Location", "") or answer.content.decode()


@pytest.mark.parametrize(("language", "other"), [("en", ""), ("ko", ""), ("en", "sw"), ("ar", "")])
def test_from_nothing(ed: Person, language: str, other: str) -> None:
    form = {"organisation": "ours", "title": "Title: Save\nthe *bus*", "language": language, "other": other}
    answer = ed.browser.post("/new/blank", form)
    petition = Petition.objects.get()
    written = other or language
    assert answer["Location"] == f"/petitions/{petition.slug}/text/{written}"
    definition = drafts.definition(petition.slug)
    assert definition.languages == (written,) and "bus" in definition.texts[written].title
    assert Ownership.objects.get().organisation.key == "ours"
    assert ed.browser.get(answer["Location"]).status_code == 200
    assert folder.lacking(definition)


@pytest.mark.parametrize(
    "form",
    [
        {"title": ""},
        {"title": "  …  "},
        {"title": "x" * 201},
        {"title": "AGE-SECRET-KEY-1QQ"},
        {"title": "⟦token⟧"},
        {"title": "Bus", "other": "English"},
        {"title": "Bus", "language": "xx"},
        {"title": "Bus", "organisation": "theirs"},
    ],
)
def test_nothing_begins_with_a_mistake(ed: Person, form: dict[str, str]) -> None:
    Organisation.objects.create(key="theirs", name="Theirs")
    answer = ed.browser.post("/new/blank", {"organisation": "ours", "language": "en", **form})
    assert answer.status_code == 422 and b'role="alert"' in answer.content
    assert not Petition.objects.exists()


def test_a_folder_comes_in_and_goes_out_with_the_same_bytes(ed: Person) -> None:
    status, address = upload(ed, as_zip(EXAMPLE))
    assert status == 302 and address == f"/petitions/{SLUG}"
    answer = ed.browser.get(f"{address}/folder.zip")
    assert answer.content == as_zip(EXAMPLE) and answer["Content-Type"] == "application/zip"
    assert f'filename="{SLUG}.zip"' in answer["Content-Disposition"]
    drafts.discard(SLUG)
    assert upload(ed, answer.content)[0] == 302 and drafts.export_files(SLUG) == EXAMPLE


def test_a_folder_never_replaces_a_petition(ed: Person) -> None:
    upload(ed, as_zip(EXAMPLE))
    assert upload(ed, as_zip(EXAMPLE))[1] == f"/petitions/{SLUG}-2"
    assert Petition.objects.count() == 2 and drafts.export_files(SLUG) == EXAMPLE


def test_a_folder_with_mistakes_is_refused_with_their_lines(ed: Person) -> None:
    broken = EXAMPLE | {"en.md": EXAMPLE["en.md"] + "\n<script>alert(1)</script>\n"}
    status, page = upload(ed, as_zip(broken), "<script>.zip")
    assert status == 422 and "en.md, line" in page and "HTML is not allowed" in page
    assert "<script>" not in page and not Petition.objects.exists()


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04x", b"x" * 13_000_000], ids=["empty", "broken", "large"]
)
def test_what_is_no_folder_is_refused(ed: Person, content: bytes) -> None:
    status, page = upload(ed, content)
    assert status == 422 and 'role="alert"' in page and not Petition.objects.exists()


def test_a_bomb_and_a_foreign_organisation_are_refused(ed: Person) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("en.md", " " * 80_000_000)
    assert "too large" in upload(ed, out.getvalue())[1]
    Organisation.objects.create(key="theirs", name="Theirs")
    assert upload(ed, as_zip(EXAMPLE), organisation="theirs")[0] == 422
    assert not Petition.objects.exists()


def copied(ed: Person, slug: str, organisation: str = "ours") -> int:
    return ed.browser.post("/new/copy", {"petition": slug, "organisation": organisation}).status_code


def test_a_copy_has_the_text_and_neither_key_nor_dates(site: SiteOfTests, ed: Person) -> None:
    site.publish()
    source = Petition.objects.get(slug=SLUG)
    Ownership.objects.create(petition=source, organisation=Organisation.objects.get(key="ours"))
    before = drafts.definition(source.slug)
    assert before.organiser_keys
    assert copied(ed, source.slug) == 302
    copy = Petition.objects.latest("pk")
    definition = drafts.definition(copy.slug)
    assert copy.slug != source.slug and copy.state == "draft" and not copy.key_check_answered
    assert definition.texts == before.texts and definition.organiser == before.organiser
    assert definition.organiser_keys == () and definition.closes is None and definition.retention == NO_DATE
    assert definition.endorsers == () and definition.hint != before.hint
    assert Ownership.objects.get(petition=copy).organisation.key == "ours"
    assert drafts.definition(source.slug) == before, "the source changed"


def test_a_copy_of_anothers_petition_promises_nothing_in_their_name(site: SiteOfTests, ed: Person) -> None:
    site.publish()
    source = Petition.objects.get(slug=SLUG)
    theirs = Organisation.objects.create(key="theirs", name="Theirs")
    Ownership.objects.create(petition=source, organisation=theirs)
    assert copied(ed, source.slug) == 422, "it does not exist for them"
    Membership.objects.create(user=ed.user, organisation=theirs, role=TeamRole.VIEWER)
    assert copied(ed, source.slug, "theirs") == 422, "a viewer makes no petition"
    assert copied(ed, source.slug) == 302
    definition = drafts.definition(Petition.objects.latest("pk").slug)
    own = definition.controller
    # The name is that of the organisation that makes the copy; what it has not said stays open.
    assert {*definition.organiser.values(), *own.name.values()} == {"Ours"}
    for text in (*own.address.values(), own.privacy_contact):
        assert TO_COMPLETE in text
    assert own.key == ""


def test_only_what_may_be_seen_is_offered(site: SiteOfTests, ed: Person) -> None:
    assert b"no petition to copy" in ed.browser.get("/new/copy").content
    site.publish()
    source = Petition.objects.get(slug=SLUG)
    translator = person("tina@example.org", TeamRole.TRANSLATOR, petition=source)
    Membership.objects.create(
        user=translator.user, organisation=Organisation.objects.get(key="ours"), role=TeamRole.EDITOR
    )
    for browser in (ed, translator):
        page = browser.browser.get("/new/copy").content.decode()
        assert source.slug not in page
    assert copied(translator, source.slug) == 422


def test_the_list_of_petitions_to_copy_asks_for_all_at_once(site: SiteOfTests, ed: Person) -> None:
    site.publish()
    ours, source = Organisation.objects.get(key="ours"), Petition.objects.get(slug=SLUG)
    Ownership.objects.create(petition=source, organisation=ours)
    ed.browser.get("/new/copy")
    with CaptureQueriesContext(connection) as one:
        ed.browser.get("/new/copy")
    for _ in range(3):
        copied(ed, SLUG)
    with CaptureQueriesContext(connection) as many:
        ed.browser.get("/new/copy")
    assert Petition.objects.count() == 4 and len(many) == len(one)
