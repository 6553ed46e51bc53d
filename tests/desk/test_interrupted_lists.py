"""Imports and exports that are interrupted: by a restore, a busy database, a lost task, a file that is gone."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest
from django_tasks_db.models import DBTaskResult

from desk.test_subscribers import BUSES, PAGE, publish, subscribe, upload
from desk_clients import person
from mail.test_send_due import Recorder
from operating.test_restore import empty_database
from sabal import database as raw
from sabal.accounts.acts import TeamRole
from sabal.accounts.models import AuditEntry, Organisation
from sabal.database import sqlite
from sabal.desk import transferring, uploads
from sabal.keys.keyring import SUBSCRIBERS
from sabal.newsletter import importing
from sabal.newsletter.transfers import TransferState
from sabal.operating.backup import backup
from sabal.operating.restore import restore
from sabal.petitions.snapshots import Snapshots
from sabal.worker import RESUMED_EVERY, Worker
from sites import SiteOfTests, point_django_at


class Lists:
    """The lists of a site: Olga's desk, and the rounds of a worker whose clock the test sets."""

    def __init__(self, site: SiteOfTests) -> None:
        site.refresh()
        self.site, self.ticks = site, 100.0
        ours = Organisation.objects.create(key="ours", name="Ours")
        publish(ours, BUSES)
        self.olga = person("olga@example.org", TeamRole.OWNER, organisation=ours)
        self.worker = Worker(site.keystore, Recorder(), ticks=lambda: self.ticks)

    def work(self, database: raw.Database | None = None) -> None:
        """Let the worker do all that waits, after a while."""
        self.ticks += RESUMED_EVERY
        while self.worker._do_lists(database or self.site.database, Snapshots()) == 0:
            pass

    def checked(self) -> str:
        """Return the address of an import of two people that waits for Olga."""
        page = upload(self.olga)
        self.work()
        return page

    def begun(self) -> str:
        page = self.checked()
        self.olga.browser.post(f"{page}/begin")
        return page

    def shown(self, page: str) -> str:
        return self.olga.browser.get(page).content.decode()

    def states(self) -> list[int]:
        return [row[0] for row in self.site.database.query("SELECT state FROM newsletter_transfer")]


def file_of(page: str, what: str) -> Path:
    return transferring.file_of(int(page.rsplit("/", 1)[1]), what)


@pytest.fixture
def lists(site: SiteOfTests) -> Lists:
    return Lists(site)


