"""The doctor's check of the translations: whether the compiled ones are complete."""

from collections.abc import Iterator

from babel.messages.catalog import Catalog
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from django.utils.translation import to_locale

from sabal import settings
from sabal.operating.findings import Finding


def translations() -> Iterator[Finding]:
    """Check that the compiled translations have every sentence of the pages, in each language of the site."""
    for language in settings.SITE_LANGUAGES:
        if language == "en":
            continue  # the templates are in English
        folder = settings.LOCALE_PATHS[0] / to_locale(language) / "LC_MESSAGES"
        try:
            with (folder / "django.po").open("rb") as po, (folder / "django.mo").open("rb") as mo:
                lacking, of = untranslated(read_po(po), read_mo(mo))
        except OSError as error:
            sentence = (
                f"The translation into {language} cannot be read ({type(error).__name__}). English is shown."
            )
            yield Finding("warning", "D602", sentence, "Install Sabal again (in a checkout: script/setup).")
            continue
        if lacking:
            sentence = f"{lacking} of {of} sentences have no translation into {language}. English is shown."
            yield Finding("warning", "D602", sentence, "In a checkout: script/messages")
        else:
            yield Finding("ok", "D602", f"All {of} sentences have a translation into {language}.")


def untranslated(wanted: Catalog, compiled: Catalog) -> tuple[int, int]:
    """Return how many messages of `wanted` (.po) are missing, fuzzy or empty in `compiled` (.mo), and their total."""
    lacking = total = 0
    for message in wanted:
        if not message.id:
            continue  # the header
        total += 1
        found = compiled.get(message.id, message.context)
        strings = () if found is None else (found.string,) if isinstance(found.string, str) else found.string
        lacking += message.fuzzy or not strings or not all(strings)
    return lacking, total
