"""Publish: open a draft for signatures, or publish an amendment of a published petition. Signing goes on meanwhile.

The petition and its log change in one transaction.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Iterator, Sequence
from datetime import date
from urllib.parse import urlsplit

from sabal import database as raw
from sabal import days, settings
from sabal.keys.keystore import KeyStore, bucket_key_name, pepper_name
from sabal.keys.signer import log_key_name, make_vkey, promise_key_name
from sabal.ledger import tables
from sabal.newsletter import subscription
from sabal.petitions import folder, manifest, organisation
from sabal.petitions.amendment import Amendment
from sabal.petitions.consent import consent_text
from sabal.petitions.definition import Definition, FolderError
from sabal.petitions.models import Petition
from sabal.publishing.drafts import definition_of, find, has_amendment, newest, published_definition
from sabal.refusal import Refusal

State = Petition.State


def publish(
    slug: str,
    keystore: KeyStore,
    today: date,
    now: int,
    *,
    amendment: Amendment | None = None,
    stay_paused: bool = False,
    revision: int | None = None,
) -> Petition:
    """Open a draft for signatures, or publish an amendment. Raises Refusal with what is missing.

    `amendment` says publicly of which kind it is and why. A paused petition opens, unless it is to `stay_paused`. If
    `revision` is given, it must be that of the petition: what somebody saves meanwhile is not published.
    Keys are made first. If a later step fails, they stay, and the next attempt uses the same keys.
    """
    petition = find(slug)
    if revision is not None and petition.revision != revision:
        raise _changed(slug)
    if petition.state not in (State.DRAFT, State.PAUSED) and not (
        petition.state == State.OPEN and has_amendment(petition)
    ):
        raise Refusal(f"{slug} is already {petition.state}.")
    definition = definition_of(petition)
    _refuse_unready(petition, definition, today)
    database = raw.connect()
    try:
        petition.organisation = _organisation(database, petition, definition)
        petition.origin = petition.origin or new_origin()
        petition.pepper_epoch = petition.pepper_epoch or 1
        vkeys = _make_ready(database, petition, definition, keystore, now)
        signed = _manifest(petition, definition, *vkeys, amendment if has_amendment(petition) else None)
        if not (stay_paused and petition.state == State.PAUSED):
            petition.state = State.OPEN.value
        if petition.key_made_by_dev:
            published = published_definition(petition)
            petition.key_made_by_dev = published.organiser_keys == definition.organiser_keys
        if not _publish(database, keystore, petition, signed, today):
            raise _changed(slug)
    finally:
        database.close()
    petition.refresh_from_db()
    return petition


def _changed(slug: str) -> Refusal:
    return Refusal("%(slug)s was changed by somebody else in the meantime. Try again.", slug=slug)


def new_origin() -> str:
    """Return a random name for a public log, under this server's host. It does not reveal the petition."""
    return f"{_host()}/{base64.b32encode(secrets.token_bytes(5)).decode().lower()}/log"


def _refuse_unready(petition: Petition, definition: Definition, today: date) -> None:
    lacking = folder.lacking(definition, today=today)
    if lacking:
        lines = [f"{definition.slug} cannot be published yet:", *(f"- {lack}" for lack in lacking)]
        text = "\n".join([*lines, *_next_steps(definition, lacking)])
        raise Refusal(text)
    if not petition.key_check_answered:
        raise Refusal(
            "The key check is missing: nobody has shown yet that the organiser's key opens what is encrypted to"
            " it. Next: sabal keys check %(slug)s",
            slug=definition.slug,
        )


def _next_steps(definition: Definition, lacking: Sequence[str]) -> Iterator[str]:
    """Yield the commands that complete what is lacking: a key is chosen by a command, the rest is in the files."""
    slug, keys = definition.slug, bool(definition.organiser_keys)
    if keys or len(lacking) > 1:
        yield f"Next: sabal export {slug}, edit the files in {slug}/, sabal import {slug}/"
    if not keys:
        yield f"{'Then' if len(lacking) > 1 else 'Next'}: sabal keys new --out FILE, sabal keys use {slug} FILE.pub"


