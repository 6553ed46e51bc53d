"""Text as people type and paste it: what is cut, what stays, what is refused, and that no text takes long."""

import time
import unicodedata
from collections.abc import Callable
from functools import partial
from urllib.parse import urlencode

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from sabal import typed
from sabal.mail.address import EmailAddress
from sabal.newsletter import form as newsletter
from sabal.petitions import folder
from sabal.petitions.letters.lines import lines_of
from sabal.signing import form

PASTED = "\u00ad\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
ODD = [*PASTED, *"\u200c\u200d\u0301\u0344\u0f77İ\u3164\u115f\u1100\u1161\u11a8。Ａ "]
CHARACTER = (
    st.characters(exclude_categories=()) | st.sampled_from(ODD) | st.characters(categories=["M", "Cf", "Cn"])
)
RUN = st.builds(str.__mul__, CHARACTER, st.sampled_from((1, 1, 1, 2, 12, 20)))
ANY = st.lists(RUN, max_size=20).map("".join)
NORMAL_FORMS = (typed.line, typed.paragraphs, typed.compact, typed.nfc)


@pytest.mark.parametrize("character", PASTED)
def test_invisible_characters_around_a_text_are_cut(character: str) -> None:
    pasted = f"{character} {character}수지{character}{character}\n"
    assert typed.line(pasted) == typed.paragraphs(pasted) == typed.compact(pasted) == "수지"


@pytest.mark.parametrize(
    ("pasted", "meant"),
    [
        ("Ｓｕｚｉｅ　Ｋｉｍ", "Suzie Kim"), ("Ｏ＇Ｎｅｉｌｌ", "O'Neill"), ("Kim\tSuzie\n", "Kim Suzie"),
        ("\u2068محمد\u2069 \u2067علي\u2069", "محمد علي"), ("\ufffcSuzie", "Suzie"), ("Zoe\u0308", "Zoë"),
        ("\u3164수지\u3164", "수지"), ("രാജന\u0d4d\u200d", "രാജന\u0d4d\u200d"),
    ],
)  # fmt: skip
def test_a_line_is_what_was_meant(pasted: str, meant: str) -> None:
    assert typed.line(pasted) == meant


def test_paragraphs_keep_their_lines_tabs_and_full_width_punctuation() -> None:
    assert typed.paragraphs("\ufeff하나，\r\n둘\x0b셋\u2029\t넷！\r") == "하나，\n둘\n셋\n\t넷！"
    assert typed.paragraphs("\u3164\n\u2800\u115f") == ""


@pytest.mark.parametrize(
    "text",
    ["\U0002ebf0", "\U0001fae9", "\U00038123", "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
     "ᠪᠠᠢᠨ\u180eᠠ", "ភាសា\u200bខ្មែរ", "👩🏽‍❤️‍💋‍👨🏿", "ཧྐྵྨླྺྼྻྂ", "a\tb\nc", "می‌خواهم", "Straße\u00ad", "\u200fשלום!\u200f"],
)  # fmt: skip
def test_every_script_and_every_new_character_can_be_shown(text: str) -> None:
    assert typed.is_showable(text) and typed.shows(text)


@pytest.mark.parametrize(
    "text",
    ["\x00", "\x1b[2J", "\x7f", "\x9b", "\ud800", "\ue000", "\U0010fffd", "\ufffe", "\ufdd0", "\U0003ffff", "a\u202eb",
     "e" + "\u0301" * 12, "\u200b" * 11, "a" + "\u0301\u200d" * 6, "\U000e0041" * 11],
)  # fmt: skip
def test_controls_noncharacters_overrides_and_stacks_cannot_be_shown(text: str) -> None:
    assert not typed.is_showable(text)
    assert not typed.is_showable(typed.nfc("e" + text + "e"))


@pytest.mark.parametrize(
    "text",
    [
        "\u3164",
        "\u115f\u1160",
        "\u2800",
        "\u200b\ufe0f",
        "\u034f",
        "\uffa0",
        "\u2028",
        "\U000e0041",
        "\x07",
        "",
    ],
)
def test_a_blank_text_shows_nothing(text: str) -> None:
    assert not typed.shows(text) and not typed.has_letter(text)


