"""The parts of a petition, as frozen values. `folder.parse` returns them and every other package reads them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from sabal.petitions.profile import GRACE_DAYS
from sabal.refusal import Refusal
from sabal.webp import Webp

# The letter importer writes these for values that a letter does not contain. `folder.lacking` searches for them.
TO_COMPLETE = "TO BE COMPLETED BEFORE PUBLISHING"
NO_DATE = date(1970, 1, 1)

FILE_BYTES = 200_000
NESTING = 20
# The Markdown parser silently drops text nested deeper than this, so petitions must be refused well before. A list
# takes two of the parser's levels.
PARSER_NESTING = 4 * NESTING

LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8}){0,3}")


@dataclass(frozen=True)
class Recipient:
    """One addressee.

    `key` is its anchor. `name` has every language of the petition. `language` is the language to write to it in.
    `group` means that it represents many people (the members of a council).
    """

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
    """A heading (plain text) and its body (Markdown)."""

    heading: str
    body: str


@dataclass(frozen=True)
class Text:
    """The petition in one language. Section bodies and demands are Markdown; the rest is plain text.

    `closing` is the text after the demands. The heading of its first section may be "".
    """

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
    confirm_email: str = ""
    thanks: str = ""
    picture_description: str = ""
    closing: tuple[Section, ...] = ()


@dataclass(frozen=True)
class Controller:
    """The person or organisation responsible for the signers' data.

    `name` is the legal name and `address` the postal address (may have several lines), in every language.
    `privacy_contact` is an email address or an https address. Petitions with the same `key` share a newsletter list;
    "": it is chosen when publishing.
    """

    name: Mapping[str, str]
    address: Mapping[str, str]
    privacy_contact: str
    key: str = ""


@dataclass(frozen=True)
class Fields:
    """The fields that the form has beside name and email address."""

    country: bool = True
    comment: bool = False
    display: bool = False


@dataclass(frozen=True, kw_only=True)
class Terms:
    """The values of petition.toml.

    `organiser` and `purpose` have every language. `profile` is "guarded" or "open", `dedupe` is "pepper" or "offline",
    `recipients_get` is "count", "sample" or "names". `hint` is the one neutral word in guarded emails; it is "" only if
    the profile is open. `organiser_keys` are age recipients. `warn_residents` are ISO 3166-1 codes,
    `share_without` are keys of share-services.toml. `profile_chosen` is False in a draft whose profile must
    still be chosen. `reminder`: those who do not confirm get one more email.
    """

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
    goal: int | None = None
    closes: date | None = None
    fields: Fields = field(default_factory=Fields)
    organiser_keys: tuple[str, ...] = ()
    recipients_get: str = "count"
    sample_audit: bool = False
    endorsers: tuple[str, ...] = ()
    newsletter: bool = False
    updates: bool = False
    reminder: bool = False
    warn_residents: tuple[str, ...] = ()
    share_without: tuple[str, ...] = ()
    profile_chosen: bool = True


@dataclass(frozen=True, kw_only=True)
class Definition(Terms):
    """A whole petition: its terms, its text in each language, and its picture if it has one."""

    texts: Mapping[str, Text]
    picture: Webp | None = None

    @property
    def last_day(self) -> date:
        """Return the last day for signing. Later signatures could not be confirmed before records must be deleted."""
        latest = self.retention - timedelta(days=GRACE_DAYS)
        return min(self.closes, latest) if self.closes else latest


@dataclass(frozen=True, order=True)
class Problem:
    """A problem in a file. `line` counts from 1."""

    file: str
    line: int
    sentence: str

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}: {self.sentence}"


class FolderError(Refusal):
    """Raised for a folder or letter that cannot be used. It has every problem found."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))
