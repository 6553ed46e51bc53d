"""A draft: import it, choose its keys and check them, export or discard it.

Each verb bumps the petition's revision, which tells every process to look again. All or nothing, each of them.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping

from django.db import transaction
from django.db.models import F

import agefile
from sabal.petitions import folder
from sabal.petitions.amendment import breaches
from sabal.petitions.definition import Definition
from sabal.petitions.lookup import not_here
from sabal.petitions.models import Petition, Version
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
            and (chosen := definition_of(petition).organiser_keys)
        ):
            # Chosen by `keys use` since the folder was exported: a typo that is mended must not undo that.
            files = folder.set_organiser_keys(files, chosen)
        elif petition.version and definition.organiser_keys != definition_of(petition).organiser_keys:
            petition.key_check, petition.key_check_answered = b"", False
        _set_draft(petition, files)
    return petition


def _refuse_new_version(petition: Petition, definition: Definition) -> None:
    slug = petition.slug
    if petition.state == State.OPEN:
        raise Refusal(
            f"{slug} is published and open. To amend it, pause it first (sabal pause {slug}) and import again. For"
            " another petition choose another slug."
        )
    if petition.state not in (State.DRAFT, State.PAUSED):
        raise Refusal(f"{slug} is {petition.state}, so its text can no longer change. Choose another slug.")
    if petition.state == State.PAUSED and petition.version:
        published = folder.parse(json.loads(petition.version.files))
        if broken := list(breaches(published, definition)):
            raise Refusal(f"This cannot be an amendment of {slug}. {' '.join(broken)}")


def discard(slug: str) -> bool:
    """Delete a draft, or a paused petition's unpublished amendment; whether the petition is still here.

    Raises Refusal for what was published: its signers were promised otherwise.
    """
    petition = find(slug)
    if petition.state == State.PAUSED and newest(petition).published_on is None:
        with transaction.atomic():
            petition.versions.filter(published_on=None).delete()
            # The keys of the version that is left were shown to open what is sealed to them when it was published.
            bump(petition, key_check=b"", key_check_answered=True)
        return True
    if petition.state != State.DRAFT:
        raise Refusal(
            f"{slug} was published, and only drafts can be discarded. To end it: sabal close {slug}"
        )
    with transaction.atomic():
        Petition.objects.filter(pk=petition.pk, state=State.DRAFT).update(version=None)
        petition.versions.all().delete()
        Petition.objects.filter(pk=petition.pk, state=State.DRAFT).delete()
    return False


def definition(slug: str) -> Definition:
    """What a petition's newest files say."""
    return definition_of(find(slug))


def use_keys(slug: str, keys: tuple[str, ...], *, made_by_dev: bool = False) -> Petition:
    """Seal what comes from now on to these organiser keys. On a published petition this is a public change of keys.

    The key check must be answered anew. Raises Refusal, agefile.AgeError for what is no recipient.
    """
    kinds = {type(agefile.parse_recipient(key)) for key in keys}
    if len(kinds) > 1:
        raise Refusal("Post-quantum and X25519 keys cannot be used together. Choose keys of one kind.")
    with transaction.atomic():
        petition = find(slug)
        if petition.state not in (State.DRAFT, State.PAUSED):
            raise Refusal(f"{slug} is {petition.state}. Pause it first: sabal pause {slug}")
        files = folder.set_organiser_keys(json.loads(newest(petition).files), keys)
        petition.key_made_by_dev = made_by_dev
        petition.key_check, petition.key_check_answered = b"", False
        _set_draft(petition, files)
    return petition


def key_check(slug: str) -> bytes:
    """A code, sealed to the organiser keys: whoever opens it and types it back has shown that the keys work."""
    petition = find(slug)
    keys = refuse_without_key(slug)
    code = base64.b32encode(secrets.token_bytes(CODE_BYTES)).decode().lower()
    bump(petition, key_check=_key_check_hash(code, keys), key_check_answered=False)
    return agefile.encrypt(f"{code}\n".encode(), [agefile.parse_recipient(key) for key in keys])


def refuse_without_key(slug: str) -> tuple[str, ...]:
    """The organiser keys of a petition's newest version; raises Refusal where it has none."""
    keys = definition_of(find(slug)).organiser_keys
    if not keys:
        raise Refusal(
            f"{slug} has no organiser key yet: sabal keys new --out FILE, then sabal keys use {slug} FILE.pub"
        )
    return keys


def answer_key_check(slug: str, code: str) -> None:
    """Take the code that the organiser opened. Raises Refusal where it is not the one that was sealed last."""
    petition = find(slug)
    if bytes(petition.key_check) != _key_check_hash(
        code.strip().lower(), definition_of(petition).organiser_keys
    ):
        raise Refusal("This is not the newest code. Open the newest key check file and enter its code.")
    bump(petition, key_check_answered=True)


def export_files(slug: str) -> dict[str, str]:
    """The files of a petition's folder, as they were imported (and as its keys were chosen)."""
    files: dict[str, str] = json.loads(newest(find(slug)).files)
    return files


def names_example_people(slug: str) -> bool:
    """Whether its terms are still those of the example petition, in part."""
    return any(word in export_files(slug).get(FILE, "") for word in EXAMPLE_WORDS)


def languages(petition: Petition) -> tuple[str, ...]:
    """The languages of a petition's text, the authoritative one first."""
    definition = definition_of(petition)
    others = (language for language in definition.languages if language != definition.authoritative)
    return (definition.authoritative, *others)


def find(slug: str) -> Petition:
    """The petition of that slug. Raises Refusal where there is none."""
    try:
        return Petition.objects.select_related("version").get(slug=slug)
    except Petition.DoesNotExist:
        raise not_here(slug) from None


def newest(petition: Petition) -> Version:
    """The version that was published last or, where there is one, the draft that comes after it."""
    return petition.versions.order_by("-number")[0]


def definition_of(petition: Petition) -> Definition:
    """What the petition's newest files say."""
    return folder.parse(json.loads(newest(petition).files))


def _set_draft(petition: Petition, files: Mapping[str, str]) -> None:
    """Give the petition an unpublished version with these files; what is shown stays until it is published."""
    text = json.dumps(dict(files), ensure_ascii=False)
    last = petition.versions.order_by("-number").first()
    if last is not None and last.published_on is None:
        last.files = text
        last.save()
    else:
        number = last.number + 1 if last else 1
        last = Version.objects.create(petition=petition, number=number, files=text)
    petition.version = petition.version or last
    petition.revision += 1
    petition.save()


def bump(petition: Petition, **values: object) -> None:
    """Change columns of the petition, and its revision with them."""
    Petition.objects.filter(pk=petition.pk).update(revision=F("revision") + 1, **values)


def _key_check_hash(code: str, keys: tuple[str, ...]) -> bytes:
    return hashlib.sha256("\n".join([code, *keys]).encode()).digest()
