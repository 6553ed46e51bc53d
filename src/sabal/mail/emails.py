"""The emails, one function for each: plain text first, one link, in the reader's language, short enough for a watch.

A guarded petition's emails name only its neutral word. A person who sees the screen, the mailbox or the mail server
must not learn which petition it is.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from django.utils.translation import gettext as _
from django.utils.translation import override

from sabal import days, settings
from sabal import token as tokens
from sabal.configuration.hosts import mail_domain
from sabal.configuration.sender import Sender
from sabal.mail.address import EmailAddress
from sabal.mail.content import Content, Phrase, quoted, sentence
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
from sabal.mail.lists import list_id, unsubscribe_headers
from sabal.mail.message import Message, compose, make_message_id
from sabal.mail.row import NO_LIST, NO_ORIGIN, ListName, Origin
from sabal.mail.verp import CONFIRMATION, Sent, Verp
from sabal.petitions.definition import Definition, Text
from sabal.petitions.organisation import organiser_name
from sabal.site_name import site_name


@dataclass(frozen=True, slots=True)
class Email:
    """An email as the outbox opened it.

    `language` is a path segment such as "zh-hans". `token` is the 26 characters of the link. `unsubscribe` is the token
    of a newsletter's unsubscribe link, or empty. `checkpoint` is the newest one of the petition's log, and names no
    petition. A log cannot be rewritten unnoticed if thousands of mailboxes have an old checkpoint. `list` says whose
    newsletter it is about.
    """

    id: int
    kind: int
    to: EmailAddress
    language: str
    token: str = field(repr=False)
    unsubscribe: str = field(default="", repr=False)
    checkpoint: str = ""
    list: ListName = NO_LIST
    origin: Origin = NO_ORIGIN


@dataclass(frozen=True)
class Site:
    """The site that sends the emails: its base URL without a final slash, and its sender.

    `verp` makes the envelope senders of emails to lists; None: bounces are not read.
    """

    base_url: str = settings.BASE_URL
    sender: Sender = settings.MAIL_FROM
    verp: Verp | None = None

    @property
    def host(self) -> str:
        """Return the host name of the base URL."""
        return urlsplit(self.base_url).hostname or "localhost"

    @property
    def name(self) -> str:
        """Return the name of the site, in the language of the current translation."""
        return site_name(self.base_url)

    @property
    def mail_domain(self) -> str:
        """Return the host as the domain of Message-IDs and List-IDs, and for our greeting to the mail server."""
        return mail_domain(self.host)

    @property
    def list_domain(self) -> str:
        """Return the domain at the end of List-Ids; localhost (RFC 2919, section 3) if the host is an IP address."""
        return self.host if self.host == self.mail_domain else "localhost"


def render(email: Email, petition: Definition | None, site: Site, now: float) -> Message:
    """Return the email of this kind.

    `petition` is None for the newsletter of an organisation. `now` is Unix time (seconds). Raises ValueError for an
    unknown kind, a missing petition or an invalid address.
    """
    if email.kind == CONFIRM_NEWSLETTER:
        return confirm_newsletter(email, petition, site, now)
    if petition is None:
        raise ValueError("an email about a signature without its petition")
    if email.kind == CONFIRM_SIGNATURE:
        return confirm_signature(email, petition, site, now)
    if email.kind == REMINDER:
        return remind_to_confirm(email, petition, site, now)
    if email.kind == CONFIRM_TEST:
        return confirm_test(email, petition, site, now)
    if email.kind == ALREADY_SIGNED:
        # The petition may have become guarded after the email was queued.
        write = confirm_signature if petition.profile == "guarded" else already_signed
        return write(email, petition, site, now)
    if email.kind == TEAM_NEW_KEY:
        return new_key_asked_for(email, petition, site, now)
    if email.kind == TEAM_ANSWER_DUE:
        return answer_was_due(email, petition, site, now)
    if email.kind == INVITATION:
        return invitation(email, petition, site, now)
    raise ValueError(f"no email is of kind {email.kind}")


def confirm_signature(email: Email, petition: Definition, site: Site, now: float) -> Message:
    """Ask the reader to confirm a signature. On the same page they can say that it was not them."""
    with override(_site_language(email.language)):
        return _email(confirm_content(email, petition, site), email, site, now)


def confirm_content(email: Email, petition: Definition, site: Site) -> Content:
    """Return the content of the email that asks to confirm a signature, in the language that is active."""
    return Content(
        subject=confirm_subject(petition, email.language),
        opening=_someone_signed(petition, email.language),
        link=f"{site.base_url}/{email.language}/confirm/{email.token}",
        closing=_if_ignored(petition),
        signed_by=_signed_by(petition, email.language, site),
        checkpoint=email.checkpoint,
    )


def remind_to_confirm(email: Email, petition: Definition, site: Site, now: float) -> Message:
    """Ask the reader once more to confirm a signature. Raises ValueError for a guarded petition."""
    if petition.profile == "guarded":
        raise ValueError("a guarded petition sends no reminder")
    with override(_site_language(email.language)):
        return _email(reminder_content(email, petition, site), email, site, now)


def reminder_content(email: Email, petition: Definition, site: Site) -> Content:
    """Return the content of the reminder, in the language that is active."""
    title = _title(petition, email.language)
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
    with override(_site_language(email.language)):
        content = confirm_content(email, petition, site)
        content = replace(
            content,
            subject=_("Test: %(subject)s") % {"subject": content.subject},
            closing=_("This is the test that you asked for. Its link confirms nothing."),
        )
        return _email(content, email, site, now)


def already_signed(email: Email, petition: Definition, site: Site, now: float) -> Message:
    """Tell the reader that the address has signed before. The link leads to that signature.

    Raises ValueError for a guarded petition, because its emails never say "already".
    """
    if petition.profile == "guarded":
        raise ValueError("a guarded petition never says that somebody has signed")
    with override(_site_language(email.language)):
        title = _title(petition, email.language)
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
            signed_by=_signed_by(petition, email.language, site),
            checkpoint=email.checkpoint,
        )
        return _email(content, email, site, now)


def confirm_newsletter(email: Email, petition: Definition | None, site: Site, now: float) -> Message:
    """Ask the reader to confirm an organisation's newsletter (`petition` is None) or the updates about a petition."""
    with override(_site_language(email.language)):
        content = Content(
            subject=newsletter_subject(petition, email.language),
            opening=(
                _asked_for_news(email, petition),
                sentence(_("We will email you only after you confirm on this page:")),
            ),
            link=f"{site.base_url}/{email.language}/newsletter/confirm/{email.token}",
            closing=_("If you ignore this email, nothing happens. The address is deleted after 7 days."),
            signed_by=_signed_by(petition, email.language, site),
            checkpoint=email.checkpoint,
        )
        headers = {"List-Id": list_id(email.list.organisation, petition, site.list_domain)}
        if email.unsubscribe:
            headers |= unsubscribe_headers(
                f"{site.base_url}/{email.language}/newsletter/unsubscribe/{email.unsubscribe}"
            )
        message = _email(content, email, site, now, headers)
        return replace(message, bounces_to=_bounces_to(email, site, now))


