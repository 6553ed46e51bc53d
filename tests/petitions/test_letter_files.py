"""Read the files of letters: plain text in the encodings of Windows, Word documents, and what is refused."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sabal.petitions import folder
from sabal.petitions.definition import FolderError
from sabal.petitions.letters.letter import folder_from, read_text
from sabal.petitions.letters.textfile import UNPACKED_BYTES, read_letter, text_of_letter

from .document import packed, word_document

DOCUMENT = word_document(
    [
        ("", "Mend the footbridge"),
        ("", "To:"),
        ("1:0", "The Parish Council"),
        ("1:0", "The Rivers Authority"),
        ("", "The footbridge has been closed for a year,<br/>and nobody says why."),
        ("", "We ask the council to:"),
        ("2:0", "mend the beams"),
        ("2:1", "before the winter"),
        ("2:1", "with oak"),
        ("2:0", "replace the rail"),
        ("", "Thank you,"),
        ("", "The people of the weir"),
    ]
)


def test_a_word_document_keeps_its_lists(tmp_path: Path) -> None:
    path = tmp_path / "letter.docx"
    path.write_bytes(DOCUMENT)
    definition = folder.parse(folder_from(read_text(read_letter(path))).files)
    text = definition.texts["en"]
    assert text.title == "Mend the footbridge"
    assert [recipient.name["en"] for recipient in definition.recipients] == [
        "The Parish Council",
        "The Rivers Authority",
    ]
    assert text.sections[0].body == "The footbridge has been closed for a year, and nobody says why."
    assert text.demands_heading == "We ask the council to"
    assert [(demand.text, [part.text for part in demand.parts]) for demand in text.demands] == [
        ("mend the beams", ["before the winter", "with oak"]),
        ("replace the rail", []),
    ]
    assert text.closing == ()


@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_letters_of_windows_are_read(tmp_path: Path, coding: str, end: str) -> None:
    path = tmp_path / "letter.txt"
    path.write_bytes(f"请保留菜市场{end}致：市长{end}".encode(coding))
    reading = read_text(read_letter(path))
    assert [line.content for line in reading.lines if line.text] == ["请保留菜市场", "市长"]


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FolderError, match="There is no such file"):
        read_letter(tmp_path / "none.txt")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "The letter is empty."),
        (b" \n---\n* * *\n", "The letter is empty."),
        (b"x" * 60_001, "longer than 60 kB"),
        (b"text\0", "This is not text."),
        (
            b"%PDF-1.7\n\xe2\xe3\xcf\xd3",
            "This is a PDF file. Save the letter as plain text (.txt) or as a Word document (.docx).",
        ),
        (rb"{\rtf1\ansi Keep the bus}", "This is a file in Rich Text Format (.rtf). Save the letter as"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "This is a document of an old Word (.doc). Save the letter as"),
        (b"<!DOCTYPE html><p>Keep the bus", "This is a web page. Save the letter as"),
        (b"\xff\xd8\xff\xe0", "This is not plain text in UTF-8. Save the letter as"),
        (
            packed({"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": "<a/>"}),
            "OpenDocument file (.odt)",
        ),
        (packed({"xl/workbook.xml": "<a/>"}), "This is no Word document."),
        (packed({"word/document.xml": "<a"}), "This Word document cannot be read."),
        (packed({"word/document.xml": " " * (UNPACKED_BYTES + 1)}), "longer than 60 kB"),
        (DOCUMENT[:-30], "This Word document cannot be read."),
        ("a⟦token⟧".encode(), "The brackets ⟦ and ⟧ cannot be used here."),
        (("a" + "\u0315\u0300" * 12_000).encode(), "more than 10 marks on one letter"),
        (b"Title\nAGE-SECRET-KEY-1QQQ", "A secret key is in this file."),
    ],
    ids=lambda value: value[:12] if isinstance(value, str) else "",
)
def test_a_file_that_is_not_a_letter_is_refused_with_what_to_do(content: bytes, sentence: str) -> None:
    with pytest.raises(FolderError) as caught:
        read_text(text_of_letter(content, "letter"), name="letter")
    assert len(caught.value.problems) == 1 and sentence in caught.value.problems[0].sentence


def test_a_document_that_names_entities_or_files_opens_none(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hidden")
    body = (
        f'<!DOCTYPE a [<!ENTITY x SYSTEM "{secret.as_uri()}">]><w:document xmlns:w='
        '"http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r><w:t>a&x;b</w:t></w:r></w:p>'
        "</w:body></w:document>"
    )
    try:
        assert "hidden" not in text_of_letter(packed({"word/document.xml": body}), "letter")
    except FolderError as error:
        assert "cannot be read" in str(error)


@given(st.binary(max_size=200) | st.binary(max_size=60).map(lambda end: DOCUMENT[:1200] + end))
def test_any_bytes_are_a_letter_or_refused(content: bytes) -> None:
    try:
        assert isinstance(text_of_letter(content, "letter"), str)
    except FolderError as error:
        assert len(error.problems) == 1
