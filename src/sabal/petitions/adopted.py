"""What the published log says of a petition, and a backup that is older does not know: another manifest, its end."""

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
    """Make a manifest that was published after the backup the petition's version again; whether that could be done.

    A page is rendered of a folder's files, so only files that make these very bytes will do: those of the backup with
    the manifest's keys, or one of `folders`. `log` is its origin and key, which must be the manifest's too.
    """
    with transaction.atomic():
        petition = Petition.objects.select_for_update().get(slug=slug)
        newest = petition.versions.order_by("-number")[0]
        known = (json.loads(version.files) for version in petition.versions.order_by("-number"))
        files = next(filter(None, (_that_make(one, published, log) for one in (*folders, *known))), None)
        if files is None:
            return False
        # A draft that the backup holds came before what was published.
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
    """Take no signatures under a text that is no longer in force; harmless where none are taken."""
    Petition.objects.filter(slug=slug, state=State.OPEN).update(
        state=State.PAUSED, revision=F("revision") + 1
    )


def end(slug: str, today: date) -> None:
    """Let a petition whose log is closed be closed: it was for longer than it could have been reopened."""
    day = today - timedelta(days=REOPEN_DAYS + 1)
    there = Petition.objects.filter(slug=slug)
    there.filter(state__in=(State.OPEN, State.PAUSED)).update(
        state=State.CLOSED, closed_on=day, revision=F("revision") + 1
    )
    there.filter(state=State.CLOSED, closed_on__gt=day).update(closed_on=day, revision=F("revision") + 1)


def _that_make(files: Files, published: bytes, log: tuple[str, str]) -> Files | None:
    """The files with the manifest's keys, where the manifest of them is the one that was published."""
    try:
        terms = json.loads(published)["terms"]
        files = folder.set_organiser_keys(files, tuple(terms["organiser_keys"]))
        made = manifest.render(
            folder.parse(files),
            files,
            terms["consent"],  # as it was signed: this version of Sabal may word it otherwise
            origin=log[0],
            log_vkey=log[1],
            promise_vkey=terms["log"]["promise_key"],
        )
    except (FolderError, KeyError, TypeError, ValueError):
        return None
    return files if hashlib.sha256(made).digest() == hashlib.sha256(published).digest() else None
