"""A PostgreSQL primary and its standbys on Unix sockets, which a test starts, cuts off, promotes and ends."""

import os
import pwd
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

USER = "pgserver"  # PostgreSQL refuses to run as root; the fixture `postgresql_server` made this user
WITHIN = 60  # seconds


@dataclass
class Cluster:
    """One PostgreSQL server. Everybody who reaches its socket may do everything."""

    programs: Path
    folder: Path
    running: bool = field(default=False)

    def url(self, database: str, user: str = "postgres") -> str:
        return f"postgres:///{database}?host={self.folder}&user={user}"

    def connect(self, database: str = "postgres") -> "psycopg.Connection[tuple[object, ...]]":
        return psycopg.connect(self.url(database), autocommit=True)

    def start(self, *settings: str) -> None:
        given = ("listen_addresses=", f"unix_socket_directories={self.folder}", "fsync=off", *settings)
        options = " ".join(f"-c {setting}" for setting in given)
        # A PostgreSQL that keeps our pipes open would keep the test waiting, so its output goes to a file.
        self.run("pg_ctl", "-w", "-D", self.data, "-l", f"{self.data}.log", "-o", options, "start")
        self.running = True

    def promote(self) -> None:
        self.run("pg_ctl", "-w", "-D", self.data, "promote")

    def stop(self, mode: str = "immediate") -> None:
        """Stop it: `immediate` as in a crash, or `fast` as an operator does."""
        if self.running:
            self.run("pg_ctl", "-w", "-D", self.data, "-m", mode, "stop")
            self.running = False

    @property
    def data(self) -> str:
        return str(self.folder / "data")

    def run(self, program: str, *words: str) -> None:
        run_as_postgres([str(self.programs / program), *words])


@contextmanager
def primary_and_standby(programs: Path, folder: Path) -> Iterator[tuple[Cluster, Cluster]]:
    """Yield a primary, and an empty place for its standby, which `follow` starts. Both are stopped at the end."""
    primary, standby = (Cluster(programs, folder / name) for name in ("one", "two"))
    for cluster in (primary, standby):
        cluster.folder.mkdir()
        if os.geteuid() == 0:
            os.chown(cluster.folder, *pwd.getpwnam(USER)[2:4])
    try:
        primary.run("initdb", "-D", primary.data, "-U", "postgres", "-A", "trust", "-N")
        primary.start()
        yield primary, standby
    finally:
        for cluster in (primary, standby):
            cluster.stop()


def follow(primary: Cluster, standby: Cluster, *settings: str) -> None:
    """Copy the primary, start the copy as its standby, and wait until the two are connected."""
    standby.run(
        "pg_basebackup", "-h", str(primary.folder), "-U", "postgres", "-D", standby.data, "-R", "-c", "fast",
    )  # fmt: skip
    standby.start(*settings)
    wait_for(primary, "SELECT 1 FROM pg_stat_replication WHERE state = 'streaming'")


def wait_for_replay(primary: Cluster, standby: Cluster) -> None:
    """Wait until the standby has everything that the primary has committed."""
    with primary.connect() as connection:
        (position,) = connection.execute("SELECT pg_current_wal_lsn()::text").fetchall()[0]
    wait_for(standby, f"SELECT 1 WHERE pg_last_wal_replay_lsn() >= '{position}'::pg_lsn")


def wait_for(cluster: Cluster, query: str) -> None:
    """Wait until the query returns a row."""
    with cluster.connect() as connection:
        for _ in range(WITHIN * 20):
            if connection.execute(query).fetchall():  # type: ignore[arg-type]
                return
            connection.execute("SELECT pg_sleep(0.05)")
    raise AssertionError(f"not within {WITHIN} seconds: {query}")


def run_as_postgres(command: Sequence[str]) -> None:
    user = {"user": USER, "group": pwd.getpwnam(USER).pw_gid} if os.geteuid() == 0 else {}
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=WITHIN, check=False, cwd="/", **user,  # type: ignore[call-overload]
    )  # fmt: skip
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
