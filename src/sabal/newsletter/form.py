"""The form that asks for the newsletter: what it holds, and what is wrong with it."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext_noop

from sabal import posted
from sabal.mail.address import EmailAddress
from sabal.newsletter import consent


@dataclass(frozen=True, slots=True)
class Submission:
    """A form that can be accepted. `is_robot`: a field is filled in that people do not see."""

    address: EmailAddress
    is_robot: bool


@dataclass(frozen=True, slots=True)
class Mistakes:
    """A form that cannot be accepted: what is wrong by field (`form`: with all of it), and what to show again."""

    wrong: Mapping[str, str]  # English sentences, which the page translates
    email: str = ""
    agreed: bool = False


def check(body: bytes, sentence: str) -> Submission | Mistakes:
    """Return what was asked for. `sentence` is what the box says now."""
    fields = posted.fields(body, ("email", "consent"))
    if fields is None:
        return Mistakes({"form": gettext_noop("The form arrived damaged. Please fill it in again.")})
    typed = fields.get("email", "").strip()
    # What the box says is what is agreed to: on an older page, with another sentence, it has to be ticked again.
    agreed = fields.get("consent") == consent.version(sentence)
    wrong = {}
    address = _parsed(typed)
    if not typed:
        wrong["email"] = gettext_noop("Enter your email address.")
    elif address is None:
        wrong["email"] = gettext_noop("Enter an email address like name@example.org.")
    if not agreed:
        wrong["consent"] = gettext_noop("Tick the box to agree. Otherwise we cannot email you.")
    if wrong or address is None:
        return Mistakes(wrong, typed, agreed)
    return Submission(address, bool(fields.get(posted.HONEYPOT)))


def _parsed(typed: str) -> EmailAddress | None:
    try:
        return EmailAddress.parse(typed)
    except ValueError:
        return None
