"""The picture of a petition on the desk: chosen, described, shown in the preview, published, changed and removed."""

import gzip
import io
import json
import re

import pytest
from PIL import Image

from desk_clients import Person
from desk_drafts import TWO
from sabal.accounts.models import AuditEntry, Organisation, Ownership
from sabal.api import views as api
from sabal.checking.copiedpage import CopiedPage
from sabal.http import Refused
from sabal.pages import petition as pages
from sabal.petitions import folder
from sabal.petitions.models import Petition
from sabal.publishing import drafts, versions
from sabal.webp import read_plain
from sites import NOW, TODAY, SiteOfTests

SLUG = "night-bus"
PAGE = f"/petitions/{SLUG}/picture"
WORDS = {"description:en": "A bus at night", "description:ko": "밤의 버스"}


def photo(size: tuple[int, int] = (1600, 1000), colour: str = "teal") -> io.BytesIO:
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "Suzie lives here"
    Image.new("RGB", size, colour).save(file, "JPEG", exif=exif)
    file.seek(0)
    file.name = '"><script>.jpg'
    return file


@pytest.fixture
def draft(site: SiteOfTests, ed: Person) -> Petition:
    petition = drafts.import_files(TWO)
    Ownership.objects.create(petition=petition, organisation=Organisation.objects.get(key="ours"))
    return petition


def send(ed: Person, do: str = "save", revision: int | None = None, **fields: object) -> object:
    revision = revision or Petition.objects.get(slug=SLUG).revision
    return ed.browser.post(PAGE, {"do": do, "revision": revision, **fields})


def test_a_picture_is_chosen_described_seen_and_removed(draft: Petition, ed: Person) -> None:
    page = ed.browser.get(PAGE).content.decode()
    assert "has no picture, and needs none" in page and 'enctype="multipart/form-data"' in page
    assert send(ed, file=photo(), **WORDS).status_code == 302
    definition = drafts.definition(SLUG)
    assert definition.picture and (definition.picture.width, definition.picture.height) == (1280, 800)
    assert b"Suzie" not in definition.picture.data
    assert [definition.texts[one].picture_description for one in ("en", "ko")] == [
        "A bus at night",
        "밤의 버스",
    ]
    assert AuditEntry.objects.filter(what="draft-changed", user=ed.user).count() == 1

    shown = ed.browser.get(f"{PAGE}.webp")
    assert shown["Content-Type"] == "image/webp" and shown.content == definition.picture.data
    assert "A bus at night" in ed.browser.get(PAGE).content.decode()
    preview = ed.browser.get(f"/ko/{SLUG}").content.decode()
    assert re.search(
        r'<img src="data:image/webp;base64,[^"]+" alt="밤의 버스" width="1280" height="800"', preview
    )
    assert ed.browser.get(f"/en/{SLUG}/picture.webp").content == definition.picture.data

    assert send(ed, without="on", **WORDS).status_code == 302
    definition = drafts.definition(SLUG)
    assert definition.picture is None and not definition.texts["ko"].picture_description
    assert drafts.export_files(SLUG) == TWO, "the files are as they were, byte for byte"
    assert ed.browser.get(f"{PAGE}.webp").status_code == 404


def test_what_was_typed_is_previewed_before_it_is_saved(draft: Petition, ed: Person) -> None:
    answer = send(ed, do="preview:en", file=photo(), **WORDS)
    assert answer.status_code == 200 and b"data:image/webp;base64," in answer.content
    assert drafts.definition(SLUG).picture is None


def test_the_text_can_be_edited_and_keeps_the_description(draft: Petition, ed: Person) -> None:
    send(ed, file=photo(), **WORDS)
    page = ed.browser.get(f"/petitions/{SLUG}/text/en?whole=1").content.decode()
    assert "A bus at night" not in page  # it has a page of its own
    revision = Petition.objects.get(slug=SLUG).revision
    body = TWO["en.md"].split("---\n\n")[1]
    typed = {"title": "New", "summary": "We ask.", "body": body, "revision": revision, "do": "save"}
    assert ed.browser.post(f"/petitions/{SLUG}/text/en?whole=1", typed).status_code == 302
    text = drafts.definition(SLUG).texts["en"]
    assert (text.title, text.picture_description) == ("New", "A bus at night")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "Choose a picture."),
        ({"file": "svg", **WORDS}, "This is not a picture in PNG, JPEG or WebP"),
        ({"file": "jpg", "description:ko": "버스"}, "Say what is to be seen in the picture"),
        ({"file": "jpg", **WORDS, "description:en": "x" * 301}, "at most 300 characters"),
    ],
)
def test_what_cannot_be_saved_is_said(
    draft: Petition, ed: Person, fields: dict[str, object], said: str
) -> None:
    if fields.get("file") == "svg":
        fields = {**fields, "file": io.BytesIO(b"<svg xmlns='http://www.w3.org/2000/svg'/>")}
    elif "file" in fields:
        fields = {**fields, "file": photo()}
    answer = send(ed, **fields)
    page = answer.content.decode()
    assert answer.status_code == 422 and said in page
    assert ("Choose the file again" in page) == ("file" in fields)
    for language in ("en", "ko"):
        assert str(fields.get(f"description:{language}", ""))[:20] in page, "what was typed stays"
    assert drafts.definition(SLUG).picture is None


