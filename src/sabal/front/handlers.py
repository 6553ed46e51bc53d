"""The handlers of visitors, from parsed request to answer: sign, confirm, not me, receipt, withdraw.

Each handler reads top to bottom: parse, look up, one operation, answer. An answer is sent only after the change is on
disk. All answers to signing are the same, whatever is known about the email address.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, date, datetime

from sabal import days, settings, token
from sabal.front.app import App
from sabal.front.languages import best_language
from sabal.front.links import token_of
from sabal.front.turns import Turns
from sabal.http import Refused, Request, Response, busy, redirect, see_other, text
from sabal.ledger import receipt
from sabal.mail.ids import NORMAL, SLOW
from sabal.mail.providers import is_large
from sabal.pages.html import site_language
from sabal.pages.petition import petition as petition_page
from sabal.petitions.countries import country_name, day_in_full
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.signing import form, held, operations
from sabal.signing.group import Unavailable
from sabal.signing.operations import Outcome
from sabal.signing.pending_payload import PendingPayload
from sabal.signing.sign import Circumstances, NotReady, sign
from sabal.signing.writer.find import Entered, Found, is_late

REFRESHED_WITHIN = 1.2  # seconds; by then this process has seen the change of another one


class Handlers:
    """The visitors' handlers of one process."""

    def __init__(self, app: App) -> None:
        self._app, self._turns = app, Turns()

    # ---- the site -------------------------------------------------------------------------------------------------

    async def home(self, request: Request) -> Response:
        """GET /: redirect to the only petition, or to the list of petitions, in the reader's language."""
        petitions = self._app.snapshots.published()
        accept = request.headers.get(b"accept-language")
        if len(petitions) == 1:
            languages = petitions[0].definition.languages
            path = f"/{best_language(accept, languages, languages[0])}/{petitions[0].slug}"
        else:
            path = f"/{best_language(accept, settings.SITE_LANGUAGES, 'en')}"
        return redirect(path)

    async def health(self, request: Request) -> Response:
        """GET /healthz: answer whether a load balancer should send visitors to this process now."""
        return text(200, "ok\n") if self._app.is_healthy else text(503, "busy\n")

    # ---- sign -----------------------------------------------------------------------------------------------------

    async def sign(self, request: Request) -> Response:
        """POST /{language}/{slug}/sign: 303 to `sent`, the same for everyone, or the page with the typed values."""
        petition = self._app.snapshots.by_slug(request.slug)
        if petition is None:
            raise Refused(404, "not-found")
        fields = form.read(request.body)
        if not request.own_origin:
            # The form of another site: show our form with the typed values and a button, and store nothing.
            error = form.FormError("form", form.MESSAGES["elsewhere"])
            return await self._page_again(request, petition, form.Mistakes(fields or {}, (error,)), 403)
        if not petition.takes_signatures(_today(request)):
            return await self._page_again(request, petition, form.Mistakes(fields or {}, ()), 409)
        submission = form.check(fields, petition, takes_international=self._app.takes_international)
        if isinstance(submission, form.Mistakes):
            return await self._page_again(request, petition, submission, 422)
        if not self._app.capacity.for_one_more(petition):
            raise busy()
        circumstances = self._circumstances(request, petition, submission)
        if not await self._sign(request, petition, submission, circumstances):
            return await self._sign_changed(request, petition, circumstances)
        return _sent(request, petition)

    def _circumstances(
        self, request: Request, petition: PetitionSnapshot, submission: form.Submission
    ) -> Circumstances:
        """Decide whether the signature is held, which lane its email uses, and whether the mailbox may get one today.

        Raises Refused (429) only for a signature to be held, if its network or the petition has used up its share of
        held signatures for today. A flood uses up only its own share.
        """
        limits = self._app.limits
        quota_used = bool(request.network) and not limits.emails_left(
            _mailbox_key(petition, submission), request.now
        )
        domain = submission.email.domain
        crowded = (
            bool(request.network)
            and not is_large(domain)
            and not limits.small_domain(domain.encode(), request.now)
        )
        robot = bool(submission.risk)
        reason = held.RATE if request.soft_limited else held.ROBOT if robot else 0
        if reason and not limits.held(petition.id, request.network, request.now):
            raise Refused(429, "too-many", [(b"retry-after", b"3600")])
        lane = SLOW if reason or crowded else NORMAL
        return Circumstances(
            language=request.language,
            held=reason,
            lane=lane,
            network=int.from_bytes(request.network[:2], "big"),
            quota_used=quota_used,
        )

    async def _sign_changed(
        self, request: Request, petition: PetitionSnapshot, how: Circumstances
    ) -> Response:
        """Sign once more with the refreshed snapshot: the petition changed during this request."""
        await asyncio.sleep(REFRESHED_WITHIN)
        refreshed = self._app.snapshots.by_id(petition.id)
        if refreshed is None:
            raise Refused(404, "not-found")
        fields = form.read(request.body)
        if not refreshed.takes_signatures(_today(request)):
            return await self._page_again(request, refreshed, form.Mistakes(fields or {}, ()), 409)
        # A form without a version was made for the text of the first snapshot.
        fields = {"version": petition.version} | (fields or {})
        submission = form.check(fields, refreshed, takes_international=self._app.takes_international)
        if isinstance(submission, form.Mistakes):
            return await self._page_again(request, refreshed, submission, 422)
        if not await self._sign(request, refreshed, submission, how):
            raise busy()
        return _sent(request, refreshed)

    async def _sign(
        self, request: Request, petition: PetitionSnapshot, submission: form.Submission, how: Circumstances
    ) -> bool:
        """Sign, and count the email. Return False if the petition differs from this process's snapshot."""
        await self._turns.take()
        outcome = await self._ask(lambda: sign(submission, petition, self._app.keyring, _today(request), how))
        # Counted only when it is on disk: a failed signature may be tried again.
        if outcome is Outcome.DONE and request.network:
            self._app.limits.count_email(_mailbox_key(petition, submission), request.now)
        return outcome not in (Outcome.STALE, Outcome.NOT_OPEN)

    async def _page_again(
        self, request: Request, petition: PetitionSnapshot, mistakes: form.Mistakes, status: int
    ) -> Response:
        return await self._app.pool.refused_form(petition_page, petition, request.language, mistakes, status)

    # ---- confirm, not me ------------------------------------------------------------------------------------------

    async def confirm_page(self, request: Request) -> Response:
        """GET: show the typed values and a button. Opening a link changes nothing."""
        t, found = await self._found(request)
        if found is None:
            return await self._gone(request)
        if found.pending_payload is None:
            if self._is_late(found, _today(request)):
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
        today = days.number(_today(request))
        outcome = await self._ask(lambda: operations.Confirm(t, token.digest(t), today))
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
            await self._ask(lambda: operations.NotMe(petition.id, token.digest(t), payload.suppression))
        return see_other(f"/{request.language}/confirm/not-me")

    async def not_me_done(self, request: Request) -> Response:
        """GET: the page after "not me". It is the same for everyone, so its path holds no token."""
        return await self._app.prepared.page("not-me-done", request.language)

    # ---- receipt, withdraw ----------------------------------------------------------------------------------------

    async def receipt(self, request: Request) -> Response:
        """GET /{language}/signature/{token}: show the state of the signature in the log, and how to withdraw it."""
        t, found = await self._found(request)
        if found is not None and found.pending_payload is not None:
            return see_other(f"/{request.language}/confirm/{token.encode(t)}")
        if found is None or self._is_late(found, _today(request)):
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
        by = receipt.include_by(petition.profile, days.number(_today(request))) // days.SECONDS
        return day_in_full(days.date_of(by - 1), language), "", ""

    async def promise(self, request: Request) -> Response:
        """GET /{language}/signature/{token}.promise: return the signed promise as a file."""
        found = await self._signature(request)
        if found is None:
            return await self._gone(request)
        try:
            note = receipt.promise(self._petition(found), found.commitment, days.number(_today(request)))
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
        if found is None or not found.commitment or self._is_late(found, _today(request)):
            return None
        return found

    async def withdraw_page(self, request: Request) -> Response:
        """GET: say what withdrawing does, with a button. The page is the same for real and invented links."""
        t = token_of(request)
        return await self._app.prepared.page("withdraw", request.language, token=token.encode(t))

    async def withdraw(self, request: Request) -> Response:
        """POST: delete record, dedupe tag and links. The answer is the same for real and invented links."""
        t, found = await self._found(request)
        # Anyone can invent links, so only real ones reach the writer. Timing may reveal a real link, but it is used up.
        if found is not None or await self._is_real_late(t):
            await self._ask(lambda: operations.Withdraw(t, token.digest(t)))
        return see_other(f"/{request.language}/signature/withdrawn")

    async def withdrawn(self, request: Request) -> Response:
        """GET: the page after withdrawing. It is the same for everyone, so its path holds no token."""
        return await self._app.prepared.page("withdrawn", request.language)

    # ---- shared ---------------------------------------------------------------------------------------------------

    async def _found(self, request: Request) -> tuple[bytes, Found | None]:
        t = token_of(request)
        try:
            return t, await self._app.finder.ask(token.digest(t))
        except Unavailable:
            raise busy() from None

    async def _is_real_late(self, t: bytes) -> bool:
        """Return whether a link without a signature once had one, and may still withdraw it."""
        try:
            return await self._app.finder.ask(token.late(token.digest(t))) is not None
        except Unavailable:
            raise busy() from None

    async def _ask(self, operation: Callable[[], operations.Operation]) -> Outcome:
        try:
            return await self._app.writer.ask(operation())
        except (Unavailable, NotReady):
            raise busy() from None

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


def _sent(request: Request, petition: PetitionSnapshot) -> Response:
    return see_other(f"/{request.language}/{petition.slug}/sent")


def _mailbox_key(petition: PetitionSnapshot, submission: form.Submission) -> bytes:
    """Return the key under which the emails of a mailbox are counted, separately for each petition."""
    return b"%d/" % petition.id + submission.email.mailbox.encode()


def _today(request: Request) -> date:
    return datetime.fromtimestamp(request.now, UTC).date()
