"""Ask for something to be sent: by a person, on a date, or when a number is reached. Each occasion comes once."""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.db import transaction

from sabal import token as tokens
from sabal.accounts.models import User
from sabal.delivery import address
from sabal.delivery.contact import Contact
from sabal.delivery.contacts import addressees, stored
from sabal.delivery.sendings import Dispatch, Occasion, SendingRules
from sabal.mail.address import EmailAddress
from sabal.petitions.models import Petition
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.refusal import Refusal

State = Dispatch.State
AUTOMATIC = (Occasion.Kind.COUNT, Occasion.Kind.FINAL)


@dataclass(frozen=True)
class Wanted:
    """What a person wants sent. `due` is Unix time (seconds), `zone` that of the clock that was meant."""

    recipients: tuple[str, ...]
    reply_to: str
    due: int
    words: Mapping[str, str] = field(default_factory=dict)
    zone: str = "UTC"
    key: str = ""  # of the form, so that a button that is pressed twice asks once
    test: bool = False  # to the person who asks, with one letter to each recipient


def ask(petition: Petition, wanted: Wanted, user: User, now: int) -> Occasion:
    """Ask for emails to these recipients. Asked again with the same key, return the same occasion."""
    kind = Occasion.Kind.TEST if wanted.test else Occasion.Kind.HAND
    key = f"{kind}-{wanted.key or secrets.token_hex(8)}"[:60]
    with transaction.atomic():
        found, _ = Occasion.objects.get_or_create(
            petition=petition,
            key=key,
            defaults={
                "kind": kind,
                "recipients": list(wanted.recipients),
                "words": dict(wanted.words),
                "reply_to": wanted.reply_to,
                "user": user,
                "asked": now,
                "due": max(wanted.due, now),
                "zone": wanted.zone,
            },
        )
    return found


def cancel(occasion: Occasion, now: int) -> bool:
    """Cancel what has not been sent yet. Return whether something was left to cancel.

    An email that the mail server is being told of at this moment still goes.
    """
    with transaction.atomic():
        waiting = occasion.dispatches.filter(state__in=(State.WAITING, State.QUEUED))
        stopped = waiting.update(state=State.CANCELLED, ended=now)
        mine = Occasion.objects.filter(pk=occasion.pk, cancelled=0)
        if occasion.opened and not stopped:
            return False
        return bool(mine.update(cancelled=now))


def passed(rules: SendingRules, before: int, now: int) -> int:
    """Return the highest threshold above `before` and not above `now`; 0 if there is none."""
    found = [rules.first] if rules.first and before < rules.first <= now else []
    if rules.every and now // rules.every > before // rules.every:
        found.append(now // rules.every * rules.every)
    return max(found, default=0)


def notice(petition: Petition, counted: int, now: int) -> Occasion | None:
    """Make the occasion of a number that was reached or of the end, if the rules have one. Several become one."""
    with transaction.atomic():
        rules = SendingRules.objects.select_for_update().filter(petition=petition).first()
        if rules is None or rules.held:
            return None
        number = passed(rules, rules.reached, counted)
        ended = petition.state == Petition.State.FINALISED  # until then, late confirmations still count
        if counted > rules.reached:
            rules.reached = counted
            rules.save(update_fields=["reached"])
        if ended:
            key, kind = ("final", Occasion.Kind.FINAL) if rules.final else ("", Occasion.Kind.FINAL)
        else:
            key, kind = (f"count-{number}" if number else ""), Occasion.Kind.COUNT
        if not key or Occasion.objects.filter(petition=petition, key=key).exists():
            return None
        return Occasion.objects.create(
            petition=petition,
            key=key,
            kind=kind,
            number=0 if ended else number,
            words=rules.words,
            reply_to=rules.reply_to,
            user=rules.user,
            asked=now,
            due=now,
        )


def open_occasion(occasion: Occasion, petition: PetitionSnapshot, now: int) -> list[Dispatch]:
    """Make the emails of an occasion, once: one for each recipient, or for each member of a group on that day.

    One that the server asked for by itself takes the place of an earlier one that has not been sent yet.
    """
    today = datetime.fromtimestamp(now, UTC).date()
    with transaction.atomic():
        if not Occasion.objects.filter(pk=occasion.pk, opened=0, cancelled=0).update(opened=now):
            return []
        chosen = [
            one
            for one in addressees(occasion.petition, petition.definition)
            if one.listed and (not occasion.recipients or one.contact.key in occasion.recipients)
        ]
        if occasion.kind == Occasion.Kind.TEST:
            # A group whose members have all left has nobody to write to.
            reached = [one.reached_on(today) for one in chosen]
            return _tests(occasion, [contacts[0] for contacts in reached if contacts])
        made = _dispatches(occasion, (contact for one in chosen for contact in one.reached_on(today)), now)
        if occasion.kind in AUTOMATIC:
            _replace_earlier(occasion, [dispatch.contact for dispatch in made], now)
    return made


def _dispatches(occasion: Occasion, contacts: Iterable[Contact], now: int) -> list[Dispatch]:
    made: list[Dispatch] = []
    taken: set[str] = set()
    for contact in contacts:
        if not contact.takes_email:
            continue
        row = stored(contact)
        made.append(
            Dispatch(
                occasion=occasion,
                contact=row,
                token=tokens.encode(tokens.new()),
                name=row.name_in(row.language)[:300],
                email=row.email,
                reply_to=occasion.reply_to,
                state=_first_state(row, taken),
            )
        )
        if made[-1].state != State.WAITING:
            made[-1].ended = now
    Dispatch.objects.bulk_create(made)
    return made


def _tests(occasion: Occasion, contacts: Iterable[Contact]) -> list[Dispatch]:
    """Make emails with the same content, to the person who asks."""
    assert occasion.user is not None
    return Dispatch.objects.bulk_create(
        Dispatch(
            occasion=occasion,
            contact=row,
            token=tokens.encode(tokens.new()),
            name=row.name_in(row.language)[:300],
            email=occasion.user.email,
            reply_to=occasion.reply_to,
        )
        for row in map(stored, contacts)
    )


def _first_state(contact: Contact, taken: set[str]) -> str:
    try:
        found = EmailAddress.parse(contact.email)
        address.refuse(found)
    except (ValueError, Refusal):
        return State.FAILED
    if found.normalised in taken:
        return State.SAME
    taken.add(found.normalised)
    return State.WAITING


def _replace_earlier(occasion: Occasion, contacts: list[Contact], now: int) -> None:
    earlier = Dispatch.objects.filter(
        occasion__petition=occasion.petition,
        contact__in=contacts,
        state__in=(State.WAITING, State.QUEUED),
    ).exclude(occasion=occasion)
    earlier.filter(occasion__kind__in=AUTOMATIC).update(state=State.REPLACED, ended=now)
