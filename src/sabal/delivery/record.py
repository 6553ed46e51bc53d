"""Record what was delivered, what came back, and what is said about each demand: rows that are only added.

Each verb is one transaction with its line in the audit log, and public pages follow within a second. All raise Refusal
for a recipient or a demand that the petition does not have.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

from django.db import IntegrityError, transaction
from django.utils.translation import gettext

from sabal.accounts import audit
from sabal.accounts.models import User
from sabal.delivery.proofs import Distilled
from sabal.delivery.rows import Continuation, Proof, Statement, Step
from sabal.petitions import folder
from sabal.petitions.definition import Definition, FolderError
from sabal.petitions.deliveries import DemandState, StepKind, Way
from sabal.petitions.links import is_allowed_link
from sabal.petitions.models import Petition, Version
from sabal.petitions.standing import SignedVersion, leaves
from sabal.refusal import Refusal


@dataclass(frozen=True)
class Happening:
    """What happened with a recipient (petitions.deliveries.PublicStep says what each value is)."""

    kind: StepKind
    on: date
    member: str = ""
    way: Way | None = None
    by: str = ""
    reference: str = ""
    due: date | None = None
    link: str = ""
    language: str = ""
    words: Mapping[str, str] = field(default_factory=dict)


def add(
    petition: Petition, recipient: str, what: Happening, *, user: User | None = None, occasion: str = ""
) -> Step:
    """Record what happened with a recipient. With an `occasion` that is recorded already, return that row.

    `recipient` is its key. `user` None means the server itself.
    """
    _refuse_recipient(petition, recipient)
    _refuse_mistake(what.kind is StepKind.MISTAKE)
    try:
        with transaction.atomic():
            step = Step(recipient=recipient, occasion=occasion, **_columns(petition, what, user))
            step.save()
            _done(petition, user, f"step-{what.kind}", recipient)
    except IntegrityError:
        if occasion and (there := find_occasion(petition, recipient, occasion)):
            return there
        raise
    return step


def find_occasion(petition: Petition, recipient: str, occasion: str) -> Step | None:
    """Return the row of what the server did on that occasion, if it is recorded."""
    return Step.objects.filter(petition=petition, recipient=recipient, occasion=occasion).first()


def correct(step: Step, what: Happening, *, user: User) -> Step:
    """Correct a row about a recipient: the new one says what happened, or with MISTAKE that it did not happen."""
    petition = step.petition
    with transaction.atomic(), _once():
        new = Step(recipient=step.recipient, corrects=step, **_columns(petition, what, user))
        new.save()
        _done(petition, user, "step-corrected", step.recipient)
    return new


def attach(step: Step, file: Distilled, *, public: bool, caption: Mapping[str, str], user: User) -> Proof:
    """Add a proof to a row. The same file again is the same proof."""
    with transaction.atomic():
        proof, made = Proof.objects.get_or_create(
            step=step,
            digest=file.digest,
            defaults={
                "petition": step.petition,
                "user": user,
                "media": file.media,
                "size": len(file.data),
                "width": file.width,
                "height": file.height,
                "caption": dict(caption),
                "is_public": public,
                "data": file.data,
            },
        )
        if made:
            _done(step.petition, user, "proof-added", f"{step.recipient} {proof}")
    return proof


def show_proof(proof: Proof, public: bool, *, user: User) -> None:
    """Let the public see a proof, or only the team."""
    with transaction.atomic():
        if Proof.objects.filter(pk=proof.pk, is_public=not public).update(is_public=public):
            _done(proof.petition, user, "proof-shown" if public else "proof-hidden", str(proof))


@dataclass(frozen=True)
class Said:
    """What is said about a demand, since which day, and from which source: a link, or a row about the recipient."""

    state: DemandState
    on: date
    link: str = ""
    step: Step | None = None
    notes: Mapping[str, str] = field(default_factory=dict)


def state(
    petition: Petition, recipient: str, anchors: Sequence[str], said: Said, *, user: User
) -> list[Statement]:
    """Say the same about these demands of the text that is signed now."""
    _refuse_recipient(petition, recipient)
    _refuse_mistake(said.state is DemandState.MISTAKE)
    definition = versions_of(petition)[-1].definition
    known = {demand.anchor for demand in leaves(definition.texts[definition.authoritative].demands)}
    if not anchors or not known.issuperset(anchors):
        raise Refusal(gettext("This demand is not in the text any more. Open the page again."))
    with transaction.atomic():
        rows = [
            Statement(
                recipient=recipient, anchor=anchor, version=_number(petition), **_source(petition, said, user)
            )
            for anchor in dict.fromkeys(anchors)
        ]
        for row in rows:
            row.save()
        _done(petition, user, "demand-stated", f"{recipient} {said.state} {' '.join(anchors)}")
    return rows


def correct_statement(statement: Statement, said: Said, *, user: User) -> Statement:
    """Correct what was said about a demand; with MISTAKE, say that it was recorded by mistake."""
    petition = statement.petition
    with transaction.atomic(), _once():
        new = Statement(
            recipient=statement.recipient,
            anchor=statement.anchor,
            version=statement.version,
            corrects=statement,
            **_source(petition, said, user),
        )
        new.save()
        _done(petition, user, "statement-corrected", f"{statement.recipient} {statement.anchor}")
    return new


def continue_demand(petition: Petition, version: int, anchor: str, to_anchor: str, *, user: User) -> None:
    """Say where a demand of an earlier version is in the text that is signed now; "": it is not there."""
    versions = versions_of(petition)
    newest = versions[-1]
    known = {one.anchor for one in leaves(newest.definition.texts[newest.definition.authoritative].demands)}
    if version not in {one.number for one in versions[:-1]} or to_anchor not in known | {""}:
        raise Refusal(gettext("This demand is not in the text any more. Open the page again."))
    with transaction.atomic():
        Continuation(
            petition=petition,
            user=user,
            version=version,
            anchor=anchor,
            to_version=newest.number,
            to_anchor=to_anchor,
        ).save()
        _done(petition, user, "demand-continued", f"v{version} {anchor} → v{newest.number} {to_anchor}")


def versions_of(petition: Petition) -> list[SignedVersion]:
    """Return the published versions, the oldest first, without those that this version of Sabal refuses."""
    stored = Version.objects.filter(petition=petition, published_on__isnull=False).order_by("number")
    found = ((one.number, _parsed(one.files)) for one in stored)
    return [SignedVersion(number, definition) for number, definition in found if definition]


@lru_cache(maxsize=64)
def _parsed(files: str) -> Definition | None:
    try:
        return folder.parse(json.loads(files))
    except FolderError:
        return None


def _columns(petition: Petition, what: Happening, user: User | None) -> dict[str, object]:
    _refuse_link(what.link)
    return {
        "petition": petition,
        "user": user,
        "version": _number(petition),
        "kind": what.kind.value,
        "happened_on": what.on,
        "member": what.member,
        "way": what.way.value if what.way else "",
        "by_whom": what.by,
        "reference": what.reference,
        "due_on": what.due,
        "link": what.link,
        "language": what.language,
        "words": dict(what.words),
    }


def _source(petition: Petition, said: Said, user: User) -> dict[str, object]:
    if said.step is not None and said.step.petition_id != petition.pk:
        raise Refusal(gettext("This row is of another petition."))
    _refuse_link(said.link)
    return {
        "petition": petition,
        "user": user,
        "state": said.state.value,
        "happened_on": said.on,
        "link": said.link,
        "step": said.step,
        "notes": dict(said.notes),
    }


def _number(petition: Petition) -> int:
    """Return the number of the version that is signed now. Raises Refusal for a draft."""
    if petition.state == Petition.State.DRAFT or petition.version is None:
        raise Refusal(gettext("Nothing can be recorded before the petition is published."))
    return petition.version.number


def _refuse_recipient(petition: Petition, recipient: str) -> None:
    _number(petition)
    if not any(
        one.key == recipient for version in versions_of(petition) for one in version.definition.recipients
    ):
        raise Refusal(gettext("The petition has no such recipient."))


def _refuse_link(link: str) -> None:
    if link and not (link.startswith("https://") and is_allowed_link(link)):
        raise Refusal(gettext("Give an address that begins with https://"))


def _refuse_mistake(mistake: bool) -> None:
    if mistake:
        raise ValueError("only a correction says that something was recorded by mistake")


def _done(petition: Petition, user: User | None, what: str, details: str) -> None:
    petition.progressed()
    audit.record(user, what, petition=petition, details=details)


@contextmanager
def _once() -> Iterator[None]:
    """Let a row be corrected once: a second correction corrects the first one."""
    try:
        yield
    except IntegrityError:
        raise Refusal(
            gettext("Somebody else has corrected this row meanwhile. Open the page again, and look at it.")
        ) from None
