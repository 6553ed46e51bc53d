"""Count the flushes for one signature after the other: an answer may be sent only after the disk has flushed."""

import asyncio
import re
import secrets
import shutil
import subprocess
import time
from pathlib import Path

import psycopg

from bench import client
from bench.server import Server
from bench.stage import Stage
from bench.table import Line

ONE_AFTER_THE_OTHER = 40
FLUSH = re.compile(r"\b(?:fsync|fdatasync)\(")


class NotCountable(Exception):
    """This machine cannot count flushes. The sentence says what is missing."""


def flushes(stage: Stage) -> list[Line]:
    """Measure the flushes of each signature while nobody else signs."""
    what, target = "flushes a signature, one after the other", "≥ 1"
    server = stage.server()
    try:
        found = count(server, ONE_AFTER_THE_OTHER)
    except NotCountable as reason:
        return [Line(what, target, "not counted", str(reason))]
    how = (
        "by strace on the public process"
        if stage.workspace.vendor == "sqlite"
        else "by the server's own statistics"
    )
    each = found / ONE_AFTER_THE_OTHER
    return [Line(what, target, f"{each:.2f}", f"{found} for {ONE_AFTER_THE_OTHER}, {how}", each >= 1)]


def count(server: Server, number: int) -> int:
    """Return the flushes during that many signatures, each sent after the answer to the last. Raise NotCountable."""
    if server.url.startswith("sqlite:"):
        return _by_strace(server, number)
    return _by_statistics(server, number)


def _by_strace(server: Server, number: int) -> int:
    """Count the system calls of the public process: SQLite flushes in the process that writes."""
    if shutil.which("strace") is None:
        raise NotCountable("NO STRACE: the flushes of SQLite are not counted (Debian: apt install strace)")
    (public,) = server.public_pids()
    out = server.data / "strace"
    command = ["strace", "-f", "-e", "trace=fsync,fdatasync", "-o", str(out), "-p", str(public)]
    strace = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        assert strace.stderr is not None
        if "attached" not in (said := strace.stderr.readline()):
            raise NotCountable(f"NO STRACE HERE: it may not look at other processes ({said.strip()})")
        time.sleep(0.3)  # strace attaches to each thread separately
        before = _lines(out)
        asyncio.run(_sign(server, number))
        return _lines(out) - before
    finally:
        strace.terminate()
        strace.wait(10)


def _lines(file: Path) -> int:
    return len(FLUSH.findall(file.read_text(errors="replace"))) if file.exists() else 0


def _by_statistics(server: Server, number: int) -> int:
    """Read the flushes of the write-ahead log that the PostgreSQL server itself counts."""
    with psycopg.connect(server.url, autocommit=True) as connection:
        if connection.info.server_version >= 180_000:
            sql = (
                "SELECT coalesce(sum(fsyncs), 0) FROM pg_stat_io WHERE object = 'wal' AND context = 'normal'"
            )
        elif connection.info.server_version >= 140_000:
            sql = "SELECT wal_sync FROM pg_stat_wal"
        else:
            raise NotCountable("THIS POSTGRESQL COUNTS NO FLUSHES: it is older than version 14")
        before = _current(server, connection, sql)
        asyncio.run(_sign(server, number))
        return _current(server, connection, sql) - before - 1  # without the one signature of `_current`


def _current(server: Server, connection: "psycopg.Connection[tuple[int]]", sql: str) -> int:
    """Return the current number. A process reports its flushes after a commit, at most once a second, so sign once."""
    time.sleep(1.2)
    asyncio.run(_sign(server, 1))
    time.sleep(0.3)
    row = connection.execute(sql).fetchone()
    return int(row[0]) if row else 0


async def _sign(server: Server, number: int) -> None:
    path, version, prefix = server.page_path(), server.version(), secrets.token_hex(6)
    connection = await client.connect(server.port)
    for n in range(number):
        status, _, _ = await connection.get(client.form(path, version, client.email_address(prefix, n)))
        if status != 303:
            raise RuntimeError(f"signing was answered with {status}")
    connection.close()
