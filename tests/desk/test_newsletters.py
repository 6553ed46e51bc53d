"""The newsletter on the desk: Olga writes it, sees how it arrives, tests it, sends it, and reads what became of it."""

import re
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy

import pytest

from desk_clients import Person, person
from mailings.world import CAROLS, Post, Recorder, begun, subscribe, write
from sabal.accounts import listowners
from sabal.accounts.acts import TeamRole
from sabal.accounts.models import AuditEntry, Membership, Organisation, Ownership
from sabal.desk import newsletters
from sabal.mailings import control
from sabal.mailings.models import Mailing, MailingTest
from sabal.newsletter import leaving
from sabal.petitions.models import Petition
from sites import NOW, SiteOfTests

OURS = "/newsletters/ours"
TEXT = {
    "subject": "We met the council",
    "body": "They **listened**.\n\n[Read more](https://example.org/more)",
}


@pytest.fixture
def olga(site: SiteOfTests) -> Person:
    """Return the owner of the organisation whose petition is published."""
    site.publish()
    ours = Organisation.objects.create(key="ours", name="Ours")
    Ownership.objects.create(petition=Petition.objects.get(), organisation=ours)
    return person("olga@example.org", TeamRole.OWNER, organisation=ours)


def begin_writing(olga: Person, audience: str = f"newsletter:{CAROLS}") -> str:
    """Begin a mailing and return its address."""
    answer = olga.browser.post(f"{OURS}/new", {"audience": audience, "language": "en"})
    assert answer.status_code == 302, answer.content.decode()
    return re.sub(r"/text/en$", "", answer["Location"])


def save(olga: Person, address: str, language: str = "en", **changes: str) -> int:
    mailing = Mailing.objects.get(pk=int(address.rsplit("/", 1)[1]))
    fields = {**TEXT, "revision": str(mailing.revision), **changes}
    return olga.browser.post(f"{address}/text/{language}", fields).status_code


def send(olga: Person, address: str, **fields: object) -> tuple[int, str]:
    mailing = Mailing.objects.get(pk=int(address.rsplit("/", 1)[1]))
    form = {"revision": mailing.revision, "when": "now", "archived": "on", **fields}
    answer = olga.browser.post(f"{address}/send", form)
    return answer.status_code, answer.content.decode()


def test_from_the_first_word_to_the_report(site: SiteOfTests, olga: Person) -> None:
    subscribe(site, "suzie@example.org", "max@example.net")
    subscribe(site, "carol@example.org", language="ko")
    assert "Confirmed subscribers" in olga.browser.get(OURS).content.decode()
    address = begin_writing(olga)
    assert "Nothing is written yet" in olga.browser.get(address).content.decode()
    assert save(olga, address) == 302
    page = olga.browser.get(address).content.decode()
    assert "We met the council" in page and "3 subscribers" in page and "They *listened*." in page
    html = olga.browser.get(f"{address}/html?language=en")
    assert (
        "<strong>listened</strong>" in html.content.decode() and "sandbox" in html["Content-Security-Policy"]
    )
    assert "@media all" in olga.browser.get(f"{address}/html?language=en&dark=1").content.decode()
    page = olga.browser.get(f"{address}/send").content.decode()
    assert (
        "Send it to 3 readers" in page and "No test was sent yet" in page and "no text of their own" in page
    )
    assert send(olga, address, readers=["en", "ko"])[0] == 302
    recorder = Recorder()
    post = Post(site, [recorder])
    post.until_idle()
    post.close()
    assert recorder.readers == ["carol@example.org", "max@example.net", "suzie@example.org"]
    page = olga.browser.get(address).content.decode()
    assert "<b>3</b> accepted by the mail server" in page and "No opens, no clicks" in page
    assert AuditEntry.objects.filter(what="mailing-begun", details="We met the council").count() == 1
    assert "We met the council" in olga.browser.get(OURS).content.decode()
    assert olga.browser.get(f"{address}/text/en").status_code == 409  # what was sent stays as it is


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("Read [it](http://site.example/en).", 422),
        ("Read [it](/en/night-bus).", 422),
        ("Read [it](javascript:alert(1)).", 422),
        ("Read [it](https://site.example/en), or write [to us](mailto:us@site.example).", 302),
        ("We met (at last) [all of them] on Tuesday.", 302),
    ],
)
def test_a_link_that_would_arrive_as_words_is_refused(
    site: SiteOfTests, olga: Person, body: str, status: int
) -> None:
    assert save(olga, begin_writing(olga), body=body) == status


def test_a_test_goes_to_the_person_alone(site: SiteOfTests, olga: Person) -> None:
    subscribe(site, "suzie@example.org")
    address = begin_writing(olga)
    save(olga, address)
    save(olga, address, "ko", subject="의회를 만났습니다", body="들어 주었습니다.")
    assert olga.browser.post(f"{address}/test").status_code == 302
    assert "on its way" in olga.browser.get(address).content.decode()
    recorder = Recorder()
    post = Post(site, [recorder])
    post.now = MailingTest.objects.get().asked_at
    post.until_idle()
    post.close()
    assert [to for to, _ in recorder.sent] == ["olga@example.org"] * 2
    subjects = {
        str(message_from_bytes(m.content, policy=policy.default)["Subject"]) for _, m in recorder.sent
    }
    assert subjects == {"We met the council", "의회를 만났습니다"}
    assert "took the test" in olga.browser.get(address).content.decode()
    for _ in range(12):
        last = olga.browser.post(f"{address}/test").status_code
    assert last == 409 and MailingTest.objects.count() == 10


