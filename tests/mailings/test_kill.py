"""kill -9 in the middle of a mailing: nobody is left out, and at most one email of each connection comes twice."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from mail.world import Sink
from mailings.sending_process import CONNECTIONS
from mailings.world import begun, numbers, subscribe
from sabal.mailings.states import State
from sites import SiteOfTests

READERS, KILLS = 600, 4
Sinks = Callable[..., Sink]


def start(site: SiteOfTests, port: int) -> subprocess.Popen[bytes]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SABAL_")}
    environment |= {
        "SABAL_DATA": str(site.data),
        "SABAL_INTERNAL_DEV": "1",
        "DJANGO_SETTINGS_MODULE": "sabal.desk.settings",
        "PYTHONPATH": str(Path(__file__).parents[1]),
    }
    if site.vendor == "postgresql":
        environment["SABAL_DATABASE_URL"] = site.url
    program = [
        sys.executable,
        "-c",
        "import django; django.setup(); from mailings.sending_process import main; main()",
    ]
    return subprocess.Popen([*program, str(port)], env=environment, start_new_session=True)


@pytest.mark.slow
def test_a_killed_process_is_continued_without_doubles_and_without_gaps(
    site: SiteOfTests, sink: Sinks
) -> None:
    site.publish()
    people = [f"reader{n}@example.org" for n in range(READERS)]
    subscribe(site, *people)
    mailing, server = begun(), sink()
    killed = 0
    for turn in range(KILLS):
        process = start(site, server.port)
        wanted = READERS * (turn + 1) // (KILLS + 2)
        deadline = time.monotonic() + 60
        while len(server.lines()) < wanted and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01 + random.random() * 0.02)
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
            killed += 1
        process.wait(10)
    assert killed == KILLS
    last = start(site, server.port)
    assert last.wait(120) == 0
    copies = Counter(to for line in server.lines() for to in line["to"])
    assert set(copies) == set(people)
    doubles = [to for to, n in copies.items() if n > 1]
    assert len(doubles) <= killed * CONNECTIONS
    assert len({one["Message-ID"] for one in server.emails()}) == READERS  # a double is the same email
    assert numbers(site, mailing) == {State.ACCEPTED: READERS}
    mailing.refresh_from_db()
    assert mailing.state == "sent"
