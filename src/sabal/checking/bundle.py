"""A bundle: a copy of a log in one zip, or in the folder that somebody made of it.

A zip from a stranger is read strictly: names that a bundle has, each once, stored or deflated, each as long as it
says, one after the other without a gap, then the one list of them and its end; nothing besides in which another reader
could find another list, and nothing that grows beyond measure.
"""

import os
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from sabal.checking.copy import (
    MOST_ENTRIES,
    MOST_MANIFEST,
    MOST_MANIFESTS,
    MOST_NOTE,
    MOST_RECORDS,
    MOST_SAMPLE,
    CannotCheck,
    LogCopy,
    manifest_path,
    named_manifests,
)
from tlog.entry import ENTRY_BYTES

README, CARRIED = "README.txt", ("verify.py", "check.html")
LIMITS = {
    README: MOST_NOTE,
    "checkpoint": MOST_NOTE,
    "policy": MOST_NOTE,
    "entries": MOST_ENTRIES * ENTRY_BYTES,
    "records.jsonl": MOST_RECORDS,
    "sample.json": MOST_SAMPLE,
} | dict.fromkeys(CARRIED, 1 << 22)
"""The most bytes of each file in a bundle; those of a manifest are MOST_MANIFEST."""

MOST_GROWTH = 200
"""What deflate may make of a byte. Records of few letters reach 30; a bomb is made for 1,000."""

_MANIFEST = re.compile(r"manifests/([0-9a-f]{64})\.json", re.ASCII)
_LOCAL = struct.Struct("<4sHHHHHLLLHH")  # APPNOTE.TXT 4.3.7
_FOLLOWING = struct.Struct("<4sLLL")  # APPNOTE.TXT 4.3.9
_LISTED = struct.Struct("<4s24xHHH12x")  # APPNOTE.TXT 4.3.12; of it the lengths of name, extras and comment
_END = struct.Struct("<4sHHHHLLH")  # APPNOTE.TXT 4.3.16
_SIZES_FOLLOW, _ENCRYPTED = 0x08, 0x2041  # APPNOTE.TXT 4.4.4
_DATE = (1980, 1, 1, 0, 0, 0)


def write_bundle(to: Path | BinaryIO, copy: LogCopy, extras: Mapping[str, bytes]) -> None:
    """Write a copy as a bundle; the same copy gives the same bytes.

    `extras` are the files that travel with it: README.txt, verify.py and check.html, as far as given. A path must not
    be there yet, and will be its owner's alone. Raises OSError, and CannotCheck where `extras` or a manifest has a
    name that no bundle has room for, or the entries are not whole.
    """
    members = list(_members(copy, extras))
    if isinstance(to, Path):
        descriptor = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                write_bundle(file, copy, extras)
        except OSError:
            to.unlink()  # half a bundle helps nobody
            raise
        return
    with zipfile.ZipFile(to, "w", zipfile.ZIP_STORED) as archive:
        for name, data in members:
            info = zipfile.ZipInfo(name, _DATE)
            info.create_system, info.external_attr = 3, 0o100644 << 16
            archive.writestr(info, data)


