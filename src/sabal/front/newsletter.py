"""The handlers of the newsletter: subscribe, confirm, unsubscribe.

The answer to a request to subscribe is the same whether the email address is new, subscribed, or wants no emails. Each
form runs on a thread of the pool, with its own database connection.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

from sabal import days, token
from sabal.database import OperationalError, connect
from sabal.elsewhere import inviting
from sabal.front.app import App
from sabal.front.links import token_of
from sabal.front.pool import Busy
from sabal.http import Refused, Request, Response, busy, redirect, see_other
from sabal.keys.keystore import KeyMissing
from sabal.newsletter import consent, form, leaving, subscription
from sabal.newsletter.ask import ask
from sabal.pages import newsletter as pages

LOOK = 2.0  # seconds to look up a link before its page is shown without
logger = logging.getLogger("sabal.front")


class NewsletterHandlers:
    """The newsletter's handlers of one process."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def subscribe(self, request: Request) -> Response:
        """POST /{language}/newsletter/{organisation}: queue an email if one may be sent.

        The answer does not tell whether one was.
        """
        with busy_if_missing():
            return await self._app.pool.form(self._subscribe, request)

    def _subscribe(self, request: Request) -> Response:
        published, language = self._app.snapshots.published(), request.language
        organisation = pages.offering(published, request.organisation)
        asked = form.check(
            request.body,
            consent.sentence("newsletter", organisation.definition, language),
            takes_international=self._app.takes_international,
        )
        if isinstance(asked, form.SubscribeMistakes):
            return pages.subscribe(published, language, organisation.key, asked)
        keyring, limits = self._app.keyring, self._app.limits
        # As for signing: a password manager may have filled in the hidden field. All these emails are in the slow lane.
        if asked.is_robot and not limits.robot(organisation.key, request.network, request.now):
            raise Refused(429, "too-many", [(b"retry-after", b"3600")])
        with closing(connect()) as database:
            ask(database, keyring, limits, asked.address, language, organisation, int(request.now))
        return see_other(f"/{language}/newsletter/{organisation.key}/asked")

    async def confirm_page(self, request: Request) -> Response:
        """GET: show the button to confirm, or that the link was used. Opening a link changes nothing."""
        t = token_of(request)
        button = await self._app.prepared.page("newsletter-confirm", request.language)
        return await self._seen(self._confirm_page, request.language, t, button)

    def _confirm_page(self, language: str, t: bytes, button: Response) -> Response:
        with closing(connect()) as database:
            found = subscription.of_link(database, subscription.confirm_hash(t))
        if found is None:
            return pages.gone(self._app.snapshots.published(), language)
        return self._confirmed(language, found) if found.is_confirmed else button

    async def _seen(
        self, look: Callable[[str, Any, Response], Response], language: str, link: object, button: Response
    ) -> Response:
        """Return what a link shows. If that cannot be looked up at once, return the page with the button.

        So a flood of invented links, or a database that hangs, takes this page from nobody.
        """
        try:
            async with asyncio.timeout(LOOK):
                return await self._app.pool.look(look, language, link, button)
        except (Busy, TimeoutError, *OperationalError, OSError):
            return button

    async def confirm(self, request: Request) -> Response:
        """POST: confirm the subscription. A second POST changes nothing."""
        t = token_of(request)
        with busy_if_missing():
            return await self._app.pool.form(self._confirm, request.language, t, days.number_at(request.now))

    def _confirm(self, language: str, t: bytes, day: int) -> Response:
        done, link = None, subscription.confirm_hash(t)
        # Anyone can invent links. An invented one is only looked up: it takes no write lock and delays no writer.
        with closing(connect()) as database:
            found = subscription.of_link(database, link)
            if found is not None:
                with database.transaction():
                    done = subscription.confirm(database, link, day)
        if found is None or done is None:
            return pages.gone(self._app.snapshots.published(), language)
        return self._confirmed(language, found)

    def _confirmed(self, language: str, found: subscription.Linked) -> Response:
        key = self._app.keyring.subscribers
        leave = token.encode(subscription.unsubscribe_token(key, found.id)) if key else ""
        organisation = "" if found.list.petition_id else found.list.organisation
        return pages.confirmed(self._app.snapshots.published(), language, organisation, leave)

    async def unsubscribe_page(self, request: Request) -> Response:
        """GET: show which list it is and the button to unsubscribe, or that it is done."""
        t, key = token_of(request), self._app.keyring.subscribers
        button = await self._app.prepared.page(
            "newsletter-unsubscribe", request.language, token=token.encode(t)
        )
        if key is None:
            return button
        if subscription.row_of(key, t) is None:
            raise Refused(404, "newsletter-unknown")
        return await self._seen(self._unsubscribe_page, request.language, t, button)

    def _unsubscribe_page(self, language: str, t: bytes, button: Response) -> Response:
        key = self._app.keyring.subscribers
        row_id = subscription.row_of(key, t) if key else None
        if row_id is None:
            return button
        with closing(connect()) as database:
            of = subscription.list_of(database, row_id)
        if of is None:
            return pages.unsubscribed(language)
        return pages.unsubscribe(self._app.snapshots.published(), language, of, token.encode(t))

    async def news(self, request: Request) -> Response:
        """GET: lead a subscriber to the page of the petition, which the email did not name."""
        t = token_of(request)
        with busy_if_missing():
            row_id = subscription.row_of(self._app.keyring.need_subscribers(), t)
            if row_id is None:
                raise Refused(404, "newsletter-unknown")
            try:
                return await self._app.pool.look(self._news, request.language, row_id)
            except Busy:
                raise busy() from None

    def _news(self, language: str, row_id: int) -> Response:
        with closing(connect()) as database:
            of = subscription.list_of(database, row_id)
        petition = self._app.snapshots.by_id(of.petition_id) if of else None
        if petition is None or petition.state == "draft":
            return pages.unsubscribed(language)
        languages = petition.definition.languages
        spoken = language if language in languages else petition.definition.authoritative
        return redirect(f"/{spoken}/{petition.slug}").adding((b"cache-control", b"no-store"))

    async def unsubscribe(self, request: Request) -> Response:
        """POST: end the subscription. Email programs post here by themselves (RFC 8058), so no redirect follows.

        A second POST changes nothing and is also answered with 200: an email program tries again after a failure.
        """
        t = token_of(request)
        with busy_if_missing():
            # Anyone can invent links. The MAC tells them apart here, so they take no thread from real ones.
            row_id = subscription.row_of(self._app.keyring.need_subscribers(), t)
            if row_id is None:
                raise Refused(404, "newsletter-unknown")
            day = days.number_at(request.now)
            return await self._app.pool.unsubscribe(self._unsubscribe, request.language, row_id, day)

    def _unsubscribe(self, language: str, row_id: int, day: int) -> Response:
        with closing(connect()) as database:
            if subscription.is_row(database, row_id):
                with database.transaction():
                    leaving.unsubscribe(database, row_id, day)
        return pages.unsubscribed(language)

    # ---- the invitation to sign here, sent to a person who signed elsewhere

    async def refuse_page(self, request: Request) -> Response:
        """GET /{language}/invitation/{token}: show the button to get no more emails. The link alone changes nothing."""
        t, key = token_of(request), self._app.keyring.subscribers
        if key is not None and inviting.invited_of(key, t) is None:
            raise Refused(404, "newsletter-unknown")
        return await self._app.prepared.page("invitation-refuse", request.language)

    async def refuse(self, request: Request) -> Response:
        """POST: suppress the address. Email programs post here by themselves (RFC 8058), so no redirect follows."""
        t = token_of(request)
        with busy_if_missing():
            invited = inviting.invited_of(self._app.keyring.need_subscribers(), t)
            if invited is None:
                raise Refused(404, "newsletter-unknown")
            await self._app.pool.unsubscribe(self._refuse, invited, days.number(request.today))
        return await self._app.prepared.page("invitation-refused", request.language)

    def _refuse(self, invited: int, today: int) -> Response:
        with closing(connect()) as database:
            inviting.refuse(database, invited, today)
        return Response(200)


@contextmanager
def busy_if_missing() -> Iterator[None]:
    """If a key or the database is missing, log the reason and raise Refused (503)."""
    try:
        yield
    except (*OperationalError, KeyMissing, OSError) as error:
        logger.error("the newsletter cannot be served: %s", type(error).__name__)
        raise busy() from None
