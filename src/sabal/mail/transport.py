"""The ways out of the house: a folder (development) or an SMTP server (RFC 5321), and what their answers
mean."""

import contextlib
import os
import re
import secrets
import smtplib
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from enum import Enum
from pathlib import Path
from typing import Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

import idna

TIMEOUT = 20.0  # seconds for each step of a conversation; well within the claim of a letter
IDLE = 10.0  # seconds after which a connection is asked whether it still lives

# Refusals (5xx) that speak of the mailbox: another try can't help. Enhanced codes are those of RFC 3463.
PERMANENT = {
    "5.1.1": "there is no such mailbox",
    "5.1.2": "there is no such domain",
    "5.1.3": "the address is malformed",
    "5.1.4": "the address is ambiguous",
    "5.1.6": "the mailbox has moved",
    "5.1.10": "the domain takes no mail",
    "5.2.1": "the mailbox is disabled",
    "5.2.3": "the letter is too long for the mailbox",
    "5.3.4": "the letter is too long for the server",
    "5.4.1": "the domain knows no such mailbox",
    "5.4.4": "the domain has no mail server",
    "5.4.6": "the domain's mail goes round in a loop",
    "5.5.0": "the mailbox is unavailable",
    "5.6.7": "the server can't write to an international address",
    "5.6.9": "the server can't write to an international address",
    "521": "the host takes no mail",
    "550": "the mailbox is unavailable",
    "551": "the mailbox is elsewhere",
    "552": "the letter is too long for the mailbox",
    "553": "the address is not allowed",
    "554": "the letter was refused",
    "556": "the domain takes no mail",
}
# Answers after which the same letter may be taken later; the 5xx ones are final in form and not in meaning.
TEMPORARY = {
    "4.2.1": "the mailbox is disabled for now",
    "4.2.2": "the mailbox is full",
    "4.3.1": "the server is full",
    "4.3.2": "the server takes nothing now",
    "4.4.1": "the recipient's server does not answer",
    "4.4.3": "the recipient's domain can't be looked up",
    "4.7.0": "we send too fast",
    "4.7.1": "greylisted",
    "5.2.2": "the mailbox is full",
    "5.3.2": "the server takes nothing now",
    "421": "the server is closing",
    "450": "the mailbox is busy or greylisted",
    "451": "the server had an error or greylists",
    "452": "the server is full",
    "454": "the server can't do that now",
}
# Refusals that speak of us: the letter stays, and the operator must hear of it. Besides these every 5xx that
# comes before a recipient was named, and every other 5.7 ("security or policy"), is one.
OURS = {
    "5.1.7": "our sender's address is malformed",
    "5.1.8": "our sender's domain is not accepted",
    "5.5.1": "the server did not know a command of ours",
    "5.5.2": "the server did not understand us",
    "5.5.4": "the server did not accept an argument of ours",
    "5.7.0": "the server wants us to log in",
    "5.7.1": "the server's policy refuses our mail",
    "5.7.8": "the server does not accept our user name and password",
    "5.7.20": "our DKIM signature is missing or wrong",
    "5.7.23": "our SPF record does not name this server",
    "5.7.25": "our address has no reverse DNS name",
    "5.7.26": "SPF, DKIM or DMARC of our domain failed",
    "500": "the server did not understand us",
    "501": "the server did not accept an argument of ours",
    "502": "the server did not know a command of ours",
    "503": "the server found our commands out of order",
    "504": "the server did not accept an argument of ours",
    "530": "the server wants us to log in or to use TLS",
    "535": "the server does not accept our user name and password",
    "538": "the server wants TLS before logging in",
}


class Outcome(Enum):
    """What became of one letter. UNSENT: it was never spoken of, so nothing is known about it."""

    ACCEPTED = "accepted"
    LATER = "later"
    NEVER = "never"
    UNSENT = "unsent"


