"""Name what an amendment changed, and why, in the reader's language."""

from collections.abc import Iterable

from django.utils import translation
from django.utils.translation import gettext

from sabal.pages import html
from sabal.petitions.history import Difference, PublishedVersion, difference
from sabal.petitions.locales import listed
from sabal.petitions.snapshot import PetitionSnapshot


def last_changes(snapshot: PetitionSnapshot, language: str) -> str:
    """Return the names of what the last amendment changed: text, terms, key. Empty if it was nothing of these."""
    if len(snapshot.versions) < 2:
        return ""
    return names_of(difference(*snapshot.versions[-2:], language), language)


def reason(version: PublishedVersion, language: str) -> dict[str, str] | None:
    """Return why a version replaced the one before: the kind, the sentence and its language; None if it is not said.

    Readers of a language without its sentence get that of the language that decides.
    """
    if version.amendment is None:
        return None
    why = version.amendment.why
    spoken = language if why.get(language) else version.definition.authoritative
    return {"kind": version.amendment.kind.value, "why": why.get(spoken, ""), "language": spoken}


def names_of(changes: Difference, language: str) -> str:
    """Return the names of the kinds of changes (text, terms, key, other languages), as a list in a sentence."""
    with translation.override(html.site_language(language)):
        kinds = (
            (changes.text, gettext("the text")),
            (changes.terms, gettext("the terms")),
            (changes.picture, gettext("the picture")),
            (changes.keys, gettext("the key that signatures are locked to")),
            (changes.new_language, gettext("a translation was added")),
            (changes.elsewhere, _in_brackets(gettext("other languages"), changes.elsewhere)),
        )
        return listed((name for happened, name in kinds if happened), html.site_language(language))


def _in_brackets(words: str, languages: Iterable[str]) -> str:
    return f"{words} ({', '.join(language['name'] for language in html.languages(languages, ''))})"
