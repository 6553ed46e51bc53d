"""The email address of a recipient: exactly one, of people, and never this site's own.

An address that answers by itself, or hands on what it gets, could make emails go round.
"""

import re

from django.utils.translation import gettext as _

from sabal import settings
from sabal.mail.address import EmailAddress
from sabal.refusal import Refusal

_ROBOT = re.compile(
    r"(?:.*[-_.])?(?:no-?reply|do-?not-?reply|mailer-daemon|mdaemon|listserv|majordomo|bounces?)"
    r"|.*[-_.+](?:subscribe|unsubscribe|owner)|(?:owner|bounces?)[-_.+].*"
)
_LISTS = re.compile(
    r"(?:lists?|listserv|mailman)\..+|(?:.+\.)?(?:googlegroups\.com|groups\.io|freelists\.org)"
)


def read(text: str) -> EmailAddress:
    """Return the address in a text that a person typed. Raises Refusal with the sentence for that person."""
    stripped = text.strip()
    if stripped.count("@") > 1:
        raise Refusal(
            _("Enter one address only. If several people shall get it, add each of them as a member.")
        )
    if "<" in stripped:
        raise Refusal(_("Enter the address alone, without a name before it: name@example.org."))
    try:
        address = EmailAddress.parse(stripped)
        address.wire  # noqa: B018 - it raises for what no mail server takes
    except ValueError:
        raise Refusal(_("This is not an email address. It looks like name@example.org.")) from None
    refuse(address)
    return address


def refuse(address: EmailAddress) -> None:
    """Raise Refusal if no petition may be sent to this address."""
    if address.mailbox in _own():
        raise Refusal(_("This is the address that this site sends from. Enter that of the recipient."))
    if _ROBOT.fullmatch(address.local):
        raise Refusal(_("Nobody reads emails to this address: programs use it. Enter an address of people."))
    if _LISTS.fullmatch(address.domain):
        raise Refusal(
            _(
                "This is the address of a mailing list. What is sent to it goes to all its members, or comes back."
            )
        )


def _own() -> set[str]:
    """Return the mailboxes of this site, as `EmailAddress.mailbox` has them."""
    try:
        return {EmailAddress.parse(settings.MAIL_FROM.address).mailbox}
    except ValueError:
        return set()
