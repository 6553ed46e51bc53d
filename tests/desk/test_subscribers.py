"""Subscribers on the desk: numbers, import with proof of consent, export, and who may."""

import csv
import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django_tasks_db.models import DBTaskResult

from desk_clients import Person, forget_second_factor, person
from sabal.accounts.acts import TeamRole
from sabal.accounts.models import AuditEntry, Organisation, Ownership
from sabal.bounces import totals
from sabal.bounces.reasons import Reason
from sabal.bounces.take import refused
from sabal.desk import transferring, uploads
from sabal.desk.working import Tasks
from sabal.mail.address import EmailAddress
from sabal.newsletter import leaving, transfers
from sabal.newsletter import subscription as rows
from sabal.newsletter.lists import MailingList
from sabal.petitions.models import Petition
from sabal.petitions.snapshot import PetitionSnapshot
from sites import DAY_NUMBER, SiteOfTests

PAGE = "/organisations/ours/subscribers"
BUSES = "more-night-buses"  # the list has the key of the petition that was published first
FORM = {
    "language": "ko",
    "place": "our meeting in Busan",
    "day": "2025-05-01",
    "sentence": "I want the newsletter of Ours.",
    "agreed": "on",
}
LIST = "email,language\nsuzie@example.org,en\nmax@example.org,\nbroken\nsuzie@example.org,\n=1+1,\n"


@pytest.fixture
def olga(site: SiteOfTests) -> Person:
    site.refresh()
    ours = Organisation.objects.create(key="ours", name="Ours")
    publish(ours, BUSES)
    return person("olga@example.org", TeamRole.OWNER, organisation=ours)


def publish(organisation: Organisation, slug: str, key: str = "") -> None:
    """Give an organisation a published petition with a list, without its texts."""
    petition = Petition.objects.create(slug=slug, state=Petition.State.OPEN, organisation=key or slug)
    Ownership.objects.create(petition=petition, organisation=organisation)


def work(site: SiteOfTests) -> None:
    """Do what the worker does with all that waits."""
    tasks = Tasks("test", transferring.QUEUE)
    while tasks.work(site.database):
        pass


def upload(olga: Person, content: str = LIST, **changes: str) -> str:
    file = SimpleUploadedFile("readers.csv", content.encode(), content_type="text/csv")
    answer = olga.browser.post(f"{PAGE}/import", {**FORM, **changes, "file": file})
    assert answer.status_code == 302, answer.content.decode()
    return str(answer["Location"])


def subscribe(site: SiteOfTests, address: str, of: MailingList | None = None) -> rows.Subscription:
    assert site.keyring.subscribers
    made = rows.subscription(
        site.keyring.subscribers, of or MailingList(BUSES), EmailAddress.parse(address), "ko", "Email me.",
        since=DAY_NUMBER - 40,
    )  # fmt: skip
    with site.database.transaction():
        rows.confirm_with_signature(site.database, [made])
    return made


def test_a_list_is_checked_then_imported_with_its_proof(site: SiteOfTests, olga: Person) -> None:
    page = upload(olga)
    assert "Waiting for the server" in olga.browser.get(page).content.decode()
    work(site)
    shown = olga.browser.get(page).content.decode()
    assert "Import 2 people" in shown and "our meeting in Busan" in shown and "I want the newsletter" in shown
    assert "In the file more than once" in shown and "Not an email address" in shown
    assert site.rows("newsletter_subscription") == 0 and "suzie" not in shown
    for _ in range(2):  # pressed twice
        olga.browser.post(f"{page}/begin")
    work(site)
    assert "<b>2</b> people are new" in olga.browser.get(page).content.decode()
    found = site.database.query(
        "SELECT language, state, since, origin FROM newsletter_subscription ORDER BY language"
    )
    number = int(page.rsplit("/", 1)[1])
    assert [row[0] for row in found] == ["en", "ko"] and {row[1:] for row in found} == {(2, 20209, number)}
    assert list(AuditEntry.objects.filter(what="list-imported").values_list("details", flat=True)) == ["2"]
    left = [path.name for path in uploads.folder().iterdir()]
    assert left == [f"{number}.rest"]  # neither the list nor the good rows
    assert "readers.csv" in olga.browser.get(PAGE).content.decode()


