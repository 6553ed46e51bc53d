"""A mailing in one language as an email: rendered once, then filled in for each reader.

Only the language, the reader's address and the token of their unsubscribe link differ. Nothing else is personal, and
nothing is loaded or counted: no picture, no link that leads over this server.
"""

import secrets
from dataclasses import dataclass, field

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import override

from sabal.configuration.sender import Sender
from sabal.mail.content import LATIN, TYPEFACES, Phrase, quoted, sentence
from sabal.mail.emails import Site
from sabal.mail.headers import mailbox, unstructured
from sabal.mail.lists import mailing_headers, unsubscribe_headers
from sabal.mail.message import Message
from sabal.mailings.parts import MARK, Part
from sabal.petitions.definition import Definition
from sabal.petitions.locales import direction
from sabal.petitions.markdown import to_html
from sabal.petitions.organisation import controller_name, language_of_names, organiser_name
from sabal.petitions.plaintext import to_plain
from sabal.settings import SITE_LANGUAGES

_BOUNDARY = f"={secrets.token_hex(16)}"  # nobody who writes a text can predict it


@dataclass(frozen=True, slots=True)
class MailingWords:
    """What a mailing says in one language: `body` is Markdown. `web` is the address of the same text, or empty."""

    language: str
    subject: str
    body: str
    web: str = ""


@dataclass(frozen=True, slots=True)
class MailingContext:
    """Whose list a mailing is for, and what it is about.

    `definition` names the organisation, whose key is `organisation`. `petition` is what the updates are about, None for
    the newsletter. `mailing` is its number. `reply_to` is an email address or empty.
    """

    definition: Definition
    petition: Definition | None
    organisation: str
    mailing: int
    reply_to: str = ""

    @property
    def guarded(self) -> bool:
        """Return whether the emails may name only the neutral word of the petition."""
        return self.petition is not None and self.petition.profile == "guarded"


@dataclass(frozen=True, slots=True)
class Rendered:
    """An email but for what differs between its readers. `text` and `html` contain `MARK` in place of the token."""

    subject: str
    text: str
    html: str
    language: str
    sender: Sender
    unsubscribe: str  # the address of the link, with MARK
    head: bytes = field(repr=False)  # the headers that are the same for all
    parts: tuple[Part, ...] = field(repr=False)

    def fill(self, to: str, token: str, message_id: str, date: str, bounces_to: str = "") -> Message:
        """Return the email for one reader.

        `to` is `EmailAddress.wire` of a checked address, `token` the 26 characters of the unsubscribe link, `date` as
        in RFC 5322, `bounces_to` the envelope sender if bounces are read.
        """
        url = self.unsubscribe.replace(MARK, token)
        own = (
            f"To: {to}",
            f"Message-ID: <{message_id}>",
            f"Date: {date}",
            *(f"{name}: {value}" for name, value in unsubscribe_headers(url).items()),
        )
        body = b"".join(b"--%b\r\n%b\r\n" % (_BOUNDARY.encode(), part.fill(token)) for part in self.parts)
        headers = self.head + "".join(f"{line}\r\n" for line in own).encode()
        content = b"%b\r\n%b--%b--\r\n" % (headers, body, _BOUNDARY.encode())
        return Message(self.sender.address, message_id, content, bounces_to)


def render(words: MailingWords, occasion: MailingContext, site: Site) -> Rendered:
    """Render a mailing in one language. Of a guarded petition's updates it says that there is news, and no more."""
    own = words.language if words.language in SITE_LANGUAGES else "en"
    with override(own):
        written = _neutral(words, occasion, site, own) if occasion.guarded else _written(words, occasion)
        unsubscribe = f"{site.base_url}/{own}/newsletter/unsubscribe/{MARK}"
        why, signed_by = _why(occasion, words.language), _signed_by(occasion, words.language, site, own)
        text = _as_text(written, why, unsubscribe, signed_by)
        html = _as_html(written, why, unsubscribe, signed_by, words.language, own)
    sender = _sender(occasion, words.language, site)
    parts = (Part.of("plain", text, words.language), Part.of("html", html, words.language))
    head = _head(written.subject, occasion, sender, words.language, site)
    return Rendered(written.subject, text, html, words.language, sender, unsubscribe, head, parts)


@dataclass(frozen=True, slots=True)
class _Written:
    subject: str
    text: str
    html: SafeString
    web: str


