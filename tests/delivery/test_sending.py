"""Emails to recipients, with a real mail server: once each, in office hours, with the letter, and with no signer."""

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, time
from email.message import EmailMessage
from pathlib import Path

import pytest

from bounces.messages import dsn
from desk_clients import Person, person
from mail.conftest import sink
from mail.world import Sink
from sabal import settings
from sabal.accounts.acts import TeamRole
from sabal.accounts.models import Membership, Organisation, Ownership
from sabal.bounces.report import read
from sabal.bounces.take import Taken, take
from sabal.configuration.bounce_address import parse_bounce_address
from sabal.configuration.sender import Sender
from sabal.delivery import asking
from sabal.delivery.asking import Wanted
from sabal.delivery.contact import Contact
from sabal.delivery.outgoing import DeliveryEmails
from sabal.delivery.rows import Step
from sabal.delivery.sendings import Dispatch, Occasion, SendingRules
from sabal.desk.delivering import PACE, Dispatching
from sabal.keys.keyring import SUBSCRIBERS
from sabal.mail import outbox
from sabal.mail.emails import Site
from sabal.mail.ids import DELIVERY
from sabal.mail.smtp import SmtpTransport
from sabal.mail.verp import Verp
from sabal.petitions.models import Petition, Version
from sabal.signing import reminder
from served import SLUG
from signing.steps import confirmed
from sites import NOW, SiteOfTests

__all__ = ["sink"]  # a fixture
HOUR, DAY = 3_600, 86_400
MONDAY = int(datetime(2026, 11, 30, 10, tzinfo=UTC).timestamp())
SITE = Site("https://petition.example", Sender("Petitions", "petition@site.example"))
Sinks = Callable[..., Sink]


class Office:
    """A published petition with recipients, its worker, and a clock that the test moves."""

    def __init__(self, site: SiteOfTests) -> None:
        self.site = site
        organisation = Organisation.objects.create(key="ours", name="Ours")
        self.snapshot = site.publish(profile='"open"')
        self.petition = Petition.objects.get(slug=SLUG)
        Ownership.objects.create(petition=self.petition, organisation=organisation)
        self.olga: Person = person("olga@example.org", TeamRole.OWNER, organisation=organisation)
        self.now = MONDAY
        self.worker = Dispatching(site.keystore)

    def contact(self, key: str = "unhcr", **values: object) -> Contact:
        given: dict[str, object] = {"email": f"{key}@office.example", "language": "en", "kind": "un-body"}
        given |= {"names": {"en": key.upper()}} | values
        return Contact.objects.create(petition=self.petition, key=key, **given)

    def ask(self, *keys: str, **values: object) -> Occasion:
        given: dict[str, object] = {
            "recipients": keys or ("unhcr",),
            "reply_to": "carol@ours.example",
            "due": self.now,
        }
        return asking.ask(self.petition, Wanted(**given | values), self.olga.user, self.now)  # type: ignore[arg-type]

    def round(self, seconds: int = 0) -> None:
        self.now += seconds
        self.site.refresh()
        self.worker.round(self.site.database, self.site.snapshots, self.now)

    def send(self, transport: SmtpTransport, by: Site = SITE) -> outbox.SendReport:
        return outbox.send_due(
            self.site.database,
            self.site.keystore,
            transport,
            lambda: self.now,
            petitions=self.site.snapshots,
            accepted=reminder.note_accepted,
            site=by,
            writers={DELIVERY: DeliveryEmails()},
            chance=lambda: 0.5,
            pause=lambda _: None,
        )

    def states(self) -> list[str]:
        return list(Dispatch.objects.order_by("pk").values_list("state", flat=True))

    def outbox(self) -> int:
        return self.site.rows("mail_email")


