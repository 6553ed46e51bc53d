"""Find the marks of lists: any numbering that counts, and any sign that is repeated."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import regex

from sabal.petitions.letters.lines import Line, is_rule

# Lines that are not blank, over which a sign counts as repeated: items may be broken over two or three lines.
NEAR = 6
# Lines in which the next number of a sequence may come.
AHEAD = 40

_SEQUENCES = (
    *("abcdefghijklmnopqrstuvwxyz", "абвгдежзиклмнопрстуфхцчшщэюя", "αβγδεζηθικλμνξοπρστυφχψω"),
    *("가나다라마바사아자차카타파하", "ㄱㄴㄷㄹㅁㅂㅅㅇㅈㅊㅋㅌㅍㅎ", "ᄀᄂᄃᄅᄆᄇᄉᄋᄌᄎᄏᄐᄑᄒ"),
    *("アイウエオカキクケコサシスセソ", "イロハニホヘトチリヌルヲ", "一二三四五六七八九十"),
    *("壹贰叁肆伍陆柒捌玖拾", "壹貳參肆伍陸柒捌玖拾", "甲乙丙丁戊己庚辛壬癸", "子丑寅卯辰巳午未申酉戌亥"),
    *("أبجدهوزحطي", "أبتثجحخدذر"),
)
_ROMAN = "i ii iii iv v vi vii viii ix x xi xii xiii xiv xv xvi xvii xviii xix xx".split()
_NUMBERED = regex.compile(
    r"(?P<open>(?:\*\*|__|#)?[(（\[【〔]?)\s?(?P<label>\d{1,3}|[ivxIVX]{1,5}|[一二三四五六七八九十]{1,3}|[\p{L}\u2160-\u217f])"
    r"(?P<close>\s?\\?[.)）\]】〕．、:：,，)º°/](?:\*\*|__)?|\s[-–](?=\s)|-(?=\s|\p{Lo}))(?!\d)(?P<space>\s|$)?"
)
_SPACED = regex.compile(r"(?P<open>[#№]?)(?P<label>\d{1,2}|[一二三四五六七八九十])(?P<close>)(?P<space>\s)")
_CHECKBOX = regex.compile(r"(?:[-*•]\s*)?[\[(][ xX✓✔]?[\])](?=\s)")
_KEYCAP = regex.compile("([0-9])\ufe0f?\u20e3")
_OUTLINE = regex.compile(r"(?:\d{1,2}|[A-Za-z])(?:\.\d{1,2}){1,4}[.)]?(?=\s)")
_SIGN = regex.compile(
    r"[^\p{L}\p{N}\s\p{Ps}\p{Pi}\p{Pe}\p{Pf}\"'#@&%$€£¥₩¿¡…,.;:!?|/\\<>*_]{1,3}>?|[=>]>|»|ㅇ|(?:[*>]|\*\*|o)(?=\s|$)"
)
# What is a mark only on lines directly below each other: any other sign, and letters that stand for Wingdings.
_ADJACENT = regex.compile(r"(?:[^\p{L}\p{N}\s]{1,3}|[lnqruvxØüþ§])(?=\s)")
_BESIDE = "beside"
_WELL_KNOWN = frozenset("-–—*•·+‣◦▪▫■□●○◆◇▶➤➢\uf0b7\uf0a7\uf0d8\uf0fc")
_ORDINAL = regex.compile(
    r"[\p{L}\p{M}\d-]+(?: [\p{L}\p{M}\d]+){0,2}(?=\s?[,，:：、.．;])|\p{Hangul}+째(?=\s)|\p{Han}是"
)


@dataclass(frozen=True)
class Mark:
    """The mark of a line: its text ("" if it belongs to the sentence), its kind, and its position (0: none).

    One that does not stand `alone` ("I.", a star) needs another of its kind nearby.
    """

    text: str
    kind: str
    position: int = 0
    alone: bool = False


def marks_of(lines: Sequence[Line], ordinals: Mapping[str, int]) -> tuple[dict[int, Mark], list[int]]:
    """Return the marks by index of the line, and the indexes of lines that begin with a sign that is no list's.

    `ordinals` are words such as "first", with their positions.
    """
    readings = {at: _readings(line.text, ordinals) for at, line in enumerate(lines) if not is_rule(line.text)}
    order = list(readings)
    marks: dict[int, Mark] = {}
    earlier: set[tuple[str, int]] = set()
    strange: list[int] = []
    for place, at in enumerate(order):
        near = order[max(place - NEAR, 0) : place] + order[place + 1 : place + NEAR + 1]
        beside = [other for other in order[max(place - 1, 0) : place] if not lines[at].gap]
        beside += [other for other in order[place + 1 : place + 2] if not lines[other].gap]
        around = {one.kind for other in near for one in readings[other] if not one.kind.startswith(_BESIDE)}
        around |= {one.kind for other in beside for one in readings[other]}
        later = {
            (one.kind, one.position) for other in order[place + 1 : place + AHEAD] for one in readings[other]
        }
        found = next((one for one in readings[at] if _holds(one, around, later, earlier)), None)
        if found:
            earlier.add((found.kind, found.position))
            marks[at] = found
        elif readings[at] and readings[at][0].kind.startswith("sign"):
            strange.append(at)
    return marks, strange


def counts_on(mark: Mark, last: Mark) -> bool:
    """Return whether `mark` is the next of the sequence of `last`, or the same sign again."""
    again = mark.position == 0 or mark.position == last.position == 1
    return mark.kind == last.kind and (again or mark.position == last.position + 1)


def _holds(one: Mark, around: set[str], later: set[tuple[str, int]], earlier: set[tuple[str, int]]) -> bool:
    """Return whether the other lines of the letter confirm a way to read a mark."""
    if one.position == 0 or one.kind == "ordinal":
        return one.alone or one.kind in around
    if one.position == 1 and (one.alone or (one.kind, 1) in later):
        return True
    # A number without a sign after it may be of a street or a day, unless it is the first of a sequence.
    bare = one.kind.endswith(" ") and one.position > 1
    return (one.kind, one.position - 1) in earlier or ((one.kind, one.position + 1) in later and not bare)


def _readings(text: str, ordinals: Mapping[str, int]) -> list[Mark]:
    """Return each way to read what a line begins with as a mark."""
    if match := _CHECKBOX.match(text):
        return [Mark(match[0], "checkbox")]
    if match := _KEYCAP.match(text):
        return [Mark(match[0], "keycap", int(match[1]), alone=True)]
    if match := _OUTLINE.match(text):
        return [Mark(match[0], f"outline {match[0].count('.')}")]
    if circled := _circled(text):
        return [circled]
    word = match[0].lower() if (match := _ORDINAL.match(text)) else ""
    found = [Mark("", "ordinal", ordinals[word])] if word in ordinals else []
    for pattern in (_NUMBERED, _SPACED):
        if match := pattern.match(text):
            frame = unicodedata.normalize("NFKC", match["open"] + match["close"]).strip(" \\")
            for name, position in _positions(match["label"]):
                framed = frame == "." and name == "digits" and bool(match["space"])
                alone = "upper" not in name and (framed or frame in (")", "()", "[]", "】", "、"))
                found.append(Mark(match[0].strip(), f"{name} {frame}", position, alone))
    return found or _sign(text)


def _positions(label: str) -> list[tuple[str, int]]:
    """Return each sequence that has `label`, with its position there from 1. "i" may be the ninth or the first."""
    if label[0].isdigit():
        return [("digits", int(label))] if int(label) else []
    label = unicodedata.normalize("NFKC", label)
    case, small = "upper" if label.isupper() else "lower", label.lower()
    found = [
        (f"{letters[:2]} {case}", letters.index(small) + 1) for letters in _SEQUENCES if small in set(letters)
    ]
    if small in _ROMAN:
        found.append((f"roman {case}", _ROMAN.index(small) + 1))
    if match := regex.fullmatch("([二三四五六七八九]?)十([一二三四五六七八九]?)", label):
        ten, one = ("一二三四五六七八九".find(digit) + 1 for digit in match.groups())
        found.append((f"一二 {case}", (ten or 1) * 10 + one))
    return found


def _circled(text: str) -> Mark | None:
    """Return the mark of a number or letter in a circle or brackets that is one character, such as ① ❶ ⑴ ㉮ ㈎ ⓐ."""
    first, value = text[0], unicodedata.numeric(text[0], 0)
    label = unicodedata.normalize("NFKC", first).strip("().")
    if (
        unicodedata.category(first) not in ("No", "So")
        or value != int(value)
        or (label == first and not value)
    ):
        return None
    position = int(value) or next((position for _, position in _positions(label)), 0) if label else 0
    name = regex.sub(" (DIGIT|NUMBER|LETTER|HANGUL|IDEOGRAPH) .*", r" \1", unicodedata.name(first, ""))
    mark = text[: len(text) - len(text[1:].lstrip(" .、)"))].strip()
    return (
        Mark(mark, f"circled {name.replace('DIGIT', 'NUMBER')}", position, alone=True) if position else None
    )


def _sign(text: str) -> list[Mark]:
    if not (match := _SIGN.match(text)):
        match = _ADJACENT.match(text)
        return [Mark(match[0], f"{_BESIDE} {match[0]}")] if match else []
    sign = match[0].rstrip("\ufe0f")
    spaced = text[match.end() : match.end() + 1] in ("", " ")
    return [Mark(match[0], f"sign {sign}", alone=sign in "・•" or (sign in _WELL_KNOWN and spaced))]
