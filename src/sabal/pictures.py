"""Make a picture that somebody uploaded safe to show: decoded, and encoded again without anything but its pixels.

Metadata, animation and everything that is hidden behind the picture are left out. SVG and HTML are refused, because
they can contain code. Pillow decodes, so public processes never import this module. The proofs of deliveries are made
with it in a process of their own (delivery/distil.py).
"""

import io
from contextlib import suppress
from dataclasses import dataclass

from PIL import Image, ImageCms, ImageOps

from sabal.refusal import Refusal
from sabal.webp import PICTURE_BYTES, PICTURE_SIDE, Webp, read_plain

FORMATS = ("PNG", "JPEG", "WEBP")
PIXELS = 16_000_000  # a small file can contain a huge picture
# A JPEG is decoded at a smaller scale at once, except a progressive one, which needs its whole size in memory.
PIXELS_OF_JPEG = 64_000_000
# Of a progressive JPEG: each is one more pass over all pixels, and may take three bytes of the file.
SCANS = 64
QUALITIES = (84, 74, 62, 50, 38, 25)
WHITE = (255, 255, 255, 255)


def gettext_noop(sentence: str) -> str:
    """Mark a sentence that the desk translates. Django's own function needs its settings, which a command has not."""
    return sentence


@dataclass(frozen=True)
class Kind:
    """What is accepted, and what is made of it.

    At most `file_bytes` are read. The result fits into `within` (pixels) and, as far as possible, `most_bytes`; 0: the
    best quality, whatever its size. `flat`: what is transparent becomes white. A JPEG that can be decoded at a smaller
    scale may have `pixels_of_jpeg`, every other picture `pixels`.
    """

    file_bytes: int
    within: tuple[int, int]
    most_bytes: int
    flat: bool = True
    pixels: int = PIXELS
    pixels_of_jpeg: int = PIXELS_OF_JPEG


class TooManyPixels(Refusal):
    """Raised for a picture whose decoding would take too much memory or time."""


LOGO = Kind(2_000_000, (480, 160), 40_000, flat=False)
PICTURE = Kind(10_000_000, (PICTURE_SIDE, PICTURE_SIDE), PICTURE_BYTES)


def encoded(content: bytes, kind: Kind) -> Webp:
    """Return the picture in a PNG, JPEG or WebP file as a new WebP, upright. Raises Refusal."""
    if len(content) > kind.file_bytes:
        raise Refusal(TOO_LARGE[kind.file_bytes // 1_000_000])
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as opened:
            picture = _decoded(opened, content, kind)
    except Refusal:
        raise
    except Exception as error:
        # A damaged picture can raise anything in its decoder, and a large one MemoryError.
        raise Refusal(NO_PICTURE) from error
    picture.thumbnail(kind.within, Image.Resampling.LANCZOS)
    return _small(picture, kind.most_bytes)


def as_it_is(content: bytes, kind: Kind) -> Webp:
    """Return a picture that a Sabal made with the same bytes, and any other as `encoded` does. Raises Refusal."""
    try:
        found = read_plain(content)
    except ValueError:
        return encoded(content, kind)
    if len(content) > kind.most_bytes or found.width > kind.within[0] or found.height > kind.within[1]:
        return encoded(content, kind)
    try:
        with Image.open(io.BytesIO(content), formats=("WEBP",)) as opened:
            opened.load()
    except Exception as error:  # as in `encoded`
        raise Refusal(NO_PICTURE) from error
    return found


TOO_LARGE = {
    2: gettext_noop("The file is too large. Choose one of at most 2 MB."),
    10: gettext_noop("The file is too large. Choose one of at most 10 MB."),
}
NO_PICTURE = gettext_noop("This is not a picture in PNG, JPEG or WebP, or it is damaged.")
TOO_MANY_PIXELS = gettext_noop("The picture has too many pixels. Make it smaller, such as 2000 × 1500.")


def _decoded(opened: Image.Image, content: bytes, kind: Kind) -> Image.Image:
    """Return the pixels, upright, as RGB or RGBA."""
    pixels, scans = opened.width * opened.height, content.count(b"\xff\xda")
    if opened.format == "JPEG" and not opened.info.get("progressive"):
        opened.draft("RGB" if opened.mode == "YCbCr" else opened.mode, kind.within)
        most = kind.pixels_of_jpeg
    else:
        most = kind.pixels
    if (
        pixels > most
        or opened.width * opened.height > kind.pixels
        or (opened.format == "JPEG" and scans > SCANS)
    ):
        raise TooManyPixels(TOO_MANY_PIXELS)
    _shrink_huge(opened, kind)
    picture = _in_usual_colours(ImageOps.exif_transpose(opened))
    _shrink_huge(picture, kind)  # palettes and 16 bits could not be shrunk before
    if not kind.flat or picture.mode == "RGB":
        return picture
    ground = Image.new("RGBA", picture.size, WHITE)
    ground.alpha_composite(picture)
    return ground.convert("RGB")


def _shrink_huge(picture: Image.Image, kind: Kind) -> None:
    """Make a huge picture small before it is converted, which takes several copies of it."""
    if picture.width * picture.height > PIXELS and picture.mode in ("RGB", "RGBA", "L", "CMYK"):
        picture.thumbnail((max(kind.within), max(kind.within)), Image.Resampling.LANCZOS)


def _in_usual_colours(picture: Image.Image) -> Image.Image:
    """Return the picture in 8 bits of sRGB, which every screen shows as it was meant."""
    profile = picture.info.get("icc_profile")
    if picture.mode.startswith("I"):  # grey in 16 bits: Pillow would cut off all that is brighter than 255
        picture = picture.point(lambda value: value / 256).convert("L")
    elif profile and picture.mode in ("RGB", "CMYK"):
        # A profile that cannot be read is no reason to refuse the picture.
        with suppress(ImageCms.PyCMSError, OSError, ValueError, TypeError):
            own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            usual = ImageCms.createProfile("sRGB")
            picture = ImageCms.profileToProfile(picture, own, usual, outputMode="RGB") or picture
    return picture.convert("RGBA" if picture.has_transparency_data else "RGB")


def _small(picture: Image.Image, most_bytes: int) -> Webp:
    """Encode the picture with as much quality as fits, and make it smaller if none does."""
    while True:
        for quality in QUALITIES:
            # A new picture of the pixels alone: nothing that came with the file is written.
            bare = Image.new(picture.mode, picture.size)
            bare.paste(picture)
            out = io.BytesIO()
            bare.save(out, "WEBP", quality=quality, method=6)
            if not most_bytes or out.tell() <= most_bytes:
                return Webp(out.getvalue(), *picture.size)
        picture = picture.resize((max(1, picture.width * 3 // 4), max(1, picture.height * 3 // 4)))
