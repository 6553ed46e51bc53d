"""An email as a row of the outbox: its columns, and its body, which only the mail key of its day opens.

The row of a reminder has the token hash of a pending signature in place of its body (signing/reminder.py).

Every package that causes an email writes it with this module, and the outbox reads it with this module.
"""

import json
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sabal import token as tokens
from sabal.database import Database, Row
from sabal.keys.keystore import seal, unseal
from sabal.mail.address import EmailAddress

COLUMNS = ("id", "petition_id", "kind", "mail_key", "sealed", "network")
_SEALED_AS = b"letter"
_TOKEN = re.compile(r"[a-z2-7]{26}", re.ASCII)
_as_json = json.JSONEncoder(ensure_ascii=False).encode  # made once, because every signature uses it


@dataclass(frozen=True, slots=True)
class ListName:
    """Whose newsletter an email is about: the key of the organisation, and its name as it was agreed to."""

    organisation: str = ""
    name: str = ""


NO_LIST = ListName()


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the address of an invitation comes from: the platform, and the petition that was signed there, or empty."""

    platform: str = ""
    title: str = ""


NO_ORIGIN = Origin()


@dataclass(frozen=True, slots=True)
class Body:
    """The parts of an email that differ for each reader.

    `language` is a path segment such as "zh-hans". `token` is the 26 characters of the link. `unsubscribe` is the token
    of a newsletter's unsubscribe link, or empty. `list` is empty unless the email is about a newsletter. `reminds`:
    the form announced a reminder.
    """

    to: EmailAddress
    language: str
    token: str = field(repr=False)
    unsubscribe: str = field(default="", repr=False)
    list: ListName = NO_LIST
    origin: Origin = NO_ORIGIN
    reminds: bool = False


def seal_body(
    key: bytes,
    to: EmailAddress,
    language: str,
    token: bytes,
    unsubscribe: bytes | None = None,
    of: ListName = NO_LIST,
    *,
    origin: Origin = NO_ORIGIN,
    reminds: bool = False,
    urandom: Callable[[int], bytes] = os.urandom,
) -> bytes:
    """Return an email's body, sealed under `key`, the mail key of its day. `token` is that of the link.

    `reminds`: the reader may get this email once more.
    """
    body = {"to": to.typed, "lang": language, "token": tokens.encode(token)}
    if unsubscribe is not None:
        body["unsubscribe"] = tokens.encode(unsubscribe)
    if of.organisation:
        body |= {"list": of.organisation, "list_name": of.name}
    if origin.platform:
        body |= {"platform": origin.platform, "title": origin.title}
    if reminds:
        body["reminds"] = "yes"
    return seal(key, _as_json(body).encode(), _SEALED_AS, urandom)


def open_body(key: bytes, sealed: bytes) -> Body:
    """Open what `seal_body` returned.

    Raises KeyMissing if the key is another one; ValueError or KeyError if the content is not a body.
    """
    content = json.loads(unseal(key, sealed, _SEALED_AS))
    if not _TOKEN.fullmatch(content["token"]):
        raise ValueError("an email whose link leads nowhere")
    to = EmailAddress.stored(content["to"])
    of = ListName(content.get("list", ""), content.get("list_name", ""))
    origin = Origin(content.get("platform", ""), content.get("title", ""))
    return Body(
        to,
        content["lang"],
        content["token"],
        content.get("unsubscribe", ""),
        of,
        origin,
        content.get("reminds") == "yes",
    )


def email_row(
    email_id: int, petition_id: int | None, kind: int, day: int, sealed: bytes, network: int = 0
) -> Row:
    """Make one row. `petition_id` is None for the site's own emails; `day` is the mail key's (days since 1970)."""
    return email_id, petition_id, kind, day, sealed, network


def store(database: Database, rows: Sequence[Row]) -> None:
    """Insert emails into the outbox, inside the caller's transaction."""
    database.insert("mail_email", COLUMNS, rows)


def delete_again(database: Database, rows: Sequence[Row]) -> None:
    """Delete emails that the same transaction has inserted."""
    if rows:
        where, params = database.among("id", [row[0] for row in rows])
        database.execute(f"DELETE FROM mail_email WHERE {where}", params)
