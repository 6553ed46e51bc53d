"""Measure what a million signatures cost in speed and memory. Two servers alternate, so that noise meets both."""

from pathlib import Path
from statistics import median

from bench import rows, wrk
from bench.server import Server
from bench.stage import Stage
from bench.table import Line


def size(stage: Stage) -> list[Line]:
    """Measure page and sign with few and with many signatures; measure the memory of all processes with many."""
    stage.stop()
    plan, workspace = stage.plan, stage.workspace
    few, many = workspace.new_server("few"), workspace.new_server("many")
    for server, number in ((few, plan.few), (many, plan.many)):
        server.start()
        fill(server, number)
    runs = []
    for turn in range(2 * plan.runs):  # each is first equally often
        both = (few, many) if turn % 2 else (many, few)
        page_rates = {h.port: wrk.page(h.address(), h.page_path(), plan.seconds / 2).rate for h in both}
        sign_rates = {
            h.port: wrk.sign(h.address(), h.page_path(), h.version(), plan.seconds / 2).rate for h in both
        }
        pages, signs = ([rates[h.port] for h in (few, many)] for rates in (page_rates, sign_rates))
        runs.append((pages[1] / pages[0], signs[1] / signs[0], *pages, *signs))
    page, sign, *rates = (median(run[i] for run in runs) for i in range(6))
    few.stop()
    many.stop()
    memory = _memory(many, stage.plan.seconds)
    beside = f"pages {rates[0]:,.0f} → {rates[1]:,.0f}/s, signatures {rates[2]:,.0f} → {rates[3]:,.0f}/s"
    what = f"cost with size: {plan.many:,} against {plan.few:,} signatures"
    ratios = f"page {page:.2f}, sign {sign:.2f}"
    kinds = ", ".join(f"{name} {pss:,.0f}" for name, pss in memory.items())
    total = sum(memory.values())
    return [
        Line(what, "both ≥ 0.9", ratios, beside, min(page, sign) >= 0.9),
        Line(
            f"memory with {plan.many:,} signatures",
            "< 400 MB, with the desk",
            f"{total:,.0f} MB",
            f"PSS: {kinds}",
            total < 400,
        ),
    ]


def fill(server: Server, number: int) -> None:
    """Insert that many counted signatures, without flushing, as this is not measured."""
    petition, database = server.petition(), server.connect()
    try:
        database.execute(
            "PRAGMA synchronous=OFF" if database.vendor == "sqlite" else "SET synchronous_commit = off"
        )
        for signatures, sealed, indexes in rows.counted(number, petition.id):
            with database.transaction():
                database.insert("signing_sealed", rows.SEALED, sealed)
                database.insert("signing_signature", rows.SIGNATURE, signatures)
                database.insert("signing_log_index", rows.LOG_INDEX, indexes)
        database.execute(
            "UPDATE signing_total SET confirmed = ?, published_confirmed = ? WHERE petition_id = ?",
            (number, number, petition.id),
        )
        if database.vendor == "postgresql":
            database.execute("ANALYZE")  # autovacuum would do this later
        database.wal_checkpoint(truncate=True)
    finally:
        database.close()


def _memory(server: Server, seconds: float) -> dict[str, float]:
    """Return MB by kind of process, after some work, without PostgreSQL's processes."""
    server.start(mail=True)
    try:
        wrk.page(server.address(), server.page_path(), seconds)
        wrk.sign(server.address(), server.page_path(), server.version(), seconds)
        names = {server.pids()[0]: "serve", **dict.fromkeys(server.public_pids(), "public")}
        found: dict[str, float] = {}
        for pid in server.pids():
            command = Path(f"/proc/{pid}/cmdline").read_text()
            name = names.get(pid) or kind_of(command)
            found[name] = found.get(name, 0.0) + _pss(pid)
        return found
    finally:
        server.stop()


def kind_of(command: str) -> str:
    if "sabal.desk" in command:
        return "desk"
    return "granian's master" if "granian" in command else "worker"


def _pss(pid: int) -> float:
    """Return the proportional set size in MB: the process's own memory and its share of shared memory."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024 / 1e6
    return float("nan")
