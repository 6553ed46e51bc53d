"""`table`: every path that this site answers, with its page or handlers. Any other path is refused.

`{language}` is a language of the petition, or of the site if the path names no petition. `{organisation}` is the key of
an organisation that offers a newsletter. `{any_language}` is any of
these, because a link has the language of its email. Paths without a token and without a file of a log are expanded
once, so that finding one is a look-up.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product

from sabal import token
from sabal.api import views as api
from sabal.front.handlers import Handlers
from sabal.front.languages import best_language
from sabal.front.links import without_pasted, without_spaces
from sabal.front.newsletter import NewsletterHandlers
from sabal.front.signature import SignatureHandlers
from sabal.http import Refused, Request, Response
from sabal.ledger import files as log
from sabal.limits.networks import Limits, Network, Verdict
from sabal.pages import dev, files, newsletter, petition, site, versions
from sabal.petitions.organisation import newsletters
from sabal.petitions.snapshot import PetitionSnapshot, Snapshots

Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    `page` makes the answer to GET on the pool. Its arguments are the parts that the path names: the petition (or all
    published ones if the path names only a language), the language, the organisation, the file. `get` and `post` answer
    in the event loop.
    """

    path: str
    page: Callable[..., Response] | None = None
    get: Handler | None = None
    post: Handler | None = None
    cached: bool = False  # the answer to GET is the same for everyone
    has_file: Callable[[PetitionSnapshot, str], bool] | None = None  # asked before the page of a file is made
    limit: Callable[[Limits, Network | None, float], Verdict] | None = None  # counts a POST
    any_origin: bool = False  # a form of another site reaches the handler, marked so; otherwise it is refused
    any_type: bool = False  # a form may have any type: email programs may send multipart (RFC 8058)
    any_host: bool = False  # load balancers send an address as Host
    only: str = ""  # "newsletter": only while a petition offers one; "dev": only on a development server
    allow: tuple[str, ...] = field(init=False)  # the methods that are answered

    def __post_init__(self) -> None:
        get = ("GET", "HEAD") if self.page or self.get else ()
        object.__setattr__(self, "allow", (*get, "POST") if self.post else get)

    @property
    def is_open(self) -> bool:
        """Return whether the paths of this row cannot be listed."""
        return not {"token", "digest", "tile", "email"}.isdisjoint(PLACEHOLDER.findall(self.path))


@dataclass(frozen=True, slots=True)
class Route:
    """A path that is answered: its row, and the parts that it names."""

    row: Row
    path: str
    language: str = ""
    slug: str = ""
    token: str = ""
    file: str = ""
    organisation: str = ""

    def page(self, snapshots: Snapshots) -> Response:
        """Return the page of this path. Raises Refused if the path names no published petition."""
        if self.row.page is None:
            raise Refused(404, "not-found")
        names: list[object] = []
        if self.slug:
            names.append(self.petition(snapshots))
        elif self.language:
            names.append(snapshots.published())
        names += [name for name in (self.language, self.organisation, self.file) if name]
        return self.row.page(*names)

    def petition(self, snapshots: Snapshots) -> PetitionSnapshot:
        """Return the petition that the path names. Raises Refused if it is not published."""
        found = snapshots.by_slug(self.slug)
        if found is None or found.state == "draft":
            raise Refused(404, "not-found")
        return found