@pytest.fixture
def office(site: SiteOfTests, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    monkeypatch.setattr(settings, "MAIL_FROM", SITE.sender)
    yield Office(site)


def attached(email: EmailMessage) -> EmailMessage:
    return next(email.iter_attachments())  # type: ignore[return-value]


def test_a_letter_goes_once_and_is_recorded(office: Office, sink: Sinks) -> None:
    server = sink()
    office.contact(language="ko", postal="94 Rue\nGeneva")
    for name in ("suzie", "max"):
        confirmed(office.site, office.snapshot, f"{name}@example.org")
    office.site.sequence(office.snapshot, NOW + 400 * HOUR)
    office.site.database.execute("DELETE FROM mail_email")  # those that ask to confirm
    office.ask(words={"ko": "저희가 드리는 말씀입니다.", "en": "Not for it."})
    office.round()
    assert office.states() == ["queued"]
    office.send(server.transport())
    office.round(PACE)
    office.send(server.transport())
    assert office.states() == ["accepted"] and office.outbox() == 0
    [email] = server.emails()
    assert email["To"] == "unhcr@office.example" and email["Reply-To"] == "carol@ours.example"
    assert email["Subject"].startswith("청원: ") and email["Auto-Submitted"] == "auto-generated"
    assert str(email["From"]).endswith("<petition@site.example>") and "작성자" in str(email["From"])
    body = email.get_body(("plain",))
    assert body is not None
    said = body.get_content()
    assert "저희가 드리는 말씀입니다." in said and "Not for it." not in said
    assert "suzie" not in said and "@example.org" not in said
    letter = attached(email)
    data = letter.get_payload(decode=True)
    assert isinstance(data, bytes) and data.startswith(b"%PDF-") and len(data) < 2_000_000
    dispatch = Dispatch.objects.get()
    assert dispatch.enclosure is not None and dispatch.enclosure.digest == hashlib.sha256(data).hexdigest()
    assert letter.get_filename() == dispatch.enclosure.name
    step = Step.objects.get()
    assert (step.recipient, step.kind, step.way, step.language) == ("unhcr", "delivered", "email", "ko")
    office.round(PACE)
    assert Step.objects.count() == 1


def test_the_same_button_asks_once(office: Office) -> None:
    office.contact()
    one, other = office.ask(key="form"), office.ask(key="form")
    assert one.pk == other.pk
    office.round()
    office.round(PACE)
    assert len(office.states()) == 1


def test_it_waits_for_the_office_and_leaves_one_after_the_other(office: Office) -> None:
    office.contact("unhcr", zone="America/New_York")
    office.contact("china", zone="Asia/Shanghai", opens=time(8), closes=time(18))
    office.ask("unhcr", "china")
    office.now = int(datetime(2026, 11, 28, 10, tzinfo=UTC).timestamp())  # a Saturday
    Occasion.objects.update(due=office.now)
    office.round()
    assert office.states() == ["waiting", "waiting"]
    office.now = int(datetime(2026, 11, 30, 9, 0, tzinfo=UTC).timestamp())  # 17:00 there, 4:00 in New York
    office.round()
    assert sorted(office.states()) == ["queued", "waiting"]
    office.now = int(datetime(2026, 11, 30, 14, 0, tzinfo=UTC).timestamp())
    office.round()
    assert office.states() == ["queued", "queued"]


def test_two_leave_with_time_to_cancel_between_them(office: Office) -> None:
    for key in ("unhcr", "china"):
        office.contact(key)
    occasion = office.ask("unhcr", "china")
    office.round()
    office.round(PACE - 1)
    assert sorted(office.states()) == ["queued", "waiting"]
    assert asking.cancel(occasion, office.now)
    office.round(PACE)
    assert sorted(office.states()) == ["cancelled", "cancelled"]
    assert not asking.cancel(occasion, office.now)


def test_what_was_cancelled_in_the_outbox_does_not_go(office: Office, sink: Sinks) -> None:
    server = sink()
    office.contact()
    occasion = office.ask()
    office.round()
    asking.cancel(occasion, office.now)
    office.send(server.transport())
    assert server.emails() == [] and office.outbox() == 0 and office.states() == ["cancelled"]


def test_a_recipient_that_leaves_the_text_gets_nothing(office: Office, sink: Sinks) -> None:
    server = sink()
    office.contact()
    office.contact("china")
    office.ask("unhcr", "china")
    office.round()
    version = Version.objects.get(petition=office.petition)
    without = version.files.replace('key = \\"unhcr\\"', 'key = \\"a\\"').replace(
        'key = \\"china\\"', 'key = \\"b\\"'
    )
    Version.objects.filter(pk=version.pk).update(files=without)
    Petition.objects.filter(pk=office.petition.pk).update(revision=9)
    office.round(PACE)  # one was in the outbox, one still waited
    office.send(server.transport())
    assert server.emails() == [] and office.states() == ["removed", "removed"]


def test_an_address_that_is_changed_meanwhile_is_the_one_that_gets_it(office: Office, sink: Sinks) -> None:
    server = sink()
    contact = office.contact()
    office.ask()
    office.round()
    Contact.objects.filter(pk=contact.pk).update(email="new@office.example")
    office.send(server.transport())
    assert server.emails() == [] and office.states() == ["waiting"]
    office.round(PACE)
    office.send(server.transport())
    assert [email["To"] for email in server.emails()] == ["new@office.example"]


def test_an_outbox_that_was_stuck_over_night_waits_for_the_morning(office: Office, sink: Sinks) -> None:
    server = sink()
    office.contact()
    office.ask()
    office.round()
    office.now += 12 * HOUR
    office.send(server.transport())
    assert server.emails() == [] and office.states() == ["waiting"]
    office.now += 12 * HOUR
    office.round()
    office.send(server.transport())
    assert len(server.emails()) == 1


@pytest.mark.parametrize(
    ("behaviour", "state", "reason"),
    [
        ("refuse", "refused", "there is no such mailbox"),
        ("greylist", "queued", "greylisted"),
        ("policy", "queued", "the server's policy refuses our emails"),
        ("drop-after", "unclear", "the server closed the connection"),
    ],
)
def test_the_answer_of_the_mail_server_is_kept(
    office: Office, sink: Sinks, behaviour: str, state: str, reason: str
) -> None:
    server = sink(behaviour)
    office.contact()
    office.ask()
    office.round()
    office.send(server.transport())
    dispatch = Dispatch.objects.get()
    assert (dispatch.state, dispatch.reason) == (state, reason)
    office.now += 2 * HOUR
    office.round()
    office.send(server.transport())
    office.round(PACE)
    if behaviour == "greylist":
        assert office.states() == ["accepted"] and len(server.emails()) == 1
    if behaviour == "drop-after":  # it arrived, and its answer was lost: it does not go again
        assert office.states() == ["unclear"] and len(server.emails()) == 1 and office.outbox() == 0
    assert Step.objects.count() == (behaviour == "greylist")


def test_kill_9_in_the_middle_sends_nothing_twice(office: Office, sink: Sinks) -> None:
    """The process ends after the mail server has the email, and before it could store that."""
    server = sink()
    office.contact()
    office.ask()
    office.round()
    environment = os.environ | {
        "SABAL_DATA": str(office.site.data),
        "SABAL_DATABASE_URL": office.site.url,
        "SABAL_MAIL_FROM": "petition@site.example",
        "DJANGO_SETTINGS_MODULE": "sabal.desk.settings",
    }
    script = str(Path(__file__).with_name("killed.py"))
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", script, str(server.port), str(office.now)],
        env=environment,
        check=False,
        timeout=120,
    )
    assert ended.returncode == -signal.SIGKILL
    assert len(server.emails()) == 1 and office.states() == ["begun"] and office.outbox() == 1
    for _ in range(3):
        office.now += HOUR
        office.round()
        office.send(server.transport())
    assert len(server.emails()) == 1 and office.states() == ["unclear"] and office.outbox() == 0
    assert Step.objects.count() == 0


