"""The sign form: it is parsed once, and its rules are in one place.

`read` turns a body into fields. `check` turns fields into a Submission, or into the Mistakes that the petition's page
shows. Messages are English msgids, which the page translates.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

import regex

from sabal import posted
from sabal.mail.address import EmailAddress
from sabal.mail.typo import common_domain
from sabal.petitions.countries import countries
from sabal.petitions.snapshot import PetitionSnapshot

FIELDS = (
    "name",
    "email",
    "country",
    "consent",
    "comment",
    "display",
    "updates",
    "newsletter",
    "version",
    "email_checked",
)
NAME_GRAPHEMES, NAME_BYTES = 200, 400
COMMENT_CHARACTERS = 1_000
COUNTRIES = frozenset(code for code, _ in countries("en"))
DISPLAYS = ("hidden", "initials", "full")

_LINK = re.compile(r"://|\bwww\.|\w\.(?:com|net|org|info|biz|xyz|top|io|ru|cn)(?:/|\b)", re.I)
_JOINERS = "\u200c\u200d"  # zero-width (non-)joiner: Persian, Indic scripts and some emoji need them
_GRAPHEME = regex.compile(r"\X")


@dataclass(frozen=True, slots=True)
class FormError:
    """An error in one field, or in the whole form if `field` is "form". The message is a msgid."""

    field: str
    message: str


@dataclass(frozen=True, slots=True)
class Mistakes:
    """A form with errors: the typed values, the errors, and a domain that was perhaps meant."""

    values: Mapping[str, str]
    errors: tuple[FormError, ...]
    suggestion: str | None = None


@dataclass(frozen=True, slots=True)
class Submission:
    """A form without errors. Its text is in NFC; `country` and `display` may be empty."""

    name: str
    email: EmailAddress
    country: str = ""
    comment: str = ""
    display: str = ""  # the name to show: full, initials, or empty
    subscribe: tuple[str, ...] = ()
    risk: Mapping[str, object] = field(default_factory=dict)  # sealed with the record, for the organiser


MESSAGES = {
    "unreadable": "The form arrived damaged. Please fill it in again.",
    "no name": "Enter your name.",
    "long name": "This name is too long. Use at most 200 characters.",
    "odd name": "Enter your name in letters. It holds characters that cannot be shown.",
    "link name": "Enter your name without a web address.",
    "no email": "Enter your email address.",
    "bad email": "Enter an email address like name@example.org.",
    "suggest": "Check your email address.",
    "bad country": "Choose a country or place from the list, or leave it empty.",
    "no consent": "Tick the box to agree. Otherwise we cannot keep your signature.",
    "long comment": "This comment is too long. Use at most 1,000 characters.",
    "odd comment": "Your comment holds characters that cannot be shown. Please remove them.",
    "bad display": "Choose how your name is shown.",
    "elsewhere": "This form was sent from another site, so nothing was kept. "
    "If you want to sign, check it and press the button.",
    "stale": "The text has changed since you opened this page. Please read it again; what you typed is still here.",
}


def read(body: bytes) -> dict[str, str] | None:
    """Return the known fields of a urlencoded body; None if it is damaged (not UTF-8, or a field twice)."""
    return posted.fields(body, FIELDS)


def check(fields: Mapping[str, str] | None, petition: PetitionSnapshot) -> Submission | Mistakes:
    """Check the fields against the rules of the form and of the petition."""
    if fields is None:
        return Mistakes({}, (FormError("form", MESSAGES["unreadable"]),))
    allowed, errors = petition.definition, []
    name, problem = _name(fields.get("name", ""))
    if problem:
        errors.append(FormError("name", MESSAGES[problem]))
    email, problem, suggestion = _email(fields)
    if problem:
        errors.append(FormError("email", MESSAGES[problem]))
    country = fields.get("country", "").upper() if allowed.fields.country else ""
    if country and country not in COUNTRIES:
        errors.append(FormError("country", MESSAGES["bad country"]))
    comment, problem = _comment(fields.get("comment", "")) if allowed.fields.comment else ("", None)
    if problem:
        errors.append(FormError("comment", MESSAGES[problem]))
    display = fields.get("display", "hidden") if allowed.fields.display else "hidden"
    if display not in DISPLAYS:
        errors.append(FormError("display", MESSAGES["bad display"]))
    if not fields.get("consent"):
        errors.append(FormError("consent", MESSAGES["no consent"]))
    if fields.get("version", petition.version) != petition.version:
        errors.insert(0, FormError("form", MESSAGES["stale"]))
    if errors or email is None:
        return Mistakes({k: v for k, v in fields.items() if k != posted.HONEYPOT}, tuple(errors), suggestion)
    boxes = {"updates": allowed.updates, "newsletter": allowed.newsletter}
    return Submission(
        name=name,
        email=email,
        country=country,
        comment=comment,
        display=shown_name(name, display),
        subscribe=tuple(box for box, offered in boxes.items() if offered and fields.get(box)),
        risk={"honeypot": True} if fields.get(posted.HONEYPOT) else {},
    )


def shown_name(name: str, display: str) -> str:
    """Return the name that a petition with public names shows: empty, the initials, or the name."""
    if display == "initials":
        return " ".join(_GRAPHEME.findall(part)[0].upper() + "." for part in name.split())
    return name if display == "full" else ""


def _name(typed: str) -> tuple[str, str | None]:
    name = " ".join(unicodedata.normalize("NFC", typed).split())
    if not name:
        return "", "no name"
    if len(name.encode("utf-8", "surrogatepass")) > NAME_BYTES or _graphemes(name) > NAME_GRAPHEMES:
        return name, "long name"
    if _LINK.search(name):
        return name, "link name"
    if not _showable(name) or not any(c.isalpha() for c in name):
        return name, "odd name"
    return name, None


def _comment(typed: str) -> tuple[str, str | None]:
    comment = unicodedata.normalize("NFC", typed.replace("\r\n", "\n")).strip()
    if len(comment) > COMMENT_CHARACTERS:
        return comment, "long comment"
    return comment, None if _showable(comment.replace("\n", " ")) else "odd comment"


def _graphemes(text: str) -> int:
    return len(text) if text.isascii() else len(_GRAPHEME.findall(text))


def _showable(text: str) -> bool:
    """Return whether the text has no category C characters except joiners.

    Category C has control, format, unassigned and private characters, and halves of surrogate pairs.
    """
    if text.isascii():
        return text.isprintable()
    return not any(unicodedata.category(c)[0] == "C" and c not in _JOINERS for c in text)


def _email(fields: Mapping[str, str]) -> tuple[EmailAddress | None, str | None, str | None]:
    typed = fields.get("email", "")
    if not typed.strip():
        return None, "no email", None
    try:
        email = EmailAddress.parse(typed)
    except ValueError:
        return None, "bad email", None
    suggestion = common_domain(email.domain)
    if suggestion and not fields.get("email_checked"):
        return None, "suggest", suggestion
    return email, None, None
