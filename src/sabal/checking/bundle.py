"""Write and read a bundle: a copy of a log in one zip, or in the folder that it was unzipped to.

An untrusted zip is read strictly. Its members have the names of a bundle, each once, are stored or deflated, and have
the stated length. They follow each other without a gap. Then come the one list of members and its end, and nothing in
which another reader could find another list. No member may grow beyond a limit when it is unpacked.

A bundle may be packed again by another program. So its files may be in one folder, and there may be entries for
folders, what file managers add, and extra fields with times and owners, which change no name and no content.
docs/decisions/0016-a-bundle-packed-again.md
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
    MOST_NOTE,
    MOST_RECORDS,
    MOST_SAMPLE,
    CannotCheck,
    LogCopy,
    manifest_path,
    named_manifests,
)
from sabal.checking.report import plain
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
_EXTRA = struct.Struct("<HH")  # APPNOTE.TXT 4.5.1
_LISTED = struct.Struct("<4s24xHHH12x")  # APPNOTE.TXT 4.3.12; the lengths of name, extras and comment
_END = struct.Struct("<4sHHHHLLH")  # APPNOTE.TXT 4.3.16
_SIZES_FOLLOW, _ENCRYPTED, _UTF8 = 0x08, 0x2041, 0x0800  # APPNOTE.TXT 4.4.4
_DATE = (1980, 1, 1, 0, 0, 0)

_HARMLESS = frozenset({0x000A, 0x5455, 0x5855, 0x7855, 0x7875})
"""Extra fields for times and owners: NTFS, and Info-ZIP's UT, UX, Ux and ux. APPNOTE.TXT 4.5.2, 4.6.1."""
_ADDED = re.compile(r"__MACOSX/.*|(.*/)?(\._[^/]*|\.DS_Store|Thumbs\.db|desktop\.ini)", re.DOTALL)
"""Files that the file managers of macOS and Windows add."""
_ASTRAY = re.compile(r"(^|/)(\.\.?(/|\Z)|/)|^\Z|[\\\0]")
"""Names that unpacking may put elsewhere than they say, such as `__MACOSX/../policy`."""
_MOST_LISTED = 4_096
_PACKED = (
    " Fetch the bundle again as it was made; or unpack this zip into an empty folder, and check that folder."
)


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
            names = _names(infos)
            _check_members(names)
            ends = dict(_with_ends(infos, archive.start_dir))
            for info, end in ends.items():
                _check_header(file, info, end)
            files = {name: _content(file, info, name) for name, info in names.items()}
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
    "This zip does not say how many files it holds, so programs could read it differently." + _PACKED
)
_COMMENTS = "This zip has a comment, in which some programs could find other files." + _PACKED
_EXTRAS = "This zip was packed with extra fields, by which some programs could read other files." + _PACKED


def _check_list(file: BinaryIO) -> int:
    """Return the number of members in the zip's list. Raise `CannotCheck` if a reader could find another list.

    The list must begin where the end record says, and reach up to that record. It may hold nothing but members, so that
    it cannot hide another end record or one of ZIP64. APPNOTE.TXT 4.3.12, 4.3.16.
    """
    end = file.seek(0, os.SEEK_END) - _END.size
    file.seek(max(end, 0))
    magic, _, _, here, of_all, size, start, comment = _END.unpack(file.read(_END.size))
    if magic != b"PK\5\6":
        raise CannotCheck("This zip is cut off, or has a comment at its end. Fetch the bundle again.")
    if comment:
        raise CannotCheck(_COMMENTS)
    if start + size != end:
        raise CannotCheck("This zip has data before it, or beside its list of files." + _PACKED)
    file.seek(start)
    listed, at = file.read(size), 0
    for _ in range(of_all):
        magic, name, extra, comment = _LISTED.unpack_from(listed, at)
        if magic != b"PK\1\2":
            raise CannotCheck(_INVALID_LIST)
        if comment:
            raise CannotCheck(_COMMENTS)
        at += _LISTED.size + name
        _check_extras(listed[at : at + extra], extra)
        at += extra
    if at != size or here != of_all:
        raise CannotCheck(_INVALID_LIST)
    return int(of_all)


def _check_extras(extras: bytes, length: int) -> None:
    """Raise `CannotCheck` unless these are whole extra fields of harmless kinds. APPNOTE.TXT 4.5.1."""
    at = 0
    while at + _EXTRA.size <= len(extras):
        kind, size = _EXTRA.unpack_from(extras, at)
        if kind not in _HARMLESS:
            raise CannotCheck(_EXTRAS)
        at += _EXTRA.size + size
    if at != length:
        raise CannotCheck(_EXTRAS)


