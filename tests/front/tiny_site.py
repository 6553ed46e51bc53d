"""A tiny site for tests: the real front end and table, with pages and handlers that show their arguments.

granian runs it as `front.tiny_site:application`. TINY_* variables change its behaviour.
"""

import asyncio
import os
import threading
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from sabal.asgi import allow_many_connections, end_with_parent
from sabal.front import app as apps
from sabal.front.app import App
from sabal.front.front import Front
from sabal.front.guards import Hosts
from sabal.front.handlers import Handlers
from sabal.front.paths import Routes
from sabal.front.pool import Pool
from sabal.front.prepared import PreparedPages
from sabal.front.routes import Row, table
from sabal.http import PUBLIC, Refused, Request, Response, file, see_other
from sabal.limits.networks import Clients, Limits
from sabal.petitions.issues import NONE, PublicNewsletter

LANGUAGES = ("en", "ko", "zh-hans")
TOKEN = "abcdefghijklmnopqrstuvwxyz"
HTML = "text/html; charset=utf-8"


@dataclass(frozen=True)
class Definition:
    languages: tuple[str, ...] = LANGUAGES
    newsletter: bool = True


@dataclass(frozen=True)
class Petition:
    slug: str
    state: str = "open"
    organisation: str = "rivers"
    definition: Definition = field(default_factory=Definition)
    newsletter: PublicNewsletter = NONE


class Petitions:
    def __init__(self, *petitions: Petition) -> None:
        self.all = {petition.slug: petition for petition in petitions}

    def by_slug(self, slug: str) -> Petition | None:
        return self.all.get(slug)

    def published(self) -> list[Petition]:
        return [petition for petition in self.all.values() if petition.state != "draft"]


class Echo:
    """Handlers that record each request to sign and answer after `takes` seconds (TINY_TAKES)."""

    def __init__(self, takes: float = 0.0) -> None:
        self.takes = takes
        self.seen: list[Request] = []
        self.app: App | None = None

    async def home(self, request: Request) -> Response:
        return await Handlers(self.app).home(request)

    async def health(self, request: Request) -> Response:
        return await Handlers(self.app).health(request)

    async def sign(self, request: Request) -> Response:
        self.seen.append(request)
        await asyncio.sleep(self.takes)
        if request.body == b"fail":
            raise ValueError("suzie@example.org")
        if not request.own_origin:
            return Response(403, [(b"content-type", b"text/plain")], b"elsewhere")
        held = [(b"x-held", b"1")] if request.soft_limited else []
        return see_other(f"/{request.language}/{request.slug}/sent").adding(*held)

    async def confirm_page(self, request: Request) -> Response:
        return await self.app.prepared.page("confirm", request.language, name="Suzie <b>")

    async def confirm(self, request: Request) -> Response:
        return see_other(f"/{request.language}/signature/{request.token}")

    async def not_me_page(self, request: Request) -> Response:
        return await self.app.prepared.page("not-me", request.language)

    async def not_me(self, request: Request) -> Response:
        return see_other(f"/{request.language}/confirm/not-me")

    async def not_me_done(self, request: Request) -> Response:
        return await self.app.prepared.page("not-me-done", request.language)

    async def receipt(self, request: Request) -> Response:
        return await self.app.prepared.page("receipt", request.language)

    async def promise(self, request: Request) -> Response:
        raise Refused(404, "not-found")

    proof = promise

    async def newsletter_page(self, request: Request) -> Response:
        return await self.app.prepared.page("end-newsletter", request.language)

    async def end_newsletter(self, request: Request) -> Response:
        return see_other(f"/{request.language}/signature/newsletter-ended")

    async def newsletter_ended(self, request: Request) -> Response:
        return await self.app.prepared.page("newsletter-ended", request.language)

    async def withdraw_page(self, request: Request) -> Response:
        return await self.app.prepared.page("withdraw", request.language)

    async def withdraw(self, request: Request) -> Response:
        return see_other(f"/{request.language}/signature/withdrawn")

    async def withdrawn(self, request: Request) -> Response:
        return await self.app.prepared.page("withdrawn", request.language)

    async def page(self, request: Request) -> Response:
        return await self.app.prepared.page("newsletter-unsubscribe", request.language)

    async def change(self, request: Request) -> Response:
        return see_other(request.path)


