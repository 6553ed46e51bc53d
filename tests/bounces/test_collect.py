"""Where bounces are read: a folder, a mailbox at a real IMAP server, and the pipe of a mail server."""

import contextlib
import imaplib
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bounces.messages import arf, dsn, out_of_office
from bounces.test_take import BOTH, Mailings
from sabal import settings
from sabal.bounces import collector
from sabal.bounces.imap import Mailbox
from sabal.bounces.maildir import MOST_WAITING, Maildir, put
from sabal.configuration.bounces_url import BouncesUrl, parse_bounces_url
from served import free_port
from sites import DAY_NUMBER, SiteOfTests


@pytest.fixture
def mailings(site: SiteOfTests, monkeypatch: pytest.MonkeyPatch) -> Mailings:
    made = Mailings(site)
    monkeypatch.setattr(settings, "BOUNCE_ADDRESS", made.verp.address)
    return made


def collect(mailings: Mailings, source: collector.Source) -> int:
    return collector.collect(mailings.database, source, mailings.verp, mailings.key, DAY_NUMBER)


def maildir(path: Path, *messages: bytes) -> Path:
    for name in ("new", "cur", "tmp"):
        (path / name).mkdir(parents=True, exist_ok=True)
    for number, message in enumerate(messages):
        (path / "new" / f"1764480000.M{number}.mx").write_bytes(message)
    return path


def test_a_folder_keeps_what_is_not_ours(mailings: Mailings, tmp_path: Path) -> None:
    to, letter = (
        mailings.sender(mailings.suzie),
        b"From: max@example.org\nTo: bounces@petition.example\n\nHello",
    )
    path = maildir(tmp_path / "mail", dsn(to), letter, out_of_office(to), dsn("bounces@petition.example"))
    (path / "new" / "link").symlink_to("/etc/passwd")
    (path / "new" / ".hidden").write_bytes(dsn(mailings.sender(mailings.eve)))
    source = Maildir(path, is_ours=False)
    assert collect(mailings, source) == 4 and mailings.subscribed() == {"eve"}
    assert sorted(one.read_bytes() for one in (path / "cur").iterdir()) == sorted(
        [letter, dsn("bounces@petition.example")]
    )
    assert all(one.name.endswith(":2,S") for one in (path / "cur").iterdir())
    assert sorted(one.name for one in (path / "new").iterdir()) == [".hidden", "link"]
    assert collect(mailings, source) == 0


def test_our_own_folder_keeps_nothing(mailings: Mailings) -> None:
    for message in (dsn(mailings.sender(mailings.suzie)), b"hello", b"\0" * 500):
        assert put(collector.own_folder(), iter([message]))
    source = collector.source_of(BouncesUrl())
    assert collect(mailings, source) == 3 and mailings.subscribed() == {"eve"}
    assert list((collector.own_folder() / "new").iterdir()) == []


def test_two_workers_on_one_folder_take_each_message_once(mailings: Mailings, tmp_path: Path) -> None:
    full = [dsn(mailings.sender(mailings.suzie, n), "5.2.2") for n in range(1, 41)]
    path, done = maildir(tmp_path / "mail", *full), []

    def work() -> None:
        with contextlib.closing(mailings.site.connect()) as database:
            for _ in range(20):
                done.append(
                    collector.collect(
                        database, Maildir(path, is_ours=False), mailings.verp, mailings.key, DAY_NUMBER
                    )
                )

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert sum(done) == 40 and list((path / "new").iterdir()) == []
    assert mailings.database.query("SELECT SUM(n) FROM bounces_total")[0][0] == 40


def test_a_crash_before_the_message_is_deleted_counts_it_once(mailings: Mailings, tmp_path: Path) -> None:
    path = maildir(tmp_path / "mail", dsn(mailings.sender(mailings.suzie), "5.2.2"))

    class Crashes(Maildir):
        def settle(self, name: str, *, used: bool) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        collect(mailings, Crashes(path, is_ours=False))
    assert collect(mailings, Maildir(path, is_ours=False)) == 1
    assert mailings.database.query("SELECT SUM(n) FROM bounces_total")[0][0] == 1


def test_a_flood_is_taken_in_parts(mailings: Mailings, tmp_path: Path) -> None:
    path = maildir(tmp_path / "mail", *[b"junk"] * (collector.MOST + 5))
    source = Maildir(path, is_ours=False)
    assert [collect(mailings, source) for _ in range(3)] == [collector.MOST, 5, 0]


