"""An uploaded picture is decoded and encoded again: only its pixels stay, and what is no picture is refused."""

import io
import struct
import zlib
from collections.abc import Callable

import pytest
from PIL import Image, ImageCms, PngImagePlugin

from sabal.pictures import LOGO, PICTURE, Kind, as_it_is, encoded
from sabal.refusal import Refusal
from sabal.webp import read_plain

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


@pytest.mark.parametrize("to", [LOGO, PICTURE])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_only_pixels_stay(kind: str, to: Kind) -> None:
    content = picture(kind) + b"<script>alert(1)</script>" + SECRET
    logo = encoded(content, to)
    assert SECRET not in logo.data and b"<script" not in logo.data and b"EXIF" not in logo.data
    with Image.open(io.BytesIO(logo.data)) as made:
        assert made.format == "WEBP" and not made.getexif() and made.size == (logo.width, logo.height)
        assert made.convert("RGB").getpixel((5, 5))[1] > 100  # teal  # type: ignore[index]
    assert logo.width <= to.within[0] and logo.height <= to.within[1] and len(logo.data) <= to.most_bytes


def test_what_is_transparent_stays_so() -> None:
    out = io.BytesIO()
    Image.new("RGBA", (50, 50), (0, 0, 0, 0)).save(out, "PNG")
    with Image.open(io.BytesIO(encoded(out.getvalue(), LOGO).data)) as made:
        assert made.convert("RGBA").getpixel((5, 5))[3] == 0  # type: ignore[index]


def test_a_picture_of_noise_is_still_small() -> None:
    out = io.BytesIO()
    Image.effect_noise((480, 160), 90).save(out, "PNG")
    assert len(encoded(out.getvalue(), LOGO).data) <= LOGO.most_bytes


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


def scans(number: int) -> bytes:
    """Return a progressive JPEG with so many scans over its pixels, each a few bytes."""
    out = io.BytesIO()
    Image.new("L", (800, 800), "teal").save(out, "JPEG", progressive=True)
    content = out.getvalue()
    last = content.rindex(b"\xff\xda")
    return content[:last] + content[last:-2] * number + b"\xff\xd9"


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
        lambda: scans(200),
        lambda: bytes(10_000_001),
    ],
)
@pytest.mark.parametrize("to", [LOGO, PICTURE])
def test_what_is_no_safe_picture_is_refused(make: Callable[[], bytes], to: Kind) -> None:
    with pytest.raises(Refusal):
        encoded(make(), to)
    with pytest.raises(Refusal):
        as_it_is(make(), to)


def saved(made: Image.Image, kind: str, **how: object) -> bytes:
    out = io.BytesIO()
    made.save(out, kind, **how)
    return out.getvalue()


def pixel(data: bytes, at: tuple[int, int]) -> tuple[int, int, int]:
    with Image.open(io.BytesIO(data)) as made:
        return made.convert("RGB").getpixel(at)  # type: ignore[return-value]


def test_a_photo_that_lies_on_its_side_stands_up() -> None:
    made = Image.new("RGB", (400, 200), "white")
    made.paste("red", (0, 0, 100, 200))  # at the left as stored
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter to the right
    found = encoded(saved(made, "JPEG", exif=exif, quality=95), PICTURE)
    assert (found.width, found.height) == (200, 400)
    assert pixel(found.data, (100, 30))[1] < 80  # red at the top


@pytest.mark.parametrize("mode", ["CMYK", "L", "P", "LA", "RGBA", "1", "I;16"])
def test_every_mode_becomes_what_screens_show(mode: str) -> None:
    if mode == "I;16":
        content = saved(Image.new("I;16", (60, 40), 40_000), "PNG")
    else:
        content = saved(
            Image.new("RGB", (60, 40), (160, 160, 160)).convert(mode), "JPEG" if mode == "CMYK" else "PNG"
        )
    found = encoded(content, PICTURE)
    assert read_plain(found.data) == found
    if mode != "1":
        assert all(abs(value - 157) < 12 for value in pixel(found.data, (30, 20)))


def test_what_is_transparent_becomes_white_in_a_picture() -> None:
    found = encoded(saved(Image.new("RGBA", (50, 50), (0, 0, 0, 0)), "PNG"), PICTURE)
    assert min(pixel(found.data, (5, 5))) > 250


def test_an_animation_becomes_its_first_picture() -> None:
    first, second = Image.new("RGB", (80, 80), "red"), Image.new("RGB", (80, 80), "blue")
    content = saved(first, "WEBP", save_all=True, append_images=[second], duration=100)
    found = encoded(content, PICTURE)
    assert read_plain(found.data) and pixel(found.data, (40, 40))[0] > 200


def test_colours_of_another_profile_are_converted() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    broken = saved(
        Image.new("RGB", (40, 40), (200, 30, 30)), "JPEG", icc_profile=b"no profile" * 20, quality=95
    )
    assert pixel(encoded(broken, PICTURE).data, (20, 20))[0] > 180
    other = saved(
        Image.new("RGB", (40, 40), (200, 30, 30)), "JPEG", icc_profile=profile.tobytes(), quality=95
    )
    assert pixel(encoded(other, PICTURE).data, (20, 20))[0] > 150


def test_a_photo_of_a_phone_with_48_million_pixels_is_taken() -> None:
    content = saved(Image.new("RGB", (8064, 6048), "teal"), "JPEG", quality=30)
    found = encoded(content, PICTURE)
    assert (found.width, found.height) == (1280, 960)


def test_a_picture_of_noise_fits_too() -> None:
    found = encoded(saved(Image.effect_noise((1280, 1280), 120), "PNG"), PICTURE)
    assert len(found.data) <= PICTURE.most_bytes and found.width >= 320


def test_what_was_made_here_keeps_its_bytes_and_all_else_is_made_anew() -> None:
    ours = encoded(picture("JPEG"), PICTURE)
    assert as_it_is(ours.data, PICTURE) == ours
    for other in (ours.data + b"<script>", picture("WEBP"), picture("PNG")):
        found = as_it_is(other, PICTURE)
        assert SECRET not in found.data and b"<script" not in found.data and read_plain(found.data) == found


@pytest.mark.parametrize("change", ["longer", "chunk", "padding", "inter", "empty"])
def test_only_a_picture_with_nothing_beside_it_is_plain(change: str) -> None:
    data = bytearray(encoded(picture("PNG", (64, 64)), PICTURE).data)
    if change == "longer":
        data += b"x"
    elif change == "chunk":
        data += b"EXIF\4\0\0\0evil"
        data[4:8] = struct.pack("<I", len(data) - 8)
    elif change == "padding":
        data += b"<b>"
        data[4:8] = struct.pack("<I", len(data) - 8)
    elif change == "inter":
        data[20] |= 1
    else:
        data = data[:20]
    with pytest.raises(ValueError):
        read_plain(bytes(data))


def test_a_plain_one_that_no_browser_can_decode_is_refused() -> None:
    start = encoded(picture("PNG", (64, 64)), PICTURE).data[20:30]  # the header of the frame, and none of it
    data = b"RIFF" + struct.pack("<I", 22) + b"WEBPVP8 " + struct.pack("<I", 10) + start
    assert read_plain(data).width == 64
    with pytest.raises(Refusal):
        as_it_is(data, PICTURE)
