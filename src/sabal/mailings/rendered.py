"""The emails of mailings that are being sent: each is rendered once for a language, and filled in for each reader."""

import hmac
import secrets
from collections.abc import Sequence
from dataclasses import replace
from email.utils import formatdate

from sabal import days
from sabal import token as tokens
from sabal.database import Database
from sabal.keys.keystore import KeyMissing, unseal
from sabal.mail.address import EmailAddress
from sabal.mail.emails import Site
from sabal.mail.message import Message
from sabal.mail.verp import Sent
from sabal.mailings.claims import ClaimedRecipient
from sabal.mailings.rendering import MailingContext, MailingWords, Rendered, render
from sabal.mailings.running import Running
from sabal.mailings.tables import mailing_of
from sabal.newsletter.subscription import CONFIRMED, unsubscribe_token
from sabal.newsletter.suppression import FREE
from sabal.petitions.organisation import organisations
from sabal.petitions.snapshots import Snapshots
from sabal.settings import SITE_LANGUAGES

EXAMPLE = "x" * 26  # in place of the token of a link


class RenderedEmails:
    """The emails of one process. `key` is the subscribers' key."""

    def __init__(self, key: bytes, snapshots: Snapshots, site: Site) -> None:
        self.key, self._snapshots, self._site = key, snapshots, site
        self._rendered: dict[tuple[int, str], tuple[MailingContext, MailingWords, Rendered]] = {}

    def of(self, database: Database, mailing: Running, language: str) -> Rendered:
        """Return the email of a mailing in a language; rendered again if its words or its petition have changed.

        Raises LookupError if neither the organisation nor the petition is published any more.
        """
        occasion = self._occasion(database, mailing)
        known = self._rendered.get((mailing.id, language))
        words = mailing.texts[language]
        if known is None or known[:2] != (occasion, words):
            shown = replace(words, web=self._web(mailing, language))
            known = occasion, words, render(shown, occasion, self._site)
            self._rendered[mailing.id, language] = known
        return known[2]

    def fill(self, found: Rendered, one: ClaimedRecipient, to: EmailAddress, now: float) -> Message:
        """Return the email for a subscriber. `now` is Unix time (seconds). Raises ValueError for a bad address."""
        return found.fill(
            to.wire,
            tokens.encode(unsubscribe_token(self.key, one.subscription_id)),
            self._message_id(one.id),
            formatdate(now),
            self._bounces_to(one, now),
        )

    def fill_test(self, found: Rendered, to: EmailAddress, now: float) -> Message:
        """Return the email as a test to a person who works here. Its link unsubscribes nobody."""
        return found.fill(
            to.wire, EXAMPLE, f"{secrets.token_hex(16)}@{self._site.mail_domain}", formatdate(now)
        )

    def readers(
        self, database: Database, claimed: Sequence[ClaimedRecipient]
    ) -> dict[int, EmailAddress | None]:
        """Return the addresses of recipients who may still be emailed, by their subscription.

        None: the stored address cannot be read.
        """
        where, params = database.among("s.id", [one.subscription_id for one in claimed])
        rows = database.query(
            "SELECT s.id, s.sealed_address FROM newsletter_subscription s"
            f" WHERE {where} AND s.state = {CONFIRMED} AND {FREE}",
            params,
        )
        return {row[0]: self._opened(bytes(row[1])) for row in rows}

    def _opened(self, sealed: bytes) -> EmailAddress | None:
        try:
            return EmailAddress.stored(unseal(self.key, sealed, b"subscriber").decode())
        except (KeyMissing, ValueError):
            return None

    def _occasion(self, database: Database, mailing: Running) -> MailingContext:
        of = mailing.audience.list
        petition = self._snapshots.by_id(of.petition_id) if of.petition_id else None
        if of.petition_id and (petition is None or petition.state == "draft"):
            raise LookupError("the petition of a mailing is not published")
        known = {one.key: one.definition for one in organisations(self._snapshots.published())}
        definition = petition.definition if petition else known.get(of.organisation)
        if definition is None:
            raise LookupError("the organisation of a mailing has no published petition")
        replies = database.query(
            "SELECT reply_to FROM mailings_newsletter WHERE organisation = ?", (of.organisation,)
        )
        return MailingContext(
            definition,
            petition.definition if petition else None,
            of.organisation,
            mailing.id,
            replies[0][0] if replies else "",
        )

    def _bounces_to(self, one: ClaimedRecipient, now: float) -> str:
        if self._site.verp is None:
            return ""
        return self._site.verp.sender(Sent(one.subscription_id, mailing_of(one.id), days.number_at(now)))

    def _web(self, mailing: Running, language: str) -> str:
        """Return the address of an issue on the public pages; empty if it has none.

        The key in it may be the slug of a guarded petition, which no email names.
        """
        key = mailing.audience.list.organisation
        own = [one for one in self._snapshots.published() if one.organisation == key]
        if mailing.number is None or any(one.profile.guarded for one in own):
            return ""
        spoken = language if language in SITE_LANGUAGES else "en"
        return f"{self._site.base_url}/{spoken}/newsletter/{key}/issues/{mailing.number}"

    def _message_id(self, recipient: int) -> str:
        """Return the Message-ID of a recipient's email, so that one that is sent twice has the same."""
        hashed = hmac.digest(self.key, b"mailing/1\0" + recipient.to_bytes(8, "big"), "sha256")
        return f"{hashed[:16].hex()}@{self._site.mail_domain}"
