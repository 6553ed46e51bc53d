"""The transport of a development server: it writes each email to a file, and pages show the files."""

import contextlib
import os
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from sabal.mail.answers import Answer, SendOutcome, Trouble
from sabal.mail.message import Message


class FolderTransport:
    """Writes each email to a file in a folder. It is for development, and for tests that read emails."""

    takes_international: bool | None = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def greet(self) -> None:
        """Do nothing: there is no server."""

    def send(self, message: Message, to: str) -> Answer:
        """Write the email to a draft file and rename it, so that no reader sees half of it."""
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}-{secrets.token_hex(4)}.eml"
        draft = self._folder / f".{name}"
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as handle:
                handle.write(message.content)
            draft.rename(self._folder / name)
        except OSError:
            with contextlib.suppress(OSError):
                draft.unlink()
            return Answer(SendOutcome.UNSENT, "the mail folder cannot be written", Trouble.DOWN)
        return Answer(SendOutcome.ACCEPTED)

    def close(self) -> None:
        """Do nothing: no connection is open."""


@dataclass(frozen=True)
class StoredEmail:
    """An email that the folder transport wrote. `sent` is from its file name; `text` and `html` are its parts."""

    name: str
    sent: datetime
    to: str
    subject: str
    text: str
    html: str


def list_emails(folder: Path, *, limit: int = 100) -> list[StoredEmail]:
    """Return the newest `limit` emails in the folder, newest first; an empty list if there is no folder."""
    names = sorted((path.name for path in folder.glob("[0-9]*.eml")), reverse=True)
    return [_stored(folder / name) for name in names[:limit]]


def _stored(path: Path) -> StoredEmail:
    message = message_from_bytes(path.read_bytes(), policy=policy.default)
    return StoredEmail(
        name=path.name,
        sent=datetime.strptime(path.name[:23], "%Y%m%dT%H%M%S.%fZ").replace(tzinfo=UTC),
        to=str(message["To"]),
        subject=str(message["Subject"]),
        text=_part(message, "plain"),
        html=_part(message, "html"),
    )


def _part(message: EmailMessage, subtype: str) -> str:
    body = message.get_body((subtype,))
    return body.get_content().replace("\r\n", "\n") if body is not None else ""
