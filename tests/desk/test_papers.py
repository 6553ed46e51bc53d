"""Letters and signature sheets on the desk: each recipient in its language, with the choices of the organiser."""

import io
import zipfile
from collections.abc import Iterator
from datetime import date
from urllib.parse import urlencode

import pytest
from django.test import Client

from desk_clients import person
from dossier.reading import text_of, without_spaces
from sabal.accounts.acts import TeamRole
from sabal.accounts.models import Organisation, Ownership
from sabal.checking.bundle import read_bundle
from sabal.delivery.contact import Contact
from sabal.dossier.bundle import bundle_of
from sabal.petitions.models import Petition
from sabal.petitions.snapshots import published
from served import SLUG
from signing.steps import confirmed
from sites import NOW, SiteOfTests

PAGE = f"/petitions/{SLUG}/papers"
HOUR = 3_600


@pytest.fixture
def viewer(site: SiteOfTests) -> Client:
    """Return the browser of someone who may look at a petition that two people signed."""
    petition = site.publish(profile='"open"')
    for email in ("suzie@example.org", "max@example.org"):
        confirmed(site, petition, email)
    assert site.sequence(petition, NOW + 400 * HOUR) == 2
    ours = Organisation.objects.create(key="ours", name="Ours", accent="#123a6b")
    Ownership.objects.create(petition_id=petition.id, organisation=ours)
    return person("vera@example.org", TeamRole.VIEWER, organisation=ours).browser


def test_the_page_lists_each_recipient_with_its_language(viewer: Client) -> None:
    page = viewer.get(PAGE).content.decode()
    for shown in (
        "The Government of the People’s Republic of China",
        "Chinese (Simplified)",
        "Make the letter",
    ):
        assert shown in page
    row = page[page.index("The Government of the People") : page.index(f"{PAGE}/to/china")]
    assert "Chinese (Simplified)" in row and "English" not in row
    assert f"{PAGE}/to/china" in page and f"{PAGE}/press-fr.pdf" in page
    letter = viewer.get(f"{PAGE}/to/china")
    assert letter.status_code == 200 and b'<option value="zh-hans" selected>' in letter.content
    assert "Letters cannot be printed" not in page


def test_the_page_says_if_letters_are_not_in_the_language_of_a_recipient(viewer: Client) -> None:
    Contact.objects.create(petition=Petition.objects.get(slug=SLUG), key="china", language="de")
    page = viewer.get(PAGE).content.decode()
    row = page[page.index("The Government of the People") : page.index(f"{PAGE}/to/china")]
    assert "The recipient reads German. Letters cannot be printed in it yet." in row and "English" in row


def test_a_letter_has_what_was_chosen(viewer: Client) -> None:
    chosen = {
        "language": "en",
        "address": "Palais des Nations\n\n  1211   Geneva ",
        "first": "demand-3",
        "signers": "Carol, Chair",
        "bundle_url": "https://files.example/log.zip",
    }
    page = viewer.get(f"{PAGE}/to/unhcr?{urlencode(chosen)}").content.decode()
    assert f"{PAGE}/to/unhcr/letter.pdf?{urlencode(chosen)}".replace("&", "&amp;") in page
    answer = viewer.get(f"{PAGE}/to/unhcr/letter.pdf?{urlencode(chosen)}")
    assert answer["Content-Type"] == "application/pdf" and "unhcr-letter-en" in answer["Content-Disposition"]
    text = text_of(answer.content)
    for expected in (
        "PalaisdesNations1211Geneva",
        "Carol,Chair",
        "Weaskyouinparticular",
        "2signatureshadbeen",
        "https://files.example/log.zip",
    ):
        assert expected in text
    assert "receipt" in text_of(viewer.get(f"{PAGE}/to/unhcr/cover.pdf?{urlencode(chosen)}").content)


def test_the_first_page_is_shown_as_a_picture(viewer: Client) -> None:
    answer = viewer.get(f"{PAGE}/to/china/look.png")
    assert answer["Content-Type"] == "image/png" and answer.content.startswith(b"\x89PNG")