class Trouble(Enum):
    """What an answer says about the way out itself, besides the letter."""

    NONE = ""
    LOST = "lost"  # the connection broke or fell silent in the middle of a letter
    DOWN = "down"  # there was no connection to be had
    REFUSED = "refused"  # the server won't have us; somebody must look


@dataclass(frozen=True, slots=True)
class Answer:
    """A transport's answer about one letter. `reason` is one of our own phrases, never the server's words,
    since those repeat the address."""

    outcome: Outcome
    reason: str = ""
    trouble: Trouble = Trouble.NONE


class Transport(Protocol):
    """A way out of the house."""

    def send(self, message: EmailMessage, to: str) -> Answer:
        """Hand over one letter for the mailbox `to` (as `wire_address` gives it). Never raises for what the
        other side does."""

    def close(self) -> None:
        """Take leave; the next `send` begins anew."""


class MailUrlError(ValueError):
    """SABAL_MAIL_URL can't be used. The sentence never holds the password."""


@dataclass(frozen=True)
class MailUrl:
    """SABAL_MAIL_URL, parsed. `scheme` is "folder" or "smtp"; `tls` is "starttls", "implicit" or "none"."""

    scheme: str
    host: str = ""
    port: int = 0
    user: str = ""
    password: str = field(default="", repr=False)
    tls: str = "none"


_PORTS = {"starttls": 587, "implicit": 465, "none": 25}
_EXAMPLE = "write it like smtp://user:password@host:587?tls=starttls"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def parse_mail_url(url: str) -> MailUrl:
    """Read `folder:` or `smtp://[user:password@]host[:port][?tls=starttls|implicit|none]` (TLS is on unless
    it says none; user and password percent-encoded). Raises MailUrlError."""
    if url == "folder:":
        return MailUrl("folder")
    if not url:
        raise MailUrlError(f"SABAL_MAIL_URL is empty; {_EXAMPLE}.")
    try:
        parts = urlsplit(url)
        host, port, options = (
            parts.hostname or "",
            parts.port,
            dict(parse_qsl(parts.query, strict_parsing=bool(parts.query))),
        )
    except ValueError:
        raise MailUrlError(
            f"SABAL_MAIL_URL can't be read (is the port a number, the query tls=…?); {_EXAMPLE}."
        ) from None
    if parts.scheme == "folder":
        raise MailUrlError(
            "SABAL_MAIL_URL names a folder; write just folder: (letters go to mail/ in the data folder)."
        )
    if parts.scheme != "smtp":
        raise MailUrlError(
            f"SABAL_MAIL_URL must begin with smtp:// (or be folder: in development); {_EXAMPLE}."
        )
    if not host or parts.path.strip("/") or parts.fragment:
        raise MailUrlError(
            "SABAL_MAIL_URL must name a host and nothing behind it but ?tls=…;"
            f" a / ? # @ or : in user or password is percent-encoded. {_EXAMPLE[0].upper()}{_EXAMPLE[1:]}."
        )
    tls = options.pop("tls", "implicit" if port == _PORTS["implicit"] else "starttls")
    if options:
        raise MailUrlError(f"SABAL_MAIL_URL knows no option {min(options)}; the only one is tls.")
    if tls not in _PORTS:
        raise MailUrlError(f"SABAL_MAIL_URL says tls={tls}; it must be starttls, implicit or none.")
    if bool(parts.username) != bool(parts.password):
        raise MailUrlError(
            "SABAL_MAIL_URL has a user without a password or a password without a user; give both or none."
        )
    if parts.username and tls == "none" and host not in _LOOPBACK:
        raise MailUrlError(
            "SABAL_MAIL_URL would send the password in clear; use tls=starttls or tls=implicit."
        )
    return MailUrl(
        "smtp", host, port or _PORTS[tls], unquote(parts.username or ""), unquote(parts.password or ""), tls
    )