def test_a_restore_sends_nothing_by_itself(office: Office, sink: Sinks) -> None:
    from sabal.delivery.restored import hold

    office.contact()
    SendingRules.objects.create(petition=office.petition, first=1, user=office.olga.user)
    office.ask()
    office.round()
    hold(office.site.database, office.now)
    later = office.ask(key="later", due=office.now + HOUR)
    hold(office.site.database, office.now)
    assert asking.notice(office.petition, 1_000, office.now) is None
    office.round(2 * HOUR)
    assert office.states() == ["unclear"]
    later.refresh_from_db()
    assert later.cancelled


@pytest.mark.parametrize(
    ("first", "every", "before", "now", "found"),
    [
        (100, None, 0, 99, 0),
        (100, None, 0, 100, 100),
        (100, None, 100, 5_000, 0),
        (100, 1_000, 0, 5_432, 5_000),  # several at once are one
        (100, 1_000, 5_432, 5_999, 0),
        (None, 1_000, 999, 1_000, 1_000),
        (None, None, 0, 10**9, 0),
        (5_000, 1_000, 4_900, 5_001, 5_000),
    ],
)
def test_thresholds(first: int | None, every: int | None, before: int, now: int, found: int) -> None:
    assert asking.passed(SendingRules(first=first, every=every), before, now) == found


