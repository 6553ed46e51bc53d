"""The email that says that an answer was due: once, to those who may send, without the name of a guarded petition."""

from datetime import UTC, date, datetime, timedelta

import pytest

from desk_clients import Person, person
from sabal.accounts.acts import TeamRole
from sabal.accounts.models import Organisation, Ownership
from sabal.delivery import record
from sabal.delivery.record import Happening
from sabal.delivery.rows import Reminder, Step
from sabal.desk.reminding import remind
from sabal.mail.emails import Email, Site
from sabal.mail.ids import TEAM_ANSWER_DUE
from sabal.mail.kinds import render
from sabal.mail.row import open_body
from sabal.petitions.deliveries import StepKind
from sabal.petitions.models import Petition
from served import SLUG
from sites import SiteOfTests

TODAY = datetime.now(UTC).date()
DUE = TODAY + timedelta(days=3)
LATE = DUE + timedelta(days=1)


@pytest.fixture
def olga(site: SiteOfTests) -> Person:
    published = site.publish()
    ours = Organisation.objects.create(key="ours", name="Ours")
    Ownership.objects.create(petition_id=published.id, organisation=ours)
    person("max@example.org", TeamRole.MODERATOR, organisation=ours, rights=("send",))
    person("ed@example.org", TeamRole.EDITOR, organisation=ours)  # may not send
    person("eve@example.org")
    return person("olga@example.org", TeamRole.OWNER, organisation=ours)


def ask(olga: Person, due: date = DUE, recipient: str = "unhcr") -> Step:
    what = Happening(StepKind.ASKED, TODAY, due=due)
    return record.add(Petition.objects.get(slug=SLUG), recipient, what, user=olga.user)


def told(site: SiteOfTests) -> list[str]:
    rows = site.database.query("SELECT kind, mail_key, sealed FROM mail_email")
    assert {kind for kind, _, _ in rows} <= {TEAM_ANSWER_DUE}
    return sorted(
        open_body(site.keystore.mail_key(site.database, day), bytes(body)).to.typed for _, day, body in rows
    )


def test_those_who_may_send_are_told_once_after_the_day(site: SiteOfTests, olga: Person) -> None:
    ask(olga)
    assert remind(DUE) == 0 and told(site) == []  # they have until the end of the day
    assert remind(LATE) == 1
    assert told(site) == ["max@example.org", "olga@example.org"]
    assert (
        remind(LATE) == remind(LATE + timedelta(days=9)) == 0
    )  # also for a second worker, and a clock that jumps
    assert len(told(site)) == 2 and Reminder.objects.count() == 1


def test_nobody_is_told_of_what_came_was_corrected_or_asked_again(site: SiteOfTests, olga: Person) -> None:
    ask(olga)
    record.add(
        Petition.objects.get(slug=SLUG), "unhcr", Happening(StepKind.ANSWERED, TODAY, link="https://un.example"),
        user=olga.user,
    )  # fmt: skip
    mistake = ask(olga, recipient="china")
    record.correct(mistake, Happening(StepKind.MISTAKE, TODAY), user=olga.user)
    ask(olga, recipient="governments")
    again = ask(olga, DUE + timedelta(days=30), "governments")
    assert remind(LATE) == 0 and told(site) == []
    assert remind(again.due_on + timedelta(days=1)) == 1  # type: ignore[operator]


def test_what_was_late_when_it_was_recorded_needs_no_email(site: SiteOfTests, olga: Person) -> None:
    ask(olga, TODAY - timedelta(days=400))
    assert remind(LATE) == 0 and told(site) == []


@pytest.mark.parametrize("guarded", [True, False])
def test_the_email_of_a_guarded_petition_does_not_name_it(
    site: SiteOfTests, olga: Person, guarded: bool
) -> None:
    ask(olga)
    remind(LATE)
    ((number, day, sealed), *_) = site.database.query("SELECT id, mail_key, sealed FROM mail_email")
    body = open_body(site.keystore.mail_key(site.database, day), bytes(sealed))
    petition = site.petition() if guarded else site.publish(profile='"open"', slug='"the-open-one"')
    for language in ("en", "ko"):
        email = Email(number, TEAM_ANSWER_DUE, body.to, language, body.token)
        content = render(email, petition.definition, Site(), 1_800_000_000).content.decode()
        assert (petition.slug in content) is not guarded and ("lantern" in content) is guarded