def open_transport(url: str, *, folder: Path, helo: str, timeout: float = TIMEOUT) -> Transport:
    """The transport that SABAL_MAIL_URL names. `folder` is where `folder:` writes; `helo` is the host name
    that we greet with. Connects with the first letter. Raises MailUrlError."""
    parsed = parse_mail_url(url)
    return (
        FolderTransport(folder) if parsed.scheme == "folder" else SmtpTransport(parsed, helo, timeout=timeout)
    )


def wire_address(address: str) -> str:
    """The address as it travels: its domain in ASCII (IDNA 2008) where the local part is ASCII, else as
    typed, which then needs SMTPUTF8 (RFC 6531). Raises ValueError on what is no address."""
    local, at, domain = address.strip().rpartition("@")
    if not (local and at and domain) or any(
        character.isspace() or not character.isprintable() for character in address
    ):
        raise ValueError("not a mail address")
    if local.isascii() and not domain.isascii():
        domain = idna.encode(domain, uts46=True).decode("ascii")
    return f"{local}@{domain}"


class SmtpTransport:
    """SMTP submission on one connection that is kept and, when it is gone, made anew."""

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
        self._begun = False  # whether the server took the last letter's MAIL command

    def send(self, message: EmailMessage, to: str) -> Answer:
        """One letter. Bounces are asked not to come back (DSN, RFC 3461) where the server knows how."""
        reused = self._smtp is not None
        answer = self._try(message, to)
        if reused and answer.trouble is Trouble.LOST and not self._begun:
            # Servers close a connection after so many letters or seconds; that says nothing about this
            # letter.
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
            return Answer(Outcome.UNSENT, _no_connection(error), Trouble.DOWN)
        try:
            answer = self._converse(smtp, message, to)
        except (smtplib.SMTPException, OSError) as error:
            # Broken before the last answer: the server may have the letter or not, and a copy is better than
            # none.
            self._drop()
            return Answer(Outcome.LATER, _broken(error), Trouble.LOST)
        if answer.outcome is not Outcome.ACCEPTED:
            self._reset(smtp)
        self._used = self._clock()
        return answer

    def close(self) -> None:
        """QUIT, where there is somebody to say it to."""
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
            _welcome(error.smtp_code, _bytes(error.smtp_error))
            raise
        smtp = self._smtp
        assert smtp.sock is not None
        smtp.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _welcome(*_greet(smtp))
        if url.tls == "starttls":
            smtp.starttls(context=context)
            _welcome(*_greet(smtp))
        if url.user:
            try:
                smtp.login(url.user, url.password)
            except smtplib.SMTPAuthenticationError as error:
                _welcome(error.smtp_code, _bytes(error.smtp_error))
                raise
        return smtp

    def _converse(self, smtp: smtplib.SMTP, message: EmailMessage, to: str) -> Answer:
        international = not to.isascii()
        if international and not smtp.has_extn("smtputf8"):
            return Answer(Outcome.NEVER, PERMANENT["5.6.7"])
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
        return Answer(Outcome.ACCEPTED) if reply[0] == 250 else judge(*reply)

    def _reset(self, smtp: smtplib.SMTP) -> None:
        try:
            if smtp.rset()[0] != 250:
                self.close()
        except (smtplib.SMTPException, OSError):
            self._drop()

    def _drop(self) -> None:
        # No QUIT to a server that does not answer: it would cost one more time-out.
        if self._smtp is not None:
            self._smtp.close()
            self._smtp = None


