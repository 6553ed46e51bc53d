"""The recipients of a petition with their contacts: those that the public text names, and those that it named."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db import transaction

from sabal.delivery.contact import Contact
from sabal.petitions.definition import Definition, Recipient
from sabal.petitions.models import Petition


@dataclass(frozen=True)
class Addressee:
    """One recipient: its contact, whether the text still names it, and its members if it is a group.

    A contact that nobody has stored yet has no `pk`, and what the petition's own files say of it.
    """

    contact: Contact
    listed: bool
    group: bool
    members: tuple[Contact, ...] = ()

    def members_on(self, day: date) -> tuple[Contact, ...]:
        """Return those who belong to the group on a day."""
        return tuple(member for member in self.members if member.belongs_on(day))

    def reached_on(self, day: date) -> tuple[Contact, ...]:
        """Return whom to write to on a day: its members if it has some, else the recipient itself."""
        return self.members_on(day) if self.members else (self.contact,)


def addressees(petition: Petition, definition: Definition) -> list[Addressee]:
    """Return the recipients in the order of the text, then those that it does not name any more."""
    rows = list(Contact.objects.filter(petition=petition).order_by("pk"))
    rows_by_key = {row.key: row for row in rows if not row.group}
    members: dict[str, list[Contact]] = {}
    for row in rows:
        members.setdefault(row.group, []).append(row)
    found = [
        Addressee(
            _with_names(rows_by_key.pop(one.key) if one.key in rows_by_key else _new(petition, one), one),
            listed=True,
            group=one.group or bool(members.get(one.key)),
            members=tuple(members.get(one.key, ())),
        )
        for one in definition.recipients
    ]
    gone = [
        Addressee(row, False, bool(members.get(row.key)), tuple(members.get(row.key, ())))
        for row in rows_by_key.values()
    ]
    return found + gone


def addressee(petition: Petition, definition: Definition, key: str) -> Addressee | None:
    """Return the recipient with a key; None if the text never named it."""
    return next((one for one in addressees(petition, definition) if one.contact.key == key), None)


def with_current_names(contact: Contact, definition: Definition) -> Contact:
    """Give a contact the names that the text has for it now. A member has its own."""
    for one in definition.recipients:
        if not contact.group and one.key == contact.key:
            contact.names = dict(one.name)
    return contact


def stored(contact: Contact) -> Contact:
    """Return the contact as a row, which is made if nobody has stored it yet."""
    if contact.pk:
        return contact
    with transaction.atomic():
        Petition.objects.select_for_update().get(pk=contact.petition_id)  # two pages at once make one row
        same = Contact.objects.filter(petition=contact.petition, group=contact.group, key=contact.key).first()
        if same is None:
            contact.save()
        return same or contact


def replace_members(group: Contact, members: Sequence[Contact], today: date) -> None:
    """Make these the members of a group. One that is left out leaves today; its row stays."""
    with transaction.atomic():
        here = {
            row.key: row
            for row in Contact.objects.select_for_update().filter(petition=group.petition, group=group.key)
        }
        for member in members:
            if old := here.pop(member.key, None):
                member.pk, member.note = old.pk, member.note or old.note
            member.petition, member.group = group.petition, group.key
            member.save()
        for row in here.values():
            if row.belongs_on(today) or (row.since and row.since > today):
                row.until = before(today)
                row.save(update_fields=["until"])


def before(day: date) -> date:
    """Return the day before."""
    return date.fromordinal(day.toordinal() - 1)


def _new(petition: Petition, one: Recipient) -> Contact:
    return Contact(
        petition=petition,
        key=one.key,
        kind=Contact.Kind.GROUP if one.group else Contact.Kind.OTHER,
        language=one.language or "",
        email=one.address or "",
    )


def _with_names(contact: Contact, one: Recipient) -> Contact:
    """Give it the names of the text, which are kept when the text does not name it any more."""
    contact.names = dict(one.name)
    return contact
