"""Recipients on the desk: how each is reached, the members of groups, and what stays when the text changes."""

import io
import re

import pytest

from desk_clients import Person, person
from sabal import settings
from sabal.accounts.acts import TeamRole
from sabal.accounts.models import AuditEntry, Organisation, Ownership
from sabal.configuration.sender import Sender
from sabal.delivery import members
from sabal.delivery.contact import Contact
from sabal.petitions.models import Petition, Version
from served import SLUG
from sites import SiteOfTests

PAGE = f"/petitions/{SLUG}/delivery"
COUNCIL = f"{PAGE}/to/security-council"
FORM = {
    "way": "letter",
    "email": "Registry@unhcr.example",
    "postal": "Rue 94\nGeneva",
    "language": "FR",
    "kind": "un-body",
    "zone": "Europe/Zurich",
    "opens": "08:30",
    "closes": "16:00",
    "days": ["mon", "tue"],
}


@pytest.fixture
def olga(site: SiteOfTests, monkeypatch: pytest.MonkeyPatch) -> Person:
    monkeypatch.setattr(settings, "MAIL_FROM", Sender("Petitions", "petition@site.example"))
    petition = site.publish()
    organisation = Organisation.objects.create(key="ours", name="Ours")
    Ownership.objects.create(petition_id=petition.id, organisation=organisation)
    return person("olga@example.org", TeamRole.OWNER, organisation=organisation)


def text(page: bytes) -> str:
    """Return what a page says."""
    return " ".join(re.sub(r"<[^>]+>", " ", page.decode()).split())


def load(olga: Person, content: bytes, **more: str) -> "tuple[int, str]":
    upload = io.BytesIO(content)
    upload.name = "members"
    answer = olga.browser.post(f"{COUNCIL}/file", {"file": upload, **more})
    return answer.status_code, answer.content.decode()


def confirm(olga: Person, page: str) -> None:
    """Say yes to what a page shows."""
    from html import unescape

    content = re.search(r"<textarea name=\"content\" hidden>\n?(.*?)</textarea>", page, re.S)
    assert content
    answer = olga.browser.post(f"{COUNCIL}/file", {"content": unescape(content[1])})
    assert answer.status_code == 302


def test_every_recipient_of_the_text_is_shown_and_can_be_changed(olga: Person) -> None:
    shown = text(olga.browser.get(PAGE).content)
    assert "(UNHCR)" in shown and shown.count("No address yet.") == 2 and shown.count("no members yet") == 3
    assert Contact.objects.count() == 0  # looking stores nothing
    assert olga.browser.post(f"{PAGE}/to/unhcr", FORM).status_code == 302
    contact = Contact.objects.get()
    assert (contact.path, contact.email, contact.language) == ("unhcr", "Registry@unhcr.example", "fr")
    assert (contact.days, str(contact.opens), contact.zone) == ("mon tue", "08:30:00", "Europe/Zurich")
    assert contact.names["ko"].startswith("유엔난민기구")
    assert AuditEntry.objects.filter(what="contact-changed", details="unhcr").count() == 1
    assert "Registry@unhcr.example" in text(olga.browser.get(PAGE).content)
    assert "Rue 94" in text(olga.browser.get(PAGE).content)
    again = olga.browser.get(f"{PAGE}/to/unhcr").content.decode()
    assert '<option value="fr" selected>French · français</option>' in again
    assert 'value="08:30"' in again and re.search(r'value="mon"[^>]*checked', again)
    assert olga.browser.post(f"{PAGE}/to/unhcr", FORM | {"email": ""}).status_code == 302
    assert Contact.objects.count() == 1


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"email": "a@x.example, b@x.example"}, "Enter one address only"),
        ({"email": "a@x.example\r\nBcc: eve@example.org"}, "Enter one address only"),
        ({"email": "petition@site.example"}, "this site sends from"),
        ({"email": "all@lists.x.example"}, "mailing list"),
        ({"opens": "<script>alert(1)</script>"}, "Enter a valid time"),
        ({"opens": "17:00", "closes": "09:00"}, "must close after it opens"),
        ({"zone": "Moon/Crater"}, "Select a valid choice"),
        ({"days": ["<b>"]}, "Select a valid choice"),
        ({"days": []}, "Choose at least one day"),
        ({"form": "javascript:alert(1)"}, "begins with https://"),
        ({"way": "pigeon"}, "Select a valid choice"),
        ({"through": "A\u202eB"}, "through"),
        ({"language": "e\nn"}, "not a language code"),
    ],
)
def test_bad_input_is_refused_and_nothing_is_lost(olga: Person, wrong: dict[str, object], said: str) -> None:
    answer = olga.browser.post(f"{PAGE}/to/unhcr", FORM | wrong)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert said in page and "Rue 94" in page
    assert "<script>alert" not in page and Contact.objects.count() == 0


