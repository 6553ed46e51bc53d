"""The front end as a whole: headers of every answer, logging, and the limit of POSTs in work."""

import asyncio
import gzip
import logging
import time
from itertools import repeat
from typing import Any

import brotli
import pytest

from front.tiny_site import (
    HTML,
    LANGUAGES,
    LINES,
    TOKEN,
    Definition,
    Echo,
    Pages,
    Petition,
    Petitions,
    build,
)
from front.visitor import FORM, Answer, visit
from sabal.front import app
from sabal.http import PUBLIC, Response, file
from sabal.limits.networks import Verdict
from sabal.logs import where

OWN = (b"sec-fetch-site", b"same-origin")
FOREIGN = (b"sec-fetch-site", b"cross-site")
SIGN = "/en/bowl/sign"


@pytest.mark.parametrize(
    "path", ["/en/bowl", "/", "/nowhere", "/en/confirm/abc", "/healthz", "/en/newsletter", "/en//x"]
)
def test_every_answer_has_the_security_headers(path: str) -> None:
    async def run() -> Answer:
        return await visit(build(), "GET", path)

    answer = asyncio.run(run())
    assert answer["x-content-type-options"] == "nosniff"
    assert answer["referrer-policy"] == "same-origin"
    assert answer["cross-origin-opener-policy"] == "same-origin"
    assert answer["strict-transport-security"] == "max-age=31536000"
    assert answer["server"] == ""
    assert answer["content-length"] == str(len(answer.body))
    assert answer["cache-control"] is not None and answer["set-cookie"] is None


def test_without_tls_no_hsts() -> None:
    async def run() -> Answer:
        front = build(base_url="http://abcdef.onion")
        return await visit(front, "GET", "/en/bowl", host=[(b"host", b"abcdef.onion")])

    answer = asyncio.run(run())
    assert answer.status == 200 and answer["strict-transport-security"] is None


def test_nothing_of_the_reader_reaches_a_cached_page() -> None:
    pages, echo = Pages(), Echo()
    eve = [
        (b"cookie", b"session=eve"), (b"authorization", b"Basic ZXZl"), (b"x-forwarded-host", b"eve.example"),
        (b"x-forwarded-proto", b"gopher"), (b"accept-language", b"ko"), (b"x-original-url", b"/admin"),
        (b"range", b"bytes=0-1"), (b"user-agent", b"eve"),
    ]  # fmt: skip

    async def run() -> tuple[Answer, list[Any]]:
        front = build(echo, pages)
        published = front.app.snapshots.published()
        page = await visit(front, "GET", "/en/bowl", *eve)
        await visit(front, "GET", "/en/newsletter/rivers", *eve)
        await visit(front, "POST", "/en/newsletter/rivers", FORM, OWN, *eve, body=[b"email=x"])
        return page, published

    page, published = asyncio.run(run())
    assert pages.called == [
        ("/{language}/{slug}", published[0], "en"),
        ("/{language}/newsletter/{organisation}", published, "en", "rivers"),
    ]
    assert page.status == 200 and page["set-cookie"] is None and b"eve" not in page.body.split(b"<p>")[0]
    assert echo.seen[-1].body == b"email=x" and echo.seen[-1].language == "en"
    assert echo.seen[-1].organisation == "rivers"


def test_an_error_is_logged_by_type_and_line_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> Answer:
        return await visit(build(), "POST", SIGN, FORM, OWN, body=[b"fail"])

    with caplog.at_level(logging.DEBUG):
        answer = asyncio.run(run())
    assert answer.status == 500 and b"suzie" not in answer.body
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("sabal")]
    assert len(lines) == 1 and "ValueError at " in lines[0] and "tiny_site.py:" in lines[0]
    assert "suzie" not in caplog.text and all(record.exc_info is None for record in caplog.records)


def test_a_page_that_fails_is_answered_with_a_500(caplog: pytest.LogCaptureFixture) -> None:
    pages = Pages()
    pages.error = ValueError("suzie@example.org")

    async def run() -> Answer:
        return await visit(build(pages=pages), "GET", "/en/bowl")

    answer = asyncio.run(run())
    assert answer.status == 500 and answer["cache-control"] == "no-store" and "suzie" not in caplog.text


def test_an_unpublished_page_is_a_404_that_is_not_cached() -> None:
    async def run() -> list[Answer]:
        front = build()
        paths = ("/en/quiet", "/en/unknown", "/quiet.json", "/quiet/log/checkpoint", "/fr")
        return [await visit(front, "GET", path) for path in paths]

    for answer in asyncio.run(run()):
        assert answer.status == 404 and answer["cache-control"] == "no-store"
        assert b"There is no such page" in answer.body


def test_where_leaves_out_the_text_of_an_error() -> None:
    assert where(ValueError("suzie@example.org")) == "ValueError"


