"""Emails that the desk causes, as rows of the outbox. Only the worker makes them, because it has the mail key."""

import time
from collections.abc import Iterable

from sabal import days
from sabal import token as tokens
from sabal.database import Database, Row
from sabal.keys.keystore import mail_key_name, open_keystore
from sabal.mail.address import EmailAddress
from sabal.mail.ids import NORMAL, email_id
from sabal.mail.row import NO_ORIGIN, Origin, email_row, seal_body


def email_rows(
    database: Database,
    petition_id: int,
    kind: int,
    to: Iterable[tuple[EmailAddress, str]],
    *,
    origin: Origin = NO_ORIGIN,
) -> list[Row]:
    """Return the row of an email of this kind for each address and language. Their links are invented."""
    today = days.number_at(time.time())
    key = open_keystore().make(database, mail_key_name(today))
    return [
        email_row(
            email_id(NORMAL, today),
            petition_id,
            kind,
            today,
            seal_body(key, address, language, tokens.new(), origin=origin),
        )
        for address, language in to
    ]
