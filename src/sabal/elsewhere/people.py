"""Lists of people who signed elsewhere: which columns of a table are which, and what each row says.

A row is read, counted and forgotten. Only an address that may be invited is returned.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sabal.elsewhere.tables import Row, Table
from sabal.mail.address import EmailAddress

# Columns that tell the platforms apart. The first whose columns are all there is meant.
PLATFORMS: tuple[tuple[str, frozenset[str]], ...] = (
    ("Pytition", frozenset({"first_name", "last_name", "email", "subscribed_to_mailinglist", "confirmed"})),
    ("Action Network", frozenset({"email", "can2_subscription_status"})),
    ("Action Network", frozenset({"email", "can2_user_tags"})),
    ("Action Network", frozenset({"email", "can2_state_abbreviated"})),
    ("Action Network", frozenset({"email", "zip_code", "action_date"})),
    ("Proca", frozenset({"actionid", "contactref"})),
    ("Proca", frozenset({"email", "campaign_name", "target_name"})),
    ("Proca", frozenset({"email", "optin", "emailstatus"})),
    ("Change.org", frozenset({"signed on", "postal code", "country"})),
    ("Change.org", frozenset({"signed_on", "postal_code", "country"})),
    ("Change.org", frozenset({"city", "state", "postal code", "country"})),
)
EMAIL = (
    "email",
    "email address",
    "e-mail",
    "e-mail address",
    "email_address",
    "emailaddress",
    "mail",
    "이메일",
    "邮箱",
)
LANGUAGE = ("language", "preferred_language", "locale", "lang", "can2_language")
_NOT_CONFIRMED = frozenset({"false", "0", "no", ""})
# What a person said there, by column: the values that mean no.
REFUSALS: dict[str, frozenset[str]] = {
    "subscribed_to_mailinglist": frozenset({"false", "0", "no", ""}),
    "confirmed": _NOT_CONFIRMED,
    "can2_subscription_status": frozenset(
        {"unsubscribed", "bouncing", "previous bounce", "spam complaint", "spam"}
    ),
    "subscription status": frozenset(
        {"unsubscribed", "bouncing", "previous bounce", "spam complaint", "spam"}
    ),
    "optin": frozenset({"false", "0", "no"}),
    "withconsent": frozenset({"false", "0", "no"}),
    "emailstatus": frozenset({"bounce", "blocked", "spam", "unsub", "inactive"}),
    "status": frozenset({"unsubscribed", "bouncing", "spam complaints", "spam"}),
}
# Names of columns that say whether a person agreed to emails, in lists of any origin; without blanks, hyphens and
# underscores.
CONSENTS = frozenset(
    "optin emailoptin optedin emailoptedin subscribed subscribe emailsubscribed newsletter newsletteroptin mailinglist"
    " consent emailconsent marketingconsent emailpermission canemail mayemail maycontact contactme"
    " 수신동의 이메일수신동의 메일수신동의 소식수신동의 뉴스레터수신동의 订阅 同意接收邮件".split()
)
# What means no there. An empty cell is no consent.
_NO = frozenset({"", "false", "0", "no", "n", "f", "opt out", "optout", "unsubscribed", "off", "-"}) | {
    *("아니오", "아니요", "거부", "미동의", "x", "否", "不同意", "nein", "non")
}
SHOWN = 20  # rows that are named on the page
MOST_SHOWN = 60  # characters of the name of a column
# Why a row gives no address.
BROKEN, NO_ADDRESS, BAD_ADDRESS, TWICE, SAID_NO, UNCONFIRMED = (
    "broken",
    "none",
    "bad",
    "twice",
    "no",
    "unconfirmed",
)


@dataclass(frozen=True, slots=True)
class Invitee:
    """An address and its language, "" if it is not known."""

    address: EmailAddress
    language: str


@dataclass
class Numbers:
    """What was in a list.

    `faults` are the rows that give no address, by reason; `shown` names the first of them: (line, why). `columns` has
    the names of the columns that were understood: under "email" and "language" one or none, under "said" those that
    tell who wants no emails.
    """

    platform: str = ""
    has_addresses: bool = False
    rows: int = 0
    addresses: int = 0
    faults: dict[str, int] = field(default_factory=dict)
    shown: list[tuple[int, str]] = field(default_factory=list)
    columns: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def signatures(self) -> int:
        """Return the number of people: each address once, or each whole row if there are no addresses.

        Who wants no emails has signed all the same.
        """
        if not self.has_addresses:
            return self.rows - self.faults.get(BROKEN, 0)
        return self.addresses + self.faults.get(SAID_NO, 0)

    def note(self, line: int, why: str) -> None:
        """Count a row that gives no address."""
        self.faults[why] = self.faults.get(why, 0) + 1
        if len(self.shown) < SHOWN and why not in (TWICE, SAID_NO):
            self.shown.append((line, why))


def platform_of(header: Sequence[str]) -> str:
    """Return the platform whose columns these are; "" for any other table."""
    names = {name.strip().lower() for name in header}
    return next((platform for platform, columns in PLATFORMS if names >= columns), "")


def invitees(table: Table, numbers: Numbers) -> Iterator[Invitee]:
    """Yield each address of a table once, and count all of its rows into `numbers`."""
    names = [name.strip().lower() for name in table.header]
    numbers.platform = platform_of(names)
    email = next((names.index(one) for one in EMAIL if one in names), None)
    language = next((names.index(one) for one in LANGUAGE if one in names), None)
    said = {at: no for at, name in enumerate(names) if (no := _refusals_of(name))}
    numbers.has_addresses = email is not None
    understood: dict[str, list[int | None]] = {"email": [email], "language": [language], "said": [*said]}
    numbers.columns = {
        role: [table.header[at].strip()[:MOST_SHOWN] for at in places if at is not None]
        for role, places in understood.items()
    }
    seen = _Seen()
    for row in table.rows:
        numbers.rows += 1
        found = _of_row(row, email, said)
        if isinstance(found, str):
            numbers.note(row.line, found)
        elif found is not None:
            if not seen.add(found):
                numbers.note(row.line, TWICE)
                continue
            numbers.addresses += 1
            yield Invitee(found, _language(row.cells[language]) if language is not None else "")


def _refusals_of(column: str) -> frozenset[str]:
    """Return the values of a column that mean no; none for a column that says nothing of it."""
    return REFUSALS.get(column) or (_NO if re.sub(r"[\s_.?-]+", "", column) in CONSENTS else frozenset())


def _of_row(row: Row, email: int | None, said: Mapping[int, frozenset[str]]) -> EmailAddress | str | None:
    if row.broken:
        return BROKEN
    if email is None:
        return None
    if not row.cells[email].strip():
        return NO_ADDRESS
    address = address_in(row.cells[email])
    if address is None:
        return BAD_ADDRESS
    refusals = [no for at, no in said.items() if row.cells[at].strip().lower() in no]
    if any(no is _NOT_CONFIRMED for no in refusals):
        return UNCONFIRMED
    return SAID_NO if refusals else address


def address_in(cell: str) -> EmailAddress | None:
    """Return the address in a cell; None if it is none, or could be a formula."""
    if cell.startswith(("=", "+", "-", "@")) or "\ufffd" in cell:
        return None
    try:
        return EmailAddress.parse(cell)
    except ValueError:
        return None


def people_in(document: Any) -> list[Mapping[str, Any]]:
    """Return the people of OSDI's JSON: those of its signatures, or themselves."""
    embedded = document.get("_embedded") if isinstance(document, dict) else None
    if not isinstance(embedded, dict):
        return []
    people = embedded.get("osdi:people") or [
        inner.get("person") or (inner.get("_embedded") or {}).get("osdi:person")
        for inner in embedded.get("osdi:signatures") or []
        if isinstance(inner, dict)
    ]
    return [one for one in people if isinstance(one, dict)] if isinstance(people, list) else []


