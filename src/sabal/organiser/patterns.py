"""Patterns among opened records that real crowds seldom make. Each may be chance, so none of them proves anything.

A school signs on one day from one domain, common names meet in one country, a password manager fills in hidden fields.
So one sign alone is only told; where signs of two kinds meet, it is proposed.
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sabal.mail.address import EmailAddress
from sabal.mail.providers import is_large
from sabal.records.export import Opened

SAME_NAME = 5
"""Signatures of one name and place on one day: families share a name, seldom five of them the whole of it."""
SAME_NAME_SHARE = 100
"""… and at least one in so many of that day and place: among ten thousand, five of a common name are none too many."""
IN_A_ROW = 5
"""Numbers that follow each other at the end of a name: three happen by birth years and student numbers."""
OF_A_DOMAIN = 20
"""Mailboxes of a domain that is no large provider's: more than most families and offices have."""
BURST = 20
"""Signatures of one domain on one day: fewer would be told of every newsletter that a club sends out."""
BURST_TIMES = 5
"""… and so many times its share on all the other days, so that a day on which everybody signs is no burst."""

_NUMBERED = re.compile(r"(.*\D)(\d{1,9})", re.DOTALL | re.ASCII)


@dataclass(frozen=True)
class Signature:
    """What patterns look at. `mailbox` and `domain` are normalised; empty where the address is none."""

    index: int
    name: str
    place: str
    day: str
    mailbox: str
    domain: str
    risk: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Pattern:
    """`kind` tells which signs say the same thing twice, `why` says it without personal data."""

    key: str
    kind: str
    title: str
    why: str


@dataclass(frozen=True)
class Group:
    """Signatures that look alike in one way, ascending. Of duplicates the first is the one that stays."""

    pattern: Pattern
    indexes: tuple[int, ...]


MAILBOX = Pattern(
    "mailbox",
    "mailbox",
    "several signatures of one email address",
    "another signature of the same email address",
)
ROBOT = Pattern(
    "robot", "robot", "a field that people do not see was filled in", "a hidden field was filled in"
)
NAME = Pattern(
    "name", "name", "one name and place many times on one day", "one name and place many times on one day"
)
ROW = Pattern("row", "row", "names or addresses numbered in a row", "names or addresses numbered in a row")
DOMAIN = Pattern(
    "domain", "crowd", "many addresses of one small domain", "many addresses of one small domain"
)
DAY = Pattern("day", "crowd", "many of one domain on one day", "many of one domain on one day")
PATTERNS = {one.key: one for one in (MAILBOX, ROBOT, NAME, ROW, DOMAIN, DAY)}


def signature(index: int, record: Opened) -> Signature:
    """What patterns look at of a record, spelled so that what is the same looks the same."""
    name = " ".join(unicodedata.normalize("NFKC", record.fields["name"]).casefold().split())
    try:
        email = EmailAddress.stored(record.fields["email"])
        mailbox, domain = email.normalised, email.domain
    except ValueError:
        mailbox = domain = ""
    return Signature(index, name, record.fields["place"], record.fields["day"], mailbox, domain, record.risk)


def find(signatures: Sequence[Signature]) -> list[Group]:
    """Every group that a pattern makes, pattern by pattern."""
    ordered = sorted(signatures, key=lambda one: one.index)
    return [
        *_mailboxes(ordered),
        *_robots(ordered),
        *_names(ordered),
        *_rows(ordered),
        *_domains(ordered),
        *_days(ordered),
    ]


def _mailboxes(signatures: Sequence[Signature]) -> Iterator[Group]:
    by_mailbox: dict[str, list[int]] = defaultdict(list)
    for one in signatures:
        if one.mailbox:
            by_mailbox[one.mailbox].append(one.index)
    yield from _groups(MAILBOX, by_mailbox.values(), 2)


def _robots(signatures: Sequence[Signature]) -> Iterator[Group]:
    found = [one.index for one in signatures if any(one.risk.values())]
    yield from _groups(ROBOT, [found], 1)


def _names(signatures: Sequence[Signature]) -> Iterator[Group]:
    that_day = Counter((one.place, one.day) for one in signatures)
    by_name: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for one in signatures:
        by_name[one.place, one.day, one.name].append(one.index)
    many = (
        indexes
        for (place, day, _), indexes in by_name.items()
        if len(indexes) * SAME_NAME_SHARE >= that_day[place, day]
    )
    yield from _groups(NAME, many, SAME_NAME)


def _rows(signatures: Sequence[Signature]) -> Iterator[Group]:
    """Both mailboxes and names, each by what stands before the number and after it."""
    by_stem: dict[tuple[str, str], dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for one in signatures:
        local = one.mailbox.rpartition("@")[0]
        for text, rest in ((local, f"@{one.domain}"), (one.name, one.place)):
            if numbered := _NUMBERED.fullmatch(text):
                by_stem[numbered[1], rest][int(numbered[2])].append(one.index)
    for numbers in by_stem.values():
        for row in _in_a_row(sorted(numbers)):
            if len(row) >= IN_A_ROW:
                yield Group(ROW, tuple(sorted({index for number in row for index in numbers[number]})))


def _in_a_row(numbers: Sequence[int]) -> Iterator[list[int]]:
    row: list[int] = []
    for number in numbers:
        if row and number != row[-1] + 1:
            yield row
            row = []
        row.append(number)
    yield row


def _domains(signatures: Sequence[Signature]) -> Iterator[Group]:
    by_domain: dict[str, dict[str, int]] = defaultdict(dict)
    for one in signatures:
        if one.domain and not is_large(one.domain):
            by_domain[one.domain].setdefault(one.mailbox, one.index)
    yield from _groups(DOMAIN, (list(mailboxes.values()) for mailboxes in by_domain.values()), OF_A_DOMAIN)


def _days(signatures: Sequence[Signature]) -> Iterator[Group]:
    of_day = Counter(one.day for one in signatures)
    of_domain = Counter(one.domain for one in signatures)
    by_both: dict[tuple[str, str], list[int]] = defaultdict(list)
    for one in signatures:
        if one.domain:
            by_both[one.domain, one.day].append(one.index)
    bursts = []
    for (domain, day), indexes in by_both.items():
        elsewhere, others = of_domain[domain] - len(indexes), len(signatures) - of_day[day]
        # One more than there were, so that a domain's first day is measured too; without other days nothing is.
        if others and len(indexes) * (others + 1) >= BURST_TIMES * (elsewhere + 1) * of_day[day]:
            bursts.append(indexes)
    yield from _groups(DAY, bursts, BURST)


def _groups(pattern: Pattern, found: Iterable[Sequence[int]], least: int) -> Iterator[Group]:
    return (Group(pattern, tuple(indexes)) for indexes in found if len(indexes) >= least)
