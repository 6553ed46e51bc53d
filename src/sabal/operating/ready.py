"""The steps from a development server to a public site that are left, in the best order."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

from sabal import database as raw
from sabal import settings
from sabal.ledger import tables
from sabal.operating import startup, stores
from sabal.petitions import folder
from sabal.petitions.models import Petition
from sabal.publishing import drafts
from sabal.refusal import Refusal


@dataclass(frozen=True)
class NextStep:
    """A step, and the command or setting that does it."""

    sentence: str
    command: str


def steps() -> list[NextStep]:
    """Return the steps that are left, in order; empty when the site is ready for the public."""
    is_set_up = stores.unusable() is None
    first = [] if is_set_up else [NextStep("Let the server make its database and its keys.", "sabal serve")]
    return [
        *first,
        *_public_address(),
        *_mail(),
        *_texts(),
        *(_petition() if is_set_up else _import()),
        *_keeping(),
    ]


def _public_address() -> Iterator[NextStep]:
    base = urlsplit(settings.BASE_URL)
    if base.scheme != "https" and not (base.hostname or "").endswith(".onion"):
        yield NextStep("Give the server its public address.", "SABAL_BASE_URL=https://petition.example.org")
    if base.scheme == "https" and settings.TRUSTED_HOPS == 0:
        yield NextStep("Say how many proxies of your own are in front of it.", "SABAL_TRUSTED_HOPS=1")
    if settings.BATCH_EVERY is not None:
        yield NextStep("Stop counting every few seconds.", "unset SABAL_BATCH_EVERY")
    for path in startup.files_with_identity(settings.DATA):
        yield NextStep(
            f"{path} opens the signatures. A development server cannot become a public one.",
            "SABAL_DATA=/var/lib/sabal   (a new, empty folder)",
        )


def _mail() -> Iterator[NextStep]:
    if settings.MAIL_URL.scheme != "smtp":
        folder_only = " A folder reaches nobody." if settings.MAIL_URL.scheme else ""
        sentence = f"Name the mail server.{folder_only}"
        yield NextStep(sentence, "SABAL_MAIL_URL=smtp://user:password@mail.example.org:587?tls=starttls")
    if settings.MAIL_FROM.domain in ("", "localhost"):
        yield NextStep("Name the sender of the emails.", "SABAL_MAIL_FROM=petition@example.org")


def _texts() -> Iterator[NextStep]:
    for name, who in (
        ("SABAL_MAIL_RELAY", "who relays the email"),
        ("SABAL_HOSTING", "who hosts the server"),
        ("SABAL_TLS_END", "who ends TLS"),
    ):
        if not getattr(settings, name.removeprefix("SABAL_")):
            yield NextStep(f"Say on the privacy page {who}.", f"{name}=…")
    if not settings.SECURITY_CONTACT:
        yield NextStep(
            "Say where people can report a security problem.",
            "SABAL_SECURITY_CONTACT=mailto:security@example.org",
        )


def _petition() -> Iterator[NextStep]:
    petitions = list(Petition.objects.order_by("pk"))
    if not petitions:
        yield from _import()
    read_only = _read_only() if petitions else ()
    for petition in petitions:
        slug = petition.slug
        if petition.pk in read_only:
            yield NextStep(
                f"Bring a copy of {slug}'s public log. It is read-only, and nothing is counted: the doctor says why.",
                f"sabal restore --adopt {slug} --copy FOLDER or ADDRESS",
            )
        if petition.key_made_by_dev:
            yield NextStep(
                f"{slug} is encrypted to a development key.",
                "start with an empty data folder, and import it again",
            )
            continue
        if drafts.names_example_people(slug):
            yield NextStep(
                f"{slug} still names example people. Put in your own.",
                f"sabal export {slug}, edit, sabal import {slug}, sabal publish {slug}",
            )
        if petition.state == Petition.State.DRAFT:
            yield from _draft(petition)


def _read_only() -> frozenset[int]:
    database = raw.connect()
    try:
        ids = [row[0] for row in database.query("SELECT petition_id FROM ledger_log")]
        return frozenset(one for one in ids if (log := tables.find(database, one)) and not log.writable)
    finally:
        database.close()


def _import() -> Iterator[NextStep]:
    yield NextStep("Import your petition: a folder, or the letter as plain text.", "sabal import PATH")


def _draft(petition: Petition) -> Iterator[NextStep]:
    slug = petition.slug
    today = datetime.now(UTC).date()
    definition = folder.parse(drafts.export_files(slug))
    for lack in folder.lacking(replace(definition, organiser_keys=("asked for below",)), today=today):
        yield NextStep(f"{slug}: {lack}", f"sabal export {slug}, edit, sabal import {slug}")
    try:
        drafts.refuse_without_key(slug)
    except Refusal:
        yield NextStep(
            f"Make the key that opens {slug}'s signatures, on the organiser's computer.",
            "sabal keys new --out FILE",
        )
        yield NextStep("Bring its public half here.", f"sabal keys use {slug} FILE.pub")
    if not petition.key_check_answered:
        yield NextStep("Show that the key opens what is encrypted to it.", f"sabal keys check {slug}")
    yield NextStep(f"Publish {slug}.", f"sabal publish {slug}")


def _keeping() -> Iterator[NextStep]:
    # The server cannot see what is kept elsewhere, so the operator confirms it with an empty file.
    for note, sentence, command in (
        (
            "server-key-is-kept",
            (
                "Keep the server key in a second place, because backups are of no use without it. Then confirm it with"
                " the empty file."
            ),
            "sabal keys server --to RECIPIENT",
        ),
        (
            "backups-are-taken",
            "Take a backup each night and copy it to another machine. Then confirm it with the empty file.",
            "sabal backup DIR",
        ),
    ):
        if not (settings.DATA / note).exists():
            yield NextStep(sentence, f"{command}; touch {settings.DATA / note}")
