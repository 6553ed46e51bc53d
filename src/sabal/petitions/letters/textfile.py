"""Read the file of a letter: plain text, or a Word document (.docx) with its lists."""

import io
import zipfile
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path

from sabal.petitions.definition import FolderError, Problem

LETTER_BYTES = 60_000
DOCUMENT_BYTES = 10_000_000
# A small compressed file can hold a huge one.
UNPACKED_BYTES = 6_000_000
PARAGRAPHS = 10_000  # of a Word document, with the properties of each

_PLAIN = "Save the letter as plain text (.txt) or as a Word document (.docx)."
# The first bytes of files that people take for text.
_KINDS = (
    (b"{\\rtf", "This is a file in Rich Text Format (.rtf)"),
    (b"\xd0\xcf\x11\xe0", "This is a document of an old Word (.doc)"),
    (b"%PDF", "This is a PDF file"),
    (b"<!DOCTYPE", "This is a web page"),
    (b"<html", "This is a web page"),
)
_BLOCKS = frozenset("p h1 h2 h3 h4 h5 h6 li tr br div blockquote".split())


def read_letter(path: Path) -> str:
    """Return the text of the letter at `path`: .docx, UTF-8, or UTF-16 with a byte order mark. Raises FolderError."""
    try:
        if not path.is_file():
            raise FolderError([Problem(str(path), 1, "There is no such file.")])
        with path.open("rb") as file:
            content = file.read(DOCUMENT_BYTES + 1)
    except OSError as error:
        raise FolderError([Problem(str(path), 1, f"The file cannot be read: {error.strerror}.")]) from error
    return text_of_letter(content, str(path))


def text_of_letter(content: bytes, name: str) -> str:
    """Return the text in the bytes of a letter's file. `name` is the file's name in errors. Raises FolderError."""
    if content.startswith(b"PK\x03\x04"):
        return _text_of_document(content, name)
    for start, kind in _KINDS:
        if content.lstrip().startswith(start):
            raise FolderError([Problem(name, 1, f"{kind}. {_PLAIN}")])
    if len(content) > LETTER_BYTES:
        raise FolderError([too_long(name)])
    coding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    try:
        return content.decode(coding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        sentence = f"This is not plain text in UTF-8. {_PLAIN} Choose UTF-8 if you are asked."
        raise FolderError([Problem(name, line, sentence)]) from error


def too_long(name: str) -> Problem:
    sentence = f"The letter is longer than {LETTER_BYTES // 1000} kB. Shorten it, or write a petition folder."
    return Problem(name, 1, sentence)


def _text_of_document(content: bytes, name: str) -> str:
    import mammoth

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
            parts = [entry for entry in archive.infolist() if entry.filename.endswith((".xml", ".rels"))]
            size = sum(entry.file_size for entry in parts)
        if "content.xml" in names:
            raise FolderError([Problem(name, 1, f"This is an OpenDocument file (.odt). {_PLAIN}")])
        if "word/document.xml" not in names:
            raise FolderError([Problem(name, 1, f"This is no Word document. {_PLAIN}")])
        if len(content) > DOCUMENT_BYTES or size > UNPACKED_BYTES:
            raise FolderError([too_long(name)])
        if _paragraphs(content) > PARAGRAPHS:
            raise FolderError([too_long(name)])
        html = mammoth.convert_to_html(
            io.BytesIO(content), convert_image=mammoth.images.img_element(lambda image: {})
        )
    except FolderError:
        raise
    except Exception as error:  # a damaged document can raise anything in the parsers below
        raise FolderError([Problem(name, 1, f"This Word document cannot be read. {_PLAIN}")]) from error
    reader = _DocumentReader()
    reader.feed(html.value)
    return reader.text()


def _paragraphs(content: bytes) -> int:
    """Return the number of paragraphs of a document. Reading each costs far more than its bytes."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return archive.read("word/document.xml").count(b"<w:p")


class _DocumentReader(HTMLParser):
    """Turns the HTML that mammoth makes of a document into lines, with marks and indents for its lists."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.line = ""
        self.lists: list[tuple[str, int]] = []
        self.in_footnote = False

    def text(self) -> str:
        self._end_line()
        return "\n".join(self.lines)

    def handle_starttag(self, tag: str, attributes: Sequence[tuple[str, str | None]]) -> None:
        if tag in _BLOCKS:
            self._end_line()
        if tag in ("ul", "ol"):
            self._end_line()
            self.lists.append((tag, 0))
        elif tag == "li":
            kind, number = self.lists[-1]
            self.lists[-1] = (kind, number + 1)
            self.in_footnote = (dict(attributes).get("id") or "").startswith(("footnote-", "endnote-"))
            mark = f"[{number + 1}]" if self.in_footnote else f"{number + 1}." if kind == "ol" else "-"
            self.line = f"{'   ' * (len(self.lists) - 1)}{mark} "
        elif tag in ("p", "h1", "h2", "h3", "h4", "h5", "h6") and not self.lists:
            self.lines.append("")
            self.line = f"{'#' * int(tag[1])} " if tag[0] == "h" else ""

    def handle_endtag(self, tag: str) -> None:
        if tag in _BLOCKS:
            self._end_line()
        if tag in ("ul", "ol"):
            self.lists.pop()
            self.lines.append("")
        elif tag == "td":
            self.line += "  "

    def handle_data(self, data: str) -> None:
        self.line += data.replace("\n", " ")

    def _end_line(self) -> None:
        if self.line.strip():
            self.lines.append(self.line.rstrip())
        self.line = ""
