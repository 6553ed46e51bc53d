"""What an organiser does with a petition: import, choose keys, publish, pause, resume, close.

Each verb bumps the petition's revision, which tells every process to look again. All or nothing, each of them.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from datetime import date, timedelta
from urllib.parse import urlsplit

from django.db import transaction
from django.db.models import F

import agefile
from sabal import database as raw
from sabal import days, settings
from sabal.keys.house import House, pepper_name
from sabal.keys.signer import log_key_name, make_vkey, promise_key_name
from sabal.ledger import log
from sabal.petitions import folder, manifest
from sabal.petitions.amendment import breaches
from sabal.petitions.consent import consent_text
from sabal.petitions.definition import Definition
from sabal.petitions.lookup import not_here
from sabal.petitions.models import Petition, Version
from sabal.petitions.profile import REOPEN_DAYS
from sabal.petitions.tomltable import FILE
from sabal.refusal import Refusal

State = Petition.State
CODE_BYTES = 10
EXAMPLE_WORDS = ("Example", "example.org")


def import_files(files: Mapping[str, str]) -> Petition:
    """Make a draft of a petition folder's files, or replace the draft of that slug; of a paused petition, an amendment.

    Raises FolderError for files that cannot be used, Refusal where a petition of that slug takes no new version.
    """
    definition = folder.parse(files)
    with transaction.atomic():
        petition, _ = Petition.objects.select_for_update().get_or_create(slug=definition.slug)
        _refuse_new_version(petition, definition)
        if (
            not definition.organiser_keys
            and petition.version
            and (chosen := _definition(petition).organiser_keys)
        ):
            # Chosen by `keys use` since the folder was exported: a typo that is mended must not undo that.
            files = folder.set_organiser_keys(files, chosen)
        elif petition.version and definition.organiser_keys != _definition(petition).organiser_keys:
            petition.canary, petition.canary_answered = b"", False
        _set_draft(petition, files)
    return petition


def _refuse_new_version(petition: Petition, definition: Definition) -> None:
    slug = petition.slug
    if petition.state == State.OPEN:
        raise Refusal(
            f"{slug} is published and open. To amend it, pause it first (sabal pause {slug}) and import again; for"
            " another petition choose another slug."
        )
    if petition.state not in (State.DRAFT, State.PAUSED):
        raise Refusal(f"{slug} is {petition.state}: its text cannot change any more; choose another slug.")
    if petition.state == State.PAUSED and petition.version:
        published = folder.parse(json.loads(petition.version.files))
        if broken := list(breaches(published, definition)):
            raise Refusal(f"This cannot be an amendment of {slug}. {' '.join(broken)}")


def discard(slug: str) -> bool:
    """Delete a draft, or a paused petition's unpublished amendment; whether the petition is still here.

    Raises Refusal for what was published: its signers were promised otherwise.
    """
    petition = _find(slug)
    if petition.state == State.PAUSED and _newest(petition).published_on is None:
        with transaction.atomic():
            petition.versions.filter(published_on=None).delete()
            # The keys of the version that is left were shown to open what is sealed to them when it was published.
            _bump(petition, canary=b"", canary_answered=True)
        return True
    if petition.state != State.DRAFT:
        raise Refusal(f"{slug} was published; only drafts can be discarded. To end it: sabal close {slug}")
    with transaction.atomic():
        Petition.objects.filter(pk=petition.pk, state=State.DRAFT).update(version=None)
        petition.versions.all().delete()
        Petition.objects.filter(pk=petition.pk, state=State.DRAFT).delete()
    return False


def definition(slug: str) -> Definition:
    """What a petition's newest files say."""
    return _definition(_find(slug))


def use_keys(slug: str, keys: tuple[str, ...], *, made_by_dev: bool = False) -> Petition:
    """Seal what comes from now on to these organiser keys. On a published petition this is a public change of keys.

    The canary must be answered anew. Raises Refusal, agefile.AgeError for what is no recipient.
    """
    kinds = {type(agefile.parse_recipient(key)) for key in keys}
    if len(kinds) > 1:
        raise Refusal("Post-quantum and X25519 keys cannot be used together: choose keys of one kind.")
    with transaction.atomic():
        petition = _find(slug)
        if petition.state not in (State.DRAFT, State.PAUSED):
            raise Refusal(f"{slug} is {petition.state}; pause it first: sabal pause {slug}")
        files = folder.set_organiser_keys(json.loads(_newest(petition).files), keys)
        petition.key_made_by_dev = made_by_dev
        petition.canary, petition.canary_answered = b"", False
        _set_draft(petition, files)
    return petition


