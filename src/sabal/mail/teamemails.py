"""The emails to the team of a petition. A guarded petition is named by its neutral word alone."""

from django.utils.translation import gettext as _
from django.utils.translation import override

from sabal import settings
from sabal.mail.content import Content, quoted, sentence
from sabal.mail.emails import Email, Site, composed, site_language, title_of, word_of
from sabal.mail.message import Message
from sabal.petitions.definition import Definition


def new_key_asked_for(email: Email, petition: Definition, site: Site, now: float) -> Message:
    """Tell a person of the team that a new key was asked for. A guarded petition is named by its neutral word alone."""
    with override(site_language(email.language)):
        guarded = petition.profile == "guarded"
        named = word_of(petition) if guarded else title_of(petition, email.language)
        content = Content(
            subject=_("A new key was asked for: %(name)s") % {"name": named.text},
            opening=(
                sentence(
                    _(
                        "Somebody of your team asked to lock new signatures to another key: “%(name)s”. It is used"
                        " after 72 hours, or as soon as a second owner agrees."
                    ),
                    name=named,
                ),
                sentence(_("If you did not expect this, stop it here:")),
            ),
            link=f"{settings.DESK_URL}/" + ("" if guarded else f"petitions/{petition.slug}/amendment"),
            closing=_("With the new key, its owner can read the signatures that arrive from then on."),
            signed_by=quoted(site.name, site_language(email.language)),
        )
        return composed(content, email, site, now)


def answer_was_due(email: Email, petition: Definition, site: Site, now: float) -> Message:
    """Remind a person of the team that a recipient has not answered. A guarded petition is named by its word alone."""
    with override(site_language(email.language)):
        guarded = petition.profile == "guarded"
        named = word_of(petition) if guarded else title_of(petition, email.language)
        content = Content(
            subject=_("An answer was due: %(name)s") % {"name": named.text},
            opening=(
                sentence(
                    _("A recipient was asked for an answer, and the day has passed: “%(name)s”."), name=named
                ),
                sentence(_("Record what they said, or ask again:")),
            ),
            link=f"{settings.DESK_URL}/" + ("" if guarded else f"petitions/{petition.slug}/answers"),
            closing=_("You get this email once for each answer, because you may send to recipients."),
            signed_by=quoted(site.name, site_language(email.language)),
        )
        return composed(content, email, site, now)
