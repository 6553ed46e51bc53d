"""The email address in a form: every form of the site has the same rules, sentences and questions about it.

A domain that looks mistyped is questioned once. If the form is sent again as it is, the address is taken.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sabal.mail.address import EmailAddress, TooLong, UnknownDomain
from sabal.mail.typo import common_domain

FIELDS = ("email", "email_checked")

MESSAGES = {
    "no email": "Enter your email address.",
    "bad email": "Enter an email address like name@example.org.",
    "bad domain": "We cannot read the part after the @. Some of its letters are not for domains, or are too new for"
    " this server. We can read its form that begins with xn--.",
    "long email": "This email address is too long. No address takes more than 254 bytes.",
    "unsendable email": "Our mail server cannot send to an address with such letters before the @. Please use"
    " another address.",
    "suggest": "Check your email address.",
}


@dataclass(frozen=True, slots=True)
class AddressMistake:
    """Why an address is not taken: a msgid, and the domain that was perhaps meant, which makes it a question."""

    message: str
    suggestion: str | None = None


def read(fields: Mapping[str, str], *, takes_international: bool) -> EmailAddress | AddressMistake:
    """Return the address in the fields of a form, or the mistake in it.

    `takes_international` says whether emails can be sent to addresses that are not ASCII before the @.
    """
    text = fields.get("email", "")
    if not text.strip():
        return AddressMistake(MESSAGES["no email"])
    try:
        email = EmailAddress.parse(text)
    except TooLong:
        return AddressMistake(MESSAGES["long email"])
    except UnknownDomain:
        return AddressMistake(MESSAGES["bad domain"])
    except ValueError:
        return AddressMistake(MESSAGES["bad email"])
    if email.is_international and not takes_international:
        return AddressMistake(MESSAGES["unsendable email"])
    suggestion = common_domain(email.domain)
    if suggestion and not fields.get("email_checked"):
        return AddressMistake(MESSAGES["suggest"], suggestion)
    return email
