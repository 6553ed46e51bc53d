"""Make the page on which everybody sees how a petition grew. Profiles that keep their history have none (404)."""

from datetime import UTC, datetime

from django.utils import translation
from django.utils.translation import gettext

from sabal.http import Refused, Response
from sabal.pages import charts, html
from sabal.pages.petition import about
from sabal.petitions.growth import fitting_step, parts
from sabal.petitions.snapshot import PetitionSnapshot


def growth(snapshot: PetitionSnapshot, language: str) -> Response:
    """Return the count over time as charts, with a table of the same numbers."""
    context = about(snapshot, language)
    history = snapshot.grown(datetime.now(UTC).date())
    if not history:
        raise Refused(404, "not-found")
    step = fitting_step(history)
    found, own_language = parts(history, step), html.site_language(language)
    context |= {
        "languages": html.languages(snapshot.definition.languages, f"/{snapshot.slug}/growth"),
        "step": step.value,
        "parts": found[::-1],
    }
    with translation.override(own_language):
        label = gettext("A chart of the numbers in the table below.")
    context["total"] = charts.growth(found, step, label, own_language)
    context["added"] = charts.added(found, step, label, own_language)
    return html.page("petitions/growth.html", context, language=language)
