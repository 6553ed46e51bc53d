"""Send to recipients: the worker looks at what is due, makes one letter after the other, and gives it to the outbox.

What a crash means: before the row of the outbox is stored, the email waits and is made again; after that, it is in the
outbox once (delivery/outgoing.py says what a crash there means).
"""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime

from django.db.models import Max, QuerySet
from django.utils.translation import gettext_noop

from sabal import days
from sabal import token as tokens
from sabal.accounts import roles
from sabal.accounts.acts import Act
from sabal.accounts.models import User
from sabal.database import Database
from sabal.delivery import asking, record
from sabal.delivery.asking import AUTOMATIC
from sabal.delivery.contact import Contact
from sabal.delivery.contacts import with_current_names
from sabal.delivery.covering import Covering, covering, language_of
from sabal.delivery.record import Happening
from sabal.delivery.sendings import Dispatch, Enclosure, Occasion, SendingRules
from sabal.desk.titles import public_definition_of
from sabal.dossier.files import PaperFile, letter_file
from sabal.dossier.letter import Handover
from sabal.dossier.offering import offered_bundle
from sabal.keys.keystore import KeyStore, mail_key_name
from sabal.mail.address import EmailAddress
from sabal.mail.correspondence import MOST_ATTACHED
from sabal.mail.ids import DELIVERY, NORMAL, email_id
from sabal.mail.row import email_row, seal_body, store
from sabal.petitions.deliveries import StepKind, Way
from sabal.petitions.models import Petition
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.petitions.snapshots import Snapshots
from sabal.refusal import Refusal

State = Dispatch.State
LOOK_EVERY = 2.0  # seconds between two looks
PACE = 20  # seconds between two emails of one petition, so that the rest can still be cancelled
DAY = 86_400
TOO_LARGE = gettext_noop("The letter is larger than 2 MB, so it cannot be attached.")
LOST = gettext_noop("The server stopped or was restored while this email waited.")


class Dispatching:
    """The deliveries of one worker process. Of several workers, one at a time does this."""

    def __init__(self, keystore: KeyStore, ticks: Callable[[], float] = time.monotonic) -> None:
        self._keystore, self._ticks = keystore, ticks
        self._next = float("-inf")

    def work(self, database: Database, snapshots: Snapshots, now: float) -> None:
        """Do what is due. Raises the drivers' errors; what was not done is due again."""
        if self._ticks() < self._next:
            return
        self._next = self._ticks() + LOOK_EVERY
        if not Occasion.objects.exists() and not SendingRules.objects.exists():
            return
        with database.leader("deliveries") as leads:
            if leads:
                self.round(database, snapshots, int(now))

    def round(self, database: Database, snapshots: Snapshots, now: int) -> None:
        """Do one round, as the only process that does."""
        for rules in SendingRules.objects.select_related("petition"):
            seen = snapshots.by_id(rules.petition_id)
            if seen is not None and not seen.gathering:
                asking.notice(rules.petition, seen.counts.counted, now)
        for occasion in Occasion.objects.filter(opened=0, cancelled=0, due__lte=now).select_related(
            "petition"
        ):
            seen = snapshots.by_id(occasion.petition_id)
            if seen is not None and seen.state != "draft":
                asking.open_occasion(occasion, seen, now)
        find_lost(database, now)
        record_results()
        waiting = Dispatch.objects.filter(state=State.WAITING).values_list("occasion__petition", flat=True)
        for petition_id in sorted(set(waiting)):
            seen = snapshots.by_id(petition_id)
            if seen is not None and seen.state != "draft":
                self._next_of(database, seen, now)

    def _next_of(self, database: Database, petition: PetitionSnapshot, now: int) -> None:
        """Give the outbox the next email of a petition, if one may go now."""
        mine = Dispatch.objects.filter(occasion__petition=petition.id)
        if _recent(mine, "queued", now, PACE):
            return
        waiting = mine.filter(state=State.WAITING).select_related(
            "occasion__petition", "occasion__user", "contact"
        )
        for dispatch in waiting.order_by("occasion__due", "pk"):
            if _stopped(dispatch, petition, now) or not _may_go(dispatch, now):
                continue
            try:
                made = prepare(database, dispatch, petition, datetime.fromtimestamp(now, UTC).date())
            except Refusal as refusal:
                fail(dispatch, str(refusal), now)
                continue
            self._queue(database, dispatch, made, now)
            return

    def _queue(self, database: Database, dispatch: Dispatch, language: str, now: int) -> None:
        """Store the row of the outbox in the commit that says so. Who was first does it; the others find it done."""
        today = days.number_at(now)
        key = self._keystore.make(database, mail_key_name(today))
        token = tokens.decode(dispatch.token)
        assert token is not None
        to = EmailAddress.stored(dispatch.email)
        mail_id = email_id(NORMAL, today)
        sealed = seal_body(key, to, language, token)
        row = email_row(mail_id, dispatch.occasion.petition_id, DELIVERY, today, sealed)
        with database.transaction():
            queued = database.execute(
                "UPDATE delivery_dispatch SET state = 'queued', queued = ?, mail_id = ?"
                " WHERE id = ? AND state = 'waiting'",
                (now, mail_id, dispatch.pk),
            )
            if queued:
                store(database, [row])


