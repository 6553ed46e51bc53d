"""Read a message that came to the bounce address: what it reports, and about which of our emails.

The message is hostile: anyone can send one. So only the start of it is parsed, with bounds; nothing in it is believed
but a token that this server made; and nothing is ever sent in answer, so that no loop begins.
"""

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from email.utils import getaddresses
from enum import Enum
from typing import cast

from flufl.bounce import all_failures

from sabal.bounces.reasons import Reason, mildest, of_code

logging.getLogger("flufl.bounce").setLevel(logging.CRITICAL)  # what it would log contains addresses
MOST_BYTES = 262_144  # of a message that are read; a report comes before the copy of the email
MOST_PARTS = 40  # beginnings of parts; a report has three
MOST_ADDRESSES = 20
LONGEST_LINE = 4_000  # characters that the detectors for old formats get to see
# Where mail servers write the address to which a message came.
_TO = (
    "To",
    "Delivered-To",
    "X-Original-To",
    "Envelope-To",
    "X-Envelope-To",
    "X-Delivered-To",
    "Apparently-To",
)
_PART = re.compile(rb"^(?:--\S|content-type:\s*(?:multipart|message)/)", re.IGNORECASE | re.MULTILINE)
_CODE = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_UNSUBSCRIBE = re.compile(r"/newsletter/unsubscribe/([A-Za-z2-7]{26})\b")
_SYSTEM = re.compile(r"\b(?:mailer-daemon|postmaster|mail-daemon|mdaemon)\b", re.IGNORECASE)


class MessageKind(Enum):
    """What a message is."""

    BOUNCE = "bounces"
    COMPLAINT = "complaints"
    NOT_YET = "reports of a delay or a success"
    AUTOMATIC = "automatic replies"
    UNKNOWN = "other messages"
    BROKEN = "messages that cannot be read"


@dataclass(frozen=True, slots=True)
class MessageReport:
    """What a message says. `senders` may hold the envelope sender of our email; `unsubscribe` tokens of its link."""

    kind: MessageKind
    reason: Reason = Reason.OTHER
    senders: tuple[str, ...] = ()
    unsubscribe: tuple[str, ...] = ()


def read(raw: bytes) -> MessageReport:
    """Return what a message reports. It never raises, whatever the message is."""
    raw = raw[:MOST_BYTES]
    if len(_PART.findall(raw)) > MOST_PARTS or b"\0" in raw[:1_000]:
        return MessageReport(MessageKind.BROKEN)
    try:
        return _read(message_from_bytes(raw))
    except Exception:  # the standard library raises many kinds for what is no email
        return MessageReport(MessageKind.BROKEN)


def _read(message: Message) -> MessageReport:
    senders = tuple(_addresses(message, _TO))
    of_type = message.get_content_type()
    report_type = str(message.get_param("report-type", "")).lower()
    if of_type == "multipart/report" and report_type == "feedback-report":
        return _complaint(message)
    if of_type == "multipart/report" and report_type == "delivery-status":
        return _status(message, senders)
    if _is_automatic(message):
        return MessageReport(MessageKind.AUTOMATIC)
    if not _is_from_a_system(message):
        return MessageReport(MessageKind.UNKNOWN)
    return _old_format(message, senders)


def _status(message: Message, senders: tuple[str, ...]) -> MessageReport:
    """Read a report of RFC 3464: the blocks of its recipients."""
    reasons, others = [], 0
    for block in _blocks(message, "message/delivery-status"):
        action = str(block.get("Action", "")).strip().lower()
        if action.startswith(("fail", "error")):
            reasons.append(_reason(block))
        elif action:
            others += 1
    if not reasons:
        return MessageReport(MessageKind.NOT_YET if others else MessageKind.UNKNOWN)
    return MessageReport(MessageKind.BOUNCE, mildest(reasons), senders)


