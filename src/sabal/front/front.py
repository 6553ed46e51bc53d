"""The ASGI front end, to be read from top to bottom.

A POST is refused first of all while the most POSTs are in work. A request passes the guards in this order: path,
method, Host, sizes. A POST then passes these: the headers about its body, origin, network. The row of its route names
what answers: the cache, whose pages are made on the pool, or a handler. Nothing that a client sent is ever logged.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from sabal.front import cache, guards
from sabal.front.app import READING, App
from sabal.front.cache import Messages, matches
from sabal.front.codings import coding
from sabal.front.languages import best_language
from sabal.front.paths import Routes
from sabal.front.pool import Busy
from sabal.front.routes import Route
from sabal.http import CLOSE, Headers, Moved, Refused, Request, Response, StoredFile, busy, redirect
from sabal.limits.networks import Clients, Verdict
from sabal.limits.rules import Effect
from sabal.limits.surges import NETWORK
from sabal.logs import where
from sabal.signing.sources import with_word

Scope = Mapping[str, Any]
Send = Callable[[dict[str, Any]], Awaitable[None]]

logger = logging.getLogger("sabal.front")
PATHSEND = "http.response.pathsend"  # an extension of ASGI: the server sends the file of this path
VERDICTS = {Effect.ALLOW: Verdict.FREE, Effect.HOLD: Verdict.SOFT, Effect.REFUSE: Verdict.HARD}


class Front:
    """The front end of one process."""

    def __init__(
        self,
        app: App,
        routes: Routes,
        hosts: guards.Hosts,
        clients: Clients,
        *,
        secure: bool,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.app, self.routes, self.hosts, self.clients, self.clock = app, routes, hosts, clients, clock
        self.security = security_headers(secure)
        self.cache = cache.Cache(self.page, self.finished)
        self._refusals: dict[tuple[object, ...], tuple[Response, Messages]] = {}

    async def __call__(self, scope: Scope, receive: guards.Receive, send: Send) -> None:
        """Answer one request. Log an error by type and line, and answer it with a prepared page."""
        try:
            # First of all: under overload this answers most POSTs, and takes time from those in work.
            if scope["method"] == "POST" and self.app.is_full:
                raise busy()
            route, headers = self.admit(scope)
            if route.row.stored is not None:
                file = route.row.stored(route.petition(self.app.snapshots), route.file)
                start, body = self.stored(file, headers, scope)
            elif route.row.cached and scope["method"] != "POST":
                start, body = self.fresh(route, headers, scope) or await self.cached(route, headers, scope)
            else:
                start, body = self.messages(await self.answer(route, headers, scope, receive), scope)
        except Moved as moved:
            start, body = self.messages(redirect(with_word(moved.path, scope["query_string"])), scope)
        except Refused as refused:
            start, body = self.refusal(refused, scope)
        except Busy:
            start, body = self.refusal(busy(), scope)
        except Exception as error:
            logger.error("a request failed: %s", where(error))
            start, body = self.refusal(Refused(500, "error"), scope)
        await send(start)
        await send(body)

    def admit(self, scope: Scope) -> tuple[Route, dict[bytes, bytes]]:
        """Apply the guards that every request passes: path, method, doubled headers, Host."""
        try:
            route = self.routes.find(scope["raw_path"])
        except Refused:
            self.move(scope)
            raise
        if scope["method"] not in route.row.allow:
            raise Refused(405, headers=[(b"allow", ", ".join(route.row.allow).encode())])
        headers = guards.headers(scope["headers"])
        if not route.row.any_host:
            self.hosts.check(headers.get(b"host", b""))
        return route, headers

    def move(self, scope: Scope) -> None:
        """Raise Moved if a GET or HEAD has a path of this site with something pasted after it, or a petition's name."""
        if scope["method"] not in ("GET", "HEAD"):
            return
        raw_path, headers = scope["raw_path"], guards.headers(scope["headers"])
        path = self.routes.pasted(raw_path) or self.routes.petition_meant(
            raw_path, headers.get(b"accept-language")
        )
        if path is not None:
            self.hosts.check(headers.get(b"host", b""))
            raise Moved(path)

    def fresh(self, route: Route, headers: Mapping[bytes, bytes], scope: Scope) -> Messages | None:
        """Return the page if the cache has a fresh copy. This answers nearly all requests, without any wait."""
        return self.cache.fresh(
            route.path,
            headers.get(b"accept-encoding"),
            headers.get(b"if-none-match"),
            scope["method"] == "HEAD",
            time.monotonic(),
        )

    async def cached(self, route: Route, headers: Mapping[bytes, bytes], scope: Scope) -> Messages:
        """Return the page: a stale copy, or one made now."""
        if route.row.has_file is not None:
            if not route.row.has_file(route.petition(self.app.snapshots), route.file):
                raise Refused(404, "not-found")
            self.routes.remember(route)
        found = await self.cache.fetch(route.path)
        if isinstance(found, Response):
            return self.messages(found, scope)
        accept, if_none_match = headers.get(b"accept-encoding"), headers.get(b"if-none-match")
        return found.answer(accept, if_none_match, scope["method"] == "HEAD", time.monotonic())

    def stored(self, file: StoredFile, headers: Mapping[bytes, bytes], scope: Scope) -> Messages:
        """Return a file that granian reads from the disk, as fast as the reader takes it. Python holds none of it.

        The whole file is sent whatever Range says, as RFC 9110 §14.2 allows: granian has no parts of files.
        """
        common = self.finished([*file.headers, (b"etag", file.etag)])
        if matches(headers.get(b"if-none-match", b""), file.etag):
            return cache.messages(304, [pair for pair in common if pair[0] != b"content-type"], b"")
        start, body = cache.messages(200, [*common, (b"content-length", b"%d" % file.size)], b"")
        return start, body if scope["method"] == "HEAD" else {"type": PATHSEND, "path": file.path}

    async def page(self, path: str) -> Response:
        """Return the page of a path, for the cache."""
        route = self.routes.find(path.encode("ascii"))
        return await self.app.pool.page(route.page, self.app.snapshots)

    async def answer(
        self, route: Route, headers: Mapping[bytes, bytes], scope: Scope, receive: guards.Receive
    ) -> Response:
        """Return an answer that is not cached."""
        # Cached pages skip this guard: the server's own limit is close to this one.
        guards.size(scope["headers"])
        self.clients.notice(scope["client"][0], headers.get(b"x-forwarded-for"))
        if scope["method"] == "POST":
            return await self.post(route, headers, scope, receive)
        if route.row.get is None:
            return await self.app.pool.page(route.page, self.app.snapshots)
        return await route.row.get(self.request(route, "GET", headers))

    async def post(
        self, route: Route, headers: Mapping[bytes, bytes], scope: Scope, receive: guards.Receive
    ) -> Response:
        """Apply the guards of a POST, in order, and call its handler. The body is read only after these guards."""
        app, row = self.app, route.row
        assert row.post is not None  # `admit` refused POST otherwise
        guards.body_headers(headers, any_type=row.any_type)
        own = guards.same_origin(headers, self.hosts)
        if not own and not row.any_origin:
            raise Refused(403, "forbidden", CLOSE)
        network, verdict = self.network(route, headers, scope)
        if verdict is Verdict.HARD:
            retry = (b"retry-after", b"%d" % random.randint(60, 180))  # noqa: S311 - no secret
            raise Refused(429, "too-many", [*CLOSE, retry])
        if app.reading >= READING:
            raise busy()
        app.reading += 1
        try:
            body = await guards.body(receive)
        finally:
            app.reading -= 1
        # A POST counts as work only when its body is complete, so senders that never finish take nothing from others.
        if app.is_full:
            raise busy()
        app.working += 1
        try:
            return await row.post(
                self.request(
                    route,
                    "POST",
                    headers,
                    body,
                    network,
                    own_origin=own,
                    soft_limited=verdict is Verdict.SOFT,
                )
            )
        finally:
            app.working -= 1

    def network(self, route: Route, headers: Mapping[bytes, bytes], scope: Scope) -> tuple[bytes, Verdict]:
        """Return the sender's network, hashed with today's key, and its verdict. Confirming is never limited."""
        if route.row.limit is None:
            return b"", Verdict.FREE
        limits, now = self.app.limits, self.clock()
        onion = self.hosts.is_onion(headers[b"host"])
        # Onion visitors do not pass the proxies, so an X-Forwarded-For header of theirs is forged.
        forwarded = None if onion else headers.get(b"x-forwarded-for")
        address = self.clients.address(scope["client"][0], forwarded)
        network = limits.network(address, now, onion=onion)
        rules = self.app.rules.of(route.slug)
        verdict = route.row.limit(limits, network, now, rules.strictness)
        effect = rules.of_address(address)
        if route.slug and (surging := limits.surge(address, network, now, onion=onion)):
            self.app.surges.note(route.slug, NETWORK, surging, now, limits.surge_from)
        return network.near if network else b"", VERDICTS[effect] if effect else verdict

    def request(
        self,
        route: Route,
        method: str,
        headers: Mapping[bytes, bytes],
        body: bytes = b"",
        network: bytes = b"",
        *,
        own_origin: bool = True,
        soft_limited: bool = False,
    ) -> Request:
        """Return the request as a handler sees it."""
        return Request(
            method,
            route.path,
            route.language,
            route.slug,
            route.token,
            headers,
            body,
            own_origin,
            network,
            soft_limited,
            self.clock(),
            route.organisation,
        )

    def refusal(self, refused: Refused, scope: Scope) -> Messages:
        """Return the prepared page of a refusal, in the path's or the reader's language, without waiting.

        Its messages are made once for each copy of the page, as under overload most answers are refusals.
        """
        headers, page, status = dict(scope["headers"]), refused.page, refused.status
        language = self.routes.language_of(scope["raw_path"])
        if not language:
            language = best_language(headers.get(b"accept-language"), self.routes.site, "en")
        response = self.app.prepared.refusal(page, language, status)
        key = page, language, status, coding(headers.get(b"accept-encoding")), scope["method"] == "HEAD"
        known = self._refusals.get(key)
        if known is None or known[0] is not response:
            known = self._refusals[key] = response, self.messages(response, scope)
        start, body = known[1]
        return {**start, "headers": [*start["headers"], *refused.headers]}, body

    def refreshed(self) -> None:
        """Take over changes of the petitions. Called after each refresh of the snapshots."""
        self.app.refreshed = time.monotonic()
        if self.routes.update(self.app.snapshots.published()):
            self.cache.forget(keep=self.routes.cached_paths())

    async def drained(self, seconds: float) -> None:
        """Wait until no POST is in work, or until that time has passed."""
        end = time.monotonic() + seconds
        while self.app.working and time.monotonic() < end:
            await asyncio.sleep(0.02)

    def messages(self, response: Response, scope: Scope) -> Messages:
        """Return a response as ASGI messages, with length and security headers, and without a body for HEAD."""
        headers, body = self.finished(response.headers), response.body
        if response.header(b"cache-control") is None:
            headers.append((b"cache-control", b"no-store"))
        if response.encoded:
            best = coding(dict(scope["headers"]).get(b"accept-encoding"))
            headers.append((b"vary", b"accept-encoding"))
            if best in response.encoded and best != b"identity":
                body = response.encoded[best]
                headers.append((b"content-encoding", best))
        headers.append((b"content-length", b"%d" % len(body)))
        return cache.messages(response.status, headers, b"" if scope["method"] == "HEAD" else body)

    def finished(self, headers: Headers) -> list[tuple[bytes, bytes]]:
        """Return the headers of an answer, with the security headers in place of any of the same names."""
        return [*(pair for pair in headers if pair[0] not in self.security), *self.security.items()]


def security_headers(secure: bool) -> dict[bytes, bytes]:
    """Return the headers that every answer has. The policy of a page (CSP) comes with the page."""
    headers = {
        b"x-content-type-options": b"nosniff",
        b"referrer-policy": b"same-origin",
        b"cross-origin-opener-policy": b"same-origin",
        # granian adds its own name to every answer without this header, and has no option for that. The sample proxies
        # take the header away.
        b"server": b"",
    }
    if secure:
        headers[b"strict-transport-security"] = b"max-age=31536000"
    return headers
