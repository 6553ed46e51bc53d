"""A logo is decoded and encoded again: only its pixels stay, and what is no picture is refused."""

import io
import struct
import zlib
from collections.abc import Callable

import pytest
from PIL import Image, PngImagePlugin

from sabal.accounts.logo import LARGEST, LOGO_BYTES, logo_from
from sabal.refusal import Refusal

SECRET = b"Suzie lives here"


def picture(kind: str, size: tuple[int, int] = (600, 300), mode: str = "RGB") -> bytes:
    out = io.BytesIO()
    made = Image.new(mode, size, "teal")
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()  # its description
    exif[0x8825] = {1: "N", 2: (47.0, 22.0, 0.0)}  # where it was taken
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", SECRET.decode())
    made.save(out, kind, exif=exif, **({"pnginfo": text} if kind == "PNG" else {}))
    return out.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_only_pixels_stay(kind: str) -> None:
    content = picture(kind) + b"<script>alert(1)</script>" + SECRET
    logo = logo_from(content)
    assert SECRET not in logo.data and b"<script" not in logo.data and b"EXIF" not in logo.data
    with Image.open(io.BytesIO(logo.data)) as made:
        assert made.format == "WEBP" and not made.getexif() and made.size == (logo.width, logo.height)
        assert made.convert("RGB").getpixel((5, 5))[1] > 100  # teal  # type: ignore[index]
    assert logo.width <= LARGEST[0] and logo.height <= LARGEST[1] and len(logo.data) <= LOGO_BYTES


def test_what_is_transparent_stays_so() -> None:
    out = io.BytesIO()
    Image.new("RGBA", (50, 50), (0, 0, 0, 0)).save(out, "PNG")
    with Image.open(io.BytesIO(logo_from(out.getvalue()).data)) as made:
        assert made.convert("RGBA").getpixel((5, 5))[3] == 0  # type: ignore[index]


def test_a_picture_of_noise_is_still_small() -> None:
    out = io.BytesIO()
    Image.effect_noise((480, 160), 90).save(out, "PNG")
    assert len(logo_from(out.getvalue()).data) <= LOGO_BYTES


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def huge(width: int, height: int) -> bytes:
    """Return a PNG of a few bytes that says that it has so many pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0"))
        + chunk(b"IEND", b"")
    )


def bomb() -> bytes:
    header = struct.pack(">IIBBBBB", 100, 100, 8, 2, 0, 0, 0)
    text = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b" " * 90_000_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + text + chunk(b"IEND", b"")


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize(
    "make",
    [
        lambda: b"",
        lambda: b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        lambda: b"<?xml version='1.0'?><svg/>",
        lambda: b"<!doctype html><script>alert(1)</script>",
        lambda: b"GIF89a" + bytes(100),
        lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n",
        lambda: b"BM" + bytes(200),
        lambda: picture("JPEG")[:300],
        lambda: b"\x89PNG\r\n\x1a\n" + bytes(50),
        lambda: huge(100_000, 100_000),
        lambda: huge(5_000, 4_000),
        bomb,
        lambda: bytes(2_000_001),
    ],
)
def test_what_is_no_safe_picture_is_refused(make: Callable[[], bytes]) -> None:
    with pytest.raises(Refusal):
        logo_from(make())
