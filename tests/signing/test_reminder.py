"""One reminder to those who did not confirm: only if the form said so, only while nobody has signed, never guarded."""

import re
from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

import pytest

from mail.world import Sink
from sabal import token
from sabal.keys.keystore import mail_key_name
from sabal.mail import outbox
from sabal.mail.ids import REMINDER
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
            accepted=reminder.accepted,
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
    assert kept(site) == 1
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


def test_the_address_goes_with_the_pending_signature(
    site: SiteOfTests, petition: PetitionSnapshot, sink: Callable[..., Sink]
) -> None:
    """It is deleted by the click itself, by "not me" and by the last day, not only when a reminder would be due."""
    server = sink()
    yes, no, never = (ask(site, petition, f"{name}@example.org") for name in ("suzie", "max", "carol"))
    send(site, server)
    assert kept(site) == 3
    site.writer.commit(site.database, [confirmation(yes)])
    assert kept(site) == 2
    site.writer.commit(site.database, [refusal(no, petition)])
    assert kept(site) == 1
    send(site, server, MORNING)
    assert [str(one["To"]) for one in reminders(server)] == ["carol@example.org"]
    assert never and tidy.expire(site.database, DAY_NUMBER + 20) == 1


@pytest.mark.parametrize("meanwhile", ["confirmed", "not me"])
def test_a_reminder_that_waits_in_the_outbox_is_not_sent_after_the_click(
    site: SiteOfTests, petition: PetitionSnapshot, sink: Callable[..., Sink], meanwhile: str
) -> None:
    server, suzie = sink(), ask(site, petition)
    send(site, server)
    assert reminder.queue_due(site.database, site.snapshots, MORNING) == 1
    assert site.database.query("SELECT kind FROM mail_email") == [(REMINDER,)]
    click = confirmation(suzie) if meanwhile == "confirmed" else refusal(suzie, petition)
    assert site.writer.commit(site.database, [click]) == [Outcome.DONE]
    send(site, server, MORNING)
    assert not reminders(server) and site.rows("mail_email") == 0


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


def test_held_forms_and_guarded_petitions_have_none(site: SiteOfTests, sink: Callable[..., Sink]) -> None:
    server, guarded = sink(), site.publish()
    ask(site, guarded)
    send(site, server)
    assert kept(site) == 0
    toml = replace_key(folder.read(EXAMPLE)["petition.toml"], "reminder", "true")
    with pytest.raises(FolderError, match="A guarded petition cannot have `reminder`"):
        folder.parse({**folder.read(EXAMPLE), "petition.toml": toml})
    other = {"slug": '"another"', "profile": '"open"', "reminder": "true"}
    site.publish(**other)
    ask(site, site.petition("another"), held=1)
    send(site, server)
    assert kept(site) == 0
    send(site, server, MORNING)
    assert not reminders(server)


def test_only_those_are_reminded_whom_the_form_told(site: SiteOfTests, sink: Callable[..., Sink]) -> None:
    """Who signed before was promised that the address goes as soon as the email has gone."""
    server, before = sink(), site.publish(profile='"open"')
    ask(site, before)
    files = drafts.export_files(before.definition.slug)
    drafts.import_files({**files, "petition.toml": replace_key(files["petition.toml"], "reminder", "true")})
    why = Amendment(AmendmentKind.MEANING, {"en": "Emails get lost.", "ko": "이메일이 사라집니다."})
    versions.publish(before.definition.slug, site.keystore, TODAY, NOW, amendment=why)
    after = site.petition()
    assert after.definition.reminder and "one reminder" in after.consent["en"]
    assert AmendmentKind.CORRECTION not in kinds(before.definition, after.definition, same_texts=True)
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


def test_a_reminder_that_is_late_is_not_sent(
    site: SiteOfTests, petition: PetitionSnapshot, sink: Callable[..., Sink]
) -> None:
    server = sink()
    ask(site, petition)
    send(site, server)
    send(site, server, MORNING + (reminder.LATE_DAYS + 1) * DAY)
    assert not reminders(server) and kept(site) == 0


def test_the_key_of_the_day_stays_until_its_reminders_are_sent(
    site: SiteOfTests, petition: PetitionSnapshot, sink: Callable[..., Sink]
) -> None:
    server = sink()
    ask(site, petition)
    send(site, server)

    def tidied(day: int) -> list[int]:
        return tidy_keys(site.database, site.keystore, day, reminder.key_days(site.database))

    assert tidied(DAY_NUMBER + 2) == []
    send(site, server, MORNING)
    assert len(reminders(server)) == 1
    assert tidied(DAY_NUMBER + 2) == [DAY_NUMBER]
    name = mail_key_name(DAY_NUMBER)
    assert not site.database.query("SELECT 1 FROM keys_key WHERE name = ?", (name,))


def test_two_workers_send_one(
    site: SiteOfTests, petition: PetitionSnapshot, sink: Callable[..., Sink]
) -> None:
    server = sink()
    for i in range(2 * reminder.CHUNK + 1):
        ask(site, petition, f"suzie{i}@example.org")
    send(site, server)
    other = site.connect()
    try:
        queued = [
            reminder.queue_due(database, site.snapshots, MORNING) for database in (site.database, other)
        ]
    finally:
        other.close()
    assert queued == [2 * reminder.CHUNK + 1, 0]
    assert site.rows("mail_email") == 2 * reminder.CHUNK + 1
