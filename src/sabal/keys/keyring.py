"""The house's keys that a process holds ready: looked at once a second, so that signing never waits for them."""

from sabal.database import Database
from sabal.keys.keystore import KeyMissing, KeyStore, mail_key_name

SUPPRESSION = "suppression"
SUBSCRIBERS = "subscribers"


class Keyring:
    """Today's mail key, the key of "not me" and the subscribers' key. None: missing, so what needs it is refused."""

    def __init__(self) -> None:
        self.mail: tuple[int, bytes] | None = None
        self.suppression: bytes | None = None
        self.subscribers: bytes | None = None

    def refresh(self, database: Database, keystore: KeyStore, today: int) -> None:
        """Find the keys, make the day's mail key; `today` in days since 1970. Raises the driver's OperationalError."""
        if self.mail is None or self.mail[0] != today:
            self.mail = (today, keystore.make(database, mail_key_name(today)))
        if self.suppression is None:
            self.suppression = _find(database, keystore, SUPPRESSION)
        if self.subscribers is None:
            self.subscribers = _find(database, keystore, SUBSCRIBERS)

    def need_mail(self) -> tuple[int, bytes]:
        """The day (since 1970) and its mail key; raises KeyMissing."""
        if self.mail is None:
            raise KeyMissing("the mail key of today is missing")
        return self.mail

    def need_subscribers(self) -> bytes:
        """The subscribers' key; raises KeyMissing."""
        if self.subscribers is None:
            raise KeyMissing("the subscribers' key is missing")
        return self.subscribers


def was_up(database: Database, day: int) -> bool:
    """Whether this house was up on that day (since 1970): a mail key is made on each, and kept for two at the least."""
    return bool(database.query("SELECT 1 FROM keys_key WHERE name = ?", (mail_key_name(day),)))


def _find(database: Database, keystore: KeyStore, name: str) -> bytes | None:
    # Not made here: these two must outlive everything, so a missing one is a fault to be seen, not to be papered over.
    try:
        return keystore.find(database, name)
    except KeyMissing:
        return None
