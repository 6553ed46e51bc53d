"""The way in: a plain ASGI application, to be read from top to bottom.

A request passes the guards in this order: path, method, Host, sizes, and a POST besides: what its headers
announce of a body, origin, network, POSTs in flight. Then it is answered from the cache, by the intake (sign,
confirm, withdraw), or by Django. Nothing that a client sent is ever logged.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Protocol, TypeVar

from sabal.front import cache, django, guards, pages
from sabal.front.cache import Messages
from sabal.front.codings import coding
from sabal.front.routes import Petition, Route, Routes, best_language
from sabal.http import CLOSE, Headers, Refused, Request, Response, busy, text
from sabal.ledger.publication import log_folder
from sabal.limits import networks as limits
from sabal.logs import where
from tlog import Malformed, Tile

IN_FLIGHT = (
    64  # POSTs being worked on in one process: as many as one commit takes; more would only wait longer
)
READING = 16_384  # POSTs whose body is still coming: cheap, but not free
QUIET_AFTER = 15.0  # seconds without a look at the petitions, and /healthz says busy

Scope = Mapping[str, Any]
Send = Callable[[dict[str, Any]], Awaitable[None]]
P_co = TypeVar("P_co", bound=Petition, covariant=True)

logger = logging.getLogger("sabal.front")


class Published(Protocol[P_co]):
    """The petitions that this process knows (petitions/snapshot.py)."""

    def by_slug(self, slug: str) -> P_co | None: ...
    def published(self) -> Iterable[P_co]: ...


class Intake(Protocol):
    """The verbs of the crowd (front/intake.py)."""

    async def sign(self, request: Request, petition: Any) -> Response: ...
    async def sign_elsewhere(self, request: Request, petition: Any) -> Response: ...
    async def confirm_page(self, request: Request) -> Response: ...
    async def confirm(self, request: Request) -> Response: ...
    async def not_me_page(self, request: Request) -> Response: ...
    async def not_me(self, request: Request) -> Response: ...
    async def receipt(self, request: Request) -> Response: ...
    async def promise(self, request: Request) -> Response: ...
    async def proof(self, request: Request) -> Response: ...
    async def withdraw(self, request: Request) -> Response: ...


class Door:
    """The front door of one process."""

    def __init__(
        self,
        *,
        routes: Routes,
        hosts: guards.Hosts,
        clients: limits.Clients,
        petitions: Published[Petition],
        intake: Intake,
        secure: bool,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.routes, self.hosts, self.clients = routes, hosts, clients
        self.petitions, self.intake, self.clock = petitions, intake, clock
        self.security = security_headers(secure)
        self.cache = cache.Cache(django.render, self.finished)
        self.looked = time.monotonic()
        self.working = 0
        self.reading = 0

    async def __call__(self, scope: Scope, receive: guards.Receive, send: Send) -> None:
        """Answers one request. An error is logged as type and line, and answered with a prepared page."""
        try:
            route, headers = self.admit(scope)
            if route.cached and scope["method"] != "POST":
                start, body = self.at_hand(route, headers, scope) or await self.kept(route, headers, scope)
            else:
                start, body = await self.answer(route, headers, scope, receive)
        except Refused as refused:
            start, body = self.messages(await self.refusal(refused, scope), scope)
        except django.Busy:
            start, body = self.messages(await self.refusal(busy(), scope), scope)
        except Exception as error:
            logger.error("a request failed: %s", where(error))
            start, body = self.messages(await self.refusal(Refused(500, "error"), scope), scope)
        await send(start)
        await send(body)

    def admit(self, scope: Scope) -> tuple[Route, dict[bytes, bytes]]:
        """The guards that every request passes: path, method, doubled headers, Host."""
        route = self.routes.find(scope["raw_path"])
        if scope["method"] not in route.allow:
            raise Refused(405, headers=[(b"allow", ", ".join(route.allow).encode())])
        headers = guards.headers(scope["headers"])
        if route.name != "health":  # balancers ask by address
            self.hosts.check(headers.get(b"host", b""))
        return route, headers

    def at_hand(self, route: Route, headers: Mapping[bytes, bytes], scope: Scope) -> Messages | None:
        """The page, if the cache has it fresh: the way of nearly every request, so it waits for nothing."""
        return self.cache.fresh(
            route.path,
            headers.get(b"accept-encoding"),
            headers.get(b"if-none-match"),
            scope["method"] == "HEAD",
            time.monotonic(),
        )

    async def kept(self, route: Route, headers: Mapping[bytes, bytes], scope: Scope) -> Messages:
        """The page, stale or made now."""
        if route.name in ("log_tile", "log_manifest"):
            if not self.has_log_file(route):
                raise Refused(404, "not-found")
            self.routes.remember(route)
        found = await self.cache.fetch(route.path)
        if isinstance(found, Response):
            return self.messages(found, scope)
        accept, held = headers.get(b"accept-encoding"), headers.get(b"if-none-match")
        return found.answer(accept, held, scope["method"] == "HEAD", time.monotonic())

    def has_log_file(self, route: Route) -> bool:
        """Whether a log has the file that is asked for: of those that none has there is no end.

        Of partial tiles it is those at the right edge now, and older ones as long as they lie here.
        """
        petition = self.petitions.by_slug(route.slug)
        if petition is None:
            return False
        name = route.path.removeprefix(f"/{route.slug}/log/")
        if route.name == "log_manifest":
            return name in petition.manifest_names
        try:
            tile = Tile.parse(name)
        except Malformed:
            return False
        size = petition.counts.log_size
        return tile.is_at(size) or (tile.is_within(size) and (log_folder(route.slug) / name).is_file())

    async def answer(
        self, route: Route, headers: Mapping[bytes, bytes], scope: Scope, receive: guards.Receive
    ) -> Messages:
        """Everything that is not kept."""
        guards.size(scope["headers"])  # the server's own limit is near this one, so kept pages need not look
        self.clients.notice(scope["client"][0], headers.get(b"x-forwarded-for"))
        if scope["method"] == "POST":
            return self.messages(await self.post(route, headers, scope, receive), scope)
        return self.messages(await self.get(route, headers), scope)

    async def get(self, route: Route, headers: Mapping[bytes, bytes]) -> Response:
        """The answers to GET that are not kept."""
        match route.name:
            case "home":
                return self.home(headers.get(b"accept-language"))
            case "health":
                return self.health()
            # No look-up for the newsletter's two: opening a link changes nothing, so all links show one page.
            case "withdrawn" | "not_me_done" | "newsletter_confirm" | "unsubscribe":
                return await pages.page(route.name.replace("_", "-"), route.language)
            case "confirm":
                return await self.intake.confirm_page(self.request(route, "GET", headers))
            case "not_me":
                return await self.intake.not_me_page(self.request(route, "GET", headers))
            case "receipt":
                return await self.intake.receipt(self.request(route, "GET", headers))
            case "promise":
                return await self.intake.promise(self.request(route, "GET", headers))
            case "proof":
                return await self.intake.proof(self.request(route, "GET", headers))
            case _:
                return await django.render(route.path)

    async def post(
        self, route: Route, headers: Mapping[bytes, bytes], scope: Scope, receive: guards.Receive
    ) -> Response:
        """The guards that a POST passes besides, in order; its body is read only after the last of them."""
        one_click = route.name == "unsubscribe"  # RFC 8058: sent by mail programs, as multipart or urlencoded
        guards.announced(headers, any_type=one_click)
        own = one_click or guards.same_origin(headers, self.hosts)
        if not own and route.name != "sign":
            raise Refused(403, "forbidden", CLOSE)
        network, verdict = self.network(route, headers, scope)
        if verdict is limits.Verdict.HARD:
            retry = (b"retry-after", b"%d" % random.randint(60, 180))  # noqa: S311 - no secret
            raise Refused(429, "too-many", [*CLOSE, retry])
        if self.working >= IN_FLIGHT or self.reading >= READING:
            raise busy()
        self.reading += 1
        try:
            body = await guards.body(receive)
        finally:
            self.reading -= 1
        # Only what has arrived whole takes a place: a thousand senders who never finish take none away.
        if self.working >= IN_FLIGHT:
            raise busy()
        self.working += 1
        try:
            request = self.request(
                route, "POST", headers, body, network, soft_limited=verdict is limits.Verdict.SOFT
            )
            return await self.take(route, request, own)
        finally:
            self.working -= 1

    async def take(self, route: Route, request: Request, own: bool) -> Response:
        """Hands a POST that passed every guard to the one who answers it."""
        match route.name:
            case "sign":
                petition = self.petitions.by_slug(route.slug)
                if petition is None:
                    raise Refused(404, "not-found")
                verb = self.intake.sign if own else self.intake.sign_elsewhere
                return await verb(request, petition)
            case "confirm":
                return await self.intake.confirm(request)
            case "not_me":
                return await self.intake.not_me(request)
            case "withdraw":
                return await self.intake.withdraw(request)
            case _:
                return await django.render(
                    route.path,
                    method="POST",
                    body=request.body,
                    content_type=request.headers.get(b"content-type", b"").decode("latin-1"),
                )

    def network(
        self, route: Route, headers: Mapping[bytes, bytes], scope: Scope
    ) -> tuple[bytes, limits.Verdict]:
        """The sender's network under today's key, and what it may do. Confirming is never limited."""
        counts = limits.current()
        match route.name:
            case "sign":
                count = counts.sign
            case "newsletter":
                count = counts.ask
            case _:
                return b"", limits.Verdict.FREE
        now = self.clock()
        onion = self.hosts.is_onion(headers[b"host"])
        # Onion visitors come past the proxies: a header of theirs is their own invention.
        forwarded = None if onion else headers.get(b"x-forwarded-for")
        address = self.clients.address(scope["client"][0], forwarded)
        network = counts.network(address, now, onion=onion)
        return network.near if network else b"", count(network, now)

    def request(
        self,
        route: Route,
        method: str,
        headers: Mapping[bytes, bytes],
        body: bytes = b"",
        network: bytes = b"",
        *,
        soft_limited: bool = False,
    ) -> Request:
        """What a handler gets to see."""
        now = self.clock()
        return Request(
            method, route.path, route.language, headers, body, route.token, network, soft_limited, now
        )

    def home(self, accept_language: bytes | None) -> Response:
        """To the petitions of this house, or to its only one, in the reader's language."""
        petitions = list(self.petitions.published())
        if len(petitions) == 1:
            languages = petitions[0].definition.languages
            path = f"/{best_language(accept_language, languages, languages[0])}/{petitions[0].slug}"
        else:
            path = f"/{best_language(accept_language, self.routes.site_languages, 'en')}"
        return Response(302, [(b"location", path.encode("ascii"))])

    def health(self) -> Response:
        """Whether it is worth sending somebody here now."""
        if self.working >= IN_FLIGHT or time.monotonic() - self.looked > QUIET_AFTER:
            return text(503, "busy\n")
        return text(200, "ok\n")

    async def refusal(self, refused: Refused, scope: Scope) -> Response:
        """The prepared page that explains a refusal, in the path's or the reader's language. Never waits."""
        language = self.routes.language_of(scope["raw_path"])
        if not language:
            accept = dict(scope["headers"]).get(b"accept-language")
            language = best_language(accept, self.routes.site_languages, "en")
        response = await pages.page(refused.page, language, status=refused.status)
        return response.adding(*refused.headers)

    def look(self) -> None:
        """Takes up what has changed among the petitions; called after each refresh of the snapshots."""
        self.looked = time.monotonic()
        if self.routes.update(self.petitions.published()):
            self.cache.forget(keep=self.routes.cached_paths())

    async def drained(self, seconds: float) -> None:
        """Returns when no POST is being worked on any more, or after that time."""
        end = time.monotonic() + seconds
        while self.working and time.monotonic() < end:
            await asyncio.sleep(0.02)

    def messages(self, response: Response, scope: Scope) -> Messages:
        """A response as ASGI messages, with length and security headers; without body for HEAD."""
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
        """The headers of an answer with those that all answers have."""
        return [*(pair for pair in headers if pair[0] not in self.security), *self.security.items()]


def security_headers(secure: bool) -> dict[bytes, bytes]:
    """The headers that every answer has. The page's own policy (CSP) comes with the page."""
    headers = {
        b"x-content-type-options": b"nosniff",
        b"referrer-policy": b"same-origin",
        b"cross-origin-opener-policy": b"same-origin",
        b"server": b"",  # granian names itself where an application does not: this leaves the name empty
    }
    if secure:
        headers[b"strict-transport-security"] = b"max-age=31536000"
    return headers