def test_what_was_typed_is_shown_as_text(olga: Person) -> None:
    evil = '<script>alert("x")</script>'
    olga.browser.post(f"{PAGE}/to/unhcr", FORM | {"through": evil, "note": evil, "way": "through"})
    for page in (PAGE, f"{PAGE}/to/unhcr"):
        assert b"<script>alert" not in olga.browser.get(page).content


def test_a_member_is_added_and_changed(olga: Person) -> None:
    form = FORM | {"name:en": "Bhutan & Sons", "since": "2026-01-01", "until": "2026-12-31"}
    assert olga.browser.post(f"{COUNCIL}/add", form).status_code == 302
    member = Contact.objects.get(group="security-council")
    assert (member.path, member.names) == ("security-council/bhutan-sons", {"en": "Bhutan & Sons"})
    assert (
        olga.browser.post(f"{COUNCIL}/members/bhutan-sons", form | {"until": "2027-12-31"}).status_code == 302
    )
    member.refresh_from_db()
    assert str(member.until) == "2027-12-31"
    assert "1 member today" in text(olga.browser.get(PAGE).content)
    assert "French · français" in text(olga.browser.get(COUNCIL).content)
    bad = olga.browser.post(f"{COUNCIL}/add", form | {"until": "2025-12-31"})
    assert bad.status_code == 422 and b"must end after it begins" in bad.content
    nameless = olga.browser.post(f"{COUNCIL}/add", FORM)
    assert nameless.status_code == 422 and b"at least one language" in nameless.content
    assert olga.browser.get(f"{COUNCIL}/members/nobody").status_code == 404
    assert olga.browser.get(f"{PAGE}/to/nobody").status_code == 404


def test_members_come_from_the_example_file_and_go_round(olga: Person) -> None:
    example = olga.browser.get(f"{PAGE}/examples/un-security-council.toml").content
    status, page = load(olga, example)
    assert status == 200 and page.count(">new<") == 15 and Contact.objects.count() == 0
    confirm(olga, page)
    assert Contact.objects.filter(group="security-council").count() == 15
    group = Contact.objects.get(key="security-council")
    assert (str(group.members_as_of), str(group.members_until)) == ("2026-01-01", "2026-12-31")
    latvia = Contact.objects.get(key="latvia")
    assert latvia.names["ko"] == "라트비아" and str(latvia.until) == "2027-12-31"
    assert latvia.zone == "America/New_York"
    for kind in ("toml", "csv"):
        file = olga.browser.get(f"{COUNCIL}/members.{kind}").content
        status, page = load(olga, file)
        assert (status, page.count("stays as it is"), page.count("leave the group")) == (200, 15, 0), kind
    assert olga.browser.get(f"{COUNCIL}/members.exe").status_code == 404
    assert AuditEntry.objects.get(what="members-loaded").details == "security-council: 15"


@pytest.mark.parametrize(("language", "name"), [("en", "Latvia"), ("ko", "라트비아")])
def test_the_members_of_a_file_are_named_in_the_readers_language(
    olga: Person, language: str, name: str
) -> None:
    olga.browser.post("/language", {"language": language, "next": "/"})
    page = load(olga, members.example("un-security-council.toml").encode())[1]
    assert f">{name}</td>" in page and ">ラトビア</td>" not in page


