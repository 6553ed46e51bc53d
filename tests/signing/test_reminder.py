"""One reminder to those who did not confirm: only if the form said so, only while nobody has signed, never guarded."""

import concurrent.futures
import contextlib
import re
import time
from collections.abc import Callable
from dataclasses import replace
from email.message import EmailMessage
from typing import Any

import pytest

from mail.world import Sink
from sabal import token
from sabal.keys.keystore import mail_key_name
from sabal.mail import claims, emails, outbox
from sabal.mail.address import EmailAddress
from sabal.mail.answers import Answer, SendOutcome, Trouble
from sabal.mail.ids import ALREADY_SIGNED, CONFIRM_NEWSLETTER, REMINDER, SLOW, email_id
from sabal.mail.kinds import render
from sabal.mail.row import email_row, open_body, store
from sabal.mail.tidy import tidy_keys
from sabal.petitions import folder
from sabal.petitions.amendment import Amendment, AmendmentKind, kinds
from sabal.petitions.definition import FolderError
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.publishing import drafts, versions
from sabal.signing import reminder, tidy
from sabal.signing.operations import Outcome
from sabal.worker import WRITERS
from signing.steps import Signed, confirmation, refusal, signed
from sites import DAY_NUMBER, EXAMPLE, NOW, TODAY, SiteOfTests, replace_key

DAY = 86_400
MORNING = (DAY_NUMBER + reminder.AFTER_DAYS) * DAY + reminder.MORNING  # the first moment of a reminder


@pytest.fixture
def petition(site: SiteOfTests) -> PetitionSnapshot:
    return site.publish(profile='"open"', reminder="true")


def send(site: SiteOfTests, sink: Sink, now: float = NOW) -> None:
    """Do what the worker's thread for emails does in a round."""
    site.snapshots.refresh(site.database, site.keystore)
    reminder.queue_due(site.database, site.snapshots, now)
    for _ in range(20):
        if not outbox.send_due(
            site.database,
            site.keystore,
            sink.transport(),
            lambda: now,
            petitions=site.snapshots,
            accepted=reminder.note_accepted,
            writers=WRITERS,
            slow_limit=500,
        ).handled:
            return


def reminders(sink: Sink) -> list[EmailMessage]:
    return [one for one in sink.emails() if str(one["Subject"]).startswith("Not confirmed yet")]


def kept(site: SiteOfTests) -> int:
    return int(site.database.query("SELECT COUNT(*) FROM signing_pending WHERE reminder IS NOT NULL")[0][0])


def ask(site: SiteOfTests, petition: PetitionSnapshot, *args: Any, **kwargs: Any) -> Signed:
    return signed(site, petition, *args, language="en", **kwargs)


def test_who_does_not_confirm_is_reminded_once(
    site: SiteOfTests, petition: PetitionSnapshot, sink: Callable[..., Sink]
) -> None:
    server, suzie = sink(), ask(site, petition)
    send(site, server)
    (email,) = server.emails()
    part = email.get_body(("plain",))
    assert part is not None
    assert "If you do not confirm, we remind you once" in part.get_content()
    assert "nothing happens" not in part.get_content() and kept(site) == 1
    send(site, server, MORNING - 1)
    assert not reminders(server), "it is too early"
    send(site, server, MORNING)
    (email,) = reminders(server)
    assert str(email["To"]) == "suzie@example.org" and str(email["Content-Language"]) == "en"
    part = email.get_body(("plain",))
    assert part is not None
    text = part.get_content()
    assert "does not count yet" in text and "This is the only reminder." in text
    link = re.search(r"/en/confirm/([a-z2-7]{26})", text)
    assert link and token.decode(link[1]) == suzie.t, "it is the link of the first email"
    for later in range(1, 9):
        send(site, server, MORNING + later * DAY)
    assert len(reminders(server)) == 1 and kept(site) == 0
    assert site.writer.commit(site.database, [confirmation(suzie)]) == [Outcome.DONE]