def prepare(database: Database, dispatch: Dispatch, petition: PetitionSnapshot, day: date) -> str:
    """Make the letter and the email around it, and keep both with the row. Return its language. Raises Refusal."""
    contact, occasion = with_current_names(dispatch.contact, petition.definition), dispatch.occasion
    is_test = occasion.kind == Occasion.Kind.TEST
    if not is_test:
        dispatch.email = contact.email
    email, paper = content(database, petition, contact, day, occasion.words, preview=is_test)
    dispatch.enclosure = Enclosure.objects.get_or_create(
        petition=occasion.petition,
        digest=paper.sha256,
        defaults={"name": paper.name, "data": paper.data},
    )[0]
    dispatch.language, dispatch.subject, dispatch.text = email.language, email.subject, email.text
    dispatch.sender_name = email.sender_name
    dispatch.name = contact.name_in(email.language, petition.definition.authoritative)[:300]
    dispatch.save(update_fields=["email", "enclosure", "language", "subject", "text", "sender_name", "name"])
    return email.language


def content(
    database: Database,
    petition: PetitionSnapshot,
    contact: Contact,
    day: date,
    own_words: dict[str, str],
    *,
    preview: bool,
) -> tuple[Covering, PaperFile]:
    """Return the email to a contact and the letter that is attached. Raises Refusal.

    The letter to a member has the member's name and its own reference. A preview names the same bundle, and does not
    offer it yet.
    """
    bundle = offered_bundle(database, petition, day, preview=preview)
    email = covering(petition, contact, day, bundle, own_words)
    lines = [line for line in contact.postal.splitlines() if line.strip()]
    handover = Handover(day=day, address=tuple(lines), bundle=bundle)
    if contact.group:
        name = contact.name_in(email.language, petition.definition.authoritative)
        handover = replace(handover, name=name, member=contact.key)
    key = contact.group or contact.key
    paper = letter_file(database, petition, key, handover, language_of(contact, petition))
    if len(paper.data) > MOST_ATTACHED:
        raise Refusal(TOO_LARGE)
    return email, paper


def fail(dispatch: Dispatch, reason: str, now: int) -> None:
    """Say why an email could not be made."""
    Dispatch.objects.filter(pk=dispatch.pk, state=State.WAITING).update(
        state=State.FAILED, reason=reason[:300], ended=now
    )


def find_lost(database: Database, now: int) -> None:
    """Find emails whose row of the outbox is gone without a result: dropped after days, or lost in a restore.

    They may have arrived, so they are not sent again by themselves.
    """
    for dispatch in Dispatch.objects.filter(state__in=(State.QUEUED, State.BEGUN)):
        if not database.query("SELECT 1 FROM mail_email WHERE id = ?", (dispatch.mail_id,)):
            Dispatch.objects.filter(pk=dispatch.pk, state=dispatch.state).update(
                state=State.UNCLEAR, reason=LOST, ended=now
            )


