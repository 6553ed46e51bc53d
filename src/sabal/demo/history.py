"""Make the history of invented petitions with the real code: forms, emails, links, batches, revocations, a close.

Only the clock is moved, and nobody types. Every record is sealed to the key of this development server.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time
from random import Random

from sabal import days, settings, token
from sabal.database import Database
from sabal.demo.letterbox import Letterbox
from sabal.demo.people import Person, person
from sabal.demo.plans import Life
from sabal.keys.keyring import Keyring
from sabal.keys.keystore import KeyStore
from sabal.ledger.revoke import revoke
from sabal.ledger.sequencer import Sequencer
from sabal.mail.emails import Site
from sabal.mail.outbox import send_due
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.petitions.snapshots import Snapshots
from sabal.records.revocations import Revocation, Revocations
from sabal.signing import held, reminder, sources
from sabal.signing.asked import Asked
from sabal.signing.form import Submission
from sabal.signing.operations import Confirm, Operation, Outcome, Withdraw
from sabal.signing.sign import Circumstances, sign
from sabal.signing.writer import Writer
from tlog.entry import Reason

TOGETHER = 64  # operations in one commit, as in use
HOURS = (9, 13, 19)
CONFIRMED, LATER, AGAIN, WITHDRAWN = 0.78, 0.5, 0.03, 0.02  # shares of those who could
WANT = {"updates": 0.5, "newsletter": 0.3}  # shares of those who sign
ROBOTS, AUDITED = 4, 6


class History:
    """The past of one site, made day by day. Only the leader of its logs may call it."""

    def __init__(self, database: Database, keystore: KeyStore, chance: Random) -> None:
        self._database, self._keystore, self._chance = database, keystore, chance
        self._keyring, self._snapshots, self._asked = Keyring(), Snapshots(), Asked()
        self._writer = Writer(self._snapshots, self._keyring)
        self._sequencer = Sequencer(keystore)
        self._letterbox = Letterbox(chance)

    def day(self, life: Life, today: date) -> None:
        """Let one day of a petition pass: people sign, confirm and withdraw, and their signatures are counted."""
        self._refresh(today)
        at = (today - _begun(self._petition(life))).days
        if at == 0:
            self._choose_links(life)
        number = life.per_day[at] if at < len(life.per_day) else 0
        robots = ROBOTS if at == life.plan.robots_on else 0
        shares = [number // 3, number // 3, number - 2 * (number // 3)]
        for hour, share in zip(HOURS, shares, strict=True):
            now = datetime.combine(today, time(hour), UTC).timestamp()
            self._sign(life, share, today)
            self._send(life, now)
            self._confirm(life, LATER if hour != HOURS[-1] else CONFIRMED, today)
            self._withdraw(life)
            self._count(life, now + 600)
        if robots:
            self._sign(life, robots, today, reason=held.ROBOT)
            self._send(life, now + 1_200)
            self._confirm(life, 1.0, today)
        if at == life.plan.audited_on:
            self._audit(life)
            self._count(life, now + 1_800)

    def _refresh(self, today: date) -> None:
        self._snapshots.refresh(self._database, self._keystore)
        self._keyring.refresh(self._database, self._keystore, days.number(today))

    def _petition(self, life: Life) -> PetitionSnapshot:
        found = self._snapshots.by_slug(life.plan.slug)
        assert found is not None
        return found

    def _choose_links(self, life: Life) -> None:
        petition = self._petition(life)
        for word in filter(None, dict.fromkeys(life.plan.links)):
            sources.start_counting(self._database, petition.id, word)

    def _sign(self, life: Life, number: int, today: date, reason: int = 0) -> None:
        petition, plan = self._petition(life), life.plan
        operations, words = list[Operation](), list[str]()
        for _ in range(number if petition.takes_signatures(today) else 0):
            again = life.people and self._chance.random() < AGAIN
            number_of = self._chance.choice(life.people) if again else len(life.people)
            same = Random(f"{plan.slug} {number_of}")  # noqa: S311 - it makes the same person each time
            one = person(number_of, plan.countries, plan.languages, same)
            if not again:
                life.people.append(number_of)
            how = Circumstances(one.language, held=reason)
            words.append(plan.links[number_of % len(plan.links)] if plan.links else "")
            operations.append(sign(_ticking(one, petition, same), petition, self._keyring, today, how))
        for outcome, word in zip(self._commit(operations), words, strict=True):
            assert outcome in (Outcome.DONE, Outcome.IGNORED)
            self._asked.add(petition.id, word)
        self._asked.store(self._database)

    def _send(self, life: Life, now: float) -> None:
        site = Site(settings.BASE_URL, settings.MAIL_FROM)
        while send_due(
            self._database,
            self._keystore,
            self._letterbox,
            lambda: now,
            petitions=self._snapshots,
            accepted=reminder.note_accepted,
            site=site,
            chance=self._chance.random,
        ).handled:
            pass
        life.links += self._letterbox.taken()

    def _confirm(self, life: Life, share: float, today: date) -> None:
        """Let this share of those who have an email follow its link. The others do it later, or never."""
        self._chance.shuffle(life.links)
        number = round(share * len(life.links))
        opened, life.links = life.links[:number], life.links[number:]
        self._commit([Confirm(t, token.digest(t), days.number(today)) for t in opened])
        life.signed += opened
        if share == CONFIRMED:
            life.links = []  # who has not opened it by the evening does not

    def _withdraw(self, life: Life) -> None:
        leaving = [t for t in life.signed[:-20] if self._chance.random() < WITHDRAWN / 60]
        self._commit([Withdraw(t, token.digest(t)) for t in leaving])
        life.signed = [t for t in life.signed if t not in leaving]

    def _count(self, life: Life, now: float) -> None:
        petition = self._petition(life)
        self._sequencer.sequence(self._database, petition, now)
        self._sequencer.publish_here(self._database, petition)
        self._snapshots.refresh(self._database, self._keystore)

    def _audit(self, life: Life) -> None:
        """Revoke some, as after an audit of what the organiser opened."""
        petition = self._petition(life)
        rows = self._database.query(
            "SELECT p.idx FROM signing_log_index p WHERE p.petition_id = ? AND NOT EXISTS"
            " (SELECT 1 FROM signing_withdrawal w WHERE w.commitment = p.commitment) ORDER BY p.idx",
            (petition.id,),
        )
        chosen = sorted(self._chance.sample([row[0] for row in rows], min(AUDITED, len(rows))))
        reasons = [Reason.DUPLICATE if at % 2 else Reason.FAKE for at in range(len(chosen))]
        items = tuple(
            Revocation(index, reason, "found by the audit of the demonstration")
            for index, reason in zip(chosen, reasons, strict=True)
        )
        revoke(self._database, petition, Revocations(petition.origin, petition.counts.log_size, items))

    def _commit(self, operations: Sequence[Operation]) -> list[Outcome]:
        found: list[Outcome] = []
        for start in range(0, len(operations), TOGETHER):
            found += self._writer.commit(self._database, operations[start : start + TOGETHER])
        return found


def _ticking(one: Person, petition: PetitionSnapshot, same: Random) -> Submission:
    """Return the form of a person, who may tick that they want emails."""
    offered = {"updates": petition.definition.updates, "newsletter": petition.definition.newsletter}
    ticked = tuple(box for box in offered if same.random() < WANT[box] and offered[box])
    return replace(one.submission, subscribe=ticked)


def _begun(petition: PetitionSnapshot) -> date:
    assert petition.opened_on is not None
    return petition.opened_on
