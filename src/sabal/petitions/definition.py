"""What a petition is made of, as frozen values: what `folder.parse` returns and every other room reads."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from sabal.petitions.profile import GRACE_DAYS
from sabal.refusal import Refusal

# What the letter importer writes where a letter cannot say it; `folder.lacking` looks for these.
TO_COMPLETE = "TO BE COMPLETED BEFORE PUBLISHING"
NO_DATE = date(1970, 1, 1)

FILE_BYTES = 200_000
NESTING = 20
# The Markdown parser drops what lies deeper than this in silence, so ours must be refused well before (each
# list takes two of its levels).
PARSER_NESTING = 4 * NESTING

LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8}){0,3}")


@dataclass(frozen=True)
class Recipient:
    """One addressee. `key` is its anchor, `name` holds every language of the petition, `language` is the one
    it is written to in, `group` says that it stands for many (the members of a council)."""

    key: str
    name: Mapping[str, str]
    language: str | None = None
    address: str | None = None
    group: bool = False


@dataclass(frozen=True)
class Demand:
    """One demand with its parts. `anchor` is "demand-1" or "demand-1-2", `text` is inline Markdown."""

    anchor: str
    text: str
    parts: tuple["Demand", ...] = ()


@dataclass(frozen=True)
class Section:
    """A heading (plain text) and what stands beneath it (Markdown)."""

    heading: str
    body: str


@dataclass(frozen=True)
class Text:
    """The petition in one language. All but section bodies and demands is plain text."""

    language: str
    title: str
    summary: str
    sections: tuple[Section, ...]
    demands_heading: str
    demands: tuple[Demand, ...]
    subject: str = ""
    sign_invitation: str = ""
    newsletter_invitation: str = ""
    notice: str = ""


@dataclass(frozen=True)
class Controller:
    """Who answers for the signers' data: legal name, postal address (may have several lines), privacy contact
    (a mail address or an https address)."""

    name: str
    address: str
    privacy_contact: str


@dataclass(frozen=True)
class Fields:
    """Which fields the form has beside name and mail address."""

    country: bool = True
    comment: bool = False
    display: bool = False


@dataclass(frozen=True)
class Definition:
    """A whole petition. `organiser` and `purpose` hold every language; `profile` is "guarded" or "open",
    `dedupe` "pepper" or "offline", `recipients_get` "count", "sample" or "names"; `hint` is the one neutral
    word in guarded letters ("" only where the profile is open); `organiser_keys` are age recipients."""

    slug: str
    languages: tuple[str, ...]
    authoritative: str
    organiser: Mapping[str, str]
    profile: str
    dedupe: str
    hint: str
    controller: Controller
    retention: date
    purpose: Mapping[str, str]
    recipients: tuple[Recipient, ...]
    texts: Mapping[str, Text]
    goal: int | None = None
    closes: date | None = None
    fields: Fields = field(default_factory=Fields)
    organiser_keys: tuple[str, ...] = ()
    recipients_get: str = "count"
    sample_audit: bool = False
    endorsers: tuple[str, ...] = ()
    newsletter: bool = False
    updates: bool = False

    @property
    def last_day(self) -> date:
        """The last day for signing: what is signed later could not be confirmed before records must go."""
        latest = self.retention - timedelta(days=GRACE_DAYS)
        return min(self.closes, latest) if self.closes else latest


@dataclass(frozen=True, order=True)
class Problem:
    """What is wrong, and where: `line` counts from 1."""

    file: str
    line: int
    sentence: str

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}: {self.sentence}"


class FolderError(Refusal):
    """A folder or letter that cannot be used, with every problem found in it."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))
