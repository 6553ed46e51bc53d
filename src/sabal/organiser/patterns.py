"""Find patterns among opened records that are rare in a real crowd. Each can be chance, so none is a proof.

A school signs on one day from one domain, many people in a country share a common name, a password manager fills in
hidden fields. So one sign alone is only reported. If a signature has signs of two kinds, its revocation is proposed.
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
"""Signatures of one name and country on one day. Families share a name, but seldom do five share the full name."""
SAME_NAME_SHARE = 100
"""… and they are at least one in 100 of that day and country. Among ten thousand, five of a common name are normal."""
IN_A_ROW = 5
"""Consecutive numbers at the end of a name. Three happen by birth years and student numbers."""
OF_A_DOMAIN = 20
"""Email addresses of a domain that is not a large provider's: more than most families and offices have."""
BURST = 20
"""Signatures of one domain on one day. With a lower limit, every newsletter of a club would be reported."""
BURST_TIMES = 5
"""… and they are 5 times the domain's share on all other days, so that a day on which everybody signs is no burst."""

_NUMBERED = re.compile(r"(.*\D)(\d{1,9})", re.DOTALL | re.ASCII)


@dataclass(frozen=True)
class Traits:
    """The traits of a signature that are compared. `mailbox` is the normalised address.

    `mailbox` and `domain` are empty if the record has no valid email address.
    """

    index: int
    name: str
    country: str
    day: str
    mailbox: str
    domain: str
    risk: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Pattern:
    """A pattern. Two patterns of one `kind` count as one sign. `why` is a reason without personal data."""

    key: str
    kind: str
    title: str
    why: str


@dataclass(frozen=True)
class PatternGroup:
    """Signatures with one pattern, in ascending order. Of duplicates the first stays valid."""

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


def traits(index: int, record: Opened) -> Traits:
    """Return the traits of a record, normalised so that equal values have one spelling."""
    name = " ".join(unicodedata.normalize("NFKC", record.fields["name"]).casefold().split())
    try:
        email = EmailAddress.stored(record.fields["email"])
        mailbox, domain = email.normalised, email.domain
    except ValueError:
        mailbox = domain = ""
    return Traits(index, name, record.fields["place"], record.fields["day"], mailbox, domain, record.risk)


def find(signatures: Sequence[Traits]) -> list[PatternGroup]:
    """Return the groups of every pattern, in the order of the patterns."""
    ordered = sorted(signatures, key=lambda one: one.index)
    return [
        *_mailboxes(ordered),
        *_robots(ordered),
        *_names(ordered),
        *_rows(ordered),
        *_domains(ordered),
        *_days(ordered),
    ]


def _mailboxes(signatures: Sequence[Traits]) -> Iterator[PatternGroup]:
    by_mailbox: dict[str, list[int]] = defaultdict(list)
    for one in signatures:
        if one.mailbox:
            by_mailbox[one.mailbox].append(one.index)
    yield from _groups(MAILBOX, by_mailbox.values(), 2)


def _robots(signatures: Sequence[Traits]) -> Iterator[PatternGroup]:
    found = [one.index for one in signatures if any(one.risk.values())]
    yield from _groups(ROBOT, [found], 1)


def _names(signatures: Sequence[Traits]) -> Iterator[PatternGroup]:
    that_day = Counter((one.country, one.day) for one in signatures)
    by_name: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for one in signatures:
        by_name[one.country, one.day, one.name].append(one.index)
    many = (
        indexes
        for (country, day, _), indexes in by_name.items()
        if len(indexes) * SAME_NAME_SHARE >= that_day[country, day]
    )
    yield from _groups(NAME, many, SAME_NAME)


def _rows(signatures: Sequence[Traits]) -> Iterator[PatternGroup]:
    """Find consecutive numbers in email addresses and in names, if the text around the number is the same."""
    by_stem: dict[tuple[str, str], dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for one in signatures:
        local = one.mailbox.rpartition("@")[0]
        for text, rest in ((local, f"@{one.domain}"), (one.name, one.country)):
            if numbered := _NUMBERED.fullmatch(text):
                by_stem[numbered[1], rest][int(numbered[2])].append(one.index)
    for numbers in by_stem.values():
        for row in _in_a_row(sorted(numbers)):
            if len(row) >= IN_A_ROW:
                yield PatternGroup(ROW, tuple(sorted({index for number in row for index in numbers[number]})))


def _in_a_row(numbers: Sequence[int]) -> Iterator[list[int]]:
    row: list[int] = []
    for number in numbers:
        if row and number != row[-1] + 1:
            yield row
            row = []
        row.append(number)
    yield row


def _domains(signatures: Sequence[Traits]) -> Iterator[PatternGroup]:
    by_domain: dict[str, dict[str, int]] = defaultdict(dict)
    for one in signatures:
        if one.domain and not is_large(one.domain):
            by_domain[one.domain].setdefault(one.mailbox, one.index)
    yield from _groups(DOMAIN, (list(mailboxes.values()) for mailboxes in by_domain.values()), OF_A_DOMAIN)


def _days(signatures: Sequence[Traits]) -> Iterator[PatternGroup]:
    of_day = Counter(one.day for one in signatures)
    of_domain = Counter(one.domain for one in signatures)
    by_both: dict[tuple[str, str], list[int]] = defaultdict(list)
    for one in signatures:
        if one.domain:
            by_both[one.domain, one.day].append(one.index)
    bursts = []
    for (domain, day), indexes in by_both.items():
        elsewhere, others = of_domain[domain] - len(indexes), len(signatures) - of_day[day]
        # Add one to the counts of other days, so that a domain's first day is measured too. If all signatures are of
        # this day, there is nothing to compare with.
        if others and len(indexes) * (others + 1) >= BURST_TIMES * (elsewhere + 1) * of_day[day]:
            bursts.append(indexes)
    yield from _groups(DAY, bursts, BURST)


def _groups(pattern: Pattern, found: Iterable[Sequence[int]], least: int) -> Iterator[PatternGroup]:
    return (PatternGroup(pattern, tuple(indexes)) for indexes in found if len(indexes) >= least)
