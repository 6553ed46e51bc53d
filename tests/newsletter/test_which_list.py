"""The page to unsubscribe names the list, and never a guarded petition. Eve looks at the screen, and at lengths."""

from collections.abc import Iterator

import pytest
from django.db.models import F

from front_end import Client, open_client
from newsletter.test_own_page import SLUG, subscribe
from sabal.newsletter.lists import MailingList
from sabal.pages import newsletter as pages
from sabal.petitions.models import Petition
from sites import SiteOfTests


@pytest.fixture
def client(site: SiteOfTests, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """Return a client of a site with a guarded petition."""
    site.publish()
    with open_client(site, monkeypatch) as opened:
        yield opened


def leaving(own_page: str, language: str = "en") -> str:
    return own_page.replace("/en/", f"/{language}/").replace("/subscription/", "/unsubscribe/")


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "This is the newsletter of"),
        ("ko", "소식지입니다."),
        ("zh-hans", "的通讯。"),
        ("ja", "のニュースレターです。"),
    ],
)
def test_it_says_whose_newsletter_it_is(site: SiteOfTests, client: Client, language: str, words: str) -> None:
    definition = site.petition(SLUG).definition
    answer = client.get(leaving(subscribe(site, "suzie", MailingList(SLUG)), language))
    body = answer.body.decode()
    name = definition.organiser.get(language) or definition.organiser[definition.authoritative]
    assert (
        answer.status == 200 and answer["cache-control"] == "no-store" and "noindex" in answer["x-robots-tag"]
    )
    assert words in body and name in body and "<form" in body and "⟦" not in body
    assert site.rows("newsletter_subscription") == 1, "opening a link changes nothing"


def test_it_names_the_petition_of_updates(site: SiteOfTests, monkeypatch: pytest.MonkeyPatch) -> None:
    petition = site.publish(profile='"open"')
    with open_client(site, monkeypatch) as client:
        page = subscribe(site, "suzie", MailingList(SLUG, petition.id))
        body = client.get(leaving(page)).body.decode()
        assert f"These are updates about “{petition.definition.texts['en'].title}”." in body
        assert page in body, "the way to what is kept is there"
        assert client.post(leaving(page)).status == 200 and site.rows("newsletter_subscription") == 0


def test_it_does_not_name_a_guarded_petition(site: SiteOfTests, client: Client) -> None:
    petition = site.petition(SLUG)
    updates = leaving(subscribe(site, "suzie", MailingList(SLUG, petition.id)))
    newsletter = leaving(subscribe(site, "max", MailingList(SLUG)))
    shown, other = client.get(updates).body, client.get(newsletter).body
    body = shown.decode()
    assert "These are updates about a petition." in body
    for text in petition.definition.texts.values():
        assert text.title not in body and text.title not in other.decode()
    assert SLUG not in body and all(name not in body for name in petition.definition.organiser.values())
    assert len(shown) == len(other) and len(shown) % 1_024 == 0


def test_a_list_of_which_nothing_is_published_any_more_can_be_left(site: SiteOfTests, client: Client) -> None:
    pages = [subscribe(site, "suzie", MailingList("gone")), subscribe(site, "max", MailingList("gone", 99))]
    for page, words in zip(
        pages, ("This is a newsletter.", "These are updates about a petition."), strict=True
    ):
        assert words in client.get(leaving(page)).body.decode()
        assert client.post(leaving(page)).status == 200
    assert site.rows("newsletter_subscription") == 0


def test_a_petition_that_is_a_draft_is_not_named(site: SiteOfTests, client: Client) -> None:
    petition = site.petition(SLUG)
    page = leaving(subscribe(site, "suzie", MailingList(SLUG, petition.id)))
    Petition.objects.update(state=Petition.State.DRAFT, revision=F("revision") + 1)
    assert petition.definition.texts["en"].title not in client.get(page).body.decode()


@pytest.mark.parametrize("language", ["en", "ko", "zh-hans", "ja"])
def test_no_length_of_a_name_tells_the_lists_apart(
    site: SiteOfTests, client: Client, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    petition = site.petition(SLUG)
    updates = leaving(subscribe(site, "suzie", MailingList(SLUG, petition.id)), language)
    newsletter = leaving(subscribe(site, "max", MailingList(SLUG)), language)
    lengths = set()
    for letters in range(0, 450, 50):
        monkeypatch.setattr(pages, "_named", lambda *_, n=letters: ("ん" * n, "ja"))
        shown, other = client.get(updates).body, client.get(newsletter).body
        assert len(shown) == len(other), letters
        lengths.add(len(shown))
    assert len(lengths) > 1, "no name was long enough to need another step"
