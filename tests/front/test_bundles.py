"""The bundle by public link: what a letter names can be downloaded, and nothing else; a slow reader costs nothing."""

import hashlib
import os
import shutil
import socket
import time
from datetime import date, timedelta
from pathlib import Path

import pytest

from front.live import HEAD, Live, everything, live, status
from front.visitor import Answer, visit
from front_end import HOST, Client, open_client
from sabal import days, settings
from sabal.delivery.contact import Contact
from sabal.delivery.covering import covering
from sabal.dossier.bundle import bundle_of
from sabal.dossier.languages import LANGUAGES, words_in
from sabal.dossier.offering import KEPT, WITHOUT_ROW, Offering, offered_bundle
from sabal.keys.keystore import mail_key_name
from sabal.ledger import offers
from sabal.petitions import folder
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.publishing import drafts
from signing.steps import confirmed
from sites import DAY_NUMBER, EXAMPLE, NOW, TODAY, SiteOfTests, replace_key

SLUG = "stop-forced-repatriation"
HOUR, DAY = 3_600, 86_400


@pytest.fixture
def signed(site: SiteOfTests) -> PetitionSnapshot:
    petition = site.publish(profile='"open"')
    confirmed(site, petition, "suzie@example.org")
    assert site.sequence(petition, NOW + 400 * HOUR) == 1
    return site.petition()


def offered(site: SiteOfTests, petition: PetitionSnapshot, day: date = TODAY) -> str:
    """Offer the bundle as a letter of that day does. Return its SHA-256."""
    bundle = offered_bundle(site.database, petition, day)
    assert bundle is not None and bundle.url.endswith(f"/{SLUG}/bundles/{bundle.sha256}.zip")
    return bundle.sha256


def work(site: SiteOfTests, now: float = NOW, *, was_up: bool = True) -> None:
    """Do one round of a worker that has just started. `was_up` is whether the server ran the day before."""
    site.refresh()
    if was_up:
        site.keystore.make(site.database, mail_key_name(days.number_at(now) - 1))
    Offering(clock=lambda: now).work(site.database, site.snapshots)


def ask(client: Client, path: str, *headers: tuple[bytes, bytes], method: str = "GET") -> Answer:
    return client._runner.run(visit(client.front, method, path, *headers, host=[HOST]))


