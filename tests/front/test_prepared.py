"""Prepared pages: rendered once, available if the pool is busy, and safe with any name."""

import asyncio
import html
from collections.abc import Awaitable, Callable
from types import SimpleNamespace

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sabal.front.cache import Entry
from sabal.front.pool import Pool
from sabal.front.prepared import RULE, PageKey, PreparedPages, filled
from sabal.http import Response
from sabal.pages.prepared import OF_A_REFUSAL

PAGE = "<!doctype html><title>Please confirm</title><p>Hello ⟦name⟧</p>"


class Pages:
    """Make the page that a test sets, and record the calls."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, int | None]] = []
        self.error: Exception | None = None
        self.page = PAGE

    def make(self, name: str, language: str, petition: SimpleNamespace | None) -> Response:
        self.asked.append((name, language, petition.id if petition else None))
        if self.error:
            raise self.error
        headers = [
            (b"content-type", b"text/html; charset=utf-8"),
            (b"content-security-policy", b"default-src 'none'"),
            (b"cache-control", b"public, max-age=1"),
            (b"content-length", b"1"),
        ]
        return Response(200, headers, self.page.encode())


PETITIONS = SimpleNamespace(by_id={7: SimpleNamespace(id=7)}.get)


def play(scene: Callable[[Pages, PreparedPages], Awaitable[None]]) -> None:
    async def run() -> None:
        pages = Pages()
        await scene(pages, PreparedPages(Pool(), PETITIONS, pages.make))  # type: ignore[arg-type]

    asyncio.run(run())


def test_a_page_is_made_once_and_filled_for_each_reader() -> None:
    async def scene(pages: Pages, prepared: PreparedPages) -> None:
        for name in ("Suzie", "<script>alert(1)</script>", "수지", "⟦name⟧", ""):
            answer = await prepared.page("confirm", "en", 7, name=name)
            assert f"<p>Hello {html.escape(name)}</p>" in answer.body.decode()
        assert pages.asked == [("confirm", "en", 7)]

    play(scene)


def test_a_page_of_an_unknown_petition_is_not_made() -> None:
    async def scene(pages: Pages, prepared: PreparedPages) -> None:
        with pytest.raises(LookupError):
            await prepared.page("confirm", "en", 8)
        assert not pages.asked

    play(scene)


def test_a_filled_page_is_not_cached_or_indexed() -> None:
    async def scene(pages: Pages, prepared: PreparedPages) -> None:
        answer = await prepared.page("confirm", "en", None, status=404)
        assert pages.asked == [("confirm", "en", None)] and answer.status == 404
        headers = dict(answer.headers)
        assert len(headers) == len(answer.headers)
        assert headers[b"cache-control"] == b"no-store" and headers[b"x-robots-tag"] == b"noindex"
        assert (
            headers[b"content-security-policy"] == b"default-src 'none'" and b"content-length" not in headers
        )

    play(scene)


def test_the_length_of_a_page_does_not_reveal_that_of_the_name() -> None:
    async def scene(pages: Pages, prepared: PreparedPages) -> None:
        lengths = {
            len((await prepared.page("confirm", "en", 7, name="x" * n)).body) for n in range(0, 200, 7)
        }
        assert lengths == {1_024}

    play(scene)


def test_if_rendering_fails_the_last_copy_is_used() -> None:
    async def scene(pages: Pages, prepared: PreparedPages) -> None:
        await prepared.page("confirm", "en", 7)
        pages.error = LookupError()
        prepared._cache._entries[PageKey("confirm", "en", 7)].stored -= 3_600  # an hour has passed
        assert b"Hello" in (await prepared.page("confirm", "en", 7)).body
        with pytest.raises(LookupError):
            await prepared.page("confirm", "ko", 7)

    play(scene)


def test_a_refusal_does_not_wait_for_its_page() -> None:
    async def scene(pages: Pages, prepared: PreparedPages) -> None:
        pages.page = "<p>the page's own words</p>"
        first = prepared.refusal("busy", "en", 503)
        assert first.status == 503 and b"Very many people" in first.body
        assert dict(first.headers)[b"content-security-policy"].startswith(b"default-src 'none'")
        await asyncio.sleep(0.1)
        second = prepared.refusal("busy", "en", 503)
        assert second.status == 503 and b"the page's own words" in second.body

    play(scene)


def test_a_refusal_follows_changes_of_its_page() -> None:
    async def scene(pages: Pages, prepared: PreparedPages) -> None:
        await prepared._cache.fetch(PageKey("busy", "en"))
        first = prepared.refusal("busy", "en", 503)
        assert prepared.refusal("busy", "en", 503) is first  # made once
        prepared._cache.forget(keep=())
        pages.page = "<p>other words</p>"
        await prepared._cache.fetch(PageKey("busy", "en"))
        assert (prepared.refusal("busy", "en", 503)).body == b"<p>other words</p>"

    play(scene)


def test_warming_renders_every_refusal_in_every_language() -> None:
    async def scene(pages: Pages, prepared: PreparedPages) -> None:
        await prepared.warm(("en", "ko"))
        wanted = {(name, language, None) for language in ("en", "ko") for name in OF_A_REFUSAL}
        assert set(pages.asked) == wanted and len(pages.asked) == len(wanted)

    play(scene)


@given(st.text(max_size=400))
def test_any_name_stays_escaped_in_its_placeholder(name: str) -> None:
    name = name.encode("utf-8", "ignore").decode()
    entry = Entry(Response(200, [], PAGE.encode()), b"", {}, 0, RULE, 0, 0)
    body = filled(entry, 200, {"name": name}).body.decode()
    before, _, after = PAGE.partition("⟦name⟧")
    assert body.startswith(before) and body.rstrip(" ").endswith(after)
    inside = body.rstrip(" ")[len(before) : -len(after)]
    assert html.unescape(inside) == html.unescape(html.escape(name)) and "<" not in inside


def test_a_page_without_a_placeholder_is_sent_encoded() -> None:
    async def scene(pages: Pages, prepared: PreparedPages) -> None:
        pages.page = "<p>Please come back in a minute</p>" * 100
        answer = await prepared.page("gone", "en", status=404)
        assert brotli.decompress(answer.encoded[b"br"]) == answer.body == pages.page.encode()
        named = await prepared.page("confirm", "en", 7, name="Suzie")
        # This page has no placeholder, so it contains nothing of Suzie.
        assert brotli.decompress(named.encoded[b"br"]) == named.body

    play(scene)


def test_a_page_with_a_placeholder_is_never_encoded() -> None:
    """The compressed length would reveal the length of the name."""

    async def scene(pages: Pages, prepared: PreparedPages) -> None:
        pages.page = PAGE + "x" * 5_000
        assert not (await prepared.page("confirm", "en", 7, name="Suzie")).encoded

    play(scene)


def test_only_the_links_of_the_template_get_the_token() -> None:
    async def scene(pages: Pages, prepared: PreparedPages) -> None:
        pages.page = "<p>⟦name⟧ <a href='⟦token⟧/not-me'>not me</a>"
        answer = await prepared.page("confirm", "en", 7, name="⟦token⟧", token="abc")
        assert answer.body.rstrip(b" ").decode() == "<p>⟦token⟧ <a href='abc/not-me'>not me</a>"

    play(scene)


def test_a_section_is_shown_if_its_value_is_not_empty() -> None:
    page = "<p>⟦name⟧</p>⟦?comment⟧<q>⟦comment⟧</q>⟦/comment⟧⟦?updates⟧<p>letters</p>⟦/updates⟧"
    entry = Entry(Response(200, [], page.encode()), b"", {}, 0, RULE, 0, 0)

    def body(**values: str) -> str:
        return filled(entry, 200, values).body.decode().rstrip(" ")

    assert body(name="Suzie") == "<p>Suzie</p>"
    assert body(name="Suzie", comment="<b>") == "<p>Suzie</p><q>&lt;b&gt;</q>"
    assert body(name="⟦comment⟧", comment="x", updates="1") == "<p>⟦comment⟧</p><q>x</q><p>letters</p>"
