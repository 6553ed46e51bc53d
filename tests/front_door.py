"""The real front door of a house of tests, in the test's own process: real routes, guards, limits, views and keys."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import pytest

from front.visitor import FORM, Answer, visit
from houses import HouseOfTests
from sabal import asgi, settings
from sabal.front import django, limits, pages
from sabal.keys import ring
from sabal.petitions import snapshot

ORIGIN = (b"sec-fetch-site", b"same-origin")
HOST = (b"host", b"127.0.0.1:8000")


class Entrance:
    """What a browser or a program can do at the door."""

    def __init__(self, runner: asyncio.Runner, process: asgi.Process) -> None:
        self._runner, self._process = runner, process

    def get(self, path: str, *headers: tuple[bytes, bytes]) -> Answer:
        """Open a link."""
        return self._visit("GET", path, *headers)

    def post(self, path: str, fields: Mapping[str, str] | None = None) -> Answer:
        """Press a button of a page of ours."""
        return self._visit("POST", path, ORIGIN, FORM, body=urlencode(fields or {}).encode())

    def post_raw(self, path: str, body: bytes, *headers: tuple[bytes, bytes]) -> Answer:
        """Post as a program does, without origin."""
        return self._visit("POST", path, *headers, body=body)

    def _visit(self, method: str, path: str, *headers: tuple[bytes, bytes], body: bytes = b"") -> Answer:
        assert self._process.door
        call: Any = visit(self._process.door, method, path, *headers, host=[HOST], body=[body])
        return self._runner.run(call)  # type: ignore[no-any-return]


@contextmanager
def entrance(
    house: HouseOfTests, monkeypatch: pytest.MonkeyPatch, *, dev: bool = False
) -> Iterator[Entrance]:
    """Open the house's door. `dev`: as a development house, where nothing is limited and letters can be read."""
    monkeypatch.setattr(settings, "DEV", dev)
    monkeypatch.setattr(settings, "BASE_URL", "http://127.0.0.1:8000")
    monkeypatch.setattr(snapshot, "_CURRENT", house.snapshots)
    monkeypatch.setattr(ring, "_CURRENT", house.ring)
    monkeypatch.setattr(asgi, "allow_many_connections", lambda: None)
    process = asgi.Process()
    with asyncio.Runner() as runner:
        runner.run(process.start())
        try:
            yield Entrance(runner, process)
        finally:
            runner.run(process.stop())
            way = django._django
            for install in (django.install, limits.install, pages.install):
                install(None)
            if way is not None:
                way.close()
