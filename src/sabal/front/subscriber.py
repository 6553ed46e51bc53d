"""The handlers of a subscriber's own page, which the link in every email of a list leads to.

GET changes nothing. Each request runs on a thread of the pool, in the lanes of the newsletter.
"""

from contextlib import closing

from sabal import days, posted, settings
from sabal.database import connect
from sabal.front.app import App
from sabal.front.links import token_of
from sabal.front.newsletter import busy_if_missing
from sabal.front.pool import Busy
from sabal.http import Refused, Request, Response, busy, see_other
from sabal.newsletter import leaving, own, subscription
from sabal.pages import newsletter as pages


class SubscriberHandlers:
    """The handlers of one process."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def page(self, request: Request) -> Response:
        """GET: show what is kept about this subscription, and what can be changed."""
        with busy_if_missing():
            row_id = self._row_of(request)
            try:
                return await self._app.pool.look(self._page, request, row_id)
            except Busy:
                raise busy() from None

    def _page(self, request: Request, row_id: int) -> Response:
        with closing(connect()) as database:
            kept = own.kept(database, self._app.keyring.need_subscribers(), row_id)
        if kept is None:
            return pages.unsubscribed(request.language)
        return pages.own(self._app.snapshots.published(), request.language, kept)

    async def change(self, request: Request) -> Response:
        """POST: change the language, or leave this list or all of the organisation. A second POST changes nothing."""
        with busy_if_missing():
            return await self._app.pool.form(self._change, request, self._row_of(request))

    def _change(self, request: Request, row_id: int) -> Response:
        fields = posted.fields(request.body, ("do", "language")) or {}
        wanted, day = fields.get("do"), days.number_at(request.now)
        with closing(connect()) as database, database.transaction():
            if wanted == "leave":
                leaving.unsubscribe(database, row_id, day)
            elif wanted == "leave-all":
                own.leave_all(database, row_id, day)
            elif wanted == "language" and (language := fields.get("language")) in settings.SITE_LANGUAGES:
                own.change_language(database, row_id, str(language))
                path = request.path.split("/", 2)[2]
                return see_other(f"/{language}/{path}#saved")
            else:
                raise Refused(400, "bad-request")
        return pages.unsubscribed(request.language, everywhere=wanted == "leave-all")

    def _row_of(self, request: Request) -> int:
        """Return the id of the subscription in the link. Raises Refused (404) if somebody invented it."""
        row_id = subscription.row_of(self._app.keyring.need_subscribers(), token_of(request))
        if row_id is None:
            raise Refused(404, "newsletter-unknown")
        return row_id
