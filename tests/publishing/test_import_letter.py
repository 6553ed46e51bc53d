"""Carol imports letters: she sees the role of each line, corrects it, and adds the letter in another language."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sabal.cli import main
from sabal.petitions.models import Petition
from sabal.publishing import drafts
from sites import SiteOfTests

ENGLISH = """Give Mill Street its night bus back

To: The Mayor; The Transport Committee
From: Friends of the night bus

The last bus goes at nine, and many people here work until ten.

We demand:
1. A bus at eleven
   a) also on Sundays
2. A lamp at the stop

We shall gladly explain this.

Yours sincerely,
Carol Baker
carol@bus.example
"""
KOREAN = """밀 거리에 밤 버스를 돌려주십시오

수신: 시장, 교통위원회
발신: 밤 버스의 벗

막차는 아홉 시에 끊기지만 많은 주민이 열 시까지 일합니다.

우리의 요구:
1. 열한 시 버스
   가) 일요일 포함
2. 정류장의 등불
"""


@pytest.fixture
def letters(tmp_path: Path) -> Path:
    (tmp_path / "en.txt").write_text(ENGLISH, "utf-8")
    (tmp_path / "ko.txt").write_text(KOREAN, "utf-8")
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["import", *arguments], catch_exceptions=False)


SLUG = "give-mill-street-its-night-bus-back"


def test_the_command_shows_the_role_of_each_line_and_what_to_check(site: SiteOfTests, letters: Path) -> None:
    result = run(str(letters / "en.txt"))
    lines = result.output.splitlines()
    assert (result.exit_code, lines[0], lines[1]) == (0, SLUG, "Language: en")
    shown = [line.split(maxsplit=2) for line in lines[2:]]
    for row in (
        ["1", "title", "Give Mill Street its night bus back"],
        ["3", "recipient", "The Mayor; The Transport Committee"],
        ["9", "demand", "A bus at eleven"],
        ["10", "part", "also on Sundays"],
        ["15", "signature", "Yours sincerely,"],
        ["17", "contact", "carol@bus.example"],
    ):
        assert row in shown
    assert "To check: Line 17 has a contact (email address). It is not published." in lines
    assert "To do before publishing: `profile` is not chosen yet." in result.output
    assert "carol@bus.example" not in "".join(drafts.export_files(SLUG).values())


def test_a_role_can_be_corrected(site: SiteOfTests, letters: Path) -> None:
    assert run(str(letters / "en.txt"), "--role", "13=background", "--role", "17=closing").exit_code == 0
    text = drafts.definition(SLUG).texts["en"]
    assert "We shall gladly explain this." in text.sections[0].body
    assert [section.body for section in text.closing] == ["carol@bus.example"]


@pytest.mark.parametrize(
    ("role", "sentence"),
    [
        ("13", "such as 12=background"),
        ("13=poem", "Roles: title,"),
        ("x=title", "such as"),
        ("99=title", "no such line"),
    ],
)
def test_a_role_that_does_not_exist_is_refused(
    site: SiteOfTests, letters: Path, role: str, sentence: str
) -> None:
    result = run(str(letters / "en.txt"), "--role", role)
    assert result.exit_code == 2 and sentence in result.stderr and not Petition.objects.exists()


def test_a_letter_in_another_language_is_added_to_a_draft(site: SiteOfTests, letters: Path) -> None:
    run(str(letters / "en.txt"), "--profile", "open")
    result = run(str(letters / "ko.txt"), "--into", SLUG)
    assert result.exit_code == 0 and result.output.splitlines()[:2] == [SLUG, "Language: ko"]
    definition = drafts.definition(SLUG)
    assert (
        definition.languages == ("en", "ko")
        and definition.authoritative == "en"
        and definition.profile == "open"
    )
    assert definition.texts["ko"].title == "밀 거리에 밤 버스를 돌려주십시오"
    assert dict(definition.organiser) == {"en": "Friends of the night bus", "ko": "밤 버스의 벗"}
    assert [dict(one.name) for one in definition.recipients] == [
        {"en": "The Mayor", "ko": "시장"},
        {"en": "The Transport Committee", "ko": "교통위원회"},
    ]
    assert run(str(letters / "ko.txt"), "--into", SLUG).exit_code == 0  # again: the text is replaced
    assert drafts.definition(SLUG) == definition


def test_a_translation_with_other_demands_is_refused_with_what_to_do(
    site: SiteOfTests, letters: Path
) -> None:
    run(str(letters / "en.txt"))
    (letters / "ko.txt").write_text(KOREAN.replace("2. 정류장의 등불\n", ""), "utf-8")
    result = run(str(letters / "ko.txt"), "--into", SLUG)
    assert result.exit_code == 2 and "do not match those of the petition" in result.stderr
    assert drafts.definition(SLUG).languages == ("en",)


def test_a_translation_that_names_other_recipients_says_so(site: SiteOfTests, letters: Path) -> None:
    run(str(letters / "en.txt"))
    (letters / "ko.txt").write_text(KOREAN.replace(", 교통위원회", ""), "utf-8")
    result = run(str(letters / "ko.txt"), "--into", SLUG)
    assert "The petition has 2 recipients, this letter names 1: 시장." in result.output


def test_the_hint_is_drawn_at_random_for_each_petition(site: SiteOfTests, letters: Path) -> None:
    hints = set()
    for _ in range(6):
        run(str(letters / "en.txt"))
        hints.add(drafts.definition(SLUG).hint)
    assert len(hints) > 1


def test_the_language_can_be_said(site: SiteOfTests, letters: Path) -> None:
    result = run(str(letters / "en.txt"), "--language", "en-gb")
    assert drafts.definition(SLUG).languages == ("en-gb",)
    assert "Its words look like" not in result.output
    assert "Language: de" in run(str(letters / "en.txt"), "--language", "de").output
    assert run(str(letters / "en.txt"), "--language", "English!").exit_code == 2


def test_options_of_letters_are_refused_for_a_folder(site: SiteOfTests, tmp_path: Path) -> None:
    assert "are for a letter" in run(str(tmp_path), "--into", "x").stderr


def test_the_draft_of_an_unknown_petition_is_refused(site: SiteOfTests, letters: Path) -> None:
    assert run(str(letters / "ko.txt"), "--into", "nothing").exit_code == 2
