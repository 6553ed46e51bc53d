"""The checks before a public server starts. Each misconfiguration has an id, a sentence and a hint."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from sabal import database as raw
from sabal import settings
from sabal.keys.keystore import KeyMissing, open_keystore
from sabal.ledger import tables
from sabal.ledger.publication import WouldFork, publication
from sabal.operating.findings import Finding
from sabal.petitions.lookup import all_published
from sabal.petitions.models import Petition

MARKER = b"AGE-SECRET-KEY-"
PIECE = 1 << 20  # bytes


def refusals() -> list[Finding]:
    """Return why `serve` without --dev refuses to start, from the settings, the data folder and the database."""
    return [*_base_url(), *_mail(), *_batches(), *_identities(), *_dev_keys(), *_logs_ahead()]


def _base_url() -> Iterator[Finding]:
    base = urlsplit(settings.BASE_URL)
    onion = base.scheme == "http" and (base.hostname or "").endswith(".onion")
    if base.scheme != "https" and not onion:
        yield Finding(
            "wrong",
            "S101",
            f"The public address is {settings.BASE_URL}. It is neither https nor an onion service.",
            "Set SABAL_BASE_URL to the address that people will type, such as https://petition.example.org",
        )


def _mail() -> Iterator[Finding]:
    if not settings.MAIL_URL.scheme:
        yield Finding(
            "wrong",
            "S102",
            "No mail server is set, so nobody could confirm a signature.",
            "Set SABAL_MAIL_URL, such as smtp://user:password@mail.example.org:587?tls=starttls",
        )
    elif settings.MAIL_URL.scheme == "folder":
        yield Finding(
            "wrong",
            "S104",
            "Emails would be written into a folder, in clear text, and reach nobody.",
            "Set SABAL_MAIL_URL to a mail server, such as smtp://user:password@mail.example.org:587?tls=starttls",
        )
    if not settings.MAIL_FROM.address:
        yield Finding(
            "wrong",
            "S105",
            "The emails have no sender.",
            "Set SABAL_MAIL_FROM to an address that your mail server may send from, such as petition@example.org",
        )


def _batches() -> Iterator[Finding]:
    if settings.BATCH_EVERY is not None:
        yield Finding(
            "wrong",
            "S106",
            "SABAL_BATCH_EVERY is set: signatures would be counted one by one, and the count would show who signed.",
            "Unset SABAL_BATCH_EVERY. It is for development only.",
        )


def _identities() -> Iterator[Finding]:
    for path in files_with_identity(settings.DATA):
        yield Finding(
            "wrong",
            "S107",
            f"{path} holds a key that opens the signatures. This server must not have that key.",
            (
                "Move it to the organiser's computer and delete it here (shred -u). Make a new key if others could read"
                " it."
            ),
        )


def files_with_identity(folder: Path) -> Iterator[Path]:
    """Yield files under the data folder that hold an age secret key in clear text; links are followed."""
    file = settings.DATABASE_URL.removeprefix("sqlite://")
    database = {Path(file + ending) for ending in ("", "-wal", "-shm", "-journal")}
    for path in sorted(folder.rglob("*")):
        if path in database:
            continue  # people's texts in it may mention such keys, and it grows
        try:
            if path.is_file() and _holds_identity(path):
                yield path
        except FileNotFoundError:
            continue  # a running server deletes files: a sent email, a finished journal


def _holds_identity(path: Path) -> bool:
    """Return whether the file holds an age secret key. Reads it in pieces, because it may be larger than memory."""
    tail = b""
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            if MARKER in (tail + piece).upper():
                return True
            tail = piece[1 - len(MARKER) :]
    return False


def _dev_keys() -> Iterator[Finding]:
    for slug in Petition.objects.filter(key_made_by_dev=True).values_list("slug", flat=True):
        yield Finding(
            "wrong",
            "S108",
            f"The petition {slug} is encrypted to a key that `serve --dev` made.",
            (
                "Start with an empty data folder and import the petition again, with a key from: sabal keys new --out"
                " FILE"
            ),
        )


def _logs_ahead() -> Iterator[Finding]:
    """Find logs of which more was published than the database has: an old copy of the database would fork them."""
    try:
        keystore = open_keystore()
    except KeyMissing:
        return  # the doctor reports this, and without the key nothing is appended
    database = raw.connect()
    try:
        for petition in all_published(database, keystore):
            log = tables.find(database, petition.id)
            try:
                if log is not None:
                    publication(petition).refuse_ahead(database, log)
            except WouldFork as fork:
                yield Finding(
                    "wrong",
                    "S109",
                    f"The public log of {petition.slug} would be forked. {fork.found}",
                    f"Let the database adopt what was published: sabal restore --adopt {petition.slug}",
                )
    finally:
        database.close()