def _host() -> str:
    return urlsplit(settings.BASE_URL).hostname or "localhost"


def _organisation(database: raw.Database, petition: Petition, definition: Definition) -> str:
    """Return the key of the petition's organisation. Raises Refusal if its `controller.key` is another's."""
    published = Petition.objects.exclude(organisation="").select_related("version").order_by("-pk")
    known = [(one.pk, one.organisation, _published_definition(one)) for one in published]
    own = next(((key, there) for pk, key, there in known if pk == petition.pk and there), None)
    others = [(key, there) for pk, key, there in known if pk != petition.pk and there]
    taken = {key for _, key, _ in known} | subscription.keys_in_use(database)
    return organisation.choose_key(definition, own, others, taken, given_away=petition.given_away)


def _published_definition(petition: Petition) -> Definition | None:
    """Return the definition of the version that pages show; None if this version of Sabal refuses its files."""
    assert petition.version is not None
    try:
        return folder.parse(json.loads(petition.version.files))
    except FolderError:
        return None


def _make_ready(
    database: raw.Database, petition: Petition, definition: Definition, keystore: KeyStore, now: int
) -> tuple[str, str]:
    """Make the petition's missing keys and its row of counts. Return the vkeys of its log and its promises."""
    if definition.dedupe != "offline":
        keystore.make(database, pepper_name(petition.pk, petition.pepper_epoch))
    keystore.make(database, bucket_key_name(petition.pk))
    database.insert("signing_total", ("petition_id", "batch_at"), [(petition.pk, now)], ignore=True)
    return (
        make_vkey(database, keystore, log_key_name(petition.pk), petition.origin),
        make_vkey(database, keystore, promise_key_name(petition.pk), f"{petition.origin}/promise"),
    )


def _manifest(
    petition: Petition,
    definition: Definition,
    log_vkey: str,
    promise_vkey: str,
    amendment: Amendment | None,
) -> bytes:
    """Return the manifest of the newest version: the published one, or a new one if it was never published."""
    version = newest(petition)
    return bytes(version.manifest) or manifest.render(
        definition,
        json.loads(version.files),
        {language: consent_text(definition, language) for language in definition.languages},
        origin=petition.origin,
        log_vkey=log_vkey,
        promise_vkey=promise_vkey,
        amendment=amendment,
    )


def _publish(
    database: raw.Database, keystore: KeyStore, petition: Petition, manifest_bytes: bytes, today: date
) -> bool:
    """Put the newest version in force and add the change to its log, in one transaction.

    Return False if the petition was changed meanwhile.
    """
    version, day = newest(petition), days.to_column(today, database.vendor)
    key = tables.key_of(database, keystore, petition.pk, petition.origin)
    with database.transaction():
        changed = database.execute(
            "UPDATE petitions_petition SET state = ?, key_made_by_dev = ?, version_id = ?, origin = ?,"
            " pepper_epoch = ?, pepper_epoch_since = ?, opened_on = ?, given_away = (given_away AND organisation = ?),"
            " organisation = ?, revision = revision + 1"
            " WHERE id = ? AND revision = ?",
            (
                petition.state,
                petition.key_made_by_dev,
                version.pk,
                petition.origin,
                petition.pepper_epoch,
                petition.pepper_epoch_since or days.number(today),
                day if petition.opened_on is None else days.to_column(petition.opened_on, database.vendor),
                petition.organisation,  # a new key begins lists of the new organisation
                petition.organisation,
                petition.pk,
                petition.revision,
            ),
        )
        if not changed:
            return False
        database.execute(
            "UPDATE petitions_version SET manifest = ?, published_on = ? WHERE id = ? AND published_on IS NULL",
            (manifest_bytes, day, version.pk),
        )
        tables.enter_manifest(
            database, petition.pk, hashlib.sha256(manifest_bytes).digest(), key, days.number(today)
        )
    return True
