"""A petition folder as a .zip file: the same bytes again, and every file that is none is refused with a sentence."""

import io
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from sabal.petitions import folder
from sabal.petitions.definition import FolderError
from sabal.petitions.folderzip import ENTRIES, as_zip, from_zip

EXAMPLE = folder.read(Path(__file__).parents[2] / "petitions" / "stop-forced-repatriation")


def zipped(*entries: tuple[str | zipfile.ZipInfo, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return out.getvalue()


def test_what_is_written_is_read_and_written_again() -> None:
    content = as_zip(EXAMPLE)
    assert from_zip(content, "x.zip") == EXAMPLE and as_zip(from_zip(content, "x.zip")) == content


def test_the_files_may_be_in_a_folder_with_what_computers_add() -> None:
    files = [(f"night-bus/{name}", text.encode()) for name, text in EXAMPLE.items()]
    more = [
        ("night-bus/", b""),
        ("__MACOSX/night-bus/._en.md", b"\x00\x05"),
        ("night-bus/.DS_Store", b"\x00"),
        ("night-bus/Thumbs.db", b"\x00"),
    ]
    assert from_zip(zipped(*more, *files), "x.zip") == EXAMPLE


def link() -> bytes:
    entry = zipfile.ZipInfo("en.md")
    entry.create_system, entry.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    return zipped((entry, b"/etc/passwd"))


def lying() -> bytes:
    """Return a file whose entry says that it is small, and is not."""
    content = bytearray(zipped(("en.md", b" " * 3_000_000)))
    size = struct.pack("<I", 3_000_000)
    while (at := content.find(size)) >= 0:
        content[at : at + 4] = struct.pack("<I", 100)
    return bytes(content)


def encrypted() -> bytes:
    content = bytearray(zipped(("en.md", b"x")))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + at] |= 1
    return bytes(content)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: b"", "not a .zip file"),
        (lambda: b"PK\x03\x04 broken", "not a .zip file"),
        (lambda: b"%PDF-1.7", "not a .zip file"),
        (lambda: as_zip(EXAMPLE)[:-40], "not a .zip file"),
        (lambda: as_zip(EXAMPLE).replace(b"\x78", b"\x79"), "not a .zip file"),
        (lambda: b"x" * 10_000_001, "too large"),
        (lambda: zipped(("en.md", b" " * 50_000_000)), "too large"),
        (lying, "damaged|too large"),
        (lambda: zipped(*((f"{n}.md", b"") for n in range(ENTRIES + 1))), "too many files"),
        (lambda: zipped(("../en.md", b"")), "leads out"),
        (lambda: zipped(("a/../../en.md", b"")), "leads out"),
        (lambda: zipped(("/etc/en.md", b"")), "leads out"),
        (lambda: zipped(("..\\en.md", b"")), "leads out"),
        (lambda: zipped(("C:\\en.md", b"")), "leads out"),
        (link, "symbolic link"),
        (lambda: zipped(("a/b/en.md", b"")), "folders within"),
        (lambda: zipped(("a/en.md", b""), ("b/ko.md", b"")), "folders within"),
        (lambda: zipped(("en.md", b""), ("b/ko.md", b"")), "folders within"),
        (lambda: zipped(("en.md", b""), ("en.md", b"x")), "twice"),
        (lambda: zipped(("run.exe", b"")), "A petition folder holds"),
        (lambda: zipped(("EN.md", b"")), "A petition folder holds"),
        (lambda: zipped(("<script>.md", b"")), "A petition folder holds"),
        (encrypted, "encrypted"),
        (lambda: zipped(("en.md", b"x"), method=zipfile.ZIP_BZIP2), "packed in a way"),
        (lambda: zipped(("en.md", b"\xff\xfe")), "not UTF-8"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_what_is_no_petition_folder_is_refused(make: Callable[[], bytes], said: str) -> None:
    with pytest.raises(FolderError, match=said):
        from_zip(make(), "x.zip")