def test_the_link_is_valid_for_a_week_from_the_first_email(
    site: SiteOfTests, petition: PetitionSnapshot, sink: Callable[..., Sink]
) -> None:
    server = sink()
    ask(site, petition)
    send(site, server)
    before = site.database.query("SELECT expires FROM signing_pending")
    send(site, server, MORNING)
    assert len(reminders(server)) == 1
    assert site.database.query("SELECT expires FROM signing_pending") == before


def test_the_address_goes_with_the_pending_signature(
    site: SiteOfTests, petition: PetitionSnapshot, sink: Callable[..., Sink]
) -> None:
    """It is deleted by the click itself, by "not me" and by the last day, not only when a reminder would be due."""
    server = sink()
    yes, no, _ = (ask(site, petition, f"{name}@example.org") for name in ("suzie", "max", "carol"))
    send(site, server)
    assert kept(site) == 3
    site.writer.commit(site.database, [confirmation(yes)])
    assert kept(site) == 2
    site.writer.commit(site.database, [refusal(no, petition)])
    assert kept(site) == 1
    send(site, server, MORNING)
    assert [str(one["To"]) for one in reminders(server)] == ["carol@example.org"]
    assert tidy.expire(site.database, DAY_NUMBER + 8) == 0
    assert tidy.expire(site.database, DAY_NUMBER + 9) == 1


class Busy:
    """A mail server that asks to try again later."""

    takes_international = True

    def send(self, message: object, to: str) -> Answer:
        return Answer(SendOutcome.LATER, Trouble.NONE, "try again later")


def put_off(site: SiteOfTests) -> None:
    """Queue the reminders, and let a mail server put them off."""
    assert reminder.queue_due(site.database, site.snapshots, MORNING) == 1
    outbox.send_due(
        site.database,
        site.keystore,
        Busy(),  # type: ignore[arg-type]
        lambda: MORNING,
        petitions=site.snapshots,
        accepted=reminder.note_accepted,
        writers=WRITERS,
    )
    assert site.database.query("SELECT kind, attempts FROM mail_email") == [(REMINDER, 1)]


@pytest.mark.parametrize("meanwhile", ["confirmed", "not me"])
def test_a_reminder_that_was_put_off_ends_with_the_click(
    site: SiteOfTests, petition: PetitionSnapshot, sink: Callable[..., Sink], meanwhile: str
) -> None:
    """The address goes with the click, because the outbox has no copy of it."""
    server, suzie = sink(), ask(site, petition)
    send(site, server)
    put_off(site)
    assert kept(site) == 1
    assert site.database.query("SELECT LENGTH(sealed) FROM mail_email") == [(32,)], "a reference"
    click = confirmation(suzie) if meanwhile == "confirmed" else refusal(suzie, petition)
    assert site.writer.commit(site.database, [click]) == [Outcome.DONE]
    assert kept(site) == 0
    send(site, server, MORNING + 3_600)
    assert not reminders(server) and site.rows("mail_email") == 0


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE petitions_petition SET state = 'paused', revision = revision + 1",
        "UPDATE petitions_petition SET state = 'closed', closed_on = '2026-11-25', revision = revision + 1",
        "off",
        "a day later",
    ],
)
def test_what_ends_a_reminder_ends_one_that_was_put_off(
    site: SiteOfTests, petition: PetitionSnapshot, sink: Callable[..., Sink], change: str
) -> None:
    server = sink()
    ask(site, petition)
    send(site, server)
    put_off(site)
    if change == "off":
        amend(site, petition, "false")
    elif change != "a day later":
        site.database.execute(change)
    send(site, server, MORNING + (DAY if change == "a day later" else 3_600))
    assert not reminders(server) and kept(site) == 0 and site.rows("mail_email") == 0


def amend(site: SiteOfTests, petition: PetitionSnapshot, reminds: str) -> PetitionSnapshot:
    """Publish an amendment that switches reminders on or off."""
    files = drafts.export_files(petition.slug)
    drafts.import_files({**files, "petition.toml": replace_key(files["petition.toml"], "reminder", reminds)})
    why = Amendment(AmendmentKind.MEANING, {"en": "Emails get lost.", "ko": "이메일이 사라집니다."})
    versions.publish(petition.slug, site.keystore, TODAY, NOW, amendment=why)
    after: PetitionSnapshot = site.petition()
    return after


