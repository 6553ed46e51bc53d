"""Check the posted form that asks for the newsletter."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext_noop

from sabal import posted
from sabal.mail import given
from sabal.mail.address import EmailAddress
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
    suggestion: str | None = None  # the domain that was perhaps meant
    is_checked: bool = False  # the domain was questioned before


def check(
    body: bytes, sentence: str, *, takes_international: bool = True
) -> SubscribeForm | SubscribeMistakes:
    """Return the checked form, or its mistakes. `sentence` is the sentence beside the box now.

    `takes_international` says whether emails can be sent to addresses that are not ASCII before the @.
    """
    fields = posted.fields(body, (*given.FIELDS, "consent"))
    if fields is None:
        return SubscribeMistakes({"form": gettext_noop("The form arrived damaged. Please fill it in again.")})
    # Consent is to the exact sentence. If an older page had another sentence, the box must be ticked again.
    agreed = fields.get("consent") == consent.version(sentence)
    wrong, suggestion = {}, None
    address = given.read(fields, takes_international=takes_international)
    if isinstance(address, given.AddressMistake):
        wrong["email"], suggestion = address.message, address.suggestion
    if not agreed:
        wrong["consent"] = gettext_noop("Tick the box to agree. Otherwise we cannot email you.")
    if wrong or isinstance(address, given.AddressMistake):
        typed, is_checked = fields.get("email", "").strip(), bool(fields.get("email_checked"))
        return SubscribeMistakes(wrong, typed, agreed, suggestion, is_checked)
    return SubscribeForm(address, bool(fields.get(posted.HONEYPOT)))
