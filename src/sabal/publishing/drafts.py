"""Import a draft, choose its keys and check them, export or discard it.

Each change bumps the petition's revision, which tells every process to reload it. Each change is one transaction.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping

from django.db import transaction
from django.db.models import F

import agefile
from sabal import typed
from sabal.petitions import editing, folder
from sabal.petitions.amendment import breaches
from sabal.petitions.definition import Definition
from sabal.petitions.lookup import unknown_slug
from sabal.petitions.models import Petition, Version
from sabal.petitions.tomltable import FILE
from sabal.refusal import Refusal

State = Petition.State
WRITABLE = (State.DRAFT, State.OPEN, State.PAUSED)
"""The states in which a petition can have a draft: its first text, or an amendment of the published one."""
CODE_BYTES = 10
EXAMPLE_WORDS = ("Example", "example.org")


def import_files(files: Mapping[str, str]) -> Petition:
    """Make a draft of a petition folder's files, or replace the draft of that slug.

    For a published petition the files become an amendment, which is not public before it is published; signing goes
    on. Raises FolderError if the files cannot be used, Refusal if the petition of that slug can have no new version.
    """
    definition = folder.parse(files)
    with transaction.atomic():
        petition, _ = Petition.objects.select_for_update().get_or_create(slug=definition.slug)
        _refuse_new_version(petition, definition)
        if (
            not definition.organiser_keys
            and petition.version
            and (chosen := definition_of(petition).organiser_keys)
        ):
            # The keys were chosen with `keys use` after the export. Importing a corrected text must not remove them.
            files = folder.set_organiser_keys(files, chosen)
        elif petition.version and definition.organiser_keys != definition_of(petition).organiser_keys:
            _begin_key_check(petition, definition.organiser_keys)
        _set_draft(petition, files)
    return petition


def with_free_slug(files: Mapping[str, str], taken: set[str]) -> dict[str, str]:
    """Return the files of a new petition with a slug that no other one has."""
    slug = folder.parse(files).slug
    free = next(one for one in (slug, *(f"{slug[:50]}-{n}" for n in range(2, 10_000))) if one not in taken)
    return editing.with_terms(files, {("slug",): free})


def _refuse_new_version(petition: Petition, definition: Definition) -> None:
    slug = petition.slug
    if petition.state not in WRITABLE:
        raise Refusal(
            "The petition %(slug)s has ended, so its text can no longer change. A new petition needs another address.",
            slug=slug,
        )
    if petition.state == State.DRAFT:
        return
    if broken := list(breaches(published_definition(petition), definition)):
        raise Refusal("This cannot be an amendment of %(slug)s.", broken, slug=slug)


def discard(slug: str) -> bool:
    """Delete a draft, or a published petition's amendment. Return whether the petition still exists.

    Raises Refusal for a published text: deleting it would break what its signers were promised.
    """
    petition = find(slug)
    if has_amendment(petition):
        with transaction.atomic():
            petition.versions.filter(published_on=None).delete()
            # The remaining version passed the key check when it was published.
            bump(petition, key_check=b"", key_check_answered=True)
        return True
    if petition.state != State.DRAFT:
        raise Refusal(
            "%(slug)s was published, and only drafts can be discarded. Close it to end it.", slug=slug
        )
    with transaction.atomic():
        Petition.objects.filter(pk=petition.pk, state=State.DRAFT).update(version=None)
        petition.versions.all().delete()
        Petition.objects.filter(pk=petition.pk, state=State.DRAFT).delete()
    return False


def definition(slug: str) -> Definition:
    """Return the definition in the newest files of the petition `slug`."""
    return definition_of(find(slug))


def use_keys(slug: str, keys: tuple[str, ...], *, made_by_dev: bool = False) -> Petition:
    """Choose the organiser keys of the draft. For a published petition this is an amendment that changes its keys.

    The key check must be answered again, but not for the keys that are published: they passed it before. Raises
    Refusal, or agefile.AgeError if a key is not a recipient.
    """
    kinds = {type(agefile.parse_recipient(key)) for key in keys}
    if len(kinds) > 1:
        raise Refusal("Post-quantum and X25519 keys cannot be used together. Choose keys of one kind.")
    with transaction.atomic():
        petition = Petition.objects.select_for_update().get(pk=find(slug).pk)
        if petition.state not in WRITABLE:
            raise Refusal("The petition %(slug)s has ended, so its key can no longer change.", slug=slug)
        files = folder.set_organiser_keys(json.loads(newest(petition).files), keys)
        if petition.state == State.DRAFT:  # else the published key counts until the amendment is published
            petition.key_made_by_dev = made_by_dev
        _begin_key_check(petition, keys)
        _set_draft(petition, files)
    return petition


def _begin_key_check(petition: Petition, keys: tuple[str, ...]) -> None:
    """Ask for the key check of these keys. Those that are published passed it before."""
    published = () if petition.state == State.DRAFT else published_definition(petition).organiser_keys
    petition.key_check, petition.key_check_answered = b"", set(keys) == set(published)


def key_check(slug: str) -> bytes:
    """Return a new code, sealed to the organiser keys.

    The organiser opens it and types it back, which shows that the key works.
    """
    petition = find(slug)
    keys = refuse_without_key(slug)
    code = base64.b32encode(secrets.token_bytes(CODE_BYTES)).decode().lower()
    bump(petition, key_check=_key_check_hash(code, keys), key_check_answered=False)
    return agefile.encrypt(f"{code}\n".encode(), [agefile.parse_recipient(key) for key in keys])


def refuse_without_key(slug: str) -> tuple[str, ...]:
    """Return the organiser keys of a petition's newest version. Raises Refusal if it has none."""
    keys = definition_of(find(slug)).organiser_keys
    if not keys:
        raise Refusal(
            f"{slug} has no organiser key yet: sabal keys new --out FILE, then sabal keys use {slug} FILE.pub"
        )
    return keys