def rules(office: Office, **values: object) -> SendingRules:
    given: dict[str, object] = {
        "petition": office.petition,
        "user": office.olga.user,
        "reply_to": "c@ours.example",
    }
    return SendingRules.objects.create(**given | values)


def test_numbers_that_are_reached_send_one_digest_and_never_twice(office: Office) -> None:
    office.contact()
    rules(office, first=10, every=100, days_between=7)
    assert asking.notice(office.petition, 9, office.now) is None
    assert asking.notice(office.petition, 350, office.now) is not None
    assert asking.notice(office.petition, 340, office.now) is None  # some withdrew
    assert asking.notice(office.petition, 351, office.now) is None  # and others signed
    assert [one.key for one in Occasion.objects.all()] == ["count-300"]
    office.round()
    assert office.states() == ["queued"]
    Dispatch.objects.update(state="accepted", ended=office.now)
    for count in (400, 500):  # within a week
        asking.notice(office.petition, count, office.now)
        office.round(HOUR)
    assert office.states() == ["accepted", "replaced", "waiting"]
    office.now = MONDAY + 8 * DAY
    office.round()
    assert office.states() == ["accepted", "replaced", "queued"]


def test_the_end_sends_the_last_number(office: Office) -> None:
    office.contact()
    rules(office, first=10, final=True)
    office.petition.state = Petition.State.FINALISED
    assert asking.notice(office.petition, 20, office.now) is not None
    assert asking.notice(office.petition, 20, office.now) is None
    assert [one.key for one in Occasion.objects.all()] == ["final"]


def test_members_get_it_instead_of_their_group_and_one_address_once(office: Office, sink: Sinks) -> None:
    server = sink()
    council = office.contact("security-council", email="council@office.example", kind="group")
    members = {"france": "FR@office.example", "latvia": "fr@office.example", "chile": "cl@office.example"}
    for key, email in members.items():
        office.contact(key, group=council.key, email=email, names={"en": key.title()})
    Contact.objects.filter(key="chile").update(until=datetime(2026, 11, 29).date())
    office.ask("security-council")
    office.round()
    assert office.states() == ["queued", "same"]
    office.send(server.transport())
    [email] = server.emails()
    assert email["To"] == "FR@office.example" and "To: France" in email.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    office.round(PACE)
    step = Step.objects.get()
    assert (step.recipient, step.member) == ("security-council", "France")


def test_the_record_names_a_member_in_the_authoritative_language(office: Office, sink: Sinks) -> None:
    server = sink()
    council = office.contact("security-council", email="council@office.example", kind="group")
    names = {"ko": "일본", "ja": "日本", "en": "Japan"}
    office.contact("japan", group=council.key, email="jp@office.example", language="ja", names=names)
    office.ask("security-council")
    office.round()
    office.send(server.transport())
    [email] = server.emails()
    assert "日本" in email.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    office.round(PACE)
    assert Step.objects.get().member == "Japan"


