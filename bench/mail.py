"""Measure how fast emails are sent, to an SMTP server on this machine that accepts everything."""

import os
import subprocess
import sys
import time
from statistics import median

from bench import wrk
from bench.server import ROOT, Server
from bench.stage import Stage
from bench.table import Line
from sabal.serve import ending_with

WITHIN = 60.0  # seconds for all emails of a run


def mail(stage: Stage) -> list[Line]:
    """Measure emails a second, from the first that is sent to the last."""
    sink = subprocess.Popen(
        [sys.executable, "-m", "bench.sink"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert sink.stdout is not None
        port = int(sink.stdout.readline())
        rates = [_once(stage, f"smtp://127.0.0.1:{port}?tls=none") for _ in range(stage.plan.runs)]
    finally:
        sink.kill()
        sink.wait()
    rate = median(rates)
    beside = f"{stage.plan.emails:,} emails, one worker, aiosmtpd on the same cores"
    return [Line("emails to a local SMTP server", "≥ 500/s", f"{rate:,.0f}/s", beside, rate >= 500)]


def _once(stage: Stage, mail_url: str) -> float:
    server = stage.server()
    for _ in range(20):
        if _waiting(server) >= stage.plan.emails:
            break
        wrk.sign(server.address(), server.page_path(), server.version(), 1)
    log = (server.data / "worker.log").open("ab")
    worker = subprocess.Popen(
        [sys.executable, "-m", "sabal", "worker"],
        env=server.environment(mail_url=mail_url, internal_dev="1", base_url=server.address("")),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        cwd=ROOT,
        process_group=0,
        preexec_fn=ending_with(os.getpid()),
    )
    try:
        return _sending_rate(server)
    finally:
        worker.terminate()
        worker.wait(20)
        log.close()


def _sending_rate(server: Server) -> float:
    """Wait until all are sent. Rows are deleted in batches of 25; the first starts the clock and is not counted."""
    before = _waiting(server)
    most, first, start = before, 0.0, time.monotonic()
    while time.monotonic() - start < WITHIN:
        left = _waiting(server)
        now = time.monotonic()
        if left < before and not first:
            first, most = now, left
        if first and left == 0:
            return most / (now - first)
        time.sleep(0.02)
    raise RuntimeError(f"{_waiting(server)} of {before} emails were still there after {WITHIN:.0f} s")


def _waiting(server: Server) -> int:
    database = server.connect()
    try:
        return int(database.query("SELECT COUNT(*) FROM mail_email")[0][0])
    finally:
        database.close()
