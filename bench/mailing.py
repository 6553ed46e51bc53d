"""Measure a newsletter to a large list: queueing it, sending it, and signing beside it."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psutil  # type: ignore[import-untyped]
import uvloop

from bench import client
from bench.latency import STEADY, forms
from bench.server import ROOT, Server
from bench.stage import Stage
from bench.table import Line

READERS, FEW = 100_000, 5_000
WITHIN = 180.0  # seconds for queueing


def mailing(stage: Stage) -> list[Line]:
    """Queue a newsletter to all readers, send a part, send while people sign, and pause it while they sign."""
    stage.stop()
    readers = FEW if stage.plan.quick else READERS
    server = stage.workspace.new_server("mailing")
    server.start()
    server.stop()
    server.inside("subscribe", readers)
    with _sink() as url:
        server.start(mail=True, mail_url=url)
        try:
            return _measure(stage, server, readers)
        finally:
            server.stop()


def _measure(stage: Stage, server: Server, readers: int) -> list[Line]:
    seconds = 1.5 * stage.plan.seconds
    before = _worker_memory(server)
    begun = time.monotonic()
    server.inside("begin-mailing")
    asked = time.monotonic()
    while not _number(server, "SELECT COUNT(*) FROM mailings_mailing WHERE queued_at IS NOT NULL"):
        if time.monotonic() - begun > WITHIN:
            raise RuntimeError("the mailing was not queued in time")
        time.sleep(0.05)
    queued, grown = time.monotonic() - asked, _worker_memory(server) - before
    alone = _rate(server, seconds)
    begun, accepted = time.monotonic(), _accepted(server)
    beside = uvloop.run(client.offer(server.port, forms(server), STEADY, seconds))
    rate = (_accepted(server) - accepted) / (time.monotonic() - begun)
    server.inside("pause-mailing")
    time.sleep(2)
    quiet = uvloop.run(client.offer(server.port, forms(server), STEADY, seconds))
    p99, without = beside.percentile(303, 0.99), quiet.percentile(303, 0.99)
    taken = beside.statuses[303] / max(beside.sent, 1)
    said = f"{alone:,.0f}/s without signers; {taken:.0%} of {STEADY}/s signed; all on the same cores"
    ratio = f"{without:.0f} ms while the mailing is paused, ratio {p99 / without:.1f}"
    return [
        Line(
            f"{readers:,} recipients of a newsletter queued",
            "< 30 s per 100,000, constant memory",
            f"{queued:.1f} s",
            f"the worker grew by {grown:.0f} MB",
            queued * READERS / readers < 30,
        ),
        Line(
            "newsletter to a local SMTP server, 500 signatures/s beside",
            "≥ 500/s",
            f"{rate:,.0f}/s",
            said,
            rate >= 500,
        ),
        Line("sign at 500/s beside a newsletter, p99", "< 80 ms", f"{p99:.0f} ms", ratio, p99 < 80),
    ]


@contextmanager
def _sink() -> Iterator[str]:
    sink = subprocess.Popen(
        [sys.executable, "-m", "bench.quicksink"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert sink.stdout is not None
        yield f"smtp://127.0.0.1:{int(sink.stdout.readline())}?tls=none"
    finally:
        sink.kill()
        sink.wait()


def _rate(server: Server, seconds: float) -> float:
    before, begun = _accepted(server), time.monotonic()
    time.sleep(seconds)
    return (_accepted(server) - before) / (time.monotonic() - begun)


def _accepted(server: Server) -> int:
    return _number(server, "SELECT COALESCE(SUM(n), 0) FROM mailings_sum WHERE state = 2")


def _number(server: Server, sql: str) -> int:
    with closing(server.connect()) as database:
        return int(database.query(sql)[0][0])


def _worker_memory(server: Server) -> float:
    """Return the memory of the worker process in MB."""
    for pid in server.pids():
        process = psutil.Process(pid)
        if "worker" in process.cmdline():
            return float(process.memory_info().rss) / 1e6
    return 0.0
