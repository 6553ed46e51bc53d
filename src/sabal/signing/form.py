"""The sign form: parsed once, its rules in one place.

`read` turns a body into fields, `check` turns fields into a Submission or the Mistakes that the petition's page shows:
messages are English msgids, which the page translates.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import regex

from sabal import posted
from sabal.mail.address import domain, is_address
from sabal.mail.providers import is_large
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

WELL_KNOWN = tuple(
    (
        "gmail.com googlemail.com yahoo.com yahoo.co.jp yahoo.co.uk yahoo.fr yahoo.de hotmail.com "
        "hotmail.co.uk hotmail.fr outlook.com outlook.de outlook.fr live.com msn.com icloud.com me.com "
        "aol.com proton.me protonmail.com tutanota.com posteo.de mailbox.org gmx.de gmx.net web.de "
        "t-online.de naver.com daum.net hanmail.net kakao.com nate.com orange.fr free.fr laposte.net "
        "yandex.com mail.com fastmail.com zoho.com"
    ).split()
)
# One letter from a well-known domain, in no list of large providers (mail/providers.py), and real all the same.
ALSO_REAL = frozenset("mail.de email.com live.de aim.com yahoo.in outlook.it web.com free.it".split())


@dataclass(frozen=True, slots=True)
class FormError:
    """What is wrong with one field (`form`: with the whole): the message is a msgid."""

    field: str
    message: str


@dataclass(frozen=True, slots=True)
class Mistakes:
    """A form that cannot be taken: what was typed, what is wrong, and a mail domain that was perhaps meant."""

    values: Mapping[str, str]
    errors: tuple[FormError, ...]
    suggestion: str | None = None


@dataclass(frozen=True, slots=True)
class Submission:
    """A form that keeps every rule: NFC text, `country` and `display` possibly empty."""

    name: str
    email: str
    country: str = ""
    comment: str = ""
    display: str = ""  # what would be shown: the name, initials, or nothing
    subscribe: tuple[str, ...] = ()
    risk: Mapping[str, object] = field(
        default_factory=dict
    )  # sealed with the record, for the organiser's eyes


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
    """The fields of a urlencoded body, unknown ones left out; None where it is damaged (not UTF-8, a field twice)."""
    return posted.fields(body, FIELDS)


def check(fields: Mapping[str, str] | None, petition: PetitionSnapshot) -> Submission | Mistakes:
    """Hold the fields against the rules of the form and of the petition."""
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
    if errors:
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
    """What a petition that shows names would show: nothing, the initials, or the name."""
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
    """No control or format characters but joiners, nothing unassigned, private or half a surrogate pair."""
    if text.isascii():
        return text.isprintable()
    return not any(unicodedata.category(c)[0] == "C" and c not in _JOINERS for c in text)


def _email(fields: Mapping[str, str]) -> tuple[str, str | None, str | None]:
    address = unicodedata.normalize("NFC", fields.get("email", "")).strip()
    if not address:
        return "", "no email", None
    if not is_address(address):
        return address, "bad email", None
    meant = _meant(domain(address))
    if meant and not fields.get("email_checked"):
        return address, "suggest", meant
    return address, None, None


@lru_cache(maxsize=4096)
def _meant(typed: str) -> str | None:
    """The well-known domain that differs from this one by a single slip; None where there is none."""
    if is_large(typed) or typed in ALSO_REAL:
        return None
    return next((known for known in WELL_KNOWN if _one_slip(typed, known)), None)


def _one_slip(typed: str, meant: str) -> bool:
    """Whether one letter too many, one missing, one wrong or two exchanged lie between the two."""
    if abs(len(typed) - len(meant)) > 1 or typed == meant:
        return False
    start = next(
        (i for i, (a, b) in enumerate(zip(typed, meant, strict=False)) if a != b), min(len(typed), len(meant))
    )
    a, b = typed[start:], meant[start:]
    swapped = len(a) > 1 and len(a) == len(b) and a[0] == b[1] and a[1] == b[0] and a[2:] == b[2:]
    return swapped or a[1:] == b[1:] or a[1:] == b or a == b[1:]
