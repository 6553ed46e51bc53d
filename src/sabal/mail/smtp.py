"""The transport to an SMTP server (RFC 5321)."""

import contextlib
import smtplib
import socket
import ssl
import time
from collections.abc import Callable

from sabal.configuration.mail_url import MailUrl
from sabal.mail.answers import PERMANENT, Answer, SendOutcome, Trouble, judge
from sabal.mail.message import Message
from sabal.mail.session import ServerRefusal, open_session, reply_text

TIMEOUT = 20.0  # seconds for each step of a session; much less than the claim of an email
IDLE = 10.0  # seconds after which a connection is checked with NOOP before it is used


class SmtpTransport:
    """SMTP submission on one connection, which is kept open and made again when it is lost."""

    def __init__(
        self,
        url: MailUrl,
        helo: str,
        *,
        timeout: float = TIMEOUT,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url, self._helo, self._timeout, self._clock = url, helo, timeout, clock
        self._smtp: smtplib.SMTP | None = None
        self._used = 0.0
        self._begun = False  # whether the server took the last email's MAIL command
        self._in_data = False  # whether it was being given the email itself
        self.takes_international: bool | None = None  # whether the last greeting had SMTPUTF8 (RFC 6531)

    def send(self, message: Message, to: str) -> Answer:
        """Send one email. With DSN (RFC 3461), say whether we want a bounce, and that it need not repeat the email."""
        reused = self._smtp is not None
        answer = self._try(message, to)
        if reused and answer.trouble is Trouble.LOST and not self._begun:
            # Servers close a connection after some emails or seconds. That is no answer about this email.
            answer = self._try(message, to)
        return answer

    def _try(self, message: Message, to: str) -> Answer:
        self._begun = self._in_data = False
        try:
            smtp = self._connected()
        except ServerRefusal as refusal:
            self._drop()
            return refusal.answer
        except (smtplib.SMTPException, OSError) as error:
            self._drop()
            return Answer(SendOutcome.UNSENT, _no_connection(error), Trouble.DOWN)
        try:
            answer = self._converse(smtp, message, to)
        except (smtplib.SMTPException, OSError) as error:
            # The connection broke before the last answer, so the server may or may not have the email. A second copy
            # is better than none.
            self._drop()
            return Answer(SendOutcome.LATER, _broken(error), Trouble.LOST, maybe=self._in_data)
        if answer.outcome is not SendOutcome.ACCEPTED:
            self._reset(smtp)
        self._used = self._clock()
        return answer

    def greet(self) -> None:
        """Connect, so that `takes_international` is known before the first email. Trouble shows at that email."""
        with contextlib.suppress(ServerRefusal, smtplib.SMTPException, OSError):
            self._connected()

    def close(self) -> None:
        """Send QUIT if a connection is open."""
        if self._smtp is not None:
            try:
                self._smtp.quit()
            except (smtplib.SMTPException, OSError):
                self._smtp.close()
            self._smtp = None

    def _connected(self) -> smtplib.SMTP:
        if self._smtp is not None and self._clock() - self._used > IDLE and not self._alive(self._smtp):
            self._drop()
        if self._smtp is not None:
            return self._smtp
        self._smtp = open_session(self._url, self._helo, self._timeout)
        self._used = self._clock()
        self.takes_international = self._smtp.has_extn("smtputf8")
        return self._smtp

    def _alive(self, smtp: smtplib.SMTP) -> bool:
        try:
            return smtp.noop()[0] == 250
        except (smtplib.SMTPException, OSError):
            return False

    def _converse(self, smtp: smtplib.SMTP, message: Message, to: str) -> Answer:
        international = not to.isascii()
        if international and not smtp.has_extn("smtputf8"):
            return Answer(SendOutcome.NEVER, PERMANENT["5.6.7"])
        dsn = smtp.has_extn("dsn")
        options = ["RET=HDRS"] if dsn else []
        if international:
            options += ["BODY=8BITMIME", "SMTPUTF8"]
        reply = smtp.mail(message.bounces_to or message.sender, options)
        if reply[0] == 421:
            raise smtplib.SMTPServerDisconnected
        if reply[0] != 250:
            return judge(*reply, named=False)
        self._begun = True
        wanted = "NOTIFY=FAILURE" if message.bounces_to else "NOTIFY=NEVER"
        reply = smtp.rcpt(to, [wanted] if dsn else [])
        if reply[0] not in (250, 251):
            return judge(*reply)
        self._in_data = True
        try:
            reply = smtp.data(message.content)
        except smtplib.SMTPDataError as error:
            return judge(error.smtp_code, reply_text(error.smtp_error))
        return Answer(SendOutcome.ACCEPTED) if reply[0] == 250 else judge(*reply)

    def _reset(self, smtp: smtplib.SMTP) -> None:
        try:
            if smtp.rset()[0] != 250:
                self.close()
        except (smtplib.SMTPException, OSError):
            self._drop()

    def _drop(self) -> None:
        # Send no QUIT to a server that does not answer: it would cost one more time-out.
        if self._smtp is not None:
            self._smtp.close()
            self._smtp = None


def _no_connection(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return "the server's certificate or TLS cannot be accepted"
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return "the server does not offer the TLS or log-in that SABAL_MAIL_URL asks for"
    if isinstance(error, socket.gaierror):
        return "the server's name cannot be looked up"
    return (
        "the server did not answer in time"
        if isinstance(error, TimeoutError)
        else "the server cannot be reached"
    )


def _broken(error: Exception) -> str:
    timed_out = isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError)
    return "the server stopped answering" if timed_out else "the server closed the connection"
