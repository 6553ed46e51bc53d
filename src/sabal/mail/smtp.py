"""The transport to an SMTP server (RFC 5321)."""

import smtplib
import socket
import ssl
import time
from collections.abc import Callable
from email.message import EmailMessage

from sabal.mail.answers import PERMANENT, Answer, SendOutcome, Trouble, judge
from sabal.mail.mime import as_bytes
from sabal.mail.url import MailUrl

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

    def send(self, message: EmailMessage, to: str) -> Answer:
        """Send one email. If the server supports DSN (RFC 3461), ask it to send no bounces."""
        reused = self._smtp is not None
        answer = self._try(message, to)
        if reused and answer.trouble is Trouble.LOST and not self._begun:
            # Servers close a connection after some emails or seconds. That is no answer about this email.
            answer = self._try(message, to)
        return answer

    def _try(self, message: EmailMessage, to: str) -> Answer:
        self._begun = False
        try:
            smtp = self._connected()
        except _Refused as refusal:
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
            return Answer(SendOutcome.LATER, _broken(error), Trouble.LOST)
        if answer.outcome is not SendOutcome.ACCEPTED:
            self._reset(smtp)
        self._used = self._clock()
        return answer

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
        smtp = self._connect()
        self._used = self._clock()
        return smtp

    def _alive(self, smtp: smtplib.SMTP) -> bool:
        try:
            return smtp.noop()[0] == 250
        except (smtplib.SMTPException, OSError):
            return False

    def _connect(self) -> smtplib.SMTP:
        url, context = self._url, ssl.create_default_context()
        try:
            if url.tls == "implicit":
                self._smtp = smtplib.SMTP_SSL(
                    url.host, url.port, local_hostname=self._helo, timeout=self._timeout, context=context
                )
            else:
                self._smtp = smtplib.SMTP(
                    url.host, url.port, local_hostname=self._helo, timeout=self._timeout
                )
        except smtplib.SMTPConnectError as error:
            _require_accepted(error.smtp_code, _bytes(error.smtp_error))
            raise
        smtp = self._smtp
        assert smtp.sock is not None
        smtp.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _require_accepted(*_greet(smtp))
        if url.tls == "starttls":
            smtp.starttls(context=context)
            _require_accepted(*_greet(smtp))
        if url.user:
            try:
                smtp.login(url.user, url.password)
            except smtplib.SMTPAuthenticationError as error:
                _require_accepted(error.smtp_code, _bytes(error.smtp_error))
                raise
        return smtp

    def _converse(self, smtp: smtplib.SMTP, message: EmailMessage, to: str) -> Answer:
        international = not to.isascii()
        if international and not smtp.has_extn("smtputf8"):
            return Answer(SendOutcome.NEVER, PERMANENT["5.6.7"])
        dsn = smtp.has_extn("dsn")
        options = ["RET=HDRS"] if dsn else []
        if international:
            options += ["BODY=8BITMIME", "SMTPUTF8"]
        sender = message["From"].addresses[0].addr_spec
        reply = smtp.mail(sender, options)
        if reply[0] == 421:
            raise smtplib.SMTPServerDisconnected
        if reply[0] != 250:
            return judge(*reply, named=False)
        self._begun = True
        reply = smtp.rcpt(to, ["NOTIFY=NEVER"] if dsn else [])
        if reply[0] not in (250, 251):
            return judge(*reply)
        try:
            reply = smtp.data(as_bytes(message, to))
        except smtplib.SMTPDataError as error:
            return judge(error.smtp_code, _bytes(error.smtp_error))
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


class _Refused(Exception):
    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


def _require_accepted(code: int, text: bytes) -> None:
    """Raise _Refused unless the server accepted this step. 5xx: it refuses us; 4xx: it may accept us later."""
    if 200 <= code < 300:
        return
    answer = judge(code, text, named=False)
    trouble = Trouble.REFUSED if answer.trouble is Trouble.REFUSED else Trouble.DOWN
    raise _Refused(Answer(SendOutcome.UNSENT, answer.reason, trouble))


def _greet(smtp: smtplib.SMTP) -> tuple[int, bytes]:
    reply = smtp.ehlo()
    return reply if reply[0] == 250 or 400 <= reply[0] < 500 else smtp.helo()


def _bytes(text: bytes | str) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8", "replace")


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
