"""What visitors ask the writer to make durable, and what became of it. Plain data."""

from dataclasses import dataclass, field
from enum import Enum


class Outcome(Enum):
    """What a committed operation led to."""

    DONE = "done"
    IGNORED = "ignored"  # nothing was stored, and the asker must not learn that
    NOT_OPEN = "not open"  # the petition takes no signatures now
    STALE = "stale"  # the text has changed since the form was shown
    GONE = "gone"  # the token stands for nothing


@dataclass(frozen=True, slots=True)
class Sign:
    """A signature that was asked for: its pending row, its sealed record, its email."""

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
    mailbox: bytes  # sealed to the link: by it withdrawing ends the updates too
    held: int
    expires: int
    suppression: bytes
    email_id: int
    email_body: bytes
    mail_key: int
    network: int
    says_already: bool  # the email may say that this mailbox has signed before
    quota_used: bool = (
        False  # this mailbox has had its emails for today: nothing is kept, and nobody can tell
    )


@dataclass(frozen=True, slots=True)
class Confirm:
    """A click on "confirm". It carries the token itself, because nothing else opens what was typed."""

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
    """A click on "withdraw": the token too, for which mailbox it belongs to opens with nothing else."""

    token: bytes = field(repr=False)
    token_hash: bytes


Operation = Sign | Confirm | NotMe | Withdraw
