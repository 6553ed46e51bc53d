"""Measure a log of a million entries: verify it, prove entries, and read its tiles while others sign."""

import threading
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import uvloop

from bench import client, floors, wrk
from bench.latency import forms
from bench.server import Server
from bench.stage import Stage
from bench.table import Line
from sabal.checking.check import check
from sabal.checking.copy import LogCopy, batches
from sabal.checking.reading import read_folder
from tlog import Frontier, Tile, leaf_hashes
from tlog.tiles import WIDTH

TILES = 1_000  # to read; they fit into the cache of the front end
SIGNING, FLOOD = 200, 2_000  # requests a second


def verification(stage: Stage) -> list[Line]:
    """Measure `sabal verify` on one core, on a copy in memory, against bare hashing of the same tree."""
    folder, runs = _folder(stage.logged()), []
    start = time.perf_counter()
    copy = read_folder(folder)
    reading = copy.size / (time.perf_counter() - start)
    for _ in range(stage.plan.runs):
        start = time.perf_counter()
        report = check(copy, now=int(time.time()))
        runs.append((copy.size / (time.perf_counter() - start), _hashing(copy)))
        if not report.ok or report.size != stage.plan.entries:
            raise RuntimeError(f"{report.size:,} entries: {report.sentence}")
    rate, hashing = (median(r[i] for r in runs) for i in range(2))
    ratio = median(r[0] / r[1] for r in runs)
    beside = f"bare hashing {hashing:,.0f}; ratio {ratio:.2f}; the files were read at {reading:,.0f}/s before"
    what = f"whole-log verification, {copy.size:,} entries, one core"
    return [Line(what, "≥ 300,000 entries/s", f"{rate:,.0f}/s", beside, rate >= 300_000)]


def proof(stage: Stage) -> list[Line]:
    """Measure one inclusion proof of a random entry, from the log's files."""
    server, times = stage.logged(), 200 if stage.plan.quick else 2_000
    runs = [server.inside("prove", times) for _ in range(stage.plan.runs)]
    p50, p99 = (median(r[name] for r in runs) for name in ("p50", "p99"))
    beside = f"p99 {p99:.2f} ms; {times:,} proofs of random entries, from files in the kernel's cache"
    what = f"proof of inclusion in {stage.plan.entries:,} entries, median"
    return [Line(what, "< 2 ms", f"{p50:.2f} ms", beside, p50 < 2)]


def tiles(stage: Stage) -> list[Line]:
    """Measure many readers of tiles, against a server that gives the same bytes without work."""
    server, seconds, runs = stage.logged(), stage.plan.seconds, []
    server.start()
    try:
        paths = _tile_paths(server, stage.plan.entries)
        first, several = paths.read_text().splitlines()[0], len(paths.read_text().splitlines())
        with floors.noop(server, first) as nothing:
            wrk.several(server.address(), paths, seconds)  # fills the cache; not measured
            for _ in range(stage.plan.runs):
                floor = _all_good(wrk.several(nothing, paths, seconds)).rate
                runs.append((floor, _all_good(wrk.several(server.address(), paths, seconds)).rate))
    finally:
        server.stop()
    floor, rate = (median(r[i] for r in runs) for i in range(2))
    ratio = median(r[1] / r[0] for r in runs)
    beside = f"http with bodies of the same {32 * WIDTH:,} bytes {floor:,.0f}; ratio {ratio:.2f}"
    what = f"GET tiles of the log, {several:,} in turn"
    return [Line(what, "≥ 0.8 × http", f"{rate:,.0f}/s", beside, ratio >= 0.8)]


def flood(stage: Stage) -> list[Line]:
    """Measure signing at a low fixed rate: alone, beside a flood of tile reads, beside a flood of page reads.

    The floods have a fixed rate too. Load generator and server share the cores, so a flood without a limit would show
    how the kernel divides them.
    """
    server, runs = stage.logged(), []
    server.start()
    try:
        paths, page = _tile_paths(server, stage.plan.entries), server.data / "page-paths"
        page.write_text(f"{server.page_path()}\n")
        wrk.several(server.address(), paths, stage.plan.seconds)
        for turn in range(stage.plan.runs):
            kinds: list[Path | None] = [None, paths, page]
            order = kinds[turn % 3 :] + kinds[: turn % 3]  # each is first equally often
            found = {kind: _signing(server, kind, stage.plan.seconds) for kind in order}
            runs.append([found[kind] for kind in kinds])
    finally:
        server.stop()
    alone, beside_tiles, beside_page = ([median(r[k][i] for r in runs) for i in range(4)] for k in range(3))
    slower = median(r[1][0] / r[0][0] for r in runs)
    throughput = median(r[1][2] / r[0][2] for r in runs)
    beside = (
        f"alone: {_summary(alone)}; beside {beside_page[3]:,.0f}/s of the petition's page: {_summary(beside_page)}; "
        f"median {slower:.2f} ×, throughput {throughput:.2f} × that of signing alone"
    )
    what = f"sign at {SIGNING}/s offered, beside {beside_tiles[3]:,.0f}/s of tiles"
    target = "slowed by ≤ 20 % against alone: median and throughput"
    return [Line(what, target, _summary(beside_tiles), beside, slower <= 1.2 and throughput >= 0.8)]


def _signing(server: Server, paths: Path | None, seconds: float) -> tuple[float, float, float, float]:
    """Sign at the fixed rate. Return median and p99 in ms, good answers a second, and the flood's requests a second."""
    server.empty()
    flooding: list[wrk.Run] = []
    with ExitStack() as stack:
        if paths is not None:
            address = server.address()
            thread = threading.Thread(
                target=lambda: flooding.append(wrk.several(address, paths, seconds + 2, FLOOD))
            )
            thread.start()
            stack.callback(thread.join)
            time.sleep(1)
        found = uvloop.run(client.offer(server.port, forms(server), SIGNING, seconds))
    if found.statuses[303] < 0.5 * found.sent:
        raise RuntimeError(f"of {found.sent} signatures: {dict(found.statuses)}")
    rate = _all_good(flooding[0]).rate if flooding else 0.0
    return found.percentile(303, 0.5), found.percentile(303, 0.99), found.statuses[303] / seconds, rate


def _summary(found: list[float]) -> str:
    p50, p99, rate, _ = found
    return f"median {p50:.1f} ms, p99 {p99:.0f} ms, {rate:,.0f}/s"


def _tile_paths(server: Server, entries: int) -> Path:
    """Write the paths of full tiles of hashes into a file, and return it."""
    slug = server.petition().slug
    file = server.data / "tile-paths"
    paths = [Tile(0, index).path for index in range(min(TILES, entries // WIDTH))]
    file.write_text("".join(f"/{slug}/log/{path}\n" for path in paths))
    return file


def _all_good(run: wrk.Run) -> wrk.Run:
    if run.refused or run.lost:
        raise RuntimeError(f"of {run.requests} requests {run.refused} were refused, {run.lost} lost")
    return run


def _folder(server: Server) -> Path:
    return server.data / "public" / server.petition().slug / "log"


def _hashing(copy: LogCopy) -> float:
    """Return entries a second of bare hashing of the tree."""
    tree, start = Frontier(), time.perf_counter()
    for batch in batches(copy.entries):
        tree.extend(leaf_hashes(batch))
    tree.root()
    return copy.size / (time.perf_counter() - start)
