"""Measure throughput: the page, signing with one and two public processes, confirming."""

import os
from pathlib import Path
from statistics import median

from bench import floors, limited, wrk
from bench.emails import Outbox
from bench.server import Server
from bench.stage import Stage
from bench.table import Line
from bench.workspace import open_workspace

BESIDE = "worker and load generator on the same cores"
CORES_FOR_TWO = 4  # two public processes, the worker, the load generator


def page(stage: Stage) -> list[Line]:
    """Measure GET of the petition's page, against a server without work."""
    server = stage.server()
    path, seconds, runs = server.page_path(), stage.plan.seconds, []
    with floors.noop(server) as nothing:
        for _ in range(
            stage.plan.runs
        ):  # one after the other, so that a busy minute of the machine meets both
            runs.append(
                (wrk.page(nothing, path, seconds).rate, wrk.page(server.address(), path, seconds).rate)
            )
    floor, rate = median(r[0] for r in runs), median(r[1] for r in runs)
    ratio = median(r[1] / r[0] for r in runs)
    beside = f"http {floor:,.0f}; ratio {ratio:.2f}"
    return [Line("GET petition page", "≥ 0.9 × http", f"{rate:,.0f}/s", beside, ratio >= 0.9)]


def weight(stage: Stage) -> list[Line]:
    """Measure the bytes and requests that a reader needs before signing."""
    server = stage.server()
    answer = floors.answer_of(server, "GET", server.page_path(), "", {"Accept-Encoding": "br"})
    size = int(dict(answer["headers"])["content-length"])  # type: ignore[call-overload]
    text = server.page()
    others = (
        text.count("<script src") + text.count("stylesheet") + text.count("@import") + text.count("<img ")
    )
    measured = f"{size / 1000:.1f} kB, {1 + others} request{'s' if others else ''}"
    return [
        Line("petition page, compressed", "≤ 14 kB, one request", measured, "", size <= 14_000 and not others)
    ]


def sign(stage: Stage) -> list[Line]:
    """Measure POST sign without the worker, against its limit."""
    server, seconds = stage.server(), stage.plan.seconds
    petition, bare, runs = server.petition(), stage.workspace.database("bare"), []
    path, version = server.page_path(), server.version()
    with floors.noop(server) as nothing:
        for _ in range(stage.plan.runs):
            http = wrk.sign(nothing, path, version, seconds).rate
            seal = floors.rate_of(floors.seal_once(petition, bytes(32)), seconds / 2)
            db = floors.inserts(bare, seconds / 2)
            runs.append((http, seal, db, signatures(server, seconds).rate))
    http, seal, db, rate = (median(r[i] for r in runs) for i in range(4))
    ratio = median(r[3] / floors.limit(*r[:3]) for r in runs)
    limit = floors.limit(http, seal, db)
    beside = f"http {http:,.0f}, seal {seal:,.0f}, db {db:,.0f}; limit {limit:,.0f}; ratio {ratio:.2f}"
    return [Line("POST sign, by itself", "≥ 0.65 × limit", f"{rate:,.0f}/s", beside, ratio >= 0.65)]


def one(stage: Stage) -> list[Line]:
    """Measure POST sign with one public process, while the worker sends emails; on PostgreSQL against SQLite."""
    server, seconds, what = stage.server(mail=True), stage.plan.seconds, "POST sign, one public process"
    if stage.workspace.vendor == "sqlite":
        stage.capacity = stage.median_of_runs(lambda: signatures(server, seconds).rate)
        return [Line(what, "-", f"{stage.capacity:,.0f}/s", BESIDE)]
    with open_workspace("sqlite") as other:
        on_sqlite = other.new_server("beside")
        on_sqlite.start(mail=True)
        runs = [
            (signatures(on_sqlite, seconds).rate, signatures(server, seconds).rate)
            for _ in range(stage.plan.runs)
        ]
    floor, stage.capacity = (median(r[i] for r in runs) for i in range(2))
    ratio = median(r[1] / r[0] for r in runs)
    beside = f"SQLite in turn {floor:,.0f}; ratio {ratio:.2f}; {BESIDE}"
    return [Line(what, "≥ 0.8 × SQLite", f"{stage.capacity:,.0f}/s", beside, ratio >= 0.8)]


def two(stage: Stage) -> list[Line]:
    """Measure POST sign with two public processes and the worker, against one public process."""
    alone = stage.capacity or signatures(stage.server(mail=True), stage.plan.seconds).rate
    server = stage.server(workers=2, mail=True)
    rate = stage.median_of_runs(lambda: signatures(server, stage.plan.seconds, 2 * wrk.CONNECTIONS).rate)
    ratio, cores = rate / alone, os.cpu_count() or 1
    what, target = "POST sign, two public processes", f"≥ 1.5 × one, on {CORES_FOR_TWO} cores or more"
    beside = f"one {alone:,.0f}; ratio {ratio:.2f}; {BESIDE}"
    return [Line(what, target, f"{rate:,.0f}/s", beside, ratio >= 1.5 if cores >= CORES_FOR_TWO else None)]


def signatures(server: Server, seconds: float, connections: int = wrk.CONNECTIONS) -> wrk.Run:
    """Sign for that many seconds. Raise RuntimeError if fewer rows are stored than were accepted."""
    server.empty()
    run = wrk.sign(server.address(), server.page_path(), server.version(), seconds, connections)
    database = server.connect()
    try:
        stored = int(database.query("SELECT COUNT(*) FROM signing_pending")[0][0])
    finally:
        database.close()
    if stored < run.requests - run.refused:
        raise RuntimeError(f"{run.requests} forms were sent, {run.refused} refused and {stored} stored")
    limited.check_unused(server)
    return run


def confirm(stage: Stage) -> list[Line]:
    """Measure POST confirm against its own limit: http, opening the payload, moving the row."""
    server, seconds = stage.server(), stage.plan.seconds
    bare, runs = stage.workspace.database("moves"), []
    with floors.noop(server) as nothing:
        for _ in range(stage.plan.runs):
            tokens = pending_tokens(server, seconds)
            http = wrk.confirm(nothing, tokens, seconds).rate
            opened = floors.rate_of(floors.open_once(), seconds / 4)
            db = floors.moves(bare, seconds / 2)
            run = wrk.confirm(server.address(), tokens, seconds)
            if run.refused > run.requests / 50:
                raise RuntimeError(f"{run.refused} of {run.requests} confirmations were refused")
            runs.append((http, opened, db, run.rate))
    http, opened, db, rate = (median(r[i] for r in runs) for i in range(4))
    ratio = median(r[3] / floors.limit(*r[:3]) for r in runs)
    limit = floors.limit(http, opened, db)
    beside = f"http {http:,.0f}, payload {opened:,.0f}, db {db:,.0f}; limit {limit:,.0f}; ratio {ratio:.2f}"
    return [Line("POST confirm", "≥ 0.5 × its limit", f"{rate:,.0f}/s", beside, ratio >= 0.5)]


def pending_tokens(server: Server, seconds: float) -> Path:
    """Sign for that many seconds, and write the tokens of the waiting emails into a file."""
    signatures(server, seconds)
    server.settle()
    database = server.connect()
    try:
        links = Outbox(database, server.keys()).read()
    finally:
        database.close()
    file = server.data / "tokens"
    file.write_text("".join(f"{token}\n" for _, token in links))
    return file