def test_an_address_is_reminded_once_however_often_the_form_is_sent(
    site: SiteOfTests, petition: PetitionSnapshot, sink: Callable[..., Sink]
) -> None:
    server = sink()
    ask(site, petition)
    ask(site, petition)
    send(site, server)
    send(site, server, MORNING)
    ask(site, petition)
    for day in range(1, 6):
        send(site, server, MORNING + day * DAY)
    assert len(reminders(server)) == 1


def test_confirming_one_of_two_forms_ends_the_reminder_of_the_other(
    site: SiteOfTests, petition: PetitionSnapshot, sink: Callable[..., Sink]
) -> None:
    server = sink()
    ask(site, petition)
    second = ask(site, petition)
    send(site, server)
    site.writer.commit(site.database, [confirmation(second)])
    assert kept(site) == 0
    send(site, server, MORNING)
    assert not reminders(server)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, "the server would keep addresses longer"),
        ({"profile": '"open"', "dedupe": '"offline"'}, "have signed"),
    ],
)
def test_a_petition_that_could_harm_or_cannot_know_has_no_reminder(changes: dict[str, str], why: str) -> None:
    toml = folder.read(EXAMPLE)["petition.toml"]
    for key, value in {**changes, "reminder": "true"}.items():
        toml = replace_key(toml, key, value)
    with pytest.raises(FolderError, match=why):
        folder.parse({**folder.read(EXAMPLE), "petition.toml": toml})


def test_a_guarded_petition_has_none_whatever_is_stored(site: SiteOfTests, sink: Callable[..., Sink]) -> None:
    petition = site.publish()
    ask(site, petition)
    email = settled(site, ask(site, petition, "max@example.org"))
    email.reminds = True
    reminder.note_accepted(site.database, [email], DAY_NUMBER)
    assert kept(site) == 1
    assert reminder.queue_due(site.database, site.snapshots, MORNING) == 0 and kept(site) == 0
    definition = replace(petition.definition, reminder=True)
    assert not reminder._reminds(replace(petition, definition=definition), DAY_NUMBER)
    to = EmailAddress.parse("max@example.org")
    with pytest.raises(ValueError, match="guarded"):
        render(emails.Email(1, REMINDER, to, "en", "x" * 26), definition, emails.Site(), MORNING)


def test_only_an_email_that_asks_to_confirm_and_was_in_time_is_sent_again(
    site: SiteOfTests, petition: PetitionSnapshot
) -> None:
    email = settled(site, ask(site, petition))
    reminder.note_accepted(site.database, [email], email.day + 2)
    reminder.note_accepted(site.database, [replace(email, kind=ALREADY_SIGNED)], email.day)
    assert kept(site) == 0
    reminder.note_accepted(site.database, [email], email.day + 1)
    assert kept(site) == 1


def test_a_held_form_has_none(
    site: SiteOfTests, petition: PetitionSnapshot, sink: Callable[..., Sink]
) -> None:
    """A flood may use the addresses of other people."""
    ask(site, petition, held=1)
    send(site, sink())
    assert kept(site) == 0


def test_only_those_are_reminded_whom_the_form_told(site: SiteOfTests, sink: Callable[..., Sink]) -> None:
    """Who signed before was promised that the address goes as soon as the email has gone."""
    server, before = sink(), site.publish(profile='"open"')
    ask(site, before)
    after = amend(site, before, "true")
    assert after.definition.reminder and "one reminder" in after.consent["en"]
    assert AmendmentKind.CORRECTION in kinds(before.definition, after.definition, same_texts=True)
    ask(site, after, "max@example.org")
    send(site, server)
    send(site, server, MORNING)
    assert [str(one["To"]) for one in reminders(server)] == ["max@example.org"]