def test_anyone_can_download_what_a_letter_names(
    site: SiteOfTests, signed: PetitionSnapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha256 = offered(site, signed)
    path = f"/{SLUG}/bundles/{sha256}.zip"
    with open_client(site, monkeypatch) as client:
        assert ask(client, path).status == 404  # until the worker has made the file
        work(site)
        whole = ask(client, path)
        assert whole.status == 200 and hashlib.sha256(whole.body).hexdigest() == sha256
        assert whole["content-length"] == str(len(whole.body))
        assert whole["cache-control"] == "public, max-age=31536000, immutable"
        assert whole["content-disposition"] == f'attachment; filename="{SLUG}-log-2.zip"'
        assert whole["x-content-type-options"] == "nosniff" and whole["last-modified"] is None
        head = ask(client, path, method="HEAD")
        assert (head.status, head.body, head["content-length"]) == (200, b"", str(len(whole.body)))
        same = ask(client, path, (b"if-none-match", f'"{sha256}"'.encode()))
        assert (same.status, same.body, same["etag"]) == (304, b"", f'"{sha256}"')
        assert ask(client, path, (b"if-none-match", b'"other"')).body == whole.body
        assert ask(client, path, (b"range", b"bytes=10-19")).body == whole.body
        assert ask(client, path, method="POST").status == 405


def test_a_bundle_stays_when_a_checkpoint_comes(
    site: SiteOfTests, signed: PetitionSnapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The letter's numbers are those of its own checkpoint, also if the file is made later."""
    sha256 = offered(site, signed)
    confirmed(site, signed, "max@example.org")
    assert site.sequence(signed, NOW + 800 * HOUR) == 1
    newer = site.petition()
    assert newer.counts.checkpoint != signed.counts.checkpoint
    work(site)
    other = offered(site, newer)
    assert other != sha256
    work(site)
    with open_client(site, monkeypatch) as client:
        for one in (sha256, other):
            body = ask(client, f"/{SLUG}/bundles/{one}.zip").body
            assert hashlib.sha256(body).hexdigest() == one


@pytest.mark.parametrize(
    "name",
    [
        "..%2f..%2fsabal.sqlite3",
        "../../sabal.sqlite3",
        "../../../etc/passwd",
        ".zip",
        "%2e%2e/x.zip",
        "A" * 64 + ".zip",
        "0" * 63 + ".zip",
        "0" * 64,
        "0" * 64 + ".zip/" + "x",
        "0" * 64 + "/x.zip",
        f"{'0' * 64}.zip%00",
        f".{'0' * 64}.zip",
    ],
)
def test_no_other_name_reaches_the_disk(
    site: SiteOfTests, signed: PetitionSnapshot, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(offers, "folder_of", lambda slug, sha256="": asked.append(sha256))
    with open_client(site, monkeypatch) as client:
        assert ask(client, f"/{SLUG}/bundles/{name}").status in (302, 400, 404)
        assert asked == []


def test_a_bundle_that_no_letter_names_cannot_be_had(
    site: SiteOfTests, signed: PetitionSnapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = bundle_of(site.database, signed)  # anyone can make it of the log, and so knows its hash
    assert known is not None
    work(site)
    with open_client(site, monkeypatch) as client:
        assert ask(client, f"/{SLUG}/bundles/{known.sha256}.zip").status == 404
        assert ask(client, f"/{SLUG}/bundles/{'0' * 64}.zip").status == 404
    assert not (settings.DATA / "bundles").exists()


def test_a_draft_and_another_petition_have_none(
    site: SiteOfTests, signed: PetitionSnapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha256 = offered(site, signed)
    work(site)
    files = folder.read(EXAMPLE)
    files["petition.toml"] = replace_key(files["petition.toml"], "slug", '"secret-draft"')
    drafts.import_files(files)
    # Even a file that lies there by mistake.
    offers.folder_of("secret-draft", sha256).mkdir(parents=True)
    (offers.folder_of("secret-draft", sha256) / "log.zip").write_bytes(b"secret")
    with open_client(site, monkeypatch) as client:
        assert ask(client, f"/secret-draft/bundles/{sha256}.zip").status == 404
        assert ask(client, f"/{SLUG}/bundles/{sha256}.zip").status == 200


def test_nothing_is_offered_while_first_signatures_are_gathered(site: SiteOfTests) -> None:
    petition = site.publish()  # guarded
    confirmed(site, petition, "suzie@example.org")
    site.sequence(petition, NOW + 400 * HOUR)
    assert site.petition().gathering
    bundle = offered_bundle(site.database, site.petition(), TODAY)
    assert bundle is not None and not bundle.url and bundle.until is None
    assert site.rows("ledger_offer") == 0


def test_it_is_kept_until_the_day_of_the_last_letter(
    site: SiteOfTests, signed: PetitionSnapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha256 = offered(site, signed)
    later = TODAY + timedelta(days=20)
    offered(site, signed, later)
    offered(site, signed)  # the day of an older letter shortens nothing
    work(site)
    end = DAY_NUMBER + KEPT.days + 20
    work(site, end * DAY)
    assert site.rows("ledger_offer") == 1 and offers.find(signed, sha256)
    # A restored backup may lack the row, and the letter was sent: so the file outlives it.
    work(site, (end + 1) * DAY)
    assert site.rows("ledger_offer") == 0 and offers.find(signed, sha256)
    path = offers.find(signed, sha256)
    assert path is not None
    work(site, path.stat().st_mtime + WITHOUT_ROW + HOUR)
    assert offers.find(signed, sha256) is None
    with open_client(site, monkeypatch) as client:
        assert ask(client, f"/{SLUG}/bundles/{sha256}.zip").status == 404


def test_a_clock_that_is_far_ahead_for_a_moment_deletes_nothing(
    site: SiteOfTests, signed: PetitionSnapshot
) -> None:
    sha256 = offered(site, signed)
    work(site)
    work(site, NOW + 800 * DAY, was_up=False)
    assert site.rows("ledger_offer") == 1 and offers.find(signed, sha256)


def test_a_preview_offers_nothing(site: SiteOfTests, signed: PetitionSnapshot) -> None:
    preview = offered_bundle(site.database, signed, TODAY, preview=True)
    assert site.rows("ledger_offer") == 0
    assert preview == offered_bundle(site.database, signed, TODAY)
    assert site.rows("ledger_offer") == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_email_to_a_recipient_has_the_link(
    site: SiteOfTests, signed: PetitionSnapshot, language: str
) -> None:
    contact = Contact(key="unhcr", names={"en": "UNHCR"}, language=language)
    bundle = offered_bundle(site.database, signed, TODAY)
    assert bundle is not None and bundle.until is not None
    text = covering(signed, contact, TODAY, bundle, {}).text
    assert bundle.url in text and words_in(language).day(bundle.until) in text
    without = covering(signed, contact, TODAY, bundle_of(site.database, signed), {}).text
    assert bundle.sha256 in without and "/bundles/" not in without


@pytest.mark.parametrize(("limit", "most"), [("MOST", 1), ("MOST_BYTES", 500_000)])
def test_there_are_only_so_many(
    site: SiteOfTests, signed: PetitionSnapshot, monkeypatch: pytest.MonkeyPatch, limit: str, most: int
) -> None:
    """One that a letter promised is never deleted for a newer one; the newer letter has no link."""
    sha256 = offered(site, signed)
    monkeypatch.setattr(offers, limit, most)
    confirmed(site, signed, "max@example.org")
    site.sequence(signed, NOW + 800 * HOUR)
    bundle = offered_bundle(site.database, site.petition(), TODAY)
    assert bundle is not None and bundle.url == "" and bundle.until is None
    assert offered(site, signed) == sha256


def test_a_file_is_at_most_as_long_as_it_is_counted(site: SiteOfTests, signed: PetitionSnapshot) -> None:
    sha256 = offered(site, signed)
    work(site)
    path = offers.find(signed, sha256)
    assert path is not None
    assert offers._CARRIED_BYTES / 4 < path.stat().st_size < offers._CARRIED_BYTES


def test_a_crash_a_full_disk_and_changed_entries_leave_no_half_file(
    site: SiteOfTests,
    signed: PetitionSnapshot,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    sha256 = offered(site, signed)
    mine = offers.folder_of(SLUG)
    with monkeypatch.context() as full:
        full.setattr("sabal.dossier.offering.disk_has_room", lambda _: False)
        work(site)
    assert offers.find(signed, sha256) is None and "cannot be offered" in caplog.text
    half = mine / f".{sha256}.0123"
    half.mkdir(parents=True)
    (half / "log.zip").write_bytes(b"PK")
    site.database.execute("UPDATE ledger_offer SET sha256 = ?", ("ab" * 32,))
    work(site)
    assert [path.name for path in mine.iterdir()] == [half.name]
    site.database.execute("UPDATE ledger_offer SET sha256 = ?", (sha256,))
    work(site, half.stat().st_mtime + 2 * HOUR)
    assert [path.name for path in mine.iterdir()] == [sha256]


def rss(site: Live) -> int:
    return sum(process.memory_info().rss for process in site.workers())


@pytest.mark.slow
def test_readers_that_stop_reading_take_no_memory_and_delay_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SABAL_DATA", str(tmp_path))
    sha256, size = "ab" * 32, 40_000_000
    folder = tmp_path / "bundles" / "bowl" / sha256
    folder.mkdir(parents=True)
    content = os.urandom(1_000_000) * (size // 1_000_000)
    (folder / "bowl-log-9.zip").write_bytes(content)
    path = f"/bowl/bundles/{sha256}.zip"
    request = b"GET %s HTTP/1.1\r\n%s\r\n" % (path.encode(), HEAD)
    with live() as site:
        head, _, body = site.get(path).partition(b"\r\n\r\n")
        assert status(head) == 200 and b"content-length: %d" % size in head and body == content
        for _ in range(3):
            site.get()
        before = rss(site)
        slow = []
        try:
            for _ in range(100):
                connection = site.connect()
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
                connection.sendall(request)
                slow.append(connection)
            time.sleep(3)
            took = []
            for _ in range(40):
                began = time.monotonic()
                assert status(site.get()) == 200 and status(site.post(b"name=Suzie")) == 303
                took.append(time.monotonic() - began)
            assert sorted(took)[20] < 0.1, sorted(took)
            # 100 files of 40 MB would be 4 GB. What is read ahead for one reader is a part of a megabyte.
            assert rss(site) - before < 100 * 500_000
            assert all(status(connection.recv(12)) == 200 for connection in slow)
            shutil.rmtree(folder)  # deleted meanwhile: those who read it get it whole, others a 404
            assert status(site.get(path)) == 404
            assert len(everything(slow[0])) > size
        finally:
            for connection in slow:
                connection.close()
