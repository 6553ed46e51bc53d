"""The history of a draft: every saved revision, what it changed, and how it is restored.

Revisions are kept by a signal, so that a command on the server leaves one too.
"""

import hashlib
import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django.db import transaction
from django.db.models.functions import Length
from django.utils import timezone

from sabal.accounts import acting, audit
from sabal.accounts.models import User
from sabal.desk import translating
from sabal.desk.models import Revision
from sabal.petitions import folder
from sabal.petitions.definition import Definition, FolderError
from sabal.petitions.editing import with_terms
from sabal.petitions.history import Paragraph, changed_text, changed_words
from sabal.petitions.models import Petition
from sabal.petitions.picture import NAME as PICTURE
from sabal.petitions.tomltable import FILE
from sabal.publishing import drafts

MOST = 100  # revisions of a petition
MOST_CHARACTERS = 20_000_000  # of all of them together


def keep(sender: object, instance: Petition, **signal: object) -> None:
    """Keep the newest files of a petition that was saved, if they differ from the last revision."""
    version = instance.versions.order_by("-number").first()
    if version is None:
        return
    now, last = acting.current(), instance.revisions.order_by("-number").first()
    script = now is not None and now.script
    if now is not None:
        now.revision = instance.revision
    if last is not None and last.files == version.files:
        if last.script and not script:
            Revision.objects.filter(pk=last.pk).update(script=False)  # “Save” ends the step
        return
    files = json.loads(version.files)
    translating.note_sources(instance, files)
    user, at = now.find_user() if now else None, timezone.now()
    changed = files_changed(last.files if last else "", version.files)
    values = {
        "number": instance.revision,
        "at": at,
        "form": now.find_form() if now else "",
        "files": version.files,
        "touched": {**(last.touched if last else {}), **dict.fromkeys(changed, instance.revision)},
    }
    if last and script and last.script and last.user == user and at - last.began_at < acting.ONE_STEP:
        Revision.objects.filter(pk=last.pk).update(**values)
        return
    Revision.objects.create(petition=instance, user=user, began_at=at, script=script, **values)
    _forget_oldest(instance)


def may_save(petition: Petition, shown: int, files: Mapping[str, str], form: str = "") -> bool:
    """Return whether no file that these files change was changed by somebody else since the revision `shown`.

    `form` names the open page: what it saved last itself is no change of somebody else, even if it got no answer.
    """
    if petition.revision == shown:
        return True
    last = petition.revisions.order_by("-number").first()
    if last is None:
        return False
    changed = files_changed(last.files, json.dumps(dict(files)))
    own = last.number if form and last.form == form else None
    return all(last.touched.get(name, 0) <= shown or last.touched[name] == own for name in changed)


def _forget_oldest(petition: Petition) -> None:
    sizes = petition.revisions.order_by("-number").annotate(size=Length("files")).values_list("pk", "size")
    total, old = 0, []
    for place, (pk, size) in enumerate(sizes):
        total += size
        if place and (place >= MOST or total > MOST_CHARACTERS):
            old.append(pk)
    if old:
        Revision.objects.filter(pk__in=old).delete()


def restore(user: User, petition: Petition, revision: Revision, seen: int) -> bool:
    """Save the files of an old revision as the newest one. Return False if the petition is not as the person saw it.

    The organiser's keys stay as they are now: choosing them needs another right. So does the slug: since the petition
    gave up an older one, another petition may have it.
    """
    with transaction.atomic():
        now = Petition.objects.select_for_update().get(pk=petition.pk)
        if now.revision != seen:
            return False
        keys = drafts.definition(now.slug).organiser_keys
        files = files_of(revision)
        old = folder.parse(files)
        if old.organiser_keys != keys:
            files = folder.set_organiser_keys(files, keys)
        if old.slug != now.slug:
            files = with_terms(files, {("slug",): now.slug})
        drafts.import_files(files)
        audit.record(user, "draft-restored", petition=petition, details=str(revision.number))
    return True


@dataclass(frozen=True)
class Change:
    """What changed in one language, or in the settings (`language` is ""): of each a name, "" in a text, and words."""

    language: str
    parts: tuple[tuple[str, Paragraph], ...]


def files_changed(before: str, after: str) -> list[str]:
    """Return the names of the files that differ between two revisions, petition.toml first."""
    old, new = (json.loads(text) if text else {} for text in (before, after))
    names = sorted({*old, *new}, key=lambda name: (name != FILE, name))
    return [name for name in names if old.get(name) != new.get(name)]


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> list[Change]:
    """Return what differs between the files of two revisions, for people to read. Raises FolderError."""
    old, new = folder.parse(before), folder.parse(after)
    found = []
    for language in dict.fromkeys([*new.languages, *old.languages]):
        if texts := changed_text(old, new, language):
            found.append(Change(language, tuple(("", words) for words in texts)))
    settings = tuple(_settings(_values_of(before, old), _values_of(after, new)))
    return [*found, Change("", settings)] if settings else found


def _settings(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[tuple[str, Paragraph]]:
    for name in dict.fromkeys([*old, *new]):
        if old.get(name, "") != new.get(name, ""):
            yield name, changed_words(old.get(name, ""), new.get(name, ""))


def _values_of(files: Mapping[str, str], definition: Definition) -> dict[str, str]:
    """Return each setting by its name. A text that is written once for all languages is there for each."""
    found = dict(_values(tomllib.loads(files[FILE].removeprefix("\ufeff"))))
    if shown := definition.picture:
        digest = hashlib.sha256(shown.data).hexdigest()[:8]
        found[PICTURE] = f"{shown.width} × {shown.height}, {digest}"
    several = {"organiser": definition.organiser, "purpose": definition.purpose}
    several |= {
        "controller.name": definition.controller.name,
        "controller.address": definition.controller.address,
    }
    for number, one in enumerate(definition.recipients, 1):
        several[f"recipients.{one.key}.name"] = one.name
        found = {
            name: text for name, text in found.items() if not name.startswith(f"recipients.{number}.name")
        }
    for name, texts in several.items():
        found.pop(name, None)
        found |= {f"{name}.{language}": text for language, text in texts.items()}
    return found


def _values(value: object, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield each value of petition.toml as text, with its name, such as "controller.name.en"."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _values(inner, f"{name}.{key}" if name else key)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for number, inner in enumerate(value, 1):
            yield from _values(inner, f"{name}.{inner.get('key', number)}")
    elif isinstance(value, list):
        yield name, ", ".join(map(str, value))
    else:
        yield name, str(value).strip()


def files_of(revision: Revision) -> dict[str, str]:
    """Return the files of a revision."""
    files: dict[str, str] = json.loads(revision.files)
    return files


def readable(before: Mapping[str, str], after: Mapping[str, str]) -> list[Change] | None:
    """Return the changes; None if this version of Sabal cannot read one of the two."""
    try:
        return changes(before, after)
    except FolderError:
        return None
