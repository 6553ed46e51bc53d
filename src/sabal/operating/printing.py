"""The doctor's check of papers: in which languages letters to recipients can be printed."""

from collections.abc import Iterator

from sabal.dossier.languages import LANGUAGES
from sabal.dossier.typesetting import can_print
from sabal.operating.findings import Finding


def papers() -> Iterator[Finding]:
    """Typeset the words of each language, as a letter does: fonts, limits and the process are those of letters."""
    lacking = [language for language in LANGUAGES if not can_print(language)]
    printed = ", ".join(language for language in LANGUAGES if language not in lacking)
    if not lacking:
        yield Finding("ok", "D603", f"Letters and signature sheets can be printed in {printed}.")
        return
    sentence = f"Letters and signature sheets cannot be printed in {', '.join(lacking)}."
    if printed:
        sentence += f" They can in {printed}."
    hint = "The fonts are packages that Sabal requires (pylopdf-fonts-ko, -jp, -zh-cn). Install Sabal again."
    yield Finding("warning", "D603", sentence, hint)
