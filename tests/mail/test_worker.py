"""The worker: trouble with emails does not stop counting, nor the reverse; if either part ends, the worker ends."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from mail.test_send_due import Recorder
from mail.world import Sink
from sabal import settings, tidying, worker
from sabal.configuration.sender import Sender
from sabal.database import Database, OperationalError
from sabal.keys.keystore import KeyStore, mail_key_name
from sabal.ledger.sequencer import Sequencer
from sabal.logs import _Line
from sabal.mail.answers import Answer
from sabal.mail.message import Message
from sabal.mail.transport import Transport
from sabal.petitions.snapshots import Snapshots
from sabal.worker import MAIL_ENDS_WITHIN, Worker
from signing.steps import confirmed, signed
from sites import DAY_NUMBER, NOW, SiteOfTests

Sinks = Callable[..., Sink]
DAY = 86_400


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "BATCH_EVERY", 0.1)
    monkeypatch.setattr(settings, "MAIL_FROM", Sender("", "petition@example.org"))
    monkeypatch.setattr(worker, "REST", 0.2)


@contextmanager
def working(site: SiteOfTests, transport: Transport, key: KeyStore | None = None) -> Iterator[Worker]:
    """Run a worker; stop it at the end, and wait until it has stopped."""
    begun = time.monotonic()
    running = Worker(key or site.keystore, transport, clock=lambda: NOW + time.monotonic() - begun)
    thread = threading.Thread(target=running.run)
    thread.start()
    try:
        yield running
    finally:
        running.stop.set()
        thread.join(30)
        assert not thread.is_alive()


def ends_by_itself(site: SiteOfTests, transport: Transport) -> list[bool]:
    """Return the result of a worker's `run` that is not told to stop; an empty list if it did not end."""
    results = list[bool]()
    running = Worker(site.keystore, transport, clock=lambda: NOW)
    thread = threading.Thread(target=lambda: results.append(running.run()), daemon=True)
    thread.start()
    thread.join(10)
    ended = list(results)
    running.stop.set()
    return ended


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "it did not happen within ten seconds"
        time.sleep(0.05)


def claimed(site: SiteOfTests) -> int:
    """Return the number of emails that the worker has claimed."""
    return int(site.database.query("SELECT COUNT(*) FROM mail_email WHERE claimed_until > 0")[0][0])


def counted(site: SiteOfTests) -> int:
    return site.petition().counts.confirmed


def test_a_mail_server_that_hangs_does_not_stop_counting(site: SiteOfTests, sink: Sinks) -> None:
    petition, server = site.publish(), sink("hang")
    signed(site, petition, "max@example.org")
    with working(site, server.transport(timeout=60)) as running:
        wait_for(lambda: claimed(site) == 1)
        confirmed(site, petition)
        wait_for(lambda: counted(site) == 1)
        assert claimed(site) == 1, "the server has not answered for Max's email"
        running.stop.set()
        assert server.process.stdin is not None
        server.process.stdin.close()  # the server ends
    assert claimed(site) == 0 and site.rows("mail_email") == 2, "begun emails are settled, and none is lost"


def test_the_worker_reminds_and_keeps_the_key_until_then(site: SiteOfTests, sink: Sinks) -> None:
    petition, server = site.publish(profile='"open"', reminder="true"), sink()
    signed(site, petition)
    for later in range(5):  # as public processes do
        site.keystore.make(site.database, mail_key_name(DAY_NUMBER + later))

    def work(later: int) -> list[int]:
        running = Worker(site.keystore, server.transport(), clock=lambda: NOW + later * DAY)
        site.refresh()
        for _ in range(2):
            running._count_and_tidy(site.database, site.snapshots)
            running._send(site.database, site.snapshots)
        names = [f"mail/{DAY_NUMBER + day}" for day in range(5)]
        where, params = site.database.among("name", names)
        kept = site.database.query(f"SELECT name FROM keys_key WHERE {where}", params)
        return sorted(int(name.removeprefix("mail/")) - DAY_NUMBER for (name,) in kept)

    assert [work(0), work(1)] == [[0, 1, 2, 3, 4]] * 2 and len(server.emails()) == 1
    assert work(2) == [0, 1, 2, 3, 4], "the tidying of this day came before the reminder"
    assert len(server.emails()) == 2
    site.database.execute("UPDATE signing_pending SET reminder = ?", (b"kept in vain",))
    assert work(4) == [3, 4]
    assert site.database.query("SELECT reminder FROM signing_pending") == [(None,)]


@pytest.mark.slow
def test_a_mail_server_that_hangs_does_not_hold_up_a_stop(site: SiteOfTests, sink: Sinks) -> None:
    petition, server = site.publish(), sink("hang")
    signed(site, petition, "max@example.org")
    with working(site, server.transport(timeout=60)) as running:
        wait_for(lambda: claimed(site) == 1)
        began = time.monotonic()
        running.stop.set()
    assert time.monotonic() - began < MAIL_ENDS_WITHIN + 2
    assert site.rows("mail_email") == 1, "the email is sent later"
    assert server.process.stdin is not None
    server.process.stdin.close()


