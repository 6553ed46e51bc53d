"""Update a petition restored from an older backup from its published log: a newer manifest, or its close."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from django.db import transaction
from django.db.models import F

from sabal.petitions import folder, manifest
from sabal.petitions.definition import FolderError
from sabal.petitions.models import Petition, Version
from sabal.petitions.profile import REOPEN_DAYS

State = Petition.State
Files = Mapping[str, str]


def take_manifest(
    slug: str, published: bytes, log: tuple[str, str], folders: Sequence[Files], today: date
) -> bool:
    """Restore a manifest that was published after the backup as the petition's version. Return whether it was possible.

    Pages are rendered from a folder's files, so files must be found that render exactly this manifest: one of
    `folders`, or files of the backup with the manifest's organiser keys. `log` is the log's origin and key, which must
    also be the manifest's.
    """
    with transaction.atomic():
        petition = Petition.objects.select_for_update().get(slug=slug)
        newest = petition.versions.order_by("-number")[0]
        known = (json.loads(version.files) for version in petition.versions.order_by("-number"))
        candidates = (_matching_files(files, published, log) for files in (*folders, *known))
        files = next(filter(None, candidates), None)
        if files is None:
            return False
        # A draft in the backup is older than the published manifest, so replace it.
        version = (
            newest if newest.published_on is None else Version(petition=petition, number=newest.number + 1)
        )
        version.files, version.manifest = json.dumps(dict(files), ensure_ascii=False), published
        version.published_on = today
        version.save()
        petition.version = version
        petition.revision += 1
        petition.save(update_fields=["version", "revision"])
    return True


def pause(slug: str) -> None:
    """Stop taking signatures for a text that is no longer in force. Change nothing if the petition is not open."""
    Petition.objects.filter(slug=slug, state=State.OPEN).update(
        state=State.PAUSED, revision=F("revision") + 1
    )


def close(slug: str, today: date) -> None:
    """Close a petition whose log is closed. Set a day so long ago that the petition cannot be reopened."""
    day = today - timedelta(days=REOPEN_DAYS + 1)
    petition = Petition.objects.filter(slug=slug)
    petition.filter(state__in=(State.OPEN, State.PAUSED)).update(
        state=State.CLOSED, closed_on=day, revision=F("revision") + 1
    )
    petition.filter(state=State.CLOSED, closed_on__gt=day).update(closed_on=day, revision=F("revision") + 1)


def _matching_files(files: Files, published: bytes, log: tuple[str, str]) -> Files | None:
    """Return the files with the manifest's organiser keys if they render the published manifest, else None."""
    try:
        terms = json.loads(published)["terms"]
        files = folder.set_organiser_keys(files, tuple(terms["organiser_keys"]))
        made = manifest.render(
            folder.parse(files),
            files,
            terms["consent"],  # as it was signed; this version of Sabal may word it differently
            origin=log[0],
            log_vkey=log[1],
            promise_vkey=terms["log"]["promise_key"],
            amendment=manifest.amendment_of(published),
        )
    except (FolderError, KeyError, TypeError, ValueError):
        return None
    return files if hashlib.sha256(made).digest() == hashlib.sha256(published).digest() else None
