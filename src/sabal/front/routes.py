"""The closed list of what this house answers. A path that is not in it never gets past the door."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from sabal.http import Refused

READ = ("GET", "HEAD")
WRITE = ("POST",)
BOTH = ("GET", "HEAD", "POST")

# Letters, digits, "-", ".", "_", "~" (RFC 3986's unreserved) and single slashes between them: nothing that
# two programs could read in two ways. No percent sign, so nothing is ever decoded.
CANONICAL = re.compile(rb"/|(?:/[A-Za-z0-9._~-]+)+")
TOKEN = re.compile(r"[A-Za-z0-9]{1,64}")
PAPER = re.compile(r"([A-Za-z0-9]{1,64})\.(promise|tlog-proof)")
MOST_KNOWN = 16_384  # those of a log of a million, twice
MANIFEST = re.compile(r"[0-9a-f]{64}\.json")


class Texts(Protocol):
    """What the routes need of a petition's definition."""

    @property
    def languages(self) -> tuple[str, ...]: ...
    @property
    def newsletter(self) -> bool: ...


class Numbers(Protocol):
    """What the door needs of a petition's numbers."""

    @property
    def log_size(self) -> int: ...


class Petition(Protocol):
    """What the door needs of a petition's snapshot."""

    @property
    def slug(self) -> str: ...
    @property
    def definition(self) -> Texts: ...
    @property
    def counts(self) -> Numbers: ...
    @property
    def manifest_names(self) -> frozenset[str]: ...


@dataclass(frozen=True, slots=True)
class Route:
    """One path that is answered: what it is, by which methods, and what stands in it."""

    name: str
    path: str
    allow: tuple[str, ...] = READ
    language: str = ""
    slug: str = ""
    token: str = ""
    cached: bool = False


class Routes:
    """The routes of a house: a table of every fixed path, and the few shapes that hold a token."""

    def __init__(self, site_languages: Iterable[str], *, dev: bool = False) -> None:
        self.site_languages, self._dev = tuple(site_languages), dev
        self._seen: object = None
        self.languages: frozenset[str] = frozenset(self.site_languages)
        self._fixed: dict[bytes, Route] = {}
        self._known: dict[bytes, Route] = {}
        self.update(())

    def update(self, published: Iterable[Petition]) -> bool:
        """Takes up the petitions that are published now. True where that changed the table."""
        known = list(published)
        petitions = [(petition.slug, tuple(petition.definition.languages)) for petition in known]
        newsletter = any(petition.definition.newsletter for petition in known)
        if (petitions, newsletter) == self._seen:
            return False
        self._seen = petitions, newsletter
        self.languages = frozenset(self.site_languages).union(*(languages for _, languages in petitions))
        routes = [*house_routes(self.site_languages, self.languages), *petition_routes(petitions)]
        if newsletter:
            routes += newsletter_routes(self.site_languages)
        self._fixed = {route.path.encode("ascii"): route for route in routes}
        self._known = {}
        return True

    def remember(self, route: Route) -> None:
        """Find the file of a log that is there at once next time: a reader of logs asks for thousands of them."""
        if len(self._known) < MOST_KNOWN:
            self._known[route.path.encode("ascii")] = route

    def find(self, raw_path: bytes) -> Route:
        """The route of a raw path; raises Refused (400 not canonical, 404 not ours)."""
        route = self._fixed.get(raw_path) or self._known.get(raw_path)
        if route is not None:
            return route
        if raw_path == b"/dev/mail/" and self._dev:
            return Route("dev_mail", "/dev/mail/")
        if len(raw_path) > 512 or CANONICAL.fullmatch(raw_path) is None:
            # With a slash behind it people mean a folder, of which we have none.
            folder = raw_path[-1:] == b"/" and len(raw_path) <= 512 and CANONICAL.fullmatch(raw_path[:-1])
            raise Refused(404, "not-found") if folder else Refused(400)
        if b"/." in raw_path and not raw_path.startswith(b"/.well-known/"):
            raise Refused(400 if {b".", b".."} & set(raw_path.split(b"/")) else 404, "not-found")
        return self._shaped(raw_path.decode("ascii"))

    def language_of(self, raw_path: bytes) -> str:
        """The language that a path begins with, where it is one of ours; else empty."""
        first = raw_path[1:20].split(b"/", 1)[0].decode("latin-1")
        return first if first in self.languages else ""

    def cached_paths(self) -> list[str]:
        """Every path whose answer may be kept."""
        return [route.path for route in self._fixed.values() if route.cached]

    def _shaped(self, path: str) -> Route:
        parts = path[1:].split("/")
        match parts:
            case ["dev", "mail", _] if self._dev:
                return Route("dev_mail", path)
            case [language, "newsletter", verb, token] if self._speaks(language) and TOKEN.fullmatch(token):
                # Whether or not a petition offers the newsletter now: letters that are out lead here.
                match verb:
                    case "confirm":
                        return Route("newsletter_confirm", path, BOTH, language, token=token)
                    case "unsubscribe":
                        return Route("unsubscribe", path, BOTH, language, token=token)
            case [language, "signature", name] if self._speaks(language) and (paper := PAPER.fullmatch(name)):
                name = "promise" if paper[2] == "promise" else "proof"
                return Route(name, path, READ, language, token=paper[1])
            case [language, kind, token, *rest] if self._speaks(language) and TOKEN.fullmatch(token):
                match kind, rest:
                    case "confirm", []:
                        return Route("confirm", path, BOTH, language, token=token)
                    case "confirm", ["not-me"]:
                        return Route("not_me", path, BOTH, language, token=token)
                    case "signature", []:
                        return Route("receipt", path, READ, language, token=token)
                    case "signature", ["withdraw"]:
                        return Route("withdraw", path, WRITE, language, token=token)
            case [slug, "log", "manifests", name] if self._has(slug) and MANIFEST.fullmatch(name):
                return Route("log_manifest", path, slug=slug, cached=True)
            case [slug, "log", "tile", *_] if self._has(slug):
                return Route("log_tile", path, slug=slug, cached=True)
        raise Refused(404, "not-found")

    def _has(self, slug: str) -> bool:
        return f"/{slug}/log/checkpoint".encode("ascii") in self._fixed

    def _speaks(self, language: str) -> bool:
        return language in self.languages


