"""The HTTP cache of the front end. An answer is cached if its own headers allow it; there is no other rule.

The cache takes answers with status 200, a `max-age` (RFC 9111) and no Set-Cookie. It obeys `stale-while-revalidate`
and `stale-if-error` (RFC 5861). It stores each answer in the codings br, gzip and identity, each with its own ETag, as
ASGI messages ready to be sent, so that a hit costs a few look-ups. At most one refresh per key runs at a time, whatever
the number of readers. Keys come from closed lists: the fixed paths, files of a log, and the names of prepared pages.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
import time
from collections.abc import Awaitable, Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sabal.front.codings import coding, encoded
from sabal.http import Headers, Refused, Response

MOST_BYTES = 64 * 1024 * 1024
OVERHEAD = 3_000  # bytes of memory that an entry takes besides its bodies
# Seconds. An answer that is fresh for longer never changes, so its age does not matter.
NO_AGE_ABOVE = 30 * 86_400.0
OWN = frozenset((b"etag", b"vary", b"content-length", b"content-encoding", b"date", b"age", b"connection"))
DIRECTIVE = re.compile(r"([a-z-]+)(?:=\"?(\d{1,9})\"?)?")

logger = logging.getLogger("sabal.front")

Messages = tuple[dict[str, Any], dict[str, Any]]  # the two ASGI messages of one whole answer
Finish = Callable[[Headers], list[tuple[bytes, bytes]]]
Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Freshness:
    """For how many seconds an answer is fresh, and for how many more a stale copy may be sent."""

    max_age: float
    while_revalidate: float = 0
    if_error: float = 0


@dataclass(frozen=True, slots=True)
class Variant:
    """An entry in one coding, ready to be sent."""

    etag: bytes
    body: bytes
    whole: Messages
    head: Messages
    not_modified: Messages


@dataclass(slots=True)
class Entry:
    """One cached answer. Times are of the monotonic clock."""

    response: Response
    digest: bytes
    variants: dict[bytes, Variant]
    size: int
    rule: Freshness
    stored: float
    used: float
    no_age_until: float = 0.0  # until then it is sent without an Age header
    retry: float = 0.0  # the earliest time of the next try after a failed refresh

    def fresh(self, now: float) -> bool:
        """Return whether the answer is fresh."""
        return now - self.stored < self.rule.max_age

    def usable(self, now: float) -> bool:
        """Return whether the answer may be sent while a refresh runs."""
        return now - self.stored < self.rule.max_age + self.rule.while_revalidate

    def usable_on_error(self, now: float) -> bool:
        """Return whether the answer may be sent after a failed refresh."""
        return now - self.stored < self.rule.max_age + self.rule.if_error

    def messages(self, accept: bytes | None, if_none_match: bytes | None, head: bool) -> Messages:
        """Return the ASGI messages for these request headers: 304 if the reader has the same copy."""
        variant = self.variants.get(coding(accept)) or self.variants[b"identity"]
        if if_none_match is not None and matches(if_none_match, variant.etag):
            return variant.not_modified
        return variant.head if head else variant.whole

    def answer(self, accept: bytes | None, if_none_match: bytes | None, head: bool, now: float) -> Messages:
        """Return `messages`, with the Age header if the copy is a second old or more."""
        self.used = now
        start, body = self.messages(accept, if_none_match, head)
        age = int(now - self.stored)
        if age:
            return {**start, "headers": [*start["headers"], (b"age", b"%d" % age)]}, body
        return start, body


def seconds_without_age(rule: Freshness) -> float:
    """Return for how many seconds an answer needs no Age header (RFC 9111 §5.1)."""
    return rule.max_age if rule.max_age > NO_AGE_ABOVE else min(1.0, rule.max_age)


class Cache(Generic[Key]):
    """Cached answers by key. `make` returns the answer of a key or raises; `finish` completes its headers."""

    def __init__(
        self,
        make: Callable[[Key], Awaitable[Response]],
        finish: Finish = list,
        *,
        rule: Freshness | None = None,
        most_bytes: int = MOST_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._make, self._finish, self._rule = make, finish, rule
        self._most, self._clock = most_bytes, clock
        self._entries: dict[Key, Entry] = {}
        self._refreshing: dict[Key, asyncio.Task[Entry | Response]] = {}
        self._bytes = 0

    def fresh(
        self, key: Key, accept: bytes | None, if_none_match: bytes | None, head: bool, now: float
    ) -> Messages | None:
        """Return the messages to send if the entry of `key` is fresh and needs no Age header yet."""
        entry = self._entries.get(key)
        if entry is None or now >= entry.no_age_until:
            return None
        entry.used = now
        return entry.messages(accept, if_none_match, head)

    def fresh_or_stale(self, key: Key, now: float) -> Entry | None:
        """Return the entry of `key` if it may be sent now. Refresh a stale entry in the background."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if not entry.fresh(now):
            if not entry.usable(now):
                return None
            if now >= entry.retry:
                self._refresh(key)
        return entry

    async def fetch(self, key: Key) -> Entry | Response:
        """Return the entry of `key`, made if necessary, or a Response if the answer must not be cached.

        If `make` fails and no copy may be sent instead, raise the exception of `make`.
        """
        entry = self.fresh_or_stale(key, self._clock())
        if entry is not None:
            return entry
        # Shielded: readers share the refresh, and it continues if the first of them disconnects.
        return await asyncio.shield(self._refresh(key))

    def any_age(self, key: Key) -> Entry | None:
        """Return the entry of `key`, of any age. Start a refresh if the entry is stale or missing."""
        now = self._clock()
        entry = self._entries.get(key)
        if entry is None or (not entry.fresh(now) and now >= entry.retry):
            self._refresh(key)
        return entry

    def forget(self, keep: Iterable[Key]) -> None:
        """Drop the entries of all other keys, such as those of petitions that are no longer published."""
        wanted = set(keep)
        for key in [key for key in self._entries if key not in wanted]:
            self._drop(key)

    def _refresh(self, key: Key) -> asyncio.Task[Entry | Response]:
        task = self._refreshing.get(key)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._make_entry(key))
            self._refreshing[key] = task
            task.add_done_callback(lambda done: self._refresh_done(key, done))
        return task

    def _refresh_done(self, key: Key, task: asyncio.Task[Entry | Response]) -> None:
        del self._refreshing[key]
        if not task.cancelled():
            task.exception()  # retrieved, so that asyncio never prints its text

    async def _make_entry(self, key: Key) -> Entry | Response:
        old = self._entries.get(key)
        try:
            response = await self._make(key)
            if response.status >= 500:
                raise _ServerError(response)
        except Refused:
            self._drop(key)  # a refusal is an answer, not a failure: the last copy is out of date
            raise
        except Exception as error:
            now = self._clock()
            if old is not None:
                old.retry = now + 1.0
                if old.usable_on_error(now):
                    logger.warning(
                        "%s: refresh failed (%s), showing the last copy", key, type(error).__name__
                    )
                    return old
            if isinstance(error, _ServerError):
                return error.response
            raise
        rule = self._rule or freshness(response)
        if rule is None or response.status != 200 or response.header(b"set-cookie") is not None:
            self._drop(key)
            return response
        return await self._store(key, old, response, rule)

    async def _store(self, key: Key, old: Entry | None, response: Response, rule: Freshness) -> Entry:
        headers = repr([pair for pair in response.headers if pair[0] not in OWN]).encode()
        digest = hashlib.sha256(headers + response.body).digest()
        now = self._clock()
        if old is not None and old.digest == digest:
            # The usual case of a busy page: the answer is the same, so no coding or message is made again.
            old.stored, old.retry, old.rule = now, 0.0, rule
            old.no_age_until = now + seconds_without_age(rule)
            return old
        bodies = await asyncio.to_thread(encoded, response)
        variants = {
            name: self._variant(response, name, body, len(bodies) > 1) for name, body in bodies.items()
        }
        size = sum(map(len, bodies.values())) + len(response.body) + OVERHEAD
        entry = Entry(response, digest, variants, size, rule, stored=self._clock(), used=now)
        entry.no_age_until = entry.stored + seconds_without_age(rule)
        self._drop(key)
        self._make_room(size)
        if size <= self._most:
            self._entries[key] = entry
            self._bytes += size
        return entry

    def _variant(self, response: Response, name: bytes, body: bytes, several: bool) -> Variant:
        etag = b'"%s-%s"' % (hashlib.sha256(body).hexdigest()[:22].encode(), name)
        headers = [pair for pair in response.headers if pair[0] not in OWN]
        headers += [(b"etag", etag), (b"vary", b"accept-encoding")] if several else [(b"etag", etag)]
        headers = self._finish(headers)
        body_headers = [(b"content-length", b"%d" % len(body))]
        if name != b"identity":
            body_headers.append((b"content-encoding", name))
        whole = headers + body_headers
        short = [pair for pair in headers if pair[0] != b"content-type"]
        return Variant(
            etag, body, messages(200, whole, body), messages(200, whole, b""), messages(304, short, b"")
        )

    def _make_room(self, size: int) -> None:
        while self._entries and self._bytes + size > self._most:
            self._drop(min(self._entries, key=lambda key: self._entries[key].used))

    def _drop(self, key: Key) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._bytes -= entry.size


