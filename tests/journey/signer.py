"""A signer without a browser: open pages, read emails, follow links and save files."""

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
    """One person with an email address. Call `sign`, then `confirm`."""

    served: Served
    name: str
    country: str = "KR"

    @property
    def address(self) -> str:
        return f"{self.name.lower()}@example.org"

    def sign(self) -> None:
        """Send the form of the petition's page and wait for the email."""
        self.day = datetime.now(UTC).date().isoformat()
        page = self._open(f"{self.served.base}/en/{SLUG}")
        version = re.search(r'name="version" value="([0-9a-f]{16})"', page)
        assert version
        form = {"name": self.name, "email": self.address, "country": self.country, "consent": "1"}
        body = urlencode({**form, "version": version[1]}).encode()
        urllib.request.urlopen(f"{self.served.base}/en/{SLUG}/sign", body, timeout=10).close()
        self.email_file = wait_for(self._find_email)
        message = email.message_from_bytes(self.email_file.read_bytes(), policy=policy.default)
        self.text = message.get_body(("plain",)).get_content()  # type: ignore[union-attr]
        (self.link,) = re.findall(r"http://\S+/confirm/[a-z2-7]{26}", self.text)

    @property
    def token(self) -> str:
        """The token in the email's link."""
        return self.link.rpartition("/")[2]

    def confirm(self) -> None:
        """Press the button of the email's link, which leads to the receipt."""
        with urllib.request.urlopen(self.link, b"", timeout=10) as answer:
            self.receipt_url, self.receipt = answer.url, answer.read().decode()

    def refresh_receipt(self) -> str:
        """Return the receipt as it is now."""
        self.receipt = self._open(self.receipt_url)
        return self.receipt

    def save(self, kind: str, to: Path) -> Path:
        """Follow the receipt's link to a promise or a proof, and save the file."""
        (link,) = re.findall(rf'href="(/en/signature/[a-z2-7]{{26}}\.{kind})"', self.receipt)
        with urllib.request.urlopen(f"{self.served.base}{link}", timeout=10) as answer:
            to.write_bytes(answer.read())
        return to

    def withdraw(self) -> None:
        """Follow the receipt's link to the page that withdraws, and press its button."""
        (action,) = re.findall(r'href="(/en/signature/[a-z2-7]{26}/withdraw)"', self.refresh_receipt())
        assert '<form method="post"><button>' in self._open(f"{self.served.base}{action}")
        urllib.request.urlopen(f"{self.served.base}{action}", b"", timeout=10).close()

    def _find_email(self) -> Path | None:
        found = (self.served.data / "mail").glob("[0-9]*.eml")
        return next((path for path in found if self.address.encode() in path.read_bytes()), None)

    def _open(self, url: str) -> str:
        with urllib.request.urlopen(url, timeout=10) as answer:
            text: str = answer.read().decode()
        return text


def wait_for(find: Callable[[], T | None], what: str = "") -> T:
    """Call `find` until it returns something, and return that."""
    deadline = time.monotonic() + PATIENCE
    while not (found := find()):
        assert time.monotonic() < deadline, what or find
        time.sleep(0.2)
    return found
