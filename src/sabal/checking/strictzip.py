"""Read a zip strictly, so that every program finds the same files in it.

The members are stored or deflated, have the stated length, and follow each other without a gap. Then come the one list
of members and its end, and nothing in which another reader could find another list. Extra fields with times and owners
are accepted, because they change no name and no content. APPNOTE.TXT is the specification of the format.
"""

import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from sabal.checking.copy import CannotCheck
from sabal.checking.report import plain

_LOCAL = struct.Struct("<4sHHHHHLLLHH")  # APPNOTE.TXT 4.3.7
_FOLLOWING = struct.Struct("<4sLLL")  # APPNOTE.TXT 4.3.9
_EXTRA = struct.Struct("<HH")  # APPNOTE.TXT 4.5.1
_LISTED = struct.Struct("<4s24xHHH12x")  # APPNOTE.TXT 4.3.12; the lengths of name, extras and comment
_END = struct.Struct("<4sHHHHLLH")  # APPNOTE.TXT 4.3.16
_SIZES_FOLLOW, ENCRYPTED, _UTF8 = 0x08, 0x2041, 0x0800  # APPNOTE.TXT 4.4.4
_HARMLESS = frozenset({0x000A, 0x5455, 0x5855, 0x7855, 0x7875})
"""Extra fields for times and owners: NTFS, and Info-ZIP's UT, UX, Ux and ux. APPNOTE.TXT 4.5.2, 4.6.1."""
FETCH_AGAIN = (
    " Fetch the bundle again as it was made; or unpack this zip into an empty folder, and check that folder."
)
INVALID_LIST = (
    "This zip does not say how many files it holds, so programs could read it differently." + FETCH_AGAIN
)
_COMMENTS = "This zip has a comment, in which some programs could find other files." + FETCH_AGAIN
_EXTRAS = (
    "This zip was packed with extra fields, by which some programs could read other files." + FETCH_AGAIN
)


def check_list(file: BinaryIO) -> int:
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
        raise CannotCheck("This zip has data before it, or beside its list of files." + FETCH_AGAIN)
    file.seek(start)
    listed, at = file.read(size), 0
    for _ in range(of_all):
        magic, name, extra, comment = _LISTED.unpack_from(listed, at)
        if magic != b"PK\1\2":
            raise CannotCheck(INVALID_LIST)
        if comment:
            raise CannotCheck(_COMMENTS)
        at += _LISTED.size + name
        _check_extras(listed[at : at + extra], extra)
        at += extra
    if at != size or here != of_all:
        raise CannotCheck(INVALID_LIST)
    return int(of_all)


def check_headers(file: BinaryIO, infos: list[zipfile.ZipInfo], end: int) -> None:
    """Check that the members follow each other up to `end`, and that their headers agree with the list.

    Raise `CannotCheck`.
    """
    for info, member_end in _with_ends(infos, end):
        _check_header(file, info, member_end)


def content(file: BinaryIO, info: zipfile.ZipInfo, name: str) -> bytes:
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


def _with_ends(infos: list[zipfile.ZipInfo], end: int) -> Iterator[tuple[zipfile.ZipInfo, int]]:
    """Yield each member with the offset at which it must end, because the next member or the list begins there."""
    infos = sorted(infos, key=lambda info: info.header_offset)
    if infos and infos[0].header_offset:
        raise CannotCheck("This zip has data before it." + FETCH_AGAIN)
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
        or (method, flags & ENCRYPTED) != (info.compress_type, info.flag_bits & ENCRYPTED)
        or (crc, packed, size) != ((0, 0, 0) if following else stated)
        or start + info.compress_size + len(following) != end
        or file.read(len(following)) != following
    ):
        raise CannotCheck(
            f"In this zip `{plain(info.filename[:80])}` differs from what the zip's own list says. Fetch the bundle"
            " again."
        )


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


def _content_start(info: zipfile.ZipInfo, name_bytes: int, extra_bytes: int) -> int:
    return info.header_offset + _LOCAL.size + name_bytes + extra_bytes


def _inflate(packed: bytes, info: zipfile.ZipInfo) -> bytes:
    """Unpack deflated data. Raise `CannotCheck` if it is not exactly as long as stated. RFC 1951."""
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    data = inflate.decompress(packed, info.file_size + 1)
    if not inflate.eof or inflate.unused_data or inflate.unconsumed_tail:
        raise CannotCheck(f"In this zip `{info.filename}` is not as long as it says. Fetch the bundle again.")
    return data