def answer_key_check(slug: str, code: str) -> None:
    """Accept the code that the organiser opened. Raises Refusal if it is not the newest code."""
    petition = find(slug)
    if bytes(petition.key_check) != _key_check_hash(typed.code(code), definition_of(petition).organiser_keys):
        raise Refusal(
            "This code does not fit. Copy it again, whole. If it still does not fit, it is from an older file: download"
            " a new one, open it and enter its code."
        )
    # Only if nobody has chosen another key, or asked for another code, meanwhile.
    checked = Petition.objects.filter(pk=petition.pk, key_check=petition.key_check)
    if not checked.update(revision=F("revision") + 1, key_check_answered=True):
        raise Refusal("Another file was downloaded or another key chosen meanwhile. Use the newest file.")


def export_files(slug: str) -> dict[str, str]:
    """Return the files of a petition's folder as they were imported, with the chosen organiser keys."""
    files: dict[str, str] = json.loads(newest(find(slug)).files)
    return files


def names_example_people(slug: str) -> bool:
    """Return whether the petition's terms still contain words of the example petition."""
    return any(word in export_files(slug).get(FILE, "") for word in EXAMPLE_WORDS)


def languages(petition: Petition) -> tuple[str, ...]:
    """Return the languages of a petition's text, the authoritative one first."""
    definition = definition_of(petition)
    others = (language for language in definition.languages if language != definition.authoritative)
    return (definition.authoritative, *others)


def find(slug: str) -> Petition:
    """Return the petition of that slug. Raises Refusal if there is none."""
    try:
        return Petition.objects.select_related("version").get(slug=slug)
    except Petition.DoesNotExist:
        raise unknown_slug(slug, Petition.objects.values_list("slug", flat=True)) from None


def newest(petition: Petition) -> Version:
    """Return the newest version: the unpublished one if there is one, else the last published one."""
    return petition.versions.order_by("-number")[0]


def has_amendment(petition: Petition) -> bool:
    """Return whether a published petition has a newer text that is not published yet."""
    return petition.state != State.DRAFT and newest(petition).published_on is None


def definition_of(petition: Petition) -> Definition:
    """Return the definition in the petition's newest files."""
    return folder.parse(json.loads(newest(petition).files))


def published_definition(petition: Petition) -> Definition:
    """Return the definition of the version that pages show; for a draft, of its only version."""
    assert petition.version is not None
    return folder.parse(json.loads(petition.version.files))


def _set_draft(petition: Petition, files: Mapping[str, str]) -> None:
    """Store these files as the petition's unpublished version. Pages do not change until it is published.

    Files that are those of the published version are no amendment: one that there was is deleted.
    """
    text = json.dumps(dict(files), ensure_ascii=False)
    last = petition.versions.order_by("-number").first()
    if (
        petition.state != State.DRAFT
        and petition.version
        and json.loads(petition.version.files) == dict(files)
    ):
        petition.versions.filter(published_on=None).delete()
        # The published version passed the key check when it was published.
        petition.key_check, petition.key_check_answered = b"", True
    elif last is not None and last.published_on is None:
        last.files = text
        last.save()
    else:
        number = last.number + 1 if last else 1
        last = Version.objects.create(petition=petition, number=number, files=text)
    petition.version = petition.version or last
    petition.revision += 1
    petition.save()


def bump(petition: Petition, **values: object) -> None:
    """Change columns of the petition and bump its revision."""
    Petition.objects.filter(pk=petition.pk).update(revision=F("revision") + 1, **values)


def _key_check_hash(code: str, keys: tuple[str, ...]) -> bytes:
    return hashlib.sha256("\n".join([code, *keys]).encode()).digest()
