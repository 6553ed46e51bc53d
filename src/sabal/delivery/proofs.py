"""Make a proof safe to show: a photo or a PDF, decoded and written again without anything but what is seen.

A process of its own does it (delivery/distil.py), with little memory and time: what a file does to its decoder, it does
there.
"""

import hashlib
import json
import subprocess
import sys
from dataclasses import dataclass

from django.utils.translation import gettext

from sabal.delivery.distil import FILE_BYTES, Fault
from sabal.refusal import Refusal

SECONDS = 40


@dataclass(frozen=True)
class Distilled:
    """A proof: a PDF, or a WebP of `width` × `height` pixels. `media` is "pdf" or "webp"."""

    data: bytes
    media: str
    width: int = 0
    height: int = 0

    @property
    def digest(self) -> str:
        """Return the SHA-256 in hex."""
        return hashlib.sha256(self.data).hexdigest()


def distilled(content: bytes) -> Distilled:
    """Return the proof in a photo (JPEG, PNG or WebP) or PDF. Raises Refusal with a sentence for people."""
    if len(content) > FILE_BYTES:
        raise refusal(Fault.LARGE)
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-m", "sabal.delivery.distil"],
            input=content,
            capture_output=True,
            timeout=SECONDS,
            check=False,
            env={},
        )
    except subprocess.TimeoutExpired:
        raise refusal(Fault.BOMB) from None
    head, _, data = done.stdout.partition(b"\n")
    if done.returncode or not head:  # its memory or its time was over
        raise refusal(Fault.BOMB)
    said = json.loads(head)
    if "fault" in said:
        raise refusal(Fault(said["fault"]))
    return Distilled(data, said["media"], said["width"], said["height"])


def refusal(fault: Fault) -> Refusal:
    """Return the sentence that says why a file is refused, and what to do."""
    return Refusal(
        {
            Fault.LARGE: gettext(
                "The file is too large. Choose one of at most 10 MB, or take a smaller photo of it."
            ),
            Fault.UNKNOWN: gettext(
                "This is neither a photo (JPEG, PNG or WebP) nor a PDF. Photos of an iPhone can be saved as JPEG."
            ),
            Fault.PICTURE: gettext(
                "This photo is damaged. Open it on your computer, and save it again as JPEG."
            ),
            Fault.PIXELS: gettext("This photo has too many pixels. Make it smaller, such as 3000 × 2000."),
            Fault.ENCRYPTED: gettext(
                "This PDF is protected by a password. Print it into a new PDF without one."
            ),
            Fault.PDF: gettext("This PDF is damaged. Open it on your computer, and print it into a new PDF."),
            Fault.PAGES: gettext(
                "This PDF has more than 100 pages. Choose the pages that show the delivery."
            ),
            Fault.BOMB: gettext(
                "This file takes too much memory or time to open. Print it into a new PDF, or take a photo of it."
            ),
        }[fault]
    )
