"""What a file of members would change: each row checked by the same form as a page, and compared with what is there."""

from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from sabal.delivery.contact import Contact
from sabal.delivery.contacts import Addressee
from sabal.delivery.hours import DAYS
from sabal.delivery.members import PLAIN, MemberFile, Row, as_row
from sabal.desk.contactforms import MemberForm, new_key

ALWAYS = {"since", "until"}  # a file says who belongs to the group when, also by leaving a day out


@dataclass(frozen=True)
class Line:
    """One row of the file: its number from 1, the member it makes, and its problems, each a sentence.

    `state` is "new", "changed", "same" or "wrong".
    """

    number: int
    name: str
    state: str
    contact: Contact | None = None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class MemberPlan:
    """What a file changes. Nothing is changed while one of its rows is wrong."""

    lines: tuple[Line, ...]
    leaving: tuple[Contact, ...]
    source: str
    as_of: date | None
    complete_until: date | None
    unknown: tuple[str, ...]

    @property
    def wrong(self) -> tuple[Line, ...]:
        """Return the rows that cannot be used."""
        return tuple(line for line in self.lines if line.state == "wrong")

    @property
    def members(self) -> list[Contact]:
        """Return the members as the file makes them."""
        return [line.contact for line in self.lines if line.contact]


def plan_members(file: MemberFile, group: Addressee, authoritative: str, today: date) -> MemberPlan:
    """Compare a file with the members of a group. What the file has no column for stays as it is."""
    columns = sorted(ALWAYS | {column for row in file.rows for column in row})
    here, taken = {member.key: member for member in group.members}, set[str]()
    lines = tuple(
        _line(number, {column: row.get(column, "") for column in columns}, here, taken, authoritative)
        for number, row in enumerate(file.rows, 1)
    )
    leaving = tuple(one for key, one in here.items() if key not in taken and one.belongs_on(today))
    return MemberPlan(
        lines, leaving, file.source[:300], _day(file.as_of), _day(file.complete_until), file.unknown
    )


def _line(number: int, row: Row, here: dict[str, Contact], taken: set[str], authoritative: str) -> Line:
    names = {key.partition(":")[2]: value for key, value in row.items() if key.startswith("name:") and value}
    if row.get("name"):
        names.setdefault(authoritative, row["name"])
    key = row.get("key", "").strip() or new_key(names, taken)
    old = here.get(key)
    data: dict[str, object] = dict(as_row(old)) if old else {}
    data |= {column: row[column] for column in PLAIN if column in row}
    data["days"] = str(data.get("days") or " ".join(DAYS[:5])).replace(",", " ").lower().split()
    data |= {f"name:{language}": name for language, name in names.items()}
    form = MemberForm(data, languages=tuple(names) or (authoritative,), key=key)
    shown = Contact(key=key, names=names).name_in(get_language() or "", authoritative)[:80]
    if not form.is_valid() or key in taken:
        return Line(number, shown, "wrong", problems=tuple(_problems(form, key, taken)))
    taken.add(key)
    contact = form.fill(Contact(key=key))
    if old is None:
        return Line(number, shown, "new", contact)
    return Line(number, shown, "same" if _same(old, contact) else "changed", contact)


def _problems(form: MemberForm, key: str, taken: Collection[str]) -> Iterator[str]:
    if key in taken:
        yield _("Another row has the same key: %(key)s.") % {"key": key}
    for name, errors in form.errors.items():
        label = form.fields[name].label if name in form.fields else ""
        yield from (f"{label}: {error}" if label else str(error) for error in errors)


def _same(old: Contact, new: Contact) -> bool:
    return (as_row(old), old.names) == (as_row(new), new.names)


def _day(text: str) -> date | None:
    with suppress(ValueError):
        return date.fromisoformat(text)
    return None