def test_all_papers_come_together_with_the_bundle_that_they_name(site: SiteOfTests, viewer: Client) -> None:
    answer = viewer.get(f"{PAGE}/to/unhcr/all.zip")
    content = b"".join(answer)  # type: ignore[arg-type]
    answer.close()
    petition = published(site.database, SLUG)
    assert petition is not None
    found = bundle_of(site.database, petition)
    assert found is not None
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        letter, cover, bundle = archive.namelist()
        assert bundle == found.name and read_bundle(io.BytesIO(archive.read(bundle))).size
        assert found.sha256 in text_of(archive.read(letter)) and found.sha256 in text_of(archive.read(cover))


def test_each_member_of_a_group_has_a_letter_of_its_own(site: SiteOfTests, viewer: Client) -> None:
    petition = Petition.objects.get(slug=SLUG)
    group = {"petition": petition, "group": "security-council"}
    Contact.objects.create(
        **group,
        key="france",
        names={"en": "France", "fr": "La France"},
        language="fr",
        postal="1 rue X\nNew York",
    )
    Contact.objects.create(**group, key="gone", names={"en": "Gone"}, until=date(2020, 1, 1))
    page = viewer.get(PAGE).content.decode()
    assert f"{PAGE}/to/security-council?member=france" in page and "member=gone" not in page
    assert b"1 rue X" in viewer.get(f"{PAGE}/to/security-council?member=france").content
    answer = viewer.get(f"{PAGE}/to/security-council/letter.pdf?member=france")
    assert "security-council-france-letter-fr" in answer["Content-Disposition"]
    text = text_of(answer.content)
    assert "LaFrance1rueXNewYork" in text and f"{SLUG}/security-council/france/" in text
    assert viewer.get(f"{PAGE}/to/security-council/letter.pdf?member=nobody").status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {"language": "tlh"},
        {"language": "en", "first": "demand-99"},
        {"language": "en", "address": "a\u202eb"},
    ],
)
def test_a_wrong_choice_is_said_beside_its_field(viewer: Client, wrong: dict[str, str]) -> None:
    page = viewer.get(f"{PAGE}/to/unhcr?{urlencode(wrong)}")
    assert page.status_code == 422 and b'class="error"' in page.content and b"letter.pdf" not in page.content
    assert viewer.get(f"{PAGE}/to/unhcr/letter.pdf?{urlencode(wrong)}").status_code == 404


@pytest.mark.parametrize("path", ["to/nobody", "to/unhcr/other.pdf", "press-de.pdf", "to/nobody/look.png"])
def test_what_does_not_exist_is_not_found(viewer: Client, path: str) -> None:
    assert viewer.get(f"{PAGE}/{path}").status_code == 404


def test_sheets_are_made_or_what_is_wrong_is_said(viewer: Client) -> None:
    fields = {"language": "ko", "paper": "a4", "number": "2", "first": "5", "lines": ""}
    answer = viewer.get(f"{PAGE}/sheets.pdf?{urlencode(fields)}")
    assert answer["Content-Type"] == "application/pdf" and "제6호" in text_of(answer.content)
    for wrong in ({"lines": "99"}, {"number": "0"}, {"language": "fr"}, {"first": "x"}):
        again = viewer.get(f"{PAGE}/sheets.pdf?{urlencode(fields | wrong)}")
        assert again.status_code == 422 and b'class="error"' in again.content
        assert b'value="2"' in again.content or "number" in wrong  # what was typed is kept


def test_the_summary_for_journalists_is_in_each_language(viewer: Client) -> None:
    text = text_of(viewer.get(f"{PAGE}/press-ja.pdf").content)
    assert without_spaces("報道関係者向け要約") in text


@pytest.fixture
def draft(site: SiteOfTests) -> Iterator[Client]:
    from sabal.petitions import folder
    from sabal.publishing import drafts
    from sites import EXAMPLE

    petition = drafts.import_files(folder.read(EXAMPLE))
    ours = Organisation.objects.create(key="ours", name="Ours")
    Ownership.objects.create(petition=petition, organisation=ours)
    yield person("ed@example.org", TeamRole.EDITOR, organisation=ours).browser


def test_a_draft_says_what_will_be_here(draft: Client) -> None:
    page = draft.get(PAGE)
    assert page.status_code == 200 and b"When the petition is published" in page.content
    assert draft.get(f"{PAGE}/to/unhcr/letter.pdf").status_code == 404
