"""What all emails of the site share: the email as the outbox opened it, the site that sends it, and its headers.

Plain text first, one link, in the reader's language, short enough for a watch. `kinds.py` writes an email of each kind.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from sabal import settings
from sabal.configuration.hosts import mail_domain
from sabal.configuration.sender import Sender
from sabal.mail.address import EmailAddress
from sabal.mail.content import Content, Phrase, quoted
from sabal.mail.message import Message, compose, make_message_id
from sabal.mail.row import NO_LIST, NO_ORIGIN, ListName, Origin
from sabal.mail.verp import Verp
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


def composed(
    content: Content, email: Email, site: Site, now: float, headers: Mapping[str, str] | None = None
) -> Message:
    """Return the email with its headers. `headers` are more of them, in ASCII."""
    return compose(
        content,
        sender=site.sender,
        to=email.to.wire,
        message_id=make_message_id(email.id, site.mail_domain),
        now=now,
        language=site_language(email.language),
        more=headers,
    )


def site_language(language: str) -> str:
    """Return the language of the site's own words for readers of a language; English if the site does not have it."""
    # A petition may have languages that the site itself does not have.
    return language if language in settings.SITE_LANGUAGES else "en"


def word_of(petition: Definition) -> Phrase:
    """Return the neutral word of a guarded petition."""
    return quoted(petition.hint, "en")


def title_of(petition: Definition, language: str) -> Phrase:
    """Return the title of a petition, in its authoritative language if it lacks the reader's."""
    text: Text = petition.texts.get(language) or petition.texts[petition.authoritative]
    return quoted(" ".join(text.title.split()), text.language)


def signed_by(petition: Definition | None, language: str, site: Site) -> Phrase:
    """Return who signs an email: the organiser, or the site if the petition is guarded or there is none."""
    if petition is None or petition.profile == "guarded":
        return quoted(site.name, site_language(language))
    spoken = language if language in petition.organiser else petition.authoritative
    return quoted(organiser_name(petition, language), spoken)