def table(
    handlers: Handlers, signatures: SignatureHandlers, subscriptions: NewsletterHandlers
) -> tuple[Row, ...]:
    """Return the table of contents of the site."""
    return (
        # ---- the site
        Row("/", get=handlers.home),
        Row("/healthz", get=handlers.health, any_host=True),
        Row("/robots.txt", files.robots_txt, cached=True),
        Row("/favicon.svg", files.favicon, cached=True),
        Row("/.well-known/security.txt", files.security_txt, cached=True),
        Row("/{language}", site.index, cached=True),
        Row("/{language}/imprint", site.imprint, cached=True),
        Row("/{language}/privacy", site.privacy, cached=True),
        Row("/{language}/verify", site.verify, cached=True),
        # ---- a petition
        Row("/{language}/{slug}", petition.petition, cached=True),
        Row("/{language}/{slug}/sign", post=handlers.sign, limit=Limits.sign, any_origin=True),
        Row("/{language}/{slug}/sent", petition.sent, cached=True),
        Row("/{language}/{slug}/versions", versions.versions, cached=True),
        Row("/{language}/{slug}/card.png", petition.card, cached=True),
        # ---- a signature, found by the link of an email
        Row("/{any_language}/confirm/{token}", get=signatures.confirm_page, post=signatures.confirm),
        Row("/{any_language}/confirm/{token}/not-me", get=signatures.not_me_page, post=signatures.not_me),
        Row("/{any_language}/confirm/not-me", get=signatures.not_me_done),
        Row("/{any_language}/signature/{token}", get=signatures.receipt),
        Row("/{any_language}/signature/{token}.promise", get=signatures.promise),
        Row("/{any_language}/signature/{token}.tlog-proof", get=signatures.proof),
        Row(
            "/{any_language}/signature/{token}/withdraw",
            get=signatures.withdraw_page,
            post=signatures.withdraw,
        ),
        Row("/{any_language}/signature/withdrawn", get=signatures.withdrawn),
        # ---- the newsletter; the links of its emails work even if no petition offers it now
        Row("/{language}/newsletter", newsletter.choose, cached=True, only="newsletter"),
        Row(
            "/{language}/newsletter/{organisation}",
            newsletter.subscribe,
            post=subscriptions.subscribe,
            cached=True,
            limit=Limits.ask,
        ),
        Row("/{language}/newsletter/{organisation}/asked", newsletter.asked, cached=True),
        Row(
            "/{any_language}/newsletter/confirm/{token}",
            get=subscriptions.confirm_page,
            post=subscriptions.confirm,
        ),
        Row(
            "/{any_language}/newsletter/unsubscribe/{token}",
            get=subscriptions.unsubscribe_page,
            post=subscriptions.unsubscribe,
            any_origin=True,
            any_type=True,
        ),
        # ---- for machines
        Row("/{slug}.json", api.petition, cached=True),
        Row("/{slug}/count.json", api.count, cached=True),
        Row("/{slug}/manifest.json", api.manifest, cached=True),
        # ---- the public log
        Row("/{slug}/log/checkpoint", log.checkpoint, cached=True),
        Row("/{slug}/log/policy", log.policy, cached=True),
        Row("/{slug}/log/manifests/{digest}.json", log.manifest, cached=True, has_file=log.has_manifest),
        Row("/{slug}/log/tile/{tile}", log.tile, cached=True, has_file=log.has_tile),
        # ---- development
        Row("/dev/mail/", dev.emails, only="dev"),
        Row("/dev/mail/{email}", dev.email, only="dev"),
        Row("/dev/mail/{email}/html", dev.email_html, only="dev"),
    )


LONGEST = 512  # bytes of a path
# The unreserved characters of RFC 3986 (letters, digits, "-", ".", "_", "~") and single slashes between them: any two
# programs read such a path in the same way. There is no percent sign, so nothing is ever decoded.
CANONICAL = re.compile(rb"/|(?:/[A-Za-z0-9._~-]+)+")
_POSTER = re.compile(rb"(?:/(?P<language>[a-z]{2,3}(?:-[a-z0-9]{1,8})*))?/(?P<slug>[a-z0-9-]+)/?")
PLACEHOLDER = re.compile(r"{(\w+)}")
SHAPES = {
    "language": r"(?P<language>[a-z-]+)",
    "any_language": r"(?P<language>[a-z-]+)",
    "slug": r"(?P<slug>[^/]+)",
    "token": r"(?P<token>[A-Za-z0-9]{1,64})",
    "digest": r"(?P<file>[0-9a-f]{64})",
    "tile": r"(?P<file>.+)",
    "email": r"(?P<file>[^/]+)",
}
MOST_KNOWN = 16_384  # files of logs: twice those of a log of a million entries


def shape(path: str) -> re.Pattern[str]:
    """Return the pattern of the paths of a row."""
    return re.compile(PLACEHOLDER.sub(lambda found: SHAPES[found[1]], path.replace(".", r"\.")))