def table_of(people: Sequence[Mapping[str, Any]]) -> Table:
    """Return people of OSDI as a table, so that they are read like any other."""

    def row(number: int, person: Mapping[str, Any]) -> Row:
        emails = person.get("email_addresses")
        given = [one for one in emails if isinstance(one, dict)] if isinstance(emails, list) else []
        first = next((one for one in given if one.get("primary")), given[0] if given else {})
        spoken = person.get("preferred_language") or next(iter(person.get("languages_spoken") or ()), "")
        return Row(
            number, tuple(str(one or "") for one in (first.get("address"), first.get("status"), spoken))
        )

    return Table(("email", "status", "language"), (row(n, one) for n, one in enumerate(people, 1)))


def _language(cell: str) -> str:
    return cell.strip().lower().replace("_", "-")[:20]


class _Seen:
    """The addresses of a list, as 8 bytes of a hash each: a million take 100 MB at most, for as long as it is read."""

    def __init__(self) -> None:
        self._hashes: set[int] = set()

    def add(self, address: EmailAddress) -> bool:
        """Return whether it is new."""
        digest = hashlib.blake2b(address.normalised.encode(), digest_size=8).digest()
        number = int.from_bytes(digest, "big")
        if number in self._hashes:
            return False
        self._hashes.add(number)
        return True
