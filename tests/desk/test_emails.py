"""Words of the organisation in the email that asks to confirm and on the page after it: safe, shown, tested."""

import time
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone

from desk_clients import Person, person
from sabal import days
from sabal.accounts.acts import TeamRole
from sabal.accounts.models import Organisation, Ownership
from sabal.desk.models import Job
from sabal.desk.working import Tasks
from sabal.keys.keystore import mail_key_name, open_keystore
from sabal.mail.address import EmailAddress
from sabal.mail.emails import Email, Site
from sabal.mail.ids import CONFIRM_TEST
from sabal.mail.kinds import render
from sabal.mail.row import open_body
from sabal.pages.prepared import prepared_page
from sabal.petitions import folder
from sabal.petitions.definition import FolderError
from sabal.petitions.models import Petition
from sabal.petitions.pieces import pieces_of, with_pieces
from sabal.publishing import drafts
from served import SLUG
from sites import EXAMPLE, SiteOfTests, replace_key

PAGE = f"/petitions/{SLUG}/emails"


def files(profile: str = "open", **words: str) -> dict[str, str]:
    """Return the example with words of its own in English."""
    found = folder.read(EXAMPLE)
    found["petition.toml"] = found["petition.toml"].replace('profile = "guarded"', f'profile = "{profile}"')
    if profile == "open":
        kept = found["petition.toml"].splitlines()
        found["petition.toml"] = "\n".join(line for line in kept if not line.startswith("hint =")) + "\n"
    lines = "".join(f"{key}: {value}\n" for key, value in words.items())
    found["en.md"] = found["en.md"].replace("---\n", f"---\n{lines}", 1)
    return found


@pytest.fixture
def ed(site: SiteOfTests) -> Person:
    """Return Ed, who edits the draft of the example, which has words of its own in English."""
    petition = drafts.import_files(
        files(confirm_email="Every name helps <b>us</b>.", thanks="We are grateful.")
    )
    organisation = Organisation.objects.create(key="ours", name="Ours")
    Ownership.objects.create(petition=petition, organisation=organisation)
    return person("ed@example.org", TeamRole.EDITOR, organisation=organisation)


@pytest.mark.parametrize("key", ["confirm_email", "thanks"])
@pytest.mark.parametrize(
    "words",
    [
        "Read https://evil.example",
        "Read www.evil.example",
        "Read evil.example/now",
        "Read EVIL.EXAMPLE",
        "Read WWW.EVIL.EXAMPLE",
        "Read evil。example",
        "Read ｅｖｉｌ．ｅｘａｍｐｌｅ",
        "Write to us@evil.example",
        "Call 02 123 45 67",
        "Account 1234567890",
    ],
)
def test_words_that_lead_elsewhere_are_refused(key: str, words: str) -> None:
    with pytest.raises(FolderError, match=f"`{key}` must not contain a web address"):
        folder.parse(files(**{key: words}))


@pytest.mark.parametrize(
    "words", ["Thank you. We met 300 people on 24 May 2026.", "감사합니다. 함께 해 주셔서.", "Merci !"]
)
def test_plain_words_are_taken(words: str) -> None:
    assert folder.parse(files(thanks=words)).texts["en"].thanks == words


@pytest.mark.parametrize("key", ["confirm_email", "thanks"])
def test_a_guarded_petition_has_no_words_of_its_own(key: str) -> None:
    with pytest.raises(FolderError, match="cannot be used in a guarded petition"):
        folder.parse(files("guarded", **{key: "Every name helps."}))


def test_the_email_is_shown_as_it_will_arrive(site: SiteOfTests, ed: Person) -> None:
    shown = ed.browser.get(f"{PAGE}?language=en")
    page = unescape(shown.content.decode())
    assert shown.status_code == 200 and "Every name helps <b>us</b>." in page and "We are grateful." in page
    assert "<b>us</b>" not in shown.content.decode()
    html = ed.browser.get(f"{PAGE}/html?language=en")
    assert "Every name helps &lt;b&gt;us&lt;/b&gt;." in html.content.decode()
    assert (
        "script-src" not in html["Content-Security-Policy"] and "sandbox" in html["Content-Security-Policy"]
    )
    assert html["X-Frame-Options"] == "SAMEORIGIN"
    other = ed.browser.get(f"{PAGE}?language=ko").content.decode()
    assert "Every name helps" not in other and "A sentence of yours can follow" in other
    assert ed.browser.get(f"{PAGE}?language=xx").status_code == 200


def test_the_page_after_confirming_has_the_thanks(site: SiteOfTests, ed: Person) -> None:
    petition = site.petition()
    english, korean = (
        prepared_page("receipt", language, petition).body.decode() for language in ("en", "ko")
    )
    assert "We are grateful." in english and "We are grateful." not in korean