def test_no_line_of_the_log_names_anybody(
    mailings: Mailings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    to = mailings.sender(mailings.suzie)
    path = maildir(tmp_path / "mail", dsn(to), dsn("x@evil.example"), arf(f"Return-Path: <{to}>\n"))
    with caplog.at_level(logging.DEBUG):
        collect(mailings, Maildir(path, is_ours=False))
    assert "read 3 messages: 2 bounces, 1 complaints; 1 ended subscriptions" in caplog.text
    assert not any(word in caplog.text for word in ("suzie", "evil", "bounces+"))


# ---- the pipe


def pipe(message: bytes, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "SABAL_DATA": str(settings.DATA)}
    command = [sys.executable, "-m", "sabal", "bounces", *arguments]
    return subprocess.run(
        command, input=message, capture_output=True, env=environment, timeout=120, check=False
    )


def test_a_mail_server_pipes_a_message(mailings: Mailings) -> None:
    to = mailings.sender(mailings.suzie)
    without = dsn("undisclosed:;").replace(b"To:", b"X-Other:")
    done = pipe(b"From MAILER-DAEMON Mon Nov 30\n" + without, "--to", to)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    (file,) = (collector.own_folder() / "new").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert collect(mailings, collector.source_of(BouncesUrl())) == 1 and mailings.subscribed() == {"eve"}


def test_a_huge_message_is_stored_by_its_start(mailings: Mailings) -> None:
    done = pipe(dsn(mailings.sender(mailings.suzie)) + b"x" * 40_000_000)
    (file,) = (collector.own_folder() / "new").iterdir()
    assert done.returncode == 0 and file.stat().st_size < 300_000


def test_the_mail_server_tries_again_if_nothing_can_be_stored(mailings: Mailings) -> None:
    collector.own_folder().write_text("no folder")
    done = pipe(b"x")
    assert done.returncode == 75 and done.stderr.startswith(b"The message cannot be stored")


def test_too_many_messages_wait_at_the_mail_server(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    for number in range(MOST_WAITING):
        (tmp_path / "new" / str(number)).touch()
    assert not put(tmp_path, iter([b"x"]))


# ---- a mailbox


@pytest.fixture(scope="module")
def imap_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Run a real IMAP server with one mailbox, and yield its port."""
    port = free_port()
    command = [
        str(Path(sys.executable).with_name("pymap")),
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--no-tls",
        "dict",
    ]
    command += ["--demo-user", "bounces", "--demo-password", 'p@ss "word"']
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                imaplib.IMAP4("127.0.0.1", port, timeout=5).shutdown()
                break
            except OSError:
                assert time.monotonic() < deadline and process.poll() is None
                time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def test_a_mailbox_is_read_and_what_is_not_ours_stays(mailings: Mailings, imap_server: int) -> None:
    url = parse_bounces_url(f"imap://bounces:p%40ss%20%22word%22@127.0.0.1:{imap_server}")
    letter = b"From: max@example.org\r\nTo: bounces@petition.example\r\n\r\nHello"
    with imaplib.IMAP4("127.0.0.1", imap_server) as client:
        client.login("bounces", 'p@ss "word"')
        client.select("INBOX")
        client.store("1:*", "+FLAGS", r"(\Deleted)")  # what the server has for a show
        client.expunge()
        for message in (
            dsn(mailings.sender(mailings.suzie)),
            letter,
            out_of_office("bounces@petition.example"),
        ):
            client.append("INBOX", "", "", message.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
    Mailbox(url).look()
    assert collect(mailings, Mailbox(url)) == 3 and mailings.subscribed() == {"eve"}
    with imaplib.IMAP4("127.0.0.1", imap_server) as client:
        client.login("bounces", 'p@ss "word"')
        assert client.select("INBOX")[1] == [b"1"]
        assert b"Hello" in client.fetch("1", "(BODY.PEEK[TEXT])")[1][0][1]
    assert collect(mailings, Mailbox(url)) == 0


def test_a_mailbox_that_cannot_be_opened_is_tried_later(
    mailings: Mailings, imap_server: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for url in (
        f"imap://bounces:wrong@127.0.0.1:{imap_server}",
        f"imap://bounces:secret@127.0.0.1:{free_port()}",
    ):
        monkeypatch.setattr(settings, "BOUNCES", parse_bounces_url(url))
        assert collector.round_of(mailings.database, mailings.key, DAY_NUMBER) > collector.EVERY
    assert "bounces cannot be read" in caplog.text and "wrong" not in caplog.text
    assert mailings.subscribed() == BOTH


def test_a_round_of_the_worker(mailings: Mailings) -> None:
    assert (
        collector.round_of(mailings.database, mailings.key, DAY_NUMBER) == collector.EVERY
    )  # nothing came yet
    put(collector.own_folder(), iter([dsn(mailings.sender(mailings.suzie))]))
    assert collector.round_of(mailings.database, mailings.key, DAY_NUMBER) == collector.EVERY
    assert mailings.subscribed() == {"eve"}
