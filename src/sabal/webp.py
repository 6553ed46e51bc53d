"""The plain WebP that this server makes of an uploaded picture, and how it is told from every other file. Pure.

A plain one has a single chunk, the pixels of one still picture without transparency. So it has no metadata, no
animation, and nothing behind the picture.
"""

import struct
from dataclasses import dataclass

MOST_SIDE = 16_383  # pixels; the format has no larger side
PICTURE_SIDE, PICTURE_BYTES = 1280, 100_000
"""The most of a picture on a page: pixels of its longer side, and bytes."""


@dataclass(frozen=True)
class Webp:
    """A WebP file and its size in pixels."""

    data: bytes
    width: int
    height: int


def read_plain(data: bytes) -> Webp:
    """Return a plain WebP with its size. Raises ValueError for any other bytes. The pixels are not decoded."""
    if len(data) < 30 or data[:4] != b"RIFF" or data[8:16] != b"WEBPVP8 ":
        raise ValueError("no WebP of one still picture")
    whole, pixels = struct.unpack_from("<I", data, 4)[0], struct.unpack_from("<I", data, 16)[0]
    padding = data[20 + pixels :]
    if whole != len(data) - 8 or padding not in ((b"\0",) if pixels % 2 else (b"",)):
        raise ValueError("something is beside the picture")
    # RFC 6386, section 9.1: a frame tag whose lowest bit is 0 in a key frame, a start code, then width and height.
    width, height = struct.unpack_from("<HH", data, 26)
    if (
        data[20] & 1
        or data[23:26] != b"\x9d\x01\x2a"
        or not 0 < width <= MOST_SIDE
        or not 0 < height <= MOST_SIDE
    ):
        raise ValueError("no picture")
    return Webp(data, width, height)
