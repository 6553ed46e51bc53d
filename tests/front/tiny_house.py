"""A house of the tests' own: the real door around a few Django views and an intake that only listens.

Run by granian as ``front.tiny_house:application``; TINY_* variables set what a test wants changed.
"""

import asyncio
import os
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import django.conf
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import re_path

from sabal.asgi import allow_many_connections, end_with_parent
from sabal.front import app, pages
from sabal.front import django as way
from sabal.front.app import Door
from sabal.front.guards import Hosts
from sabal.front.routes import Routes
from sabal.http import Request, Response, see_other
from sabal.limits import networks as limits

RULE = "public, max-age=1, stale-while-revalidate=10, stale-if-error=600"
LANGUAGES = ("en", "ko", "zh-hans")
TOKEN = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Definition:
    languages: tuple[str, ...] = LANGUAGES
    newsletter: bool = True


@dataclass(frozen=True)
class Petition:
    slug: str
    state: str = "open"
    definition: Definition = field(default_factory=Definition)


class Petitions:
    def __init__(self, *petitions: Petition) -> None:
        self.all = {petition.slug: petition for petition in petitions}

    def by_slug(self, slug: str) -> Petition | None:
        return self.all.get(slug)

    def published(self) -> list[Petition]:
        return [petition for petition in self.all.values() if petition.state != "draft"]


class Echo:
    """An intake that answers with what reached it, and takes as long as TINY_TAKES seconds."""

    def __init__(self, takes: float = 0.0) -> None:
        self.takes = takes
        self.seen: list[Request] = []

    async def sign(self, request: Request, petition: Petition) -> Response:
        self.seen.append(request)
        await asyncio.sleep(self.takes)
        if request.body == b"fail":
            raise ValueError("suzie@example.org")
        held = [(b"x-held", b"1")] if request.soft_limited else []
        return see_other(f"/{request.language}/{petition.slug}/sent").adding(*held)

    async def sign_elsewhere(self, request: Request, petition: Petition) -> Response:
        self.seen.append(request)
        return Response(403, [(b"content-type", b"text/plain")], b"elsewhere")

    async def confirm_page(self, request: Request) -> Response:
        return await pages.page("confirm", request.language, name="Suzie <b>")

    async def confirm(self, request: Request) -> Response:
        return see_other(f"/{request.language}/signature/{request.token}")

    async def not_me_page(self, request: Request) -> Response:
        return await pages.page("not-me", request.language)

    async def not_me(self, request: Request) -> Response:
        return see_other(f"/{request.language}/confirm/not-me")

    async def receipt(self, request: Request) -> Response:
        return await pages.page("receipt", request.language)

    async def withdraw(self, request: Request) -> Response:
        return see_other(f"/{request.language}/signature/withdrawn")


threads: set[str] = set()
PAGE = "<!doctype html><title>Tiny</title>" + "".join(f"<p>Line {n} of the letter</p>" for n in range(600))


def view(request: HttpRequest) -> HttpResponse:
    """Any public page: its path and what of the client reached it."""
    threads.add(threading.current_thread().name)
    given = {name: str(request.META[name]) for name in sorted(request.META) if name.startswith("HTTP_")}
    response = HttpResponse(f"{request.path} {request.build_absolute_uri()} {given} {PAGE}")
    response["Cache-Control"] = RULE
    return response


def slow(request: HttpRequest) -> HttpResponse:
    """A page that takes its time; says on how many threads pages have been made."""
    threads.add(threading.current_thread().name)
    time.sleep(float(os.environ.get("TINY_SLOW", "0.5")))
    return HttpResponse(str(len(threads)))


def door_page(request: HttpRequest, page: str) -> HttpResponse:
    """A prepared page, with the gap for a name."""
    return HttpResponse(f"<!doctype html><title>{page}</title><p>Hello ⟦name⟧</p>")


def newsletter(request: HttpRequest) -> HttpResponse:
    """What reached Django of a form."""
    return HttpResponse(repr((request.method, request.content_type, request.body)))


urlpatterns = [
    re_path(r"^_door/[a-z-]+/[^/]+/([a-z-]+)$", door_page),
    re_path(r"^dev/mail/slow$", slow),
    re_path(r"/newsletter", newsletter),
    re_path(r"", view),
]


def build(intake: Echo | None = None, **changes: Any) -> Door:
    """The real door of a tiny house; call it within a running event loop."""
    if not django.conf.settings.configured:
        django.conf.settings.configure(
            ROOT_URLCONF="front.tiny_house", ALLOWED_HOSTS=["*"], SECRET_KEY="tiny", LOGGING_CONFIG=None
        )
    base = changes.get("base_url", "https://petition.example")
    way.install(
        way.Django(changes.get("wsgi") or get_wsgi_application(), base, wait=changes.get("wait", 2.0))
    )
    limits.install(limits.Limits(unlimited_loopback=changes.get("unlimited", True)))
    pages.install(pages.Pages())
    door = Door(
        routes=Routes(LANGUAGES, dev=changes.get("dev", False)),
        hosts=Hosts(base, changes.get("onion", ""), changes.get("others", ()), dev=changes.get("dev", False)),
        clients=limits.Clients(changes.get("hops", 0)),
        petitions=Petitions(Petition("bowl"), Petition("quiet", state="draft")),
        intake=intake or Echo(),
        secure=base.startswith("https"),
        clock=changes.get("clock", time.time),
    )
    door.look()
    return door


_door: Door | None = None


def application(
    scope: Any, receive: Any, send: Callable[[dict[str, Any]], Awaitable[None]]
) -> Awaitable[None]:
    """The ASGI application for granian."""
    if _door is not None and scope["type"] == "http":
        return _door(scope, receive, send)
    return _live(receive, send)


async def _live(receive: Any, send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
    global _door
    await receive()
    allow_many_connections()
    end_with_parent()
    app.IN_FLIGHT = int(os.environ.get("TINY_IN_FLIGHT", app.IN_FLIGHT))
    _door = build(
        Echo(float(os.environ.get("TINY_TAKES", "0"))),
        unlimited=os.environ.get("TINY_LIMITED") != "1",
        hops=int(os.environ.get("TINY_HOPS", "0")),
        dev=os.environ.get("TINY_DEV") == "1",
        wait=float(os.environ.get("TINY_WAIT", "2")),
    )
    _door.looked = time.monotonic() + 86_400
    prepared = pages.Pages()
    pages.install(prepared)
    await prepared.warm(LANGUAGES)
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await _door.drained(10)
    await send({"type": "lifespan.shutdown.complete"})
