"""The process that makes one proof anew: a file on its standard input, the proof or a fault on its standard output.

The answer is a line of JSON, then the bytes. It imports neither Django nor settings, writes no file, and ends if it
takes too much memory or time.
"""

import io
import json
import sys
from contextlib import suppress
from enum import StrEnum

from sabal.refusal import Refusal
from sabal.webp import Webp

FILE_BYTES = 10_000_000
MEMORY = 1_000_000_000  # bytes of addresses: the libraries alone take a quarter of it
CPU_SECONDS = 20
LARGEST = (2_400, 2_400)
JPEG_PIXELS, PIXELS = 200_000_000, 40_000_000  # a JPEG is decoded at a fraction of its size
EXPANDED = 400_000_000  # bytes of all streams of a PDF together
PAGES = 100


class Fault(StrEnum):
    """Why a file is refused."""

    LARGE = "large"
    UNKNOWN = "unknown"
    PICTURE = "picture"
    PIXELS = "pixels"
    ENCRYPTED = "encrypted"
    PDF = "pdf"
    PAGES = "pages"
    BOMB = "bomb"


class Refused(Exception):
    """Raised for a file that is no proof."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault)
        self.fault = fault


def main() -> None:
    """Distil one file."""
    _limit()
    content = sys.stdin.buffer.read(FILE_BYTES + 1)
    try:
        said, data = distil(content)
    except Refused as refused:
        said, data = {"fault": refused.fault.value}, b""
    except MemoryError:
        said, data = {"fault": Fault.BOMB.value}, b""
    sys.stdout.buffer.write(json.dumps(said).encode() + b"\n" + data)


def distil(content: bytes) -> tuple[dict[str, object], bytes]:
    """Return what a proof is, and its bytes. Raises Refused. The type is that of the first bytes, whatever its name."""
    if len(content) > FILE_BYTES:
        raise Refused(Fault.LARGE)
    if content.startswith(b"%PDF-"):
        data = _pdf(content)
        if len(data) > FILE_BYTES:
            raise Refused(Fault.LARGE)
        return {"media": "pdf", "width": 0, "height": 0}, data
    if content.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")) or (content[:4], content[8:12]) == (
        b"RIFF",
        b"WEBP",
    ):
        made = _picture(content)
        return {"media": "webp", "width": made.width, "height": made.height}, made.data
    raise Refused(Fault.UNKNOWN)


def _limit() -> None:
    """Bound memory and time of this process. Where the system cannot, the caller's clock alone does."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _picture(content: bytes) -> Webp:
    """Return a WebP of the pixels alone, upright."""
    from PIL import Image

    from sabal import pictures

    Image.MAX_IMAGE_PIXELS = None  # ours are stricter, and say what to do
    kind = pictures.Kind(FILE_BYTES, LARGEST, most_bytes=0, pixels=PIXELS, pixels_of_jpeg=JPEG_PIXELS)
    try:
        return pictures.encoded(content, kind)
    except pictures.TooManyPixels as error:
        raise Refused(Fault.PIXELS) from error
    except Refusal as error:
        if isinstance(error.__cause__, MemoryError):
            raise Refused(Fault.BOMB) from error
        raise Refused(Fault.PICTURE) from error


def _pdf(content: bytes) -> bytes:
    """Return a new PDF with the pages alone: no script, action, link, form, attachment, layer or metadata."""
    import pikepdf

    from sabal.delivery.pdfpages import bare_pages

    try:
        with pikepdf.open(io.BytesIO(content), attempt_recovery=False) as source:
            if source.is_encrypted:
                raise Refused(Fault.ENCRYPTED)
            if not 0 < len(source.pages) <= PAGES:
                raise Refused(Fault.PAGES if len(source.pages) else Fault.PDF)
            return bare_pages(source, EXPANDED)
    except pikepdf.PasswordError:
        raise Refused(Fault.ENCRYPTED) from None
    except (Refused, MemoryError):
        raise
    except Exception as error:  # a damaged file can raise anything
        raise Refused(Fault.PDF) from error


if __name__ == "__main__":
    main()