def test_the_editor_takes_them_and_keeps_them(site: SiteOfTests, ed: Person) -> None:
    page = ed.browser.get(f"/petitions/{SLUG}/text/en").content.decode()
    assert "We are grateful." in page and "Every name helps &lt;b&gt;us" in page


def test_a_translator_keeps_them() -> None:
    before = files(confirm_email="Every name helps.", thanks="We are grateful.")
    pieces = pieces_of(folder.parse(before), "en")
    after = folder.parse(with_pieces(before, "en", {**pieces, "summary": "Another summary."})).texts["en"]
    assert (after.confirm_email, after.thanks) == ("Every name helps.", "We are grateful.")


def test_a_test_goes_to_the_person_alone_in_every_language(site: SiteOfTests, ed: Person) -> None:
    for _ in range(2):
        assert ed.browser.post(f"{PAGE}/test", {"to": "eve@example.org"}).status_code == 302
    assert Job.objects.count() == 1, "pressed twice, it is sent once"
    assert Tasks("a").work(site.database)
    key = open_keystore().find(site.database, mail_key_name(days.number_at(time.time())))
    bodies = [open_body(key, bytes(row[0])) for row in site.database.query("SELECT sealed FROM mail_email")]
    assert {body.to.typed for body in bodies} == {"ed@example.org"}
    assert sorted(body.language for body in bodies) == ["en", "ja", "ko", "zh-hans"]
    assert "is on its way" in ed.browser.get(PAGE).content.decode()
    assert site.rows("signing_pending") == 0


@pytest.mark.parametrize(("language", "words"), [("en", "Test: "), ("ko", "시험 발송: ")])
def test_a_test_says_that_it_is_one(language: str, words: str) -> None:
    petition = folder.parse(files("open"))
    email = Email(1, CONFIRM_TEST, EmailAddress.parse("ed@example.org"), language, "a" * 26)
    message = render(email, petition, Site("https://petition.example"), time.time())
    content = message_from_bytes(message.content, policy=default)
    plain = content.get_body(("plain",))
    assert content["Subject"].startswith(words) and plain is not None
    assert ("test that you asked for" if language == "en" else "시험 이메일") in plain.get_content()


def test_the_email_of_a_published_petition_ends_with_its_log_as_the_real_one(site: SiteOfTests) -> None:
    petition = site.publish()
    site.sequence(petition, int(time.time()))
    olga = person("olga@example.org", TeamRole.OWNER)
    page = unescape(olga.browser.get(PAGE).content.decode())
    assert site.petition().counts.checkpoint.decode().splitlines()[0] in page
    assert "If that log is ever shortened or rewritten" in page


def test_few_tests_an_hour(site: SiteOfTests, ed: Person) -> None:
    for _ in range(5):
        assert ed.browser.post(f"{PAGE}/test").status_code == 302
        Job.objects.update(ended_at=timezone.now())
    assert ed.browser.post(f"{PAGE}/test").status_code == 409
    assert Job.objects.count() == 5


def test_a_worker_that_does_not_answer_is_said(site: SiteOfTests, ed: Person) -> None:
    ed.browser.post(f"{PAGE}/test")
    Job.objects.update(asked_at=timezone.now() - timedelta(seconds=6))
    assert b"does not answer" in ed.browser.get(PAGE).content


def test_a_viewer_and_another_website_send_nothing(site: SiteOfTests, ed: Person) -> None:
    eve = person("eve@example.org", TeamRole.VIEWER, organisation=Organisation.objects.get(key="ours"))
    other = Client(enforce_csrf_checks=True)
    other.cookies = ed.browser.cookies
    for browser in (eve.browser, other):
        assert browser.post(f"{PAGE}/test").status_code == 403
    assert not Job.objects.exists() and Petition.objects.get().state == "draft"


def test_the_page_shows_the_reminder_or_says_that_there_is_none(ed: Person) -> None:
    page = unescape(ed.browser.get(PAGE).content.decode())
    assert "They get no reminder." in page and f'href="/petitions/{SLUG}/terms"' in page
    reminding = files()
    reminding["petition.toml"] = replace_key(reminding["petition.toml"], "reminder", "true")
    drafts.import_files(reminding)
    page = unescape(ed.browser.get(f"{PAGE}?language=ko").content.decode())
    assert "They get one reminder" in page and "아직 확인되지 않은 서명:" in page
    drafts.import_files(files("guarded"))
    page = ed.browser.get(PAGE).content.decode()
    assert "They get no reminder, because their address" in page and "Not confirmed yet" not in page
