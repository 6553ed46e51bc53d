"""The public page of past newsletters, its feed, and what the page that asks to subscribe says."""

from collections.abc import Iterator
from xml.etree import ElementTree

import pytest

from front_end import Client, open_client
from mailings.world import CAROLS, ENGLISH, KOREAN, begun, write
from sabal.mailings import control
from sabal.mailings.models import Newsletter
from sabal.mailings.rendering import MailingWords
from sites import NOW, SiteOfTests

PAGE = f"/newsletter/{CAROLS}"
ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture
def client(site: SiteOfTests, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """Yield a client of a site with two issues, the first of them in English alone, and a draft."""
    site.publish()
    begun({"en": MailingWords("en", "The first", "It *began*.\n\n[more](https://example.org/)")})
    begun({"en": ENGLISH, "ko": KOREAN}, now=NOW + 86_400)
    write({"en": MailingWords("en", "A draft of Carol", "Not yet.")})
    Newsletter.objects.create(
        organisation=CAROLS, how_often={"en": "About once a month.", "ko": "한 달에 한 번쯤."}
    )
    with open_client(site, monkeypatch) as opened:
        yield opened


def text(client: Client, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status == status, path
    return answer.body.decode()


def test_the_list_names_the_issues_and_no_draft(site: SiteOfTests, client: Client) -> None:
    page = text(client, f"/en{PAGE}/issues")
    assert page.index("News from Carol") < page.index("The first") and "A draft" not in page
    assert "About once a month." in page and f'href="/en{PAGE}/issues.atom"' in page
    korean = text(client, f"/ko{PAGE}/issues")
    assert "캐럴의 소식" in korean and '<bdi lang="en" dir="ltr">The first</bdi>' in korean


def test_an_issue_is_shown_in_the_readers_language_if_it_has_it(site: SiteOfTests, client: Client) -> None:
    page = text(client, f"/ko{PAGE}/issues/2")
    assert "의회를 만났습니다." in page and "We met" not in page
    page = text(client, f"/ko{PAGE}/issues/1")
    assert '<article class="issue" lang="en">' in page and "<em>began</em>" in page
    for path in ("3", "0", "x", "01", "1/2"):
        text(client, f"/en{PAGE}/issues/{path}", 404)
    text(client, "/en/newsletter/another/issues", 404)


def test_the_feed_is_valid_and_its_ids_are_stable(site: SiteOfTests, client: Client) -> None:
    answer = client.get(f"/ko{PAGE}/issues.atom")
    assert answer.status == 200 and answer["content-type"].startswith("application/atom+xml")
    feed = ElementTree.fromstring(answer.body)
    entries = feed.findall(f"{ATOM}entry")
    assert [one.findtext(f"{ATOM}title") for one in entries] == ["캐럴의 소식", "The first"]
    ids = [one.findtext(f"{ATOM}id") for one in [feed, *entries]]
    assert len(set(ids)) == 3 and all(str(one).startswith("urn:uuid:") for one in ids)
    again = ElementTree.fromstring(client.get(f"/ko{PAGE}/issues.atom").body)
    assert [one.findtext(f"{ATOM}id") for one in again.findall(f"{ATOM}entry")] == ids[1:]
    assert "<em>began</em>" in str(entries[1].findtext(f"{ATOM}content"))
    for link in feed.iter(f"{ATOM}link"):
        assert link.attrib["href"].startswith("http")


def test_the_page_to_subscribe_says_how_often_and_shows_the_last(site: SiteOfTests, client: Client) -> None:
    page = text(client, f"/en{PAGE}")
    assert "About once a month." in page and f'href="/en{PAGE}/issues/2"' in page
    page = text(client, f"/ko/{CAROLS}")
    if "newsletter_" in page or 'name="newsletter"' in page:
        assert "한 달에 한 번쯤." in page and "캐럴의 소식" in page


def test_a_cancelled_issue_and_one_that_is_not_for_the_archive_are_not_shown(
    site: SiteOfTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.publish()
    wrong = begun({"en": MailingWords("en", "A mistake", "Wrong.")})
    control.cancel(wrong, NOW)
    begun({"en": MailingWords("en", "Only for readers", "Quiet.")}, archived=False)
    with open_client(site, monkeypatch) as client:
        page = text(client, f"/en{PAGE}/issues")
        assert "A mistake" not in page and "Only for readers" not in page and "None was sent yet" in page
        assert client.get(f"/en{PAGE}/issues.atom").status == 200


def test_code_in_an_issue_is_shown_as_text(site: SiteOfTests, monkeypatch: pytest.MonkeyPatch) -> None:
    site.publish()
    bad = "<script>alert(1)</script>"
    begun({"en": MailingWords("en", f"{bad}\x0b", f"{bad}\n\n[x](javascript:alert(1)) ]]>")})
    with open_client(site, monkeypatch) as client:
        for path in (f"/en{PAGE}/issues", f"/en{PAGE}/issues/1", f"/en{PAGE}"):
            assert "<script>alert" not in text(client, path)
        ElementTree.fromstring(client.get(f"/en{PAGE}/issues.atom").body)