def test_a_file_keeps_what_it_does_not_say_and_those_left_out_leave(olga: Person) -> None:
    confirm(olga, load(olga, members.example("un-security-council.toml").encode())[1])
    Contact.objects.filter(key="latvia").update(email="mission@latvia.example", note="call first")
    table = "\ufeffkey;name.en;until\r\nlatvia;Latvia;2027-12-31\r\n;Testland;2027-12-31\r\n"
    status, page = load(olga, table.encode("utf-16"))
    assert status == 200 and "leave the group today" in page
    assert (page.count(">new<"), page.count(">changed<")) == (
        1,
        1,
    )  # its Korean name and its first day are gone
    confirm(olga, page)
    latvia = Contact.objects.get(key="latvia")
    assert (latvia.email, latvia.note) == ("mission@latvia.example", "call first")
    assert Contact.objects.filter(group="security-council").count() == 16  # rows stay
    assert "2 members today" in text(olga.browser.get(PAGE).content)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "The submitted file is empty"),
        (b"# nothing", "no column"),
        (b"name\n", "no member in this file"),
        (b"town\nx\n", "no column"),
        (b"\x89PNG\r\n", "not text in UTF-8"),
        (b"[[members]]\nname = \n", "not a TOML file"),
        (b"[[members]]\n" + b"a=" + b"[" * 50_000, "not a TOML file"),
        (b"name\n" + b"x\n" * 501, "at most 500"),
        (b"name\n" + b"x" * 600_000, "at most 500 kB"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_words(olga: Person, content: bytes, said: str) -> None:
    status, page = load(olga, content)
    assert status == 422 and said in text(page.encode())
    assert Contact.objects.count() == 0


def test_wrong_rows_are_named_and_nothing_changes(olga: Person) -> None:
    table = (
        "key,name,email,since,until,zone\n"
        "a,Aland,x@x.example,2026-01-01,,\n"
        'b,Bland,"y@y.example, z@y.example",,,\n'
        "c,Cland,,2026-13-01,,\n"
        "d,Dland,,,,Moon/Crater\n"
        "a,Again,,,,\n"
        "f,=cmd|' /C calc'!A0,<script>,,,\n"
    )
    status, page = load(olga, table.encode())
    said = text(page.encode())
    assert status == 422 and "Nothing was changed yet" in said and "Change the members" not in said
    for row in ("Row 2, Bland", "Row 3, Cland", "Row 4, Dland", "Row 5, Again", "Row 6, =cmd"):
        assert row in said
    assert "<script>" not in page and Contact.objects.count() == 0
    assert olga.browser.post(f"{COUNCIL}/file", {"content": table}).status_code == 422
    assert Contact.objects.count() == 0


def test_a_table_for_a_spreadsheet_runs_nothing(olga: Person) -> None:
    form = FORM | {"name:en": "Bhutan", "note": '=HYPERLINK("http://eve.example")'}
    olga.browser.post(f"{COUNCIL}/add", form)
    table = olga.browser.get(f"{COUNCIL}/members.csv").content.decode("utf-8-sig")
    assert "'=HYPERLINK" in table
    assert load(olga, table.encode())[1].count("stays as it is") == 1


def test_a_recipient_that_leaves_the_text_keeps_its_row(olga: Person, site: SiteOfTests) -> None:
    olga.browser.post(f"{PAGE}/to/unhcr", FORM)
    version = Version.objects.get(petition__slug=SLUG)
    Version.objects.filter(pk=version.pk).update(
        files=version.files.replace('key = \\"unhcr\\"', 'key = \\"other\\"')
    )
    page = text(olga.browser.get(PAGE).content)
    assert "No longer addressed" in page and "Registry@unhcr.example" in page
    assert "does not name this recipient any more" in text(olga.browser.get(f"{PAGE}/to/unhcr").content)
    assert Contact.objects.get(key="unhcr").email == "Registry@unhcr.example"


def test_an_editor_sees_and_only_who_may_send_changes(olga: Person, site: SiteOfTests) -> None:
    organisation = Organisation.objects.get(key="ours")
    ed = person("ed@example.org", TeamRole.EDITOR, organisation=organisation)
    assert b"/to/unhcr" not in ed.browser.get(PAGE).content
    assert ed.browser.post(f"{PAGE}/to/unhcr", FORM).status_code == 403
    sender = person("max@example.org", TeamRole.VIEWER, organisation=organisation, rights=("send",))
    assert sender.browser.post(f"{PAGE}/to/unhcr", FORM).status_code == 302
    assert Petition.objects.get(slug=SLUG).contacts.count() == 1
