"""What visitors do, from parsed request to answer: sign, confirm, not me, receipt, withdraw.

Each verb reads top to bottom: parse, look up, one operation, answer. Nothing is said before it is on disk. All answers
to signing are the same, whatever is known about the mailbox.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, date, datetime

from sabal import days, settings, token
from sabal.front.app import App
from sabal.front.languages import best_language
from sabal.http import Refused, Request, Response, busy, see_other, text
from sabal.ledger import receipt
from sabal.mail.ids import NORMAL, SLOW
from sabal.mail.providers import is_large
from sabal.pages.petition import petition as petition_page
from sabal.petitions.countries import country_name, day_in_full
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.signing import form, held, operations
from sabal.signing.group import Unavailable
from sabal.signing.operations import Outcome
from sabal.signing.pending_payload import PendingPayload
from sabal.signing.sign import Circumstances, NotReady, sign
from sabal.signing.writer.find import Entered, Found, is_late

REFRESHED_WITHIN = 1.2  # seconds: by then this process has seen what another one changed


class Handlers:
    """The verbs of visitors in one process."""

    def __init__(self, app: App) -> None:
        self._app = app

    # ---- the site -------------------------------------------------------------------------------------------------

    async def home(self, request: Request) -> Response:
        """GET /: to the petitions of this site, or to its only one, in the reader's language."""
        petitions = self._app.snapshots.published()
        accept = request.headers.get(b"accept-language")
        if len(petitions) == 1:
            languages = petitions[0].definition.languages
            path = f"/{best_language(accept, languages, languages[0])}/{petitions[0].slug}"
        else:
            path = f"/{best_language(accept, settings.SITE_LANGUAGES, 'en')}"
        return Response(302, [(b"location", path.encode("ascii"))])

    async def health(self, request: Request) -> Response:
        """GET /healthz: whether it is worth sending a visitor here now."""
        return text(200, "ok\n") if self._app.is_well else text(503, "busy\n")

    # ---- sign -----------------------------------------------------------------------------------------------------

    async def sign(self, request: Request) -> Response:
        """POST /{language}/{slug}/sign: 303 to `sent`, the same for everyone, or the page as it was filled in."""
        petition = self._app.snapshots.by_slug(request.slug)
        if petition is None:
            raise Refused(404, "not-found")
        fields = form.read(request.body)
        if not request.own_origin:
            # The form of another site: shown filled, with one button, and nothing stored.
            error = form.FormError("form", form.MESSAGES["elsewhere"])
            return await self._page_again(request, petition, form.Mistakes(fields or {}, (error,)), 403)
        if not petition.takes_signatures(_today(request)):
            return await self._page_again(request, petition, form.Mistakes(fields or {}, ()), 409)
        submission = form.check(fields, petition)
        if isinstance(submission, form.Mistakes):
            return await self._page_again(request, petition, submission, 422)
        if not self._app.capacity.for_one_more(petition):
            raise busy()
        circumstances = self._circumstances(request, petition, submission)
        if not await self._sign(request, petition, submission, circumstances):
            return await self._sign_anew(request, petition, circumstances)
        return _sent(request, petition)

    def _circumstances(
        self, request: Request, petition: PetitionSnapshot, submission: form.Submission
    ) -> Circumstances:
        """Return whether it is held for review, its lane, and whether the mailbox has had its emails for today.

        Refused is only a signature that would be held while too many are held already: a flood fills its own share.
        """
        limits = self._app.limits
        quota_used = bool(request.network) and not limits.letters_left(
            _box(petition, submission), request.now
        )
        domain = submission.email.domain
        crowded = (
            bool(request.network)
            and not is_large(domain)
            and not limits.small_domain(domain.encode(), request.now)
        )
        robot = bool(submission.risk)
        why = held.RATE if request.soft_limited else held.ROBOT if robot else 0
        if why and not limits.held(petition.id, request.network, request.now):
            raise Refused(429, "too-many", [(b"retry-after", b"3600")])
        lane = SLOW if why or crowded else NORMAL
        return Circumstances(
            request.language, why, lane, int.from_bytes(request.network[:2], "big"), quota_used
        )

    async def _sign_anew(self, request: Request, petition: PetitionSnapshot, how: Circumstances) -> Response:
        """Sign once more for a petition that changed during this request, before the visitor is asked to."""
        await asyncio.sleep(REFRESHED_WITHIN)
        now = self._app.snapshots.by_id(petition.id)
        if now is None:
            raise Refused(404, "not-found")
        fields = form.read(request.body)
        if not now.takes_signatures(_today(request)):
            return await self._page_again(request, now, form.Mistakes(fields or {}, ()), 409)
        # A form without a version was made for the text that was known before.
        submission = form.check({"version": petition.version} | (fields or {}), now)
        if isinstance(submission, form.Mistakes):
            return await self._page_again(request, now, submission, 422)
        if not await self._sign(request, now, submission, how):
            raise busy()
        return _sent(request, now)

    async def _sign(
        self, request: Request, petition: PetitionSnapshot, submission: form.Submission, how: Circumstances
    ) -> bool:
        """Sign, and count the email; False if the petition is no longer what this process believes it to be."""
        outcome = await self._ask(lambda: sign(submission, petition, self._app.keyring, _today(request), how))
        # On disk: what failed does not count, and may be tried again.
        if outcome is Outcome.DONE and request.network:
            self._app.limits.letter(_box(petition, submission), request.now)
        return outcome not in (Outcome.STALE, Outcome.NOT_OPEN)

    async def _page_again(
        self, request: Request, petition: PetitionSnapshot, mistakes: form.Mistakes, status: int
    ) -> Response:
        return await self._app.pool.again(petition_page, petition, request.language, mistakes, status)

    # ---- confirm, not me ------------------------------------------------------------------------------------------

    async def confirm_page(self, request: Request) -> Response:
        """GET: what will happen, and a button. Opening a link changes nothing."""
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
        """POST: the signature is confirmed, and with it what was ticked. Pressing twice is harmless.

        An invented link costs the writer a query within a batch, and no write. A query of its own before each real
        link would cost more.
        """
        t = token.decode(request.token)
        if t is None:
            return await self._gone(request)
        today = days.number(_today(request))
        outcome = await self._ask(lambda: operations.Confirm(t, token.digest(t), today))
        if outcome is Outcome.GONE:
            return await self._gone(request)
        return see_other(f"/{request.language}/signature/{token.encode(t)}")

    async def not_me_page(self, request: Request) -> Response:
        """GET: what "this was not me" does, and a button."""
        t, found = await self._found(request)
        if found is None or found.pending_payload is None:
            return await self._gone(request)
        return await self._app.prepared.page(
            "not-me", request.language, found.petition_id, token=token.encode(t)
        )

    async def not_me(self, request: Request) -> Response:
        """POST: the pending signature is forgotten, and this mailbox gets no more emails about this petition."""
        t, found = await self._found(request)
        if found is not None and found.pending_payload is not None:
            petition, payload = self._petition(found), PendingPayload.open(t, found.pending_payload)
            await self._ask(lambda: operations.NotMe(petition.id, token.digest(t), payload.suppression))
        return see_other(f"/{request.language}/confirm/not-me")

    async def not_me_done(self, request: Request) -> Response:
        """GET: what "not me" ends on. It is the same for everyone, so its path holds no token."""
        return await self._app.prepared.page("not-me-done", request.language)

    # ---- receipt, withdraw ----------------------------------------------------------------------------------------

    async def receipt(self, request: Request) -> Response:
        """GET /{language}/signature/{token}: that it is signed, where it is in the log, how to withdraw it."""
        t, found = await self._found(request)
        if found is not None and found.pending_payload is not None:
            return see_other(f"/{request.language}/confirm/{token.encode(t)}")
        if found is None or self._is_late(found, _today(request)):
            return await self._gone(request)
        by, batch, day = self._in_log(request, found)
        return await self._app.prepared.page(
            "receipt",
            request.language,
            found.petition_id,
            token=token.encode(t),
            by=by,
            batch=batch,
            day=day,
        )

    def _in_log(self, request: Request, found: Found) -> tuple[str, str, str]:
        """Return what the page says of the log: the day that is promised, or the batch and its day."""
        petition = self._petition(found)
        if entered := _entered(petition, found):
            return "", str(entered.batch), day_in_full(days.date_of(entered.day), request.language)
        by = receipt.include_by(petition.profile, days.number(_today(request))) // days.SECONDS
        return day_in_full(days.date_of(by - 1), request.language), "", ""

    async def promise(self, request: Request) -> Response:
        """GET /{language}/signature/{token}.promise: the signed promise, as a file."""
        found = await self._signature(request)
        if found is None:
            return await self._gone(request)
        try:
            note = receipt.promise(self._petition(found), found.commitment, days.number(_today(request)))
        except receipt.NoPromise:
            raise busy() from None
        return _file("promise.txt", note)

    async def proof(self, request: Request) -> Response:
        """GET /{language}/signature/{token}.tlog-proof: that the log has the signature, with what shows whose it is."""
        found = await self._signature(request)
        entered = _entered(petition := self._petition(found), found) if found else None
        if found is None or entered is None or entered.index is None:
            return await self._gone(request)
        made = await asyncio.to_thread(receipt.proof, petition, entered.index, found.w)
        return _file("signature.tlog-proof", made)

    async def _signature(self, request: Request) -> Found | None:
        """Return the confirmed signature that a link made, as long as it shows it; None for later links to it."""
        _, found = await self._found(request)
        if found is None or not found.commitment or self._is_late(found, _today(request)):
            return None
        return found

    async def withdraw(self, request: Request) -> Response:
        """POST: record, tag and links are deleted. The answer is one and the same for every link, real or invented."""
        t, found = await self._found(request)
        # Anybody can invent links, and the writer is for those who sign. Timing may reveal a real link, then used up.
        if found is not None:
            await self._ask(lambda: operations.Withdraw(t, token.digest(t)))
        return see_other(f"/{request.language}/signature/withdrawn")

    async def withdrawn(self, request: Request) -> Response:
        """GET: what withdrawing ends on. It is the same for everyone, so its path holds no token."""
        return await self._app.prepared.page("withdrawn", request.language)

    # ---- shared ---------------------------------------------------------------------------------------------------

    async def _found(self, request: Request) -> tuple[bytes, Found | None]:
        t = token.decode(request.token)
        if t is None:
            return b"", None
        try:
            return t, await self._app.finder.ask(token.digest(t))
        except Unavailable:
            raise busy() from None

    async def _ask(self, operation: Callable[[], operations.Operation]) -> Outcome:
        try:
            return await self._app.writer.ask(operation())
        except (Unavailable, NotReady):
            raise busy() from None

    async def _gone(self, request: Request) -> Response:
        """Return one neutral page for a link that stands for nothing (any more).

        On a site with a guarded petition it is the page of every old link: withdraw whatever this stands for.
        """
        t = token.decode(request.token)
        if t is not None and any(p.profile.guarded for p in self._app.snapshots.published()):
            return await self._app.prepared.page(
                "old-link", request.language, status=404, token=token.encode(t)
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
    """Return where the signature is in the published log; None as long as it is not."""
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


def _box(petition: PetitionSnapshot, submission: form.Submission) -> bytes:
    """Return the key under which emails to a mailbox are counted: for each petition apart."""
    return b"%d/" % petition.id + submission.email.mailbox.encode()


def _today(request: Request) -> date:
    return datetime.fromtimestamp(request.now, UTC).date()
