"""The outbox sends each email once and in order, with every fault of the server, the row and the process."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mail.world import FROM_SIGNING, NOON, TODAY, Sink, World
from sabal import token
from sabal.configuration.sender import parse_sender
from sabal.database import Database
from sabal.keys.keystore import KeyMissing, KeyStore, mail_key_name
from sabal.mail import claims, emails
from sabal.mail.answers import Answer, SendOutcome, Trouble
from sabal.mail.ids import CONFIRM_NEWSLETTER, SLOW
from sabal.mail.message import Message
from sabal.mail.traffic import End

Sinks = Callable[..., Sink]


class Recorder:
    """A transport that accepts every email, or gives the answer it is told to give."""

    def __init__(self, answer: Answer | Callable[[str], Answer] = Answer(SendOutcome.ACCEPTED)) -> None:  # noqa: B008
        self.answer, self.to, self.ids = answer, list[str](), list[str]()
        self.takes_international: bool | None = None

    def greet(self) -> None:
        self.takes_international = True

    def send(self, message: Message, to: str) -> Answer:
        self.to.append(to)
        self.ids.append(message.id)
        return self.answer(to) if callable(self.answer) else self.answer

    def close(self) -> None:
        pass


def test_suzie_gets_her_email_and_the_row_is_deleted(world: World, sink: Sinks) -> None:
    server, raw = sink(), world.write()
    transport = server.transport()
    report = world.send(transport)
    transport.close()
    assert report.accepted == 1 and world.waiting() == 0
    (line,) = server.lines()
    assert (line["from"], line["to"]) == ("mail@petition.example", ["suzie@example.org"])
    assert world.expiry(raw) == TODAY + 8, "seven whole days and the rest of today"
    assert world.traffic() == {("other", "accepted"): 1}


def test_send_due_does_nothing_if_nothing_is_due(world: World) -> None:
    assert world.send(Recorder()).handled == 0


def test_the_expiry_of_an_unsent_email_does_not_change(world: World) -> None:
    world.write("suzie@example.org")
    unsent = world.write("eve@example.org")
    world.send(
        Recorder(lambda to: Answer(SendOutcome.LATER if to.startswith("eve") else SendOutcome.ACCEPTED))
    )
    assert world.expiry(unsent) == FROM_SIGNING


def test_a_newsletter_email_changes_no_signature(world: World, sink: Sinks) -> None:
    world.write(kind=CONFIRM_NEWSLETTER, petition=0)
    assert world.send(Recorder()).accepted == 1 and world.waiting() == 0


def test_one_connection_sends_all_emails(world: World, sink: Sinks) -> None:
    server = sink()
    for n in range(120):
        world.write(f"suzie{n}@example.org")
    transport = server.transport()
    assert world.send(transport).accepted == 120
    transport.close()
    assert {line["connection"] for line in server.lines()} == {1}
    assert len({line["to"][0] for line in server.lines()}) == 120


def test_the_normal_lane_is_sent_first_and_older_days_before_newer(world: World) -> None:
    world.write("slow@example.org", lane=SLOW)
    world.write("today@example.org")
    world.write("yesterday@example.org", day=TODAY - 1)
    transport = Recorder()
    world.send(transport)
    assert transport.to == ["yesterday@example.org", "today@example.org", "slow@example.org"]


def test_one_call_sends_up_to_its_limits(world: World) -> None:
    for n in range(7):
        world.write(f"n{n}@example.org")
        world.write(f"s{n}@example.org", lane=SLOW)
    transport = Recorder()
    world.send(transport, limit=4, slow_limit=2)
    assert [to[0] for to in transport.to] == ["n"] * 4 + ["s"] * 2


@pytest.mark.parametrize("start", [0.0, 0.5, 0.99])
def test_the_slow_lane_is_shared_among_networks(world: World, start: float) -> None:
    for n in range(30):
        world.write(f"eve{n}@example.org", lane=SLOW, network=40_000)
    for network in (7, 33_000, 65_535):
        world.write(f"net{network}@example.org", lane=SLOW, network=network)
    transport = Recorder()
    world.send(transport, slow_limit=5, chance=lambda: start)
    others = {"net7@example.org", "net33000@example.org", "net65535@example.org"}
    assert others <= set(transport.to) and len(transport.to) == 5


def test_a_refused_mailbox_ends_the_email(world: World, sink: Sinks) -> None:
    server, raw = sink("refuse"), world.write()
    report = world.send(server.transport())
    assert report.ends == {End.NEVER: 1} and report.trouble is Trouble.NONE and world.waiting() == 0
    assert world.expiry(raw) == FROM_SIGNING
    assert world.traffic() == {("other", "never"): 1}


def test_a_greylisted_email_is_accepted_later(world: World, sink: Sinks) -> None:
    server, raw = sink("greylist"), world.write()
    transport = server.transport()
    assert world.send(transport).ends == {End.LATER: 1}
    assert world.expiry(raw) == FROM_SIGNING
    world.now += 30
    assert world.send(transport).handled == 0, "not before a minute has passed"
    world.now += 60
    assert world.send(transport).accepted == 1 and len(server.lines()) == 1
    transport.close()


def test_a_full_mailbox_is_tried_again(world: World, sink: Sinks) -> None:
    world.write()
    assert world.send(sink("full").transport()).ends == {End.LATER: 1} and world.waiting() == 1


def test_a_silent_server_stops_the_run(world: World, sink: Sinks) -> None:
    for n in range(5):
        world.write(f"suzie{n}@example.org")
    report = world.send(sink("hang").transport(timeout=0.3))
    assert report.trouble is Trouble.LOST and report.ends == {End.LATER: 3, End.UNSENT: 2}
    assert report.reason == "the server stopped answering"
    attempts = sorted(n for (n,) in world.database.query("SELECT attempts FROM mail_email"))
    assert attempts == [0, 0, 1, 1, 1] and world.waiting() == 5


def test_an_email_whose_connection_is_dropped_is_sent_later(world: World, sink: Sinks) -> None:
    server = sink("drop")
    world.write()
    assert world.send(server.transport()).ends == {End.LATER: 1}
    assert world.waiting() == 1 and server.lines() == []


@pytest.mark.parametrize(
    ("setting", "name", "address"),
    [
        ("petition@example.org", "", "petition@example.org"),
        ("Smith, Jones & Co. <petition@example.org>", "Smith, Jones & Co.", "petition@example.org"),
        ("푸른 강의 벗 <petition@강.example>", "푸른 강의 벗", "petition@xn--939a.example"),
        (
            '"Ü" (Verein), e. V. <ü.v+x@example.org>'.replace("ü", "u"),
            '"Ü" (Verein), e. V.',
            "u.v+x@example.org",
        ),
    ],
)
def test_the_sender_arrives_as_it_was_set(
    world: World, sink: Sinks, setting: str, name: str, address: str
) -> None:
    server = sink()
    world.write()
    site = emails.Site("https://petition.example", parse_sender(setting))
    assert world.send(server.transport(), site=site).accepted == 1
    (sender,) = server.emails()[0]["From"].addresses
    assert (sender.display_name, sender.addr_spec) == (name, address)
    assert server.lines()[0]["from"] == address


def test_after_a_lost_answer_the_email_is_sent_again_with_the_same_id(world: World, sink: Sinks) -> None:
    server = sink("drop-after")
    world.write()
    for _ in range(2):
        world.send(server.transport())
        world.now += 3_600
    first, second = server.emails()
    assert first["Message-ID"] == second["Message-ID"]


@pytest.mark.parametrize(
    ("behaviour", "trouble"), [("refuses-us", Trouble.REFUSED), ("silent", Trouble.DOWN)]
)
def test_a_failed_connection_does_not_count_as_an_attempt(
    world: World, sink: Sinks, behaviour: str, trouble: Trouble, caplog: pytest.LogCaptureFixture
) -> None:
    world.write()
    world.write()
    report = world.send(sink(behaviour).transport(timeout=0.3))
    assert report.trouble is trouble and report.ends == {End.UNSENT: 2}
    assert (
        world.database.query("SELECT attempts, claimed_until, not_before FROM mail_email") == [(0, 0, 0)] * 2
    )
    assert [r.levelname for r in caplog.records] == ["ERROR" if trouble is Trouble.REFUSED else "WARNING"]


def test_emails_stay_and_an_error_is_logged_if_a_policy_refuses_us(
    world: World, sink: Sinks, caplog: pytest.LogCaptureFixture
) -> None:
    for n in range(12):
        world.write(f"suzie{n}@example.org")
    report = world.send(sink("policy").transport())
    assert report.ends == {End.LATER: 10, End.UNSENT: 2} and report.trouble is Trouble.REFUSED
    assert world.waiting() == 12
    assert [r.levelname for r in caplog.records] == ["ERROR"]


def test_waits_double_and_end_after_three_days(world: World) -> None:
    world.write()
    transport = Recorder(Answer(SendOutcome.LATER))
    waits = []
    while world.waiting():
        world.send(transport)
        rows = world.database.query("SELECT not_before FROM mail_email")
        if rows:
            waits.append(rows[0][0] - world.now)
            world.now = rows[0][0]
    assert waits[:4] == [60, 120, 240, 480] and max(waits) == 6 * 3600 and len(waits) == claims.GIVE_UP - 1
    assert 2.9 < (world.now - NOON) / 86_400 < 3.2
    assert world.traffic()["other", "given-up"] == 1


def test_waits_vary_randomly() -> None:
    assert (
        claims._wait(1, 0.0) == 45 and claims._wait(1, 1.0) == 75 and claims._wait(1_000, 1.0) == 7.5 * 3600
    )


@pytest.mark.parametrize(
    "bad",
    [
        {"sealed": b"not sealed at all"},
        {"petition": 404},
        {"kind": 99},
        {"more": {"token": "short"}},
        {"to": "nobody"},
        {"to": "a\r\nBcc: eve@example.org"},
    ],
)
def test_a_bad_row_does_not_stop_the_queue(
    world: World, bad: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    world.write("before@example.org", id=1)
    world.write(**{"to": "eve@example.org", "id": 2} | bad)
    world.write("after@example.org", id=3)
    transport = Recorder()
    report = world.send(transport)
    assert transport.to == ["before@example.org", "after@example.org"]
    assert report.ends == {End.ACCEPTED: 2, End.UNREADABLE: 1}
    assert world.database.query("SELECT id, not_before FROM mail_email") == [(2, int(NOON) + 60)]
    assert "eve" not in caplog.text and "nobody" not in caplog.text


def test_an_email_is_postponed_if_the_transport_raises(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(to: str) -> Answer:
        raise RuntimeError(f"could not write to {to}")

    world.write()
    assert world.send(Recorder(broken)).ends == {End.UNREADABLE: 1}
    assert "RuntimeError at test_send_due.py:" in caplog.text and "suzie" not in caplog.text


def test_emails_whose_key_is_gone_are_dropped(world: World) -> None:
    world.write(day=TODAY - 1)
    world.write("max@example.org")
    world.keystore.destroy(world.database, mail_key_name(TODAY - 1))
    transport = Recorder()
    assert world.send(transport).ends == {End.LOST_KEY: 1, End.ACCEPTED: 1}
    assert transport.to == ["max@example.org"] and world.waiting() == 0


def test_a_wrong_server_key_drops_nothing(world: World) -> None:
    world.write()
    world.keystore = KeyStore(bytes([7]) * 32)
    with pytest.raises(KeyMissing):
        world.send(Recorder())
    assert world.waiting() == 1
    world.keystore = KeyStore(bytes(32))
    assert world.send(Recorder()).accepted == 1


def test_stopping_between_emails(world: World) -> None:
    for n in range(10):
        world.write(f"suzie{n}@example.org")
    transport = Recorder()
    report = world.send(transport, should_stop=lambda: len(transport.to) >= 3)
    assert len(transport.to) == 3 and report.ends == {End.ACCEPTED: 3, End.UNSENT: 7}
    assert world.send(transport).accepted == 7, "the rest is free again at once"


def test_no_email_is_begun_shortly_before_the_claim_ends(world: World) -> None:
    for n in range(4):
        world.write(f"suzie{n}@example.org")

    def slow(_to: str) -> Answer:
        world.now += 35
        return Answer(SendOutcome.ACCEPTED)

    report = world.send(Recorder(slow), limit=4)
    assert report.accepted == 2 and report.ends[End.UNSENT] == 2


def test_a_claim_made_before_the_clock_was_set_back_is_ignored(world: World) -> None:
    world.write()
    far = int(NOON) + 400 * 86_400
    world.database.execute("UPDATE mail_email SET claimed_until = ?, not_before = ?", (far, far))
    assert world.send(Recorder()).accepted == 1


def test_two_workers_send_no_email_twice(world: World) -> None:
    for n in range(300):
        world.write(f"suzie{n}@example.org")
    transports = [Recorder(), Recorder()]

    def work(transport: Recorder) -> None:
        database = world.another_connection()
        while world.send(transport, database=database, limit=50).handled:
            pass
        database.close()

    threads = [threading.Thread(target=work, args=(transport,)) for transport in transports]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    sent = transports[0].to + transports[1].to
    assert len(sent) == len(set(sent)) == 300 and world.waiting() == 0
    assert world.traffic() == {("other", "accepted"): 300}


def test_a_worker_does_not_send_an_email_that_another_is_sending(world: World) -> None:
    world.write()
    other, database = Recorder(), world.another_connection()

    def meanwhile(_to: str) -> Answer:
        world.send(other, database=database)
        return Answer(SendOutcome.ACCEPTED)

    assert world.send(Recorder(meanwhile)).accepted == 1 and other.to == []
    database.close()


KILLED = """
import os, signal, sys
sys.path[:0] = {path!r}
from mail.world import World
from sabal.keys.keystore import KeyStore
from sabal.database import connect
import django; django.setup()
from sabal.mail.smtp import SmtpTransport
from sabal.configuration.mail_url import MailUrl

