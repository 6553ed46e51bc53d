"""The table of measurements with targets and floors, printed and written to bench/RESULTS.md."""

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
REACHED = {True: "yes", False: "NO", None: "-"}


@dataclass(frozen=True)
class Line:
    """One line. `reached` is None if there is no target, or if this run was too short."""

    what: str
    target: str
    measured: str
    beside: str = ""  # floors, limit, ratio
    reached: bool | None = None


@dataclass
class Table:
    """The measurements of one run on one database."""

    database: str
    quick: bool
    lines: list[Line] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def add(self, lines: Sequence[Line]) -> None:
        for line in lines:
            self.lines.append(line)
            print(
                f"  {REACHED[line.reached]:>3}  {line.what}: {line.measured}  [{line.target}]  {line.beside}",
                flush=True,
            )

    def markdown(self, machine: Sequence[str]) -> str:
        """Return the table and the machine as Markdown."""
        length = "A quick run: too short to be quoted." if self.quick else "Medians of several runs."
        when = datetime.now(UTC).date().isoformat()
        text = [f"## {self.database}, {when}", "", f"{'; '.join(machine)}. {length}", ""]
        text += ["| what | target | measured | beside it | reached |", "|---|---|---|---|---|"]
        text += [
            f"| {r.what} | {r.target} | {r.measured} | {r.beside} | {REACHED[r.reached]} |"
            for r in self.lines
        ]
        text += [f"\nNot measured: {name}" for name in self.failed]
        return "\n".join(text) + "\n"


HEADING = (
    "# Results of the last `script/bench`\n\n"
    "Floors were measured in the same run. *http* is an application without work under the same server, *seal* is\n"
    "the bare crypto of one signature, *payload* is that of one confirmation, and *db* are bare statements for the\n"
    "same rows, flushed in batches of 64; limit = 1 / (1/http + 1/seal + 1/db). The load generator ran on the same\n"
    "cores. The rate limits were on: the server was behind a trusted hop, and requests came from 131,072 networks.\n"
    "The run ends if one network is not refused after its limit, or if the load of many meets a limit. A target for\n"
    "a number of cores counts only on such a machine. Rates are per second. For the public log, *bare hashing* is\n"
    "only the hashes of the tree, and *bare rows* are bare statements for the same rows and entries.\n"
)


def save(tables: Sequence[tuple[Table, Sequence[str]]], file: Path = RESULTS) -> None:
    """Write these tables into the file. Leave those of other databases as they are."""
    sections: dict[str, str] = {}
    if file.exists():
        for section in file.read_text(encoding="utf-8").split("\n## ")[1:]:
            sections[section.partition(",")[0]] = f"## {section.strip()}\n"
    sections |= {table.database: table.markdown(host) for table, host in tables}
    file.write_text("\n".join([HEADING, *(sections[name] for name in sorted(sections))]), encoding="utf-8")


def machine(folder: Path, server: str) -> list[str]:
    """Describe the machine: cores, kernel, disk, Python, database."""
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
