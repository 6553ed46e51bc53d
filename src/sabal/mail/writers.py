"""Kinds of emails that another package writes, and whose results it keeps: the outbox asks it before and after."""

from collections.abc import Mapping
from typing import Protocol

from sabal.database import Database
from sabal.mail.answers import Answer
from sabal.mail.claims import Claimed
from sabal.mail.emails import Email, Site
from sabal.mail.message import Message
from sabal.petitions.definition import Definition


class Writer(Protocol):
    """Writes the emails of one kind."""

    def sealed(self, database: Database, email: Claimed) -> bytes | None:
        """Return the encrypted body of a row (mail.row), which may be stored elsewhere; None if it must not be sent."""

    def begin(
        self, database: Database, email: Email, petition: Definition | None, site: Site, now: float
    ) -> Message | None:
        """Return the email, which is sent at once; None if it is not to be sent any more.

        It has a commit of its own, so that after a crash it is known that sending had begun.
        """

    def end(self, database: Database, email: Claimed, answer: Answer | None, now: float) -> None:
        """Keep the result, in the transaction that settles the email's row. `answer` None: none was received."""


Writers = Mapping[int, Writer]
NONE: Writers = {}
