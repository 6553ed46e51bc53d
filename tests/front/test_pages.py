"""Prepared pages: made once, at hand when Django is not, and safe with any name."""

import asyncio
import html
from collections.abc import Awaitable, Callable
from typing import Any

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sabal.front import django, pages
from sabal.front.cache import Entry
from sabal.http import Response

PAGE = "<!doctype html><title>Please confirm</title><p>Hello ⟦name⟧</p>"


class Site:
    """A WSGI application that makes door pages."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.status = "200 OK"
        self.page = PAGE

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        self.asked.append(environ["PATH_INFO"])
        headers = [
            ("Content-Type", "text/html; charset=utf-8"),
            ("Content-Security-Policy", "default-src 'none'"),
        ]
        start_response(
            self.status, [*headers, ("Cache-Control", "public, max-age=1"), ("Content-Length", "1")]
        )
        return [self.page.encode()]


def play(scene: Callable[[Site], Awaitable[None]]) -> None:
    async def run() -> None:
        site = Site()
        django.install(django.Django(site, "https://petition.example"))
        pages.install(pages.Pages())
        await scene(site)

    asyncio.run(run())


def test_a_page_is_made_once_and_filled_for_each_reader() -> None:
    async def scene(site: Site) -> None:
        for name in ("Suzie", "<script>alert(1)</script>", "수지", "⟦name⟧", ""):
            answer = await pages.page("confirm", "en", 7, name=name)
            assert f"<p>Hello {html.escape(name)}</p>" in answer.body.decode()
        assert site.asked == ["/_door/en/7/confirm"]

    play(scene)


def test_it_is_for_its_reader_alone() -> None:
    async def scene(site: Site) -> None:
        answer = await pages.page("confirm", "en", None, status=404)
        assert site.asked == ["/_door/en/-/confirm"] and answer.status == 404
        headers = dict(answer.headers)
        assert len(headers) == len(answer.headers)
        assert headers[b"cache-control"] == b"no-store" and headers[b"x-robots-tag"] == b"noindex"
        assert (
            headers[b"content-security-policy"] == b"default-src 'none'" and b"content-length" not in headers
        )

    play(scene)


def test_the_length_on_the_wire_is_not_the_names() -> None:
    async def scene(site: Site) -> None:
        lengths = {len((await pages.page("confirm", "en", 7, name="x" * n)).body) for n in range(0, 200, 7)}
        assert lengths == {1_024}

    play(scene)


def test_a_page_that_django_cannot_make_now_is_the_one_it_made_before() -> None:
    async def scene(site: Site) -> None:
        await pages.page("confirm", "en", 7)
        site.status = "500 Oops"
        cache = pages._pages._cache  # type: ignore[union-attr]
        cache._entries["/_door/en/7/confirm"].stored -= 3_600  # an hour has passed
        assert b"Hello" in (await pages.page("confirm", "en", 7)).body
        with pytest.raises(LookupError):
            await pages.page("confirm", "ko", 7)

    play(scene)


def test_what_is_said_when_something_is_wrong_never_waits() -> None:
    async def scene(site: Site) -> None:
        site.page = "<p>Django's own words</p>"
        first = await pages.page("busy", "en", status=503)
        assert first.status == 503 and b"Very many people" in first.body
        assert dict(first.headers)[b"content-security-policy"].startswith(b"default-src 'none'")
        await asyncio.sleep(0.1)
        second = await pages.page("busy", "en", status=503)
        assert second.status == 503 and b"Django's own words" in second.body

    play(scene)


def test_what_is_said_at_once_follows_its_page() -> None:
    async def scene(site: Site) -> None:
        prepared = pages.Pages()
        pages.install(prepared)
        await prepared._cache.fetch("/_door/en/-/busy")
        first = await pages.page("busy", "en", status=503)
        assert await pages.page("busy", "en", status=503) is first  # made once
        prepared._cache.forget(keep=())
        site.page = "<p>other words</p>"
        await prepared._cache.fetch("/_door/en/-/busy")
        assert (await pages.page("busy", "en", status=503)).body == b"<p>other words</p>"

    play(scene)


def test_warming_has_every_such_page_ready_in_every_language() -> None:
    async def scene(site: Site) -> None:
        await pages._pages.warm(("en", "ko"))  # type: ignore[union-attr]
        await asyncio.sleep(0.3)
        wanted = {f"/_door/{language}/-/{page}" for language in ("en", "ko") for page in pages.AT_ONCE}
        assert set(site.asked) == wanted and len(site.asked) == len(wanted)

    play(scene)


@given(st.text(max_size=400))
def test_no_name_leaves_its_gap(name: str) -> None:
    name = name.encode("utf-8", "ignore").decode()
    entry = Entry(Response(200, [], PAGE.encode()), b"", {}, 0, pages.RULE, 0, 0)
    body = pages.filled(entry, 200, {"name": name}).body.decode()
    before, _, after = PAGE.partition("⟦name⟧")
    assert body.startswith(before) and body.rstrip(" ").endswith(after)
    inside = body.rstrip(" ")[len(before) : -len(after)]
    assert html.unescape(inside) == html.unescape(html.escape(name)) and "<" not in inside


def test_a_page_without_a_name_is_encoded_for_those_who_can_read_it() -> None:
    async def scene(site: Site) -> None:
        site.page = "<p>Please come back in a minute</p>" * 100
        answer = await pages.page("gone", "en", status=404)
        assert brotli.decompress(answer.encoded[b"br"]) == answer.body == site.page.encode()
        named = await pages.page("confirm", "en", 7, name="Suzie")
        assert brotli.decompress(named.encoded[b"br"]) == named.body  # no gap in this page: nothing of hers

    play(scene)


def test_a_page_with_a_name_is_never_encoded() -> None:
    """Compressed, its length would tell of the name again."""

    async def scene(site: Site) -> None:
        site.page = PAGE + "x" * 5_000
        assert not (await pages.page("confirm", "en", 7, name="Suzie")).encoded

    play(scene)


def test_a_pages_own_links_get_the_token_and_no_other_page_does() -> None:
    async def scene(site: Site) -> None:
        site.page = "<p>⟦name⟧ <a href='⟦token⟧/not-me'>not me</a>"
        answer = await pages.page("confirm", "en", 7, name="⟦token⟧", token="abc")
        assert answer.body.rstrip(b" ").decode() == "<p>⟦token⟧ <a href='abc/not-me'>not me</a>"

    play(scene)


def test_a_section_is_shown_where_its_gap_has_something_to_say() -> None:
    page = "<p>⟦name⟧</p>⟦?comment⟧<q>⟦comment⟧</q>⟦/comment⟧⟦?updates⟧<p>letters</p>⟦/updates⟧"
    entry = Entry(Response(200, [], page.encode()), b"", {}, 0, pages.RULE, 0, 0)

    def body(**gaps: str) -> str:
        return pages.filled(entry, 200, gaps).body.decode().rstrip(" ")

    assert body(name="Suzie") == "<p>Suzie</p>"
    assert body(name="Suzie", comment="<b>") == "<p>Suzie</p><q>&lt;b&gt;</q>"
    assert body(name="⟦comment⟧", comment="x", updates="1") == "<p>⟦comment⟧</p><q>x</q><p>letters</p>"