def test_a_newsletter_without_a_published_petition_is_neither_sent_nor_planned(
    site: SiteOfTests, olga: Person
) -> None:
    """Its petition was given away, and names another organisation now."""
    subscribe(site, "suzie@example.org")
    theirs = Organisation.objects.create(key="theirs", name="Theirs")
    listowners.give(Petition.objects.get(), theirs)
    address = begin_writing(olga)
    assert save(olga, address) == 302
    planned = begin_writing(olga)
    save(olga, planned, subject="Planned while it could be sent")
    later = Mailing.objects.get(pk=int(planned.rsplit("/", 1)[1]))
    assert control.plan(later, NOW, "Asia/Seoul", olga.user.pk)
    Petition.objects.update(organisation="theirs-2")
    page = olga.browser.get(f"{address}/send")
    assert page.status_code == 409 and "No published petition" in page.content.decode()
    assert "import them" in page.content.decode()
    day = (datetime.now(UTC) + timedelta(days=2)).strftime("%Y-%m-%d")
    for form in ({"when": "now"}, {"when": "later", "day": day, "time": "09:00", "zone": "Asia/Seoul"}):
        assert send(olga, address, readers=["en"], **form)[0] == 409
    mailing = Mailing.objects.get(pk=int(address.rsplit("/", 1)[1]))
    assert mailing.begun_at is None and mailing.planned_for is None
    # What was planned before becomes a draft again.
    assert newsletters.begin_due(NOW) == 0
    later.refresh_from_db()
    assert later.state == "draft"


def test_two_people_do_not_overwrite_each_other(site: SiteOfTests, olga: Person) -> None:
    subscribe(site, "suzie@example.org")
    address = begin_writing(olga)
    revision = str(Mailing.objects.get().revision)
    assert save(olga, address) == 302
    assert save(olga, address, revision=revision, body="Another text") == 422
    assert Mailing.objects.get().texts.get().body == TEXT["body"]
    # What was seen is what is sent.
    status, page = send(olga, address, revision=revision)
    assert Mailing.objects.get().begun_at is None
    assert status == 422 and "changed after you looked at it" in page


@pytest.mark.parametrize(
    "field", ["Dear {{first_name}},", "Hello *|FNAME|*", "Hi {name}", "%%vorname%%", "[[name]]", "<<Name>>"]
)
def test_fields_of_other_programs_are_refused(site: SiteOfTests, olga: Person, field: str) -> None:
    address = begin_writing(olga)
    assert save(olga, address, body=f"{field}\n\nThe council met.") == 422
    assert save(olga, address, subject=field) == 422
    assert not Mailing.objects.get().texts.exists()


def test_code_in_a_text_runs_nowhere(site: SiteOfTests, olga: Person) -> None:
    address = begin_writing(olga)
    bad = "<script>alert(1)</script> <img src=x onerror=alert(1)> [x][y] <javascript:alert(1)> ![p](https://a.example/p)"
    bad += "\n\n[y]: javascript:alert(1)"
    assert save(olga, address, subject="<b>x</b>", body=bad) == 302
    html = olga.browser.get(f"{address}/html?language=en").content.decode()
    page = olga.browser.get(address).content.decode()
    assert "<script>alert" not in html + page and "<img" not in html and "<b>x</b>" not in html + page
    assert 'href="javascript' not in html


def test_a_plan_begins_at_its_time_and_not_if_its_person_has_left(site: SiteOfTests, olga: Person) -> None:
    address = begin_writing(olga)
    save(olga, address)
    subscribe(site, "suzie@example.org")
    at = datetime.now(UTC) + timedelta(days=2)
    when = {"when": "later", "day": f"{at:%Y-%m-%d}", "time": f"{at:%H:%M}", "zone": "Asia/Seoul"}
    assert send(olga, address, **when)[0] == 302
    mailing = Mailing.objects.get()
    assert mailing.planned_for and "It will be sent on" in olga.browser.get(address).content.decode()
    assert olga.browser.get(f"{address}/text/en").status_code == 409
    assert newsletters.begin_due(mailing.planned_for - 1) == 0
    assert (
        newsletters.begin_due(mailing.planned_for + control.MISSED_AFTER + 1) == 0
    )  # a day late: a person decides
    membership = Membership.objects.get(user=olga.user)
    Membership.objects.filter(pk=membership.pk).update(role=TeamRole.EDITOR)
    assert newsletters.begin_due(mailing.planned_for) == 0
    mailing.refresh_from_db()
    assert mailing.state == "draft"
    Membership.objects.filter(pk=membership.pk).update(role=TeamRole.OWNER)
    send(olga, address, **when)
    mailing.refresh_from_db()
    assert mailing.planned_for and newsletters.begin_due(mailing.planned_for) == 1
    assert newsletters.begin_due(mailing.planned_for) == 0