def judge(code: int, text: bytes, *, named: bool = True) -> Answer:
    """What a reply other than 2xx means for the letter. `named` says whether the recipient had been named:
    before that no refusal can be about the mailbox."""
    found = re.match(rb"([245]\.\d{1,3}\.\d{1,3})(?!\d)", text)
    keys = ([found[1].decode("ascii")] if found else []) + [str(code)]
    for key in keys:
        if key in OURS or (code >= 500 and not named):
            return Answer(Outcome.LATER, OURS.get(key, "the server won't take mail from us"), Trouble.REFUSED)
        if key in TEMPORARY:
            return Answer(Outcome.LATER, TEMPORARY[key])
        if key in PERMANENT:
            return Answer(Outcome.NEVER, PERMANENT[key])
        if key.startswith("5.7."):
            return Answer(Outcome.LATER, OURS["5.7.1"], Trouble.REFUSED)
    if 500 <= code < 600:
        return Answer(Outcome.NEVER, "the server refused the letter for a reason that we don't know")
    if 400 <= code < 500:
        return Answer(Outcome.LATER, "the server put us off for a reason that we don't know")
    raise smtplib.SMTPException("no SMTP reply")


class _Refused(Exception):
    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


def _welcome(code: int, text: bytes) -> None:
    """Raise unless the server has us so far. 5xx: it refuses us; 4xx: it may have us later."""
    if 200 <= code < 300:
        return
    answer = judge(code, text, named=False)
    trouble = Trouble.REFUSED if answer.trouble is Trouble.REFUSED else Trouble.DOWN
    raise _Refused(Answer(Outcome.UNSENT, answer.reason, trouble))


def _greet(smtp: smtplib.SMTP) -> tuple[int, bytes]:
    reply = smtp.ehlo()
    return reply if reply[0] == 250 or 400 <= reply[0] < 500 else smtp.helo()


def _bytes(text: bytes | str) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8", "replace")


def _no_connection(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return "the server's certificate or TLS can't be accepted"
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return "the server offers no TLS or no log-in that we were told to use"
    if isinstance(error, socket.gaierror):
        return "the server's name can't be looked up"
    return (
        "the server did not answer in time"
        if isinstance(error, TimeoutError)
        else "the server can't be reached"
    )


def _broken(error: Exception) -> str:
    timed_out = isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError)
    return "the server fell silent" if timed_out else "the server broke off"


def as_bytes(message: EmailMessage, to: str) -> bytes:
    """The letter as it travels, CRLF and all; in seven bits but for an address that needs more."""
    return message.as_bytes(policy=policy.SMTP if to.isascii() else policy.SMTPUTF8)


class FolderTransport:
    """Each letter a file in a folder; for development, and for tests that read letters."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, message: EmailMessage, to: str) -> Answer:
        """Write the letter: aside first, then renamed, so that no reader sees half of it."""
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}-{secrets.token_hex(4)}.eml"
        draft = self._folder / f".{name}"
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as handle:
                handle.write(as_bytes(message, to))
                handle.flush()
                os.fsync(handle.fileno())
            draft.rename(self._folder / name)
        except OSError:
            with contextlib.suppress(OSError):
                draft.unlink()
            return Answer(Outcome.UNSENT, "the mail folder can't be written", Trouble.DOWN)
        return Answer(Outcome.ACCEPTED)

    def close(self) -> None:
        """Nothing to leave."""


@dataclass(frozen=True)
class StoredLetter:
    """A letter that the folder transport wrote. `sent` is the time in its file name, `text` its first
    part."""

    name: str
    sent: datetime
    to: str
    subject: str
    text: str


def list_letters(folder: Path, *, limit: int = 100) -> list[StoredLetter]:
    """The newest `limit` letters in the folder, newest first; none where there is no folder."""
    names = sorted((path.name for path in folder.glob("[0-9]*.eml")), reverse=True)
    return [_stored(folder / name) for name in names[:limit]]


def _stored(path: Path) -> StoredLetter:
    message = message_from_bytes(path.read_bytes(), policy=policy.default)
    body = message.get_body(("plain",))
    return StoredLetter(
        name=path.name,
        sent=datetime.strptime(path.name[:23], "%Y%m%dT%H%M%S.%fZ").replace(tzinfo=UTC),
        to=str(message["To"]),
        subject=str(message["Subject"]),
        text=body.get_content().replace("\r\n", "\n") if body is not None else "",
    )