class Deadly(SmtpTransport):
    def send(self, message, to):
        answer = super().send(message, to)
        os.kill(os.getpid(), signal.SIGKILL)

world = World({url!r}, connect({url!r}), KeyStore(bytes(32)))
world.send(Deadly(MailUrl("smtp", "127.0.0.1", {port}), "petition.example"))
"""


def test_an_email_is_sent_again_after_a_kill_between_acceptance_and_deletion(
    world: World, sink: Sinks
) -> None:
    server, raw = sink(), world.write()
    tests = Path(__file__).parents[1]
    code = KILLED.format(path=[str(tests), str(tests.parent / "src")], url=world.url, port=server.port)
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "sabal.settings"}
    ended = subprocess.run(
        [sys.executable, "-c", code], env=env, check=False, capture_output=True, timeout=60
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
    assert world.waiting() == 1 and world.expiry(raw) == FROM_SIGNING
    transport = server.transport()
    assert world.send(transport).handled == 0, "still claimed by the killed process"
    world.now += claims.CLAIM + 1
    assert world.send(transport).accepted == 1 and world.waiting() == 0 and world.expiry(raw) == TODAY + 8
    transport.close()
    first, second = server.emails()
    assert first["Message-ID"] == second["Message-ID"]


class Faulty:
    """A database with some transactions that fail before the commit, or after it ("failed but persisted")."""

    def __init__(self, inner: Database, at: int, persisted: bool, times: int) -> None:
        self._inner, self._at, self._persisted, self._times, self.begun = inner, at, persisted, times, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def transaction(self) -> Any:
        return _FaultyTransaction(self, self._inner.transaction())

    def fails(self) -> bool:
        return self._at <= self.begun < self._at + self._times

    @property
    def persisted(self) -> bool:
        return self._persisted


class _FaultyTransaction:
    def __init__(self, faulty: Faulty, inner: Any) -> None:
        self._faulty, self._inner = faulty, inner

    def __enter__(self) -> None:
        self._fails = self._faulty.fails()
        self._faulty.begun += 1
        self._inner.__enter__()

    def __exit__(self, *exception: Any) -> None:
        if not self._fails or self._faulty.persisted or exception[0]:
            self._inner.__exit__(*exception)
            if not self._fails or exception[0]:
                return
        else:
            failure = OSError("no space left")
            self._inner.__exit__(OSError, failure, None)
        raise OSError("the commit failed")


ACCEPTS, LATER, NEVER = Answer(SendOutcome.ACCEPTED), Answer(SendOutcome.LATER), Answer(SendOutcome.NEVER)
UNSENT = Answer(SendOutcome.UNSENT, "down", Trouble.DOWN)


@pytest.mark.parametrize(
    ("write", "answer", "persisted", "times", "raises", "sendings"),
    [
        # the claim: nothing was sent; if it persisted, the row waits until the claim ends
        (0, ACCEPTS, False, 1, True, 1),
        (0, ACCEPTS, True, 1, True, 1),
        # the settling: one failure is repaired by trying again; if all fail, one email is repeated
        (1, ACCEPTS, False, 1, False, 1),
        (1, ACCEPTS, True, 1, False, 1),
        (1, ACCEPTS, False, 99, True, 2),
        (1, ACCEPTS, True, 99, True, 1),
        (1, LATER, False, 1, False, 2),
        (1, LATER, True, 1, False, 2),
        (1, LATER, False, 99, True, 2),
        (1, LATER, True, 99, True, 2),
        (1, NEVER, False, 1, False, 1),
        (1, NEVER, True, 1, False, 1),
        (1, NEVER, False, 99, True, 2),
        (1, NEVER, True, 99, True, 1),
        (1, UNSENT, False, 1, False, 2),
        (1, UNSENT, True, 1, False, 2),
        (1, UNSENT, False, 99, True, 2),
        (1, UNSENT, True, 99, True, 2),
    ],
)
def test_every_write_failed_or_failed_but_persisted(
    world: World, write: int, answer: Answer, persisted: bool, times: int, raises: bool, sendings: int
) -> None:
    raw = world.write()
    transport = Recorder(answer)
    faulty = Faulty(world.database, write, persisted, times)
    if raises:
        with pytest.raises(OSError, match="the commit failed"):
            world.send(transport, database=faulty)
    else:
        world.send(transport, database=faulty)
    # When the database works again, every email is sent, its row is deleted, and it is counted once.
    transport.answer = ACCEPTS
    world.now += 2 * claims.CLAIM
    world.send(transport)
    assert len(transport.to) == sendings and len(set(transport.ids)) == 1
    refused = answer is NEVER and sendings == 1
    assert world.waiting() == 0 and world.expiry(raw) == (FROM_SIGNING if refused else TODAY + 8)
    ended = {outcome: n for (_, outcome), n in world.traffic().items() if outcome in ("accepted", "never")}
    assert sum(ended.values()) == 1


def test_a_row_that_kills_every_worker_is_given_up(world: World) -> None:
    world.write()
    world.database.execute("UPDATE mail_email SET attempts = ?", (claims.GIVE_UP,))
    transport = Recorder()
    assert world.send(transport).ends == {End.GIVEN_UP: 1} and transport.to == [] and world.waiting() == 0


def test_the_output_has_no_personal_data(world: World, sink: Sinks, caplog: pytest.LogCaptureFixture) -> None:
    raws = [world.write(f"suzie{n}@gmail.com") for n in range(4)]
    caplog.set_level("DEBUG")
    for behaviour in ("policy", "refuse", "refuses-us", "drop", "greylist"):
        world.send(sink(behaviour).transport(timeout=1))
        world.now += 3_600

    assert "suzie" not in caplog.text and "@" not in caplog.text
    assert not any(token.encode(raw) in caplog.text for raw in raws)


@pytest.mark.slow
def test_the_rate_does_not_collapse(world: World, sink: Sinks) -> None:

    server = sink()
    transport, rate = server.transport(), 0.0
    for turn in range(10):  # until other tests disturb one little
        for n in range(200):
            world.write(f"suzie{turn}.{n}@example.org", lang=("en", "ko", "zh-hans")[n % 3])
        begun = time.perf_counter()
        assert world.send(transport, limit=200).accepted == 200
        rate = max(rate, 200 / (time.perf_counter() - begun))
        if rate > 100:
            break
    transport.close()
    print(f"{world.database.vendor}: {rate:.0f} emails/s")
    # The benchmark requires 300. This runs beside other tests on a busy machine, so it fails only at a collapse.
    assert rate > 100