def test_sending_and_counting_run_at_the_same_time(site: SiteOfTests, sink: Sinks) -> None:
    petition, server = site.publish(), sink()
    with working(site, server.transport()):
        for n in range(3):
            confirmed(site, petition, f"suzie{n}@example.org")
        wait_for(lambda: counted(site) == 3 and site.rows("mail_email") == 0)
    assert len(server.emails()) == 3


def test_a_wrong_server_key_stops_sending_and_counting_and_loses_nothing(
    site: SiteOfTests, caplog: pytest.LogCaptureFixture
) -> None:
    confirmed(site, site.publish())
    transport = Recorder()
    with working(site, transport, KeyStore(bytes([7]) * 32)):
        wait_for(lambda: "mail is interrupted: KeyMissing" in caplog.text and "has stopped" in caplog.text)
    assert transport.to == [] and site.rows("mail_email") == 1 and counted(site) == 0
    with working(site, transport):
        wait_for(lambda: site.rows("mail_email") == 0 and counted(site) == 1)


def test_lost_connections_are_made_again(site: SiteOfTests, caplog: pytest.LogCaptureFixture) -> None:
    if site.vendor == "sqlite":
        pytest.skip("SQLite has no connections to lose")
    petition, transport = site.publish(), Recorder()
    with working(site, transport):
        signed(site, petition, "max@example.org")
        wait_for(lambda: site.rows("mail_email") == 0)
        others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        assert len(site.database.query("SELECT pg_terminate_backend(pid) " + others)) >= 2
        confirmed(site, petition)
        wait_for(lambda: counted(site) == 1 and site.rows("mail_email") == 0)
    assert "mail is interrupted" in caplog.text and "counting is interrupted" in caplog.text


class Leaving(Recorder):
    """A transport whose library ends the program."""

    def send(self, message: Message, to: str) -> Answer:
        raise SystemExit(f"no way to {to}")


def test_an_unexpected_error_in_sending_ends_the_worker(
    site: SiteOfTests, caplog: pytest.LogCaptureFixture
) -> None:
    signed(site, site.publish())
    assert ends_by_itself(site, Leaving()) == [False]
    (line,) = [_Line().format(record) for record in caplog.records if record.levelno == logging.CRITICAL]
    assert "mail ends the worker: SystemExit at" in line and "suzie" not in line
    assert site.rows("mail_email") == 1 and claimed(site) == 0


def test_an_unexpected_error_in_counting_ends_the_worker(
    site: SiteOfTests, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    site.publish()
    monkeypatch.setattr(Sequencer, "sequence", lambda *_: {}["no such key"])
    assert ends_by_itself(site, Recorder()) == [False]
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.CRITICAL] == [
        "counting ends the worker"
    ]


@pytest.mark.parametrize(
    ("work", "owner", "name"),
    [
        ("deliveries", "sabal.desk.delivering.Dispatching", "work"),
        ("updates", "sabal.updates.emailing", "email_due"),
        ("newsletters", "sabal.desk.newsletters", "begin_due"),
    ],
)
def test_one_row_that_cannot_be_used_never_stops_counting(
    site: SiteOfTests,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    work: str,
    owner: str,
    name: str,
) -> None:
    petition = site.publish()
    monkeypatch.setattr(f"{owner}.{name}", lambda *_: {}["a name: Suzie"])
    with working(site, Recorder()) as running:
        confirmed(site, petition)
        wait_for(lambda: counted(site) == 1)
        wait_for(lambda: any(record.levelno == logging.CRITICAL for record in caplog.records))
        assert not running.stop.is_set()
    (line,) = [record.getMessage() for record in caplog.records if record.levelno == logging.CRITICAL]
    assert line.startswith(f"{work} have failed and are tried again: KeyError") and "Suzie" not in line


