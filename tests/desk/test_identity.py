"""How an organisation looks: typed on the desk, seen on the pages of its petitions, and safe there."""

import base64
import gzip
import hashlib
import io
import re

import pytest
from PIL import Image

from desk_clients import Person, person
from sabal.accounts.acts import TeamRole
from sabal.accounts.models import Membership, Organisation, Ownership
from sabal.pages import petition as pages
from sabal.pages import site as site_pages
from sabal.petitions.models import Petition
from sabal.petitions.snapshot import PetitionSnapshot
from served import SLUG
from sites import SiteOfTests

FORM = {"name": "Sparrow House", "contact": "", "website": "https://sparrow.example.org", "accent": "#0e4a48"}


@pytest.fixture
def owner(site: SiteOfTests) -> Person:
    """Return the owner of the organisation that owns the published petition."""
    site.publish()
    ours = Organisation.objects.create(key="ours", name="Ours")
    Ownership.objects.create(petition=Petition.objects.get(slug=SLUG), organisation=ours)
    return person("carol@example.org", TeamRole.OWNER, organisation=ours)


def png() -> io.BytesIO:
    file = io.BytesIO()
    Image.new("RGB", (300, 100), "teal").save(file, "PNG")
    file.seek(0)
    file.name = "<script>.png"
    return file


def saved(owner: Person, **form: object) -> int:
    return owner.browser.post("/organisations/ours", {**FORM, **form}).status_code


def test_what_is_saved_is_on_the_public_pages(site: SiteOfTests, owner: Person) -> None:
    before = site.petition()
    imprint = {"imprint:en": "Register <b>1</b>\r\nCarol", "name:ko": "참새의 집", "imprint:ko": "등록 1"}
    assert saved(owner, logo_file=png(), **imprint) == 302
    snapshot = site.petition()
    assert snapshot.revision > before.revision and snapshot.identity
    assert snapshot.identity.names == {"ko": "참새의 집"} and snapshot.identity.imprint["ko"] == "등록 1"

    answer = pages.petition(snapshot, "en")
    page = answer.body.decode()
    assert (
        '<img class="logo" src="/en/stop-forced-repatriation/logo.webp" alt="" width="300" height="100"'
        in page
    )
    assert len(gzip.compress(answer.body, 9)) <= 14_000
    styles = re.findall(r"<style>(.*?)</style>", page, re.S)
    assert "--beam:#0e4a48" in styles[1]
    policy = answer.header(b"content-security-policy").decode()
    for style in styles:
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert "unsafe" not in policy

    logo = pages.logo(snapshot, "en")
    assert logo.header(b"content-type") == b"image/webp"
    assert Image.open(io.BytesIO(logo.body)).format == "WEBP"
    said = site_pages.imprint([snapshot], "ko").body.decode()
    assert "등록 1" in said and "참새의 집" in said and 'href="https://sparrow.example.org"' in said
    said = site_pages.imprint([snapshot], "zh-hans").body.decode()
    assert "Register &lt;b&gt;1&lt;/b&gt;<br>Carol" in said, (
        "English where the reader's language is not written"
    )


def test_the_desk_names_it_in_the_readers_language(owner: Person) -> None:
    assert saved(owner, **{"name:ko": "참새의 집"}) == 302
    assert "Sparrow House" in owner.browser.get(f"/petitions/{SLUG}").content.decode()
    owner.browser.post("/language", {"language": "ko"})
    assert "참새의 집" in owner.browser.get(f"/petitions/{SLUG}").content.decode()


def test_a_petition_that_is_given_away_looks_like_its_new_owner(site: SiteOfTests, owner: Person) -> None:
    assert saved(owner, logo_file=png()) == 302
    other = Organisation.objects.create(key="other", name="Other", accent="#123456")
    Membership.objects.create(user=owner.user, organisation=other, role=TeamRole.OWNER)
    before = site.petition()
    assert owner.browser.post(f"/petitions/{SLUG}/organisation", {"organisation": "other"}).status_code == 302
    snapshot = site.petition()
    assert snapshot.revision > before.revision and snapshot.identity
    assert snapshot.identity.accent == "#123456" and not snapshot.identity.logo


def test_without_an_identity_a_page_is_as_before(site: SiteOfTests, owner: Person) -> None:
    assert saved(owner, accent="") == 302
    page = pages.petition(site.petition(), "en").body.decode()
    assert page.count("<style>") == 1 and "logo.webp" not in page


def test_the_preview_shows_it_too(owner: Person) -> None:
    assert saved(owner, logo_file=png()) == 302
    answer = owner.browser.get(f"/en/{SLUG}")
    assert b"logo.webp" in answer.content and b"--beam:#0e4a48" in answer.content
    assert owner.browser.get(f"/en/{SLUG}/logo.webp")["Content-Type"] == "image/webp"
    assert owner.browser.get("/organisations/ours/logo.webp").content[:4] == b"RIFF"
    assert saved(owner, without_logo="on") == 302
    assert b"logo.webp" not in owner.browser.get(f"/en/{SLUG}").content
    assert owner.browser.get("/organisations/ours/logo.webp").status_code == 404


def test_a_colour_on_which_nothing_can_be_read_is_refused_and_another_is_offered(owner: Person) -> None:
    answer = owner.browser.post("/organisations/ours", {**FORM, "accent": "#FFCC00", "name:ko": "참새"})
    page = answer.content.decode()
    assert answer.status_code == 422 and "참새" in page and "#FFCC00" in page
    offered = re.search(r'name="use" value="(#[0-9a-f]{6})"', page)
    assert offered
    assert saved(owner, accent="#FFCC00", use=offered[1]) == 302
    assert Organisation.objects.get(key="ours").accent == offered[1]


@pytest.mark.parametrize(
    "form",
    [
        {"accent": "red"},
        {"accent": "#12345"},
        {"accent": "#0e4a48;}"},
        {"accent": "", "use": "</style>"},
        {"website": "javascript:alert(1)"},
        {"website": "ftp://example.org"},
        {"imprint:en": "x" * 4001},
        {"logo_file": "<svg>"},
        {"logo_file": "<!doctype html><script>"},
    ],
)
def test_what_is_not_safe_is_refused_and_changes_nothing(owner: Person, form: dict[str, str]) -> None:
    before = list(Organisation.objects.values())
    sent: dict[str, object] = dict(form)
    if "logo_file" in sent:
        file = io.BytesIO(str(sent["logo_file"]).encode())
        file.name = "logo.png"
        sent["logo_file"] = file
    assert saved(owner, name="Other", **sent) == 422
    assert list(Organisation.objects.values()) == before


def test_nothing_else_of_an_organisation_is_set(site: SiteOfTests, owner: Person) -> None:
    assert saved(owner, key="stolen", logo=b"x", **{"name:xx": "?", "logo_width": "9"}) == 302
    ours = Organisation.objects.get(key="ours")
    assert not ours.logo and ours.logo_width == 0 and ours.names == {}
    snapshot: PetitionSnapshot = site.petition()
    assert snapshot.identity and snapshot.identity.logo == b""


def test_a_good_logo_is_kept_when_the_colour_is_refused(owner: Person) -> None:
    answer = owner.browser.post("/organisations/ours", {**FORM, "accent": "yellow", "logo_file": png()})
    assert answer.status_code == 422 and "The new logo is stored already." in answer.content.decode()
    assert owner.browser.get("/organisations/ours/logo.webp").content[:4] == b"RIFF"
    assert Organisation.objects.get(key="ours").accent == ""
