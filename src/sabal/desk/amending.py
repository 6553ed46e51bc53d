"""Changing the text of a published petition: its draft is an amendment. What it is, and who must agree."""

import json
from dataclasses import dataclass
from datetime import timedelta

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from sabal.accounts import roles
from sabal.accounts.acts import Act
from sabal.accounts.models import User
from sabal.desk.models import Job
from sabal.petitions import folder, manifest
from sabal.petitions.amendment import AmendmentKind, kinds
from sabal.petitions.consent import consent_text
from sabal.petitions.definition import Definition
from sabal.petitions.history import PublishedVersion
from sabal.petitions.models import Petition, Version
from sabal.petitions.tomltable import FILE
from sabal.publishing import drafts
from sabal.refusal import Refusal

WAIT = timedelta(hours=72)
"""A new key waits so long unless a second owner agrees. Who became an owner later cannot agree: else one person could
invite themselves, or make an owner of another account."""


@dataclass(frozen=True)
class PendingAmendment:
    """An amendment that is not published yet, beside the version that is."""

    before: PublishedVersion
    after: PublishedVersion
    kinds: tuple[AmendmentKind, ...]  # none: it changes a key and something else at once

    @property
    def definition(self) -> Definition:
        """Return the amended petition."""
        return self.after.definition

    @property
    def only_keys(self) -> bool:
        """Return whether it changes the keys that signatures are locked to, and nothing else."""
        return self.kinds == (AmendmentKind.KEYS,)


def page_after_saving(petition: Petition) -> str:
    """Return the address of the page that says what comes after a draft was saved."""
    page = "petition" if petition.state == Petition.State.DRAFT else "amendment"
    return reverse(page, args=[petition.slug])


def change_of(petition: Petition) -> PendingAmendment | None:
    """Return the amendment of a petition; None if it has none. Raises FolderError if its files cannot be read."""
    if not drafts.has_amendment(petition):
        return None
    assert petition.version is not None
    newest = drafts.newest(petition)
    before, after = _published(petition.version), _unpublished(newest)
    old, new = (json.loads(version.files) for version in (petition.version, newest))
    same_texts = {**old, FILE: ""} == {**new, FILE: ""}
    found = kinds(before.definition, after.definition, same_texts=same_texts)
    if found == (AmendmentKind.KEYS,) and folder.set_organiser_keys(new, before.organiser_keys) != old:
        found = ()  # the terms differ in something else too
    return PendingAmendment(before, after, found)


def _published(version: Version) -> PublishedVersion:
    signed = bytes(version.manifest)
    assert version.published_on is not None
    return PublishedVersion(
        number=version.number,
        published_on=version.published_on,
        manifest_hash="",
        definition=folder.parse(json.loads(version.files)),
        consent=manifest.consent_of(signed),
        organiser_keys=manifest.organiser_keys_of(signed),
    )


def _unpublished(version: Version) -> PublishedVersion:
    definition = folder.parse(json.loads(version.files))
    return PublishedVersion(
        number=version.number,
        published_on=timezone.now().date(),
        manifest_hash="",
        definition=definition,
        consent={language: consent_text(definition, language) for language in definition.languages},
        organiser_keys=definition.organiser_keys,
    )


def refuse_kind(petition: Petition, kind: AmendmentKind) -> None:
    """Raise Refusal if the amendment of a petition is not of this kind."""
    change = change_of(petition)
    if change is None:
        raise Refusal(gettext("There is no change to publish."))
    if not change.kinds:
        raise Refusal(
            gettext(
                "This changes the key and something else at once. Publish the change of the key by itself."
            )
        )
    if kind not in change.kinds:
        raise Refusal(gettext("This change is of another kind. Look at it again, and say what it means."))


def changes_keys(job: Job) -> bool:
    """Return whether a job changes the keys of a published petition."""
    return job.kind == "amend" and job.details["amendment"]["kind"] == AmendmentKind.KEYS


def asked_for(user: User, petition: Petition) -> dict[str, object]:
    """Return what pages show of an amendment that waits or runs, and what the user may do about it."""
    job = Job.objects.filter(petition=petition, kind="amend", ended_at=None, cancelled=False).first()
    acts = roles.in_petition(user, petition)
    return {
        "job": job,
        "asks_for_key": bool(job and changes_keys(job)),
        "may_agree": bool(job and Act.ORGANISE in acts and job.user.pk != user.pk),
    }


def refuse_agreement(user: User, job: Job) -> None:
    """Raise Refusal if a user cannot be the second owner who agrees to a change of keys."""
    if not changes_keys(job):
        raise Refusal(gettext("This request needs no second person."))
    if user.pk == job.user.pk:
        raise Refusal(gettext("You asked for this yourself. Another owner must agree."))
    if Act.ORGANISE not in roles.in_petition(user, job.petition):
        raise Refusal(gettext("Only an owner can agree to a new key."))
    if not roles.owned_before(user, job.petition, job.asked_at - WAIT):
        raise Refusal(
            gettext(
                "You became an owner less than 72 hours before this was asked for, so you cannot agree. The new key is"
                " used after 72 hours, unless somebody stops it."
            )
        )


def refuse_unagreed(job: Job) -> None:
    """Raise Refusal if a change of keys has neither waited long enough nor a second owner's word."""
    if not changes_keys(job) or timezone.now() >= job.asked_at + WAIT:
        return
    if job.agreed_by is None:
        raise Refusal(gettext("A new key needs a second owner, or 72 hours."))
    refuse_agreement(job.agreed_by, job)
