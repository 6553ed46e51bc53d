"""A mailbox at a mail server, read by IMAP (RFC 9051). Only messages that are unread are looked at."""

import imaplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sabal.bounces.report import MOST_BYTES
from sabal.configuration.bounces_url import BouncesUrl

TIMEOUT = 30.0  # seconds for each answer
ERRORS = (imaplib.IMAP4.error, OSError)


class Mailbox:
    """The messages of one mailbox."""

    def __init__(self, url: BouncesUrl) -> None:
        self._url = url
        self._imap: imaplib.IMAP4 | None = None

    @contextmanager
    def taking(self) -> Iterator[bool]:
        """Open the mailbox and yield True. What was used is deleted at the end. Raises one of ERRORS."""
        imap = self._imap = self._log_in()
        try:
            _checked(imap.select(f'"{self._url.mailbox}"'))
            yield True
            # UID EXPUNGE would name them, but not every server has it. Other deleted messages were to go anyway.
            _checked(imap.expunge())
        finally:
            self._imap = None
            with suppress(*ERRORS):
                imap.logout()

    def look(self) -> None:
        """Open the mailbox and change nothing. Raises one of ERRORS."""
        imap = self._log_in()
        try:
            _checked(imap.select(f'"{self._url.mailbox}"', readonly=True))
        finally:
            with suppress(*ERRORS):
                imap.logout()

    def messages(self, most: int) -> Iterator[tuple[str, bytes]]:
        """Yield the UID and the start of each unread message, the oldest first."""
        assert self._imap is not None
        (found,) = _checked(self._imap.uid("SEARCH", "UNSEEN", "UNDELETED"))
        for uid in (found or b"").split()[:most]:
            name = uid.decode("ascii")
            parts = _checked(self._imap.uid("FETCH", name, f"(BODY.PEEK[]<0.{MOST_BYTES}>)"))
            content = next((part[1] for part in parts if isinstance(part, tuple)), None)
            if content is not None:
                yield name, content

    def settle(self, name: str, *, used: bool) -> None:
        """Delete a message that was used. One that is not about us is marked as read and left to its owner."""
        assert self._imap is not None
        _checked(self._imap.uid("STORE", name, "+FLAGS", r"(\Deleted \Seen)" if used else r"(\Seen)"))

    def _log_in(self) -> imaplib.IMAP4:
        url = self._url
        imap = (
            imaplib.IMAP4_SSL(url.host, url.port, ssl_context=ssl.create_default_context(), timeout=TIMEOUT)
            if url.scheme == "imaps"
            else imaplib.IMAP4(url.host, url.port, timeout=TIMEOUT)
        )
        try:
            _authenticate(imap, url.user, url.password)
        except ERRORS:
            imap.shutdown()
            raise
        return imap


def _authenticate(imap: imaplib.IMAP4, user: str, password: str) -> None:
    if "AUTH=PLAIN" in imap.capabilities:  # RFC 4616: any letters
        imap.authenticate("PLAIN", lambda _challenge: f"\0{user}\0{password}".encode())
    else:
        imap.login(user, password)


def _checked(answer: tuple[str, list]) -> list:  # type: ignore[type-arg]  # as imaplib types it
    if answer[0] != "OK":
        raise imaplib.IMAP4.error(answer[0])
    return answer[1]
