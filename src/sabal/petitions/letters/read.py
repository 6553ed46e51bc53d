"""Read a plain letter: its languages, and the role of each of its lines."""

from collections import Counter
from collections.abc import Mapping, Sequence, Set

from sabal.petitions.letters.blocks import Structure
from sabal.petitions.letters.language import Guess, language_of, script_in
from sabal.petitions.letters.lines import Line, is_rule, lines_of, width
from sabal.petitions.letters.reader import Reader
from sabal.petitions.letters.reading import LetterLine, LetterReading

DEFAULT_LANGUAGE = "en"
# A second language is one only if so many lines and so much of the letter are written in it.
SECOND_LINES, SECOND_SHARE = 2, 0.2


def read(text: str, language: str = "") -> LetterReading:
    """Return the reading of a letter. `language` is that of its words, if somebody has said it."""
    lines, cleaned = lines_of(text)
    guess = language_of(text)
    main = language or guess.language or DEFAULT_LANGUAGE
    languages = [main] * len(lines) if language else _languages(lines, main)
    if not language:
        # A letter in two languages has its own first, the translation below.
        main = next((one for line, one in zip(lines, languages, strict=True) if line.text), main)
    read_lines: list[LetterLine] = []
    notes = _language_notes(guess, language, main)
    if cleaned:
        notes.append(f"Invisible characters were removed from line {', '.join(map(str, cleaned))}.")
    for one in dict.fromkeys([main, *languages]):
        own = _only(lines, languages, one)
        reader = Reader(own, one)
        read_lines += [line for at, line in enumerate(reader.roles()) if languages[at] == one]
        notes += _notes(reader.structure, reader.contacts)
    read_lines.sort(key=lambda line: line.number)
    return LetterReading(main, guess.sure or bool(language), tuple(read_lines), tuple(notes))


def _language_notes(guess: Guess, given: str, main: str) -> list[str]:
    if given and guess.sure and guess.language.split("-")[0] != given.split("-")[0]:
        return [f"The letter was read as {given}, as you said. Its words look like {guess.language}."]
    if not given and not guess.sure:
        return [
            f"The language is a guess: {main}. If it is another one, import the letter again with --language CODE."
        ]
    return []


def _notes(structure: Structure, contacts: Mapping[int, str]) -> list[str]:
    notes = [
        f"Line {number} has a contact ({kind}). It is not published." for number, kind in contacts.items()
    ]
    for at in structure.strange:
        line = structure.lines[at]
        notes.append(
            f"Line {line.number} begins with “{line.text[0]}”. If it is an item of a list, give it its role."
        )
    return notes


def _languages(lines: Sequence[Line], main: str) -> list[str]:
    """Return the language of each line: the main one, or another in which a good part of the letter is written."""
    guesses = [_near(guess, main) for guess in _guesses(lines)]
    carried = _carried(lines, guesses, main, {guess.language for guess in guesses if guess.sure})
    weights: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    for line, one in zip(lines, carried, strict=True):
        weights[one] += width(line.text)
        counts[one] += bool(line.text)
    known = {main} | {
        one
        for one in weights
        if counts[one] >= SECOND_LINES and weights[one] >= SECOND_SHARE * weights.total()
    }
    return _carried(lines, guesses, main, known)


def _carried(lines: Sequence[Line], guesses: Sequence[Guess], main: str, known: Set[str]) -> list[str]:
    """Return the language of each line, of those known. A name or a number has that of the line before."""
    languages, last, script = [], main, ""
    for line, guess in zip(lines, guesses, strict=True):
        own = script_in(line.text)
        if guess.language in known:
            last = guess.language
        elif guess.sure or (own and script and own != script):
            last = main
        script = own or script
        languages.append(last)
    return languages


def _guesses(lines: Sequence[Line]) -> list[Guess]:
    """Return a guess for each line: by its own words, else by those of its paragraph."""
    guesses = [Guess("", sure=False)] * len(lines)
    block: list[int] = []
    for at, line in enumerate([*lines, Line(0, "")]):
        same = not block or script_in(line.text) in ("", script_in(lines[block[0]].text))
        if line.text and not is_rule(line.text) and same:
            block.append(at)
            continue
        paragraph = language_of("\n".join(lines[one].text for one in block))
        for one in block:
            own = language_of(lines[one].text)
            guesses[one] = own if own.sure else paragraph
        block = [] if same else [at]
    return guesses


def _near(guess: Guess, main: str) -> Guess:
    """Return a guess in terms of the letter's language. Japanese has lines of Chinese characters alone."""
    base = guess.language.split("-")[0]
    same = base == main.split("-")[0] or (base == "zh" and main.startswith("ja"))
    return Guess(main, guess.sure) if same else guess


def _only(lines: Sequence[Line], languages: Sequence[str], language: str) -> list[Line]:
    """Return all lines, with those of other languages blank."""
    return [
        line if one == language else Line(line.number, "", 0, gap=True)
        for line, one in zip(lines, languages, strict=True)
    ]
