"""Eve floods the newsletter's pages. Other pages and forms are still answered."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from front_end import Client, open_client
from newsletter.asking import NEWSLETTER, PAGE, filled
from sabal import token
from sabal.front import pool
from sabal.front.routes import Route
from sabal.http import Request
from sabal.limits import networks as limits
from sabal.newsletter import subscription as rows
from signing.steps import signed
from sites import SiteOfTests

pytestmark = pytest.mark.slow  # many petitions, requests or events in each test

SIGN = "/en/stop-forced-repatriation/sign"


@pytest.fixture
def client(site: SiteOfTests, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    site.publish()
    with open_client(site, monkeypatch) as opened:
        opened.post(SIGN)  # the first request loads the modules of the templates
        yield opened


@pytest.fixture
def asked_of_pool(client: Client, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record the paths and page names that the pool works on from now on. Each takes a while, as on a busy site."""
    asked: list[str] = []
    call = pool._call

    def slow(work: Any, args: tuple[Any, ...]) -> Any:
        # a route, a form's request, or a prepared page's name
        named = [getattr(work, "__self__", None), *args]
        asked.append(next((one if isinstance(one, str) else one.path for one in named if has_path(one)), ""))
        time.sleep(0.2)
        return call(work, args)

    monkeypatch.setattr(pool, "_call", slow)
    return asked


def has_path(one: object) -> bool:
    return isinstance(one, str | Route | Request)


@pytest.mark.parametrize(
    "paths",
    [
        [NEWSLETTER] * 200,
        [PAGE] * 200,
        [f"{PAGE}/asked"] * 200,
        [f"{NEWSLETTER}/confirm/{token.encode(token.new())}" for _ in range(200)],
    ],
    ids=["newsletters", "subscribe", "asked", "confirm"],
)
def test_a_flood_of_readers_is_rendered_once(
    client: Client, asked_of_pool: list[str], paths: list[str]
) -> None:
    *flood, other = client.at_once([*map(client.getting, paths), client.posting(SIGN)])
    assert other.status == 422  # an empty form, which is shown again
    assert {answer.status for answer in flood} == {200} or (
        "confirm" in paths[0] and {answer.status for answer in flood} <= {200, 404}
    )
    assert (
        sum("newsletter" in path or "unsubscribe" in path for path in asked_of_pool) == 1
    )  # invented links are looked up one at a time; the others show the button
    assert sum(answer.status == 404 for answer in flood) <= 2


def test_unknown_paths_never_reach_the_pool(client: Client, asked_of_pool: list[str]) -> None:
    answers = client.at_once(
        client.getting(f"{NEWSLETTER}/{word}") for word in ("confirm", "unsubscribe", "x", "slow")
    )
    assert {answer.status for answer in answers} == {404}
    assert not [path for path in asked_of_pool if path.startswith(NEWSLETTER)]


def test_the_page_of_an_invented_link_is_the_same_for_every_token(client: Client) -> None:
    for verb in ("confirm", "unsubscribe"):
        seen = [
            client.get(f"{NEWSLETTER}/{verb}/{text}") for text in ("a" * 26, "b" * 25 + "a", "c" * 25 + "e")
        ]
        assert len({(answer.status, tuple(answer.headers), answer.body) for answer in seen}) == 1
        assert seen[0]["cache-control"] == "no-store" and seen[0]["x-robots-tag"] == "noindex"


def test_a_flood_of_invented_links_to_unsubscribe_reaches_no_thread(
    client: Client, asked_of_pool: list[str]
) -> None:
    client.get(invented("unsubscribe"))
    asked_of_pool.clear()
    answers = client.at_once([client.getting(invented("unsubscribe")) for _ in range(200)])
    assert {answer.status for answer in answers} == {404}
    assert len(asked_of_pool) <= 1  # the one copy of the page is made anew if it is older than a second


def test_the_form_page_is_cacheable_and_the_answer_to_a_form_is_not(client: Client) -> None:
    for path in (PAGE, f"{PAGE}/asked"):
        answer = client.get(path)
        assert answer["cache-control"] == "public, max-age=1, stale-while-revalidate=10, stale-if-error=600"
        assert answer["etag"]
    refused = client.post(PAGE, {"email": "suzie"})
    assert refused.status == 422 and refused["cache-control"] == "no-store"