def test_rows_that_were_left_out_are_downloaded_and_harmless(site: SiteOfTests, olga: Person) -> None:
    page = upload(olga)
    work(site)
    answer = olga.browser.post(f"{page}/file")
    table = list(csv.DictReader(io.StringIO(b"".join(answer).decode("utf-8-sig"))))
    answer.close()
    assert {(row["line"], row["reason"]) for row in table} == {
        ("4", "bad-address"),
        ("5", "twice"),
        ("6", "bad-address"),
    }
    assert any(row["row"].startswith("'=") for row in table)
    assert olga.browser.get(f"{page}/file").status_code == 302


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"agreed": ""}, "must not be imported"),
        ({"place": ""}, "required"),
        ({"sentence": " "}, "required"),
        ({"day": "2031-01-01"}, "in the future"),
        ({"day": "someday"}, "valid date"),
    ],
)
def test_there_is_no_import_without_proof(olga: Person, changes: dict[str, str], words: str) -> None:
    file = SimpleUploadedFile("readers.csv", LIST.encode())
    answer = olga.browser.post(f"{PAGE}/import", {**FORM, **changes, "file": file})
    assert answer.status_code == 422 and words in answer.content.decode()
    assert not list(uploads.folder().iterdir())


def test_a_file_that_is_no_list_is_refused_with_the_next_step(site: SiteOfTests, olga: Person) -> None:
    page = upload(olga, "name\nSuzie\n")
    work(site)
    assert "Name it “email” in the first row" in olga.browser.get(page).content.decode()
    assert not list(uploads.folder().iterdir())


def test_a_list_can_be_forgotten_before_and_stopped_during_the_import(
    site: SiteOfTests, olga: Person
) -> None:
    page = upload(olga)
    olga.browser.post(f"{page}/stop")
    work(site)
    assert "Stopped" in olga.browser.get(page).content.decode() and not list(uploads.folder().iterdir())
    page = upload(olga)
    work(site)
    olga.browser.post(f"{page}/begin")
    olga.browser.post(f"{page}/stop")
    work(site)
    assert "Stopped" in olga.browser.get(page).content.decode()


def test_a_right_that_was_taken_away_ends_the_import(site: SiteOfTests, olga: Person) -> None:
    page = upload(olga)
    work(site)
    olga.browser.post(f"{page}/begin")
    olga.user.memberships.all().delete()
    work(site)
    assert site.rows("newsletter_subscription") == 0


def test_an_import_is_done_again_after_a_crash(site: SiteOfTests, olga: Person) -> None:
    page = upload(olga)
    work(site)
    olga.browser.post(f"{page}/begin")
    number = int(page.rsplit("/", 1)[1])
    good = transferring.file_of(number, "good").read_bytes()
    work(site)
    # The worker was killed after the last commit, before the state was stored.
    transferring.file_of(number, "good").write_bytes(good)
    site.database.execute("UPDATE newsletter_transfer SET state = ?", (int(transfers.TransferState.WORKING),))
    transferring.work.enqueue(str(number))
    work(site)
    assert "<b>2</b> people are new" in olga.browser.get(page).content.decode()
    assert site.rows("newsletter_subscription") == 2


def test_the_subscribers_are_exported_once_for_each_request(site: SiteOfTests, olga: Person) -> None:
    subscribe(site, "=2+5@example.org")
    subscribe(
        site, "suzie@example.org", MailingList("ours")
    )  # the name of Olga's organisation, and not her list
    page = str(olga.browser.post(f"{PAGE}/export")["Location"])
    work(site)
    assert "Download the file" in olga.browser.get(page).content.decode()
    answer = olga.browser.post(f"{page}/file")
    (row,) = csv.DictReader(io.StringIO(b"".join(answer).decode("utf-8-sig")))
    answer.close()
    assert (
        row["address"] == "'=2+5@example.org"
        and row["consent"] == "Email me."
        and "/unsubscribe/" in row["unsubscribe"]
    )
    assert olga.browser.post(f"{page}/file").status_code == 302 and not list(uploads.folder().iterdir())
    said = set(AuditEntry.objects.values_list("what", flat=True))
    assert {"list-exported", "list-downloaded"} <= said