def test_posts_over_the_limit_get_a_503_before_their_body_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(app, "IN_FLIGHT", 4)

    async def run() -> tuple[list[Answer], list[Answer]]:
        front = build(Echo(takes=0.2))
        first = [asyncio.create_task(visit(front, "POST", SIGN, FORM, OWN)) for _ in range(4)]
        await asyncio.sleep(0.05)
        assert front.app.working == 4 and not front.app.is_healthy
        late = [await visit(front, "POST", SIGN, FORM, OWN) for _ in range(20)]
        done = await asyncio.gather(*first)
        assert front.app.working == front.app.reading == 0 and front.app.is_healthy
        assert (await visit(front, "POST", SIGN, FORM, OWN)).status == 303
        return done, late

    done, late = asyncio.run(run())
    assert [answer.status for answer in done] == [303] * 4
    assert [(answer.status, answer.reads) for answer in late] == [(503, 0)] * 20
    waits = {answer["retry-after"] for answer in late}
    assert len(waits) > 3 and all(5 <= int(wait or 0) <= 30 for wait in waits)


def test_under_overload_a_post_is_refused_before_anything_of_it_is_read() -> None:
    """Refusing must cost little, or under overload there is no time left for those in work."""

    async def run() -> tuple[list[Answer], Verdict, Answer]:
        front = build(unlimited=False)
        front.app.working = app.IN_FLIGHT
        doubled = [
            (b"host", b"a"),
            (b"host", b"b"),
            (b"content-length", b"x"),
        ]  # any other guard would refuse it
        late = [
            await visit(front, "POST", SIGN, OWN, host=doubled, peer="192.0.2.1", body=repeat(b"x"))
            for _ in range(700)
        ]
        network = front.app.limits.network("192.0.2.1", time.time())
        return late, front.app.limits.sign(network, time.time()), await visit(front, "GET", "/en/bowl")

    late, verdict, page = asyncio.run(run())
    assert {(answer.status, answer.reads) for answer in late} == {(503, 0)}
    assert {answer["cache-control"] for answer in late} == {"no-store"}
    assert {int(answer["retry-after"] or 0) for answer in late} == set(range(5, 31))
    assert verdict is Verdict.FREE  # what is not taken is not counted
    assert page.status == 200  # reading goes on


class Words(Pages):
    """Prepared pages that say some words."""

    words = "busy"

    def prepared_page(self, name: str, language: str, petition: object = None) -> Response:
        return file(f"<p>{self.words} in {language}</p>{LINES}".encode(), HTML, PUBLIC)


def test_a_refusal_is_in_language_and_coding_of_its_reader_and_follows_its_page() -> None:
    pages = Words()
    br, gzipped, korean = (
        (b"accept-encoding", b"br"),
        (b"accept-encoding", b"gzip"),
        (b"accept-language", b"ko"),
    )

    async def run() -> list[Answer]:
        front = build(pages=pages)
        front.app.working = app.IN_FLIGHT
        await front.app.prepared.warm(LANGUAGES)
        asked = [
            ("/en/bowl/sign", br),
            ("/ko/bowl/sign", br),
            ("/x", br, korean),
            (SIGN, gzipped),
            (SIGN,),
            (SIGN, br),
        ]
        found = [await visit(front, "POST", path, *headers) for path, *headers in asked]
        pages.words = "other words"
        front.app.prepared._cache.forget(keep=())
        await front.app.prepared.warm(LANGUAGES)
        return [*found, await visit(front, "POST", SIGN)]

    english, seoul, reader, zipped, plain, again, newer = asyncio.run(run())
    assert (
        b"<p>busy in en</p>" in brotli.decompress(english.body) == gzip.decompress(zipped.body) == plain.body
    )
    assert b"<p>busy in ko</p>" in brotli.decompress(seoul.body) == brotli.decompress(reader.body)
    assert again.body == english.body and plain["content-encoding"] is None
    assert newer.body.startswith(b"<p>other words in en</p>")
    for answer in (english, seoul, reader, zipped, plain, again, newer):
        assert answer.status == 503 and answer["content-length"] == str(len(answer.body))


def test_bodies_that_never_arrive_do_not_count_as_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "IN_FLIGHT", 4)

    async def run() -> None:
        front = build()
        loop = asyncio.get_running_loop()

        async def never() -> Any:
            await loop.create_future()

        async def ignore(message: Any) -> None: ...

        headers = [(b"host", b"petition.example"), FORM, OWN]
        scope = {
            "type": "http",
            "method": "POST",
            "raw_path": SIGN.encode(),
            "headers": headers,
            "client": ("127.0.0.1", "1"),
        }
        stalled = [asyncio.create_task(front(scope, never, ignore)) for _ in range(500)]  # type: ignore[arg-type]
        await asyncio.sleep(0.05)
        assert front.app.reading == 500 and front.app.working == 0
        assert (await visit(front, "POST", SIGN, FORM, OWN)).status == 303
        for task in stalled:
            task.cancel()
        await asyncio.gather(*stalled, return_exceptions=True)
        assert front.app.reading == 0

    asyncio.run(run())


