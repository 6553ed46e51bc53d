"""Why an email came back, as the organiser reads it, and which codes of mail servers say so (RFC 3463)."""

from enum import IntEnum

from sabal.mail.answers import PERMANENT, SENDER_REFUSED, TEMPORARY


class Reason(IntEnum):
    """Why an email came back. The numbers are stored."""

    NO_MAILBOX = 1
    NO_DOMAIN = 2
    FULL = 3
    UNREACHABLE = 4
    REFUSED_US = 5  # the server refuses this site or the content, not the reader
    OTHER = 6
    COMPLAINT = 7


AT_ONCE = frozenset({Reason.NO_MAILBOX, Reason.NO_DOMAIN})
"""One such bounce is enough: no later email could arrive."""
IN_TIME = frozenset({Reason.FULL, Reason.UNREACHABLE, Reason.OTHER})
"""Several such bounces on different days are enough. Those about us never are."""

# Enhanced status codes. Any other 5.7 is about us, and all the rest is OTHER. "5.0.0" and a bare 550 are used for spam
# as often as for missing mailboxes, so they are no reason to end a subscription at once.
_CODES = {
    "5.1.1": Reason.NO_MAILBOX,
    "5.1.3": Reason.NO_MAILBOX,
    "5.1.6": Reason.NO_MAILBOX,
    "5.2.1": Reason.NO_MAILBOX,
    "5.4.1": Reason.NO_MAILBOX,
    "5.5.0": Reason.NO_MAILBOX,
    "5.1.2": Reason.NO_DOMAIN,
    "5.1.10": Reason.NO_DOMAIN,
    "5.4.4": Reason.NO_DOMAIN,
    "4.2.2": Reason.FULL,
    "5.2.2": Reason.FULL,
    "4.3.1": Reason.FULL,
    "4.4.1": Reason.UNREACHABLE,
    "4.4.2": Reason.UNREACHABLE,
    "4.4.3": Reason.UNREACHABLE,
    "4.4.7": Reason.UNREACHABLE,
    "5.4.7": Reason.UNREACHABLE,
}
_PHRASES = {
    PERMANENT["5.1.1"]: Reason.NO_MAILBOX,
    PERMANENT["5.1.3"]: Reason.NO_MAILBOX,
    PERMANENT["5.1.6"]: Reason.NO_MAILBOX,
    PERMANENT["5.2.1"]: Reason.NO_MAILBOX,
    PERMANENT["5.4.1"]: Reason.NO_MAILBOX,
    PERMANENT["5.1.2"]: Reason.NO_DOMAIN,
    PERMANENT["5.1.10"]: Reason.NO_DOMAIN,
    PERMANENT["5.4.4"]: Reason.NO_DOMAIN,
    TEMPORARY["4.2.2"]: Reason.FULL,
    TEMPORARY["4.4.1"]: Reason.UNREACHABLE,
    **dict.fromkeys(SENDER_REFUSED.values(), Reason.REFUSED_US),
}


def of_code(code: str) -> Reason:
    """Return the reason that an enhanced status code such as `5.1.1` gives."""
    if code.startswith(("5.7.", "4.7.")) or code in SENDER_REFUSED:
        return Reason.REFUSED_US
    return _CODES.get(code, Reason.OTHER)


def of_phrase(phrase: str) -> Reason:
    """Return the reason that a transport's answer gives in our own words (`mail.answers.Answer.reason`)."""
    return _PHRASES.get(phrase, Reason.OTHER)


def mildest(reasons: list[Reason]) -> Reason:
    """Return one reason for a report about several: the mildest, as an alias may have reached somebody."""
    return max(reasons, key=lambda reason: (reason not in AT_ONCE, reason)) if reasons else Reason.OTHER