def _names(infos: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    """Return the members by their name in a bundle, without folders, what file managers add, and one outer folder."""
    if len(infos) > _MOST_LISTED:
        raise CannotCheck("This zip holds more files than a bundle has. Fetch the bundle again.")
    if len({info.filename for info in infos}) != len(infos):
        raise CannotCheck(
            "This zip holds two files of one name, so different programs would read different logs. Fetch the"
            " bundle again."
        )
    for info in infos:
        if _ASTRAY.search(info.orig_filename):
            raise CannotCheck(
                f"This zip holds `{plain(info.orig_filename[:80])}`, which may be unpacked over another file.{_PACKED}"
            )
    found = {
        info.filename: info
        for info in infos
        if not (info.filename.endswith("/") and not info.file_size) and not _ADDED.fullmatch(info.filename)
    }
    outer = {name.partition("/")[0] for name in found if "/" in name}
    if "checkpoint" not in found and len(outer) == 1 and all("/" in name for name in found):
        return {name.partition("/")[2]: info for name, info in found.items()}
    return found


def _check_members(names: Mapping[str, zipfile.ZipInfo]) -> None:
    for name, info in names.items():
        limit = MOST_MANIFEST if _MANIFEST.fullmatch(name) else LIMITS.get(name)
        # zipfile changes some names (it cuts at a zero byte and replaces backslashes). No bundle has such names.
        if limit is None or info.orig_filename != info.filename:
            raise CannotCheck(f"This zip holds `{plain(name[:80])}`, a file that no bundle has.{_PACKED}")
        if info.flag_bits & _ENCRYPTED or info.compress_type not in (
            zipfile.ZIP_STORED,
            zipfile.ZIP_DEFLATED,
        ):
            how = (
                "encrypted" if info.flag_bits & _ENCRYPTED else "packed in a way that not every program reads"
            )
            raise CannotCheck(f"In this zip `{name}` is {how}.{_PACKED}")
        if info.file_size > limit or info.file_size > max(info.compress_size, 64) * MOST_GROWTH:
            raise CannotCheck(f"In this zip `{name}` is larger than the limit. It was not unpacked.")


def _with_ends(infos: list[zipfile.ZipInfo], end: int) -> Iterator[tuple[zipfile.ZipInfo, int]]:
    """Yield each member with the offset at which it must end, because the next member or the list begins there."""
    infos = sorted(infos, key=lambda info: info.header_offset)
    if infos and infos[0].header_offset:
        raise CannotCheck("This zip has data before it." + _PACKED)
    yield from zip(infos, [*(info.header_offset for info in infos[1:]), end], strict=True)


def _check_header(file: BinaryIO, info: zipfile.ZipInfo, end: int) -> None:
    """Check that a member's own header agrees with the list. APPNOTE.TXT 4.3.7, 4.3.12. Raise `CannotCheck`."""
    file.seek(info.header_offset)
    head = _LOCAL.unpack(file.read(_LOCAL.size))
    magic, _, flags, method, _, _, crc, packed, size, name_bytes, extra_bytes = head
    name = file.read(name_bytes)
    _check_extras(file.read(extra_bytes), extra_bytes)
    start = _content_start(info, name_bytes, extra_bytes)
    stated = (info.CRC, info.compress_size, info.file_size)
    file.seek(start + info.compress_size)
    following = _FOLLOWING.pack(b"PK\7\x08", *stated) if flags & _SIZES_FOLLOW else b""
    if (
        magic != b"PK\3\4"
        or name != info.orig_filename.encode("utf-8" if info.flag_bits & _UTF8 else "cp437")
        or (method, flags & _ENCRYPTED) != (info.compress_type, info.flag_bits & _ENCRYPTED)
        or (crc, packed, size) != ((0, 0, 0) if following else stated)
        or start + info.compress_size + len(following) != end
        or file.read(len(following)) != following
    ):
        raise CannotCheck(
            f"In this zip `{plain(info.filename[:80])}` differs from what the zip's own list says. Fetch the bundle"
            " again."
        )


def _content_start(info: zipfile.ZipInfo, name_bytes: int, extra_bytes: int) -> int:
    return info.header_offset + _LOCAL.size + name_bytes + extra_bytes


def _content(file: BinaryIO, info: zipfile.ZipInfo, name: str) -> bytes:
    """Return the bytes of a member whose header was checked. Raise `CannotCheck` if they are damaged."""
    file.seek(info.header_offset)
    *_, name_bytes, extra_bytes = _LOCAL.unpack(file.read(_LOCAL.size))
    file.seek(_content_start(info, name_bytes, extra_bytes))
    data = file.read(info.compress_size)
    if info.compress_type == zipfile.ZIP_DEFLATED:
        data = _inflate(data, info)
    if len(data) != info.file_size or zlib.crc32(data) != info.CRC:
        raise CannotCheck(f"In this zip `{name}` is damaged. Fetch the bundle again.")
    return data


def _inflate(packed: bytes, info: zipfile.ZipInfo) -> bytes:
    """Unpack deflated data. Raise `CannotCheck` if it is not exactly as long as stated. RFC 1951."""
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    data = inflate.decompress(packed, info.file_size + 1)
    if not inflate.eof or inflate.unused_data or inflate.unconsumed_tail:
        raise CannotCheck(f"In this zip `{info.filename}` is not as long as it says. Fetch the bundle again.")
    return data
