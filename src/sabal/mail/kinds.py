"""Write an email of any kind of `ids.py`, except those to recipients (`delivery/outgoing.py`)."""

from django.utils.translation import override

from sabal.mail import confirming, subscribing, teamemails
from sabal.mail.emails import Email, Site, composed, site_language
from sabal.mail.ids import (
    ALREADY_SIGNED,
    CONFIRM_NEWSLETTER,
    CONFIRM_SIGNATURE,
    CONFIRM_TEST,
    INVITATION,
    REMINDER,
    TEAM_ANSWER_DUE,
    TEAM_NEW_KEY,
)
from sabal.mail.invitation import invitation_content
from sabal.mail.lists import unsubscribe_headers
from sabal.mail.message import Message
from sabal.petitions.definition import Definition


def render(email: Email, petition: Definition | None, site: Site, now: float) -> Message:
    """Return the email of this kind.

    `petition` is None for the newsletter of an organisation. `now` is Unix time (seconds). Raises ValueError for an
    unknown kind, a missing petition or an invalid address.
    """
    if email.kind == CONFIRM_NEWSLETTER:
        return subscribing.confirm_newsletter(email, petition, site, now)
    if petition is None:
        raise ValueError("an email about a signature without its petition")
    if email.kind == CONFIRM_SIGNATURE:
        return confirming.confirm_signature(email, petition, site, now)
    if email.kind == REMINDER:
        return confirming.remind_to_confirm(email, petition, site, now)
    if email.kind == CONFIRM_TEST:
        return confirming.confirm_test(email, petition, site, now)
    if email.kind == ALREADY_SIGNED:
        # The petition may have become guarded after the email was queued.
        write = confirming.confirm_signature if petition.profile == "guarded" else confirming.already_signed
        return write(email, petition, site, now)
    if email.kind == TEAM_NEW_KEY:
        return teamemails.new_key_asked_for(email, petition, site, now)
    if email.kind == TEAM_ANSWER_DUE:
        return teamemails.answer_was_due(email, petition, site, now)
    if email.kind == INVITATION:
        return invitation(email, petition, site, now)
    raise ValueError(f"no email is of kind {email.kind}")


def invitation(email: Email, petition: Definition, site: Site, now: float) -> Message:
    """Invite a person who signed elsewhere to sign here. Raises ValueError for a guarded petition."""
    with override(site_language(email.language)):
        content = invitation_content(petition, email.language, email.origin, site.base_url, email.token)
        never = f"{site.base_url}/{email.language}/invitation/{email.token}"
        return composed(content, email, site, now, unsubscribe_headers(never) | {"Precedence": "bulk"})
