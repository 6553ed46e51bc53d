"""The link in an email about a guarded petition: it leads to the petition, and neither it nor the email names it."""

from collections.abc import Iterator

import pytest

from front_end import Client, open_client
from mailings.world import CAROLS, subscribe
from sabal import token
from sabal.newsletter import subscription
from sites import SiteOfTests


@pytest.fixture
def client(site: SiteOfTests, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    site.publish()
    with open_client(site, monkeypatch) as opened:
        yield opened


def link(site: SiteOfTests, row_id: int, language: str = "ko") -> str:
    assert site.keyring.subscribers
    own = token.encode(subscription.unsubscribe_token(site.keyring.subscribers, row_id))
    return f"/{language}/newsletter/news/{own}"


def test_it_leads_to_the_petition_in_the_readers_language(site: SiteOfTests, client: Client) -> None:
    (row_id,) = subscribe(site, "suzie@example.org", petition=site.petition().id)
    answer = client.get(link(site, row_id))
    assert answer.status == 302 and answer["location"] == f"/ko/{CAROLS}"
    assert answer["cache-control"] == "no-store"
    before = site.database.query("SELECT * FROM newsletter_subscription")
    assert client.post(link(site, row_id)).status == 405
    assert site.database.query("SELECT * FROM newsletter_subscription") == before


def test_invented_links_and_those_of_people_who_left_lead_nowhere(site: SiteOfTests, client: Client) -> None:
    """Eve learns from no link whether it is somebody's."""
    (newsletter,) = subscribe(site, "suzie@example.org")
    (row_id,) = subscribe(site, "max@example.org", petition=site.petition().id)
    site.database.execute("DELETE FROM newsletter_subscription WHERE id = ?", (row_id,))
    assert client.get(f"/en/newsletter/news/{token.encode(token.new())}").status == 404
    for gone in (row_id, newsletter):
        answer = client.get(link(site, gone))
        assert answer.status == 200 and CAROLS not in answer.body.decode()
