"""Fill in and post the form that asks for the newsletter."""

import re

from front.visitor import Answer
from front_end import Client

NEWSLETTER = "/en/newsletter"
PAGE = f"{NEWSLETTER}/stop-forced-repatriation"  # the only petition's organisation has the key of its slug


def filled(page: str, address: str, **more: str) -> dict[str, str]:
    """Return the fields that a browser sends from this page, with its box ticked."""
    boxes = re.findall(r'<input type="checkbox" id="consent" name="consent" value="([0-9a-f]{16})"', page)
    assert len(boxes) == 1
    return {"email": address, "consent": boxes[0], **more}


def ask(client: Client, address: str, path: str = PAGE, **more: str) -> Answer:
    """Open the page, tick the box and press the button."""
    return client.post(path, filled(client.get(path).body.decode(), address, **more))