def _written(words: MailingWords, occasion: MailingContext) -> _Written:
    return _Written(
        " ".join(words.subject.split()),
        to_plain(words.body),
        mark_safe(to_html(words.body)),  # noqa: S308 - sanitised
        words.web,
    )


def _neutral(words: MailingWords, occasion: MailingContext, site: Site, own: str) -> _Written:
    assert occasion.petition is not None
    word = quoted(occasion.petition.hint, "en")
    said = sentence(
        _("There is news about what you asked for. The word for this request is “%(word)s”."), word=word
    )
    read = sentence(_("To read it, open this page:"))
    link = f"{site.base_url}/{own}/newsletter/news/{MARK}"
    html = f'<p>{said.html}</p>\n<p>{read.html}<br>\n<a href="{link}">{link}</a></p>'
    return _Written(
        _("There is news (%(word)s)") % {"word": word.text},
        f"{said.text}\n\n{read.text}\n\n{link}",
        mark_safe(html),  # noqa: S308 - of escaped phrases and an address of our own
        "",
    )


def _why(occasion: MailingContext, language: str) -> Phrase:
    """Return why the reader gets this."""
    petition = occasion.petition
    if petition is None:
        spoken = language_of_names(occasion.definition, language)
        return sentence(
            _("You get this email because you asked for the newsletter of %(name)s at this address."),
            name=quoted(organiser_name(occasion.definition, language), spoken),
        )
    if occasion.guarded:
        return sentence(_("You get this email because you asked for news at this address."))
    text = petition.texts.get(language) or petition.texts[petition.authoritative]
    return sentence(
        _("You get this email because you asked for news about “%(title)s” at this address."),
        title=quoted(" ".join(text.title.split()), text.language),
    )


def _signed_by(occasion: MailingContext, language: str, site: Site, own: str) -> Phrase:
    """Return who is responsible for the list, with the postal address, or the name of the site if nobody is named."""
    if occasion.guarded:
        return quoted(site.name, own)
    definition = occasion.definition
    name, spoken = controller_name(definition, language), language_of_names(definition, language)
    addresses = definition.controller.address
    address = addresses.get(language) or addresses.get(definition.authoritative, "")
    lines = [" ".join(line.split()).rstrip(",") for line in (name, *address.splitlines())]
    return quoted(", ".join(filter(None, lines)), spoken)


def _sender(occasion: MailingContext, language: str, site: Site) -> Sender:
    if occasion.guarded:
        return site.sender
    return Sender(organiser_name(occasion.definition, language), site.sender.address)


def _as_text(written: _Written, why: Phrase, unsubscribe: str, signed_by: Phrase) -> str:
    paragraphs = [written.text]
    if written.web:
        paragraphs.append(_("On the web:") + f" {written.web}")
    leave = _("To unsubscribe, open this page:")
    paragraphs.append(f"-- \n{why.text}\n\n{leave}\n{unsubscribe}")
    return "\n\n".join([*paragraphs, signed_by.text]) + "\n"


def _as_html(
    written: _Written, why: Phrase, unsubscribe: str, signed_by: Phrase, language: str, own: str
) -> str:
    from django.template.loader import render_to_string  # it loads `django.db`

    context = {
        "written": written,
        "why": why,
        "unsubscribe": unsubscribe,
        "signed_by": signed_by,
        "language": language,
        "dir": direction(language),
        "own": own,
        "own_dir": direction(own),
        "typeface": TYPEFACES.get(language.partition("-")[0], LATIN),
    }
    return render_to_string("mailings/email.html", context)


def _head(subject: str, occasion: MailingContext, sender: Sender, language: str, site: Site) -> bytes:
    shared = mailing_headers(occasion.organisation, occasion.petition, site.list_domain, occasion.mailing)
    lines = [
        mailbox("From", sender.name, sender.address),
        *([f"Reply-To: {occasion.reply_to}"] if occasion.reply_to and not occasion.guarded else ()),
        unstructured("Subject", subject),
        *(f"{name}: {value}" for name, value in shared.items()),
        "Auto-Submitted: auto-generated",  # RFC 3834: out-of-office programs do not answer
        f"Content-Language: {language}",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/alternative; boundary="{_BOUNDARY}"',
    ]
    return "".join(f"{line}\r\n" for line in lines).encode()
