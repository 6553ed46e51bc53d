"""An email to one reader with a file attached, as an organisation sends it: plain text, and one PDF."""

import base64
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime

from sabal.mail.headers import NO_FILE, CannotCompose, mailbox, unstructured
from sabal.mail.message import Message, require_one_address, text_part

MOST_ATTACHED = 2_000_000  # bytes; many mail servers refuse more than a few megabytes
_BOUNDARY = f"={secrets.token_hex(16)}"


@dataclass(frozen=True, slots=True)
class Correspondence:
    """What is written to one reader.

    `to` and `sender` are addresses, `sender_name` is who writes, `reply_to` is where answers go, or empty. `language`
    is that of subject and text. `file_name` is ASCII; without `file` nothing is attached.
    """

    to: str
    sender: str
    sender_name: str
    reply_to: str
    subject: str
    text: str
    language: str
    file_name: str = ""
    file: bytes = field(default=b"", repr=False)

    def message(self, message_id: str, now: float, bounces_to: str) -> Message:
        """Return the email.

        Raises CannotCompose for an address that would be several, a header of several lines, or a file that cannot be
        attached.
        """
        content = "\r\n".join(self._lines(message_id, now))
        return Message(self.sender, message_id, content.encode(), bounces_to)

    def headers(self, message_id: str, now: float) -> tuple[str, ...]:
        """Return the headers as they go, each with its name; a long one has several lines."""
        for address in (self.to, self.sender, self.reply_to or self.sender):
            require_one_address(address)
        return (
            mailbox("From", self.sender_name, self.sender),
            f"To: {self.to}",
            *([f"Reply-To: {self.reply_to}"] if self.reply_to else []),
            unstructured("Subject", self.subject),
            f"Date: {format_datetime(datetime.fromtimestamp(now, UTC))}",
            f"Message-ID: <{message_id}>",
            # RFC 3834: programs that answer by themselves do not answer to this, so nothing goes round.
            "Auto-Submitted: auto-generated",
            f"Content-Language: {self.language}",
            "MIME-Version: 1.0",
            f'Content-Type: multipart/mixed; boundary="{_BOUNDARY}"',
        )

    def _lines(self, message_id: str, now: float) -> list[str]:
        lines = [*self.headers(message_id, now), "", f"--{_BOUNDARY}"]
        lines.append(text_part("plain", self.text, self.language))
        if self.file:
            if len(self.file) > MOST_ATTACHED or not _is_plain(self.file_name):
                raise CannotCompose(NO_FILE, "a file that cannot be attached")
            encoded = base64.encodebytes(self.file).decode("ascii").rstrip("\n").replace("\n", "\r\n")
            lines += [
                f"--{_BOUNDARY}",
                f'Content-Type: application/pdf; name="{self.file_name}"',
                f'Content-Disposition: attachment; filename="{self.file_name}"',
                "Content-Transfer-Encoding: base64",
                "",
                encoded,
            ]
        return [*lines, f"--{_BOUNDARY}--", ""]


def _is_plain(name: str) -> bool:
    return bool(name) and all(c.isascii() and (c.isalnum() or c in "-_.") for c in name)
