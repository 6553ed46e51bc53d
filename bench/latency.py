"""Measure latency: at a steady rate, at twice the capacity, and beside thousands of idle connections."""

import asyncio
import secrets
import subprocess
import sys
import time
from collections.abc import Callable
from statistics import median

import uvloop

from bench import client, floors, throughput
from bench.server import ROOT, Server
from bench.stage import Stage, percentile
from bench.table import Line

STEADY = 500  # signatures a second
PROBES = 50  # requests a second, half of them pages and half signatures


def forms(server: Server) -> Callable[[int], bytes]:
    """Return a function that makes unique sign forms."""
    path, version, prefix = server.page_path(), server.version(), secrets.token_hex(4)
    return lambda number: client.form(path, version, client.email_address(prefix, number))


def steady(stage: Stage) -> list[Line]:
    """Measure the p99 of signing at 500 a second, with the worker running."""
    server, runs = stage.server(mail=True), []
    for _ in range(1 if stage.plan.quick else 5):
        server.empty()
        found = uvloop.run(client.offer(server.port, forms(server), STEADY, 1.5 * stage.plan.seconds))
        if found.statuses[303] < found.sent * 0.98:
            raise RuntimeError(f"of {found.sent} signatures at {STEADY}/s: {dict(found.statuses)}")
        runs.append((found.percentile(303, 0.99), found.percentile(303, 0.5)))
    flush = floors.flush(server.data)
    p99, p50 = median(r[0] for r in runs), median(r[1] for r in runs)
    bare = f"median {percentile(flush, 0.5):.1f} ms, p99 {percentile(flush, 0.99):.1f} ms"
    beside = f"median {p50:.1f} ms; a bare flush: {bare}"
    return [Line("sign at 500/s offered, worker running, p99", "< 50 ms", f"{p99:.0f} ms", beside, p99 < 50)]


def overload(stage: Stage) -> list[Line]:
    """Offer twice as many signatures as the capacity: the accepted must be fast, the rest must get a proper 503."""
    server, runs = stage.server(mail=True), []
    capacity = stage.capacity or throughput.signatures(server, stage.plan.seconds).rate
    for _ in range(stage.plan.runs):
        server.empty()
        runs.append(
            uvloop.run(client.offer(server.port, forms(server), 2 * capacity, 2 * stage.plan.seconds))
        )
    p99 = median(run.percentile(303, 0.99) for run in runs)
    seconds = 2 * stage.plan.seconds
    taken, sent = (
        median(run.statuses[303] / seconds for run in runs),
        median(run.sent / seconds for run in runs),
    )
    others = sum(n for run in runs for status, n in run.statuses.items() if status not in (303, 503))
    honest = all(run.with_retry == run.statuses[503] for run in runs) and not others
    refused_p99 = median(run.percentile(503, 0.99) for run in runs)
    beside = (
        f"{2 * capacity:,.0f}/s offered, {taken:,.0f}/s taken; 503s p99 {refused_p99:.0f} ms, "
        f"{others} other answers; the generator at most {max(run.late for run in runs):.0f} ms late, {sent:,.0f}/s sent"
    )
    what, target = "overload, 2 × capacity offered, p99 of the accepted", "< 250 ms, the rest proper 503"
    return [Line(what, target, f"{p99:.0f} ms", beside, p99 < 250 and honest)]


def crowd(stage: Stage) -> list[Line]:
    """Measure others' latency beside thousands of idle connections and as many with a body that never ends."""
    server, number = stage.server(mail=True), stage.plan.idle
    command = [sys.executable, "-m", "bench.idlers", str(server.port), str(number), server.page_path()]
    idlers = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert idlers.stdout is not None
        at_start = int(idlers.stdout.readline())
        start = time.monotonic()
        found = uvloop.run(_probe(server, 2 * stage.plan.seconds))
        totals, _ = idlers.communicate(timeout=20)  # closes its input, which ends it
    finally:
        idlers.kill()
        idlers.wait()
    at_end, opened = map(int, totals.split())
    again = (opened - at_start) / (time.monotonic() - start)
    good = [ms for status in (200, 303) for ms in found.took.get(status, [])]
    others = sum(n for status, n in found.statuses.items() if status not in (200, 303))
    p99, worst = percentile(good, 0.99), max(good, default=float("nan"))
    beside = (
        f"{at_start:,} connected at the start, {at_end:,} at the end, {again:,.0f}/s were closed and reconnected; "
        f"worst {worst:.0f} ms; {others} of {found.sent} not answered"
    )
    what = f"{number:,} idle and {number:,} stalled connections: others' p99"
    return [Line(what, "≤ 50 ms", f"{p99:.0f} ms", beside, p99 <= 50 and not others)]


async def _probe(server: Server, seconds: float) -> client.Offered:
    sign, page = forms(server), client.get(server.page_path())
    await asyncio.sleep(1)
    return await client.offer(server.port, lambda n: sign(n) if n % 2 else page, PROBES, seconds)