def house_routes(site_languages: Iterable[str], languages: Iterable[str]) -> Iterator[Route]:
    """The fixed paths that every house has."""
    yield Route("home", "/")
    yield Route("health", "/healthz")
    for path in ("/.well-known/security.txt", "/robots.txt", "/favicon.svg"):
        yield Route("file", path, cached=True)
    for language in site_languages:
        yield Route("index", f"/{language}", language=language, cached=True)
        yield Route("imprint", f"/{language}/imprint", language=language, cached=True)
        yield Route("privacy", f"/{language}/privacy", language=language, cached=True)
        yield Route("verify", f"/{language}/verify", language=language, cached=True)
    for language in languages:
        # What a withdrawal and a "not me" end on: the same for everybody, so their paths hold no token.
        yield Route("withdrawn", f"/{language}/signature/withdrawn", language=language)
        yield Route("not_me_done", f"/{language}/confirm/not-me", language=language)


def newsletter_routes(site_languages: Iterable[str]) -> Iterator[Route]:
    """The fixed paths of a house with a newsletter."""
    for language in site_languages:
        yield Route("newsletter", f"/{language}/newsletter", BOTH, language, cached=True)
        yield Route("asked", f"/{language}/newsletter/asked", language=language, cached=True)


def petition_routes(petitions: Iterable[tuple[str, tuple[str, ...]]]) -> Iterator[Route]:
    """The fixed paths of each petition, given as slug and languages."""
    for slug, languages in petitions:
        yield Route("json", f"/{slug}.json", slug=slug, cached=True)
        yield Route("count", f"/{slug}/count.json", slug=slug, cached=True)
        yield Route("manifest", f"/{slug}/manifest.json", slug=slug, cached=True)
        yield Route("checkpoint", f"/{slug}/log/checkpoint", slug=slug, cached=True)
        yield Route("policy", f"/{slug}/log/policy", slug=slug, cached=True)
        for language in languages:
            page = f"/{language}/{slug}"
            yield Route("petition", page, READ, language, slug, cached=True)
            yield Route("sent", f"{page}/sent", READ, language, slug, cached=True)
            yield Route("card", f"{page}/card.png", READ, language, slug, cached=True)
            yield Route("sign", f"{page}/sign", WRITE, language, slug)


def best_language(accept: bytes | None, offered: Iterable[str], otherwise: str) -> str:
    """The offered language that an Accept-Language asks for most (RFC 4647 lookup; Chinese by script)."""
    known = tuple(offered)
    wanted: list[tuple[float, int, str]] = []
    for place, item in enumerate((accept or b"").decode("latin-1").lower().split(",")[:32]):
        tag, _, weight = item.strip().partition(";q=")
        try:
            q = float(weight) if weight else 1.0
        except ValueError:
            q = 0.0
        if q > 0 and len(item) <= LONGEST_TAG:
            wanted.append((-q, place, tag.strip()))
    for _, _, tag in sorted(wanted):
        for candidate in fallbacks(tag):
            if candidate in known:
                return candidate
    return otherwise if otherwise in known or not known else known[0]


LONGEST_TAG = 48  # RFC 5646 asks for 35; what is longer only costs time
TRADITIONAL = frozenset(("tw", "hk", "mo", "hant"))


def fallbacks(tag: str) -> Iterator[str]:
    """A language tag, then what is nearest to it, then shorter forms of it."""
    yield tag
    parts = tag.split("-")
    if parts[0] == "zh":
        yield from ("zh-hant", "zh-hans") if TRADITIONAL & set(parts) else ("zh-hans", "zh-hant")
    for end in range(len(parts) - 1, 0, -1):
        yield "-".join(parts[:end])
