"""The picture in a petition folder: picture.webp. Among the files of a petition, which are text, it is in base64.

So it has the same drafts, revisions, versions and amendments as the texts. What is to be seen in it is written in each
LANG.md (`picture_description`).
"""

import base64

from sabal.petitions.definition import Problem
from sabal.webp import PICTURE_BYTES, PICTURE_SIDE, Webp, read_plain

NAME = "picture.webp"
DESCRIPTION = "picture_description"
FILE_BYTES = 10_000_000  # of a picture that is imported; it is made smaller


def imported(content: bytes) -> str:
    """Return a picture from outside as it is stored: with the same bytes if a petition was exported with it.

    Any other PNG, JPEG or WebP is decoded and encoded again. Raises Refusal.
    """
    from sabal import pictures  # Pillow is loaded only where a picture is taken in

    return as_text(pictures.as_it_is(content, pictures.PICTURE).data)


def as_text(data: bytes) -> str:
    """Return the bytes of picture.webp as they are among the files of a petition."""
    return base64.b64encode(data).decode("ascii")


def as_bytes(name: str, text: str) -> bytes:
    """Return the bytes that a file of a petition has in its folder."""
    return base64.b64decode(text) if name == NAME else text.encode()


def parse(text: str, problems: list[Problem]) -> Webp | None:
    """Return the picture. Append to `problems` if it is none that this server made."""
    try:
        picture = read_plain(base64.b64decode(text, validate=True))
    except ValueError:
        problems.append(Problem(NAME, 1, NOT_MADE_HERE))
        return None
    if len(picture.data) > PICTURE_BYTES or max(picture.width, picture.height) > PICTURE_SIDE:
        problems.append(Problem(NAME, 1, NOT_MADE_HERE))
        return None
    return picture


NOT_MADE_HERE = "This picture was not made by Sabal. Import it from its folder, or upload it on the desk."
