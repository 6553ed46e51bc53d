"""Name the kinds of changes that an amendment made, in the reader's language."""

from django.utils import translation
from django.utils.translation import gettext

from sabal.pages import html
from sabal.petitions.history import Difference, difference
from sabal.petitions.snapshot import PetitionSnapshot


def last_changes(snapshot: PetitionSnapshot, language: str) -> tuple[str, ...]:
    """Return the names of what the last amendment changed: text, terms, key. Empty if there was none."""
    if len(snapshot.versions) < 2:
        return ()
    return names_of(difference(*snapshot.versions[-2:], language), language)


def names_of(changes: Difference, language: str) -> tuple[str, ...]:
    """Return the names of the kinds of changes: text, terms, key, other languages."""
    with translation.override(html.site_language(language)):
        kinds = (
            (changes.text, gettext("the text")),
            (changes.terms, gettext("the terms")),
            (changes.keys, gettext("the key that signatures are locked to")),
            (changes.new_language, gettext("a translation was added")),
            (changes.elsewhere, gettext("other languages")),
        )
        return tuple(name for happened, name in kinds if happened)
