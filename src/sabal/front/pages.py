"""Prepared pages: what a token's page or an overloaded house says, made by Django once and kept by the cache.

So that no confirmation, withdrawal or "busy" ever waits for Django. What differs between readers is what was
typed, on the confirm page, and the token in a page's own links; they are put into gaps that the template left.
"""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import Iterable, Mapping

from sabal.front import django
from sabal.front.cache import Cache, Entry, Freshness
from sabal.http import Response

GAP = re.compile(r"⟦([a-z]+)⟧".encode())
SECTION = re.compile(r"⟦\?([a-z]+)⟧(.*?)⟦/\1⟧".encode(), re.DOTALL)  # kept where its gap has something to say
MARK = "⟦".encode()
STEP = 1_024  # a page with a name is filled up to a multiple of it: its length says little of the name's
RULE = Freshness(max_age=1, while_revalidate=10, if_error=86_400)

# What is said when something is wrong must be at hand at once, however old.
AT_ONCE = ("busy", "too-many", "forbidden", "not-found", "bad-request", "error")

HEADERS = ((b"cache-control", b"no-store"), (b"x-robots-tag", b"noindex"))
HTML = (b"content-type", b"text/html; charset=utf-8")
NO_POLICY = (b"content-security-policy", b"default-src 'none'; base-uri 'none'; frame-ancestors 'none'")


class Pages:
    """The prepared pages of one process."""

    def __init__(self) -> None:
        self._cache = Cache(prepared, rule=RULE)
        self._at_once: dict[tuple[str, int], tuple[Entry, Response]] = {}

    async def page(
        self,
        page: str,
        language: str,
        petition_id: int | None = None,
        *,
        status: int = 200,
        **gaps: str,
    ) -> Response:
        """A prepared page, under ``status``, ``gaps`` escaped in theirs.

        Raises what Django raised, if there is no copy; never for the pages of AT_ONCE.
        """
        path = f"/_door/{language}/{'-' if petition_id is None else petition_id}/{page}"
        if page in AT_ONCE:
            entry = self._cache.any_age(path)
            return plain(status) if entry is None else self._ready(path, entry, status)
        found = await self._cache.fetch(path)
        if isinstance(found, Response):
            raise django.Busy
        return filled(found, status, gaps)

    def _ready(self, path: str, entry: Entry, status: int) -> Response:
        """Made once from each copy: in overload most answers are this one."""
        known = self._at_once.get((path, status))
        if known is None or known[0] is not entry:
            known = self._at_once[path, status] = entry, filled(entry, status, {})
        return known[1]

    async def warm(self, languages: Iterable[str]) -> None:
        """Has the pages of AT_ONCE made, so that they are there before the first is needed."""
        for language in languages:
            for page in AT_ONCE:
                self._cache.any_age(f"/_door/{language}/-/{page}")
                await asyncio.sleep(0)


async def prepared(path: str) -> Response:
    """Django's page for a ``/_door/…`` path, as something to keep: its status is the door's affair."""
    response = await django.render(path)
    if response.status != 200:
        raise LookupError
    return response


def filled(entry: Entry, status: int, gaps: Mapping[str, str]) -> Response:
    """The page of an entry with its gaps filled; sections whose gap is empty are left out."""
    headers = [*(pair for pair in entry.response.headers if pair[0] not in DROPPED), *HEADERS]
    body = entry.response.body
    if MARK not in body:
        encoded = {coding: variant.body for coding, variant in entry.variants.items()}
        return Response(status, headers, body, encoded)
    body = SECTION.sub(lambda found: found[2] if gaps.get(found[1].decode()) else b"", body)
    # In one pass: what was typed is never looked through for gaps.
    body = GAP.sub(lambda found: html.escape(gaps.get(found[1].decode(), "")).encode(), body)
    return Response(status, headers, body + b" " * (-len(body) % STEP))


DROPPED = frozenset((b"cache-control", b"x-robots-tag", b"content-length", b"etag", b"vary", b"set-cookie"))

WORDS = {
    404: "There is no such page here.",
    403: "This form came from another site.",
    429: "Too many signatures came from your network just now. Please try again later.",
    503: "Very many people are here just now. Please try again in a minute.",
}


def plain(status: int) -> Response:
    """A page for the moments before Django has made a better one."""
    words = WORDS.get(status) or (
        "Something went wrong on our side." if status >= 500 else "This request cannot be answered."
    )
    body = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{status}</title><p>{words}</p></html>'
    )
    return Response(status, [HTML, NO_POLICY, *HEADERS], body.encode())


_pages: Pages | None = None


def install(pages: Pages | None) -> None:
    """Makes them the process's prepared pages."""
    global _pages
    _pages = pages


async def page(
    page: str,
    language: str,
    petition_id: int | None = None,
    *,
    status: int = 200,
    **gaps: str,
) -> Response:
    """`Pages.page` of the process's one."""
    if _pages is None:
        raise RuntimeError("no prepared pages have been installed in this process")
    return await _pages.page(page, language, petition_id, status=status, **gaps)
