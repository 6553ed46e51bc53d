"""Make the pages of the site itself: the list of petitions, the imprint, privacy, how to check.

Each depends only on the published petitions, the language and the settings. The list also depends on the day.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime

from sabal import settings
from sabal.http import Response
from sabal.ledger.logged import logged
from sabal.pages import html
from sabal.pages.privacy import moments
from sabal.petitions import consent
from sabal.petitions.definition import Fields
from sabal.petitions.organisation import (
    controller_name,
    language_of_names,
    organisations,
    organiser_name,
)
from sabal.petitions.snapshot import PetitionSnapshot

FORM_FIELDS = tuple(field.name for field in fields(Fields))

Published = Sequence[PetitionSnapshot]


def index(published: Published, language: str) -> Response:
    """Return the list of petitions."""
    context = {
        "petitions": [_entry(one, language) for one in published],
        "organisations": _organisations(published, language),
    }
    return _page("index", "", language, context)


def imprint(published: Published, language: str) -> Response:
    """Return the imprint: the controller of each petition's data, with addresses."""
    return _page("imprint", "/imprint", language, {"petitions": [_entry(one, language) for one in published]})


def privacy(published: Published, language: str) -> Response:
    """Return the data that the server has about a person at each moment, and the other parties that see some of it."""
    form = _form(published)
    context = {
        "organisations": _organisations(published, language),
        "moments": moments(_offered(published, form)),
        "form": form,
        "guarded": any(one.profile.guarded for one in published),
        "mail_relay": settings.MAIL_RELAY,
        "hosting": settings.HOSTING,
        "tls_end": settings.TLS_END,
        "onion": settings.ONION,
    }
    return _page("privacy", "/privacy", language, context)


def verify(published: Published, language: str) -> Response:
    """Return the numbers of each petition's public log, and how to check them."""
    entries = [_entry(one, language) | {"log": logged(one)} for one in published]
    return _page("verify", "/verify", language, {"petitions": entries})


def _page(name: str, path: str, language: str, context: Mapping[str, object]) -> Response:
    languages = html.languages(settings.SITE_LANGUAGES, path)
    return html.page(f"petitions/{name}.html", {**context, "languages": languages}, language=language)


def _organisations(published: Published, language: str) -> list[dict[str, object]]:
    """Return the template context of each organisation, with its petitions."""
    return [
        {
            "key": one.key,
            "name": organiser_name(one.definition, language),
            "language": language_of_names(one.definition, language),
            "controller": controller_name(one.definition, language),
            "newsletter": one.offers_newsletter,
            "petitions": [_entry(petition, language) for petition in one.petitions],
        }
        for one in organisations(published)
    ]


def _form(published: Published) -> Fields:
    """Return the fields that any of the petitions asks for."""
    forms = [one.definition.fields for one in published]
    return Fields(**{name: any(getattr(form, name) for form in forms) for name in FORM_FIELDS})


def _offered(published: Published, form: Fields) -> set[str]:
    """Return the fields of any petition, and "reminder" if one sends reminders."""
    asked = {name for name in FORM_FIELDS if getattr(form, name)}
    return asked | {"reminder" for one in published if one.definition.reminder}


def _imprint(petition: PetitionSnapshot, language: str) -> tuple[str, str]:
    """Return the language and text of the organisation's imprint: the reader's, English, or the first there is."""
    written = petition.identity.imprint if petition.identity else {}
    found = next((one for one in (language, "en", *written) if written.get(one)), language)
    return found, written.get(found, "")


def _entry(petition: PetitionSnapshot, language: str) -> dict[str, object]:
    """Return the template context of one petition, in its authoritative language if it lacks the reader's."""
    definition = petition.definition
    text_language = language if language in definition.languages else definition.authoritative
    return {
        "petition": petition,
        "definition": definition,
        "language": text_language,
        "text": definition.texts[text_language],
        "organiser": definition.organiser[text_language],
        "controller": controller_name(definition, text_language),
        "address": definition.controller.address[text_language],
        "contact": definition.controller.privacy_contact,
        "website": petition.identity.website if petition.identity else "",
        "imprint": _imprint(petition, language),
        "named": petition.identity.names.get(language, "") if petition.identity else "",
        "consent": consent.shown(petition.consent[text_language], definition, text_language),
        "counts": petition.counts,
        "ended_on": petition.ended_on(datetime.now(UTC).date()),
        "gathering": petition.gathering,
    }
