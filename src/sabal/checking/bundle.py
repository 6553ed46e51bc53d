"""Write and read a bundle: a copy of a log in one zip, or in the folder that it was unzipped to.

An untrusted zip is read strictly. Its members have the names of a bundle, each once, are stored or deflated, and have
the stated length. They follow each other without a gap. Then come the one list of members and its end, and nothing in
which another reader could find another list. No member may grow beyond a limit when it is unpacked.
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
"""The most bytes of each file in a bundle. For a manifest it is `MOST_MANIFEST`."""

MOST_GROWTH = 200
"""The most bytes that deflate may make of one byte. Records of few characters reach 30; a zip bomb reaches 1,000."""

_MANIFEST = re.compile(r"manifests/([0-9a-f]{64})\.json", re.ASCII)
_LOCAL = struct.Struct("<4sHHHHHLLLHH")  # APPNOTE.TXT 4.3.7
_FOLLOWING = struct.Struct("<4sLLL")  # APPNOTE.TXT 4.3.9
_LISTED = struct.Struct("<4s24xHHH12x")  # APPNOTE.TXT 4.3.12; the lengths of name, extras and comment
_END = struct.Struct("<4sHHHHLLH")  # APPNOTE.TXT 4.3.16
_SIZES_FOLLOW, _ENCRYPTED = 0x08, 0x2041  # APPNOTE.TXT 4.4.4
_DATE = (1980, 1, 1, 0, 0, 0)


def write_bundle(to: Path | BinaryIO, copy: LogCopy, extras: Mapping[str, bytes]) -> None:
    """Write a copy as a bundle. The same copy gives the same bytes.

    `extras` are the files that go with it: README.txt, verify.py and check.html, as far as given. A path must not exist
    yet; the file is readable by its owner alone. Raise `OSError`, and `CannotCheck` if `extras` has another name or the
    copy is not complete.
    """
    members = list(_members(copy, extras))
    if isinstance(to, Path):
        descriptor = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                write_bundle(file, copy, extras)
        except OSError:
            to.unlink()  # leave no incomplete bundle
            raise
        return
    with zipfile.ZipFile(to, "w", zipfile.ZIP_STORED) as archive:
        for name, data in members:
            info = zipfile.ZipInfo(name, _DATE)
            info.create_system, info.external_attr = 3, 0o100644 << 16
            archive.writestr(info, data)


def _members(copy: LogCopy, extras: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """Yield the names and bytes in the order of a bundle."""
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
    """Read the copy in a bundle's zip. Raise `CannotCheck` if the zip does not follow the rules for bundles.

    APPNOTE.TXT 4.3.
    """
    try:
        listed = _check_list(file)
        with zipfile.ZipFile(file) as archive:
            infos = archive.infolist()
            if len(infos) != listed:
                raise CannotCheck(_INVALID_LIST)
            _check_members(infos)
            files = {
                info.filename: _member(file, info, end) for info, end in _with_ends(infos, archive.start_dir)
            }
    except (zipfile.BadZipFile, zlib.error, struct.error, ValueError, NotImplementedError, OverflowError):
        raise CannotCheck("This is not a zip file, or it is damaged. Fetch it again.") from None
    return copy_of(files)


def copy_of(files: Mapping[str, bytes]) -> LogCopy:
    """Return the copy from the files of a bundle. Raise `CannotCheck` if a required file is missing."""
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


_INVALID_LIST = (
    "This zip does not say how many files it holds, or has comments or extras in its list. No bundle has these."
    " Fetch the bundle again."
)


def _check_list(file: BinaryIO) -> int:
    """Return the number of members in the zip's list. Raise `CannotCheck` if a reader could find another list.

    The list must begin where the end record says, and reach up to that record. It may hold nothing but members, so that
    it cannot hide another end record or one of ZIP64. APPNOTE.TXT 4.3.12, 4.3.16.
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
            raise CannotCheck(_INVALID_LIST)
        at += _LISTED.size + name
    if at != size or here != of_all:
        raise CannotCheck(_INVALID_LIST)
    return int(of_all)


def _check_members(infos: list[zipfile.ZipInfo]) -> None:
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
        # zipfile changes some names (it cuts at a zero byte and replaces backslashes). No bundle has such names.
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


def _with_ends(infos: list[zipfile.ZipInfo], end: int) -> Iterator[tuple[zipfile.ZipInfo, int]]:
    """Yield each member with the offset at which it must end, because the next member or the list begins there."""
    infos = sorted(infos, key=lambda info: info.header_offset)
    if infos and infos[0].header_offset:
        raise CannotCheck("This zip has data before it. Fetch the bundle again.")
    yield from zip(infos, [*(info.header_offset for info in infos[1:]), end], strict=True)


def _member(file: BinaryIO, info: zipfile.ZipInfo, end: int) -> bytes:
    """Return the bytes of one member. They must agree with both of its headers. APPNOTE.TXT 4.3.7, 4.3.12."""
    file.seek(info.header_offset)
    head = _LOCAL.unpack(file.read(_LOCAL.size))
    magic, _, flags, method, _, _, crc, packed, size, name_bytes, extra_bytes = head
    name = file.read(name_bytes)
    start = info.header_offset + _LOCAL.size + name_bytes
    stated = (info.CRC, info.compress_size, info.file_size)
    file.seek(start + info.compress_size)
    following = _FOLLOWING.pack(b"PK\7\x08", *stated) if flags & _SIZES_FOLLOW else b""
    if (
        magic != b"PK\3\4"
        or name != info.filename.encode()
        or extra_bytes
        or (method, flags & _ENCRYPTED) != (info.compress_type, 0)
        or (crc, packed, size) != ((0, 0, 0) if following else stated)
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
    """Unpack deflated data. Raise `CannotCheck` if it is not exactly as long as stated. RFC 1951."""
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    data = inflate.decompress(packed, info.file_size + 1)
    if not inflate.eof or inflate.unused_data or inflate.unconsumed_tail:
        raise CannotCheck(f"In this zip `{info.filename}` is not as long as it says. Fetch the bundle again.")
    return data