class Paced:
    """A worker with rounds that a test calls and clocks that a test sets. `did` records its actions."""

    def __init__(self, site: SiteOfTests, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.tick, self.did = float(NOW), 100.0, list[object]()
        self.site, self.snapshots = site, Snapshots()
        self.worker = Worker(site.keystore, Recorder(), clock=lambda: self.now, ticks=lambda: self.tick)
        self.loses_connection = False
        self.up_on(DAY_NUMBER - 1)
        monkeypatch.setattr(tidying.tidy, "expire", self._expire)
        monkeypatch.setattr(site.database, "wal_checkpoint", lambda *, truncate: self.did.append(truncate))

    def round(self) -> list[object]:
        """Run one round and return its actions: WAL checkpoint (False), truncating one (True), tidying (the day)."""
        self.did.clear()
        self.snapshots.refresh(self.site.database, self.site.keystore)
        self.worker._count_and_tidy(self.site.database, self.snapshots)
        return list(self.did)

    def up_on(self, day: int) -> None:
        """Record that the server was up on that day."""
        self.site.keystore.make(self.site.database, mail_key_name(day))

    def _expire(self, database: Database, today: int) -> int:
        if self.loses_connection:
            raise OperationalError[0]("the connection is lost")
        self.did.append(today)
        return 0


@pytest.fixture
def paced(site: SiteOfTests, monkeypatch: pytest.MonkeyPatch) -> Paced:
    return Paced(site, monkeypatch)


@pytest.mark.parametrize("ran_on", [None, DAY_NUMBER - 5])
def test_a_day_without_deletions_is_reported_unless_it_is_the_first(
    paced: Paced, caplog: pytest.LogCaptureFixture, ran_on: int | None
) -> None:
    paced.site.keystore.destroy(paced.site.database, mail_key_name(DAY_NUMBER - 1))
    paced.up_on(DAY_NUMBER)
    if ran_on is not None:
        paced.up_on(ran_on)
    with caplog.at_level("INFO"):
        assert DAY_NUMBER not in paced.round()
    assert ("was not running yesterday" in caplog.text) is (ran_on is not None)


def test_wal_checkpoints_and_tidying_run_at_their_intervals(paced: Paced) -> None:
    assert paced.round() == [True, DAY_NUMBER]
    assert paced.round() == []
    paced.tick += worker.WAL_CHECKPOINT_EVERY
    assert paced.round() == [False]
    paced.tick += worker.MINUTE
    assert paced.round() == [True]
    paced.tick += worker.HOUR
    assert paced.round() == [True, DAY_NUMBER]


def test_the_next_round_tidies_after_a_lost_connection(paced: Paced) -> None:
    paced.loses_connection = True
    with pytest.raises(OperationalError):
        paced.round()
    paced.loses_connection = False
    assert paced.round() == [DAY_NUMBER]
    assert paced.round() == []


def test_a_clock_that_is_set_back_does_not_stop_tidying(paced: Paced) -> None:
    paced.round()
    paced.now -= 6 * 3_600
    paced.tick += worker.HOUR
    assert paced.round() == [True, DAY_NUMBER]


def test_a_clock_that_jumps_ahead_deletes_nothing_at_once(paced: Paced) -> None:
    petition = paced.site.publish()
    confirmed(paced.site, petition)
    paced.now += 5 * 365 * 86_400
    assert paced.round() == [True]
    assert paced.site.rows("signing_sealed") == 1 and paced.site.petition().state == "open"
    # A day later the new date is accepted.
    paced.up_on(DAY_NUMBER + 5 * 365)
    paced.now += 86_400
    paced.tick += worker.HOUR
    assert paced.round() == [True, DAY_NUMBER + 5 * 365 + 1]
    assert paced.site.rows("signing_sealed") == 0


@pytest.mark.slow
@pytest.mark.parametrize("broken", [False, True])
def test_the_process_ends_cleanly_on_sigterm_and_with_an_error_otherwise(
    site: SiteOfTests, broken: bool
) -> None:
    site.publish()
    if broken:
        site.database.execute("UPDATE signing_total SET published_countries = 'suzie@example.org'")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SABAL_")} | {
        "SABAL_DATA": str(site.data),
        "SABAL_DATABASE_URL": site.url,
        "SABAL_MAIL_URL": "folder:",
        "SABAL_MAIL_FROM": "petition@example.org",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "sabal", "worker"], env=environment, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    lines = []
    late = threading.Timer(30, process.kill)
    late.start()
    for line in process.stderr:
        lines.append(line)
        if "nothing is deleted today" in line:  # the first round has ended; the server was not up yesterday
            process.send_signal(signal.SIGTERM)
    late.cancel()
    assert process.wait(30) == (1 if broken else 0)
    assert ("ends the worker: JSONDecodeError" in "".join(lines)) is broken
    assert "Traceback" not in "".join(lines) and "suzie" not in "".join(lines)


@pytest.mark.slow
@pytest.mark.parametrize("missing", ["SABAL_MAIL_URL", "SABAL_MAIL_FROM"])
def test_a_worker_that_could_send_nothing_does_not_start(site: SiteOfTests, missing: str) -> None:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SABAL_")}
    given = {
        "SABAL_MAIL_URL": "folder:",
        "SABAL_MAIL_FROM": "petition@example.org",
        "SABAL_DATA": str(site.data),
    }
    del given[missing]
    done = subprocess.run(
        [sys.executable, "-m", "sabal", "worker"],
        env={**environment, "SABAL_DATABASE_URL": site.url, **given},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2 and done.stderr.startswith(f"{missing} is not set.")
