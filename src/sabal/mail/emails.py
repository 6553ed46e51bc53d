"""The emails, one function for each: plain text first, one link, in the reader's language, short enough for a watch.

A guarded petition's emails name only its neutral word. A person who sees the screen, the mailbox or the mail server
must not learn which petition it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from html import escape
from urllib.parse import urlsplit

from django.utils.translation import gettext as _
from django.utils.translation import override

from sabal import settings
from sabal.mail import mime
from sabal.mail.address import EmailAddress
from sabal.mail.ids import ALREADY_SIGNED, CONFIRM_NEWSLETTER, CONFIRM_SIGNATURE
from sabal.mail.row import NO_LIST, ListName
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


@dataclass(frozen=True)
class Site:
    """The site that sends the emails: its base URL without a final slash, and its sender ("a@b" or "Name <a@b>")."""

    base_url: str = settings.BASE_URL
    sender: str = settings.MAIL_FROM

    @property
    def host(self) -> str:
        """The host name of the base URL, for Message-IDs and for our greeting to the mail server."""
        return urlsplit(self.base_url).hostname or "localhost"

    @property
    def name(self) -> str:
        """The name of the site, in the language of the current translation."""
        return site_name(self.base_url)


def render(email: Email, petition: Definition | None, site: Site, now: float) -> EmailMessage:
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
    if email.kind == ALREADY_SIGNED:
        # The petition may have become guarded after the email was queued.
        write = confirm_signature if petition.profile == "guarded" else already_signed
        return write(email, petition, site, now)
    raise ValueError(f"no email is of kind {email.kind}")


def confirm_signature(email: Email, petition: Definition, site: Site, now: float) -> EmailMessage:
    """Ask the reader to confirm a signature. On the same page they can say that it was not them."""
    with override(_site_language(email.language)):
        if petition.profile == "guarded":
            opening = [
                _("Someone, most likely you, gave us this address. The word for this request is “%(word)s”.")
                % {"word": petition.hint},
                _("To confirm it, or to tell us that it was not you, open this page:"),
            ]
        else:
            opening = [
                _("Someone, most likely you, signed “%(title)s” with this address.")
                % {"title": _title(petition, email.language)},
                _(
                    "It counts once it is confirmed. To confirm, or to tell us that it was not you, open this page:"
                ),
            ]
        closing = _("If you ignore this email, nothing happens. What was entered is deleted after 7 days.")
        return _compose(
            email,
            site,
            now,
            subject=confirm_subject(petition, email.language),
            opening=opening,
            link=f"{site.base_url}/{email.language}/confirm/{email.token}",
            closing=closing,
            signed_by=_signed_by(petition, email.language, site),
        )


def already_signed(email: Email, petition: Definition, site: Site, now: float) -> EmailMessage:
    """Tell the reader that the address has signed before. The link leads to that signature.

    Raises ValueError for a guarded petition, because its emails never say "already".
    """
    if petition.profile == "guarded":
        raise ValueError("a guarded petition never says that somebody has signed")
    with override(_site_language(email.language)):
        title = _title(petition, email.language)
        return _compose(
            email,
            site,
            now,
            subject=_("You have already signed: %(title)s") % {"title": title},
            opening=[
                _("“%(title)s” was signed once more with this address. It counts once.") % {"title": title},
                _("To see your signature, or to withdraw it, open this page:"),
            ],
            link=f"{site.base_url}/{email.language}/confirm/{email.token}",
            closing=_("If you did not sign again, you do not need to do anything."),
            signed_by=_signed_by(petition, email.language, site),
        )


def confirm_newsletter(email: Email, petition: Definition | None, site: Site, now: float) -> EmailMessage:
    """Ask the reader to confirm an organisation's newsletter (`petition` is None) or the updates about a petition."""
    with override(_site_language(email.language)):
        if petition is not None and petition.profile == "guarded":
            first = _(
                "Someone, most likely you, asked for news here. The word for this request is “%(word)s”."
            )
            first %= {"word": petition.hint}
        elif petition is not None:
            first = _("Someone, most likely you, asked for news about “%(title)s” at this address.")
            first %= {"title": _title(petition, email.language)}
        else:
            first = _("Someone, most likely you, asked for the newsletter of %(name)s at this address.")
            first %= {"name": email.list.name}
        message = _compose(
            email,
            site,
            now,
            subject=newsletter_subject(petition, email.language),
            opening=[first, _("We will email you only after you confirm on this page:")],
            link=f"{site.base_url}/{email.language}/newsletter/confirm/{email.token}",
            closing=_("If you ignore this email, nothing happens. The address is deleted after 7 days."),
            signed_by=_signed_by(petition, email.language, site),
        )
    if email.unsubscribe:
        # RFC 8058: with both headers, a mail program's own button unsubscribes.
        url = f"{site.base_url}/{email.language}/newsletter/unsubscribe/{email.unsubscribe}"
        mime.put_plain(message, "List-Unsubscribe", f"<{url}>")
        mime.put(message, "List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
    return message


def confirm_subject(petition: Definition, language: str) -> str:
    """Return the subject of the email that a signer gets. A page shows it so that the signer can find the email."""
    with override(_site_language(language)):
        if petition.profile == "guarded":
            return _("Please confirm your request (%(word)s)") % {"word": petition.hint}
        return _("Please confirm your signature: %(title)s") % {"title": _title(petition, language)}


def newsletter_subject(petition: Definition | None, language: str) -> str:
    """Return the subject of the email that a new subscriber gets."""
    with override(_site_language(language)):
        if petition is not None and petition.profile == "guarded":
            return _("Please confirm your request (%(word)s)") % {"word": petition.hint}
        return _("Please confirm your subscription")


def _site_language(language: str) -> str:
    # A petition may have languages that the site itself does not have.
    return language if language in settings.SITE_LANGUAGES else "en"


def _title(petition: Definition, language: str) -> str:
    text: Text = petition.texts.get(language) or petition.texts[petition.authoritative]
    return " ".join(text.title.split())


def _signed_by(petition: Definition | None, language: str, site: Site) -> str:
    if petition is None or petition.profile == "guarded":
        return site.name
    return organiser_name(petition, language)


def _compose(
    email: Email,
    site: Site,
    now: float,
    *,
    subject: str,
    opening: Sequence[str],
    link: str,
    closing: str,
    signed_by: str,
) -> EmailMessage:
    message = mime.new_message()
    message.set_raw("From", mime.sender(site.sender))
    message["To"] = to = email.to.wire
    if [address.addr_spec for address in message["To"].addresses] != [to]:
        raise ValueError("not an email address: in a header it would be another, or several")
    mime.put(message, "Subject", subject)
    mime.put_plain(message, "Date", format_datetime(datetime.fromtimestamp(now, UTC)))
    mime.put_plain(message, "Message-ID", f"<{mime.message_id(email.id)}@{site.host}>")
    mime.put(message, "Auto-Submitted", "auto-generated")  # RFC 3834
    mime.put(message, "Content-Language", email.language)
    text = "\n".join([*opening, link, closing, "-- ", signed_by, email.checkpoint])
    text = text.rstrip("\n") + "\n"
    paragraphs = "".join(f"<p>{escape(line)}</p>\n" for line in opening)
    html = (
        f'<!doctype html>\n<html lang="{escape(email.language)}"><head><meta charset="utf-8">'
        f"<title>{escape(subject)}</title></head><body>\n"
        f'{paragraphs}<p><a href="{escape(link)}">{escape(link)}</a></p>\n<p>{escape(closing)}</p>\n'
        f"<p>-- <br>{escape(signed_by)}</p>\n{_checkpoint_html(email.checkpoint)}</body></html>\n"
    )
    mime.put(message, "MIME-Version", "1.0")
    mime.put(message, "Content-Type", f'multipart/alternative; boundary="{mime.BOUNDARY}"')
    message.attach(mime.part("plain", text))
    message.attach(mime.part("html", html))
    return message


def _checkpoint_html(checkpoint: str) -> str:
    return f"<pre><small>{escape(checkpoint)}</small></pre>\n" if checkpoint else ""