def test_two_people_do_not_overwrite_each_other(draft: Petition, ed: Person) -> None:
    seen = draft.revision
    send(ed, file=photo(), **WORDS)
    answer = send(ed, revision=seen, file=photo(colour="red"), **WORDS)
    assert answer.status_code == 422 and b"Somebody else saved this petition" in answer.content
    assert b"UklGR" not in answer.content, "no base64 of a picture beside the texts"


def test_it_is_public_after_publishing_and_changes_by_an_amendment(site: SiteOfTests, ed: Person) -> None:
    """The page stays small, the picture is lazy, and every change of it is an amendment."""
    petition = Petition.objects.get(slug=site.publish().slug)
    Ownership.objects.create(petition=petition, organisation=Organisation.objects.get(key="ours"))
    address = f"/petitions/{petition.slug}/picture"
    words = {**WORDS, "description:zh-hans": "夜间公交", "description:ja": "夜のバス"}
    sent = {"do": "save", "revision": petition.revision, "file": photo(), **words}
    assert ed.browser.post(address, sent).status_code == 302
    assert b"picture" not in pages.petition(site.petition(), "en").body.split(b"</style>")[1]
    amendment = ed.browser.get(f"/petitions/{petition.slug}/amendment").content.decode()
    assert "The picture is another one" in amendment

    versions.publish(petition.slug, site.keystore, TODAY, NOW)
    snapshot = site.petition()
    answer = pages.petition(snapshot, "en")
    page = answer.body.decode()
    assert (
        f'<img src="/en/{snapshot.slug}/picture.webp" alt="A bus at night" width="1280" height="800" loading="lazy"'
        in page
    )
    assert len(gzip.compress(answer.body, 9)) <= 14_000
    shown = pages.picture(snapshot, "ko")
    assert shown.header(b"content-type") == b"image/webp" and read_plain(shown.body).width == 1280
    assert "the picture" in pages.petition(snapshot, "en").body.decode().partition("Changed:")[2][:200]
    attributes = json.loads(api.petition(snapshot).body)["data"]["attributes"]
    assert attributes["picture"]["descriptions"] == {
        "en": "A bus at night",
        "ko": "밤의 버스",
        "zh-hans": "夜间公交",
        "ja": "夜のバス",
    }
    copied = CopiedPage("https://a.example", f"en/{snapshot.slug}", frozenset(), "log/", TODAY)
    path = f"en/{snapshot.slug}/picture.webp"
    assert "picture.webp" not in copied.of(answer.body).decode()
    with_picture = CopiedPage(
        "https://a.example", f"en/{snapshot.slug}", frozenset(), "log/", TODAY, frozenset({path})
    )
    assert f'src="../../{path}"' in with_picture.of(answer.body).decode()


def test_a_petition_without_a_picture_has_no_address_for_it(site: SiteOfTests) -> None:
    with pytest.raises(Refused) as refused:
        pages.picture(site.publish(), "en")
    assert refused.value.status == 404


def test_the_card_shows_the_picture(draft: Petition, ed: Person) -> None:
    send(ed, file=photo(), **WORDS)
    answer = ed.browser.get(f"/en/{SLUG}/card.png")
    with Image.open(io.BytesIO(answer.content)) as card:
        assert card.size == (1200, 630)
        red, green, blue = card.convert("RGB").getpixel((1000, 300))  # type: ignore[misc]
    assert red < 30 and abs(green - 128) < 12 and abs(blue - 128) < 12  # teal
    assert folder.parse(drafts.export_files(SLUG)).picture