def invitation(email: Email, petition: Definition, site: Site, now: float) -> Message:
    """Invite a person who signed elsewhere to sign here. Raises ValueError for a guarded petition."""
    with override(_site_language(email.language)):
        content = invitation_content(petition, email.language, email.origin, site.base_url, email.token)
        never = f"{site.base_url}/{email.language}/invitation/{email.token}"
        return _email(content, email, site, now, unsubscribe_headers(never) | {"Precedence": "bulk"})


def new_key_asked_for(email: Email, petition: Definition, site: Site, now: float) -> Message:
    """Tell a person of the team that a new key was asked for. A guarded petition is named by its neutral word alone."""
    with override(_site_language(email.language)):
        guarded = petition.profile == "guarded"
        named = _word(petition) if guarded else _title(petition, email.language)
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
            signed_by=quoted(site.name, _site_language(email.language)),
        )
        return _email(content, email, site, now)


def answer_was_due(email: Email, petition: Definition, site: Site, now: float) -> Message:
    """Remind a person of the team that a recipient has not answered. A guarded petition is named by its word alone."""
    with override(_site_language(email.language)):
        guarded = petition.profile == "guarded"
        named = _word(petition) if guarded else _title(petition, email.language)
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
            signed_by=quoted(site.name, _site_language(email.language)),
        )
        return _email(content, email, site, now)


def confirm_subject(petition: Definition, language: str) -> str:
    """Return the subject of the email that a signer gets. A page shows it so that the signer can find the email."""
    with override(_site_language(language)):
        if petition.profile == "guarded":
            return _("Please confirm your request (%(word)s)") % {"word": petition.hint}
        return _("Please confirm your signature: %(title)s") % {"title": _title(petition, language).text}


def newsletter_subject(petition: Definition | None, language: str) -> str:
    """Return the subject of the email that a new subscriber gets."""
    with override(_site_language(language)):
        if petition is not None and petition.profile == "guarded":
            return _("Please confirm your request (%(word)s)") % {"word": petition.hint}
        return _("Please confirm your subscription")


def _email(
    content: Content, email: Email, site: Site, now: float, headers: Mapping[str, str] | None = None
) -> Message:
    return compose(
        content,
        sender=site.sender,
        to=email.to.wire,
        message_id=make_message_id(email.id, site.mail_domain),
        now=now,
        language=_site_language(email.language),
        more=headers,
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


def _site_language(language: str) -> str:
    # A petition may have languages that the site itself does not have.
    return language if language in settings.SITE_LANGUAGES else "en"


def _someone_signed(petition: Definition, language: str) -> tuple[Phrase, ...]:
    if petition.profile == "guarded":
        first = _("Someone, most likely you, gave us this address. The word for this request is “%(word)s”.")
        return (
            sentence(first, word=_word(petition)),
            sentence(_("To confirm it, or to tell us that it was not you, open this page:")),
        )
    then = _("It counts once it is confirmed. To confirm, or to tell us that it was not you, open this page:")
    return (
        sentence(
            _("Someone, most likely you, signed “%(title)s” with this address."),
            title=_title(petition, language),
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


def _asked_for_news(email: Email, petition: Definition | None) -> Phrase:
    if petition is None:
        first = _("Someone, most likely you, asked for the newsletter of %(name)s at this address.")
        return sentence(first, name=quoted(email.list.name, email.language))
    if petition.profile == "guarded":
        return sentence(
            _("Someone, most likely you, asked for news here. The word for this request is “%(word)s”."),
            word=_word(petition),
        )
    return sentence(
        _("Someone, most likely you, asked for news about “%(title)s” at this address."),
        title=_title(petition, email.language),
    )


def _word(petition: Definition) -> Phrase:
    return quoted(petition.hint, "en")


def _title(petition: Definition, language: str) -> Phrase:
    text: Text = petition.texts.get(language) or petition.texts[petition.authoritative]
    return quoted(" ".join(text.title.split()), text.language)


def _signed_by(petition: Definition | None, language: str, site: Site) -> Phrase:
    if petition is None or petition.profile == "guarded":
        return quoted(site.name, _site_language(language))
    spoken = language if language in petition.organiser else petition.authoritative
    return quoted(organiser_name(petition, language), spoken)
