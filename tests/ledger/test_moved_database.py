"""A log does not continue in a copy of its PostgreSQL database. A failover is in tests/operating/test_failover.py."""

import os
from urllib.parse import quote

import psycopg
import pytest
from django.db import connections

from sabal import database as raw
from sabal.ledger import tables
from sabal.ledger.log import ReadOnly
from sabal.ledger.sequencer import Sequencer
from signing.steps import confirmed
from sites import NOW, SiteOfTests
from templates import other_database

WEEK = 604_800


def test_a_copied_database_does_not_continue_the_log(site: SiteOfTests) -> None:
    if site.vendor == "sqlite":
        pytest.skip("a copied file looks the same (docs/decisions/0017)")
    petition = site.publish()
    confirmed(site, petition)
    site.sequence(petition, NOW + WEEK)
    confirmed(site, petition, "max@example.org")
    site.database.close()
    connections["default"].close()
    old, new = site.url.partition("?")[0].rsplit("/", 1)[1], f"c_{os.urandom(6).hex()}"
    server = other_database(site.url, "postgres")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {new} TEMPLATE {old}")  # type: ignore[arg-type]
    try:
        site.database = raw.connect(other_database(site.url, new))
        with pytest.raises(ReadOnly, match="copied or moved"):
            Sequencer(site.keystore).sequence(site.database, petition, NOW + 3 * WEEK)
        site.database.close()
        site.database = site.connect()
        assert site.sequence(petition, NOW + 3 * WEEK) == 1
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {new} WITH (FORCE)")  # type: ignore[arg-type]


def test_a_dump_that_was_restored_over_the_database_does_not_continue_the_log(site: SiteOfTests) -> None:
    if site.vendor == "sqlite":
        pytest.skip("PostgreSQL's pg_restore")
    petition = site.publish()
    for statement in (
        "ALTER TABLE ledger_log RENAME TO dumped",
        "CREATE TABLE ledger_log (LIKE dumped INCLUDING ALL)",
        "INSERT INTO ledger_log SELECT * FROM dumped",
    ):
        site.database.execute(statement)
    with pytest.raises(ReadOnly):
        site.sequence(petition, NOW + WEEK)


def test_maintenance_is_no_move(site: SiteOfTests) -> None:
    petition = site.publish()
    site.sequence(petition, NOW)
    if site.vendor == "postgresql":
        site.database.execute("VACUUM FULL ledger_log")
        site.database.execute("REINDEX TABLE ledger_log")
        site.database.execute("CHECKPOINT")
    else:
        site.database.execute("VACUUM")
    log = tables.find(site.database, petition.id)
    assert log is not None and log.writable and log.here


def test_a_role_that_may_call_no_control_function_still_has_an_identity(site: SiteOfTests) -> None:
    if site.vendor == "sqlite":
        pytest.skip("SQLite has no roles")
    role = f"r_{os.urandom(6).hex()}"
    site.database.execute(f"CREATE ROLE {role} LOGIN")
    try:
        wanted = identity(site.database).replace(", ", "|").split("|")
        for function, lacks in (("pg_control_system()", 0), ("pg_walfile_name(pg_lsn)", 1)):
            site.database.execute(f"REVOKE EXECUTE ON FUNCTION {function} FROM PUBLIC")
            asked = raw.connect(site.url.replace("postgres:@", f"{quote(role)}@", 1))
            try:
                found = identity(asked)
            finally:
                asked.close()
            assert [part for part in wanted if part.removeprefix("PostgreSQL ") not in found] == wanted[
                : lacks + 1
            ]
    finally:
        site.database.execute(f"DROP ROLE {role}")


def identity(database: raw.Database) -> str:
    return str(database.query(f"SELECT {database.identity}")[0][0])
