"""The picture in a petition folder: the same bytes after export and import, and nothing but a picture."""

import base64
import hashlib
import io
import json
import struct
import zipfile
from contextlib import suppress
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sabal.petitions import folder, picture
from sabal.petitions.definition import Definition, FolderError
from sabal.petitions.editing import with_wording, wording
from sabal.petitions.folderzip import as_zip, from_zip
from sabal.petitions.history import PublishedVersion, difference
from sabal.petitions.manifest import render
from sabal.petitions.pieces import pieces_of
from sabal.petitions.snapshot import draft
from sabal.pictures import PICTURE, encoded
from sabal.refusal import Refusal
from sabal.webp import PICTURE_BYTES, read_plain

EXAMPLE = folder.read(Path(__file__).parents[2] / "petitions" / "stop-forced-repatriation")


def photo(kind: str = "JPEG", size: tuple[int, int] = (1600, 1000)) -> bytes:
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x8825] = {1: "N", 2: (47.0, 22.0, 0.0)}  # where it was taken
    Image.effect_mandelbrot(size, (-2, -1.2, 1, 1.2), 60).convert("RGB").save(out, kind, exif=exif)
    return out.getvalue()


OURS = encoded(photo(), PICTURE).data


def described(files: dict[str, str], **descriptions: str) -> dict[str, str]:
    found = dict(files)
    for language, text in descriptions.items():
        name = f"{language.replace('_', '-')}.md"
        front, body = wording(found[name])
        found[name] = with_wording(found[name], {**front, "picture_description": text}, body)
    return found


WITH = described(
    {**EXAMPLE, "picture.webp": picture.as_text(OURS)}, en="A lamp", ko="등불", zh_hans="一盏灯", ja="灯火"
)


def test_export_import_export_gives_the_same_bytes(tmp_path: Path) -> None:
    folder.write(WITH, tmp_path / "one")
    assert (tmp_path / "one" / "picture.webp").read_bytes() == OURS
    again = folder.read(tmp_path / "one")
    assert again == WITH
    zipped = as_zip(again)
    assert from_zip(zipped, "x.zip") == WITH and as_zip(from_zip(zipped, "x.zip")) == zipped
    with zipfile.ZipFile(io.BytesIO(zipped)) as archive:
        assert archive.read("picture.webp") == OURS


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_of_someone_else_is_made_anew(tmp_path: Path, kind: str) -> None:
    folder.write(EXAMPLE, tmp_path / "one")
    (tmp_path / "one" / "picture.webp").write_bytes(photo(kind))
    files = folder.read(tmp_path / "one")
    shown = folder.parse(files).picture
    assert shown and (shown.width, shown.height) == (1280, 800) and len(shown.data) <= PICTURE_BYTES
    assert b"EXIF" not in shown.data


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"<!doctype html>",
        b"GIF89a" + bytes(100),
        OURS[:200],
    ],
)
def test_what_is_no_picture_is_refused_with_its_name(tmp_path: Path, content: bytes) -> None:
    folder.write(EXAMPLE, tmp_path / "one")
    (tmp_path / "one" / "picture.webp").write_bytes(content)
    with pytest.raises(FolderError) as refused:
        folder.read(tmp_path / "one")
    assert [problem.file for problem in refused.value.problems] == ["picture.webp"]
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("picture.webp", content)
    with pytest.raises(FolderError) as refused:
        from_zip(out.getvalue(), "x.zip")
    assert [problem.file for problem in refused.value.problems] == ["picture.webp"]


@given(st.one_of(st.text(), st.binary().map(lambda data: base64.b64encode(data).decode())))
def test_only_a_picture_made_here_is_part_of_a_petition(text: str) -> None:
    """The files can come from a hostile database, and every byte of the picture is served."""
    with pytest.raises(FolderError) as refused:
        folder.parse({**EXAMPLE, "picture.webp": text})
    assert [problem.file for problem in refused.value.problems] == ["picture.webp"]


@pytest.mark.parametrize(
    "more", [b"<script>", struct.pack("<4sI", b"EXIF", 4) + b"evil", b"PK\3\4" + bytes(30)], ids=str
)
def test_nothing_is_hidden_behind_the_picture(more: bytes) -> None:
    data = OURS + more
    for whole in (data, data[:4] + struct.pack("<I", len(data) - 8) + data[8:]):
        with pytest.raises(FolderError):
            folder.parse({**WITH, "picture.webp": picture.as_text(whole)})
        with suppress(Refusal):  # a file that lies about its length may be no picture at all
            assert more not in base64.b64decode(picture.imported(whole))


def test_it_must_be_described_in_every_language_before_publishing() -> None:
    assert not [line for line in folder.lacking(folder.parse(WITH)) if "picture" in line]
    lacking = folder.lacking(folder.parse(described(WITH, ko="")))
    assert [line.partition(":")[0] for line in lacking if "picture" in line] == ["ko.md"]


def test_a_description_is_a_piece_that_is_translated() -> None:
    assert pieces_of(folder.parse(WITH), "ko")["picture_description"] == "등불"


def manifest_of(definition: Definition, files: dict[str, str]) -> dict[str, object]:
    consent = dict.fromkeys(definition.languages, "I agree.")
    document = render(definition, files, consent, origin="x.example/log", log_vkey="a", promise_vkey="b")
    found: dict[str, object] = json.loads(document)
    return found


def test_a_manifest_names_the_picture_by_its_hash() -> None:
    assert manifest_of(folder.parse(WITH), WITH)["picture"] == hashlib.sha256(OURS).hexdigest()
    assert "picture" not in manifest_of(folder.parse(EXAMPLE), EXAMPLE)


def test_another_picture_is_a_change_that_readers_are_told_of() -> None:
    def version(number: int, files: dict[str, str]) -> PublishedVersion:
        definition = folder.parse(files)
        return PublishedVersion(number, date(2026, 11, 1), "", definition, draft(definition).consent, ())

    other = picture.as_text(encoded(photo(size=(400, 300)), PICTURE).data)
    without, one, two = version(1, EXAMPLE), version(2, WITH), version(3, {**WITH, "picture.webp": other})
    assert difference(without, one, "en").picture and difference(one, two, "ko").picture
    same = replace(two, number=4, definition=folder.parse({**WITH, "picture.webp": other}))
    assert not difference(two, same, "en").picture
    assert read_plain(base64.b64decode(other)).width == 400
