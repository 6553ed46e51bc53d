"""The lookup of paths in the table of routes: a dictionary of paths that can be listed, and patterns for the others.

Paths without a token and without a file of a log are expanded once, so that finding one is a look-up.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import product

from sabal import token
from sabal.front.languages import best_language
from sabal.front.links import without_pasted, without_spaces
from sabal.front.routes import PART, Route, Row
from sabal.http import Refused
from sabal.petitions.organisation import newsletters
from sabal.petitions.snapshot import PetitionSnapshot

LONGEST = 512  # bytes of a path
# The unreserved characters of RFC 3986 (letters, digits, "-", ".", "_", "~") and single slashes between them: any two
# programs read such a path in the same way. There is no percent sign, so nothing is ever decoded.
CANONICAL = re.compile(rb"/|(?:/[A-Za-z0-9._~-]+)+")
_POSTER = re.compile(rb"(?:/(?P<language>[a-z]{2,3}(?:-[a-z0-9]{1,8})*))?/(?P<slug>[a-z0-9-]+)/?")
SHAPES = {
    "language": r"(?P<language>[a-z0-9-]+)",  # digits too: es-419, de-1996
    "any_language": r"(?P<language>[a-z0-9-]+)",
    "slug": r"(?P<slug>[^/]+)",
    "token": r"(?P<token>[A-Za-z0-9]{1,64})",
    "digest": r"(?P<file>[0-9a-f]{64})",
    "tile": r"(?P<file>.+)",
    "email": r"(?P<file>[^/]+)",
    "post": r"(?P<file>[1-9][0-9]{0,5})",
}
MOST_KNOWN = 16_384  # files of logs: twice those of a log of a million entries


class Routes:
    """The paths that this site answers now, and the row of each."""

    def __init__(self, rows: Iterable[Row], site_languages: Iterable[str], *, dev: bool = False) -> None:
        self.site, self._dev = tuple(site_languages), dev
        self._rows = tuple(rows)
        self._seen: object = None
        self.languages: frozenset[str] = frozenset(self.site)
        self._slugs: frozenset[str] = frozenset()
        self._languages_of: dict[str, tuple[str, ...]] = {}
        self._organisations: tuple[str, ...] = ()
        self._issues: list[tuple[str, str]] = []
        self._fixed: dict[bytes, Route] = {}
        self._known: dict[bytes, Route] = {}
        # By the second word of the path, if it is a literal one.
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
        rows = (*self._open.get(words[2], ()), *self._open.get("{slug}", ())) if len(words) > 3 else ()
        for pattern, row in rows:
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
        offered = newsletters(published)
        self._organisations = tuple(one.key for one in offered)
        self._issues = [(one.key, str(issue.number)) for one in offered for issue in one.newsletter.issues]
        if (petitions, self._organisations, self._issues) == self._seen:
            return False
        self._seen = petitions, self._organisations, self._issues
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
        elif "{issue}" in row.path:
            for language, (key, number) in product(self.site, self._issues):
                path = row.path.format(language=language, organisation=key, issue=number)
                yield Route(row, path, language, organisation=key, file=number)
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


def shape(path: str) -> re.Pattern[str]:
    """Return the pattern of the paths of a row."""
    return re.compile(PART.sub(lambda found: SHAPES[found[1]], path.replace(".", r"\.")))
