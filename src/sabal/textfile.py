"""Read text that people saved with any program: in UTF-8 with or without a byte order mark, or in UTF-16.

Windows PowerShell writes UTF-16. What is no text, such as a Word document, is named for what it is.
"""

import codecs
import re
from pathlib import Path

from sabal.refusal import Refusal

MOST_BYTES = 4 << 20

# The longer mark is first, because that of UTF-16 begins it.
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
BEGINNING = 256
"""How many bytes show the encoding of a text."""

_KINDS = {
    b"{\\rtf": "an RTF document",
    b"%PDF": "a PDF",
    b"\xd0\xcf\x11\xe0": "a document of an old version of Word or Excel",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
}
_ZIPPED = {
    b"word/": "a Word document",
    b"xl/": "an Excel file",
    b"opendocument": "a document of LibreOffice",
    b"Index/Document.iwa": "a Pages document",
}
_WITHOUT_TEXT = ("a picture", "a zip file")
_PAGE = re.compile(rb"\s*<(!doctype html|html|\?xml)", re.IGNORECASE)


class NotText(Refusal):
    """The bytes are no text. The sentence is what they are, without a subject: `is a picture, not text. …`."""


def read(path: Path) -> str:
    """Return the text of a file. Raise `Refusal`, which names the file, and `OSError`."""
    try:
        return decode(read_bytes(path))
    except NotText as error:
        raise Refusal(f"{path} {error}") from None


def read_bytes(path: Path) -> bytes:
    """Return the bytes of a short file. Raise `Refusal` if it is longer than `MOST_BYTES`, and `OSError`."""
    with path.open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise Refusal(f"{path} is too long to be such a file. Is it another one?")
    return data


def decode(data: bytes) -> str:
    """Return bytes as text without a byte order mark. Raise `NotText`."""
    encoding = encoding_of(data)
    if (kind := _kind(data)) is not None:
        hint = (
            "Give the text file itself" if kind in _WITHOUT_TEXT else "Copy its text into a plain text file"
        )
        raise NotText(f"is {kind}, not text. {hint}.")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        raise NotText("is not text in UTF-8. Save it again as plain text in UTF-8.") from None
    if "\0" in text:
        raise NotText("is not text. Is it another file?")
    return text


def encoding_of(beginning: bytes) -> str:
    """Return the encoding of a text by its first `BEGINNING` bytes.

    Without a mark it is UTF-16 if every second byte is often zero, as for ASCII characters.
    """
    for mark, encoding in _MARKS.items():
        if beginning.startswith(mark):
            return encoding
    high, low = (beginning[start:BEGINNING:2].count(0) for start in (0, 1))
    enough = min(len(beginning), BEGINNING) // 8
    if max(high, low) > enough and min(high, low) * 4 < max(high, low):
        return "utf-16-le" if low > high else "utf-16-be"
    return "utf-8"


def _kind(data: bytes) -> str | None:
    if data.startswith(b"PK\3\4"):
        return next((kind for part, kind in _ZIPPED.items() if part in data), "a zip file")
    if _PAGE.match(data):
        return "a web page"
    return next((kind for magic, kind in _KINDS.items() if data.startswith(magic)), None)
