"""Any numbering that counts and any sign that is repeated is the mark of a list."""

import pytest

from sabal.petitions import folder
from sabal.petitions.letters.letter import folder_from
from sabal.petitions.letters.read import read
from sabal.petitions.letters.reading import Role

NUMBERINGS = (
    """
1. 2. 3. | １．２．３． | 1) 2) 3) | (1) (2) (3) | （１） （２） （３） | 1、 2、 3、
1º 2º 3º | 1 2 3 | 9. 10. 11. | 1.1 1.2 1.3
a) b) c) | A. B. C. | i) ii) iii) | I. II. III. | Ⅰ. Ⅱ. Ⅲ. | (i) (ii) (iii) | а) б) в) | α) β) γ)
가. 나. 다. | (가) (나) (다) | ㄱ. ㄴ. ㄷ. | ㉠ ㉡ ㉢ | ㉮ ㉯ ㉰ | ㈎ ㈏ ㈐
① ② ③ | ❶ ❷ ❸ | ⑴ ⑵ ⑶ | ⓐ ⓑ ⓒ | ㊀ ㊁ ㊂ | 1️⃣ 2️⃣ 3️⃣
一、 二、 三、 | （一） （二） （三） | 甲、 乙、 丙、 | ア． イ． ウ．
١- ٢- ٣- | ١. ٢. ٣. | أ- ب- ج- | ۱) ۲) ۳)
""".strip()
    .replace("\n", " | ")
    .split(" | ")
)
SIGNS = "- – — * • · ‣ ▪ ■ □ ● ○ ◆ ◇ ▶ ➤ ※ ✓ ✔ ☐ ☑ → ⇒ ❖ ㅇ ▲ ▷ ★ ☆ ♦ ✅ 👉 » > => -> \uf0b7 \uf0a7 ∙ ⁃ ~ + o ▪️".split()
LETTER = (
    "Mend the pier\n\nIt is rotten, as we all know.\n\nWe ask:\n{}\n\nThank you for reading this letter.\n"
)


def demands(items: list[str]) -> list[tuple[str, str]]:
    reading = read(LETTER.format("\n".join(items)), "en")
    return [(line.role.value, line.content) for line in reading.of(Role.DEMAND, Role.PART)]


THREE = [("demand", "mend it"), ("demand", "soon"), ("demand", "with oak")]


@pytest.mark.parametrize("numbering", NUMBERINGS)
def test_any_numbering_is_a_list(numbering: str) -> None:
    marks = numbering.replace("．", "． ").split()
    assert demands([f"{mark} {text}" for mark, (_, text) in zip(marks, THREE, strict=True)]) == THREE


@pytest.mark.parametrize(
    "numbering",
    ["1) 2) 3)", "1. 2. 3.", "① ② ③", "１． ２． ３．", "(1) (2) (3)", "a) b) c)", "一、 二、 三、"],
)
def test_a_numbering_needs_no_space(numbering: str) -> None:
    assert (
        demands([f"{mark}{text}" for mark, (_, text) in zip(numbering.split(), THREE, strict=True)]) == THREE
    )


@pytest.mark.parametrize("sign", SIGNS)
def test_any_repeated_sign_is_a_list(sign: str) -> None:
    assert demands([f"{sign} {text}" for _, text in THREE]) == THREE
    assert demands([f"{sign}\t{text}" for _, text in THREE]) == THREE


@pytest.mark.parametrize("sign", "- • · ✓ → ▷ ★ ㅇ ❖".split())
def test_a_repeated_sign_needs_no_space(sign: str) -> None:
    assert demands([f"{sign}{text}" for _, text in THREE]) == THREE


def test_items_may_be_broken_over_lines_or_explained() -> None:
    items = [
        "▷ mend it, which means that every beam must be looked at,",
        "and replaced if it is soft",
        "▷ soon",
        "▷ with oak",
    ]
    assert [role for role, _ in demands(items)] == ["demand"] * 4
    explained = ["1. mend it", "", "The beams are soft.", "", "2. soon", "", "3. with oak"]
    reading = read(LETTER.format("\n".join(explained)), "en")
    assert [line.continues for line in reading.of(Role.DEMAND)] == [False, True, False, False]


def test_a_sign_that_is_not_repeated_is_a_note() -> None:
    reading = read(
        "Mend the pier\n\n★ It is rotten, as everybody on the island knows.\n\nWe ask:\n- a\n- b\n"
    )
    assert reading.lines[2].role == Role.BACKGROUND and "Line 3 begins with “★”" in reading.notes[0]


NO_MARKS = [
    "J. Smith",
    "12 March 2026",
    "1.5 million people a year use it.",
    "I. Newton lived here.",
    "2026 was a bad year.",
    "(see above)",
]


@pytest.mark.parametrize("text", NO_MARKS)
def test_what_only_looks_like_a_mark_is_none(text: str) -> None:
    reading = read(f"Mend the pier\n\n{text}\n\nWe ask:\n- a\n- b\n", "en")
    assert reading.lines[2].mark == "" and reading.lines[2].role not in (Role.DEMAND, Role.PART)


@pytest.mark.parametrize(
    "bracket",
    [
        "[서명운동] 다리를 다시 놓아 주십시오",
        "【공개】 다리를 다시",
        "(긴급) 다리를 다시 놓아 주십시오",
        "«Мост» нужен городу",
    ],
)
def test_a_bracket_at_the_start_of_a_title_stays(bracket: str) -> None:
    reading = read(f"{bracket}\n\n우리는 요구합니다:\n- 다리\n- 등불\n", "ko")
    assert reading.lines[0].role == Role.TITLE and reading.lines[0].content == bracket


@pytest.mark.parametrize(
    ("paragraph", "demands"),
    [
        ("First, we ask for a date. Second, for a ferry.", ["First, we ask for a date.", "Second, for a ferry."]),
        ("So we demand: (1) a date; (2) a ferry.", ["So we demand:", "> a date", "> a ferry."]),
        ("We demand a date (see page 1) and a ferry.", ["We demand a date (see page 1) and a ferry."]),
        ("We demand a ferry. First, however, a date.", ["We demand a ferry. First, however, a date."]),
    ],
)  # fmt: skip
def test_demands_in_one_paragraph_are_divided_if_they_count(paragraph: str, demands: list[str]) -> None:
    reading = read(f"Mend the pier\n\nIt is rotten, as we all know.\n\n{paragraph}\n", "en")
    text = folder.parse(folder_from(reading).files).texts["en"]
    flat = [
        one for demand in text.demands for one in (demand.text, *(f"> {part.text}" for part in demand.parts))
    ]
    assert flat == demands
