"""The transport that SABAL_MAIL_URL names: a folder (development) or an SMTP server."""

from email.message import EmailMessage
from pathlib import Path
from typing import Protocol

from sabal.mail.answers import Answer
from sabal.mail.folder import FolderTransport
from sabal.mail.smtp import TIMEOUT, SmtpTransport
from sabal.mail.url import parse_mail_url


class Transport(Protocol):
    """Sends emails out of this server."""

    def send(self, message: EmailMessage, to: str) -> Answer:
        """Send one email to the address `to` (`EmailAddress.wire`). Errors of the other side are in the answer."""

    def close(self) -> None:
        """Close the connection; the next `send` reconnects."""


def open_transport(url: str, *, folder: Path, helo: str, timeout: float = TIMEOUT) -> Transport:
    """Make the transport that `url` (SABAL_MAIL_URL) names. Raises MailUrlError.

    `folder` is the path to which `folder:` writes. `helo` is the host name in our greeting to the mail server. The
    first email opens the connection.
    """
    parsed = parse_mail_url(url)
    return (
        FolderTransport(folder) if parsed.scheme == "folder" else SmtpTransport(parsed, helo, timeout=timeout)
    )
