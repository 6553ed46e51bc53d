"""Destroy old mail keys, and drop emails that could not be sent for 8 days."""

import logging
from collections import Counter
from collections.abc import Set

from sabal.counted import counted
from sabal.database import Database
from sabal.keys.keystore import KeyStore
from sabal.mail import traffic
from sabal.mail.traffic import End

KEY_DAYS = 8
ROWS = 200  # in one transaction of the worker
logger = logging.getLogger("sabal.mail")


def tidy_keys(
    database: Database, keystore: KeyStore, today: int, also_needed: Set[int] = frozenset()
) -> list[int]:
    """Destroy the mail keys that no email needs, and return their days. `also_needed`: more days with keys that stay.

    Emails that are 8 days old are dropped, so that their keys can be destroyed too. The keys of today and yesterday
    stay, because a signature that arrives just after midnight may be sealed under yesterday's.
    """
    if dropped := _drop_old(database, today):
        logger.error("not sent for %d days, so dropped: %s", KEY_DAYS, counted(dropped, "email"))
    destroyed = []
    for (name,) in database.query("SELECT name FROM keys_key WHERE name LIKE ?", ("mail/%",)):
        day = int(name.removeprefix("mail/"))
        if day < today - 1 and day not in also_needed:
            with database.transaction():
                needed = database.query("SELECT 1 FROM mail_email WHERE mail_key = ? LIMIT 1", (day,))
                if not needed and keystore.destroy(database, name):
                    destroyed.append(day)
    return sorted(destroyed)


def _drop_old(database: Database, today: int) -> int:
    """Delete emails that are 8 days old or older, unopened. After a crash, the next call deletes the rest."""
    dropped = 0
    oldest = "SELECT id FROM mail_email WHERE mail_key <= ? ORDER BY mail_key, id LIMIT ?"
    while rows := database.query(oldest, (today - KEY_DAYS, ROWS)):
        where, params = database.among("id", [row[0] for row in rows])
        with database.transaction():
            gone = database.execute("DELETE FROM mail_email WHERE " + where, params)
            traffic.add(database, today * 24, Counter({("unknown", End.EXPIRED): gone}))
        dropped += gone
    return dropped