class _ServerError(Exception):
    """Signal that the answer that was made has a status of 500 or above."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


def messages(status: int, headers: Headers, body: bytes) -> Messages:
    """Return the two ASGI messages of a whole answer."""
    return (
        {"type": "http.response.start", "status": status, "headers": headers},
        {"type": "http.response.body", "body": body},
    )


def freshness(response: Response) -> Freshness | None:
    """Return the freshness that Cache-Control and Vary allow; None if the answer must not be cached."""
    value = response.header(b"cache-control")
    if value is None or response.header(b"vary") == b"*":
        return None
    found = dict(DIRECTIVE.findall(value.decode("latin-1").lower()))
    if "private" in found or "no-store" in found or "no-cache" in found or not found.get("max-age"):
        return None
    return Freshness(
        float(found["max-age"]),
        float(found.get("stale-while-revalidate") or 0),
        float(found.get("stale-if-error") or 0),
    )


def matches(if_none_match: bytes, etag: bytes) -> bool:
    """Return whether an If-None-Match names the ETag, by weak comparison (RFC 9110 §13.1.2)."""
    if if_none_match == etag:
        return True
    if if_none_match.strip() == b"*":
        return True
    return any(tag.strip().removeprefix(b"W/") == etag for tag in if_none_match.split(b","))
