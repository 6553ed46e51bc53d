"""Collect what came to the bounce address: a thread of the worker reads the folder or the mailbox, a few at a time."""

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from sabal import settings
from sabal.bounces.imap import ERRORS, Mailbox
from sabal.bounces.maildir import Maildir
from sabal.bounces.report import MessageKind, read
from sabal.bounces.take import Taken, take
from sabal.configuration.bounces_url import BouncesUrl
from sabal.counted import counted
from sabal.database import Database
from sabal.mail.verp import Verp

MOST = 200  # messages of one round, so that a flood of forged ones never keeps the database busy
EVERY = 15.0  # seconds between two rounds; from a mailbox, four times as long
logger = logging.getLogger("sabal.bounces")


class Source(Protocol):
    """A folder or a mailbox."""

    def taking(self) -> AbstractContextManager[bool]:
        """Yield whether this process may take messages now."""

    def messages(self, most: int) -> Iterator[tuple[str, bytes]]:
        """Yield the name and the content of each message."""

    def settle(self, name: str, *, used: bool) -> None:
        """Delete a message, or leave it marked as read if it is not about us."""


def own_folder() -> Path:
    """Return the folder into which `sabal bounces` puts messages."""
    return settings.DATA / "bounces"


def source_of(url: BouncesUrl) -> Source:
    """Return the source that SABAL_BOUNCES names."""
    if url.scheme in ("imap", "imaps"):
        return Mailbox(url)
    return Maildir(url.path, is_ours=False) if url.scheme else Maildir(own_folder(), is_ours=True)


def collect(database: Database, source: Source, verp: Verp, subscribers: bytes, today: int) -> int:
    """Take the messages that came, at most MOST. Return their number. `today` is in days since 1970.

    After a crash a message is taken again, which changes nothing. Raises the driver's errors and those of the source.
    """
    kinds, ends = Counter[MessageKind](), Counter[Taken]()
    with source.taking() as may_take:
        for name, raw in source.messages(MOST) if may_take else ():
            report = read(raw)
            taken = take(database, verp, subscribers, report, today)
            source.settle(name, used=report.kind is not MessageKind.UNKNOWN and taken is not Taken.FORGED)
            kinds[report.kind] += 1
            ends[taken] += 1
    if kinds:
        what = ", ".join(
            f"{n} {kind.value}" for kind, n in sorted(kinds.items(), key=lambda one: one[0].value)
        )
        result = ", ".join(
            f"{n} {end.value}" for end, n in sorted(ends.items(), key=lambda one: one[0].value)
        )
        logger.info("read %s: %s; %s", counted(kinds.total(), "message"), what, result)
    return kinds.total()


def round_of(database: Database, subscribers: bytes, today: int) -> float:
    """Do one round of the worker, and return the seconds until the next."""
    url = settings.BOUNCES
    try:
        verp = Verp.of(settings.BOUNCE_ADDRESS, subscribers)
        number = collect(database, source_of(url), verp, subscribers, today)
    except ERRORS as error:
        logger.error("bounces cannot be read: %s", type(error).__name__)
        return 4 * EVERY
    if number == MOST:
        return 1.0
    return 4 * EVERY if url.host else EVERY