def test_signatures_of_a_crowded_network_are_held_and_then_refused() -> None:
    echo = Echo()

    async def run() -> list[Answer]:
        front = build(echo, unlimited=False, hops=1, clock=lambda: 1_000_000.0)
        forwarded = (b"x-forwarded-for", b"203.0.113.5")
        answers = [await visit(front, "POST", SIGN, FORM, OWN, forwarded) for _ in range(601)]
        others = await visit(
            front, "POST", SIGN, FORM, OWN, (b"x-forwarded-for", b"203.0.113.5, 198.51.100.1")
        )
        confirms = await visit(front, "POST", "/en/confirm/abc", FORM, OWN, forwarded)
        return [*answers, others, confirms]

    *answers, others, confirms = asyncio.run(run())
    assert [answer["x-held"] for answer in answers[:61]] == [None] * 60 + ["1"]
    assert answers[599].status == 303 and answers[600].status == 429
    assert int(answers[600]["retry-after"] or 0) >= 60
    assert others.status == 303 and others["x-held"] is None and confirms.status == 303
    assert len({request.network for request in echo.seen}) == 2
    assert all(len(request.network) == 16 for request in echo.seen)


def test_a_process_without_a_recent_refresh_is_not_healthy() -> None:
    async def run() -> None:
        front = build()
        assert (await visit(front, "GET", "/healthz")).body == b"ok\n"
        front.app.refreshed -= 16
        busy = await visit(front, "GET", "/healthz")
        assert busy.status == 503 and busy.body == b"busy\n"

    asyncio.run(run())


def test_draining_waits_for_posts_in_work() -> None:
    async def run() -> None:
        front = build(Echo(takes=0.1))
        task = asyncio.create_task(visit(front, "POST", SIGN, FORM, OWN))
        await asyncio.sleep(0.02)
        await front.drained(5)
        await asyncio.sleep(0)
        assert (await task).status == 303

    asyncio.run(run())


def test_a_prepared_page_has_the_readers_coding() -> None:
    pages = Pages()
    pages.prepared_page = lambda *_: file(b"<p>gone</p>" * 200, HTML, PUBLIC)  # type: ignore[method-assign]

    async def run() -> list[Answer]:
        front = build(pages=pages)
        return [
            await visit(front, "GET", "/en/signature/abc", (b"accept-encoding", accept))
            for accept in (b"br, gzip", b"gzip", b"identity")
        ]

    br, zipped, plain = asyncio.run(run())
    assert (br["content-encoding"], zipped["content-encoding"], plain["content-encoding"]) == (
        "br",
        "gzip",
        None,
    )
    assert len(br.body) < len(zipped.body) < len(plain.body) == 2_200
    assert {answer["vary"] for answer in (br, zipped, plain)} == {"accept-encoding"}
    assert all(answer["content-length"] == str(len(answer.body)) for answer in (br, zipped, plain))


def test_a_refusal_has_the_language_of_the_path_or_of_the_reader() -> None:
    pages = Pages()

    async def run() -> None:
        front = build(pages=pages)
        await visit(front, "GET", "/ko/nowhere", (b"accept-language", b"en"))
        await visit(front, "GET", "/nowhere", (b"accept-language", b"zh-CN"))
        await visit(front, "GET", "/nowhere")
        await asyncio.sleep(0.1)

    asyncio.run(run())
    assert set(pages.prepared) == {("not-found", language) for language in ("ko", "zh-hans", "en")}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/fr/nothing", 404),
        ("GET", "/fr/letter/nothing", 404),
        ("GET", "/de/nothing", 404),
        ("POST", f"/fr/confirm/{TOKEN}", 403),
        ("POST", "/fr/letter", 405),
    ],
)
@pytest.mark.parametrize("accept", [b"ko; q=0.9, fr", b"fr, ko;q=0.8", b"de-AT, ko;q=0.1"])
def test_a_refusal_in_a_language_that_only_a_petition_has_is_a_whole_page(
    method: str, path: str, status: int, accept: bytes
) -> None:
    """The site's own words exist in the languages of the site. The reader gets the best of these."""

    async def run() -> Answer:
        french = Petition("letter", definition=Definition(("fr",)))
        front = build(pages=Pages(), petitions=Petitions(french))
        await front.app.prepared.warm(LANGUAGES)
        return await visit(front, method, path, FORM, FOREIGN, (b"accept-language", accept))

    answer = asyncio.run(run())
    assert answer.status == status
    assert b'<html lang="ko">' in answer.body and b"Hello" in answer.body


def test_an_unconfigured_proxy_is_reported_at_the_first_request(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        await visit(build(), "GET", "/", (b"x-forwarded-for", b"203.0.113.5"))

    asyncio.run(run())
    assert "SABAL_TRUSTED_HOPS" in caplog.text
