"""The operations that the writer makes durable, and their outcomes. Plain data."""

from dataclasses import dataclass, field
from enum import Enum


class Outcome(Enum):
    """The result of a committed operation."""

    DONE = "done"
    IGNORED = "ignored"  # nothing was stored, and the answer must not reveal that
    NOT_OPEN = "not open"  # the petition takes no signatures now
    STALE = "stale"  # the text or the epoch has changed since the form was shown
    GONE = "gone"  # the token leads to nothing


@dataclass(frozen=True, slots=True)
class Sign:
    """A new signature: its pending row, its sealed record and its email."""

    petition_id: int
    version_id: int
    pepper_epoch: int
    token_hash: bytes
    dedupe_tag: bytes | None
    commitment: bytes
    w: bytes
    sealed_id: int
    sealed: bytes
    pending_payload: bytes
    mailbox: bytes  # address hash, sealed under the link's token; withdrawing opens it to end the updates too
    held: int
    expires: int
    suppression: bytes
    email_id: int
    email_body: bytes
    mail_key: int
    network: int
    says_already: bool  # the email may say that this address has signed before
    quota_used: bool = False  # the address has had its emails for today: keep nothing, and do not reveal it


@dataclass(frozen=True, slots=True)
class Confirm:
    """A click on "confirm". It has the token itself, because only the token opens the pending payload."""

    token: bytes = field(repr=False)
    token_hash: bytes
    today: int  # days since 1970


@dataclass(frozen=True, slots=True)
class NotMe:
    """A click on "this was not me"."""

    petition_id: int
    token_hash: bytes
    suppression: bytes


@dataclass(frozen=True, slots=True)
class Withdraw:
    """A click on "withdraw". It has the token itself, because only the token opens the sealed address hash."""

    token: bytes = field(repr=False)
    token_hash: bytes


Operation = Sign | Confirm | NotMe | Withdraw
