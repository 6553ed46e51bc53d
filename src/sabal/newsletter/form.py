"""Check the posted form that asks for the newsletter."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext_noop

from sabal import posted
from sabal.mail.address import EmailAddress, TooLong
from sabal.newsletter import consent


@dataclass(frozen=True, slots=True)
class SubscribeForm:
    """A form that can be accepted.

    `is_robot`: a field that people do not see is filled in. Password managers fill it in too.
    """

    address: EmailAddress
    is_robot: bool


@dataclass(frozen=True, slots=True)
class SubscribeMistakes:
    """A form that cannot be accepted: the errors by field (`form`: the whole form), and the values to show again."""

    wrong: Mapping[str, str]  # English sentences, which the page translates
    email: str = ""
    agreed: bool = False


def check(
    body: bytes, sentence: str, *, takes_international: bool = True
) -> SubscribeForm | SubscribeMistakes:
    """Return the checked form, or its mistakes. `sentence` is the sentence beside the box now.

    `takes_international` says whether emails can be sent to addresses that are not ASCII before the @.
    """
    fields = posted.fields(body, ("email", "consent"))
    if fields is None:
        return SubscribeMistakes({"form": gettext_noop("The form arrived damaged. Please fill it in again.")})
    typed = fields.get("email", "").strip()
    # Consent is to the exact sentence. If an older page had another sentence, the box must be ticked again.
    agreed = fields.get("consent") == consent.version(sentence)
    wrong = {}
    address = _parsed(typed)
    if isinstance(address, str):
        wrong["email"] = address
    elif address.is_international and not takes_international:
        wrong["email"] = gettext_noop(
            "Our mail server cannot send to an address with such letters before the @. Please use another"
            " address."
        )
    if not agreed:
        wrong["consent"] = gettext_noop("Tick the box to agree. Otherwise we cannot email you.")
    if wrong or isinstance(address, str):
        return SubscribeMistakes(wrong, typed, agreed)
    return SubscribeForm(address, bool(fields.get(posted.HONEYPOT)))


def _parsed(typed: str) -> EmailAddress | str:
    """Return the address, or what is wrong with it."""
    if not typed:
        return gettext_noop("Enter your email address.")
    try:
        return EmailAddress.parse(typed)
    except TooLong:
        return gettext_noop("This email address is too long. No address takes more than 254 bytes.")
    except ValueError:
        return gettext_noop("Enter an email address like name@example.org.")
