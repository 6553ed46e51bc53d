"""An email as a row of the outbox: its columns, and its body, which the mail key of its day alone opens.

Whoever causes an email writes it here, and the outbox reads it here.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from sabal import token as tokens
from sabal.database import Database, Row
from sabal.keys.keystore import seal, unseal
from sabal.mail.address import EmailAddress

COLUMNS = ("id", "petition_id", "kind", "mail_key", "sealed", "network")
_SEALED_AS = b"letter"
_TOKEN = re.compile(r"[a-z2-7]{26}", re.ASCII)
_as_json = json.JSONEncoder(ensure_ascii=False).encode  # prepared once: every signature comes through here


@dataclass(frozen=True, slots=True)
class Body:
    """What an email says of its reader. `language` is a path segment such as "zh-hans",
    `token` the 26 characters of the link, `unsubscribe` those of the way out of a newsletter, where there is one."""

    to: EmailAddress
    language: str
    token: str = field(repr=False)
    unsubscribe: str = field(default="", repr=False)


def close_body(
    key: bytes, to: EmailAddress, language: str, token: bytes, unsubscribe: bytes | None = None
) -> bytes:
    """An email's body, sealed under the mail key of its day."""
    body = {"to": to.typed, "lang": language, "token": tokens.encode(token)}
    if unsubscribe is not None:
        body["unsubscribe"] = tokens.encode(unsubscribe)
    return seal(key, _as_json(body).encode(), _SEALED_AS)


def open_body(key: bytes, sealed: bytes) -> Body:
    """The body in clear. Raises KeyMissing where the key is another; ValueError, KeyError for what is no body."""
    content = json.loads(unseal(key, sealed, _SEALED_AS))
    if not _TOKEN.fullmatch(content["token"]):
        raise ValueError("an email whose link leads nowhere")
    to = EmailAddress.stored(content["to"])
    return Body(to, content["lang"], content["token"], content.get("unsubscribe", ""))


def email_row(
    email_id: int, petition_id: int | None, kind: int, day: int, sealed: bytes, network: int = 0
) -> Row:
    """One row. `petition_id` is None for the house's own emails, `day` that of the mail key (days since 1970)."""
    return email_id, petition_id, kind, day, sealed, network


def store(database: Database, rows: Sequence[Row]) -> None:
    """Put emails into the outbox, in the transaction of what causes them."""
    database.insert("mail_email", COLUMNS, rows)


def delete_again(database: Database, rows: Sequence[Row]) -> None:
    """Take emails out again that this transaction has put in."""
    if rows:
        where, params = database.among("id", [row[0] for row in rows])
        database.execute(f"DELETE FROM mail_email WHERE {where}", params)