def test_the_export_says_why_a_day_is_missing(
    site: SiteOfTests, guarded: PetitionSnapshot, olga: Person
) -> None:
    """As is stored for somebody who ticked the newsletter with a signature of a guarded petition."""
    why = "The column “since” is empty for all who subscribed on this site"
    subscribe(site, "max@example.org")
    page = str(olga.browser.post(f"{PAGE}/export")["Location"])
    work(site)
    assert why not in olga.browser.get(page).content.decode()
    assert site.keyring.subscribers
    of, address = MailingList(BUSES), EmailAddress.parse("suzie@example.org")
    with site.database.transaction():
        without = rows.subscription(site.keyring.subscribers, of, address, "ko", "Email me.")
        rows.confirm_with_signature(site.database, [without])
    page = str(olga.browser.post(f"{PAGE}/export")["Location"])
    work(site)
    assert why in olga.browser.get(page).content.decode()
    answer = olga.browser.post(f"{page}/file")
    table = list(csv.DictReader(io.StringIO(b"".join(answer).decode("utf-8-sig"))))
    answer.close()
    # No row tells who of them signed.
    assert {row["address"]: (row["since"], row["source"]) for row in table} == {
        "max@example.org": ("", "asked for on this site"),
        "suzie@example.org": ("", "asked for on this site"),
    }


def test_who_may_not_export_sees_numbers_alone(site: SiteOfTests, olga: Person) -> None:
    subscribe(site, "suzie@example.org")
    ed = person("ed@example.org", TeamRole.EDITOR, organisation=Organisation.objects.get(key="ours"))
    shown = ed.browser.get(PAGE).content.decode()
    assert "Get the newsletter" in shown and "Import a list" not in shown
    for path in ("/import", "/export", "/files/1/begin", "/files/1/stop", "/files/1/file"):
        assert ed.browser.post(PAGE + path).status_code == 403
    forget_second_factor(olga)
    assert olga.browser.get(f"{PAGE}/import").status_code in (302, 403)


def test_a_long_file_of_a_stranger_is_not_taken(site: SiteOfTests, olga: Person) -> None:
    olga.browser.logout()
    file = SimpleUploadedFile("readers.csv", LIST.encode())
    assert olga.browser.post(f"{PAGE}/import", {**FORM, "file": file}).status_code == 302
    assert not (uploads.settings.DATA / "transfers").exists() and DBTaskResult.objects.count() == 0


def test_the_numbers_agree(site: SiteOfTests, olga: Person) -> None:
    people = [subscribe(site, f"p{n}@example.org") for n in range(5)]
    with site.database.transaction():
        leaving.unsubscribe(site.database, people[0].id, DAY_NUMBER)
        refused(site.database, people[1].id, 1, Reason.NO_MAILBOX, DAY_NUMBER)
    shown = olga.browser.get(PAGE).content.decode()
    assert "There is no such mailbox" in shown and "No such mailbox" in shown and "Unsubscribed" in shown
    assert '<dd class="sub">3</dd>' in shown
    assert (
        shown.count('class="number">3</td>') == 1 and shown.count('class="number">5</td>') == 2
    )  # at the end of each month


@pytest.fixture
def guarded(site: SiteOfTests) -> PetitionSnapshot:
    return site.publish()


def test_the_number_of_a_guarded_petition_is_not_for_everybody(
    site: SiteOfTests, guarded: PetitionSnapshot, olga: Person
) -> None:
    subscribe(site, "suzie@example.org", MailingList(BUSES, guarded.id))
    ed = person("ed@example.org", TeamRole.EDITOR, organisation=Organisation.objects.get(key="ours"))
    assert "not shown" in ed.browser.get(PAGE).content.decode()
    assert "not shown" not in olga.browser.get(PAGE).content.decode()


def test_what_came_back_of_a_guarded_petition_is_not_for_everybody(
    site: SiteOfTests, guarded: PetitionSnapshot, olga: Person
) -> None:
    """Max bounced on purpose, and would see that the address that he controls had asked for updates."""
    with site.database.transaction():
        totals.add(site.database, MailingList(BUSES, guarded.id), 1, Reason.NO_MAILBOX)
        for _ in range(2):
            totals.add(site.database, MailingList(BUSES), 2, Reason.NO_MAILBOX)
    ed = person("ed@example.org", TeamRole.EDITOR, organisation=Organisation.objects.get(key="ours"))
    shown, whole = ed.browser.get(PAGE).content.decode(), olga.browser.get(PAGE).content.decode()
    assert "<dt>There is no such mailbox</dt><dd>2</dd>" in shown
    assert "<dt>There is no such mailbox</dt><dd>3</dd>" in whole
    assert "are shown only to people who may export" in shown
    assert "are shown only to people who may export" not in whole