def test_if_no_petition_offers_the_newsletter_its_form_is_not_found(
    site: SiteOfTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.publish(newsletter="false")
    with open_client(site, monkeypatch) as client:
        assert (
            client.get(NEWSLETTER).status
            == client.get(PAGE).status
            == client.get(f"{PAGE}/asked").status
            == client.post(PAGE).status
            == 404
        )
        # Unsubscribing still works.
        assert site.keyring.subscribers
        link = token.encode(rows.unsubscribe_token(site.keyring.subscribers, 12_345))
        assert client.get(f"{NEWSLETTER}/unsubscribe/{link}").status == 200


def invented(verb: str) -> str:
    return f"{NEWSLETTER}/{verb}/{token.encode(token.new())}"


@pytest.mark.parametrize("flooded", ["ask", "confirm", "unsubscribe", "forms with faults"])
def test_a_flood_of_slow_forms_does_not_stop_signing_and_confirming(
    site: SiteOfTests, client: Client, asked_of_pool: list[str], flooded: str
) -> None:
    petition = site.petition()
    max_ = signed(site, petition, "max@example.org", name="Max")
    suzie = {"name": "Suzie", "email": "suzie@example.org", "consent": "1", "version": petition.version}
    page = client.get(PAGE).body.decode()
    flood = {
        "ask": lambda n: client.posting(PAGE, filled(page, f"eve{n}@example.org")),
        "confirm": lambda n: client.posting(invented("confirm")),
        "unsubscribe": lambda n: client.posting(invented("unsubscribe")),
        "forms with faults": lambda n: client.posting(SIGN),
    }[flooded]
    *eves, sign, confirm = client.at_once(
        [
            *map(flood, range(200)),
            client.posting(SIGN, suzie),
            client.posting(f"/en/confirm/{token.encode(max_.t)}"),
        ]
    )
    assert (sign.status, confirm.status) == (303, 303) and confirm["location"]
    assert "/signature/" in confirm["location"]
    refused = [answer for answer in eves if answer.status == 503]
    # Invented links to unsubscribe take no thread, so all of them are answered.
    answered = {"unsubscribe": 200, "forms with faults": pool.REFUSED_FORMS}.get(flooded, pool.FORMS)
    assert len(eves) - len(refused) == answered
    for answer in refused:
        assert answer["retry-after"] and b"Very many people are here" in answer.body


@pytest.mark.parametrize("flooded", ["ask", "confirm"])
def test_a_flood_of_slow_forms_does_not_stop_unsubscribing(
    site: SiteOfTests, client: Client, asked_of_pool: list[str], flooded: str
) -> None:
    assert site.keyring.subscribers
    link = token.encode(rows.unsubscribe_token(site.keyring.subscribers, 12_345))
    page = client.get(PAGE).body.decode()
    flood = {
        "ask": lambda n: client.posting(PAGE, filled(page, f"eve{n}@example.org")),
        "confirm": lambda n: client.posting(invented("confirm")),
    }[flooded]
    *eves, left = client.at_once([*map(flood, range(50)), client.posting(f"{NEWSLETTER}/unsubscribe/{link}")])
    assert left.status == 200 and b"Very many people" not in left.body
    assert [answer.status for answer in eves].count(503) == 50 - pool.FORMS


@pytest.mark.parametrize(("flooded", "other", "status"), [(PAGE, SIGN, 422), (SIGN, PAGE, 422)])
def test_the_limits_of_a_network_for_signing_and_for_the_newsletter_are_separate(
    client: Client, flooded: str, other: str, status: int
) -> None:
    for _ in range(limits.HARD * limits.SOFT_HOUR):
        count = client.app.limits.ask if flooded == PAGE else client.app.limits.sign
        count(client.app.limits.network("127.0.0.1", time.time()), time.time())
    assert client.post(flooded).status == 429
    assert client.post(other).status == status


@pytest.mark.parametrize("verb", ["confirm", "unsubscribe"])
def test_an_invented_link_does_not_wait_for_a_writer(site: SiteOfTests, client: Client, verb: str) -> None:
    with site.database.transaction():  # SQLite allows one writer at a time
        if site.vendor == "postgresql":
            # Reading is still allowed.
            site.database.execute("LOCK TABLE newsletter_subscription IN SHARE MODE")
        started = time.monotonic()
        answer = client.post(invented(verb))
        assert answer.status == 404 and time.monotonic() - started < 5


def test_a_used_unsubscribe_link_does_not_wait_for_a_writer(site: SiteOfTests, client: Client) -> None:
    assert site.keyring.subscribers
    # A valid link whose row is deleted.
    link = token.encode(rows.unsubscribe_token(site.keyring.subscribers, 12_345))
    with site.database.transaction():
        if site.vendor == "postgresql":
            site.database.execute("LOCK TABLE newsletter_subscription IN SHARE MODE")
        assert client.post(f"{NEWSLETTER}/unsubscribe/{link}").status == 200
