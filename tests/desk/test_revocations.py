"""Max, a moderator, takes out signatures that an audit found: checked, done by the worker, shown to the public."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from desk_clients import Person, person
from sabal.accounts import roles
from sabal.accounts.acts import Act, TeamRole
from sabal.accounts.models import AuditEntry, Membership, Organisation, Ownership
from sabal.desk.models import Job, Moderation
from sabal.desk.views import revocations as views
from sabal.desk.working import Tasks
from sabal.ledger import revoke
from sabal.organiser.page import OrganiserPage
from sabal.pages import petition as pages
from sabal.petitions.models import Petition
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.records import revocations
from sabal.records.revocations import Revocation, Revocations
from sabal.signing import held
from served import SLUG
from signing.steps import confirmed
from sites import NOW, SiteOfTests
from tlog.entry import Reason

HOUR = 3_600
PAGE = f"/petitions/{SLUG}/revocations"
SIGNERS = 8


@pytest.fixture
def petition(site: SiteOfTests) -> PetitionSnapshot:
    """Return an open petition with eight signatures in its log, at the indexes 1 to 8."""
    petition = site.publish(profile='"open"')
    for n in range(SIGNERS):
        confirmed(site, petition, f"suzie{n}@example.org")
    assert site.sequence(petition, NOW + HOUR) == SIGNERS
    organisation = Organisation.objects.create(key="ours", name="Ours")
    Ownership.objects.create(petition_id=petition.id, organisation=organisation)
    return site.petition()


@pytest.fixture
def max_(petition: PetitionSnapshot) -> Person:
    return person("max@example.org", TeamRole.MODERATOR, organisation=Organisation.objects.get(key="ours"))


def proposal(petition: PetitionSnapshot, reasons: dict[int, Reason], why: str = "same mailbox") -> bytes:
    items = tuple(Revocation(index, reason, why) for index, reason in reasons.items())
    proposed = Revocations(petition.origin, petition.counts.log_size, items)
    return "".join(revocations.write(proposed)).encode()


def upload(browser: Client, content: bytes) -> Any:
    return browser.post(PAGE, {"file": SimpleUploadedFile("proposal.jsonl", content)})


def checked(browser: Client, content: bytes) -> str:
    """Upload a file that is right, and return the address of the page with its effect."""
    answer = upload(browser, content)
    assert answer.status_code == 302, answer.content.decode()
    return str(answer["Location"])


THREE = {1: Reason.DUPLICATE, 2: Reason.DUPLICATE, 5: Reason.FAKE}


def test_from_the_file_to_the_public_page(
    site: SiteOfTests, petition: PetitionSnapshot, max_: Person
) -> None:
    page = checked(max_.browser, proposal(petition, THREE))
    shown = max_.browser.get(page).content.decode()
    assert "The count goes from <b>8</b> to <b>5</b>." in shown and "same mailbox" in shown
    assert site.rows("signing_signature") == SIGNERS, "nothing is done before somebody agrees"

    assert max_.browser.post(f"{page}/begin", {"reason": "0"}).status_code == 302
    waiting = max_.browser.get(page)
    assert waiting.headers["Refresh"] == "1" and b"Waiting for the server" in waiting.content
    assert Tasks("a").work(site.database)
    done = max_.browser.get(page)
    assert "Refresh" not in done.headers and b"3 signatures were taken out." in done.content
    assert site.rows("signing_signature") == SIGNERS - 3

    site.sequence(site.petition(), NOW + 900 * HOUR)
    now = site.petition()
    assert (now.counts.counted, now.counts.invalidated) == (5, 3)
    assert now.counts.invalidated_by == ((2, 2), (3, 1))
    public = pages.petition(now, "en").body.decode()
    assert "2 duplicates" in public and "1 automated" in public and "same mailbox" not in public
    entry = AuditEntry.objects.get(what="revoked")
    assert (entry.user, entry.details) == (max_.user, "3")
    assert Moderation.objects.get().content == "", "the file is not kept"


def test_one_reason_for_all(site: SiteOfTests, petition: PetitionSnapshot, max_: Person) -> None:
    page = checked(max_.browser, proposal(petition, THREE))
    max_.browser.post(f"{page}/begin", {"reason": str(Reason.OTHER.value)})
    Tasks("a").work(site.database)
    assert b"Reason in the public log: other" in max_.browser.get(page).content
    site.sequence(site.petition(), NOW + 900 * HOUR)
    assert site.petition().counts.invalidated_by == ((4, 3),)


@pytest.mark.parametrize("page", [None, OrganiserPage(b"", "")])
def test_the_page_for_the_audit_is_named_if_there_is_one(
    petition: PetitionSnapshot, max_: Person, monkeypatch: pytest.MonkeyPatch, page: OrganiserPage | None
) -> None:
    monkeypatch.setattr(views, "organiser_page", lambda: page)
    shown = max_.browser.get(PAGE).content
    assert (b"organiser.html" in shown, b"sabal audit" in shown) == (page is not None, page is None)


@pytest.mark.parametrize("reason", ["1", "9", "x", "-1"])
def test_nobody_says_that_a_signer_withdrew(
    site: SiteOfTests, petition: PetitionSnapshot, max_: Person, reason: str
) -> None:
    page = checked(max_.browser, proposal(petition, THREE))
    assert max_.browser.post(f"{page}/begin", {"reason": reason}).status_code == 422
    assert not Job.objects.exists()


def test_the_same_file_again_does_nothing(
    site: SiteOfTests, petition: PetitionSnapshot, max_: Person
) -> None:
    content = proposal(petition, THREE)
    max_.browser.post(f"{checked(max_.browser, content)}/begin", {"reason": "0"})
    Tasks("a").work(site.database)
    shown = max_.browser.get(checked(max_.browser, content)).content.decode()
    assert "Nothing is left to do" in shown and "/begin" not in shown


def test_sent_twice_it_is_done_once(site: SiteOfTests, petition: PetitionSnapshot, max_: Person) -> None:
    page = checked(max_.browser, proposal(petition, THREE))
    for _ in range(2):
        answer = max_.browser.post(f"{page}/begin", {"reason": "0"})
        assert answer.status_code == 302 and answer["Location"] == page
    assert Job.objects.count() == 1
    Tasks("a").work(site.database)
    assert max_.browser.post(f"{page}/begin", {"reason": "0"}).status_code == 302
    assert Job.objects.count() == 1 and AuditEntry.objects.filter(what="revoked").count() == 1


def test_two_requests_of_one_petition_come_one_after_the_other(
    site: SiteOfTests, petition: PetitionSnapshot, max_: Person
) -> None:
    owner = person("olga@example.org", TeamRole.OWNER, organisation=Organisation.objects.get(key="ours"))
    first = checked(max_.browser, proposal(petition, {1: Reason.FAKE}))
    second = checked(owner.browser, proposal(petition, {1: Reason.FAKE, 2: Reason.FAKE}))
    max_.browser.post(f"{first}/begin", {"reason": "0"})
    answer = owner.browser.post(f"{second}/begin", {"reason": "0"})
    assert answer.status_code == 409 and b"still at work" in answer.content
    Tasks("a").work(site.database)
    owner.browser.post(f"{second}/begin", {"reason": "0"})
    Tasks("a").work(site.database)
    assert b"1 signature was taken out" in owner.browser.get(second).content


def test_it_is_stopped_between_two_parts(
    site: SiteOfTests, petition: PetitionSnapshot, max_: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revoke, "CHUNK", 1)
    page = checked(max_.browser, proposal(petition, dict.fromkeys(range(1, 6), Reason.FAKE)))
    max_.browser.post(f"{page}/begin", {"reason": "0"})
    original, calls = revoke._revoke, 0

    def then_stop(*args: Any) -> int:
        nonlocal calls
        calls += 1
        if calls == 2:
            Moderation.objects.update(stop=True)  # as the button does, while the worker is at work
        return original(*args)

    monkeypatch.setattr(revoke, "_revoke", then_stop)
    Tasks("a").work(site.database)
    shown = max_.browser.get(page).content.decode()
    assert "Stopped" in shown and "2 signatures were taken out" in shown and "stay as they were" in shown
    assert site.rows("signing_signature") == SIGNERS - 2


def test_what_has_not_begun_is_cancelled_or_forgotten(
    site: SiteOfTests, petition: PetitionSnapshot, max_: Person
) -> None:
    page = checked(max_.browser, proposal(petition, THREE))
    assert max_.browser.post(f"{page}/stop")["Location"] == PAGE
    assert max_.browser.get(page).status_code == 404
    page = checked(max_.browser, proposal(petition, THREE))
    max_.browser.post(f"{page}/begin", {"reason": "0"})
    max_.browser.post(f"{page}/stop")
    Tasks("a").work(site.database)
    assert b"Cancelled" in max_.browser.get(page).content and site.rows("signing_signature") == SIGNERS


CHILD = """
import sys, time, django
django.setup()
from sabal import database
from sabal.desk.working import Tasks
from sabal.ledger import revoke
revoke.CHUNK = 1
original = revoke._revoke
def slowly(*args):
    done = original(*args)
    time.sleep(0.4)
    return done
