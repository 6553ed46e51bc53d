"""The closed list of routes, and the way from `/` to the right language."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from front.tiny_house import TOKEN, Definition, Petition, Petitions, build
from front.visitor import Answer, visit
from sabal.front.routes import Routes, best_language
from sabal.http import Refused


def routes() -> Routes:
    table = Routes(("en", "ko", "zh-hans"))
    table.update([Petition("bowl"), Petition("french", definition=Definition(("fr",)))])
    return table


@pytest.mark.parametrize(
    ("path", "name", "cached"),
    [
        ("/", "home", False),
        ("/en", "index", True),
        ("/zh-hans/privacy", "privacy", True),
        ("/ko/imprint", "imprint", True),
        ("/ko/verify", "verify", True),
        ("/healthz", "health", False),
        ("/robots.txt", "file", True),
        ("/favicon.svg", "file", True),
        ("/.well-known/security.txt", "file", True),
        ("/en/bowl", "petition", True),
        ("/zh-hans/bowl", "petition", True),
        ("/en/bowl/sent", "sent", True),
        ("/en/bowl/card.png", "card", True),
        ("/en/bowl/sign", "sign", False),
        ("/bowl.json", "json", True),
        ("/bowl/count.json", "count", True),
        ("/bowl/manifest.json", "manifest", True),
        (f"/en/confirm/{TOKEN}", "confirm", False),
        (f"/en/confirm/{TOKEN}/not-me", "not_me", False),
        (f"/en/signature/{TOKEN}", "receipt", False),
        (f"/en/signature/{TOKEN}/withdraw", "withdraw", False),
        ("/en/signature/withdrawn", "withdrawn", False),
        ("/en/confirm/not-me", "not_me_done", False),
        ("/en/newsletter", "newsletter", True),
        ("/en/newsletter/asked", "asked", True),
        (f"/en/newsletter/confirm/{TOKEN}", "newsletter_confirm", False),
        (f"/en/newsletter/unsubscribe/{TOKEN}", "unsubscribe", False),
        ("/fr/french", "petition", True),
        (f"/fr/confirm/{TOKEN}", "confirm", False),
    ],
)
def test_what_is_answered(path: str, name: str, cached: bool) -> None:
    route = routes().find(path.encode())
    assert (route.name, route.cached, route.path) == (name, cached, path)


@pytest.mark.parametrize(
    "path",
    [
        "/fr/bowl", "/en/french", "/fr", "/fr/privacy", "/fr/newsletter", "/en/bowl.json", "/bowl",
        "/en/newsletter/confirm", "/en/newsletter/unsubscribe", f"/en/newsletter/{TOKEN}",
        f"/en/newsletter/other/{TOKEN}", f"/en/newsletter/confirm/{TOKEN}/not-me",
    ],
)  # fmt: skip
def test_what_has_no_text_or_no_meaning_is_not_found(path: str) -> None:
    with pytest.raises(Refused) as refused:
        routes().find(path.encode())
    assert refused.value.status == 404


def test_no_cached_route_has_a_token() -> None:
    assert all(TOKEN not in path for path in routes().cached_paths())
    assert "/en/bowl" in routes().cached_paths() and "/en/bowl/sign" not in routes().cached_paths()


@given(st.binary(max_size=80))
def test_no_path_breaks_the_routes(path: bytes) -> None:
    try:
        assert routes().find(b"/" + path).path.encode() == b"/" + path
    except Refused as refused:
        assert refused.status in (400, 404)


def test_a_petition_that_is_published_is_found_from_the_next_look_on() -> None:
    table = Routes(("en",))
    with pytest.raises(Refused):
        table.find(b"/en/bowl")
    assert table.update([Petition("bowl")]) is True
    assert table.find(b"/en/bowl").slug == "bowl"
    assert table.update([Petition("bowl")]) is False


def test_a_newsletter_is_asked_for_where_a_petition_offers_it_and_left_everywhere() -> None:
    table = Routes(("en",))
    table.update([Petition("bowl", definition=Definition(newsletter=False))])
    with pytest.raises(Refused):
        table.find(b"/en/newsletter")
    assert table.find(f"/en/newsletter/unsubscribe/{TOKEN}".encode()).name == "unsubscribe"
    assert table.update([Petition("bowl")]) is True
    assert table.find(b"/en/newsletter").name == "newsletter"


@pytest.mark.parametrize(
    ("accept", "language"),
    [
        (None, "en"),
        (b"ko", "ko"),
        (b"ko-KR,ko;q=0.9,en;q=0.8", "ko"),
        (b"en;q=0.3, ko;q=0.9", "ko"),
        (b"zh-CN,zh;q=0.9", "zh-hans"),
        (b"zh-TW", "zh-hans"),
        (b"zh-Hans-CN", "zh-hans"),
        (b"fr, de;q=0.5", "en"),
        (b"fr, ko;q=0.1", "ko"),
        (b"ko;q=0, en", "en"),
        (b"*", "en"),
        (b"ko;q=x", "en"),
        (b"\xff\xfe", "en"),
    ],
)
def test_the_language_that_is_asked_for(accept: bytes | None, language: str) -> None:
    assert best_language(accept, ("en", "ko", "zh-hans"), "en") == language


def test_traditional_script_comes_first_for_taiwan_where_there_is_one() -> None:
    assert best_language(b"zh-TW", ("zh-hans", "zh-hant"), "zh-hans") == "zh-hant"
    assert best_language(b"zh", ("zh-hant",), "zh-hant") == "zh-hant"


def test_a_house_without_the_readers_language_answers_in_its_first() -> None:
    assert best_language(b"fr", ("ko",), "en") == "ko"


@given(st.binary(max_size=200))
def test_no_accept_language_breaks_the_choice(accept: bytes) -> None:
    assert best_language(accept, ("en", "ko"), "en") in ("en", "ko")


def home(*slugs: str) -> Answer:
    async def run() -> Answer:
        door = build(wsgi=lambda *_: [])
        door.petitions = Petitions(*(Petition(slug) for slug in slugs))
        return await visit(door, "GET", "/", (b"accept-language", b"ko"))

    return asyncio.run(run())


def test_home_leads_to_the_only_petition_in_the_readers_language() -> None:
    answer = home("bowl")
    assert (answer.status, answer["location"], answer["cache-control"]) == (302, "/ko/bowl", "no-store")


def test_home_leads_to_the_list_where_there_are_several_or_none() -> None:
    assert home("bowl", "cup")["location"] == home()["location"] == "/ko"


def test_a_long_accept_language_costs_no_time() -> None:
    import time

    started = time.perf_counter()
    assert best_language(b"-".join([b"a"] * 8_000), ("en", "ko"), "en") == "en"
    assert time.perf_counter() - started < 0.05


def test_a_file_of_a_log_is_remembered_until_the_petitions_change() -> None:
    table = routes()
    path = b"/bowl/log/tile/0/000"
    first = table.find(path)
    assert table.find(path) is not first
    table.remember(first)
    assert table.find(path) is first
    table.update([])
    with pytest.raises(Refused):
        table.find(path)


def test_what_is_remembered_of_logs_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sabal.front.routes.MOST_KNOWN", 1)
    table = routes()
    one, other = (table.find(b"/bowl/log/tile/0/00%d" % n) for n in range(2))
    table.remember(one)
    table.remember(other)
    assert table.find(b"/bowl/log/tile/0/000") is one and table.find(b"/bowl/log/tile/0/001") is not other
