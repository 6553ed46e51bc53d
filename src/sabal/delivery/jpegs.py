"""Take out of a picture within a PDF what a camera or a program wrote beside its pixels. Pixels keep their bytes."""

import struct
from collections.abc import Iterator

_KEPT = frozenset((0xE0, 0xEE))  # JFIF and Adobe: how the colours are meant
_ICC = 0xE2  # kept if it is a colour profile; a second picture can be there too
_SCAN, _END = 0xDA, 0xD9
_ALONE = frozenset((0x01, *range(0xD0, 0xD8)))  # markers without a length
_TOLD = frozenset((b"uuid", b"xml ", b"uinf"))  # boxes of JPEG 2000 with metadata


def bare_jpeg(data: bytes) -> bytes:
    """Return a JPEG (ISO 10918-1) without Exif, XMP, comments and what follows its end. Raises ValueError."""
    return b"".join(_jpeg(data))


def _jpeg(data: bytes) -> Iterator[bytes]:
    if data[:2] != b"\xff\xd8":
        raise ValueError("no JPEG")
    yield data[:2]
    at = 2
    while True:
        while data[at : at + 2] == b"\xff\xff":  # fill bytes
            at += 1
        if len(data) < at + 2 or data[at] != 0xFF:
            raise ValueError("a JPEG that is damaged")
        marker = data[at + 1]
        if marker == _END:
            yield data[at : at + 2]
            return
        if marker in _ALONE:
            at += 2
            continue
        if len(data) < at + 4:
            raise ValueError("a JPEG that ends early")
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4])
        if marker == _SCAN:
            end = _end_of_scan(data, end)
        is_application = 0xE0 <= marker <= 0xEF
        icc = marker == _ICC and data[at + 4 : at + 16] == b"ICC_PROFILE\0"
        if (not is_application or marker in _KEPT or icc) and marker != 0xFE:
            yield data[at:end]
        at = end


def _end_of_scan(data: bytes, at: int) -> int:
    """Return where the coded pixels end: at the next marker that is no restart."""
    while True:
        at = data.find(b"\xff", at)
        if at < 0 or at + 1 >= len(data):
            raise ValueError("a JPEG that ends early")
        if data[at + 1] != 0 and not 0xD0 <= data[at + 1] <= 0xD7:
            return at
        at += 2


def bare_jp2(data: bytes) -> bytes:
    """Return a JPEG 2000 (ISO 15444-1) without its boxes of metadata. Raises ValueError."""
    if data.startswith(b"\xff\x4f\xff\x51"):  # the pixels alone
        return data
    kept, at = [], 0
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        head = 8
        if length == 1 and at + 16 <= len(data):
            length, head = int.from_bytes(data[at + 8 : at + 16]), 16
        end = len(data) if length == 0 else at + length
        if end < at + head or end > len(data):
            raise ValueError("a JPEG 2000 that is damaged")
        if kind not in _TOLD:
            kept.append(data[at:end])
        at = end
    return b"".join(kept)
