"""The email that asks to confirm a subscription: to an organisation's newsletter, or to updates about a petition."""

from dataclasses import replace

from django.utils.translation import gettext as _
from django.utils.translation import override

from sabal import days
from sabal import token as tokens
from sabal.mail.content import Content, Phrase, quoted, sentence
from sabal.mail.emails import Email, Site, composed, signed_by, site_language, title_of, word_of
from sabal.mail.lists import list_id, unsubscribe_headers
from sabal.mail.message import Message
from sabal.mail.verp import CONFIRMATION, Sent
from sabal.petitions.definition import Definition


def confirm_newsletter(email: Email, petition: Definition | None, site: Site, now: float) -> Message:
    """Ask the reader to confirm an organisation's newsletter (`petition` is None) or the updates about a petition."""
    with override(site_language(email.language)):
        content = Content(
            subject=newsletter_subject(petition, email.language),
            opening=(
                _asked_for_news(email, petition),
                sentence(_("We will email you only after you confirm on this page:")),
            ),
            link=f"{site.base_url}/{email.language}/newsletter/confirm/{email.token}",
            closing=_("If you ignore this email, nothing happens. The address is deleted after 7 days."),
            signed_by=signed_by(petition, email.language, site),
            checkpoint=email.checkpoint,
        )
        headers = {"List-Id": list_id(email.list.organisation, petition, site.list_domain)}
        if email.unsubscribe:
            headers |= unsubscribe_headers(
                f"{site.base_url}/{email.language}/newsletter/unsubscribe/{email.unsubscribe}"
            )
        message = composed(content, email, site, now, headers)
        return replace(message, bounces_to=_bounces_to(email, site, now))


def newsletter_subject(petition: Definition | None, language: str) -> str:
    """Return the subject of the email that a new subscriber gets."""
    with override(site_language(language)):
        if petition is not None and petition.profile == "guarded":
            return _("Please confirm your request (%(word)s)") % {"word": petition.hint}
        return _("Please confirm your subscription")


def _asked_for_news(email: Email, petition: Definition | None) -> Phrase:
    if petition is None:
        first = _("Someone, most likely you, asked for the newsletter of %(name)s at this address.")
        return sentence(first, name=quoted(email.list.name, email.language))
    if petition.profile == "guarded":
        return sentence(
            _("Someone, most likely you, asked for news here. The word for this request is “%(word)s”."),
            word=word_of(petition),
        )
    return sentence(
        _("Someone, most likely you, asked for news about “%(title)s” at this address."),
        title=title_of(petition, email.language),
    )


def _bounces_to(email: Email, site: Site, now: float) -> str:
    """Return the envelope sender to which a bounce of an email to a list comes back; empty if none is read.

    Emails about signatures have none: a bounce would bring a signer's address in clear text, and an envelope sender
    that only the emails of some petitions have would tell which these are.
    """
    unsubscribe = tokens.decode(email.unsubscribe)
    if site.verp is None or unsubscribe is None:
        return ""
    return site.verp.sender(Sent(int.from_bytes(unsubscribe[:8]), CONFIRMATION, days.number_at(now)))