def canary(slug: str) -> bytes:
    """A code, sealed to the organiser keys: whoever opens it and types it back has shown that the keys work."""
    petition = _find(slug)
    keys = refuse_without_key(slug)
    code = base64.b32encode(secrets.token_bytes(CODE_BYTES)).decode().lower()
    _bump(petition, canary=_canary_hash(code, keys), canary_answered=False)
    return agefile.encrypt(f"{code}\n".encode(), [agefile.parse_recipient(key) for key in keys])


def refuse_without_key(slug: str) -> tuple[str, ...]:
    """The organiser keys of a petition's newest version; raises Refusal where it has none."""
    keys = _definition(_find(slug)).organiser_keys
    if not keys:
        raise Refusal(
            f"{slug} has no organiser key yet: sabal keys new --out FILE, then sabal keys use {slug} FILE.pub"
        )
    return keys


def answer_canary(slug: str, code: str) -> None:
    """Take the code that the organiser opened. Raises Refusal where it is not the one that was sealed last."""
    petition = _find(slug)
    if bytes(petition.canary) != _canary_hash(code.strip().lower(), _definition(petition).organiser_keys):
        raise Refusal(
            "This is not the code that was sealed last; open the newest canary file and type its code."
        )
    _bump(petition, canary_answered=True)


def publish(slug: str, house: House, today: date, now: int) -> Petition:
    """Open a draft for signatures, or publish a paused petition's new version. Raises Refusal with what lacks.

    Keys are made first and kept if anything after fails: making them again gives the same ones.
    """
    petition = _find(slug)
    if petition.state not in (State.DRAFT, State.PAUSED):
        raise Refusal(f"{slug} is {petition.state} already.")
    definition = _definition(petition)
    _refuse_unready(petition, definition, today)
    database = raw.connect()
    try:
        petition.origin = petition.origin or new_origin()
        petition.pepper_epoch = petition.pepper_epoch or 1
        made = _manifest(petition, definition, *_make_ready(database, petition, definition, house, now))
        if not _publish(database, house, petition, made, today):
            raise Refusal(f"{slug} was changed by somebody else meanwhile; try again.")
    finally:
        database.close()
    petition.refresh_from_db()
    return petition


def new_origin() -> str:
    """A name for a public log, under this house's host: it tells nothing of its petition."""
    return f"{_host()}/{base64.b32encode(secrets.token_bytes(5)).decode().lower()}/log"


def pause(slug: str) -> None:
    """Take no signatures for now; letters that are out can still be confirmed."""
    _move(slug, (State.OPEN,), state=State.PAUSED)


def resume(slug: str, today: date) -> None:
    """Take signatures again after a pause, or after a close that lies no more than 14 days back."""
    petition = _find(slug)
    if petition.state not in (State.PAUSED, State.CLOSED):
        raise Refusal(f"{slug} is {petition.state}: only what is paused or closed can be resumed.")
    if petition.closed_on and today > petition.closed_on + timedelta(days=REOPEN_DAYS):
        raise Refusal(
            f"{slug} was closed on {petition.closed_on}; it can be reopened for {REOPEN_DAYS} days only."
        )
    if today > (last := _definition(petition).last_day):
        raise Refusal(
            f"The last day for signing {slug} was {last}, as its terms say; it cannot be opened again."
        )
    if petition.state == State.PAUSED and _newest(petition).published_on is None:
        raise Refusal(
            f"{slug} has a new version that is not published: sabal publish {slug}, or, to forget it,"
            f" sabal discard {slug}"
        )
    _move(slug, (State.PAUSED, State.CLOSED), state=State.OPEN, closed_on=None)


def close(slug: str, today: date) -> None:
    """Take no more signatures. Letters that are out can be confirmed for 7 days; reopening is possible for 14."""
    _move(slug, (State.OPEN, State.PAUSED), state=State.CLOSED, closed_on=today)


def export_files(slug: str) -> dict[str, str]:
    """The files of a petition's folder, as they were imported (and as its keys were chosen)."""
    files: dict[str, str] = json.loads(_newest(_find(slug)).files)
    return files


def names_example_people(slug: str) -> bool:
    """Whether its terms are still those of the example petition, in part."""
    return any(word in export_files(slug).get(FILE, "") for word in EXAMPLE_WORDS)


def languages(petition: Petition) -> tuple[str, ...]:
    """The languages of a petition's text, the authoritative one first."""
    definition = _definition(petition)
    others = (language for language in definition.languages if language != definition.authoritative)
    return (definition.authoritative, *others)


