"""PostgreSQL refuses writes for a while (a standby, a full disk): nobody keeps that connection, and no worker ends."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import psycopg
import pytest

from mail.test_send_due import Recorder
from mail.test_worker import counted, wait_for, working
from sabal import database as raw
from sabal import settings, worker
from sabal.signing.group import Batcher, Unavailable
from sabal.signing.operations import Outcome
from signing.steps import ask, confirmation, signed
from sites import SiteOfTests
from templates import other_database

# What a server may answer to any statement while it fails over, is upgraded or fails: the connection is at fault.
OF_THE_CONNECTION = (
    "25006",
    "25P02",
    "25P03",
    "57P01",
    "57P03",
    "08006",
    "53300",
    "55000",
    "XX000",
    "XX001",
    "0A000",
)
OF_THE_STATEMENT = ("23505", "22001", "42601", "22P05")


@pytest.fixture
def site(site: SiteOfTests) -> SiteOfTests:
    if site.vendor == "sqlite":
        pytest.skip("SQLite's errors of this kind are OperationalErrors")
    return site


@contextmanager
def refusing_writes(site: SiteOfTests) -> Iterator[None]:
    """Let every new session refuse writes, as managed servers do while their disk is full, and end the others."""
    name = site.url.partition("?")[0].rsplit("/", 1)[1]
    with psycopg.connect(other_database(site.url, "postgres"), autocommit=True) as admin:
        ended = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        admin.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")  # type: ignore[arg-type]
        admin.execute(ended)  # type: ignore[arg-type]
        try:
            yield
        finally:  # sessions that were begun stay as they are
            admin.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")  # type: ignore[arg-type]


@pytest.mark.parametrize("state", OF_THE_CONNECTION)
def test_errors_of_the_connection(state: str) -> None:
    assert issubclass(psycopg.errors.lookup(state), raw.OperationalError)


@pytest.mark.parametrize("state", OF_THE_STATEMENT)
def test_errors_of_a_statement(state: str) -> None:
    """The writer tries the other operations of the batch again."""
    assert not issubclass(psycopg.errors.lookup(state), raw.OperationalError)


def test_the_worker_goes_on_once_writes_are_taken_again(
    site: SiteOfTests, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(settings, "BATCH_EVERY", 0.1)
    monkeypatch.setattr(settings, "MAIL_FROM", "petition@example.org")
    monkeypatch.setattr(worker, "REST", 0.2)
    petition = site.publish()
    suzie = signed(site, petition)
    site.writer.commit(site.database, [confirmation(suzie)])
    with ExitStack() as stack:
        with refusing_writes(site):
            running = stack.enter_context(working(site, Recorder()))
            wait_for(lambda: sum("is interrupted" in record.message for record in caplog.records) > 4)
            assert not running.stop.is_set()
        site.database = site.connect()
        wait_for(lambda: counted(site) == 1)


def test_the_writer_reconnects(site: SiteOfTests) -> None:
    petition = site.publish()
    suzie, max_ = ask(site, petition), ask(site, petition, "max@example.org")

    async def sign() -> list[object]:
        writer = Batcher("writer", site.connect, site.writer.commit)
        with refusing_writes(site):
            refused = await asyncio.gather(
                *(writer.ask(one.operation) for one in (suzie, max_)), return_exceptions=True
            )
        taken = await asyncio.gather(
            *(writer.ask(one.operation) for one in (suzie, max_)), return_exceptions=True
        )
        await writer.close()
        return [*map(type, refused), *taken]

    assert asyncio.run(sign()) == [Unavailable, Unavailable, Outcome.DONE, Outcome.DONE]
