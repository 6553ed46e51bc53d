"""Checks across the files of a petition folder: languages and demands agree, and the hint reveals nothing."""

from collections.abc import Mapping, Sequence

from sabal.petitions.definition import Demand, Problem, Text
from sabal.petitions.frontmatter import OWN_NAME
from sabal.petitions.terms import ParsedTerms
from sabal.petitions.tomltable import FILE


def check(
    terms: ParsedTerms,
    texts: Mapping[str, Text],
    lines: Mapping[str, Mapping[str, int]],
    problems: list[Problem],
) -> None:
    """Check petition.toml against the texts, and the texts against each other. Append to `problems`.

    The keys of `texts` and `lines` are languages. `lines` maps anchor → line in the file.
    """
    _languages(terms, texts, problems)
    _demands(terms, texts, lines, problems)
    _hint(terms, texts, problems)
    _own_name(terms, texts, problems)


def _languages(terms: ParsedTerms, texts: Mapping[str, Text], problems: list[Problem]) -> None:
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
    terms: ParsedTerms,
    texts: Mapping[str, Text],
    lines: Mapping[str, Mapping[str, int]],
    problems: list[Problem],
) -> None:
    """Check that all languages have the same demands and parts, so that an anchor means the same in each."""
    authoritative = texts.get(terms.authoritative)
    if not authoritative or not authoritative.demands:
        return
    for language in terms.languages:
        text = texts.get(language)
        if text and text.demands and text is not authoritative:
            file, demand_lines = f"{language}.md", lines[language]
            for line, sentence in _differences(
                authoritative.demands, text.demands, f"{terms.authoritative}.md", "", demand_lines
            ):
                problems.append(Problem(file, line, sentence))


def _differences(
    authoritative: Sequence[Demand], other: Sequence[Demand], file: str, within: str, lines: Mapping[str, int]
) -> list[tuple[int, str]]:
    if len(authoritative) != len(other):
        kind, owner = ("parts", f"Demand {within}") if within else ("demands", "This text")
        line = lines.get(f"demand-{within.replace('.', '-')}", 0) or lines["demand-1"]
        return [(line, f"{owner} has {len(other)} {kind}; in {file} it has {len(authoritative)}.")]
    found = []
    for ours, theirs in zip(authoritative, other, strict=True):
        number = theirs.anchor.removeprefix("demand-").replace("-", ".")
        found += _differences(ours.parts, theirs.parts, file, number, lines)
    return found


def _hint(terms: ParsedTerms, texts: Mapping[str, Text], problems: list[Problem]) -> None:
    for language, text in texts.items():
        if terms.hint and terms.hint in text.title.lower():
            sentence = (
                f"`hint` is part of the title of {language}.md. It must not tell what the petition is about."
            )
            problems.append(Problem(FILE, terms.hint_line, sentence))


def _own_name(terms: ParsedTerms, texts: Mapping[str, Text], problems: list[Problem]) -> None:
    """Refuse own words where nothing may show what a guarded petition is about: in its email, and after its link."""
    if terms.profile != "guarded":
        return
    for language, text in texts.items():
        for key in OWN_NAME:
            if getattr(text, key):
                problems.append(
                    Problem(
                        f"{language}.md",
                        1,
                        f"`{key}` cannot be used in a guarded petition, whose emails say nothing about it.",
                    )
                )