def test_pause_resume_and_cancel(site: SiteOfTests, olga: Person) -> None:
    address = begin_writing(olga)
    save(olga, address)
    subscribe(site, "suzie@example.org")
    send(olga, address)
    for step, state in (
        ("pause", "paused"),
        ("resume", "sending"),
        ("cancel", "cancelled"),
        ("resume", "cancelled"),
    ):
        olga.browser.post(f"{address}/{step}")
        assert Mailing.objects.get().state == state
    assert olga.browser.post(f"{address}/explode").status_code == 404
    assert olga.browser.post(f"{address}/discard").status_code == 302
    assert Mailing.objects.count() == 1  # only drafts are discarded


def test_another_organisations_mailing_does_not_exist(site: SiteOfTests, olga: Person) -> None:
    Organisation.objects.create(key="theirs", name="Theirs")
    eve = person("eve@example.org", TeamRole.OWNER, organisation=Organisation.objects.get(key="theirs"))
    address = begin_writing(olga)
    save(olga, address)
    number = address.rsplit("/", 1)[1]
    for path in ("", "/text/en", "/html", "/send"):
        assert eve.browser.get(f"/newsletters/theirs/{number}{path}").status_code == 404
        assert eve.browser.get(f"{address}{path}").status_code == 404
    assert eve.browser.post(f"/newsletters/theirs/{number}/cancel").status_code == 404
    form = {"audience": f"newsletter:{CAROLS}", "language": "en"}
    assert eve.browser.post("/newsletters/theirs/new", form).status_code == 422


def test_a_list_that_two_organisations_share_belongs_to_neither(site: SiteOfTests, olga: Person) -> None:
    theirs = Organisation.objects.create(key="theirs", name="Theirs")
    other = Petition.objects.create(slug="second", state=Petition.State.OPEN, organisation=CAROLS)
    Ownership.objects.create(petition=other, organisation=theirs)
    assert listowners.keys_of(theirs) == [] == listowners.keys_of(Organisation.objects.get(key="ours"))


def test_updates_about_a_guarded_petition_are_not_written_here(site: SiteOfTests, olga: Person) -> None:
    page = olga.browser.get(f"{OURS}/new").content.decode()
    assert f"newsletter:{CAROLS}" in page and f"updates:{CAROLS}" not in page
    assert "Updates about a guarded petition are not written here" in page


def test_who_has_no_guarded_petition_reads_nothing_about_one(site: SiteOfTests) -> None:
    site.publish(profile='"open"')
    ours = Organisation.objects.create(key="ours", name="Ours")
    Ownership.objects.create(petition=Petition.objects.get(), organisation=ours)
    page = person("olga@example.org", TeamRole.OWNER, organisation=ours).browser.get(f"{OURS}/new")
    assert f"updates:{CAROLS}" in page.content.decode() and "guarded" not in page.content.decode()


def test_readers_are_told_how_often_it_comes(site: SiteOfTests, olga: Person) -> None:
    answer = olga.browser.post(
        f"{OURS}/about", {"often:en": " Once a  month. ", "reply_to": "carol@example.org"}
    )
    assert answer.status_code == 302
    assert "Once a month." in olga.browser.get(f"{OURS}/about").content.decode()
    assert olga.browser.post(f"{OURS}/about", {"reply_to": "a@example.org, b@example.org"}).status_code == 422


def test_who_may_not_export_sees_no_number_of_those_who_get_updates_about_a_guarded_petition(
    site: SiteOfTests, olga: Person
) -> None:
    """Sign with a mailbox, tick the box, and see whether the number grows: this would tell whether it had signed."""
    petition = Petition.objects.get()
    people = subscribe(site, "suzie@example.org", "carol@example.org", petition=petition.pk)
    ours = Organisation.objects.get(key="ours")
    max_ = person("max@example.org", TeamRole.EDITOR, organisation=ours, rights=("send",))
    sent = begun(petition=petition, archived=False)
    post = Post(site, [Recorder()])
    post.until_idle()
    post.close()
    draft = write(petition=petition, archived=False)
    paths = (OURS, f"{OURS}/{draft.pk}", f"{OURS}/{draft.pk}/send", f"{OURS}/{sent.pk}")
    before = [(seen(olga, path), seen(max_, path)) for path in paths]
    subscribe(site, "max@example.org", "eve@example.org", language="ko", petition=petition.pk)
    with site.database.transaction():
        leaving.unsubscribe(site.database, people[0])
    for path, (olgas, maxs) in zip(paths, before, strict=True):
        assert seen(olga, path) != olgas, path
        assert seen(max_, path) == maxs, path
        assert "–" in maxs or "could find out" in maxs, path
    assert send(max_, f"{OURS}/{draft.pk}")[0] == 302
    draft.refresh_from_db()
    assert draft.begun_at


def seen(who: Person, path: str) -> str:
    """Return a page without its form tokens."""
    answer = who.browser.get(path)
    assert answer.status_code == 200, path
    return re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", answer.content.decode())
