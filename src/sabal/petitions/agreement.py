"""What the files of a petition folder must say alike: languages, demands, and what the hint must not tell."""

from collections.abc import Mapping, Sequence

from sabal.petitions.definition import Demand, Problem, Text
from sabal.petitions.terms import Terms
from sabal.petitions.tomltable import FILE


def check(
    terms: Terms, texts: Mapping[str, Text], lines: Mapping[str, Mapping[str, int]], problems: list[Problem]
) -> None:
    """Hold petition.toml against the texts and these against each other; appends to `problems`.

    `texts` and `lines` (anchor → line in the file) are by language."""
    _languages(terms, texts, problems)
    _demands(terms, texts, lines, problems)
    _hint(terms, texts, problems)


def _languages(terms: Terms, texts: Mapping[str, Text], problems: list[Problem]) -> None:
    for language in terms.languages:
        if language not in texts:
            problems.append(
                Problem(
                    FILE,
                    terms.languages_line,
                    f"`languages` names “{language}”, but {language}.md is missing.",
                )
            )
    for language in texts:
        if terms.languages and language not in terms.languages:
            problems.append(
                Problem(f"{language}.md", 1, f"`languages` in {FILE} does not name “{language}”.")
            )


def _demands(
    terms: Terms, texts: Mapping[str, Text], lines: Mapping[str, Mapping[str, int]], problems: list[Problem]
) -> None:
    """An anchor is one address in all languages, so all have the same demands with the same parts."""
    model = texts.get(terms.authoritative)
    if not model or not model.demands:
        return
    for language in terms.languages:
        text = texts.get(language)
        if text and text.demands and text is not model:
            file, at = f"{language}.md", lines[language]
            for line, sentence in _differences(
                model.demands, text.demands, f"{terms.authoritative}.md", "", at
            ):
                problems.append(Problem(file, line, sentence))


def _differences(
    model: Sequence[Demand], other: Sequence[Demand], file: str, within: str, at: Mapping[str, int]
) -> list[tuple[int, str]]:
    if len(model) != len(other):
        what, where = ("parts", f"Demand {within}") if within else ("demands", "This text")
        line = at.get(f"demand-{within.replace('.', '-')}", 0) or at["demand-1"]
        return [(line, f"{where} has {len(other)} {what}; in {file} it has {len(model)}.")]
    found = []
    for one, two in zip(model, other, strict=True):
        number = two.anchor.removeprefix("demand-").replace("-", ".")
        found += _differences(one.parts, two.parts, file, number, at)
    return found


def _hint(terms: Terms, texts: Mapping[str, Text], problems: list[Problem]) -> None:
    for language, text in texts.items():
        if terms.hint and terms.hint in text.title.lower():
            sentence = (
                f"`hint` is part of the title of {language}.md. It must not tell what the petition is about."
            )
            problems.append(Problem(FILE, terms.hint_line, sentence))