def test_one_line_of_a_report_may_have_new_characters() -> None:
    assert typed.is_showable_line("같은 주소 \U0002ebf0")
    assert not any(map(typed.is_showable_line, ["a\tb", "a\nb", "a\u2028b", "a\u2029b", "a\x1bb"]))


@settings(max_examples=400)
@given(ANY)
def test_what_was_made_plain_stays_as_it_is(text: str) -> None:
    for made_plain in NORMAL_FORMS:
        once = made_plain(text)
        assert made_plain(once) == once == unicodedata.normalize("NFC", once)


@settings(max_examples=400)
@given(ANY)
def test_an_accepted_form_shows_its_name(text: str) -> None:
    fields = {"name": text, "email": f"{text}@example.org", "comment": text, "consent": "1"}
    petition = EVERY_FIELD
    for changes in ({}, {"email": "suzie@example.org"}, {"name": "Suzie"}):
        checked = form.check(fields | changes, petition)  # type: ignore[arg-type]
        if isinstance(checked, form.Submission):
            assert typed.shows(checked.name) and typed.has_letter(checked.name)
            assert typed.shows(checked.comment) or not checked.comment
            assert typed.is_showable(checked.name) and typed.is_showable(checked.comment)
            assert form.shown_name(checked.name, "initials") and checked.email.wire
            again = {"name": checked.name, "email": checked.email.typed, "comment": checked.comment}
            assert form.check(fields | again, petition) == checked  # type: ignore[arg-type]


class EVERY_FIELD:  # noqa: N801 - it is used as a value
    """A petition with every field."""

    version = "0123456789abcdef"

    class definition:  # noqa: N801
        updates = newsletter = True

        class fields:  # noqa: N801
            country = comment = display = True


def seconds(read: Callable[[str], object], text: str) -> float:
    """Return the shortest of five times of reading the text, of this thread alone."""
    times = []
    for _ in range(5):
        start = time.thread_time()
        read(text)
        times.append(time.thread_time() - start)
    return min(times)


def checked(**fields: str) -> object:
    return form.check({"name": "Suzie", "email": "suzie@example.org", "consent": "1"} | fields, EVERY_FIELD)  # type: ignore[arg-type]


def address(text: str) -> object:
    try:
        return EmailAddress.parse(f"{text}@example.org")
    except ValueError:
        return None


READERS: dict[str, Callable[[str], object]] = {
    "name": lambda text: checked(name=text),
    "comment": lambda text: checked(comment=text),
    "email": lambda text: checked(email=text),
    "address": address,
    "stored address": lambda text: EmailAddress.stored(f"{text}@example.org"),
    "newsletter": lambda text: newsletter.check(urlencode({"email": text}).encode(), "sentence"),
    "line": typed.line,
    "paragraphs": typed.paragraphs,
    "compact": typed.compact,
    "letter": lines_of,
    "petition folder": lambda text: folder._source("en.md", text, []),
}


STACK = "a" + "\u0301\u0323" * 5_000


@pytest.fixture(scope="module")
def sorting() -> float:
    """Return the seconds that sorting the marks of STACK takes."""
    return seconds(partial(unicodedata.normalize, "NFC"), STACK)


@pytest.mark.parametrize("reader", READERS)
def test_no_stack_of_marks_takes_long(reader: str, sorting: float) -> None:
    """Sorting alternating marks takes quadratic time. Nothing that reads a field, letter or folder does it."""
    assert seconds(READERS[reader], STACK) < sorting / 4


@given(st.text(st.sampled_from("a\u0301\u200d\u0903\ufe0f\u0600👩🌾🇰🇷🇽\r\n한\u1100\u1161"), max_size=30))
def test_characters_are_counted_by_the_standard(text: str) -> None:
    assert typed.graphemes(text) == ([*text] if text.isascii() else regex.findall(r"\X", text))


def test_a_row_of_flags_is_counted_at_once() -> None:
    started = time.monotonic()
    assert len(typed.graphemes("🇰🇷" * 20_000)) == 20_000
    assert time.monotonic() - started < 2  # it took time that grew with the square: 20 s