def test_what_an_address_became_that_is_refused_now_is_not_sent(office: Office) -> None:
    office.contact(email="petition+x@site.example")
    office.contact("china", email="a@x.example\r\nBcc: eve@example.org")
    office.ask("unhcr", "china")
    office.round()
    assert office.states() == ["failed", "failed"]


def test_somebody_who_lost_the_right_to_send_sends_nothing(office: Office) -> None:
    office.contact()
    office.ask()
    Membership.objects.filter(user=office.olga.user).delete()
    office.round()
    assert office.states() == ["cancelled"]


def test_a_test_goes_to_oneself_at_any_hour_and_is_not_recorded(office: Office, sink: Sinks) -> None:
    server = sink()
    office.contact(opens=time(1), closes=time(2))
    office.ask(test=True)
    office.round()
    office.send(server.transport())
    office.round(PACE)
    [email] = server.emails()
    assert email["To"] == "olga@example.org" and Step.objects.count() == 0


def test_a_clock_that_is_set_back_does_not_stop_or_repeat(office: Office, sink: Sinks) -> None:
    server = sink()
    office.contact()
    office.ask(key="one")
    office.round()
    office.send(server.transport())
    office.now -= 7 * DAY
    office.ask(key="two")
    office.round()
    office.send(server.transport())
    assert len(server.emails()) == 2 and office.states() == ["accepted", "accepted"]


def test_names_with_line_ends_make_no_header(office: Office, sink: Sinks) -> None:
    server = sink()
    office.contact(names={"en": "X\r\nBcc: eve@example.org"})
    office.ask()
    office.round()
    Dispatch.objects.update(subject="A\r\nBcc: eve@example.org")
    office.send(server.transport())
    assert server.emails() == []
    # Nothing left, and the desk says so and why.
    assert office.states() == ["failed"] and office.outbox() == 0
    path = f"/petitions/{SLUG}/delivery/sent/{Dispatch.objects.get().pk}"
    page = office.olga.browser.get(path).content.decode()
    assert "Nothing was sent" in page and "more than one line" in page and "may have" not in page
    assert "Send it again" in page


def test_a_fault_in_composing_is_no_email_that_may_have_arrived(office: Office, sink: Sinks) -> None:
    server = sink()
    office.contact(zone="Europe/Berlin")
    office.ask()
    office.round()
    office.petition.refresh_from_db()
    Contact.objects.update(zone="Nowhere/At_all")
    office.send(server.transport())
    office.now += 4 * DAY
    office.send(server.transport())
    assert server.emails() == [] and office.states() == ["failed"] and office.outbox() == 0


def test_a_bounce_says_that_it_came_back_and_a_forged_one_says_nothing(office: Office, sink: Sinks) -> None:
    """Its envelope has a token of its own, which leads to no subscription with the same number."""
    server = sink()
    office.contact()
    office.ask()
    office.round()
    key = office.site.keystore.make(office.site.database, SUBSCRIBERS)
    verp = Verp.of(parse_bounce_address("bounces@site.example"), key)
    site = Site(SITE.base_url, SITE.sender, verp)
    office.send(server.transport(), site)
    envelope = server.lines()[0]["from"]
    assert envelope.startswith("bounces+")
    office.round(PACE)
    today = office.now // DAY
    with closing(office.site.connect()) as database:
        token, domain = envelope.split("@")
        forged = dsn(f"{token[:-1]}{'b' if token.endswith('a') else 'a'}@{domain}")
        assert take(database, verp, key, read(forged), today) is Taken.FORGED
        assert office.states() == ["accepted"]
        assert take(database, verp, key, read(dsn(envelope)), today) is Taken.COUNTED
        assert take(database, verp, key, read(dsn(envelope)), today) is Taken.AGAIN
    dispatch = Dispatch.objects.get()
    assert (dispatch.state, dispatch.reason) == ("returned", "there is no such mailbox")
    office.round(PACE)
    office.round(PACE)
    assert list(Step.objects.order_by("pk").values_list("kind", flat=True)) == ["delivered", "returned"]
