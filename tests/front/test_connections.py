"""Threads of the pool close their database connections: each one left open is one less for signing."""

from typing import Any

import pytest
from django.db import connections

from front_end import Client, open_client
from newsletter.asking import NEWSLETTER, ask
from sabal import token
from sabal.database import Database
from sabal.front import newsletter, pool
from sabal.http import Response, text
from sabal.ledger import files
from sabal.mail.address import EmailAddress
from sabal.newsletter import subscription
from sites import SiteOfTests

SLUG = "stop-forced-repatriation"


class Connections:
    """Count the connections that a module opens and closes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, module: Any) -> None:
        self.opened = self.closed = 0
        self._connect = module.connect
        monkeypatch.setattr(module, "connect", self.connect)

    def connect(self) -> Database:
        self.opened += 1
        database: Database = self._connect()
        close = database.close

        def closing() -> None:
            self.closed += 1
            close()

        database.close = closing  # type: ignore[method-assign]
        return database


def test_a_form_closes_its_connection(site: SiteOfTests, monkeypatch: pytest.MonkeyPatch) -> None:
    site.publish()
    seen = Connections(monkeypatch, newsletter)
    with open_client(site, monkeypatch) as client:
        assert ask(client, "suzie@example.org").status == 303
        assert client.post(f"{NEWSLETTER}/confirm/{token.encode(token.new())}").status == 404
        way_out = subscription.unsubscribe_token(site.keyring.need_subscribers(), 12_345)
        assert client.post(f"{NEWSLETTER}/unsubscribe/{token.encode(way_out)}").status == 200
    assert seen.opened == seen.closed == 3


def test_a_form_that_fails_closes_its_connection(site: SiteOfTests, monkeypatch: pytest.MonkeyPatch) -> None:
    site.publish()
    seen = Connections(monkeypatch, newsletter)

    def failing(*_: object) -> None:
        raise ValueError(EmailAddress.parse("suzie@example.org"))

    monkeypatch.setattr(newsletter, "ask", failing)
    with open_client(site, monkeypatch) as client:
        assert ask(client, "suzie@example.org").status == 500
    assert seen.opened == seen.closed == 1


def test_a_file_of_a_log_closes_its_connection(site: SiteOfTests, monkeypatch: pytest.MonkeyPatch) -> None:
    petition = site.publish()
    site.sequence(petition, 0.0, every=0.0)
    seen = Connections(monkeypatch, files)
    with open_client(site, monkeypatch) as client:
        for path in (f"manifests/{petition.manifest_hash.hex()}.json", "tile/0/000.p/1"):
            assert client.get(f"/{SLUG}/log/{path}").status == 200, path
    assert seen.opened == seen.closed == 2


def test_no_page_opens_a_django_connection(site: SiteOfTests, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages run outside Django requests, so a connection of Django would stay open."""
    site.publish()
    opened: list[str] = []

    def noting(work: Any, args: tuple[Any, ...]) -> Any:
        found = call(work, args)
        opened.extend(connection.alias for connection in connections.all(initialized_only=True))
        return found

    call = pool._call
    monkeypatch.setattr(pool, "_call", noting)
    with open_client(site, monkeypatch) as client:
        open_every_page(client)
        assert client._runner.run(client.app.pool.page(text, 200, "ok")) == Response(
            200, [(b"content-type", b"text/plain; charset=utf-8")], b"ok"
        )
    assert opened == []


def open_every_page(client: Client) -> None:
    """Open every page that has a path of its own."""
    for path in client.front.routes.cached_paths():
        answer = client.get(path)
        # The log has no checkpoint yet, a guarded petition no page after withdrawing and none of its growth, the
        # petition no picture, and the organisation no logo.
        missing = "/log/" in path or path.endswith(
            ("/withdrawn", "/growth", "/growth.json", "/elsewhere", "/logo.webp", "/picture.webp")
        )
        assert answer.status == (404 if missing else 200), path
