"""Eve floods the newsletter's pages; whoever comes for something else is answered all the same."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from front_door import Entrance, entrance
from houses import HouseOfTests
from sabal.front import django
from sabal.signing import token

PAGE = "/en/newsletter"
SIGN = "/en/stop-forced-repatriation/sign"


@pytest.fixture
def door(house: HouseOfTests, monkeypatch: pytest.MonkeyPatch) -> Iterator[Entrance]:
    house.publish()
    with entrance(house, monkeypatch) as opened:
        opened.post(SIGN)  # the first of all makes Django load what it needs
        yield opened


@pytest.fixture
def asked_of_django(door: Entrance, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What Django is asked for from now on; each answer takes it a while, as on a house with much to do."""
    paths: list[str] = []
    way = django._django
    assert way
    application = way._application

    def slow(environ: dict[str, Any], start_response: Any) -> Any:
        paths.append(environ["PATH_INFO"])
        time.sleep(0.2)
        return application(environ, start_response)

    monkeypatch.setattr(way, "_application", slow)
    return paths


@pytest.mark.parametrize(
    "paths",
    [
        [PAGE] * 200,
        [f"{PAGE}/asked"] * 200,
        [f"{PAGE}/confirm/{token.encode(token.new())}" for _ in range(200)],
        [f"{PAGE}/unsubscribe/{token.encode(token.new())}" for _ in range(200)],
    ],
    ids=["subscribe", "asked", "confirm", "unsubscribe"],
)
def test_a_flood_of_readers_takes_no_thread_from_others(
    door: Entrance, asked_of_django: list[str], paths: list[str]
) -> None:
    *flood, other = door.at_once([*map(door.getting, paths), door.posting(SIGN)])
    assert other.status == 422  # an empty form, which Django shows again
    assert {answer.status for answer in flood} == {200}
    assert sum("newsletter" in path or "unsubscribe" in path for path in asked_of_django) == 1


def test_words_that_are_no_page_never_reach_django(door: Entrance, asked_of_django: list[str]) -> None:
    answers = door.at_once(door.getting(f"{PAGE}/{word}") for word in ("confirm", "unsubscribe", "x", "slow"))
    assert {answer.status for answer in answers} == {404}
    assert not [path for path in asked_of_django if path.startswith(PAGE)]


def test_the_page_behind_a_link_is_one_whatever_the_token(door: Entrance) -> None:
    for verb in ("confirm", "unsubscribe"):
        seen = [door.get(f"{PAGE}/{verb}/{text}") for text in ("a" * 26, "b" * 25 + "a", "no")]
        assert len({(answer.status, tuple(answer.headers), answer.body) for answer in seen}) == 1
        assert seen[0]["cache-control"] == "no-store" and seen[0]["x-robots-tag"] == "noindex"
        assert (
            b'<form method="post"><button>' in seen[0].body
        )  # to its own address, so the page need not know it


def test_the_page_to_ask_on_may_be_kept_and_an_answer_to_a_form_may_not(door: Entrance) -> None:
    for path in (PAGE, f"{PAGE}/asked"):
        answer = door.get(path)
        assert answer["cache-control"] == "public, max-age=1, stale-while-revalidate=10, stale-if-error=600"
        assert answer["etag"]
    refused = door.post(PAGE, {"email": "suzie"})
    assert refused.status == 422 and refused["cache-control"] == "no-store"


def test_where_no_petition_offers_it_there_is_no_such_page(
    house: HouseOfTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.publish(newsletter="false")
    with entrance(house, monkeypatch) as door:
        assert door.get(PAGE).status == door.get(f"{PAGE}/asked").status == door.post(PAGE).status == 404
        assert door.get(f"{PAGE}/unsubscribe/{'a' * 26}").status == 200  # the ways out of a list stay