class Routes:
    """The lookup of paths in the table: a dictionary of paths that can be listed, and patterns for the others."""

    def __init__(self, rows: Iterable[Row], site_languages: Iterable[str], *, dev: bool = False) -> None:
        self.site, self._dev = tuple(site_languages), dev
        self._rows = tuple(rows)
        self._seen: object = None
        self.languages: frozenset[str] = frozenset(self.site)
        self._slugs: frozenset[str] = frozenset()
        self._languages_of: dict[str, tuple[str, ...]] = {}
        self._organisations: tuple[str, ...] = ()
        self._fixed: dict[bytes, Route] = {}
        self._known: dict[bytes, Route] = {}
        # By the second word of the path: all these rows have a literal one.
        self._open: dict[str, list[tuple[re.Pattern[str], Row]]] = {}
        for row in self._rows:
            if row.is_open and (dev or row.only != "dev"):
                self._open.setdefault(row.path.split("/")[2], []).append((shape(row.path), row))
        self.update(())

    def find(self, raw_path: bytes) -> Route:
        """Return the route of a raw path. Raises Refused: 400 if it is not canonical, 404 if no row has it."""
        route = self._fixed.get(raw_path) or self._known.get(raw_path)
        if route is not None:
            return route
        if len(raw_path) > LONGEST or not CANONICAL.fullmatch(raw_path):
            # A canonical path with a slash at its end names a folder. The site has none.
            folder = raw_path[-1:] == b"/" and len(raw_path) <= LONGEST and CANONICAL.fullmatch(raw_path[:-1])
            raise Refused(404, "not-found") if folder else Refused(400)
        if b"/." in raw_path and not raw_path.startswith(b"/.well-known/"):
            raise Refused(400 if {b".", b".."} & set(raw_path.split(b"/")) else 404, "not-found")
        return self._shaped(raw_path.decode("ascii"))

    def _shaped(self, path: str) -> Route:
        words = path.split("/", 3)
        for pattern, row in self._open.get(words[2], ()) if len(words) > 3 else ():
            found = pattern.fullmatch(path)
            if found is None:
                continue
            names = found.groupdict()
            if names.get("language", self.site[0]) in self.languages and (
                "slug" not in names or names["slug"] in self._slugs
            ):
                return Route(row, path, **names)
        raise Refused(404, "not-found")

    def pasted(self, raw_path: bytes) -> str | None:
        """Return the path of this site that was meant by one with something pasted after it or into it, or None."""
        if len(raw_path) > LONGEST:
            return None
        joined, cut = self._found(without_spaces(raw_path)), self._found(without_pasted(raw_path))
        # Words after a token join it too, but then it is none.
        if joined and (not joined.token or token.decode(joined.token)):
            return joined.path
        return cut.path if cut else None

    def petition_meant(self, raw_path: bytes, accept: bytes | None) -> str | None:
        """Return the address of the petition that was meant by one without a language, or None.

        So are one with a language that the petition lacks, and one in capitals: people read addresses off posters.
        """
        found = _POSTER.fullmatch(raw_path.lower()) if len(raw_path) <= LONGEST else None
        languages = self._languages_of.get(found["slug"].decode()) if found else None
        if found is None or languages is None:
            return None
        language = best_language(accept, languages, languages[0])
        return f"/{best_language(found['language'], languages, language)}/{found['slug'].decode()}"

    def _found(self, path: bytes | None) -> Route | None:
        try:
            return self.find(path) if path else None
        except Refused:
            return None

    def remember(self, route: Route) -> None:
        """Find a file of a log by look-up from now on: a reader of a log fetches thousands of files."""
        if len(self._known) < MOST_KNOWN:
            self._known[route.path.encode("ascii")] = route

    def language_of(self, raw_path: bytes) -> str:
        """Return the language at the start of a path if the site itself has it, else an empty string."""
        first = raw_path[1:20].split(b"/", 1)[0].decode("latin-1")
        return first if first in self.site else ""

    def cached_paths(self) -> list[str]:
        """Return every listed path whose answer may be cached."""
        return [route.path for route in self._fixed.values() if route.row.cached]

    def update(self, published: Sequence[PetitionSnapshot]) -> bool:
        """Take over the petitions that are published now. Return whether the paths changed."""
        petitions = [(one.slug, tuple(one.definition.languages)) for one in published]
        self._organisations = tuple(one.key for one in newsletters(published))
        if (petitions, self._organisations) == self._seen:
            return False
        self._seen = petitions, self._organisations
        self.languages = frozenset(self.site).union(*(languages for _, languages in petitions))
        self._slugs = frozenset(slug for slug, _ in petitions)
        self._languages_of = dict(petitions)
        there = {"": True, "newsletter": bool(self._organisations), "dev": self._dev}
        routes = (
            route
            for row in self._rows
            if there[row.only] and not row.is_open
            for route in self._listed(row, petitions)
        )
        self._fixed = {route.path.encode("ascii"): route for route in routes}
        self._known = {}
        return True

    def _listed(self, row: Row, petitions: Iterable[tuple[str, tuple[str, ...]]]) -> Iterator[Route]:
        """Yield every path of a row."""
        if "{slug}" in row.path:
            for slug, languages in petitions:
                for language in languages if "{language}" in row.path else ("",):
                    yield Route(row, row.path.format(language=language, slug=slug), language, slug)
        elif "{organisation}" in row.path:
            for language, key in product(self.site, self._organisations):
                yield Route(
                    row, row.path.format(language=language, organisation=key), language, organisation=key
                )
        elif "{any_language}" in row.path:
            for language in self.languages:
                yield Route(row, row.path.format(any_language=language), language)
        else:
            for language in self.site if "{language}" in row.path else ("",):
                yield Route(row, row.path.format(language=language), language)
