"""Somebody who signs by hand: opens pages, reads letters, follows links and keeps what they are given."""

import email
import re
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlencode

from served import SLUG, Served

PATIENCE = 30.0  # seconds
T = TypeVar("T")


@dataclass
class Signer:
    """One person with a mailbox; `confirm` after `sign`."""

    site: Served
    name: str
    place: str = "KR"

    @property
    def address(self) -> str:
        return f"{self.name.lower()}@example.org"

    def sign(self) -> None:
        """Fill in the form of the petition's page and wait for the letter."""
        self.day = datetime.now(UTC).date().isoformat()
        version = re.search(
            r'name="version" value="([0-9a-f]{16})"', self._open(f"{self.keystore.base}/en/{SLUG}")
        )
        assert version
        form = {"name": self.name, "email": self.address, "country": self.place, "consent": "1"}
        body = urlencode({**form, "version": version[1]}).encode()
        urllib.request.urlopen(f"{self.keystore.base}/en/{SLUG}/sign", body, timeout=10).close()
        self.letter = wait_for(self._letter)
        message = email.message_from_bytes(self.letter.read_bytes(), policy=policy.default)
        self.text = message.get_body(("plain",)).get_content()  # type: ignore[union-attr]
        (self.link,) = re.findall(r"http://\S+/confirm/[a-z2-7]{26}", self.text)

    @property
    def token(self) -> str:
        """What the letter's link holds."""
        return self.link.rpartition("/")[2]

    def confirm(self) -> None:
        """Press the button behind the letter's link, which leads to the receipt."""
        with urllib.request.urlopen(self.link, b"", timeout=10) as answer:
            self.receipt_at, self.receipt = answer.url, answer.read().decode()

    def look_again(self) -> str:
        """The receipt as it is now."""
        self.receipt = self._open(self.receipt_at)
        return self.receipt

    def save(self, kind: str, to: Path) -> Path:
        """Follow the receipt's link to a promise or a proof, and keep the file."""
        (link,) = re.findall(rf'href="(/en/signature/[a-z2-7]{{26}}\.{kind})"', self.receipt)
        with urllib.request.urlopen(f"{self.keystore.base}{link}", timeout=10) as answer:
            to.write_bytes(answer.read())
        return to

    def withdraw(self) -> None:
        (action,) = re.findall(r'action="(/en/signature/[a-z2-7]{26}/withdraw)"', self.look_again())
        urllib.request.urlopen(f"{self.keystore.base}{action}", b"", timeout=10).close()

    def _letter(self) -> Path | None:
        found = (self.keystore.data / "mail").glob("[0-9]*.eml")
        return next((path for path in found if self.address.encode() in path.read_bytes()), None)

    def _open(self, url: str) -> str:
        with urllib.request.urlopen(url, timeout=10) as answer:
            text: str = answer.read().decode()
        return text


def wait_for(look: Callable[[], T | None], what: str = "") -> T:
    """What `look` finds, as soon as it does."""
    deadline = time.monotonic() + PATIENCE
    while not (found := look()):
        assert time.monotonic() < deadline, what or look
        time.sleep(0.2)
    return found
