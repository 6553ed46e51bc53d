"""Prepared pages: what a token's page or an overloaded house says, made by Django once and kept by the cache.

So that no confirmation, withdrawal or "busy" ever waits for Django. What differs between readers is the typed
name on the confirm page and the token in the page's own links; both are put into gaps that the template left.
"""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import Iterable

from sabal.front import django
from sabal.front.cache import Cache, Entry, Freshness
from sabal.front.http import Response

GAPS = re.compile("⟦(name|token)⟧".encode())
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

    async def page(
        self,
        page: str,
        language: str,
        petition_id: int | None = None,
        *,
        status: int = 200,
        name: str = "",
        token: str = "",
    ) -> Response:
        """A prepared page, under ``status``, ``name`` and ``token`` escaped in their gaps.

        Raises what Django raised, if there is no copy; never for the pages of AT_ONCE.
        """
        path = f"/_door/{language}/{'-' if petition_id is None else petition_id}/{page}"
        if page in AT_ONCE:
            entry = self._cache.any_copy(path)
            if entry is None:
                return plain(status)
            return filled(entry, status, name, token)
        found = await self._cache.get(path)
        if isinstance(found, Response):
            raise django.Busy
        return filled(found, status, name, token)

    async def warm(self, languages: Iterable[str]) -> None:
        """Has the pages of AT_ONCE made, so that they are there before the first is needed."""
        for language in languages:
            for page in AT_ONCE:
                self._cache.any_copy(f"/_door/{language}/-/{page}")
                await asyncio.sleep(0)


async def prepared(path: str) -> Response:
    """Django's page for a ``/_door/…`` path, as something to keep: its status is the door's affair."""
    response = await django.render(path)
    if response.status != 200:
        raise LookupError
    return response


def filled(entry: Entry, status: int, name: str, token: str) -> Response:
    """The page of an entry with a name and a token in its gaps."""
    if not entry.parts:
        entry.parts = GAPS.split(entry.response.body)  # text, gap, text, gap, … text
    headers = [*(pair for pair in entry.response.headers if pair[0] not in DROPPED), *HEADERS]
    if len(entry.parts) == 1:
        pressed = {coding: variant.body for coding, variant in entry.variants.items()}
        return Response(status, headers, entry.response.body, pressed)
    values = {b"name": html.escape(name).encode(), b"token": html.escape(token).encode()}
    body = b"".join(values[part] if i % 2 else part for i, part in enumerate(entry.parts))
    return Response(status, headers, body + b" " * (-len(body) % STEP))


DROPPED = frozenset((b"cache-control", b"x-robots-tag", b"content-length", b"etag", b"vary", b"set-cookie"))

WORDS = {
    404: "There is no such page here.",
    403: "This form came from another site.",
    429: "Too many signatures from your network just now. Please try again later.",
    503: "Very many people are here just now. Please try again in a minute.",
}


def plain(status: int) -> Response:
    """A page for the moments before Django has made a better one."""
    words = WORDS.get(status) or (
        "Something went wrong on our side." if status >= 500 else "This cannot be answered."
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
    name: str = "",
    token: str = "",
) -> Response:
    """`Pages.page` of the process's one."""
    if _pages is None:
        raise RuntimeError("no prepared pages have been installed in this process")
    return await _pages.page(page, language, petition_id, status=status, name=name, token=token)
