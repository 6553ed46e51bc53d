"""What visitors do with the newsletter: ask for it, confirm, unsubscribe.

Every answer to asking is the same, whether the mailbox is new, on the list, or wants no emails. Each form runs on a
thread of the pool, with a database connection of its own.
"""

import logging
from collections.abc import Callable
from contextlib import closing

from sabal import token
from sabal.database import OperationalError, connect
from sabal.front.app import App
from sabal.http import Refused, Request, Response, busy, see_other
from sabal.keys.keystore import KeyMissing
from sabal.newsletter import consent, form, subscription
from sabal.newsletter.ask import ask
from sabal.pages import newsletter as pages

logger = logging.getLogger("sabal.front")


class NewsletterHandlers:
    """The verbs of the newsletter in one process."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def subscribe(self, request: Request) -> Response:
        """POST /{language}/newsletter: an email is sent where one may be, and the answer does not say whether."""
        return await self._run(self._subscribe, request)

    def _subscribe(self, request: Request) -> Response:
        published, language = self._app.snapshots.published(), request.language
        organiser = consent.offered_by(published, language)
        if organiser is None:
            raise Refused(404, "not-found")
        asked = form.check(request.body, consent.sentence("newsletter", language, organiser))
        if isinstance(asked, form.SubscribeMistakes):
            return pages.subscribe(published, language, asked)
        if not asked.is_robot:
            keyring, limits = self._app.keyring, self._app.limits
            with closing(connect()) as database:
                ask(database, keyring, limits, asked.address, language, organiser, int(request.now))
        return see_other(f"/{language}/newsletter/asked")

    async def confirm_page(self, request: Request) -> Response:
        """GET: the button behind every link to confirm. Opening a link changes nothing, so all show one page."""
        return await self._app.prepared.page("newsletter-confirm", request.language)

    async def confirm(self, request: Request) -> Response:
        """POST: the subscription is confirmed. Pressing twice is harmless."""
        return await self._run(self._confirm, request)

    def _confirm(self, request: Request) -> Response:
        t = token.decode(request.token)
        done = False
        if t is not None:
            link = subscription.confirm_hash(t)
            # Anybody can invent links: they are looked for, and wait for no writer nor make one wait.
            with closing(connect()) as database:
                if subscription.is_link(database, link):
                    with database.transaction():
                        done = subscription.confirm(database, link)
        if not done:
            return pages.gone(self._app.snapshots.published(), request.language)
        return pages.confirmed(request.language)

    async def unsubscribe_page(self, request: Request) -> Response:
        """GET: the button behind every link to unsubscribe."""
        return await self._app.prepared.page("newsletter-unsubscribe", request.language)

    async def unsubscribe(self, request: Request) -> Response:
        """POST: the subscription ends. Email programs post here by themselves (RFC 8058), so no redirect follows.

        Twice is harmless, and both times the answer is 200: an email program tries again after a failure.
        """
        return await self._run(self._unsubscribe, request)

    def _unsubscribe(self, request: Request) -> Response:
        t = token.decode(request.token)
        row_id = subscription.row_of(self._app.keyring.need_subscribers(), t) if t else None
        if row_id is None:
            return pages.unknown(request.language)
        with closing(connect()) as database:
            if subscription.is_row(database, row_id):
                with database.transaction():
                    subscription.unsubscribe(database, row_id)
        return pages.unsubscribed(request.language)

    async def _run(self, verb: Callable[[Request], Response], request: Request) -> Response:
        """Without a key or the database: a 503, nothing stored, and the reason in the log alone."""
        try:
            return await self._app.pool.form(verb, request)
        except (*OperationalError, KeyMissing, OSError) as error:
            logger.error("the newsletter cannot be served: %s", type(error).__name__)
            raise busy() from None
