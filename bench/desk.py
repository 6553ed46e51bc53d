"""Measure the desk beside many signatures, and signing beside the desk, on a large site."""

import json
import subprocess
import sys
from statistics import median

import uvloop

from bench import client, size
from bench.latency import STEADY, forms
from bench.server import ROOT, Server
from bench.stage import Stage, percentile
from bench.table import Line

MEDIAN, P99, SIGN_P99 = 300, 1_000, 60  # milliseconds


def desk(stage: Stage) -> list[Line]:
    """Measure every page of the desk with the plan's many signatures, while 500 a second arrive and are counted."""
    stage.stop()
    server = stage.workspace.new_server("desk")
    server.start()
    size.fill(server, stage.plan.many)
    server.stop()
    session = opened(server)
    server.start(mail=True)
    try:
        seconds = 2.0 if stage.plan.quick else 60.0
        took, signed = _both(server, session, seconds)
    finally:
        server.stop()
    return _lines(stage, took, signed)


def opened(server: Server) -> str:
    """Fill the site as after years, and return the cookie of an owner who has signed in with a second factor."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.desk_site"],
        env=server.environment(internal_dev="1", base_url=server.address(""))
        | {"DJANGO_SETTINGS_MODULE": "sabal.desk.settings"},
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-600:])
    return done.stdout.strip()


def _both(server: Server, session: str, seconds: float) -> tuple[dict[str, list[float]], client.Offered]:
    """Open the desk's pages in turn, in a process of its own, while signatures are offered at a steady rate."""
    command = [
        sys.executable,
        "-m",
        "bench.desk_visits",
        str(server.desk_port),
        session,
        server.petition().slug,
    ]
    visits = subprocess.Popen(
        [*command, str(0.9 * seconds)], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    )
    try:
        signed = uvloop.run(client.offer(server.port, forms(server), STEADY, seconds))
        out, _ = visits.communicate(timeout=120)
    finally:
        visits.kill()
        visits.wait()
    if visits.returncode:
        raise RuntimeError(f"the desk did not answer as it should: {out[-300:]}")
    took: dict[str, list[float]] = json.loads(out.splitlines()[-1])
    return took, signed


def _lines(stage: Stage, took: dict[str, list[float]], signed: client.Offered) -> list[Line]:
    medians = {path: median(times) for path, times in took.items()}
    slowest = sorted(medians, key=lambda path: -medians[path])[:3]
    worst = max(medians.values())
    p99s = {path: percentile(times, 0.99) for path, times in took.items()}
    p99 = max(p99s.values())
    named = ", ".join(f"{path} {medians[path]:.0f} ms" for path in slowest)
    many = f"{stage.plan.many:,} signatures, {STEADY} a second"
    accepted = signed.percentile(303, 0.99)
    taken = signed.statuses[303] / signed.sent
    late = max(p99s, key=lambda path: p99s[path])
    return [
        Line(
            f"desk, the slowest page's median, {many}",
            f"< {MEDIAN} ms",
            f"{worst:.0f} ms",
            f"{len(took)} pages, {sum(map(len, took.values())):,} answers; {named}",
            worst < MEDIAN,
        ),
        Line("desk, the slowest page's p99", f"< {P99} ms", f"{p99:.0f} ms", late, p99 < P99),
        Line(
            f"sign at {STEADY}/s offered, beside the desk, p99",
            f"< {SIGN_P99} ms",
            f"{accepted:.0f} ms",
            f"{taken:.1%} taken; median {signed.percentile(303, 0.5):.1f} ms",
            accepted < SIGN_P99 and taken >= 0.98,
        ),
    ]
