"""Make the page of signatures that were counted on paper and on other platforms. Without any there is none (404)."""

from urllib.parse import urlsplit

from sabal.http import Refused, Response
from sabal.pages import html
from sabal.pages.petition import about
from sabal.petitions.othercounts import PublicOtherCount
from sabal.petitions.snapshot import PetitionSnapshot


def elsewhere(snapshot: PetitionSnapshot, language: str) -> Response:
    """Return each count with its place, day and evidence, and what was corrected."""
    context = about(snapshot, language)
    counts = snapshot.progress.other_counts
    if not counts.total:
        raise Refused(404, "not-found")
    context |= {
        "languages": html.languages(snapshot.definition.languages, f"/{snapshot.slug}/elsewhere"),
        "rows": [(one, _host(one), counts.before(one)) for one in reversed(counts.valid)],
        "total": counts.total,
    }
    return html.page("petitions/elsewhere.html", context, language=language)


def _host(count: PublicOtherCount) -> str:
    """Return the host name of a link to evidence, so that readers see where it leads."""
    return (urlsplit(count.link).hostname or "").removeprefix("www.")
