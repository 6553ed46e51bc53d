"""Count the forms that were sent, for the confirmation rate: in memory first, so that signing writes no shared row.

A form counts whatever is known about its address. Otherwise the number would show whether an address had signed.
"""

import os
from collections import Counter
from threading import Lock

from sabal.database import Database
from sabal.signing import sources

SHARDS = 16
MOST_WORDS = 500  # of all petitions, between two stores; forms with further words count without them


class Asked:
    """The forms that one process took since it last stored their number. Any thread may use it."""

    def __init__(self, shard: int | None = None) -> None:
        self._shard = os.urandom(1)[0] % SHARDS if shard is None else shard
        self._new, self._words = Counter[int](), Counter[tuple[int, str]]()
        self._lock = Lock()

    def add(self, petition_id: int, word: str = "") -> None:
        """Count one form, and the word of the address that it came from (signing/sources.py)."""
        with self._lock:
            self._new[petition_id] += 1
            if word and ((petition_id, word) in self._words or len(self._words) < MOST_WORDS):
                self._words[petition_id, word] += 1

    def store(self, database: Database) -> None:
        """Add what is new to the stored numbers. Raises the driver's errors; nothing is lost then.

        A process that is killed loses what it had not stored.
        """
        with self._lock:
            new, self._new = self._new, Counter()
            words, self._words = self._words, Counter()
        if not new:
            return
        try:
            with database.transaction():
                database.insert(
                    "signing_asked",
                    ("petition_id", "shard", "n"),
                    [(petition_id, self._shard, n) for petition_id, n in sorted(new.items())],
                    on_conflict="(petition_id, shard) DO UPDATE SET n = signing_asked.n + excluded.n",
                )
                sources.add_forms(database, words)
        except BaseException:
            with self._lock:
                self._new.update(new)
                self._words.update(words)
            raise


def asked(database: Database, petition_id: int) -> int:
    """Return the number of forms that were sent."""
    rows = database.query(
        "SELECT COALESCE(SUM(n), 0) FROM signing_asked WHERE petition_id = ?", (petition_id,)
    )
    return int(rows[0][0])
