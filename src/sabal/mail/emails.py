"""The emails, one function each: plain text first, one link, in the reader's language, readable on a watch.

A guarded petition's emails name nothing but its neutral word: whoever looks over a shoulder, into a mailbox
or onto a mail server must not learn which petition it was.
"""

import base64
import hashlib
import quopri
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import policy
from email.headerregistry import BaseHeader
from email.message import EmailMessage
from email.utils import format_datetime
from functools import lru_cache
from html import escape
from typing import cast
from urllib.parse import urlsplit

from django.utils.translation import gettext as _
from django.utils.translation import override

from sabal import settings
from sabal.mail.address import EmailAddress
from sabal.mail.ids import ALREADY_SIGNED, CONFIRM_NEWSLETTER, CONFIRM_SIGNATURE
from sabal.petitions.definition import Definition, Text


@dataclass(frozen=True, slots=True)
class Email:
    """An email as the outbox opened it. `language` is a path segment such as
    "zh-hans", `token` the 26 characters of the link, `unsubscribe` those of the way out of a newsletter,
    where there is one, `checkpoint` the newest of the petition's log: thousands of mailboxes that hold an old
    one are what keeps a log from being rewritten. It names no petition."""

    id: int
    kind: int
    to: EmailAddress
    language: str
    token: str = field(repr=False)
    unsubscribe: str = field(default="", repr=False)
    checkpoint: str = ""


@dataclass(frozen=True)
class Site:
    """What stands on every email of a house: its address without a final slash, and its sender ("a@b" or
    "Name <a@b>")."""

    base_url: str = settings.BASE_URL
    sender: str = settings.MAIL_FROM

    @property
    def host(self) -> str:
        """The host name of the base URL: in Message-IDs, and in our greeting to the mail server."""
        return urlsplit(self.base_url).hostname or "localhost"


def render(email: Email, petition: Definition | None, site: Site, now: float) -> EmailMessage:
    """The email of that kind. `petition` is None for the newsletter of the house; `now` is Unix time. Raises
    ValueError for an unknown kind, a missing petition or an address that can't be written to."""
    if email.kind == CONFIRM_NEWSLETTER:
        return confirm_newsletter(email, petition, site, now)
    if petition is None:
        raise ValueError("an email about a signature without its petition")
    if email.kind == CONFIRM_SIGNATURE:
        return confirm_signature(email, petition, site, now)
    if email.kind == ALREADY_SIGNED:
        # A petition may have become guarded after the letter was queued.
        write = confirm_signature if petition.profile == "guarded" else already_signed
        return write(email, petition, site, now)
    raise ValueError(f"no email is of kind {email.kind}")


