"""The meaning of a mail server's answers for an email and for the transport itself (RFC 5321, RFC 3463)."""

import re
import smtplib
from dataclasses import dataclass
from enum import Enum

# Refusals (5xx) about the recipient's mailbox: another attempt cannot help. The enhanced codes are those of RFC 3463.
PERMANENT = {
    "5.1.1": "there is no such mailbox",
    "5.1.2": "there is no such domain",
    "5.1.3": "the address is malformed",
    "5.1.4": "the address is ambiguous",
    "5.1.6": "the mailbox has moved",
    "5.1.10": "the domain accepts no email",
    "5.2.1": "the mailbox is disabled",
    "5.2.3": "the email is too long for the mailbox",
    "5.3.4": "the email is too long for the server",
    "5.4.1": "the domain knows no such mailbox",
    "5.4.4": "the domain has no mail server",
    "5.4.6": "the domain's email goes round in a loop",
    "5.5.0": "the mailbox is unavailable",
    "5.6.7": "the server cannot send to an international address",
    "5.6.9": "the server cannot send to an international address",
    "521": "the host accepts no email",
    "550": "the mailbox is unavailable",
    "551": "the mailbox is elsewhere",
    "552": "the email is too long for the mailbox",
    "553": "the address is not allowed",
    "554": "the email was refused",
    "556": "the domain accepts no email",
}
# Answers after which the same email may be accepted later. The 5xx codes here are permanent in form, not in meaning.
TEMPORARY = {
    "4.2.1": "the mailbox is disabled for now",
    "4.2.2": "the mailbox is full",
    "4.3.1": "the server is full",
    "4.3.2": "the server accepts nothing now",
    "4.4.1": "the recipient's server does not answer",
    "4.4.3": "the recipient's domain cannot be looked up",
    "4.7.0": "we send too fast",
    "4.7.1": "greylisted",
    "5.2.2": "the mailbox is full",
    "5.3.2": "the server accepts nothing now",
    "421": "the server is closing",
    "450": "the mailbox is busy or greylisted",
    "451": "the server had an error or greylists",
    "452": "the server is full",
    "454": "the server cannot do that now",
}
# Refusals about us, the sender: the email stays, and the operator must be told. Every 5xx before a recipient was named,
# and every other 5.7 ("security or policy"), is such a refusal too.
SENDER_REFUSED = {
    "5.1.7": "our sender's address is malformed",
    "5.1.8": "our sender's domain is not accepted",
    "5.5.1": "the server did not know a command of ours",
    "5.5.2": "the server did not understand us",
    "5.5.4": "the server did not accept an argument of ours",
    "5.7.0": "the server wants us to log in",
    "5.7.1": "the server's policy refuses our emails",
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


class SendOutcome(Enum):
    """The result of sending one email. UNSENT: the server was not told of it, so nothing is known about it."""

    ACCEPTED = "accepted"
    LATER = "later"
    NEVER = "never"
    UNSENT = "unsent"


class Trouble(Enum):
    """The trouble that an answer shows with the transport itself."""

    NONE = ""
    LOST = "lost"  # the connection broke or timed out in the middle of an email
    DOWN = "down"  # no connection could be made
    REFUSED = "refused"  # the server refuses us; the operator must act


@dataclass(frozen=True, slots=True)
class Answer:
    """A transport's answer about one email.

    `reason` is one of our own phrases, never the server's words, because those repeat the address. `maybe`: the
    connection broke when the server may have had all of it.
    """

    outcome: SendOutcome
    reason: str = ""
    trouble: Trouble = Trouble.NONE
    maybe: bool = False


def judge(code: int, text: bytes, *, named: bool = True) -> Answer:
    """Return the meaning of a reply other than 2xx for the email.

    `named` tells whether the recipient had been named. Before that, no refusal can be about the mailbox.
    """
    found = re.match(rb"([245]\.\d{1,3}\.\d{1,3})(?!\d)", text)
    keys = ([found[1].decode("ascii")] if found else []) + [str(code)]
    for key in keys:
        if key in SENDER_REFUSED or (code >= 500 and not named):
            return Answer(
                SendOutcome.LATER,
                SENDER_REFUSED.get(key, "the server does not accept emails from us"),
                Trouble.REFUSED,
            )
        if key in TEMPORARY:
            return Answer(SendOutcome.LATER, TEMPORARY[key])
        if key in PERMANENT:
            return Answer(SendOutcome.NEVER, PERMANENT[key])
        if key.startswith("5.7."):
            return Answer(SendOutcome.LATER, SENDER_REFUSED["5.7.1"], Trouble.REFUSED)
    if 500 <= code < 600:
        return Answer(SendOutcome.NEVER, "the server refused the email for an unknown reason")
    if 400 <= code < 500:
        return Answer(SendOutcome.LATER, "the server put us off for an unknown reason")
    raise smtplib.SMTPException("no SMTP reply")