def test_a_name_like_the_key_of_another_organisations_list_opens_nothing(
    site: SiteOfTests, olga: Person
) -> None:
    eves = Organisation.objects.create(key=BUSES, name="More Night Buses")
    eve = person("eve@example.org", TeamRole.OWNER, organisation=eves)
    subscribe(site, "suzie@example.org")
    theirs = f"/organisations/{BUSES}/subscribers"
    assert "Get the newsletter" in olga.browser.get(PAGE).content.decode()
    assert "Get the newsletter" not in eve.browser.get(theirs).content.decode()
    for asked in ({}, {"list": BUSES}):
        answer = eve.browser.post(f"{theirs}/export", asked)
        assert answer.status_code == 404 or answer["Location"] == theirs
    file = SimpleUploadedFile("readers.csv", LIST.encode(), content_type="text/csv")
    assert eve.browser.post(f"{theirs}/import?list={BUSES}", {**FORM, "file": file}).status_code == 404
    assert site.rows("newsletter_transfer") == 0
    number = str(olga.browser.post(f"{PAGE}/export")["Location"]).rsplit("/", 1)[1]
    for path in ("", "/file", "/stop"):
        method = eve.browser.post if path else eve.browser.get
        assert method(f"{theirs}/files/{number}{path}").status_code == 404


def test_of_several_lists_one_is_chosen(site: SiteOfTests, olga: Person) -> None:
    publish(Organisation.objects.get(key="ours"), "clean-air")
    subscribe(site, "suzie@example.org", MailingList("clean-air"))
    subscribe(site, "max@example.org")
    subscribe(site, "carol@example.org")
    assert '<dd class="sub">1</dd>' in olga.browser.get(f"{PAGE}?list=clean-air").content.decode()
    assert '<dd class="sub">2</dd>' in olga.browser.get(f"{PAGE}?list={BUSES}").content.decode()
    assert "?list=clean-air" in olga.browser.get(PAGE).content.decode()
    assert olga.browser.get(f"{PAGE}?list=ours").status_code == 404
    for asks in (olga.browser.get(f"{PAGE}/import"), olga.browser.post(f"{PAGE}/export")):
        assert asks["Location"] == PAGE  # nobody is given to a list by a guess
    assert "clean-air" in olga.browser.get(f"{PAGE}/import?list=clean-air").content.decode()
    file = SimpleUploadedFile("readers.csv", b"email\nsuzie@example.org\n", content_type="text/csv")
    page = str(olga.browser.post(f"{PAGE}/import?list=clean-air", {**FORM, "file": file})["Location"])
    work(site)
    shown = olga.browser.get(page).content.decode()
    assert "Subscribed already" in shown and "clean-air" in shown


def test_a_list_that_went_to_another_organisation_is_not_exported(site: SiteOfTests, olga: Person) -> None:
    subscribe(site, "suzie@example.org")
    page = str(olga.browser.post(f"{PAGE}/export")["Location"])
    eves = Organisation.objects.create(key="theirs", name="Theirs")
    publish(eves, "second", BUSES)  # shared by two, it belongs to neither
    work(site)
    assert not list(uploads.folder().iterdir()) and olga.browser.get(page).status_code == 404
    state = site.database.query("SELECT state FROM newsletter_transfer")
    assert state == [(int(transfers.TransferState.REFUSED),)]


def test_an_organisation_without_a_list_is_told_how_one_begins(site: SiteOfTests) -> None:
    site.refresh()
    new = Organisation.objects.create(key="ours", name="Ours")
    olga = person("olga@example.org", TeamRole.OWNER, organisation=new)
    assert "There is no list yet" in olga.browser.get(PAGE).content.decode()
    assert olga.browser.get(f"{PAGE}/import")["Location"] == PAGE


def test_a_new_organisation_gets_no_key_of_a_list(site: SiteOfTests, olga: Person) -> None:
    subscribe(site, "suzie@example.org", MailingList("clean-air"))
    root = person("root@example.org", TeamRole.OWNER)
    for name in ("More Night Buses", "Clean Air", "Others"):
        assert root.browser.post("/organisations", {"name": name}).status_code == 302
    keys = set(Organisation.objects.values_list("key", flat=True))
    assert keys == {"ours", f"{BUSES}-2", "clean-air-2", "others"}
