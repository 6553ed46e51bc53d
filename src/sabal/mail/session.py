"""A session with the mail server of SABAL_MAIL_URL: connect, TLS, log in. The doctor opens the same one."""

import base64
import hmac
import smtplib
import socket
import ssl

from sabal.configuration.mail_url import MailUrl
from sabal.mail.answers import Answer, SendOutcome, Trouble, judge

MECHANISMS = ("PLAIN", "LOGIN", "CRAM-MD5")  # in the order in which they are tried


class ServerRefusal(Exception):
    """The server answered, and does not accept us now or at all. `code` is its reply code."""

    def __init__(self, answer: Answer, code: int) -> None:
        super().__init__()
        self.answer, self.code = answer, code


def open_session(url: MailUrl, helo: str, timeout: float) -> smtplib.SMTP:
    """Return a session that is ready for emails. `timeout` is in seconds and for each step.

    Raises ServerRefusal, SMTPException or OSError. The connection is closed then.
    """
    context = ssl.create_default_context()
    try:
        if url.tls == "implicit":
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(
                url.host, url.port, local_hostname=helo, timeout=timeout, context=context
            )
        else:
            smtp = smtplib.SMTP(url.host, url.port, local_hostname=helo, timeout=timeout)
    except smtplib.SMTPConnectError as error:
        require_accepted(error.smtp_code, reply_text(error.smtp_error))
        raise
    try:
        assert smtp.sock is not None
        smtp.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        require_accepted(*_greet(smtp))
        if url.tls == "starttls":
            smtp.starttls(context=context)
            require_accepted(*_greet(smtp))
        if url.user:
            require_accepted(*_log_in(smtp, url.user.encode(), url.password.encode()))
    except BaseException:
        smtp.close()
        raise
    return smtp


def require_accepted(code: int, text: bytes) -> None:
    """Raise ServerRefusal unless the server accepted this step. 5xx: it refuses us; 4xx: it may accept us later."""
    if 200 <= code < 300:
        return
    answer = judge(code, text, named=False)
    trouble = Trouble.REFUSED if answer.trouble is Trouble.REFUSED else Trouble.DOWN
    raise ServerRefusal(Answer(SendOutcome.UNSENT, answer.reason, trouble), code)


def reply_text(text: bytes | str) -> bytes:
    """Return the text of a reply, which smtplib gives in both types."""
    return text if isinstance(text, bytes) else text.encode("utf-8", "replace")


def _greet(smtp: smtplib.SMTP) -> tuple[int, bytes]:
    reply = smtp.ehlo()
    return reply if reply[0] == 250 or 400 <= reply[0] < 500 else smtp.helo()


def _log_in(smtp: smtplib.SMTP, user: bytes, password: bytes) -> tuple[int, bytes]:
    """Log in, and return the last reply. User and password are UTF-8 (RFC 4616); smtplib's own method takes ASCII."""
    offered = smtp.esmtp_features.get("auth", "").upper().split()
    known = [mechanism for mechanism in MECHANISMS if mechanism in offered]
    if not known:
        raise smtplib.SMTPNotSupportedError("no log-in")
    for mechanism in known:
        reply = _authenticate(smtp, mechanism, user, password)
        if reply[0] == 235:
            break  # some servers offer what they do not support, so the others are tried too
    return reply


def _authenticate(smtp: smtplib.SMTP, mechanism: str, user: bytes, password: bytes) -> tuple[int, bytes]:
    if mechanism == "PLAIN":
        return smtp.docmd("AUTH", "PLAIN " + _base64(b"\0" + user + b"\0" + password))
    code, text = smtp.docmd("AUTH", mechanism)
    if mechanism == "LOGIN":
        for answer in (user, password):
            if code == 334:
                code, text = smtp.docmd(_base64(answer))
    elif code == 334:
        digest = hmac.new(password, base64.b64decode(text), "md5").hexdigest()  # RFC 2195
        code, text = smtp.docmd(_base64(user + b" " + digest.encode("ascii")))
    return code, text


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
