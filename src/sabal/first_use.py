"""Prepare a server before its first request: folder, schema, keys; in development also the example petition."""

import contextlib
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from django.core.management import call_command

import agefile
from sabal import database as raw
from sabal import private, settings
from sabal.accounts.commands import owner_link
from sabal.desk import secret
from sabal.elsewhere import sealing
from sabal.keys.keyring import SUBSCRIBERS, SUPPRESSION
from sabal.keys.keystore import KeyStore, open_keystore
from sabal.petitions import folder
from sabal.petitions.models import Petition
from sabal.publishing import drafts, versions

DEVELOPMENT_OWNER = "owner@example.org"
_INSTALLED = Path(__file__).parent / "example"  # the wheel puts the checkout's petitions/ here
_EXAMPLES = _INSTALLED if _INSTALLED.is_dir() else Path(__file__).parents[2] / "petitions"


def prepare() -> KeyStore:
    """Make what is missing: the data folder, the schema, the server key and the two keys that never change."""
    settings.DATA.mkdir(parents=True, exist_ok=True, mode=0o700)
    _make_database_file()
    call_command("migrate", verbosity=0, interactive=False)
    keystore = open_keystore(create=True)
    secret.make()
    database = raw.connect()
    try:
        for name in (SUPPRESSION, SUBSCRIBERS):
            keystore.make(database, name)
        sealing.publish_recipient(database, keystore)
    finally:
        database.close()
    return keystore


def _make_database_file() -> None:
    # SQLite accepts an empty file as a new database; a file that it makes itself would be readable by others. Its WAL
    # and its shared memory get the mode of the database.
    if settings.DATABASE_URL.startswith("sqlite://"):
        with contextlib.suppress(FileExistsError):
            private.create(Path(settings.DATABASE_URL.removeprefix("sqlite://")), ())


def example_petition(keystore: KeyStore) -> None:
    """Import and publish the example if there is no petition yet. Development only: its key is on this server."""
    if Petition.objects.exists() or not _EXAMPLES.is_dir():  # the archive of a site's source has no petitions
        return
    for path in sorted(p for p in _EXAMPLES.iterdir() if p.is_dir()):
        petition = drafts.import_files(folder.read(path))
        publish_for_development(petition.slug, keystore)


def publish_for_development(slug: str, keystore: KeyStore, now: datetime | None = None) -> None:
    """Publish to the development identity, and answer its key check."""
    identity = development_identity()
    drafts.use_keys(slug, (str(identity.recipient),), made_by_dev=True)
    code = agefile.decrypt(drafts.key_check(slug), [identity]).decode()
    drafts.answer_key_check(slug, code)
    now = now or datetime.now(UTC)
    versions.publish(slug, keystore, now.date(), int(now.timestamp()))


def development_identity_file() -> Path:
    """Return the path of the development server's identity."""
    return settings.DATA / "organiser-key.txt"


def development_identity() -> agefile.Identity:
    """Return the organiser's identity of a development server; make it at first use.

    `serve` without `--dev` refuses to run if a petition uses it.
    """
    file = development_identity_file()
    if not file.exists():
        identity = agefile.generate()
        with contextlib.suppress(FileExistsError):  # another process, started at the same time, made it
            private.create(file, [f"# development only: {identity.recipient}\n{identity}\n".encode("ascii")])
    return agefile.parse_identity_file(file.read_text(encoding="ascii"))[0]


def print_addresses(base_url: str) -> None:
    """Print the addresses of the petitions' pages, and the command that opens their signatures."""
    for petition in Petition.objects.exclude(state=Petition.State.DRAFT).order_by("pk"):
        assert petition.version is not None
        for language in drafts.languages(petition):
            print(f"{base_url}/{language}/{petition.slug}")
        if petition.key_made_by_dev:
            print(
                f"Open signatures: {_command()} open {petition.slug} --identity {development_identity_file()}"
            )
    print(f"Outgoing emails: {base_url}/dev/mail/", flush=True)


def print_desk() -> None:
    """Print a link that opens the desk as its owner. Development only: in production, `sabal owner EMAIL` prints it."""
    again = f"works once; for a new link: sabal owner {DEVELOPMENT_OWNER}"
    print(f"The organisers' desk: {owner_link(DEVELOPMENT_OWNER)} ({again})", flush=True)


def _command() -> str:
    """Return `sabal` as it can be typed in the folder where this server was started."""
    program = Path(sys.executable).with_name("sabal")
    with contextlib.suppress(ValueError):
        program = program.relative_to(Path.cwd())
    data = os.environ.get("SABAL_DATA")
    return f"SABAL_DATA={data} {program}" if data else str(program)
