"""The table: what was measured, beside its target and its floor; printed, and kept in bench/RESULTS.md."""

import os
import platform
import shutil
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psycopg

RESULTS = Path(__file__).parent / "RESULTS.md"
SIGN = {True: "yes", False: "NO", None: "-"}


@dataclass(frozen=True)
class Line:
    """One line. `reached` None: there is no target, or this run was too short to tell."""

    what: str
    target: str
    measured: str
    beside: str = ""  # floors, limit, ratio
    reached: bool | None = None


@dataclass
class Table:
    """What one run measured on one database."""

    database: str
    quick: bool
    lines: list[Line] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def add(self, lines: Sequence[Line]) -> None:
        for line in lines:
            self.lines.append(line)
            print(
                f"  {SIGN[line.reached]:>3}  {line.what}: {line.measured}  [{line.target}]  {line.beside}",
                flush=True,
            )

    def markdown(self, machine: Sequence[str]) -> str:
        """The table and the machine, as Markdown."""
        length = "A quick run: too short to be quoted." if self.quick else "Medians of several runs."
        when = datetime.now(UTC).date().isoformat()
        text = [f"## {self.database}, {when}", "", f"{'; '.join(machine)}. {length}", ""]
        text += ["| what | target | measured | beside it | reached |", "|---|---|---|---|---|"]
        text += [
            f"| {r.what} | {r.target} | {r.measured} | {r.beside} | {SIGN[r.reached]} |" for r in self.lines
        ]
        text += [f"\nNot measured: {name}" for name in self.failed]
        return "\n".join(text) + "\n"


HEAD = (
    "# Results of the last `script/bench`\n\n"
    "Floors were measured in the same run: *http* is an application that does nothing under the same server,\n"
    "*seal* the bare crypto of one signature, *db* bare inserts of the same rows, flushed in batches of 64;\n"
    "limit = 1 / (1/http + 1/seal + 1/db). The load generator ran on the same cores. Rates are per second.\n"
    "Of the public log: *bare hashing* is the tree's hashes and nothing else, *bare rows* the same rows marked and\n"
    "the same entries inserted, by bare statements.\n"
)


def keep(tables: Sequence[tuple[Table, Sequence[str]]], file: Path = RESULTS) -> None:
    """Writes these tables into the file; those of other databases stay as they were."""
    kept: dict[str, str] = {}
    if file.exists():
        for section in file.read_text(encoding="utf-8").split("\n## ")[1:]:
            kept[section.partition(",")[0]] = f"## {section.strip()}\n"
    kept |= {table.database: table.markdown(host) for table, host in tables}
    file.write_text("\n".join([HEAD, *(kept[name] for name in sorted(kept))]), encoding="utf-8")


def machine(folder: Path, server: str) -> list[str]:
    """The machine in a few words: cores, kernel, disk, Python, database."""
    _, _, kernel = platform.uname()[0:3]
    database = f"SQLite {sqlite3.sqlite_version}"
    if server:
        with psycopg.connect(server) as connection:
            database = f"PostgreSQL {connection.info.server_version / 10_000:.4g}"
    load = os.getloadavg()[0]
    return [
        f"{os.cpu_count()} cores ({_processor()})",
        f"Linux {kernel}",
        f"disk: {_disk(folder)}",
        f"Python {platform.python_version()}",
        database,
        f"load before the run {load:.1f}",
    ]


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _disk(folder: Path) -> str:
    best = ("", "?", "?")
    for line in Path("/proc/mounts").read_text().splitlines():
        device, point, kind = line.split()[:3]
        if str(folder).startswith(point) and len(point) > len(best[0]):
            best = (point, device, kind)
    free = shutil.disk_usage(folder).free // 10**9
    return f"{best[2]} on {best[1]}, {free} GB free"
