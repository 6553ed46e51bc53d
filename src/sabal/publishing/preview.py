"""Show a draft as the public will see it, on this computer only, in every language and with its form.

The pages are made by the functions that make the public ones. The form is checked like the public one, and stores
nothing. Only requests that name this computer as their host are answered, so that no other website can read a draft.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from django.utils import translation
from django.utils.translation import gettext

from sabal.http import Response, see_other
from sabal.pages import files, html, petition
from sabal.petitions import folder
from sabal.petitions.countries import day_in_full
from sabal.petitions.definition import NO_DATE, TO_COMPLETE, Definition, FolderError
from sabal.petitions.identity import Identity
from sabal.petitions.snapshot import PetitionSnapshot, draft
from sabal.signing import form

MOST_BODY = 64 * 1024  # bytes of a form
TEXT = [(b"content-type", b"text/plain; charset=utf-8")]
PATH = re.compile(
    r"/(?P<language>[a-z0-9-]+)/(?P<slug>[a-z0-9-]+)(?P<page>/sign|/sent|/versions|/card\.png|/logo\.webp|/picture\.webp)?"
)

Read = Callable[[], Mapping[str, str]]


class PreviewServer(ThreadingHTTPServer):
    """A preview on a loopback port. `read` returns the files of the petition, and is called for every page."""

    def __init__(self, read: Read, port: int) -> None:
        self.read = read
        super().__init__(("127.0.0.1", port), _Handler)

    @property
    def hosts(self) -> tuple[str, str]:
        """Return the names under which this computer's browser finds it. Another website cannot use them."""
        return f"127.0.0.1:{self.server_port}", f"localhost:{self.server_port}"

    @property
    def address(self) -> str:
        """Return its address, without a slash at the end."""
        return f"http://127.0.0.1:{self.server_port}"


def links(definition: Definition, address: str) -> list[str]:
    """Return the address of each language's page."""
    return [f"{address}/{language}/{definition.slug}" for language in definition.languages]


def answer(read: Read, method: str, path: str, body: bytes, identity: Identity | None = None) -> Response:
    """Return the page of a path. A folder that cannot be used is answered with its problems."""
    if path == "/favicon.svg":
        return files.favicon()
    try:
        snapshot = draft(folder.parse(read()), identity)
    except FolderError as error:
        return Response(200, TEXT, f"This draft cannot be shown yet.\n\n{error}\n".encode())
    definition = snapshot.definition
    if path == "/":
        return see_other(f"/{definition.authoritative}/{definition.slug}")
    found = PATH.fullmatch(path)
    if found is None or found["slug"] != definition.slug or found["language"] not in definition.languages:
        return Response(404, TEXT, b"This page is not part of the preview. Go back to the petition.\n")
    page = _page(snapshot, found["language"], found["page"] or "", method, body)
    return _in_readers_words(page, definition, found["language"])


def _in_readers_words(page: Response, definition: Definition, language: str) -> Response:
    """Return the page with words of its own language in place of texts and days that are still to be chosen."""
    body, spoken = page.body, html.site_language(language)
    with translation.override(spoken):
        written, chosen = gettext("(still to be written)"), gettext("(still to be chosen)")
    body = body.replace(TO_COMPLETE.encode(), written.encode())
    if definition.retention == NO_DATE:
        for one in (NO_DATE, definition.last_day):
            for named in {day_in_full(one, language), day_in_full(one, spoken)}:
                body = body.replace(named.encode(), chosen.encode())
    return replace(page, body=body, encoded={})


def _page(snapshot: PetitionSnapshot, language: str, page: str, method: str, body: bytes) -> Response:
    if page == "/sign" and method == "POST":
        checked = form.check(form.read(body), snapshot)
        if isinstance(checked, form.Mistakes):
            return petition.petition(snapshot, language, checked, 422)
        return see_other(f"/{language}/{snapshot.slug}/sent")
    if page == "/sent":
        return petition.sent(snapshot, language)
    if page == "/card.png":
        return petition.card(snapshot, language)
    if page == "/logo.webp" and snapshot.identity and snapshot.identity.logo:
        return petition.logo(snapshot, language)
    if page == "/picture.webp" and snapshot.definition.picture:
        return petition.picture(snapshot, language)
    return petition.petition(snapshot, language)


class _Handler(BaseHTTPRequestHandler):
    server: PreviewServer

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if length.isdecimal() and len(length) < 9 and int(length) <= MOST_BODY:
            self._answer(self.rfile.read(int(length)))
        else:
            self.send_error(413)

    def _answer(self, body: bytes) -> None:
        response = Response(403, TEXT, b"This preview is for this computer only.\n")
        if self.headers.get("Host") in self.server.hosts:
            response = answer(self.server.read, self.command, self.path.partition("?")[0], body)
        self.send_response(response.status)
        for name, value in response.adding((b"cache-control", b"no-store")).headers:
            self.send_header(name.decode(), value.decode())
        self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        self.wfile.write(response.body)

    def log_message(self, *args: Any) -> None:
        """Write no log line for each request."""
