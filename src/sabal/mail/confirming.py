"""The emails to somebody who sent the form: to confirm, to be reminded, or that the address has signed already.

A guarded petition's emails name only its neutral word. A person who sees the screen, the mailbox or the mail server
must not learn which petition it is.
"""

from collections.abc import Iterator
from dataclasses import replace

from django.utils.translation import gettext as _
from django.utils.translation import override

from sabal.mail.content import Content, Phrase, quoted, sentence
from sabal.mail.emails import Email, Site, composed, signed_by, site_language, title_of, word_of
from sabal.mail.message import Message
from sabal.petitions.definition import Definition


def confirm_signature(email: Email, petition: Definition, site: Site, now: float) -> Message:
    """Ask the reader to confirm a signature. On the same page they can say that it was not them."""
    with override(site_language(email.language)):
        return composed(confirm_content(email, petition, site), email, site, now)


def confirm_content(email: Email, petition: Definition, site: Site) -> Content:
    """Return the content of the email that asks to confirm a signature, in the language that is active."""
    return Content(
        subject=confirm_subject(petition, email.language),
        opening=_someone_signed(petition, email.language),
        link=f"{site.base_url}/{email.language}/confirm/{email.token}",
        closing=_if_ignored(petition),
        signed_by=signed_by(petition, email.language, site),
        checkpoint=email.checkpoint,
    )


def remind_to_confirm(email: Email, petition: Definition, site: Site, now: float) -> Message:
    """Ask the reader once more to confirm a signature. Raises ValueError for a guarded petition."""
    if petition.profile == "guarded":
        raise ValueError("a guarded petition sends no reminder")
    with override(site_language(email.language)):
        return composed(reminder_content(email, petition, site), email, site, now)


def reminder_content(email: Email, petition: Definition, site: Site) -> Content:
    """Return the content of the reminder, in the language that is active."""
    title = title_of(petition, email.language)
    first = _(
        "Someone, most likely you, signed “%(title)s” with this address. The signature does not count yet, because it"
        " is not confirmed."
    )
    return replace(
        confirm_content(email, petition, site),
        subject=_("Not confirmed yet: %(title)s") % {"title": title.text},
        opening=(
            sentence(first, title=title),
            *_own_words(petition, email.language),
            sentence(_("To confirm it, or to tell us that it was not you, open this page:")),
        ),
        closing=_(
            "This is the only reminder. If you ignore it, nothing happens. What was entered is deleted seven days after"
            " our first email."
        ),
    )


def confirm_test(email: Email, petition: Definition, site: Site, now: float) -> Message:
    """Return the email that asks to confirm a signature, as a test to a person who works on the petition."""
    with override(site_language(email.language)):
        content = confirm_content(email, petition, site)
        content = replace(
            content,
            subject=_("Test: %(subject)s") % {"subject": content.subject},
            closing=_("This is the test that you asked for. Its link confirms nothing."),
        )
        return composed(content, email, site, now)


def already_signed(email: Email, petition: Definition, site: Site, now: float) -> Message:
    """Tell the reader that the address has signed before. The link leads to that signature.

    Raises ValueError for a guarded petition, because its emails never say "already".
    """
    if petition.profile == "guarded":
        raise ValueError("a guarded petition never says that somebody has signed")
    with override(site_language(email.language)):
        title = title_of(petition, email.language)
        content = Content(
            subject=_("You have already signed: %(title)s") % {"title": title.text},
            opening=(
                sentence(
                    _("“%(title)s” was signed once more with this address. It counts once."), title=title
                ),
                sentence(_("To see your signature, or to withdraw it, open this page:")),
            ),
            link=f"{site.base_url}/{email.language}/confirm/{email.token}",
            closing=_("If you did not sign again, you do not need to do anything."),
            signed_by=signed_by(petition, email.language, site),
            checkpoint=email.checkpoint,
        )
        return composed(content, email, site, now)


def confirm_subject(petition: Definition, language: str) -> str:
    """Return the subject of the email that a signer gets. A page shows it so that the signer can find the email."""
    with override(site_language(language)):
        if petition.profile == "guarded":
            return _("Please confirm your request (%(word)s)") % {"word": petition.hint}
        return _("Please confirm your signature: %(title)s") % {"title": title_of(petition, language).text}


def _someone_signed(petition: Definition, language: str) -> tuple[Phrase, ...]:
    if petition.profile == "guarded":
        first = _("Someone, most likely you, gave us this address. The word for this request is “%(word)s”.")
        return (
            sentence(first, word=word_of(petition)),
            sentence(_("To confirm it, or to tell us that it was not you, open this page:")),
        )
    then = _("It counts once it is confirmed. To confirm, or to tell us that it was not you, open this page:")
    return (
        sentence(
            _("Someone, most likely you, signed “%(title)s” with this address."),
            title=title_of(petition, language),
        ),
        *_own_words(petition, language),
        sentence(then),
    )


def _if_ignored(petition: Definition) -> str:
    if petition.reminder:
        return _(
            "If you do not confirm, we remind you once, after one to three days. What was entered is deleted seven days"
            " after this email."
        )
    return _("If you ignore this email, nothing happens. What was entered is deleted after 7 days.")


def _own_words(petition: Definition, language: str) -> Iterator[Phrase]:
    text = petition.texts.get(language)
    if text is not None and text.confirm_email:
        yield quoted(text.confirm_email, language)
