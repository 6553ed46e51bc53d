"""A copy always gives the same bundle, and a bundle is read strictly."""

import io
import struct
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checking import made
from sabal.checking.bundle import read_bundle, write_bundle
from sabal.checking.copy import CannotCheck, LogCopy

LOG = made.log(20, amend=9)
COPY = LOG.copy(show=LOG.signers)
NAMES = [
    "README.txt", "checkpoint", "policy", "entries",
    *(f"manifests/{hash_.hex()}.json" for hash_ in COPY.manifests), "records.jsonl", "verify.py", "check.html",
]  # fmt: skip


def read(data: bytes) -> LogCopy:
    return read_bundle(io.BytesIO(data))


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def files_of(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


WHOLE = made.bundle(COPY)
FILES = files_of(WHOLE)


def test_a_bundle_gives_back_the_copy() -> None:
    assert read(WHOLE) == COPY
    sampled = made.log(20).copy(sample={"seed": "x"})
    assert read(made.bundle(sampled, {})) == sampled


def test_the_same_copy_gives_the_same_bytes_in_the_order_of_a_bundle() -> None:
    assert made.bundle(COPY) == WHOLE
    assert list(FILES) == NAMES
    with zipfile.ZipFile(io.BytesIO(WHOLE)) as archive:
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_a_bundle_that_was_zipped_again_is_read() -> None:
    assert read(zipped(FILES, zipfile.ZIP_DEFLATED)) == COPY


def test_a_bundle_is_readable_by_its_owner_alone_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "bundle.zip"
    write_bundle(path, COPY, made.EXTRAS)
    assert path.read_bytes() == WHOLE and path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        write_bundle(path, COPY, made.EXTRAS)


def test_an_incomplete_copy_and_an_unknown_file_make_no_bundle() -> None:
    with pytest.raises(CannotCheck, match="not whole"):
        made.bundle(LogCopy(COPY.checkpoint, COPY.policy, COPY.entries, {}))
    with pytest.raises(CannotCheck, match="nothing else"):
        made.bundle(COPY, {"../verify.py": b""})


@pytest.mark.parametrize("name", ["checkpoint", "policy", "entries"])
def test_a_missing_file_is_named(name: str) -> None:
    with pytest.raises(CannotCheck, match=f"no file `{name}`"):
        read(zipped({key: value for key, value in FILES.items() if key != name}))


@pytest.mark.parametrize(
    "name",
    ["../checkpoint", "/checkpoint", "a\\checkpoint", "notes.txt", "manifests/", "manifests/../x.json", "entries ",
     "manifests/" + "A" * 64 + ".json", "checkpoint/", "CON", "C:checkpoint", "entrieſ", "other/checkpoint"],
)  # fmt: skip
def test_a_name_that_no_bundle_has_is_refused(name: str) -> None:
    with pytest.raises(CannotCheck):
        read(zipped(FILES | {name: b"x"}))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_files_of_one_name_are_refused() -> None:
    file = io.BytesIO(WHOLE)
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("checkpoint", b"another")
    with pytest.raises(CannotCheck, match="two files of one name"):
        read(file.getvalue())


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_compression_methods_are_refused(method: int) -> None:
    with pytest.raises(CannotCheck, match="packed in a way"):
        read(zipped(FILES, method))


def test_a_zip_bomb_is_not_unpacked() -> None:
    with pytest.raises(CannotCheck, match="larger than the limit"):
        read(zipped(FILES | {"entries": bytes(200_000_000)}, zipfile.ZIP_DEFLATED))
    with pytest.raises(CannotCheck, match="larger than the limit"):
        read(zipped(FILES | {"checkpoint": b"x" * 65_537}))


def test_a_zip_bomb_that_states_a_small_size_is_not_unpacked() -> None:
    packed = bytearray(zipped({"checkpoint": bytes(10_000_000)}, zipfile.ZIP_DEFLATED))
    at = packed.index(b"PK\1\2")
    few = struct.pack("<LLL", zlib.crc32(bytes(99)), struct.unpack_from("<L", packed, at + 20)[0], 99)
    packed[at + 16 : at + 28] = packed[14:26] = few
    with pytest.raises(CannotCheck, match="not as long as it says"):
        read(bytes(packed))


def test_a_member_whose_own_header_differs_from_the_list_is_refused() -> None:
    spoilt = WHOLE.replace(b"checkpoint", b"checkpoinT", 1)
    with pytest.raises(CannotCheck, match="differs from what the zip's own list says"):
        read(spoilt)


def test_overlapping_members_are_refused() -> None:
    spoilt = bytearray(zipped({"checkpoint": b"x" * 50, "policy": b"y" * 50}))
    second = spoilt.index(b"PK\1\2") + 46 + len("checkpoint")
    for at in (spoilt.index(b"PK\1\2"),):
        spoilt[at + 20 : at + 28] = struct.pack("<LL", 120, 120)
        spoilt[18:26] = struct.pack("<LL", 120, 120)
    assert spoilt[second : second + 4] == b"PK\1\2"
    with pytest.raises(CannotCheck, match="own list"):
        read(bytes(spoilt))


def test_a_list_that_hides_members_in_a_comment_is_refused() -> None:
    spoilt = bytearray(WHOLE)
    at = spoilt.rindex(b"PK\1\2", 0, spoilt.rindex(b"PK\1\2"))
    spoilt[at + 32] = len(spoilt) - 22 - spoilt.rindex(b"PK\1\2")
    with pytest.raises(CannotCheck, match="has a comment"):
        read(bytes(spoilt))


def test_data_before_a_zip_is_refused() -> None:
    with pytest.raises(CannotCheck, match="data before it"):
        read(b"#!/bin/sh\n" + WHOLE)


@pytest.mark.parametrize("end", [0, 1, 100, len(WHOLE) // 2, len(WHOLE) - 1])
def test_a_truncated_zip_is_refused(end: int) -> None:
    with pytest.raises(CannotCheck):
        read(WHOLE[:end])


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.integers(0, len(WHOLE) - 1), st.integers(0, 7))
def test_a_changed_bit_is_refused_or_changes_nothing(at: int, bit: int) -> None:
    spoilt = bytearray(WHOLE)
    spoilt[at] ^= 1 << bit
    try:
        got = read(bytes(spoilt))
    except CannotCheck:
        return
    assert got == COPY


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.binary(max_size=400))
def test_any_bytes_are_refused_with_a_sentence(data: bytes) -> None:
    for tail in (data, WHOLE[:-22] + data, data + WHOLE[-22:]):
        with pytest.raises(CannotCheck, match=r"\.$"):
            read(tail)
