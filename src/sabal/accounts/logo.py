"""Make a logo safe to show: decoded, and encoded again without anything but its pixels."""

import io
from dataclasses import dataclass

from django.utils.translation import gettext_noop
from PIL import Image, ImageOps

from sabal.refusal import Refusal

FILE_BYTES = 2_000_000
PIXELS = 16_000_000  # a small file can hold a huge picture
LARGEST = (480, 160)
LOGO_BYTES = 40_000
FORMATS = ("PNG", "JPEG", "WEBP")


@dataclass(frozen=True)
class Logo:
    """A WebP and its size in pixels."""

    data: bytes
    width: int
    height: int


def logo_from(content: bytes) -> Logo:
    """Return the logo in a PNG, JPEG or WebP file. Raises Refusal.

    Metadata, animation and whatever is hidden behind the picture are left out. SVG and HTML are refused, because they
    can contain code.
    """
    if len(content) > FILE_BYTES:
        raise Refusal(gettext_noop("The file is too large. Choose one of at most 2 MB."))
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
            if picture.width * picture.height > PIXELS:
                raise Refusal(
                    gettext_noop("The picture has too many pixels. Make it smaller, such as 960 × 320.")
                )
            upright = ImageOps.exif_transpose(picture)
            plain = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
    except Refusal:
        raise
    except Exception as error:  # a damaged picture can raise anything in its decoder
        raise Refusal(
            gettext_noop("This is not a picture in PNG, JPEG or WebP, or it is damaged.")
        ) from error
    plain.thumbnail(LARGEST, Image.Resampling.LANCZOS)
    return Logo(_encoded(plain), plain.width, plain.height)


def _encoded(picture: Image.Image) -> bytes:
    for quality in (90, 75, 50, 25):
        out = io.BytesIO()
        # A new picture of the pixels alone: nothing that came with the file is written.
        bare = Image.new(picture.mode, picture.size)
        bare.paste(picture)
        bare.save(out, "WEBP", quality=quality, method=6)
        if out.tell() <= LOGO_BYTES:
            break
    return out.getvalue()
