"""What time takes away from the outbox: mail keys, and emails that could not be sent for a week."""

import logging
from collections import Counter

from sabal.database import Database
from sabal.keys.keystore import KeyStore
from sabal.mail import traffic
from sabal.mail.traffic import End

KEY_DAYS = 8
ROWS = 200  # in one transaction of the worker
logger = logging.getLogger("sabal.mail")


def tidy_keys(database: Database, keystore: KeyStore, today: int) -> list[int]:
    """Destroy the mail keys that no email needs, and after 8 days the emails with them. Gives the days
    whose keys went. Today's and yesterday's stay: a signature on its way past midnight is sealed under
    yesterday's."""
    if dropped := _drop_old(database, today):
        logger.error("%d emails are dropped: they could not be sent for %d days", dropped, KEY_DAYS)
    gone = []
    for (name,) in database.query("SELECT name FROM keys_key WHERE name LIKE ?", ("mail/%",)):
        day = int(name.removeprefix("mail/"))
        if day < today - 1:
            with database.transaction():
                needed = database.query("SELECT 1 FROM mail_email WHERE mail_key = ? LIMIT 1", (day,))
                if not needed and keystore.destroy(database, name):
                    gone.append(day)
    return sorted(gone)


def _drop_old(database: Database, today: int) -> int:
    """Delete emails of 8 days ago and older, unopened; in a crash the rest goes next time."""
    dropped = 0
    oldest = "SELECT id FROM mail_email WHERE mail_key <= ? ORDER BY mail_key, id LIMIT ?"
    while rows := database.query(oldest, (today - KEY_DAYS, ROWS)):
        where, params = database.among("id", [row[0] for row in rows])
        with database.transaction():
            gone = database.execute("DELETE FROM mail_email WHERE " + where, params)
            traffic.add(database, today * 24, Counter({("unknown", End.EXPIRED): gone}))
        dropped += gone
    return dropped
