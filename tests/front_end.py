"""The real front end of a test site, in the test's own process: real routes, guards, limits, pages and keys."""

import asyncio
import sys
from collections.abc import Coroutine, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import pytest

from front.visitor import FORM, Answer, visit
from sabal import asgi, settings
from sites import SiteOfTests

ORIGIN = (b"sec-fetch-site", b"same-origin")
HOST = (b"host", b"127.0.0.1:8000")

Visit = Coroutine[Any, Any, Answer]


class Client:
    """Make the requests of a browser or a program."""

    def __init__(self, runner: asyncio.Runner, process: asgi.Process) -> None:
        assert process.front and process._refresher
        self._runner, self.front, self._refresher = runner, process.front, process._refresher
        self.app = process.front.app

    def refresh(self) -> None:
        """Do what the process does once a second."""
        self._runner.run(self._refresher.refresh())

    def get(self, path: str, *headers: tuple[bytes, bytes]) -> Answer:
        """Send a GET."""
        return self._runner.run(self.getting(path, *headers))

    def post(
        self, path: str, fields: Mapping[str, str] | None = None, *headers: tuple[bytes, bytes]
    ) -> Answer:
        """Send a POST as a form of this site does."""
        return self._runner.run(self.posting(path, fields, *headers))

    def post_raw(self, path: str, body: bytes, *headers: tuple[bytes, bytes]) -> Answer:
        """Send a POST as a program does, without an origin."""
        return self._runner.run(self._visit("POST", path, *headers, body=body))

    def at_once(self, visits: Iterable[Visit]) -> list[Answer]:
        """Send all requests at the same time, in this order."""

        async def crowd() -> list[Answer]:
            return await asyncio.gather(*visits)

        return self._runner.run(crowd())

    def getting(self, path: str, *headers: tuple[bytes, bytes]) -> Visit:
        """Return `get` for `at_once`."""
        return self._visit("GET", path, *headers)

    def posting(
        self, path: str, fields: Mapping[str, str] | None = None, *headers: tuple[bytes, bytes]
    ) -> Visit:
        """Return `post` for `at_once`."""
        return self._visit("POST", path, ORIGIN, FORM, *headers, body=urlencode(fields or {}).encode())

    def _visit(self, method: str, path: str, *headers: tuple[bytes, bytes], body: bytes = b"") -> Visit:
        return visit(self.front, method, path, *headers, host=[HOST], body=[body])


@contextmanager
def open_client(site: SiteOfTests, monkeypatch: pytest.MonkeyPatch, *, dev: bool = False) -> Iterator[Client]:
    """Start the front end. `dev`: as a development server, without limits and with readable emails."""
    monkeypatch.setattr(settings, "DEV", dev)
    monkeypatch.setattr(settings, "BASE_URL", "http://127.0.0.1:8000")
    monkeypatch.setattr(asgi, "allow_many_connections", lambda: None)
    process, switch_after = asgi.Process(), sys.getswitchinterval()
    with asyncio.Runner() as runner:
        runner.run(process.start(site.keyring, site.snapshots))
        try:
            yield Client(runner, process)
        finally:
            runner.run(process.stop())
            sys.setswitchinterval(switch_after)
