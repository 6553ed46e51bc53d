"""The server's keys in memory. A process refreshes them once a second, so that signing never waits for them."""

from sabal.database import Database
from sabal.keys.keystore import KeyMissing, KeyStore, mail_key_name

SUPPRESSION = "suppression"
SUBSCRIBERS = "subscribers"


class Keyring:
    """Today's mail key, the suppression key ("not me") and the subscribers' key.

    A missing key is None, and requests that need it are refused.
    """

    def __init__(self) -> None:
        self.mail: tuple[int, bytes] | None = None
        self.suppression: bytes | None = None
        self.subscribers: bytes | None = None

    def refresh(self, database: Database, keystore: KeyStore, today: int) -> None:
        """Load the keys and make the mail key of `today` (days since 1970).

        Raises the database driver's OperationalError.
        """
        if self.mail is None or self.mail[0] != today:
            self.mail = (today, keystore.make(database, mail_key_name(today)))
        # Do not make these two. They must never be replaced, so a missing one must be visible as a fault.
        if self.suppression is None:
            self.suppression = keystore.find_or_none(database, SUPPRESSION)
        if self.subscribers is None:
            self.subscribers = keystore.find_or_none(database, SUBSCRIBERS)

    def need_mail(self) -> tuple[int, bytes]:
        """Return the day (days since 1970) and its mail key. Raises KeyMissing."""
        if self.mail is None:
            raise KeyMissing("the mail key of today is missing")
        return self.mail

    def need_subscribers(self) -> bytes:
        """Return the subscribers' key. Raises KeyMissing."""
        if self.subscribers is None:
            raise KeyMissing("the subscribers' key is missing")
        return self.subscribers


def was_up(database: Database, day: int) -> bool:
    """Return whether this server was running on `day` (days since 1970).

    The server makes a mail key each day and keeps it for at least two days.
    """
    return bool(database.query("SELECT 1 FROM keys_key WHERE name = ?", (mail_key_name(day),)))


def is_first_day(database: Database, day: int) -> bool:
    """Return whether this server never ran before `day` (days since 1970).

    The mail keys of earlier days stay until tidying.
    """
    names = database.query("SELECT name FROM keys_key WHERE name LIKE 'mail/%'")
    return all(name == mail_key_name(day) for (name,) in names)