def confirm_signature(email: Email, petition: Definition, site: Site, now: float) -> EmailMessage:
    """Ask whether the signature is the reader's. Behind the same link they can say that it was not them."""
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
    """Tell that the mailbox had signed before; the link leads to that signature. Raises ValueError for a
    guarded petition, which never says "already"."""
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
    """Ask whether the reader wants the newsletter of the house (`petition` None) or the updates about a
    petition."""
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
            first = _("Someone, most likely you, asked for our newsletter at this address.")
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
        # RFC 8058: both headers, so that a mail program's own button is enough.
        way_out = f"{site.base_url}/{email.language}/newsletter/unsubscribe/{email.unsubscribe}"
        _put_ours(message, "List-Unsubscribe", f"<{way_out}>")
        _put(message, "List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
    return message


def confirm_subject(petition: Definition, language: str) -> str:
    """The subject of the email that a signer gets, for the page that tells them to look for it."""
    with override(_site_language(language)):
        if petition.profile == "guarded":
            return _("Please confirm your request (%(word)s)") % {"word": petition.hint}
        return _("Please confirm your signature: %(title)s") % {"title": _title(petition, language)}


def newsletter_subject(petition: Definition | None, language: str) -> str:
    """The subject of the email that a new subscriber gets."""
    with override(_site_language(language)):
        if petition is not None and petition.profile == "guarded":
            return _("Please confirm your request (%(word)s)") % {"word": petition.hint}
        return _("Please confirm your subscription")


def _site_language(language: str) -> str:
    # A petition may stand in languages that the house itself does not speak.
    return language if language in settings.SITE_LANGUAGES else "en"


def _title(petition: Definition, language: str) -> str:
    text: Text = petition.texts.get(language) or petition.texts[petition.authoritative]
    return " ".join(text.title.split())


def _signed_by(petition: Definition | None, language: str, site: Site) -> str:
    if petition is None or petition.profile == "guarded":
        return site.host
    return " ".join((petition.organiser.get(language) or petition.organiser[petition.authoritative]).split())


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
    message = EmailMessage(policy=_POLICY)
    message.set_raw("From", _sender(site.sender))
    message["To"] = to = email.to.wire
    if [address.addr_spec for address in message["To"].addresses] != [to]:
        raise ValueError("not an email address: in a header it would be another, or several")
    _put(message, "Subject", subject)
    _put_ours(message, "Date", format_datetime(datetime.fromtimestamp(now, UTC)))
    _put_ours(message, "Message-ID", f"<{_message_id(email.id)}@{site.host}>")
    _put(message, "Auto-Submitted", "auto-generated")  # RFC 3834
    _put(message, "Content-Language", email.language)
    text = "\n".join([*opening, link, closing, "-- ", signed_by, email.checkpoint])
    text = text.rstrip("\n") + "\n"
    paragraphs = "".join(f"<p>{escape(line)}</p>\n" for line in opening)
    html = (
        f'<!doctype html>\n<html lang="{escape(email.language)}"><head><meta charset="utf-8">'
        f"<title>{escape(subject)}</title></head><body>\n"
        f'{paragraphs}<p><a href="{escape(link)}">{escape(link)}</a></p>\n<p>{escape(closing)}</p>\n'
        f"<p>-- <br>{escape(signed_by)}</p>\n{_small(email.checkpoint)}</body></html>\n"
    )
    _put(message, "MIME-Version", "1.0")
    _put(message, "Content-Type", f'multipart/alternative; boundary="{_BOUNDARY}"')
    message.attach(_part("plain", text))
    message.attach(_part("html", html))
    return message


def _small(checkpoint: str) -> str:
    return f"<pre><small>{escape(checkpoint)}</small></pre>\n" if checkpoint else ""


def _part(subtype: str, text: str) -> EmailMessage:
    """A text part, in seven bits on every road. Quoted-printable stays legible where most emails are Latin;
    it would triple Korean or Chinese."""
    part, raw = EmailMessage(policy=_POLICY), text.encode()
    if text.isascii():
        encoding, payload = "7bit", raw
    elif len(raw) < 1.3 * len(text):
        encoding, payload = "quoted-printable", quopri.encodestring(raw)
    else:
        encoding, payload = "base64", base64.encodebytes(raw.replace(b"\n", b"\r\n"))  # RFC 2045 §6.8
    _put(part, "Content-Type", f'text/{subtype}; charset="utf-8"')
    _put(part, "Content-Transfer-Encoding", encoding)
    part.set_payload(payload.decode("ascii"))
    return part


_POLICY = policy.SMTP
# One for all emails of a process; the library would draw it from a generator that other things could be guessed from.
_BOUNDARY = f"={secrets.token_hex(16)}"


class _Header(str):
    """A header's value that knows how it travels: the library neither parses nor folds it again, which for headers
    that are the same on every email would take half of an email's time."""

    name: str
    folded: str

    def fold(self, *, policy: object) -> str:
        """The whole header, as the library's generator asks for it."""
        return self.folded


def _put(message: EmailMessage, name: str, value: str) -> None:
    message.set_raw(name, _standing(name, value))


def _put_ours(message: EmailMessage, name: str, value: str) -> None:
    """A header that differs on every email, of plain words that we made: nothing in it needs folding."""
    header = _Header(value)
    header.name, header.folded = name, f"{name}: {value}{_POLICY.linesep}"
    message.set_raw(name, header)


@lru_cache(maxsize=4)
def _sender(address: str) -> BaseHeader:
    """Parsed once; the way out asks it for its bare address."""
    return _parsed("From", address)


@lru_cache(maxsize=256)
def _standing(name: str, value: str) -> _Header:
    header = _Header(value)
    header.name, header.folded = name, _parsed(name, value).fold(policy=_POLICY)
    return header


def _parsed(name: str, value: str) -> BaseHeader:
    """Raises ValueError for more than a line, which would be another header."""
    if len(value.splitlines()) != 1:
        raise ValueError("a header is one line")
    return cast(BaseHeader, _POLICY.header_factory(name, value))


def _message_id(email_id: int) -> str:
    """From the email's random id, so that an email sent twice after a crash is one email to a mail program.
    Hashed, so that a mailbox does not hold the key of a row."""
    return hashlib.sha256(b"message-id/1" + email_id.to_bytes(9, "big", signed=True)).hexdigest()[:32]
