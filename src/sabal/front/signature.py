"""The handlers behind the link of an email: confirm, not me, receipt, promise, proof, end the newsletter, withdraw.

Opening a link changes nothing, because programs that scan emails open links. A link without a signature has one answer,
whether it was invented or is old.
"""

import asyncio
from contextlib import closing
from datetime import date

from sabal import days, token
from sabal.database import connect
from sabal.front.app import App
from sabal.front.links import token_of
from sabal.front.newsletter import busy_if_missing
from sabal.http import Request, Response, busy, see_other
from sabal.ledger import receipt
from sabal.newsletter.leaving import end_newsletter
from sabal.pages.html import site_language
from sabal.petitions.countries import country_name, day_in_full
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.signing import operations
from sabal.signing.operations import Outcome
from sabal.signing.pending_payload import PendingPayload, open_mailbox
from sabal.signing.writer.find import Entered, Found, is_late


class SignatureHandlers:
    """The handlers of one process for links to signatures."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def confirm_page(self, request: Request) -> Response:
        """GET: show the typed values and a button. Opening a link changes nothing."""
        t, found = await self._found(request)
        if found is None:
            return await self._gone(request)
        if found.pending_payload is None:
            if self._is_late(found, request.today):
                return await self._gone(request)
            return see_other(f"/{request.language}/signature/{token.encode(t)}")
        payload = PendingPayload.open(t, found.pending_payload)
        return await self._app.prepared.page(
            "confirm",
            request.language,
            found.petition_id,
            token=token.encode(t),
            name=payload.name,
            country=country_name(payload.country, request.language) if payload.country else "",
            comment=payload.comment,
            display=payload.display,
            updates="updates" if "updates" in payload.subscribe else "",
            newsletter="newsletter" if "newsletter" in payload.subscribe else "",
        )

    async def confirm(self, request: Request) -> Response:
        """POST: confirm the signature and the ticked boxes. A second POST changes nothing.

        An invented link costs the writer one look-up within a batch, and no write. A separate look-up before each real
        confirmation would cost more.
        """
        t = token_of(request)
        today = days.number(request.today)
        outcome = await self._app.commit(lambda: operations.Confirm(t, token.digest(t), today))
        if outcome is Outcome.GONE:
            return await self._gone(request)
        return see_other(f"/{request.language}/signature/{token.encode(t)}")

    async def not_me_page(self, request: Request) -> Response:
        """GET: explain "this was not me", with a button."""
        t, found = await self._found(request)
        if found is None or found.pending_payload is None:
            return await self._gone(request)
        return await self._app.prepared.page(
            "not-me", request.language, found.petition_id, token=token.encode(t)
        )

    async def not_me(self, request: Request) -> Response:
        """POST: delete the pending signature. The email address gets no more emails of this petition."""
        t, found = await self._found(request)
        if found is not None and found.pending_payload is not None:
            petition, payload = self._petition(found), PendingPayload.open(t, found.pending_payload)
            await self._app.commit(
                lambda: operations.NotMe(petition.id, token.digest(t), payload.suppression)
            )
        return see_other(f"/{request.language}/confirm/not-me")

    async def not_me_done(self, request: Request) -> Response:
        """GET: the page after "not me". It is the same for everyone, so its path holds no token."""
        return await self._app.prepared.page("not-me-done", request.language)

    # ---- receipt, newsletter, withdraw

    async def receipt(self, request: Request) -> Response:
        """GET /{language}/signature/{token}: show the state of the signature in the log, and how to withdraw it."""
        t, found = await self._found(request)
        if found is not None and found.pending_payload is not None:
            return see_other(f"/{request.language}/confirm/{token.encode(t)}")
        if found is None or self._is_late(found, request.today):
            return await self._gone(request)
        by, batch, day = self._state_in_log(request, found)
        return await self._app.prepared.page(
            "receipt",
            request.language,
            found.petition_id,
            token=token.encode(t),
            by=by,
            batch=batch,
            day=day,
        )

    def _state_in_log(self, request: Request, found: Found) -> tuple[str, str, str]:
        """Return the promised day, or the batch and its day; the values that do not apply are empty.

        The days are in the language of the sentences around them.
        """
        petition, language = self._petition(found), site_language(request.language)
        if entered := _entered(petition, found):
            return "", str(entered.batch), day_in_full(days.date_of(entered.day), language)
        by = receipt.include_by(petition.profile, days.number(request.today)) // days.SECONDS
        return day_in_full(days.date_of(by - 1), language), "", ""

    async def promise(self, request: Request) -> Response:
        """GET /{language}/signature/{token}.promise: return the signed promise as a file."""
        found = await self._signature(request)
        if found is None:
            return await self._gone(request)
        try:
            note = receipt.promise(self._petition(found), found.commitment, days.number(request.today))
        except receipt.NoPromise:
            raise busy() from None
        return _file("promise.txt", note)

    async def proof(self, request: Request) -> Response:
        """GET /{language}/signature/{token}.tlog-proof: return the inclusion proof, and `w` to show whose it is."""
        found = await self._signature(request)
        if found is None:
            return await self._gone(request)
        petition = self._petition(found)
        entered = _entered(petition, found)
        if entered is None or entered.index is None:
            return await self._gone(request)
        proof = await asyncio.to_thread(receipt.proof, petition, entered.index, found.w)
        return _file("signature.tlog-proof", proof)

    async def _signature(self, request: Request) -> Found | None:
        """Return the confirmed signature while its link shows it; None for later links to it."""
        _, found = await self._found(request)
        if found is None or not found.commitment or self._is_late(found, request.today):
            return None
        return found

    async def newsletter_page(self, request: Request) -> Response:
        """GET: say what ending the newsletter does, with a button. The page is the same for all links."""
        t = token_of(request)
        return await self._app.prepared.page("end-newsletter", request.language, token=token.encode(t))

    async def end_newsletter(self, request: Request) -> Response:
        """POST: end the newsletter of the petition's organisation for the address of this link.

        The answer is the same for all links. Late links end nothing, so that a clock does not tell them from invented
        ones.
        """
        t, found = await self._found(request)
        if found is not None and found.mailbox and not self._is_late(found, request.today):
            organisation = self._petition(found).organisation
            with busy_if_missing():
                await self._app.pool.unsubscribe(
                    _end_newsletter, organisation, open_mailbox(t, found.mailbox)
                )
        return see_other(f"/{request.language}/signature/newsletter-ended")

    async def newsletter_ended(self, request: Request) -> Response:
        """GET: the page after ending the newsletter. It is the same for everyone, so its path holds no token."""
        return await self._app.prepared.page("newsletter-ended", request.language)

    async def withdraw_page(self, request: Request) -> Response:
        """GET: say what withdrawing does, with a button. The page is the same for real and invented links."""
        t = token_of(request)
        return await self._app.prepared.page("withdraw", request.language, token=token.encode(t))

    async def withdraw(self, request: Request) -> Response:
        """POST: delete record, dedupe tag and links.

        The answer is the same for real and invented links, unless the petition is open: then the real link has shown
        it before, and the answer has a link to sign it again.
        """
        t, found = await self._found(request)
        # Anyone can invent links, so only real ones reach the writer. Timing may reveal a real link, but it is used up.
        if found is not None or await self._is_real_late(t):
            await self._app.commit(lambda: operations.Withdraw(t, token.digest(t)))
        petition = self._app.snapshots.by_id(found.petition_id) if found else None
        if petition and not petition.profile.guarded and request.language in petition.definition.languages:
            return see_other(f"/{request.language}/{petition.slug}/withdrawn")
        return see_other(f"/{request.language}/signature/withdrawn")

    async def withdrawn(self, request: Request) -> Response:
        """GET: the page after withdrawing. It is the same for everyone, so its path holds no token."""
        return await self._app.prepared.page("withdrawn", request.language)

    async def _found(self, request: Request) -> tuple[bytes, Found | None]:
        t = token_of(request)
        return t, await self._app.find(token.digest(t))

    async def _is_real_late(self, t: bytes) -> bool:
        """Return whether a link without a signature once had one, and may still withdraw it."""
        return await self._app.find(token.late(token.digest(t))) is not None

    async def _gone(self, request: Request) -> Response:
        """Return one neutral page (404) for a link without a signature, invented or old.

        On a site with a guarded petition, every old link has this page. It offers to withdraw, without telling whether
        there is a signature.
        """
        if any(p.profile.guarded for p in self._app.snapshots.published()):
            return await self._app.prepared.page(
                "old-link", request.language, status=404, token=request.token.lower()
            )
        return await self._app.prepared.page("gone", request.language, status=404)

    def _petition(self, found: Found) -> PetitionSnapshot:
        petition = self._app.snapshots.by_id(found.petition_id)
        if petition is None:
            raise busy()
        return petition

    def _is_late(self, found: Found, today: date) -> bool:
        return is_late(self._app.snapshots.by_id(found.petition_id), found.counted_on, days.number(today))


def _end_newsletter(organisation: str, address_hash: bytes) -> Response:
    with closing(connect()) as database, database.transaction():
        end_newsletter(database, organisation, address_hash)
    return Response(200)


def _entered(petition: PetitionSnapshot, found: Found) -> Entered | None:
    """Return the signature's batch and index in the published log; None while that log does not have it."""
    entered = found.entered
    if entered is None or (entered.index is not None and entered.index >= petition.counts.log_size):
        return None
    return entered


def _file(name: str, data: bytes) -> Response:
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-disposition", f'attachment; filename="{name}"'.encode()),
        (b"x-robots-tag", b"noindex"),
    ]
    return Response(200, headers, data)