def _members(copy: LogCopy, extras: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """Names and bytes in the order of a bundle."""
    if not {README, *CARRIED}.issuperset(extras):
        raise CannotCheck(f"A bundle carries {README} and {' and '.join(CARRIED)}, and nothing else.")
    manifests = list(dict.fromkeys(hash_ for _, hash_ in named_manifests(copy.entries)))
    if copy.flaws or any(hash_ not in copy.manifests for hash_ in manifests):
        raise CannotCheck(
            "This copy of the log is not whole, so no bundle is made from it. Check the copy first."
        )
    if README in extras:
        yield README, extras[README]
    yield "checkpoint", copy.checkpoint
    yield "policy", copy.policy
    yield "entries", copy.entries
    for hash_ in manifests:
        yield manifest_path(hash_), copy.manifests[hash_]
    if copy.records is not None:
        yield "records.jsonl", copy.records
    if copy.sample is not None:
        yield "sample.json", copy.sample
    for name in CARRIED:
        if name in extras:
            yield name, extras[name]


def read_bundle(file: BinaryIO) -> LogCopy:
    """Read the copy that a bundle's zip holds. Raises CannotCheck where the zip is not as a bundle's should be.

    APPNOTE.TXT 4.3.
    """
    try:
        listed = _refuse_another_list(file)
        with zipfile.ZipFile(file) as archive:
            infos = archive.infolist()
            if len(infos) != listed:
                raise CannotCheck(_STRANGE_LIST)
            _refuse_strange(infos)
            files = {
                info.filename: _member(file, info, end) for info, end in _places(infos, archive.start_dir)
            }
    except (zipfile.BadZipFile, zlib.error, struct.error, ValueError, NotImplementedError, OverflowError):
        raise CannotCheck("This is not a zip file, or it is damaged. Fetch it again.") from None
    return copy_of(files)


def copy_of(files: Mapping[str, bytes]) -> LogCopy:
    """The copy that the files of a bundle are. Raises CannotCheck where one lacks that nothing goes without."""
    for name in ("checkpoint", "policy", "entries"):
        if name not in files:
            raise CannotCheck(f"This is not a bundle of a log: it holds no file `{name}`.")
    found = ((_MANIFEST.fullmatch(name), data) for name, data in files.items())
    entries = files["entries"]
    over = len(entries) % ENTRY_BYTES
    flaws = (f"The entries are not 34 bytes each. {over} bytes are left over at the end.",) if over else ()
    return LogCopy(
        files["checkpoint"],
        files["policy"],
        entries,
        {bytes.fromhex(match[1]): data for match, data in found if match},
        files.get("records.jsonl"),
        files.get("sample.json"),
        flaws,
    )


_STRANGE_LIST = (
    "This zip does not say how many files it holds, or has comments or extras in its list. No bundle has these."
    " Fetch the bundle again."
)


def _refuse_another_list(file: BinaryIO) -> int:
    """How many members are listed, in the one list that every reader finds. APPNOTE.TXT 4.3.12, 4.3.16.

    It lies where its end says, up to that end, and holds names that leave no room for another end, ZIP64's neither.
    """
    end = file.seek(0, os.SEEK_END) - _END.size
    file.seek(max(end, 0))
    magic, _, _, here, of_all, size, start, comment = _END.unpack(file.read(_END.size))
    if magic != b"PK\5\6" or comment:
        raise CannotCheck("This zip is cut off, or has a comment at its end. Fetch the bundle again.")
    if start + size != end:
        raise CannotCheck("This zip has data before it, or beside its list of files. Fetch the bundle again.")
    file.seek(start)
    listed, at = file.read(size), 0
    for _ in range(of_all):
        magic, name, extra, comment = _LISTED.unpack_from(listed, at)
        if magic != b"PK\1\2" or extra or comment:
            raise CannotCheck(_STRANGE_LIST)
        at += _LISTED.size + name
    if at != size or here != of_all:
        raise CannotCheck(_STRANGE_LIST)
    return int(of_all)


def _refuse_strange(infos: list[zipfile.ZipInfo]) -> None:
    names = [info.filename for info in infos]
    if len(names) > len(LIMITS) + MOST_MANIFESTS:
        raise CannotCheck("This zip holds more files than a bundle has. Fetch the bundle again.")
    if len(set(names)) != len(names):
        raise CannotCheck(
            "This zip holds two files of one name, so different programs would read different logs. Fetch the"
            " bundle again."
        )
    for info in infos:
        limit = MOST_MANIFEST if _MANIFEST.fullmatch(info.filename) else LIMITS.get(info.filename)
        # A name that zipfile has mended (cut at a zero, its backslashes turned) is none of a bundle's either.
        if limit is None or info.orig_filename != info.filename:
            raise CannotCheck("This is not a bundle of a log: it holds a file that no bundle has.")
        if info.flag_bits & _ENCRYPTED or info.compress_type not in (
            zipfile.ZIP_STORED,
            zipfile.ZIP_DEFLATED,
        ):
            raise CannotCheck(
                f"In this zip `{info.filename}` is encrypted, or packed in a way that no bundle uses."
            )
        if info.file_size > limit or info.file_size > max(info.compress_size, 64) * MOST_GROWTH:
            raise CannotCheck(f"In this zip `{info.filename}` is larger than the limit. It was not unpacked.")


def _places(infos: list[zipfile.ZipInfo], end: int) -> Iterator[tuple[zipfile.ZipInfo, int]]:
    """Each member with the place where the next thing begins, which is where it has to end."""
    infos = sorted(infos, key=lambda info: info.header_offset)
    if infos and infos[0].header_offset:
        raise CannotCheck("This zip has data before it. Fetch the bundle again.")
    yield from zip(infos, [*(info.header_offset for info in infos[1:]), end], strict=True)


def _member(file: BinaryIO, info: zipfile.ZipInfo, end: int) -> bytes:
    """The bytes of one member, which must be what both of its headers say. APPNOTE.TXT 4.3.7, 4.3.12."""
    file.seek(info.header_offset)
    head = _LOCAL.unpack(file.read(_LOCAL.size))
    magic, _, flags, method, _, _, crc, packed, size, name_bytes, extra_bytes = head
    name = file.read(name_bytes)
    start = info.header_offset + _LOCAL.size + name_bytes
    said = (info.CRC, info.compress_size, info.file_size)
    file.seek(start + info.compress_size)
    following = _FOLLOWING.pack(b"PK\7\x08", *said) if flags & _SIZES_FOLLOW else b""
    if (
        magic != b"PK\3\4"
        or name != info.filename.encode()
        or extra_bytes
        or (method, flags & _ENCRYPTED) != (info.compress_type, 0)
        or (crc, packed, size) != ((0, 0, 0) if following else said)
        or start + info.compress_size + len(following) != end
        or file.read(len(following)) != following
    ):
        raise CannotCheck(
            f"In this zip `{info.filename}` differs from what the zip's own list says. Fetch the bundle again."
        )
    file.seek(start)
    data = file.read(info.compress_size)
    if method == zipfile.ZIP_DEFLATED:
        data = _inflate(data, info)
    if len(data) != info.file_size or zlib.crc32(data) != info.CRC:
        raise CannotCheck(f"In this zip `{info.filename}` is damaged. Fetch the bundle again.")
    return data


def _inflate(packed: bytes, info: zipfile.ZipInfo) -> bytes:
    """What deflate packed, not a byte more than was said. RFC 1951."""
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    data = inflate.decompress(packed, info.file_size + 1)
    if not inflate.eof or inflate.unused_data or inflate.unconsumed_tail:
        raise CannotCheck(f"In this zip `{info.filename}` is not as long as it says. Fetch the bundle again.")
    return data
