"""Subscribers and a newsletter for the benchmark, inside a process with a server's settings (bench/inside.py)."""

import time
from contextlib import closing

from sabal import database as raw
from sabal.keys.keyring import SUBSCRIBERS
from sabal.keys.keystore import open_keystore
from sabal.mail.address import EmailAddress
from sabal.newsletter import subscription
from sabal.newsletter.lists import MailingList

PIECE = 500
DOMAINS = ("example.org", "gmail.com", "naver.com", "gmx.de", "outlook.com")
BODY = (
    "We met the **council**.\n\n"
    + "A paragraph of a letter, with [a link](https://example.org/page).\n\n" * 12
)


def subscribe(number: int) -> dict[str, float]:
    """Put so many confirmed subscribers into the list of the only organisation. This is not measured."""
    with closing(raw.connect()) as database:
        key = open_keystore().find(database, SUBSCRIBERS)
        of = MailingList(_organisation(database))
        for start in range(0, number, PIECE):
            rows = [
                subscription.subscription(
                    key,
                    of,
                    EmailAddress.stored(f"reader{n}@{DOMAINS[n % len(DOMAINS)]}"),
                    ("en", "ko", "zh-hans")[n % 3],
                    "Yes.",
                )
                for n in range(start, min(start + PIECE, number))
            ]
            with database.transaction():
                subscription.confirm_with_signature(database, rows)
    return {}


def begin() -> dict[str, float]:
    """Begin to send a newsletter in two languages."""
    with closing(raw.connect()) as database, database.transaction():
        now = int(time.time())
        row = (_organisation(database), "", "[]", "en", True, 1, now, "", now, b"", 0)
        columns = (
            "organisation, occasion, readers, fallback, archived, revision, made_at, zone, begun_at, queue_after,"
            " queued"
        )
        marks = ", ".join("?" * len(row))
        ((mailing,),) = database.query(
            f"INSERT INTO mailings_mailing ({columns}) VALUES ({marks}) RETURNING id", row
        )
        for language, subject in (("en", "News of the council"), ("ko", "의회 소식")):
            database.execute(
                "INSERT INTO mailings_mailingtext (mailing_id, language, subject, body, digest) VALUES (?, ?, ?, ?, ?)",
                (mailing, language, subject, BODY, language),
            )
    return {"mailing": mailing}


def pause() -> dict[str, float]:
    """Pause every mailing."""
    with closing(raw.connect()) as database:
        database.execute("UPDATE mailings_mailing SET paused_at = ?", (int(time.time()),))
    return {}


def _organisation(database: raw.Database) -> str:
    return str(
        database.query("SELECT organisation FROM petitions_petition WHERE organisation <> '' LIMIT 1")[0][0]
    )
