"""The feed of past newsletters of an organisation in each language."""

import uuid

from django.utils import translation
from django.utils.translation import gettext

from sabal import settings
from sabal.api import syndication
from sabal.api.syndication import Entry, Feed
from sabal.http import Response
from sabal.pages.newsletter import Published, offering
from sabal.petitions.issues import Issue
from sabal.petitions.markdown import to_html
from sabal.petitions.organisation import organiser_name

MOST = 30  # entries


def atom(published: Published, language: str, key: str) -> Response:
    """Return the newest issues as Atom. Raises `Refused` (404) if the organisation offers no newsletter."""
    organisation = offering(published, key)
    page = f"{settings.BASE_URL}/{language}/newsletter/{key}/issues"
    name = organiser_name(organisation.definition, language)
    with translation.override(language):
        title = gettext("Newsletter of %(name)s") % {"name": name}
    return syndication.atom(
        Feed(
            id=_id(key, 0, language),
            language=language,
            title=title,
            author=name,
            page=page,
            entries=[_entry(one, key, language, page) for one in organisation.newsletter.issues[:MOST]],
        )
    )


def _entry(one: Issue, key: str, language: str, page: str) -> Entry:
    spoken = one.language_for(language)
    return Entry(
        id=_id(f"{key}/{one.sent_at}", one.number, language),
        url=f"{page}/{one.number}",
        language=spoken,
        title=one.texts[spoken].subject,
        content=to_html(one.texts[spoken].body),
        published=one.sent_at,
        changed=one.sent_at,
    )


def _id(of: str, number: int, language: str) -> str:
    """Return an id that stays the same after a move to another domain."""
    return uuid.uuid5(uuid.NAMESPACE_OID, f"sabal/newsletter/{of}/{number}/{language}").urn
