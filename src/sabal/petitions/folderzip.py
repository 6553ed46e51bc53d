"""A petition folder as a .zip file, read from and written for a browser. No Django here.

A hostile file costs at most its own size: the number of files and the bytes of each are limited while they are read.
"""

import io
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping

from sabal.petitions import picture, postfiles
from sabal.petitions.definition import FILE_BYTES, FolderError, Problem
from sabal.petitions.folder import UNKNOWN_FILE, is_known
from sabal.refusal import Refusal

ZIP_BYTES = 10_000_000
ENTRIES = 200
WHEN = (1980, 1, 1, 0, 0, 0)  # the same files always give the same bytes

BESIDE = ("progress", postfiles.FOLDER)
"""Folders of what happened after publishing. They are exported and not imported."""

_LEFT_BY_COMPUTERS = ("__macosx", "thumbs.db", "desktop.ini")


def from_zip(content: bytes, name: str) -> dict[str, str]:
    """Return the files in a .zip file (name → text). They may be in one folder. `name` is the file's name in errors.

    Hidden files, and those that operating systems add, are left out. Raises FolderError.
    """
    if len(content) > ZIP_BYTES:
        raise _refusal(name, TOO_LARGE)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = [entry for entry in archive.infolist() if not _is_beside(entry.filename)]
            if len(entries) > ENTRIES:
                raise _refusal(name, MANY_FILES)
            return _files(archive, list(_of_petition(entries)))
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, ValueError, OSError) as error:
        raise _refusal(name, "This is not a .zip file, or it is damaged.") from error


def as_zip(files: Mapping[str, str], beside: Mapping[str, bytes] | None = None) -> bytes:
    """Return the files as a .zip file. `beside` are files of the folders in `BESIDE`, by path."""
    contents = {name: picture.as_bytes(name, text) for name, text in files.items()} | dict(beside or {})
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(contents.items()):
            entry = zipfile.ZipInfo(name, WHEN)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o100644 << 16
            archive.writestr(entry, content)
    return out.getvalue()


def _is_beside(name: str) -> bool:
    """Return whether a file is in one of the folders that are not imported."""
    steps = name.replace("\\", "/").split("/")
    return ".." not in steps and any(one in BESIDE for one in steps[:-1][:2])


MANY_FILES = (
    "This .zip file has too many files. A petition folder has petition.toml and one file for each language."
)
TOO_LARGE = "This .zip file is too large. A petition folder has at most 10 MB, and 200 kB a file."
SYMBOLIC_LINK = "The .zip file contains a symbolic link. Put the file itself into it."
LEADS_OUT = "The name of a file in the .zip file leads out of its folder."


def _of_petition(entries: list[zipfile.ZipInfo]) -> Iterator[tuple[str, zipfile.ZipInfo]]:
    """Yield the entries that are files of the petition, with their names. Raises FolderError for one that is not."""
    folders = set()
    for entry in entries:
        path = entry.filename.replace("\\", "/")
        steps = path.rstrip("/").split("/")
        shown = path[-100:]
        if path.startswith("/") or ".." in steps or ":" in path or "\0" in path:
            raise _refusal(shown, LEADS_OUT)
        if any(step.startswith(".") or step.lower() in _LEFT_BY_COMPUTERS for step in steps):
            continue
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise _refusal(shown, SYMBOLIC_LINK)
        if entry.is_dir():
            steps.append("")
        folders.add(tuple(steps[:-1]))
        if len(steps) > 2 or len(folders - {()}) > 1 or (steps[-1] and len(folders) > 1):
            raise _refusal(
                shown,
                "The .zip file has folders within the folder. The files of a petition are in one folder.",
            )
        if steps[-1]:
            yield steps[-1], entry


def _files(archive: zipfile.ZipFile, entries: list[tuple[str, zipfile.ZipInfo]]) -> dict[str, str]:
    files: dict[str, str] = {}
    for name, entry in entries:
        if not is_known(name):
            raise _refusal(name, UNKNOWN_FILE)
        if name in files:
            raise _refusal(name, "The .zip file contains this file twice.")
        files[name] = _taken(archive, name, entry)
    return files


def _taken(archive: zipfile.ZipFile, name: str, entry: zipfile.ZipInfo) -> str:
    if entry.flag_bits & 0x1:
        raise _refusal(name, "The .zip file is encrypted. Make it again without a password.")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise _refusal(
            name,
            "The .zip file is packed in a way that is not read here. Make it again as a usual .zip file.",
        )
    with archive.open(entry) as file:
        most = picture.FILE_BYTES if name == picture.NAME else FILE_BYTES
        content = file.read(most + 1)  # what the file says of its own size may be untrue
    if len(content) > most:
        raise _refusal(name, TOO_LARGE)
    if name == picture.NAME:
        try:
            return picture.imported(content)
        except Refusal as refusal:
            raise _refusal(name, str(refusal)) from refusal
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _refusal(name, "This is not UTF-8 text. Save the file as UTF-8.") from error


def _refusal(file: str, sentence: str) -> FolderError:
    return FolderError([Problem(file, 1, sentence)])
