"""The names of languages on the desk."""

from babel import Locale
from django.utils.translation import get_language

from sabal.petitions.locales import locale_of


def name_of(language: str, here: str) -> str:
    """Return the name of a language in the reader's language, and in its own."""
    locale = locale_of(language)
    names = (locale.get_display_name(Locale.parse(here)), locale.get_display_name(locale))
    return " · ".join(dict.fromkeys(name for name in names if name)) or language


def language_name(language: str) -> str:
    """Return the name of a language in the reader's language alone; the tag itself if it has none."""
    return locale_of(language).get_display_name(Locale.parse(get_language() or "en")) or language