revoke._revoke = slowly
Tasks("killed").work(database.connect())
"""


@pytest.mark.slow
def test_a_worker_that_is_killed_is_followed_by_one_that_does_the_rest(
    site: SiteOfTests, petition: PetitionSnapshot, max_: Person
) -> None:
    page = checked(max_.browser, proposal(petition, dict.fromkeys(range(1, 8), Reason.FAKE)))
    max_.browser.post(f"{page}/begin", {"reason": "0"})
    environment = os.environ | {
        "SABAL_DATA": str(site.data),
        "SABAL_DATABASE_URL": site.url,
        "DJANGO_SETTINGS_MODULE": "sabal.desk.settings",
    }
    child = subprocess.Popen([sys.executable, "-c", CHILD], env=environment)
    deadline = time.monotonic() + 30
    while site.rows("signing_withdrawal") < 3:
        assert child.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert site.rows("signing_signature") > SIGNERS - 7, "it was killed too late"

    assert DBTaskResult.objects.get().finished_at is None
    assert Tasks("the next").work(site.database)
    assert b"7 signatures were taken out" in max_.browser.get(page).content
    assert AuditEntry.objects.filter(what="revoked", details="7").count() == 1
    site.sequence(site.petition(), NOW + 900 * HOUR)
    assert (site.petition().counts.counted, site.petition().counts.invalidated) == (1, 7)


def test_a_worker_that_does_not_answer_is_said(
    site: SiteOfTests, petition: PetitionSnapshot, max_: Person
) -> None:
    page = checked(max_.browser, proposal(petition, THREE))
    max_.browser.post(f"{page}/begin", {"reason": "0"})
    assert b"does not answer" not in max_.browser.get(page).content
    Job.objects.update(asked_at=timezone.now() - timedelta(seconds=6))
    assert b"does not answer" in max_.browser.get(page).content


def test_who_lost_the_role_meanwhile_revokes_nothing(
    site: SiteOfTests, petition: PetitionSnapshot, max_: Person
) -> None:
    page = checked(max_.browser, proposal(petition, THREE))
    max_.browser.post(f"{page}/begin", {"reason": "0"})
    Membership.objects.filter(user=max_.user).update(role=TeamRole.VIEWER)
    Tasks("a").work(site.database)
    assert "no moderator" in Job.objects.get().refusal and site.rows("signing_signature") == SIGNERS


def line(**fields: object) -> bytes:
    return json.dumps({"index": 1, "reason": "automated", "why": "robot"} | fields).encode() + b"\n"


BAD = (
    b"",
    b"hello",
    b"\x89PNG\r\n",
    b"[" * 900,
    b"{" * 2_000,
    b'{"a":' * 150 + b"1" + b"}" * 150,
    b'{"format": "sabal sealed records, version 2"}',
)


@pytest.mark.parametrize("content", BAD)
def test_what_is_no_such_file_is_refused(
    site: SiteOfTests, petition: PetitionSnapshot, max_: Person, content: bytes
) -> None:
    answer = upload(max_.browser, content)
    assert answer.status_code == 422 and b"This is not a file of revocations" in answer.content
    assert not Moderation.objects.exists()


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        (line(index=True), "Line 3: the log had no such index"),
        (line(index=0), "Line 3: the log had no such index"),
        (line(index=10**30), "Line 3 is not a JSON object"),
        (line(index=900), "Line 3: the log had no such index"),
        (line(reason="withdrawn"), "Line 3: the reason must be"),
        (line(reason=["automated"]), "Line 3: the reason must be"),
        (line(why="write to suzie@example.org"), "Line 3: “why” is one line"),
        (line(why="x" * 201), "Line 3: “why” is one line"),
        (line(why="a\u202eb"), "Line 3: “why” is one line"),
        (line(more=1), "Line 3 must hold index, reason and why"),
        (line(index=2) + line(index=2), "Line 4: index 2 is in the file twice"),
        (b'{"index":1,"index":2,"reason":"other","why":""}\n', "Line 3 is not a JSON object"),
        (b"x" * 100_000, "Line 3 is not a JSON object"),
    ],
)
def test_a_bad_line_is_named(
    site: SiteOfTests, petition: PetitionSnapshot, max_: Person, extra: bytes, said: str
) -> None:
    answer = upload(max_.browser, proposal(petition, {1: Reason.FAKE}) + extra)
    assert answer.status_code == 422 and said in answer.content.decode(), answer.content.decode()
    assert not Moderation.objects.exists()


def test_the_sentences_are_in_korean_too(site: SiteOfTests, petition: PetitionSnapshot, max_: Person) -> None:
    max_.browser.post("/language", {"language": "ko"})
    answer = upload(max_.browser, proposal(petition, {1: Reason.FAKE}) + line(index=900))
    assert "3행: 기록이 9건일 때 그런 번호는 없었습니다." in answer.content.decode()


def test_a_file_of_another_petition_is_refused(
    site: SiteOfTests, petition: PetitionSnapshot, max_: Person
) -> None:
    content = proposal(petition, THREE).replace(petition.origin.encode(), b"petition.example/another")
    assert "made for another petition" in upload(max_.browser, content).content.decode()
    later = proposal(petition, THREE).replace(b'"size": 9', b'"size": 99')
    assert "Here it has 9" in upload(max_.browser, later).content.decode()


def test_fifty_megabytes_are_refused_and_not_read(
    site: SiteOfTests, petition: PetitionSnapshot, max_: Person
) -> None:
    answer = upload(max_.browser, proposal(petition, THREE) + b"\n" * (50 << 20))
    assert answer.status_code == 422 and b"larger than 12 MB" in answer.content
    assert b"File of the audit" in answer.content and not Moderation.objects.exists()


def test_script_in_the_words_of_the_audit_is_text(
    site: SiteOfTests, petition: PetitionSnapshot, max_: Person
) -> None:
    page = checked(max_.browser, proposal(petition, THREE, "<script>alert(1)</script>"))
    shown = max_.browser.get(page).content.decode()
    assert "&lt;script&gt;alert(1)" in shown and "<script>alert" not in shown


@pytest.mark.parametrize("role", [TeamRole.VIEWER, TeamRole.EDITOR, TeamRole.TRANSLATOR])
def test_another_role_may_not(
    site: SiteOfTests, petition: PetitionSnapshot, max_: Person, role: TeamRole
) -> None:
    page = checked(max_.browser, proposal(petition, THREE))
    eve = person(
        "eve@example.org", role, organisation=Organisation.objects.get(key="ours"), rights=(Act.EXPORT,)
    )
    assert upload(eve.browser, proposal(petition, THREE)).status_code == 403
    for path in (page, f"{page}/begin", f"{page}/stop"):
        assert eve.browser.post(path).status_code in (403, 405)
    assert eve.browser.get(page).status_code == 403
    assert Moderation.objects.count() == 1 and not Job.objects.exists()


def test_another_petitions_moderator_finds_nothing(
    site: SiteOfTests, petition: PetitionSnapshot, max_: Person
) -> None:
    """Neither under the petition of the file nor under their own."""
    page = checked(max_.browser, proposal(petition, THREE))
    theirs = Organisation.objects.create(key="theirs", name="Theirs")
    other = Petition.objects.create(slug="second", state="open")
    Ownership.objects.create(petition=other, organisation=theirs)
    eve = person("eve@example.org", TeamRole.OWNER, organisation=theirs)
    foreign = page.replace(SLUG, "second")
    for path in (page, foreign):
        assert eve.browser.get(path).status_code == 404
        for verb in ("begin", "stop"):
            assert eve.browser.post(f"{path}/{verb}", {"reason": "0"}).status_code == 404
    assert Moderation.objects.count() == 1 and not Job.objects.exists()


def test_another_website_revokes_nothing(site: SiteOfTests, petition: PetitionSnapshot, max_: Person) -> None:
    page = checked(max_.browser, proposal(petition, THREE))
    browser = Client(enforce_csrf_checks=True)
    browser.cookies = max_.browser.cookies
    for path in (PAGE, f"{page}/begin", f"{page}/stop"):
        assert browser.post(path, {"reason": "0"}).status_code == 403
    assert Moderation.objects.count() == 1 and not Job.objects.exists()


def test_a_moderator_sees_review_and_not_the_names(
    site: SiteOfTests, petition: PetitionSnapshot, max_: Person
) -> None:
    shown = max_.browser.get(f"/petitions/{SLUG}").content.decode()
    assert f"/petitions/{SLUG}/held" in shown and f"/petitions/{SLUG}/names" not in shown
    home = max_.browser.get("/").content.decode()
    assert f"/petitions/{SLUG}" in home and "/new" not in home and "/people" not in home
    assert Act.MODERATE in roles.anywhere(max_.user)


def test_a_moderator_can_be_invited(site: SiteOfTests, petition: PetitionSnapshot) -> None:
    owner = person("olga@example.org", TeamRole.OWNER, organisation=Organisation.objects.get(key="ours"))
    form = {"email": "new@example.org", "place": "organisation:ours", "role": "moderator"}
    assert owner.browser.post("/people/invite", form).status_code == 200


HELD = f"/petitions/{SLUG}/held"


@pytest.fixture
def waiting(site: SiteOfTests, petition: PetitionSnapshot) -> Iterator[PetitionSnapshot]:
    """Yield a petition with three signatures that are held for two reasons."""
    for n, why in enumerate((held.RATE, held.RATE, held.ROBOT)):
        confirmed(site, petition, f"held{n}@example.org", held=why)
    yield petition


def test_held_signatures_count_when_they_are_released(
    site: SiteOfTests, waiting: PetitionSnapshot, max_: Person
) -> None:
    overview = max_.browser.get(f"/petitions/{SLUG}").content.decode()
    assert "3 signatures wait for your review" in overview
    shown = max_.browser.get(HELD).content.decode()
    assert "3 confirmed signatures do not count yet" in shown and "Too many from one network" in shown
    assert b"2 signatures are concerned" in max_.browser.get(f"{HELD}/{held.RATE}/release").content
    answers = [max_.browser.post(f"{HELD}/{held.RATE}/release") for _ in range(2)]
    assert len({answer["Location"] for answer in answers}) == 1, "sent twice, it is one request"
    Tasks("a").work(site.database)
    assert b"2 held signatures count with the next batch" in max_.browser.get(answers[0]["Location"]).content
    assert held.numbers(site.database, waiting.id) == {held.ROBOT: 1}
    site.sequence(site.petition(), NOW + 2 * HOUR)
    assert site.petition().counts.counted == SIGNERS + 2


def test_held_signatures_that_are_dropped_are_shown_as_invalid(
    site: SiteOfTests, waiting: PetitionSnapshot, max_: Person
) -> None:
    assert max_.browser.post(f"{HELD}/{held.ROBOT}/drop", {"reason": "0"}).status_code == 200
    assert not Job.objects.exists(), "0 is no reason"
    page = max_.browser.post(f"{HELD}/{held.ROBOT}/drop", {"reason": "3"})["Location"]
    Tasks("a").work(site.database)
    assert b"1 held signature was dropped" in max_.browser.get(page).content
    assert held.numbers(site.database, waiting.id) == {held.RATE: 2}
    site.sequence(site.petition(), NOW + 3 * HOUR)
    counts = site.petition().counts
    assert (counts.counted, counts.invalidated_by) == (SIGNERS, ((3, 1),))
    assert AuditEntry.objects.get(what="dropped").details == "1"


def test_nothing_held_is_said(site: SiteOfTests, petition: PetitionSnapshot, max_: Person) -> None:
    assert b"No signature is held" in max_.browser.get(HELD).content
    for verb in ("release", "drop"):
        assert max_.browser.post(f"{HELD}/1/{verb}", {"reason": "3"})["Location"] == HELD
    assert not Job.objects.exists()
