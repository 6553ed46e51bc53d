"""The pages of the site itself: its petitions, who is responsible, privacy, how to check.

Each is a function of the published petitions and of the language.
"""

from collections.abc import Mapping, Sequence

from sabal import settings
from sabal.http import Response
from sabal.ledger.logged import logged
from sabal.pages import html
from sabal.pages.privacy import MOMENTS
from sabal.petitions.snapshot import PetitionSnapshot

Published = Sequence[PetitionSnapshot]


def index(published: Published, language: str) -> Response:
    """Return the list of petitions."""
    return _page("index", "", language, {"petitions": [_entry(one, language) for one in published]})


def imprint(published: Published, language: str) -> Response:
    """Return who is responsible for what."""
    return _page("imprint", "/imprint", language, {"petitions": [_entry(one, language) for one in published]})


def privacy(published: Published, language: str) -> Response:
    """Return what we know about a person at each moment, and who else sees what."""
    context = {
        "petitions": [_entry(one, language) for one in published],
        "moments": MOMENTS,
        "guarded": any(one.profile.guarded for one in published),
        "mail_relay": settings.MAIL_RELAY,
        "hosting": settings.HOSTING,
        "tls_end": settings.TLS_END,
        "onion": settings.ONION,
    }
    return _page("privacy", "/privacy", language, context)


def verify(published: Published, language: str) -> Response:
    """Return what the public log of each petition shows, and how to check it."""
    entries = [_entry(one, language) | {"log": logged(one)} for one in published]
    return _page("verify", "/verify", language, {"petitions": entries})


def _page(name: str, path: str, language: str, context: Mapping[str, object]) -> Response:
    languages = html.languages(settings.SITE_LANGUAGES, path)
    return html.page(f"petitions/{name}.html", {**context, "languages": languages}, language=language)


def _entry(petition: PetitionSnapshot, language: str) -> dict[str, object]:
    """Return what a list says of one petition, in its own language where it does not have the reader's."""
    definition = petition.definition
    spoken = language if language in definition.languages else definition.authoritative
    return {
        "petition": petition,
        "definition": definition,
        "language": spoken,
        "text": definition.texts[spoken],
        "organiser": definition.organiser[spoken],
        "counts": petition.counts,
        "gathering": petition.gathering,
    }
