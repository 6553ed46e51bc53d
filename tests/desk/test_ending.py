"""The end of a petition: closing words in its languages, opening again, finalising."""

from datetime import UTC, datetime, timedelta

import pytest

from desk_clients import Person, person
from sabal.accounts.acts import TeamRole
from sabal.accounts.models import AuditEntry, Organisation, Ownership
from sabal.ledger.finalise import finalise_due
from sabal.ledger.sequencer import Sequencer
from sabal.pages.petition import petition as public_page
from sabal.petitions.models import Petition
from sabal.publishing import states
from served import SLUG
from sites import SiteOfTests

HERE = f"/petitions/{SLUG}"
WORDS = {
    "words:en": "The council kept the bus.\n\nThank you.",
    "words:ko": "버스가 남았습니다.",
    "words:zh-hans": "巴士保住了。",
    "words:ja": "バスは残りました。",
}
TODAY = datetime.now(UTC).date()


@pytest.fixture
def olga(site: SiteOfTests) -> Person:
    published = site.publish()
    ours = Organisation.objects.create(key="ours", name="Ours")
    Ownership.objects.create(petition_id=published.id, organisation=ours)
    return person("olga@example.org", TeamRole.OWNER, organisation=ours)


def page_of(site: SiteOfTests, language: str) -> str:
    return public_page(site.petition(), language).body.decode()


def test_what_was_achieved_is_said_in_every_language(site: SiteOfTests, olga: Person) -> None:
    assert b"You can open it again until" in olga.browser.get(f"{HERE}/close").content
    assert olga.browser.post(f"{HERE}/close", {"achieved": "on", **WORDS}).status_code == 302
    assert site.petition().state == "closed"
    assert "We achieved this" in page_of(site, "en") and "<p>Thank you.</p>" in page_of(site, "en")
    assert "저희가 이루어 냈습니다" in page_of(site, "ko") and "버스가 남았습니다." in page_of(site, "ko")
    assert AuditEntry.objects.latest("pk").what == "closed"


def test_a_close_without_words_says_nothing_more(site: SiteOfTests, olga: Person) -> None:
    assert olga.browser.post(f"{HERE}/close").status_code == 302
    assert 'class="ending"' not in page_of(site, "en")
    assert olga.browser.post(f"{HERE}/ending", {"achieved": "on"}).status_code == 302
    assert "Thank you to all who signed" in page_of(site, "en")


def test_closing_words_are_in_every_language_or_in_none(site: SiteOfTests, olga: Person) -> None:
    answer = olga.browser.post(f"{HERE}/close", {**WORDS, "words:ko": ""})
    page = answer.content.decode()
    assert answer.status_code == 422 and "Write it in this language too" in page and "巴士保住了。" in page
    assert site.petition().state == "open"


@pytest.mark.parametrize("bad", ["<script>alert(1)</script>", "x" * 2_001, "⟦token⟧", "a\u202eb"])
def test_closing_words_are_text(site: SiteOfTests, olga: Person, bad: str) -> None:
    answer = olga.browser.post(f"{HERE}/close", {**WORDS, "words:en": bad})
    if answer.status_code == 302:
        assert "<script>alert" not in page_of(site, "en") and "&lt;script&gt;" in page_of(site, "en")
    else:
        assert answer.status_code == 422 and site.petition().state == "open"


def test_words_are_shown_only_while_it_is_closed(site: SiteOfTests, olga: Person) -> None:
    assert olga.browser.get(f"{HERE}/ending").status_code == 404
    olga.browser.post(f"{HERE}/close", WORDS)
    assert olga.browser.post(f"{HERE}/resume").status_code == 302
    assert "The council kept the bus." not in page_of(site, "en")
    assert "The council kept the bus." in olga.browser.get(f"{HERE}/close").content.decode()  # not lost


def test_finalising_waits_until_no_email_can_be_confirmed(site: SiteOfTests, olga: Person) -> None:
    assert olga.browser.get(f"{HERE}/finalise").status_code == 404
    olga.browser.post(f"{HERE}/close")
    assert b"This is possible from" in olga.browser.get(f"{HERE}/finalise").content
    assert olga.browser.post(f"{HERE}/finalise").status_code == 409
    Petition.objects.update(closed_on=TODAY - timedelta(days=8))
    assert olga.browser.post(f"{HERE}/finalise").status_code == 409
    Petition.objects.update(closed_on=TODAY - timedelta(days=9))
    sequencer = Sequencer(site.keystore)
    now = datetime.now(UTC).timestamp()

    def finalised() -> bool:
        return finalise_due(site.database, site.keystore, sequencer, site.petition(), TODAY, now)

    Petition.objects.update(revision=1000)
    assert not finalised()  # it can still be opened again
    assert b"cannot be undone" in olga.browser.get(f"{HERE}/finalise").content
    assert olga.browser.post(f"{HERE}/finalise").status_code == 302
    assert olga.browser.post(f"{HERE}/resume").status_code == 409
    assert b"within the hour" in olga.browser.get(f"{HERE}/finalise").content
    assert finalised() and site.petition().state == "finalised"
    assert olga.browser.post(f"{HERE}/ending", WORDS).status_code == 302
    assert "버스가 남았습니다." in page_of(site, "ko")
    assert olga.browser.post(f"{HERE}/close").status_code == 409


def test_two_who_close_at_once_close_once(site: SiteOfTests, olga: Person) -> None:
    states.close(SLUG, TODAY)
    answer = olga.browser.post(f"{HERE}/close", WORDS)
    assert answer.status_code == 409 and site.petition().ending is None
