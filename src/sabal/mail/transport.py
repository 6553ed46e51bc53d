"""A way out of the house: a folder (development) or an SMTP server."""

from email.message import EmailMessage
from pathlib import Path
from typing import Protocol

from sabal.mail.answers import Answer
from sabal.mail.folder import FolderTransport
from sabal.mail.smtp import TIMEOUT, SmtpTransport
from sabal.mail.url import parse_mail_url


class Transport(Protocol):
    """A way out of the house."""

    def send(self, message: EmailMessage, to: str) -> Answer:
        """Hand over one email for the mailbox `to` (`EmailAddress.wire`). Never raises for what the
        other side does."""

    def close(self) -> None:
        """Take leave; the next `send` begins anew."""


def open_transport(url: str, *, folder: Path, helo: str, timeout: float = TIMEOUT) -> Transport:
    """The transport that SABAL_MAIL_URL names. `folder` is where `folder:` writes; `helo` is the host name
    that we greet with. Connects with the first email. Raises MailUrlError."""
    parsed = parse_mail_url(url)
    return (
        FolderTransport(folder) if parsed.scheme == "folder" else SmtpTransport(parsed, helo, timeout=timeout)
    )
