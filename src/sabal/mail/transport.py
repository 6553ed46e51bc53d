"""The transport that SABAL_MAIL_URL names: a folder (development) or an SMTP server."""

from pathlib import Path
from typing import Protocol

from sabal.configuration.mail_url import MailUrl
from sabal.mail.answers import Answer
from sabal.mail.folder import FolderTransport
from sabal.mail.message import Message
from sabal.mail.smtp import TIMEOUT, SmtpTransport


class Transport(Protocol):
    """Sends emails out of this server.

    `takes_international` says whether it takes addresses that are not ASCII before the @; None: not known yet.
    """

    takes_international: bool | None

    def greet(self) -> None:
        """Find out what the mail server takes, if it can be reached."""

    def send(self, message: Message, to: str) -> Answer:
        """Send one email to the address `to` (`EmailAddress.wire`). Errors of the other side are in the answer."""

    def close(self) -> None:
        """Close the connection; the next `send` reconnects."""


def open_transport(url: MailUrl, *, folder: Path, helo: str, timeout: float = TIMEOUT) -> Transport:
    """Make the transport that `url` (SABAL_MAIL_URL) names.

    `folder` is the path to which `folder:` writes. `helo` is the host name in our greeting to the mail server. The
    first email opens the connection.
    """
    return FolderTransport(folder) if url.scheme == "folder" else SmtpTransport(url, helo, timeout=timeout)