def _find(slug: str) -> Petition:
    try:
        return Petition.objects.select_related("version").get(slug=slug)
    except Petition.DoesNotExist:
        raise not_here(slug) from None


def _newest(petition: Petition) -> Version:
    """The version that was published last or, where there is one, the draft that comes after it."""
    return petition.versions.order_by("-number")[0]


def _definition(petition: Petition) -> Definition:
    return folder.parse(json.loads(_newest(petition).files))


def _set_draft(petition: Petition, files: Mapping[str, str]) -> None:
    """Give the petition an unpublished version with these files; what is shown stays until it is published."""
    text = json.dumps(dict(files), ensure_ascii=False)
    newest = petition.versions.order_by("-number").first()
    if newest is not None and newest.published_on is None:
        newest.files = text
        newest.save()
    else:
        number = newest.number + 1 if newest else 1
        newest = Version.objects.create(petition=petition, number=number, files=text)
    petition.version = petition.version or newest
    petition.revision += 1
    petition.save()


def _bump(petition: Petition, **values: object) -> None:
    Petition.objects.filter(pk=petition.pk).update(revision=F("revision") + 1, **values)


def _move(slug: str, before: tuple[str, ...], **values: object) -> None:
    petition = _find(slug)
    changed = Petition.objects.filter(pk=petition.pk, state__in=before).update(
        revision=F("revision") + 1, **values
    )
    if not changed:
        raise Refusal(f"{slug} is {petition.state}: this needs it to be {' or '.join(before)}.")


def _canary_hash(code: str, keys: tuple[str, ...]) -> bytes:
    return hashlib.sha256("\n".join([code, *keys]).encode()).digest()


def _refuse_unready(petition: Petition, definition: Definition, today: date) -> None:
    lacking = folder.lacking(definition, today=today)
    if lacking:
        raise Refusal(f"{definition.slug} cannot be published yet: " + " ".join(lacking))
    if not petition.canary_answered:
        raise Refusal(
            "Nobody has shown yet that the organiser's key opens what is sealed to it:"
            f" sabal keys canary {definition.slug}"
        )


def _host() -> str:
    return urlsplit(settings.BASE_URL).hostname or "localhost"


def _make_ready(
    database: raw.Database, petition: Petition, definition: Definition, house: House, now: int
) -> tuple[str, str]:
    """Make the petition's keys and its row of counts where they are missing; the vkeys of its log and its promises."""
    if definition.dedupe != "offline":
        house.make(database, pepper_name(petition.pk, petition.pepper_epoch))
    database.insert("signing_total", ("petition_id", "batch_at"), [(petition.pk, now)], ignore=True)
    return (
        make_vkey(database, house, log_key_name(petition.pk), petition.origin),
        make_vkey(database, house, promise_key_name(petition.pk), f"{petition.origin}/promise"),
    )


def _manifest(petition: Petition, definition: Definition, log_vkey: str, promise_vkey: str) -> bytes:
    """The manifest of the newest version: as it was published, or made now."""
    version = _newest(petition)
    return bytes(version.manifest) or manifest.render(
        definition,
        json.loads(version.files),
        {language: consent_text(definition, language) for language in definition.languages},
        origin=petition.origin,
        log_vkey=log_vkey,
        promise_vkey=promise_vkey,
    )


def _publish(database: raw.Database, house: House, petition: Petition, made: bytes, today: date) -> bool:
    """Open the petition and let its log say so, in one transaction; False where the petition was changed meanwhile."""
    version, day = _newest(petition), days.to_column(today, database.vendor)
    key = log.key_of(database, house, petition.pk, petition.origin)
    with database.transaction():
        changed = database.execute(
            "UPDATE petitions_petition SET state = 'open', version_id = ?, origin = ?, pepper_epoch = ?,"
            " pepper_epoch_since = ?, opened_on = ?, revision = revision + 1 WHERE id = ? AND revision = ?",
            (
                version.pk,
                petition.origin,
                petition.pepper_epoch,
                petition.pepper_epoch_since or days.number(today),
                day if petition.opened_on is None else days.to_column(petition.opened_on, database.vendor),
                petition.pk,
                petition.revision,
            ),
        )
        if not changed:
            return False
        database.execute(
            "UPDATE petitions_version SET manifest = ?, published_on = ? WHERE id = ? AND published_on IS NULL",
            (made, day, version.pk),
        )
        log.follow(database, petition.pk, hashlib.sha256(made).digest(), key, days.number(today))
    return True
