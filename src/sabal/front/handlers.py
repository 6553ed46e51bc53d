"""The handlers of visitors who have no link yet, from parsed request to answer: the start page, and signing.

Each handler reads top to bottom: parse, look up, one operation, answer. An answer is sent only after the change is on
disk. All answers to signing are the same, whatever is known about the email address.
"""

import asyncio

from sabal import settings
from sabal.front.app import App
from sabal.front.languages import best_language
from sabal.front.turns import Turns
from sabal.http import Moved, Refused, Request, Response, busy, see_other, text
from sabal.limits.rules import Effect
from sabal.limits.surges import DOMAIN
from sabal.mail.ids import NORMAL, SLOW
from sabal.mail.providers import is_large
from sabal.pages.petition import petition as petition_page
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.signing import form, held, sources
from sabal.signing.operations import Outcome
from sabal.signing.sign import Circumstances, sign

REFRESHED_WITHIN = 1.2  # seconds; by then this process has seen the change of another one


class Handlers:
    """The visitors' handlers of one process."""

    def __init__(self, app: App) -> None:
        self._app, self._turns = app, Turns()

    async def home(self, request: Request) -> Response:
        """GET /: raise Moved to the only petition, or to the list of petitions, in the reader's language."""
        petitions = self._app.snapshots.published()
        accept = request.headers.get(b"accept-language")
        if len(petitions) == 1:
            languages = petitions[0].definition.languages
            path = f"/{best_language(accept, languages, languages[0])}/{petitions[0].slug}"
        else:
            path = f"/{best_language(accept, settings.SITE_LANGUAGES, 'en')}"
        raise Moved(path)

    async def health(self, request: Request) -> Response:
        """GET /healthz: answer whether a load balancer should send visitors to this process now."""
        return text(200, "ok\n") if self._app.is_healthy else text(503, "busy\n")

    async def sign(self, request: Request) -> Response:
        """POST /{language}/{slug}/sign: 303 to `sent`, the same for everyone, or the page with the typed values."""
        petition = self._app.snapshots.by_slug(request.slug)
        if petition is None:
            raise Refused(404, "not-found")
        fields = _fields(request, petition)
        if not request.own_origin:
            # The form of another site: show our form with the typed values and a button, and store nothing.
            error = form.FormError("form", form.MESSAGES["elsewhere"])
            return await self._page_again(request, petition, form.Mistakes(fields or {}, (error,)), 403)
        if not petition.takes_signatures(request.today):
            return await self._page_again(request, petition, form.Mistakes(fields or {}, ()), 409)
        submission = form.check(fields, petition, takes_international=self._app.takes_international)
        if isinstance(submission, form.Mistakes):
            return await self._page_again(request, petition, submission, 422)
        effect = self._app.rules.of(request.slug).of_domain(submission.email.domain)
        if effect is Effect.REFUSE:
            error = form.FormError("email", form.MESSAGES["refused domain"])
            return await self._page_again(request, petition, form.Mistakes(fields or {}, (error,)), 422)
        if not self._app.capacity.for_one_more(petition):
            raise busy()
        circumstances = self._circumstances(request, petition, submission, effect)
        if not await self._sign(request, petition, submission, circumstances):
            return await self._sign_changed(request, petition, fields or {}, circumstances)
        self._app.asked.add(petition.id, (fields or {}).get("from", ""))
        return _sent(request, petition)

    def _circumstances(
        self,
        request: Request,
        petition: PetitionSnapshot,
        submission: form.Submission,
        effect: Effect | None = None,
    ) -> Circumstances:
        """Decide whether the signature is held, which lane its email uses, and whether the mailbox may get one today.

        Raises Refused (429) only for a signature to be held, if its network or the petition has used up its share of
        held signatures for today. A flood uses up only its own share. `effect` is that of a rule for the email domain.
        """
        limits = self._app.limits
        quota_used = bool(request.network) and not limits.emails_left(
            _mailbox_key(petition, submission), request.now
        )
        domain = submission.email.domain
        crowded = (
            bool(request.network)
            and effect is not Effect.ALLOW
            and not is_large(domain)
            and not limits.small_domain(domain.encode(), request.now)
        )
        if crowded:
            self._app.surges.note(petition.slug, DOMAIN, domain, request.now, limits.small_domain_until)
        robot = bool(submission.risk)
        reason = held.RATE if request.soft_limited else held.ROBOT if robot else 0
        if effect is Effect.HOLD:
            reason = reason or held.LISTED
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
        self, request: Request, petition: PetitionSnapshot, fields: dict[str, str], how: Circumstances
    ) -> Response:
        """Sign once more with the refreshed snapshot: the petition changed during this request."""
        await asyncio.sleep(REFRESHED_WITHIN)
        refreshed = self._app.snapshots.by_id(petition.id)
        if refreshed is None:
            raise Refused(404, "not-found")
        if not refreshed.takes_signatures(request.today):
            return await self._page_again(request, refreshed, form.Mistakes(fields, ()), 409)
        # A form without a version was made for the text of the first snapshot.
        fields = {"version": petition.version} | fields
        submission = form.check(fields, refreshed, takes_international=self._app.takes_international)
        if isinstance(submission, form.Mistakes):
            return await self._page_again(request, refreshed, submission, 422)
        if not await self._sign(request, refreshed, submission, how):
            raise busy()
        self._app.asked.add(refreshed.id, fields.get("from", ""))
        return _sent(request, refreshed)

    async def _sign(
        self, request: Request, petition: PetitionSnapshot, submission: form.Submission, how: Circumstances
    ) -> bool:
        """Sign, and count the email. Return False if the petition differs from this process's snapshot."""
        await self._turns.take()
        outcome = await self._app.commit(
            lambda: sign(submission, petition, self._app.keyring, request.today, how)
        )
        # Counted only when it is on disk: a failed signature may be tried again.
        if outcome is Outcome.DONE and request.network:
            self._app.limits.count_email(_mailbox_key(petition, submission), request.now)
        return outcome not in (Outcome.STALE, Outcome.NOT_OPEN)

    async def _page_again(
        self, request: Request, petition: PetitionSnapshot, mistakes: form.Mistakes, status: int
    ) -> Response:
        return await self._app.pool.refused_form(petition_page, petition, request.language, mistakes, status)


def _fields(request: Request, petition: PetitionSnapshot) -> dict[str, str] | None:
    """Return the typed fields, with the word of the link as "from"; None if the body is damaged.

    A form that is shown again has the word in a hidden field, which decides: its address has none. A guarded petition
    has no words.
    """
    fields = form.read(request.body)
    if fields is not None:
        kept = sources.normalised(fields.get("from", ""))
        word = kept or sources.word_in(request.headers.get(b"referer", b""))
        fields["from"] = "" if petition.profile.guarded else word
    return fields


def _sent(request: Request, petition: PetitionSnapshot) -> Response:
    return see_other(f"/{request.language}/{petition.slug}/sent")


def _mailbox_key(petition: PetitionSnapshot, submission: form.Submission) -> bytes:
    """Return the key under which the emails of a mailbox are counted, separately for each petition."""
    return b"%d/" % petition.id + submission.email.mailbox.encode()
