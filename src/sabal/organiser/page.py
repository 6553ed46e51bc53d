"""organiser.html: the page that makes keys and opens signatures on the organiser's own computer.

`script/organiser-page` builds it. It is in the wheel, and in a checkout where it could be built.
"""

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

NAME = "organiser.html"
FILE = Path(__file__).with_name(NAME)


@dataclass(frozen=True)
class OrganiserPage:
    """The bytes of the page, and their SHA-256 in hexadecimal."""

    content: bytes
    sha256: str


@cache
def organiser_page() -> OrganiserPage | None:
    """Return the page, or None where it was not built."""
    if not FILE.is_file():
        return None
    content = FILE.read_bytes()
    return OrganiserPage(content, hashlib.sha256(content).hexdigest())