class NewsletterEcho:
    """The same for the handlers of the newsletter."""

    def __init__(self, echo: Echo) -> None:
        self.echo = echo

    async def subscribe(self, request: Request) -> Response:
        self.echo.seen.append(request)
        return file(repr((request.method, request.path, request.body)).encode(), HTML, "no-store")

    confirm = unsubscribe = news = refuse = subscribe

    async def confirm_page(self, request: Request) -> Response:
        return await self.echo.app.prepared.page("newsletter-confirm", request.language)

    async def refuse_page(self, request: Request) -> Response:
        return await self.echo.app.prepared.page("invitation-refuse", request.language)

    async def unsubscribe_page(self, request: Request) -> Response:
        return await self.echo.app.prepared.page("newsletter-unsubscribe", request.language)


LINES = "".join(f"<p>Line {n} of the letter</p>" for n in range(600))


class Pages:
    """Pages that show their arguments. `called` lists the path of the row and the arguments of each call."""

    def __init__(self) -> None:
        self.called: list[tuple[object, ...]] = []
        self.prepared: list[tuple[str, str]] = []
        self.error: Exception | None = None
        self.threads: set[str] = set()

    def page(self, row: str, *names: object) -> Response:
        self.called.append((row, *names))
        if self.error:
            raise self.error
        if names == ("slow",):
            return self.slow()
        return file(f"<!doctype html><title>Tiny</title>{row} {names} {LINES}".encode(), HTML, PUBLIC)

    def slow(self) -> Response:
        """Return a page after a delay, with the number of threads that have made one."""
        self.threads.add(threading.current_thread().name)
        time.sleep(float(os.environ.get("TINY_SLOW", "0.5")))
        return file(str(len(self.threads)).encode(), "text/plain", "no-store")

    def prepared_page(self, name: str, language: str, petition: object = None) -> Response:
        """Return a prepared page with a placeholder for a name."""
        self.prepared.append((name, language))
        if self.error:
            raise self.error
        html = f'<!doctype html><html lang="{language}"><title>{name}</title><p>Hello ⟦name⟧</p>'
        return file(html.encode(), HTML, PUBLIC)

    def replacing(self, rows: Iterable[Row]) -> list[Row]:
        """Return the rows of the real table, with these pages in place of its own."""
        return [replace(row, page=partial(self.page, row.path)) if row.page else row for row in rows]


def build(echo: Echo | None = None, pages: Pages | None = None, **changes: Any) -> Front:
    """Return the real front end of a tiny site. Call it within a running event loop."""
    echo, pages = echo or Echo(), pages or Pages()
    base = changes.get("base_url", "https://petition.example")
    petitions = changes.get("petitions") or Petitions(Petition("bowl"), Petition("quiet", state="draft"))
    pool = Pool(wait=changes.get("wait", 2.0))
    echo.app = App(
        keyring=None,
        snapshots=petitions,
        limits=Limits(unlimited_loopback=changes.get("unlimited", True)),
        capacity=None,
        pool=pool,
        prepared=PreparedPages(pool, petitions, pages.prepared_page),
        writer=None,
        finder=None,
    )
    rows = pages.replacing(table(echo, echo, NewsletterEcho(echo), echo))
    front = Front(
        echo.app,
        Routes(rows, LANGUAGES, dev=changes.get("dev", False)),
        Hosts(base, changes.get("onion", ""), changes.get("others", ()), dev=changes.get("dev", False)),
        Clients(changes.get("hops", 0)),
        secure=base.startswith("https"),
        clock=changes.get("clock", time.time),
    )
    front.refreshed()
    return front


_front: Front | None = None


def application(
    scope: Any, receive: Any, send: Callable[[dict[str, Any]], Awaitable[None]]
) -> Awaitable[None]:
    """Handle one ASGI scope, for granian."""
    if _front is not None and scope["type"] == "http":
        return _front(scope, receive, send)
    return _lifespan(receive, send)


async def _lifespan(receive: Any, send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
    global _front
    await receive()
    allow_many_connections()
    end_with_parent()
    apps.IN_FLIGHT = int(os.environ.get("TINY_IN_FLIGHT", apps.IN_FLIGHT))
    _front = build(
        Echo(float(os.environ.get("TINY_TAKES", "0"))),
        unlimited=os.environ.get("TINY_LIMITED") != "1",
        hops=int(os.environ.get("TINY_HOPS", "0")),
        dev=os.environ.get("TINY_DEV") == "1",
        wait=float(os.environ.get("TINY_WAIT", "2")),
        others=(os.environ.get("TINY_OTHER", ""),),
    )
    _front.app.refreshed = time.monotonic() + 86_400
    await _front.app.prepared.warm(LANGUAGES)
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await _front.drained(10)
    await send({"type": "lifespan.shutdown.complete"})
