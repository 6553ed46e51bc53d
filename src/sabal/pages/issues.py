"""Make the pages of past newsletters: their list, and one issue as it was sent."""

from sabal.http import PUBLIC, Refused, Response
from sabal.pages import html
from sabal.pages.newsletter import Published, offering
from sabal.petitions.organisation import PublicOrganisation, language_of_names, organiser_name
from sabal.settings import SITE_LANGUAGES


def issues(published: Published, language: str, key: str) -> Response:
    """Return the list of the issues of an organisation's newsletter. Raises `Refused` (404) if it offers none."""
    organisation = offering(published, key)
    context = _about(organisation, language, f"/newsletter/{key}/issues") | {
        "issues": [one.shown(language) for one in organisation.newsletter.issues],
        "often": organisation.newsletter.often(language),
    }
    return html.page("newsletter/issues.html", context, language=language, cache=PUBLIC)


def issue(published: Published, language: str, key: str, number: str) -> Response:
    """Return one issue, in the reader's language if it has it. Raises `Refused` (404) if there is none."""
    organisation = offering(published, key)
    found = organisation.newsletter.issue(int(number))
    if found is None:
        raise Refused(404, "not-found")
    every = organisation.newsletter.issues
    place = every.index(found)
    context = _about(organisation, language, f"/newsletter/{key}/issues/{number}") | {
        "issue": found.shown(language),
        "older": every[place + 1].shown(language) if place + 1 < len(every) else None,
        "newer": every[place - 1].shown(language) if place else None,
    }
    return html.page("newsletter/issue.html", context, language=language, cache=PUBLIC)


def _about(organisation: PublicOrganisation, language: str, path: str) -> dict[str, object]:
    definition = organisation.definition
    return {
        "key": organisation.key,
        "name": organiser_name(definition, language),
        "named": language_of_names(definition, language),
        "languages": html.languages(SITE_LANGUAGES, path),
    }