@pytest.mark.parametrize("what", ["check", "import", "export"])
def test_after_a_restore_nothing_stays_at_work(
    lists: Lists,
    what: str,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if what == "export":
        subscribe(lists.site, "suzie@example.org")
        page = str(lists.olga.browser.post(f"{PAGE}/export")["Location"])
    else:
        page = upload(lists.olga) if what == "check" else lists.begun()
    backup(tmp_path / "copy")
    for path in uploads.folder().iterdir():  # another computer, as backups have none of these files
        path.unlink()
    empty_database(lists.site, request, monkeypatch)
    restore(tmp_path / "copy")
    with closing(raw.connect()) as database:
        lists.work(database)
    lists.olga.browser.force_login(lists.olga.user)
    with closing(raw.connect()) as database:
        ((state,),) = database.query("SELECT state FROM newsletter_transfer")
    if what == "export":
        assert state == TransferState.DONE and file_of(page, "export").exists()
    else:
        assert state == TransferState.REFUSED
    point_django_at(lists.site.url)


def test_what_a_restore_interrupted_goes_on_if_the_file_is_there(lists: Lists) -> None:
    page = upload(lists.olga)
    DBTaskResult.objects.all().delete()  # as after a restore on the same computer
    lists.work()
    assert "Import 2 people" in lists.shown(page)
    lists.olga.browser.post(f"{page}/begin")
    DBTaskResult.objects.all().delete()
    lists.work()
    assert "<b>2</b> people are new" in lists.shown(page)


def test_a_list_whose_good_rows_are_gone_is_asked_for_again(lists: Lists) -> None:
    page = lists.begun()
    file_of(page, "good").unlink()
    lists.work()
    shown = lists.shown(page)
    assert lists.states() == [TransferState.REFUSED] and lists.site.rows("newsletter_subscription") == 0
    assert "The file is no longer on the server" in shown and "Upload the list again" in shown
    assert "are new" not in shown and f"{PAGE}/import?list={BUSES}" in shown
    assert not list(uploads.folder().iterdir())


@pytest.mark.parametrize("left", [b"", b"SQLite format 3\0 and no more"])
def test_a_part_of_the_good_rows_imports_nobody(lists: Lists, left: bytes) -> None:
    """After a power failure the file may be empty or damaged: it is not flushed."""
    page = lists.begun()
    file_of(page, "good").write_bytes(left)
    lists.work()
    assert "The file is no longer on the server" in lists.shown(page)


def test_good_rows_that_lack_some_import_nobody(lists: Lists) -> None:
    subscribe(lists.site, "suzie@example.org")  # left out, and yet a row
    page = lists.begun()
    with closing(sqlite3.connect(file_of(page, "good"))) as store, store:
        store.execute("DELETE FROM good WHERE language = 'ko'")
    lists.work()
    assert lists.site.rows("newsletter_subscription") == 1
    assert "The file is no longer on the server" in lists.shown(page)


def test_people_who_are_left_out_do_not_make_a_list_incomplete(lists: Lists) -> None:
    subscribe(lists.site, "suzie@example.org")
    page = lists.begun()
    lists.work()
    assert "<b>1</b> person is new" in lists.shown(page)


def test_a_list_that_is_gone_before_its_check_is_asked_for_again(lists: Lists) -> None:
    page = upload(lists.olga)
    file_of(page, "list").unlink()
    lists.work()
    assert "Upload the list again" in lists.shown(page)


def test_a_checked_list_that_was_deleted_meanwhile_offers_no_import(lists: Lists) -> None:
    page = lists.checked()
    file_of(page, "good").unlink()  # after a week
    shown = lists.shown(page)
    assert "Upload the list again" in shown and "Import 2 people" not in shown
    lists.olga.browser.post(f"{page}/begin")
    lists.work()
    assert lists.states() == [TransferState.REFUSED]


def test_a_crash_after_the_import_ends_it_as_done(lists: Lists, monkeypatch: pytest.MonkeyPatch) -> None:
    page = lists.begun()

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(transferring, "_end", killed)
        with pytest.raises(KeyboardInterrupt):
            transferring.work.call(page.rsplit("/", 1)[1])
    lists.work()
    assert "<b>2</b> people are new" in lists.shown(page)
    assert [path.suffix for path in uploads.folder().iterdir()] == [".rest"]


@contextmanager
def busy(site: SiteOfTests, table: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let another process write, for longer than others wait for it."""
    if site.vendor == "sqlite":
        monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.05)
        with closing(sqlite3.connect(site.url.removeprefix("sqlite://"), isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            yield
            other.execute("ROLLBACK")
        return
    with psycopg.connect(site.url) as connection:
        connection.execute(f"LOCK TABLE {table} IN EXCLUSIVE MODE")  # type: ignore[arg-type]
        monkeypatch.setenv("PGOPTIONS", "-c lock_timeout=50ms")
        yield
        connection.rollback()


@pytest.mark.parametrize("table", ["newsletter_subscription", "newsletter_transfer"])
def test_an_import_into_a_busy_database_is_tried_again(
    lists: Lists, table: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    page = lists.begun()
    with monkeypatch.context() as patch, busy(lists.site, table, patch):
        transferring.work.call(page.rsplit("/", 1)[1])
    assert lists.states() == [TransferState.WORKING] and "is interrupted, and tried again" in caplog.text
    assert "The import is running" in lists.shown(page) and file_of(page, "good").exists()
    DBTaskResult.objects.all().delete()  # the task has ended
    lists.work()
    assert "<b>2</b> people are new" in lists.shown(page)
    assert AuditEntry.objects.filter(what="list-imported").count() == 1


def test_a_check_by_a_busy_database_is_tried_again(lists: Lists, monkeypatch: pytest.MonkeyPatch) -> None:
    page = upload(lists.olga)
    with monkeypatch.context() as patch, busy(lists.site, "newsletter_transfer", patch):
        transferring.check.call(page.rsplit("/", 1)[1])
    assert lists.states() == [TransferState.CHECKING] and file_of(page, "list").exists()
    DBTaskResult.objects.all().delete()
    lists.work()
    assert "Import 2 people" in lists.shown(page)
    assert not file_of(page, "list").exists()


def test_a_transfer_whose_task_waits_is_not_asked_for_twice(lists: Lists) -> None:
    upload(lists.olga)
    transferring.resume(lists.site.database)
    assert DBTaskResult.objects.count() == 1


def test_an_interrupted_import_can_be_stopped(lists: Lists) -> None:
    page = lists.begun()
    DBTaskResult.objects.all().delete()
    lists.olga.browser.post(f"{page}/stop")
    lists.work()
    assert lists.states() == [TransferState.STOPPED]


def test_an_export_waits_for_a_missing_key_and_not_for_a_damaged_row(
    lists: Lists, caplog: pytest.LogCaptureFixture
) -> None:
    subscribe(lists.site, "suzie@example.org")
    database = lists.site.database
    page = str(lists.olga.browser.post(f"{PAGE}/export")["Location"])
    database.execute("UPDATE keys_key SET name = 'elsewhere' WHERE name = ?", (SUBSCRIBERS,))
    transferring.work.call(page.rsplit("/", 1)[1])
    assert lists.states() == [TransferState.WORKING] and "KeyMissing" in caplog.text
    database.execute("UPDATE keys_key SET name = ? WHERE name = 'elsewhere'", (SUBSCRIBERS,))
    database.execute("UPDATE newsletter_subscription SET sealed_address = ?", (bytes(80),))
    DBTaskResult.objects.all().delete()
    lists.work()
    assert lists.states() == [TransferState.REFUSED]
    assert "Something on the server failed" in lists.shown(page)


def test_a_transfer_that_meets_the_same_error_each_time_can_be_stopped(lists: Lists) -> None:
    page, database = lists.begun(), lists.site.database
    database.execute("UPDATE keys_key SET name = 'elsewhere' WHERE name = ?", (SUBSCRIBERS,))
    transferring.work.call(page.rsplit("/", 1)[1])
    lists.olga.browser.post(f"{page}/stop")
    DBTaskResult.objects.all().delete()
    lists.work()
    assert lists.states() == [TransferState.STOPPED] and not file_of(page, "good").exists()


@pytest.mark.parametrize("end", ["gone", "stopped"])
def test_what_an_interrupted_import_did_is_in_the_history_even_if_it_does_not_go_on(
    lists: Lists, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    page = lists.begun()
    monkeypatch.setattr(importing, "CHUNK", 1)

    def interrupted(*_: object) -> bool:
        raise sqlite3.OperationalError("database is locked")

    monkeypatch.setattr(transferring._Paced, "go_on", interrupted)
    transferring.work.call(page.rsplit("/", 1)[1])
    assert lists.states() == [TransferState.WORKING]
    if end == "gone":
        file_of(page, "good").unlink()
    else:
        lists.olga.browser.post(f"{page}/stop")
    DBTaskResult.objects.all().delete()
    lists.work()
    shown = lists.shown(page)
    if end == "gone":
        assert "The file is no longer on the server" in shown and "<b>1</b> person is new" in shown
    else:
        assert "Who was imported before stays." in shown and not file_of(page, "good").exists()
    assert AuditEntry.objects.get(what="list-imported").details == "1"
