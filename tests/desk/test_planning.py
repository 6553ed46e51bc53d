"""Publish at a time: clocks of time zones, the plan on the pages, the worker that does it when it is due."""

import threading
from contextlib import closing
from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.db import connection
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from desk_clients import Person
from desk_drafts import TERMS, made, saved, with_key
from sabal.accounts.models import AuditEntry
from sabal.desk import transferring
from sabal.desk.models import Job
from sabal.desk.moments import moment, zones
from sabal.desk.working import Tasks
from sabal.petitions.models import Petition
from sabal.refusal import Refusal
from sites import SiteOfTests

TOMORROW = f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%d}"


@pytest.mark.parametrize(
    ("day", "at", "zone", "utc"),
    [
        (date(2027, 1, 4), time(9), "Asia/Seoul", datetime(2027, 1, 4, 0, tzinfo=UTC)),
        (date(2027, 1, 4), time(9), "America/New_York", datetime(2027, 1, 4, 14, tzinfo=UTC)),
        (date(2027, 7, 4), time(9), "America/New_York", datetime(2027, 7, 4, 13, tzinfo=UTC)),
        (date(2027, 3, 28), time(3), "Europe/Berlin", datetime(2027, 3, 28, 1, tzinfo=UTC)),
        (date(2027, 1, 4), time(9), "UTC", datetime(2027, 1, 4, 9, tzinfo=UTC)),
    ],
)
def test_a_time_of_a_zone_is_one_moment(day: date, at: time, zone: str, utc: datetime) -> None:
    assert zone in zones() and moment(day, at, zone) == utc


@pytest.mark.parametrize(
    ("day", "at", "zone", "said"),
    [
        (date(2027, 3, 28), time(2, 30), "Europe/Berlin", "does not exist"),
        (date(2027, 10, 31), time(2, 30), "Europe/Berlin", "comes twice"),
        (date(2027, 3, 14), time(2, 0), "America/New_York", "does not exist"),
        (date(2027, 4, 4), time(1, 45), "Australia/Lord_Howe", "comes twice"),  # by half an hour
    ],
)
def test_what_the_clocks_do_not_show_once_is_refused(day: date, at: time, zone: str, said: str) -> None:
    with pytest.raises(Refusal, match=said):
        moment(day, at, zone)


def ready(site: SiteOfTests, ed: Person) -> Petition:
    """Return a draft that can be published."""
    petition = made(ed)
    assert saved(ed, petition, "terms", **TERMS) == 302
    with_key(ed, petition, site.identity)
    petition.refresh_from_db()
    return petition


def plan(ed: Person, petition: Petition, **form: str) -> Job:
    later = {"when": "later", "day": TOMORROW, "time": "09:00", "zone": "Asia/Seoul"}
    answer = ed.browser.post(
        f"/petitions/{petition.slug}/publish", {"revision": petition.revision, **later, **form}
    )
    assert answer.status_code == 302 and answer["Location"] == f"/petitions/{petition.slug}"
    return Job.objects.latest("asked_at")


def make_due(job: Job) -> None:
    """Let the time come."""
    now = timezone.now() - timedelta(seconds=1)
    Job.objects.filter(pk=job.pk).update(due_at=now)
    DBTaskResult.objects.filter(args_kwargs__args=[str(job.pk)]).update(run_after=now)


def test_a_draft_is_published_when_it_is_due(site: SiteOfTests, ed: Person) -> None:
    petition = ready(site, ed)
    job = plan(ed, petition)
    page = ed.browser.get(f"/petitions/{petition.slug}").content.decode()
    assert "09:00 (Asia/Seoul)" in page and "00:00 in UTC" in page and "Cancel the plan" in page
    assert not Tasks("a").work(site.database)
    petition.refresh_from_db()
    assert petition.state == "draft" and job.planned
    make_due(job)
    assert Tasks("another, after a kill").work(site.database)
    petition.refresh_from_db()
    assert petition.state == "open"
    assert [entry.what for entry in AuditEntry.objects.order_by("-pk")[:2]] == ["published", "planned"]
    assert "Cancel the plan" not in ed.browser.get(f"/petitions/{petition.slug}").content.decode()


def test_a_plan_is_cancelled(site: SiteOfTests, ed: Person) -> None:
    petition = ready(site, ed)
    job = plan(ed, petition)
    assert ed.browser.post(f"/petitions/{petition.slug}/jobs/{job.pk}/cancel").status_code == 302
    make_due(job)
    Tasks("a").work(site.database)
    petition.refresh_from_db()
    assert petition.state == "draft" and AuditEntry.objects.latest("pk").what == "plan-cancelled"
    assert "It will be published" not in ed.browser.get(f"/petitions/{petition.slug}").content.decode()
    plan(ed, petition)  # it can be planned again


def test_a_text_that_was_changed_meanwhile_is_not_published(site: SiteOfTests, ed: Person) -> None:
    petition = ready(site, ed)
    job = plan(ed, petition)
    assert saved(ed, petition, "terms", **{**TERMS, "retention": "2031-01-31"}) == 302
    page = ed.browser.get(f"/petitions/{petition.slug}").content.decode()
    assert "will not be published then" in page
    make_due(job)
    Tasks("a").work(site.database)
    petition.refresh_from_db()
    page = ed.browser.get(f"/petitions/{petition.slug}").content.decode()
    assert petition.state == "draft" and "It was not published on" in page and "was changed after" in page


