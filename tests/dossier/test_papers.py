"""Cover sheets, summaries for journalists and signature sheets: one page each, with what they must say."""

import io
import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pypdf
import pytest
from click.testing import CliRunner

from dossier.reading import claims, faults, text_of, without_spaces
from sabal.cli import main
from sabal.dossier import languages
from sabal.dossier.bundle import BundleFile
from sabal.dossier.cover import cover
from sabal.dossier.files import press_file, sheets_file
from sabal.dossier.languages import LANGUAGES, words_in
from sabal.dossier.letter import Handover, recipient_of
from sabal.dossier.sheets import PAPERS, Sheets, sheet_languages
from sabal.dossier.typesetting import can_print, typeset
from sabal.operating.printing import papers
from sabal.petitions import folder
from sabal.petitions.counts import Counts
from sabal.petitions.growth import Totals
from sabal.petitions.snapshot import PetitionSnapshot, draft
from sabal.refusal import Refusal
from served import SLUG
from sites import EXAMPLE, TODAY, SiteOfTests, replace_key

HANDOVER = Handover(day=TODAY, bundle=BundleFile("log.zip", "ab" * 32))
COUNTS = Counts(confirmed=1_240, withdrawn=4, invalidated=2, countries=(("KR", 1_000), ("FR", 200)))


@pytest.fixture(scope="module")
def petition() -> PetitionSnapshot:
    """Return an open petition that many signed within ten days. It is in no database."""
    files = folder.read(EXAMPLE)
    files["petition.toml"] = replace_key(files["petition.toml"], "profile", '"open"')
    found = draft(folder.parse(files))
    history = tuple(Totals(date(2026, 11, 10 + at), at * 100, 0, 0) for at in range(13))
    return replace(found, counts=COUNTS, history=history, opened_on=date(2026, 11, 10))


def pages(pdf: bytes) -> int:
    return len(pypdf.PdfReader(io.BytesIO(pdf)).pages)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_cover_sheet_is_one_page(petition: PetitionSnapshot, tmp_path: Path, language: str) -> None:
    made = typeset(cover(petition, recipient_of(petition, "unhcr"), language, HANDOVER))
    words, text = words_in(language), text_of(made)
    assert pages(made) == 1 and faults(made, tmp_path) == []
    for expected in (
        words["receipt"],
        words["receipt_stamp"],
        words["cover_letter"],
        "ab" * 32,
        f"{SLUG} / unhcr",
    ):
        assert without_spaces(expected) in text
    assert without_spaces(words.count("submit_count", 1_234, date=words.day(TODAY))) in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_summary_for_journalists_is_one_page(
    petition: PetitionSnapshot, tmp_path: Path, language: str
) -> None:
    made = press_file(petition, HANDOVER, language)
    words, text = words_in(language), text_of(made.data)
    assert pages(made.data) == 1 and faults(made.data, tmp_path) == []
    for expected in (words["press"], words.count("number", 1_234), words["limits"], words["growth"]):
        assert without_spaces(expected) in text
    assert claims(made.data)["title"].startswith(words["press"])


def test_a_summary_without_a_number_says_why() -> None:
    guarded = draft(folder.parse(folder.read(EXAMPLE)))
    text = text_of(press_file(guarded, HANDOVER, "en").data)
    assert "Thefirstsignaturesarebeinggathered" in text and not re.search(r"(?<!\d)0signature", text)


@pytest.mark.parametrize("paper", PAPERS)
@pytest.mark.parametrize("language", ("en", "ko", "zh-hans", "ja"))
def test_each_sheet_is_one_page_with_its_number(
    petition: PetitionSnapshot, tmp_path: Path, paper: str, language: str
) -> None:
    usual, most = PAPERS[paper]
    for lines, expected in ((0, usual), (most, most)) if language == "ko" else ((0, usual),):
        wanted = Sheets(language, paper, lines, first=98, number=3)
        made = sheets_file(petition, wanted, TODAY)
        text, words = text_of(made.data), words_in(language)
        assert pages(made.data) == 3 and faults(made.data, tmp_path) == []
        for number in (98, 99, 100):
            assert without_spaces(words.say("sheet_number", number=str(number))) in text
        assert str(expected) in text
        assert text.count(without_spaces(words["sheet_get_count"])) == 3
        assert without_spaces(words.day(petition.definition.retention)) in text
        assert without_spaces(words["sheet_danger"]) not in text  # an open petition puts nobody in danger


def test_a_guarded_sheet_warns() -> None:
    guarded = draft(folder.parse(folder.read(EXAMPLE)))
    text = text_of(sheets_file(guarded, Sheets("ko"), TODAY).data)
    assert without_spaces(words_in("ko")["sheet_danger"]) in text


def test_sheets_are_in_a_language_that_can_be_signed(petition: PetitionSnapshot) -> None:
    assert sheet_languages(petition) == ["en", "ko", "zh-hans", "ja"]
    with pytest.raises(Refusal, match="en, ko, zh-hans, ja"):
        sheets_file(petition, Sheets("fr"), TODAY)
    for wrong in (
        Sheets("en", "a5"),
        Sheets("en", lines=99),
        Sheets("en", number=101),
        Sheets("en", first=0),
    ):
        with pytest.raises(Refusal):
            sheets_file(petition, wrong, TODAY)


def test_many_sheets_are_made_in_time(petition: PetitionSnapshot) -> None:
    made = sheets_file(petition, Sheets("ko", "a3", 40, number=100), TODAY)
    assert pages(made.data) == 100 and len(made.data) < 10_000_000


def test_the_commands_write_them(site: SiteOfTests, tmp_path: Path) -> None:
    site.publish(profile='"open"')
    out = tmp_path / "sheets.pdf"
    arguments = ["sheets", SLUG, "--language", "ko", "--number", "2", "--first", "7", "--out", str(out)]
    done = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert done.exit_code == 0 and "제8호" in text_of(out.read_bytes())
    out = tmp_path / "press.pdf"
    arguments = ["dossier", SLUG, "--kind", "press", "--language", "fr", "--out", str(out)]
    done = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert done.exit_code == 0 and "Résuméàl’intentiondelapresse" in text_of(out.read_bytes())
    both = CliRunner().invoke(main, ["dossier", SLUG, "--out", str(tmp_path / "x.pdf")])
    assert both.exit_code == 2 and "need --recipient" in both.output


def test_the_doctor_says_which_languages_can_be_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert all(can_print(language) for language in LANGUAGES)
    (found,) = papers()
    assert found.level == "ok" and "en, fr, ja, ko, zh-hans" in found.sentence
    monkeypatch.setattr(languages, "_PACKAGES", ("no_such_fonts",))
    monkeypatch.setattr("sabal.dossier.typesetting.font_folders", languages.font_folders.__wrapped__)
    (found,) = papers()
    assert found.level == "warning" and "cannot be printed in ja, ko, zh-hans" in found.sentence
