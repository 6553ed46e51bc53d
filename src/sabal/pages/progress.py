"""Make the page on which everybody sees where each demand is, who answered, and all that happened."""

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from django.utils import translation

from sabal.database import connect
from sabal.http import Refused, Response, file
from sabal.pages import html
from sabal.pages.petition import about
from sabal.pages.posts import feeds
from sabal.pages.progressview import MOST_COLUMNS, ProgressView, totals_of, untouched_of
from sabal.pages.standings import of_snapshot
from sabal.petitions.deliveries import proof_data
from sabal.petitions.snapshot import PetitionSnapshot

FOR_A_YEAR = "public, max-age=31536000, immutable"  # the name of a proof is the hash of its bytes
MEDIA = {"pdf": "application/pdf", "webp": "image/webp"}
_STYLE = html.minified_css((Path(__file__).parent / "style" / "progress.css").read_text(encoding="utf-8"))


def progress(snapshot: PetitionSnapshot, language: str) -> Response:
    """Return the table of demands and recipients, and the timeline. Raises Refused (404) for a draft."""
    context = about(snapshot, language)
    definition = snapshot.definition
    with translation.override(html.site_language(language)):
        found = of_snapshot(snapshot)
        view = ProgressView(snapshot, language, found)
        columns, untouched = [(key, view.name(key)) for key in found.recipients], untouched_of(found)
        context |= {
            "languages": html.languages(definition.languages, f"/{definition.slug}/progress"),
            "accent": _style(context),
            "anything": bool(snapshot.progress.deliveries),
            "feeds": feeds(snapshot, language, "progress"),
            "totals": totals_of(found.totals()),
            "pairs": len(found.cells),
            "columns": columns,
            "untouched": untouched,
            "untouched_names": [(key, name) for key, name in columns if key in untouched],
            "many": len(found.recipients) > MOST_COLUMNS,
            "groups": view.groups(),
            "met": view.met(),
            "contacts": view.contacts(),
            "earlier": view.earlier(),
            "timeline": view.timeline(),
        }
        return html.page("petitions/progress.html", context, language=language)


def has_paper(snapshot: PetitionSnapshot, digest: str) -> bool:
    """Return whether a public proof that is a PDF has that SHA-256, in hex."""
    return _has(snapshot, digest, "pdf")


def has_photo(snapshot: PetitionSnapshot, digest: str) -> bool:
    """Return whether a public proof that is a photo has that SHA-256, in hex."""
    return _has(snapshot, digest, "webp")


def _has(snapshot: PetitionSnapshot, digest: str, media: str) -> bool:
    found = snapshot.progress.deliveries.proof(digest)
    return found is not None and found.media == media


def proof(snapshot: PetitionSnapshot, digest: str) -> Response:
    """Return a public proof by its SHA-256 in hex. What is in it cannot run, whatever opens it."""
    found = snapshot.progress.deliveries.proof(digest)
    if found is None:
        raise Refused(404, "not-found")
    with closing(connect()) as database:
        data = proof_data(database, snapshot.id, digest)
    if data is None:
        raise Refused(404, "not-found")
    disposition = "inline" if found.media == "webp" else "attachment"
    return file(data, MEDIA[found.media], FOR_A_YEAR).adding(
        (b"content-security-policy", b"default-src 'none'; sandbox"),
        (b"content-disposition", f'{disposition}; filename="{found.name[-21:]}"'.encode()),
        (b"cross-origin-resource-policy", b"same-origin"),
        (b"x-robots-tag", b"noindex"),
    )


def _style(context: Mapping[str, object]) -> str:
    """Return the style of this page alone, with the organisation's colour."""
    return f"{context['accent']}{_STYLE}"