def test_what_is_no_longer_complete_is_not_published(site: SiteOfTests, ed: Person) -> None:
    petition = ready(site, ed)
    job = plan(ed, petition)
    Petition.objects.update(key_check_answered=False)
    make_due(job)
    Tasks("a").work(site.database)
    petition.refresh_from_db()
    assert petition.state == "draft"
    assert "key check is missing" in ed.browser.get(f"/petitions/{petition.slug}").content.decode()


def test_a_long_import_delays_no_publication(
    site: SiteOfTests, ed: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    petition = ready(site, ed)
    begun, ends = threading.Event(), threading.Event()

    def takes_long(*_: object) -> None:
        begun.set()
        assert ends.wait(60)

    monkeypatch.setattr(transferring, "_do", takes_long)
    transferring.check.enqueue("1")

    def lists() -> None:
        with closing(site.connect()) as database:
            assert Tasks("a", transferring.QUEUE).work(database)
        connection.close()

    thread = threading.Thread(target=lists)
    thread.start()
    try:
        assert begun.wait(30)
        job = plan(ed, petition)
        make_due(job)
        assert Tasks("a").work(site.database)
        petition.refresh_from_db()
        assert petition.state == "open"
        assert DBTaskResult.objects.running().count() == 1, (
            "the import goes on, and is not done a second time"
        )
        with closing(site.connect()) as another:
            assert not Tasks("b", transferring.QUEUE).work(another), "of several workers one does it"
    finally:
        ends.set()
        thread.join(30)
    assert not DBTaskResult.objects.running().exists()


def test_a_worker_killed_while_it_published_a_plan_publishes_it_once(site: SiteOfTests, ed: Person) -> None:
    petition = ready(site, ed)
    job = plan(ed, petition)
    make_due(job)
    Job.objects.update(started_at=timezone.now())
    DBTaskResult.objects.get().claim("the one that was killed")
    assert Tasks("the next").work(site.database)
    petition.refresh_from_db()
    job.refresh_from_db()
    assert petition.state == "open" and petition.versions.count() == 1 and not job.refusal


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"day": ""}, "Say when"),
        ({"time": "25:00"}, "id_time"),
        ({"day": "2020-01-01"}, "has passed"),
        ({"day": "2029-01-01"}, "more than a year away"),
        ({"day": "2030-01-30"}, "after the last day"),
        ({"day": "9999-12-31", "time": "23:59", "zone": "America/New_York"}, "id_"),
        ({"zone": "Mars/Base"}, "id_zone"),
        ({"zone": "../../etc/passwd"}, "id_zone"),
        ({"when": "sometime"}, "id_when"),
        ({"day": "2027-03-28", "time": "02:30", "zone": "Europe/Berlin"}, "does not exist"),
    ],
)
def test_a_time_that_cannot_be_is_said_and_what_was_typed_stays(
    site: SiteOfTests, ed: Person, form: dict[str, str], said: str
) -> None:
    petition = ready(site, ed)
    typed = {"when": "later", "day": TOMORROW, "time": "09:17", "zone": "Asia/Seoul", **form}
    answer = ed.browser.post(f"/petitions/{petition.slug}/publish", {"revision": petition.revision, **typed})
    page = answer.content.decode()
    assert answer.status_code == 422 and said in page and f'value="{typed["time"]}"' in page
    assert not Job.objects.exists()


def test_the_zone_that_was_chosen_last_is_offered_first(site: SiteOfTests, ed: Person) -> None:
    petition = ready(site, ed)
    page = f"/petitions/{petition.slug}/publish"
    assert '<option value="UTC" selected>' in ed.browser.get(page).content.decode()
    job = plan(ed, petition)
    ed.browser.post(f"/petitions/{petition.slug}/jobs/{job.pk}/cancel")
    assert '<option value="Asia/Seoul" selected>' in ed.browser.get(page).content.decode()


def test_whether_emails_arrive_is_said_in_words(site: SiteOfTests, ed: Person) -> None:
    petition = ready(site, ed)
    page = f"/petitions/{petition.slug}/sending"
    assert b"Nobody has looked yet" in ed.browser.get(page).content
    assert ed.browser.post(page)["Location"] == page
    waiting = ed.browser.get(page)
    assert waiting.headers["Refresh"] and b"The server is looking" in waiting.content
    Job.objects.update(asked_at=timezone.now() - timedelta(seconds=6))
    assert b"does not answer" in ed.browser.get(page).content
    Tasks("a").work(site.database)
    looked = ed.browser.get(page)
    assert "Refresh" not in looked.headers and b"Look again" in looked.content
    assert b"Looked at on" in looked.content
    Job.objects.update(
        details={
            "found": {
                "server": "ok",
                "sender": "a@example.org",
                "takes_sender": True,
                "domain": "example.org",
                "spf": "ok",
                "dmarc": "missing",
            }
        }
    )
    said = ed.browser.get(page).content.decode()
    assert "accepts the sender a@example.org" in said and "It is missing" in said and "dkim=pass" in said
    assert "SABAL_DKIM_SELECTOR" in said
    found = Job.objects.get().details["found"] | {"dmarc": "ok"}
    for state, good in (("ok", True), ("missing", False)):
        Job.objects.update(details={"found": found | {"dkim": state}})
        assert ("It is missing" in ed.browser.get(page).content.decode()) is not good
        checks = ed.browser.get(f"/petitions/{petition.slug}/publish").content.decode()
        assert ("lacks a record" in checks) is not good
    checks = ed.browser.get(f"/petitions/{petition.slug}/publish").content.decode()
    assert 'class="advised"' in checks and "lacks a record" in checks  # and it can be published all the same
    assert "<button>Publish</button>" in checks