@pytest.mark.parametrize("change", ["state = 'paused'", "state = 'closed', closed_on = '2026-11-25'"])
def test_a_petition_that_takes_no_signatures_reminds_nobody(
    site: SiteOfTests, petition: PetitionSnapshot, sink: Callable[..., Sink], change: str
) -> None:
    server = sink()
    ask(site, petition)
    send(site, server)
    site.database.execute(f"UPDATE petitions_petition SET {change}, revision = revision + 1")
    send(site, server, MORNING)
    assert not reminders(server) and kept(site) == 0, "what was kept for it is deleted"


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE petitions_petition SET state = 'paused', revision = revision + 1",
        "UPDATE signing_pending SET remind_on = remind_on + 365",
        "the mail server is down",
    ],
)
def test_what_is_kept_in_vain_is_deleted_before_its_day(
    site: SiteOfTests, petition: PetitionSnapshot, sink: Callable[..., Sink], change: str
) -> None:
    """A petition that pauses, a clock that was ahead, and an email that waits in the outbox for days."""
    server = sink()
    ask(site, petition)
    send(site, server)
    reminder.forget(site.database, site.snapshots, DAY_NUMBER)
    assert kept(site) == 1
    if change.startswith("UPDATE"):
        site.database.execute(change)
    else:
        assert reminder.queue_due(site.database, site.snapshots, MORNING) == 1
        reminder.forget(site.database, site.snapshots, DAY_NUMBER + reminder.KEPT_DAYS - 1)
        assert kept(site) == 1
    site.snapshots.refresh(site.database, site.keystore)
    waited = 0 if change.startswith("UPDATE") else reminder.KEPT_DAYS
    reminder.forget(site.database, site.snapshots, DAY_NUMBER + waited)
    assert kept(site) == 0


def test_a_reminder_that_is_late_is_not_sent(
    site: SiteOfTests, petition: PetitionSnapshot, sink: Callable[..., Sink]
) -> None:
    server = sink()
    ask(site, petition)
    send(site, server)
    send(site, server, MORNING + DAY)
    assert not reminders(server) and kept(site) == 0


def test_the_key_of_the_day_stays_until_its_reminders_are_sent(
    site: SiteOfTests, petition: PetitionSnapshot, sink: Callable[..., Sink]
) -> None:
    server = sink()
    ask(site, petition)
    send(site, server)

    def tidied(day: int) -> list[int]:
        return tidy_keys(site.database, site.keystore, day, reminder.mail_days(site.database))

    assert tidied(DAY_NUMBER + 2) == []
    send(site, server, MORNING)
    assert len(reminders(server)) == 1
    assert tidied(DAY_NUMBER + 2) == [DAY_NUMBER]
    name = mail_key_name(DAY_NUMBER)
    assert not site.database.query("SELECT 1 FROM keys_key WHERE name = ?", (name,))


def test_reminders_are_queued_a_part_at_a_time(
    site: SiteOfTests, petition: PetitionSnapshot, sink: Callable[..., Sink]
) -> None:
    """So other emails leave meanwhile."""
    server, number = sink(), reminder.CHUNK + 1
    for i in range(number):
        ask(site, petition, f"suzie{i}@example.org")
    send(site, server)
    other, queued = site.connect(), list[int]()
    try:
        for database in (site.database, other):
            queued.append(reminder.queue_due(database, site.snapshots, MORNING))
    finally:
        other.close()
    assert queued == [reminder.CHUNK, 0], "the rest waits until these are sent"
    send(site, server, MORNING)
    send(site, server, MORNING)
    assert len({str(one["To"]) for one in reminders(server)}) == len(reminders(server)) == number


def test_other_emails_of_the_slow_lane_do_not_wait_behind_reminders(
    site: SiteOfTests, petition: PetitionSnapshot, sink: Callable[..., Sink]
) -> None:
    for i in range(reminder.CHUNK):
        ask(site, petition, f"suzie{i}@example.org")
    send(site, sink())
    assert reminder.queue_due(site.database, site.snapshots, MORNING) == reminder.CHUNK
    newsletter = [email_id(SLOW, DAY_NUMBER + 2) for _ in range(5)]
    store(site.database, [email_row(one, None, CONFIRM_NEWSLETTER, DAY_NUMBER, b"") for one in newsletter])
    first = claims.claim(site.database, SLOW, 10, lambda: MORNING, lambda: 0.5)
    assert set(newsletter) <= {one.id for one in first}


