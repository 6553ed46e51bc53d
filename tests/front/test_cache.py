"""The cache: which answers it stores, for how long, and how often a page is made."""

import asyncio
import gzip
from collections.abc import Awaitable, Callable
from typing import Any

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sabal.front import codings
from sabal.front.cache import Cache, Entry, Freshness, freshness, matches
from sabal.front.codings import coding, negotiate
from sabal.http import Refused, Response

RULE = b"public, max-age=1, stale-while-revalidate=10, stale-if-error=600"
HTML = (b"content-type", b"text/html; charset=utf-8")
BODY = b"<p>What we ask of you</p>" * 200


class Clock:
    """Return the time that a test sets."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Site:
    """Make the answers that a test sets, and count the calls."""

    def __init__(self, *headers: tuple[bytes, bytes], body: bytes = BODY, status: int = 200) -> None:
        self.headers = [HTML, (b"cache-control", RULE), *headers]
        self.body, self.status = body, status
        self.asked = 0
        self.error: Exception | None = None
        self.takes = 0.0

    async def __call__(self, path: str) -> Response:
        self.asked += 1
        await asyncio.sleep(self.takes)
        if self.error is not None:
            raise self.error
        return Response(self.status, self.headers, self.body)


def play(site: Site, scene: Callable[[Cache[str], Clock], Awaitable[None]], **more: Any) -> None:
    async def run() -> None:
        clock = Clock()
        await scene(Cache(site, clock=clock, **more), clock)

    asyncio.run(run())


async def cached(cache: Cache[str], path: str = "/en/bowl") -> Entry:
    found = await cache.fetch(path)
    assert isinstance(found, Entry)
    return found


def test_a_page_is_made_once_while_it_is_fresh() -> None:
    site = Site()

    async def scene(cache: Cache[str], clock: Clock) -> None:
        for _ in range(5):
            assert (await cached(cache)).response.body == BODY
        clock.now += 0.9
        await cache.fetch("/en/bowl")
        assert site.asked == 1
        messages = cache.fresh("/en/bowl", b"br", None, False, clock.now)
        assert messages == (await cached(cache)).answer(b"br", None, False, clock.now)
        assert cache.fresh("/en/bowl", b"br", None, False, clock.now + 0.2) is None

    play(site, scene)


def test_simultaneous_readers_make_one_page() -> None:
    site = Site()
    site.takes = 0.05

    async def scene(cache: Cache[str], clock: Clock) -> None:
        found = await asyncio.gather(*(cache.fetch("/en/bowl") for _ in range(500)))
        assert site.asked == 1 and all(entry is found[0] for entry in found)

    play(site, scene)


def test_a_stale_page_is_sent_at_once_and_refreshed_once_in_the_background() -> None:
    site = Site()

    async def scene(cache: Cache[str], clock: Clock) -> None:
        await cache.fetch("/en/bowl")
        site.body, site.takes = BODY + b"new", 0.05
        clock.now += 5
        sent = [await asyncio.wait_for(cached(cache), 0.02) for _ in range(100)]
        assert {entry.response.body for entry in sent} == {BODY}
        await asyncio.sleep(0.15)
        assert site.asked == 2
        assert (await cached(cache)).response.body == BODY + b"new"

    play(site, scene)


def test_readers_wait_for_a_new_page_if_the_copy_is_too_old() -> None:
    site = Site()

    async def scene(cache: Cache[str], clock: Clock) -> None:
        await cache.fetch("/en/bowl")
        site.body = b"new"
        clock.now += 11.5
        assert (await cached(cache)).response.body == b"new"

    play(site, scene)


@pytest.mark.parametrize("how", ["raises", "500", "503"])
def test_after_a_failed_refresh_the_last_page_is_sent_for_ten_minutes(how: str) -> None:
    site = Site()

    async def scene(cache: Cache[str], clock: Clock) -> None:
        await cache.fetch("/en/bowl")
        if how == "raises":
            site.error = ValueError("database is locked")
        else:
            site.status = int(how)
        clock.now += 500
        assert (await cached(cache)).response.body == BODY
        clock.now += 200
        if how == "raises":
            with pytest.raises(ValueError, match="locked"):
                await cache.fetch("/en/bowl")
        else:
            found = await cache.fetch("/en/bowl")
            assert isinstance(found, Response) and found.status == int(how)

    play(site, scene)


def test_a_failed_refresh_is_not_retried_at_once() -> None:
    site = Site()

    async def scene(cache: Cache[str], clock: Clock) -> None:
        await cache.fetch("/en/bowl")
        site.error = ValueError()
        clock.now += 2
        for _ in range(20):
            assert cache.fresh_or_stale("/en/bowl", clock.now) is not None
            await asyncio.sleep(0.001)
        assert site.asked == 2
        clock.now += 1.1
        cache.fresh_or_stale("/en/bowl", clock.now)
        await asyncio.sleep(0.001)
        assert site.asked == 3

    play(site, scene)


def test_a_reader_that_disconnects_does_not_stop_the_page_of_others() -> None:
    site = Site()
    site.takes = 0.05

    async def scene(cache: Cache[str], clock: Clock) -> None:
        first = asyncio.create_task(cache.fetch("/en/bowl"))
        await asyncio.sleep(0.01)
        second = asyncio.create_task(cache.fetch("/en/bowl"))
        await asyncio.sleep(0.01)
        first.cancel()
        assert isinstance(await second, Entry) and site.asked == 1

    play(site, scene)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([(b"set-cookie", b"a=b")], 200),
        ([(b"vary", b"*")], 200),
        ([], 404),
        ([], 302),
        ([], 203),
    ],
)
def test_an_answer_that_may_not_be_cached_is_made_each_time(
    headers: list[tuple[bytes, bytes]], status: int
) -> None:
    site = Site(*headers, status=status)

    async def scene(cache: Cache[str], clock: Clock) -> None:
        for _ in range(3):
            assert isinstance(await cache.fetch("/en/bowl"), Response)
        assert site.asked == 3

    play(site, scene)


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"no-store",
        b"private, max-age=60",
        b"no-cache, max-age=60",
        b"public",
        b"max-age",
        b"max-age=x",
        b"max-age=-1",
    ],
)
def test_without_a_max_age_nothing_is_cached(value: bytes | None) -> None:
    headers = [] if value is None else [(b"cache-control", value)]
    assert freshness(Response(200, headers)) is None


def test_freshness_is_read_from_cache_control() -> None:
    assert freshness(Response(200, [(b"cache-control", RULE)])) == Freshness(1, 10, 600)
    assert freshness(Response(200, [(b"cache-control", b'Public, Max-Age="86400"')])) == Freshness(86_400)


def test_each_coding_has_its_own_body_and_etag() -> None:
    site = Site((b"vary", b"Cookie"), (b"etag", b'"theirs"'), (b"content-length", b"5000"))

    async def scene(cache: Cache[str], clock: Clock) -> None:
        entry = await cached(cache)
        bodies, etags = {}, set()
        for accept in (b"br", b"gzip", b"identity"):
            start, body = entry.answer(accept, None, False, clock.now)
            headers = dict(start["headers"])
            assert len(headers) == len(start["headers"])
            assert headers[b"vary"] == b"accept-encoding" and headers[b"cache-control"] == RULE
            assert headers[b"content-length"] == b"%d" % len(body["body"])
            assert headers.get(b"content-encoding", b"identity") == accept
            bodies[accept] = body["body"]
            etags.add(headers[b"etag"])
        assert len(etags) == 3
        assert (
            brotli.decompress(bodies[b"br"])
            == gzip.decompress(bodies[b"gzip"])
            == BODY
            == bodies[b"identity"]
        )

    play(site, scene)


def test_a_reader_that_has_the_page_gets_a_304() -> None:
    site = Site()

    async def scene(cache: Cache[str], clock: Clock) -> None:
        entry = await cached(cache)
        start, _ = entry.answer(b"br", None, False, clock.now)
        etag = dict(start["headers"])[b"etag"]
        for given_tags in (etag, b"W/" + etag, b'"other", ' + etag, b"*"):
            again, body = entry.answer(b"br", given_tags, False, clock.now)
            assert again["status"] == 304 and body["body"] == b""
            headers = dict(again["headers"])
            assert (
                headers[b"etag"] == etag
                and headers[b"cache-control"] == RULE
                and b"content-type" not in headers
            )
        # The ETag of one coding does not match another coding.
        assert entry.answer(b"gzip", etag, False, clock.now)[0]["status"] == 200
        assert entry.answer(b"br", b'"other"', False, clock.now)[0]["status"] == 200

    play(site, scene)


def test_the_etag_changes_only_with_the_page() -> None:
    site = Site()

    async def scene(cache: Cache[str], clock: Clock) -> None:
        first = await cached(cache)
        clock.now += 12
        second = await cached(cache)
        assert site.asked == 2 and second is first and first.fresh(clock.now)
        site.headers[0] = (b"content-type", b"text/plain")
        clock.now += 12
        third = await cached(cache)
        assert third.response.header(b"content-type") == b"text/plain"

    play(site, scene)


def test_an_old_copy_has_an_age_header() -> None:
    site = Site()

    async def scene(cache: Cache[str], clock: Clock) -> None:
        entry = await cached(cache)
        assert b"age" not in dict(entry.answer(None, None, False, clock.now)[0]["headers"])
        assert dict(entry.answer(None, None, False, clock.now + 7.9)[0]["headers"])[b"age"] == b"7"
        assert b"age" not in dict(entry.answer(None, None, False, clock.now)[0]["headers"])

    play(site, scene)


def test_memory_is_bounded_and_the_least_recently_used_entry_is_dropped() -> None:
    site = Site(body=bytes(range(256)) * 40)  # 10,240 bytes, twice: as made and as sent
    site.headers[0] = (b"content-type", b"image/png")

    async def scene(cache: Cache[str], clock: Clock) -> None:
        for n in range(5):
            clock.now += 0.01
            (await cached(cache, f"/{n}")).answer(None, None, False, clock.now)
        clock.now += 0.01
        (await cached(cache, "/0")).answer(None, None, False, clock.now)
        await cache.fetch("/5")
        assert cache._bytes <= 120_000 and site.asked == 6
        assert (
            cache.fresh_or_stale("/0", clock.now) is not None
            and cache.fresh_or_stale("/1", clock.now) is None
        )

    play(site, scene, most_bytes=120_000)


def test_a_page_larger_than_the_cache_is_answered_and_not_cached() -> None:
    site = Site()

    async def scene(cache: Cache[str], clock: Clock) -> None:
        assert (await cached(cache)).response.body == BODY
        assert cache._bytes == 0 and cache.fresh_or_stale("/en/bowl", clock.now) is None

    play(site, scene, most_bytes=100)


def test_a_refused_page_is_dropped_at_once() -> None:
    """A refusal, unlike a failure, does not lead to the last copy: the petition is no longer published."""
    site = Site()

    async def scene(cache: Cache[str], clock: Clock) -> None:
        await cache.fetch("/en/bowl")
        site.error, clock.now = Refused(404, "not-found"), clock.now + 12
        for _ in range(2):
            with pytest.raises(Refused):
                await cache.fetch("/en/bowl")
        assert site.asked == 3 and cache.any_age("/en/bowl") is None

    play(site, scene)


def test_pages_of_an_unpublished_petition_are_dropped() -> None:
    site = Site()

    async def scene(cache: Cache[str], clock: Clock) -> None:
        await cache.fetch("/en/bowl")
        await cache.fetch("/en/cup")
        cache.forget(keep=["/en/cup"])
        assert (
            cache.fresh_or_stale("/en/bowl", clock.now) is None
            and cache.fresh_or_stale("/en/cup", clock.now) is not None
        )

    play(site, scene)


@pytest.mark.parametrize(
    ("accept", "best"),
    [
        (None, b"identity"),
        (b"", b"identity"),
        (b"gzip, deflate, br, zstd", b"br"),
        (b"gzip, deflate", b"gzip"),
        (b"br;q=0, gzip", b"gzip"),
        (b"gzip;q=0.9, br;q=0.8", b"gzip"),
        (b"*", b"br"),
        (b"*;q=0", b"identity"),
        (b"identity;q=1, gzip;q=0.5", b"identity"),
        (b"deflate, zstd", b"identity"),
        (b"br;q=nan", b"identity"),
        (b"br;q=inf, gzip", b"gzip"),
        (b"BR", b"br"),
    ],
)
def test_the_best_coding_that_is_accepted(accept: bytes | None, best: bytes) -> None:
    assert coding(accept) == best


@given(st.binary(max_size=300))
def test_no_accept_encoding_breaks_the_choice(accept: bytes) -> None:
    assert negotiate(accept) in (b"br", b"gzip", b"identity")


@given(st.binary(max_size=100))
def test_no_if_none_match_breaks_the_comparison(value: bytes) -> None:
    assert matches(value, b'"abc-br"') in (True, False)


def test_many_accept_encodings_do_not_fill_the_memory() -> None:
    for n in range(2_000):
        coding(b"br;q=0.%d" % n)
    assert len(codings._codings) <= 512