def _reason(block: Message) -> Reason:
    status = _CODE.search(str(block.get("Status", "")))
    code = status[1] if status else ""
    if not code or code.endswith(".0.0"):  # says nothing; the words of the other server may say more
        diagnostic = _CODE.search(str(block.get("Diagnostic-Code", ""))[:LONGEST_LINE])
        code = diagnostic[1] if diagnostic else code
    return of_code(code)


def _complaint(message: Message) -> MessageReport:
    """Read a report of RFC 5965: somebody pressed "spam". The provider may have removed who."""
    senders, tokens = [], list[str]()
    abuse = False
    for block in _blocks(message, "message/feedback-report"):
        abuse |= str(block.get("Feedback-Type", "")).strip().lower() == "abuse"
        senders += _addresses(block, ("Original-Mail-From",))
    for original in _originals(message):
        senders += _addresses(original, ("Return-Path",))
        tokens += _UNSUBSCRIBE.findall(str(original.get("List-Unsubscribe", ""))[:LONGEST_LINE])
    if not abuse:
        return MessageReport(MessageKind.UNKNOWN)
    return MessageReport(MessageKind.COMPLAINT, Reason.COMPLAINT, tuple(senders), tuple(tokens))


def _old_format(message: Message, senders: tuple[str, ...]) -> MessageReport:
    """Read what mail servers wrote before RFC 3464, and some still do."""
    for part in message.walk():
        text = part.get_payload()
        if isinstance(text, str):
            part.set_payload("\n".join(line[:LONGEST_LINE] for line in text.splitlines()[:400]))
    temporary, permanent = all_failures(message)
    if permanent:
        # These formats have no codes that could be trusted, so one alone ends no subscription.
        return MessageReport(MessageKind.BOUNCE, Reason.OTHER, senders)
    return MessageReport(MessageKind.NOT_YET if temporary else MessageKind.UNKNOWN)


def _blocks(message: Message, of_type: str) -> Iterator[Message]:
    """Yield the blocks of header lines in the parts of a type: some programs parse them, others leave them as text."""
    for part in message.walk():
        if part.get_content_type() != of_type:
            continue
        payload = part.get_payload()
        if isinstance(payload, list):
            yield from cast("list[Message]", payload)
        elif isinstance(payload, str):
            for block in re.split(r"\r?\n\s*\r?\n", payload):
                yield message_from_bytes(block.encode("utf-8", "replace"))


def _originals(message: Message) -> Iterator[Message]:
    """Yield the email that a report is about, or its header lines."""
    for part in message.walk():
        payload = part.get_payload()
        if part.get_content_type() == "message/rfc822" and isinstance(payload, list):
            yield from cast("list[Message]", payload)
        elif part.get_content_type() == "text/rfc822-headers" and isinstance(payload, str):
            yield message_from_bytes(payload.encode("utf-8", "replace"))


def _addresses(message: Message, names: tuple[str, ...]) -> list[str]:
    values = [str(value)[:LONGEST_LINE] for name in names for value in message.get_all(name, [])]
    found = [address for _, address in getaddresses(values[:MOST_ADDRESSES])]
    return list(dict.fromkeys(address for address in found if address))[:MOST_ADDRESSES]


def _is_automatic(message: Message) -> bool:
    """Return whether a program answered for a person (RFC 3834): out of office, on holiday, a ticket."""
    submitted = str(message.get("Auto-Submitted", "no")).strip().lower()
    precedence = str(message.get("Precedence", "")).strip().lower()
    named = any(message.get(name) for name in ("X-Autoreply", "X-Autorespond", "X-Auto-Response-Suppress"))
    answers = submitted.startswith("auto-replied") or precedence == "auto_reply" or named
    # Mail servers mark bounces as replies too, but they come from the system.
    return answers and not _is_from_a_system(message)


def _is_from_a_system(message: Message) -> bool:
    path = str(message.get("Return-Path", "")).strip()
    return path == "<>" or bool(_SYSTEM.search(str(message.get("From", ""))[:LONGEST_LINE]))
