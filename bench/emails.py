"""Read the emailed links as a signer would: from the outbox, or from the folder of sent emails."""

import json
import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path

from sabal.database import Database
from sabal.keys.keystore import KeyStore, unseal

LINK = re.compile(r"/confirm/([a-z2-7]{26})\b")


class Outbox:
    """The emails that wait, read as the worker would."""

    def __init__(self, database: Database, keys: KeyStore) -> None:
        self._database, self._keys = database, keys
        self._days: dict[int, bytes] = {}

    def read(self, most: int = 1_000_000, *, take: bool = False) -> list[tuple[str, str]]:
        """Return (address, token) of up to `most` emails. With `take`, delete their rows, as after sending."""
        rows = self._database.query("SELECT id, mail_key, sealed FROM mail_email LIMIT ?", (most,))
        found = [self._open(day, bytes(sealed)) for _, day, sealed in rows]
        if take and rows:
            for start in range(0, len(rows), 500):
                where, params = self._database.among("id", [row[0] for row in rows[start : start + 500]])
                with self._database.transaction():
                    self._database.execute(f"DELETE FROM mail_email WHERE {where}", params)
        return found

    def _open(self, day: int, sealed: bytes) -> tuple[str, str]:
        if day not in self._days:
            self._days[day] = self._keys.mail_key(self._database, day)
        content = json.loads(unseal(self._days[day], sealed, b"letter"))
        return content["to"], content["token"]


class Folder:
    """The emails in the folder of a development server. Each is read once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen: set[str] = set()

    def fresh(self) -> Iterator[tuple[str, str, str]]:
        """Yield (address, token, Message-ID) of the emails that arrived since the last call."""
        for path in self._folder.glob("[0-9]*.eml"):
            if path.name not in self._seen:
                self._seen.add(path.name)
                yield read_email(path.read_bytes())


def read_email(content: bytes) -> tuple[str, str, str]:
    """Return (address, token, Message-ID) of one email. Raise ValueError if it has no link."""
    message = message_from_bytes(content, policy=policy.default)
    body = message.get_body(("plain",))
    found = LINK.search(body.get_content() if body else "")
    if found is None:
        raise ValueError("an email without a link")
    return message["To"].addresses[0].addr_spec, found[1], message["Message-ID"]
