"""The sign form: it is parsed once, and its rules are in one place.

`read` turns a body into fields. `check` turns fields into a Submission, or into the Mistakes that the petition's page
shows. Messages are English msgids, which the page translates.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import regex

from sabal import posted, typed
from sabal.mail import given
from sabal.mail.address import EmailAddress
from sabal.petitions.countries import countries
from sabal.petitions.snapshot import PetitionSnapshot

FIELDS = (
    "name",
    *given.FIELDS,
    "country",
    "consent",
    "comment",
    "display",
    "updates",
    "newsletter",
    "version",
    "from",
)
NAME_GRAPHEMES, NAME_BYTES = 200, 400
COMMENT_GRAPHEMES, COMMENT_BYTES = 1_000, 4_000
COUNTRIES = frozenset(code for code, _ in countries("en"))
DISPLAYS = ("hidden", "initials", "full")

# A letter before the dot is an initial. The last four endings are names too (M.Io, Bo.Ru Zhang). With a path, every
# ending makes a link (bit.ly/a, t.me/a), except a name after an initial (M.Kim/J.Lee).
_LINK = re.compile(
    r"://|\bwww\."
    r"|(?:[\w-]{2}\.[^\W\d_]{2,}|\w\.(?-i:[a-z]{2,}|[A-Z]{2,})|\w\.xn--[a-z0-9-]+)(?::\d+)?/"
    r"|[\w-]{2}\.(?:com|net|org|info|biz|xyz)\b|[\w-]{3}\.(?-i:top|io|ru|cn)\b",
    re.I,
)
# Two letters that are one in Dutch if both are capital and the next is not.
_DUTCH_IJ = regex.compile(r"IJ(?=\p{Ll})")


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
    """A form without errors. Its text is as `typed.py` makes it; `country` and `display` may be empty."""

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
    "large name": "This name is too long: it takes more than 400 bytes. In most scripts a letter takes 2 to 4 bytes, "
    "so 100 letters always fit.",
    "odd name": "Enter your name in letters. It holds characters that cannot be shown.",
    "link name": "Enter your name without a web address.",
    **given.MESSAGES,
    "refused domain": "This petition takes no signatures with addresses of this domain, because many were not genuine. "
    "Please use another address.",
    "bad country": "Choose a country or place from the list, or leave it empty.",
    "no consent": "Tick the box to agree. Otherwise we cannot keep your signature.",
    "long comment": "This comment is too long. Use at most 1,000 characters.",
    "large comment": "This comment is too long: it takes more than 4,000 bytes. Some emoji and some letters with marks "
    "take many of them.",
    "odd comment": "Your comment holds characters that cannot be shown. Please remove them.",
    "bad display": "Choose how your name is shown.",
    "elsewhere": "This form was sent from another site, so nothing was kept. "
    "If you want to sign, check it and press the button.",
    "stale": "The text has changed since you opened this page. Please read it again; what you typed is still here.",
}


def read(body: bytes) -> dict[str, str] | None:
    """Return the known fields of a urlencoded body; None if it is damaged (not UTF-8, or a field twice)."""
    return posted.fields(body, FIELDS)


def check(
    fields: Mapping[str, str] | None, petition: PetitionSnapshot, *, takes_international: bool = True
) -> Submission | Mistakes:
    """Check the fields against the rules of the form and of the petition.

    `takes_international` says whether emails can be sent to addresses that are not ASCII before the @.
    """
    if fields is None:
        return Mistakes({}, (FormError("form", MESSAGES["unreadable"]),))
    allowed, errors = petition.definition, []
    name, problem = _name(fields.get("name", ""))
    if problem:
        errors.append(FormError("name", MESSAGES[problem]))
    email, suggestion = given.read(fields, takes_international=takes_international), None
    if isinstance(email, given.AddressMistake):
        errors.append(FormError("email", email.message))
        suggestion = email.suggestion
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
    if errors or isinstance(email, given.AddressMistake):
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
        return " ".join(filter(None, map(_initial, name.split())))
    return name if display == "full" else ""


def _initial(part: str) -> str:
    """Return the first letter of a part of a name with a full stop, or an empty string if it has no letter.

    It is in title case: capitals of Georgian and of "ß" are not what a name begins with.
    """
    if _DUTCH_IJ.match(part):
        return "IJ."
    first = next(filter(typed.has_letter, typed.graphemes(part)), "")
    return first and first.title() + "."


def _name(text: str) -> tuple[str, str | None]:
    if len(text) > typed.PARTS * NAME_BYTES:
        return text, "long name"
    name = typed.line(text)
    if not typed.shows(name):
        return "", "no name"
    if too_long := _too_long(name, NAME_GRAPHEMES, NAME_BYTES):
        return name, f"{too_long} name"
    if _LINK.search(name.replace("。", ".")):
        return name, "link name"
    if not typed.is_showable(name) or not typed.has_letter(name):
        return name, "odd name"
    return name, None


def _comment(text: str) -> tuple[str, str | None]:
    if len(text) > typed.PARTS * COMMENT_BYTES:
        return text, "long comment"
    comment = typed.paragraphs(text)
    if too_long := _too_long(comment, COMMENT_GRAPHEMES, COMMENT_BYTES):
        return comment, f"{too_long} comment"
    return comment, None if typed.is_showable(comment) else "odd comment"


def _too_long(text: str, graphemes: int, size: int) -> str:
    """Return which limit the text is over: "long" in characters, "large" in bytes, or an empty string."""
    if len(text) <= graphemes and text.isascii():
        return ""
    if len(typed.graphemes(text)) > graphemes:
        return "long"
    return "large" if len(text.encode("utf-8", "surrogatepass")) > size else ""