def record_results() -> None:
    """Record each email that was accepted as a delivery, and each that came back as returned: once each."""
    ended = Dispatch.objects.filter(state__in=(State.ACCEPTED, State.RETURNED), recorded=False)
    for dispatch in ended.exclude(occasion__kind=Occasion.Kind.TEST).select_related(
        "occasion__petition", "occasion__user", "contact"
    ):
        _record(dispatch, StepKind.DELIVERED, "dispatch", dispatch.queued)
        if dispatch.state == State.RETURNED:
            _record(dispatch, StepKind.RETURNED, "returned", dispatch.ended)
        Dispatch.objects.filter(pk=dispatch.pk, state=dispatch.state).update(recorded=True)


def public_name_of(dispatch: Dispatch) -> str:
    """Return the name of the member that got an email, as the public record has it; empty if it was no member.

    The record has one name for readers of every language, so it is not the one of the letter.
    """
    if not dispatch.contact.group:
        return ""
    definition = public_definition_of(dispatch.occasion.petition)
    return dispatch.contact.name_in(definition.authoritative if definition else "")


def _record(dispatch: Dispatch, kind: StepKind, occasion: str, at: int) -> None:
    contact = dispatch.contact
    what = Happening(
        kind=kind,
        on=datetime.fromtimestamp(at, UTC).date(),
        member=public_name_of(dispatch),
        way=Way.EMAIL,
        language=dispatch.language if kind is StepKind.DELIVERED else "",
    )
    record.add(
        dispatch.occasion.petition,
        contact.group or contact.key,
        what,
        user=dispatch.occasion.user if kind is StepKind.DELIVERED else None,
        occasion=f"{occasion}-{dispatch.attempt}",
    )


def _stopped(dispatch: Dispatch, petition: PetitionSnapshot, now: int) -> bool:
    """Stop an email that must not go any more. Return whether it was."""
    contact, occasion = dispatch.contact, dispatch.occasion
    state = ""
    if occasion.cancelled or not _may_send(occasion.user, occasion.petition):
        state = State.CANCELLED
    elif occasion.kind != Occasion.Kind.TEST:
        is_listed = (contact.group or contact.key) in {one.key for one in petition.definition.recipients}
        today = datetime.fromtimestamp(now, UTC).date()
        if not is_listed or not contact.takes_email or not contact.belongs_on(today):
            state = State.REMOVED
    if state:
        Dispatch.objects.filter(pk=dispatch.pk, state=State.WAITING).update(state=state, ended=now)
    return bool(state)


def _may_send(user: User | None, petition: Petition) -> bool:
    return user is not None and Act.SEND in roles.in_petition(user, petition)


def _may_go(dispatch: Dispatch, now: int) -> bool:
    """Return whether it is office hours there, and long enough after the last email by itself."""
    contact, kind = dispatch.contact, dispatch.occasion.kind
    if kind == Occasion.Kind.TEST:
        return True
    if not contact.office_hours.are_at(datetime.fromtimestamp(now, UTC)):
        return False
    if kind != Occasion.Kind.COUNT:
        return True
    rules = SendingRules.objects.filter(petition=dispatch.occasion.petition).first()
    gap = (rules.days_between if rules else 0) * DAY
    earlier = Dispatch.objects.filter(contact=contact).filter(
        state__in=(State.ACCEPTED, State.UNCLEAR), occasion__kind__in=AUTOMATIC
    )
    return not _recent(earlier, "ended", now, gap)


def _recent(found: QuerySet[Dispatch], column: str, now: int, seconds: int) -> bool:
    """Return whether the newest time is less than so many seconds ago. Later than now: the clock was set back."""
    newest = found.filter(**{f"{column}__lte": now}).aggregate(newest=Max(column))["newest"]
    return bool(newest) and now - newest < seconds
