"""Prepared pages: made once, cached, and filled in for each reader.

They are the pages behind links with a token and the pages of refusals. No confirmation, withdrawal or refusal waits for
the pool. A page differs between readers only in the typed values (on the confirm page) and in the token of its own
links. These values replace the placeholders of the template.
"""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from sabal.front.cache import Cache, Entry, Freshness
from sabal.front.pool import Busy, Pool
from sabal.http import Response, padded
from sabal.pages.prepared import OF_A_REFUSAL, prepared_page
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.petitions.snapshots import Snapshots

PLACEHOLDER = re.compile(r"⟦([a-z]+)⟧".encode())
SECTION = re.compile(r"⟦\?([a-z]+)⟧(.*?)⟦/\1⟧".encode(), re.DOTALL)  # kept if its value is not empty
MARK = "⟦".encode()
RULE = Freshness(max_age=1, while_revalidate=10, if_error=86_400)

HEADERS = ((b"cache-control", b"no-store"), (b"x-robots-tag", b"noindex"))
HTML = (b"content-type", b"text/html; charset=utf-8")
STRICT_POLICY = (b"content-security-policy", b"default-src 'none'; base-uri 'none'; frame-ancestors 'none'")


class PageKey(NamedTuple):
    """The key of a page: a name of `pages/prepared.py`, a language, and the id of the petition if it is about one."""

    name: str
    language: str
    petition_id: int | None = None


class PreparedPages:
    """The prepared pages of one process. `make` renders a page, on a thread of the pool."""

    def __init__(
        self,
        pool: Pool,
        snapshots: Snapshots,
        make: Callable[[str, str, PetitionSnapshot | None], Response] = prepared_page,
    ) -> None:
        self._pool, self._snapshots, self._make = pool, snapshots, make
        self._cache = Cache(self._prepared, rule=RULE)
        self._refusals: dict[tuple[PageKey, int], tuple[Entry, Response]] = {}

    async def page(
        self, name: str, language: str, petition_id: int | None = None, /, *, status: int = 200, **values: str
    ) -> Response:
        """Return a page with `status`, its placeholders replaced by the escaped `values`.

        If rendering fails and there is no copy, raise the exception of rendering.
        """
        found = await self._cache.fetch(PageKey(name, language, petition_id))
        if isinstance(found, Response):
            raise Busy
        return filled(found, status, values)

    def refusal(self, name: str, language: str, status: int) -> Response:
        """Return the page of a refusal, of any age, without waiting."""
        key = PageKey(name, language)
        entry = self._cache.any_age(key)
        if entry is None:
            return plain(status)
        # Filled once for each copy: under overload most answers are this page.
        known = self._refusals.get((key, status))
        if known is None or known[0] is not entry:
            known = self._refusals[key, status] = entry, filled(entry, status, {})
        return known[1]

    async def warm(self, languages: Iterable[str]) -> None:
        """Render the pages of refusals, before the first refusal needs one. A failure is tried again then."""
        keys = [PageKey(name, language) for language in languages for name in OF_A_REFUSAL]
        await asyncio.gather(*map(self._cache.fetch, keys), return_exceptions=True)

    async def _prepared(self, key: PageKey) -> Response:
        petition = None
        if key.petition_id is not None:
            petition = self._snapshots.by_id(key.petition_id)
            if petition is None:
                raise LookupError
        return await self._pool.page(self._make, key.name, key.language, petition)


def filled(entry: Entry, status: int, values: Mapping[str, str]) -> Response:
    """Return the page of an entry with its placeholders replaced. Leave out sections whose value is empty."""
    headers = [*(pair for pair in entry.response.headers if pair[0] not in DROPPED), *HEADERS]
    body = entry.response.body
    if MARK not in body:
        encoded = {coding: variant.body for coding, variant in entry.variants.items()}
        return Response(status, headers, body, encoded)
    body = SECTION.sub(lambda found: found[2] if values.get(found[1].decode()) else b"", body)
    # In one pass, so that typed values are never searched for placeholders.
    body = PLACEHOLDER.sub(lambda found: html.escape(values.get(found[1].decode(), "")).encode(), body)
    return Response(status, headers, padded(body))


DROPPED = frozenset((b"cache-control", b"x-robots-tag", b"content-length", b"etag", b"vary", b"set-cookie"))

WORDS = {
    404: "There is no such page here.",
    403: "This form came from another site.",
    413: "Your text is too long. Nothing was stored. Go back in your browser: what you typed is still there.",
    429: "Too many signatures came from your network just now. Please try again later.",
    503: "Very many people are here just now. Please try again in a minute.",
}


def plain(status: int) -> Response:
    """Return a simple page, used until the prepared one is rendered."""
    words = WORDS.get(status) or (
        "Something went wrong on our side." if status >= 500 else "This request cannot be answered."
    )
    body = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{status}</title><p>{words}</p></html>'
    )
    return Response(status, [HTML, STRICT_POLICY, *HEADERS], body.encode())