def settled(site: SiteOfTests, form: Signed) -> claims.Claimed:
    """Return the email of a form as a worker has it that sent it."""
    for row in site.database.query("SELECT id, petition_id, kind, mail_key, sealed FROM mail_email"):
        email = claims.Claimed(row[0], row[1], row[2], row[3], bytes(row[4]), attempts=1, until=1)
        body = open_body(site.keystore.mail_key(site.database, email.day), email.sealed)
        if body.token == token.encode(form.t):
            email.token, email.reminds = body.token, body.reminds
            return email
    raise LookupError


def test_two_forms_of_an_address_accepted_at_once_have_one_reminder(
    site: SiteOfTests, petition: PetitionSnapshot, sink: Callable[..., Sink]
) -> None:
    both_emails = [settled(site, ask(site, petition)) for _ in range(2)]
    site.database.execute("DELETE FROM mail_email")
    databases = [site.connect(), site.connect()] if site.vendor == "postgresql" else [site.database]
    with contextlib.ExitStack() as both:
        for database in databases:
            both.enter_context(database.transaction())
        for number, email in enumerate(both_emails):
            reminder.note_accepted(databases[number % len(databases)], [email], DAY_NUMBER)
    server = sink()
    send(site, server, MORNING)
    send(site, server, MORNING + 60)
    assert len(reminders(server)) == 1


def test_a_click_beside_the_queue_leaves_no_reminder_to_who_has_signed(
    site: SiteOfTests, petition: PetitionSnapshot, sink: Callable[..., Sink], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On PostgreSQL the click skips the other form of the address, whose row is locked at that moment."""
    if site.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    server = sink()
    ask(site, petition)
    second = ask(site, petition)
    send(site, server)
    later = "UPDATE signing_pending SET remind_on = remind_on + 1 WHERE token_hash = ?"
    site.database.execute(later, (second.digest,))
    other, real = site.connect(), store

    def click(database: object, rows: Any) -> None:
        assert site.writer.commit(other, [confirmation(second)]) == [Outcome.DONE]
        real(site.database, rows)

    monkeypatch.setattr(reminder, "store", click)
    reminder.queue_due(site.database, site.snapshots, MORNING)
    monkeypatch.undo()
    other.close()
    send(site, server, MORNING)
    assert not reminders(server) and kept(site) == 0


def test_settling_and_confirming_at_once_do_not_wait_for_each_other(
    site: SiteOfTests, petition: PetitionSnapshot
) -> None:
    """On PostgreSQL both take the rows in one order, also those of emails that were late."""
    if site.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time")
    low, high = sorted(
        (ask(site, petition, f"{name}@example.org") for name in ("suzie", "max")), key=lambda one: one.digest
    )
    both_emails = [settled(site, one) for one in (low, high)]
    site.database.execute(
        "UPDATE signing_pending SET expires = expires - 1 WHERE token_hash = ?", (high.digest,)
    )
    blocker, worker, visitor = (site.connect() for _ in range(3))

    def settle() -> None:
        with worker.transaction():
            reminder.note_accepted(worker, both_emails, DAY_NUMBER)

    with concurrent.futures.ThreadPoolExecutor(2) as threads:
        with blocker.transaction():
            blocker.query("SELECT 1 FROM signing_pending WHERE token_hash = ? FOR UPDATE", (high.digest,))
            first = threads.submit(settle)
            time.sleep(0.3)
            second = threads.submit(site.writer.commit, visitor, [confirmation(low), confirmation(high)])
            time.sleep(0.3)
        first.result(timeout=20)
        assert second.result(timeout=20) == [Outcome.DONE] * 2
    for database in (blocker, worker, visitor):
        database.close()
