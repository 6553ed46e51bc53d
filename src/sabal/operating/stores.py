"""The doctor's checks of stored data: the database, its keys, petitions and mail totals."""

import sqlite3
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg

from sabal import database, settings
from sabal.keys.keyring import SUBSCRIBERS, SUPPRESSION
from sabal.keys.keystore import KeyMissing, bucket_key_name, mail_key_name, open_keystore
from sabal.ledger import tables
from sabal.ledger.publication import WouldFork, publication
from sabal.mail import traffic
from sabal.mail.traffic import End
from sabal.operating.findings import Finding
from sabal.petitions.snapshot import PetitionSnapshot, Snapshots
from sabal.signing import count, held
from sabal.signing.retention import holds_records

SQLITE_SAFE = (3, 51, 3)
POSTGRESQL_OLDEST = 14
PAGE = 4096
RETENTION_SOON = 60  # days
_SYNCHRONOUS = ("OFF", "NORMAL", "FULL", "EXTRA")
RESULTS = {
    End.ACCEPTED: "accepted",
    End.LATER: "deferred",
    End.UNREADABLE: "deferred",
    End.NEVER: "refused permanently",
    End.GIVEN_UP: "given up",
    End.LOST_KEY: "given up",
    End.EXPIRED: "given up",
}
TRIES_A_DAY = 12  # tries of one email that the provider always defers


def unusable() -> Finding | None:
    """Return why the database cannot be used, or None. Unlike Django, this makes no empty file if there is none."""
    try:
        connection = database.connect()
    except (sqlite3.Error, psycopg.Error) as error:
        return Finding(
            "wrong",
            "D201",
            f"The database cannot be reached ({type(error).__name__}).",
            "Start the server once (sabal serve), or set SABAL_DATABASE_URL.",
        )
    try:
        connection.query("SELECT COUNT(*) FROM petitions_petition")
    except (sqlite3.Error, psycopg.Error) as error:
        return Finding(
            "wrong",
            "D201",
            f"The database has no Sabal tables yet ({type(error).__name__}).",
            "Start the server once: sabal serve",
        )
    finally:
        connection.close()
    return None


def database_and_keys() -> Iterator[Finding]:
    """Check the database's version and settings, the keys in it, the petitions, and the results of sending emails."""
    if trouble := unusable():
        yield trouble
        return
    connection = database.connect()
    try:
        yield from (_sqlite if connection.vendor == "sqlite" else _postgresql)(connection)
        yield from _keys(connection)
        yield from _petitions(connection)
        yield _mail(connection, int(time.time()) // 3_600)
    finally:
        connection.close()


def _sqlite(connection: database.Database) -> Iterator[Finding]:
    source = "bundled" if sqlite3.__name__.startswith("pysqlite3") else "the system's"
    version = tuple(int(part) for part in sqlite3.sqlite_version.split("."))
    if version < SQLITE_SAFE:
        yield Finding(
            "warning",
            "D202",
            f"SQLite {sqlite3.sqlite_version} ({source}) can corrupt a database that two processes checkpoint.",
            "Install pysqlite3, which brings a newer one: pip install pysqlite3",
        )
    else:
        yield Finding("ok", "D202", f"SQLite {sqlite3.sqlite_version} ({source}).")
    for pragma, wanted in (
        ("journal_mode", "wal"),
        ("synchronous", "FULL"),
        ("secure_delete", 1),
        ("page_size", PAGE),
    ):
        found = connection.query(f"PRAGMA {pragma}")[0][0]
        if pragma == "synchronous":
            found = _SYNCHRONOUS[found]
        # A wrong page size only costs speed, and cannot change after the file was made.
        level = "ok" if found == wanted else "warning" if pragma == "page_size" else "wrong"
        hint = "" if level == "ok" else f"It should be {wanted}. Is something else writing to this file?"
        yield Finding(level, "D203", f"SQLite's {pragma} is {found}.", hint)


def _postgresql(connection: database.Database) -> Iterator[Finding]:
    version = connection.query("SHOW server_version")[0][0]
    number = int(connection.query("SHOW server_version_num")[0][0]) // 10_000
    if number < POSTGRESQL_OLDEST:
        hint = f"Upgrade to {POSTGRESQL_OLDEST} or newer."
        yield Finding("warning", "D202", f"PostgreSQL {version} is older than what is tested here.", hint)
    else:
        yield Finding("ok", "D202", f"PostgreSQL {version}.")
    for name in ("fsync", "synchronous_commit", "full_page_writes"):
        found = connection.query(f"SHOW {name}")[0][0]
        level = "wrong" if found == "off" else "ok"
        hint = (
            f"A power cut would lose signatures that were already accepted. Set {name} = on in postgresql.conf."
            if level == "wrong"
            else ""
        )
        yield Finding(level, "D203", f"PostgreSQL's {name} is {found}.", hint)


def _keys(connection: database.Database) -> Iterator[Finding]:
    try:
        keystore = open_keystore()
    except KeyMissing:
        return  # reported by another check
    day = int(time.time()) // 86_400
    today = mail_key_name(day)
    rows = {name: bytes(wrapped) for name, wrapped in connection.query("SELECT name, wrapped FROM keys_key")}
    unopened = [name for name, wrapped in sorted(rows.items()) if not keystore.opens(name, wrapped)]
    if unopened:
        yield Finding(
            "wrong",
            "D105",
            f"The server key does not open {len(unopened)} of {len(rows)} keys: {', '.join(unopened[:5])}.",
            "This is another server's key, or the rows are damaged. Put the right key back from safe keeping.",
        )
    elif rows:
        yield Finding("ok", "D105", f"The server key opens all {len(rows)} keys in the database.")
    for name, level in ((SUPPRESSION, "wrong"), (SUBSCRIBERS, "wrong"), (today, "warning")):
        if name in rows:
            yield Finding("ok", "D106", f"The key {name} is here.")
        elif name == today:
            yield Finding(
                level,
                "D106",
                f"Today's mail key, {name}, is not made yet.",
                "A running server makes it in a second.",
            )
        else:
            yield Finding(
                level, "D106", f"The key {name} is not in the database.", "Restore it from a backup."
            )
    ahead = [name for name in rows if name.startswith("mail/") and int(name.removeprefix("mail/")) > day + 1]
    if ahead:
        yield Finding(
            "wrong",
            "D402",
            f"There is a mail key of a future day ({max(ahead)}). The clock is behind, or was ahead.",
            "Set the clock (timedatectl set-ntp true).",
        )


def _petitions(connection: database.Database) -> Iterator[Finding]:
    try:
        keystore = open_keystore()
    except KeyMissing:
        return
    snapshots = Snapshots()
    snapshots.refresh(connection, keystore)
    for petition in snapshots.published():
        yield from _pepper(petition)
        yield from _sums(connection, petition)
        yield from _log(connection, petition)
        definition = petition.definition
        yield from _retention(connection, petition)
        yield from _held(connection, petition)
        without_text = [language for language in definition.languages if language not in definition.texts]
        english_page = [
            language for language in definition.languages if language not in settings.SITE_LANGUAGES
        ]
        if without_text:
            hint = f"Export it, write the missing {without_text[0]}.md, import it again."
            yield Finding("wrong", "D601", f"{petition.slug} has no text in {', '.join(without_text)}.", hint)
        elif english_page:
            hint = "Its text is shown. The words of the page around it are English."
            sentence = f"{petition.slug}: Sabal has no translation into {', '.join(english_page)}."
            yield Finding("warning", "D601", sentence, hint)
        else:
            sentence = f"{petition.slug} is complete in {', '.join(definition.languages)}."
            yield Finding("ok", "D601", sentence)


def _log(connection: database.Database, petition: PetitionSnapshot) -> Iterator[Finding]:
    log, slug = tables.find(connection, petition.id), petition.slug
    if log is None:
        return
    if not log.writable:
        sentence = f"{slug}'s log is read-only {log.why_read_only}."
        hint = f"Nothing is counted until you bring a copy of it: sabal restore --adopt {slug} --copy FOLDER or ADDRESS"
        if not log.read_only:
            adopt = f"sabal restore --adopt {slug}"
            hint = (
                f"Nothing is counted until it is compared with what was published, where a worker runs: {adopt}\n"
                "If that machine lacks what was published, add: --copy FOLDER or ADDRESS\n"
                "If nothing can be compared, and the database is complete (a synchronous standby took over, or it was"
                " moved after a clean stop), add: --nothing-lost"
            )
        yield Finding("wrong", "D206", sentence, hint)
    try:
        if log.writable:
            publication(petition).refuse_unknown(connection, log)
        publication(petition).refuse_ahead(connection, log)
    except WouldFork as fork:
        yield Finding(
            "wrong",
            "D208",
            f"The log of {slug} has stopped, and nothing is counted. {fork.found}",
            fork.next_step,
        )
    if log.signed_size > log.published_size:
        sentence = f"{log.signed_size - log.published_size:,} entries of {slug}'s log are signed but not published yet."
        hint = (
            "They will be within seconds. If this stays, the worker's messages say why (journalctl -u sabal)."
        )
        yield Finding("warning", "D209", sentence, hint)
    if log.closed and (late := count.count_waiting(connection, petition.id)):
        yield Finding(
            "wrong",
            "D210",
            f"{late:,} signatures of {slug} can never enter its log, which was closed before they were confirmed.",
            (
                "They were taken while the log was read-only after a restore. Their promises will be broken. Say so in"
                " public."
            ),
        )
    if lost := tables.lost(connection, petition.id):
        sentence = f"{lost:,} signatures of {slug} count, but their records were lost before a restore."
        yield Finding("ok", "D207", sentence)


def _retention(connection: database.Database, petition: PetitionSnapshot) -> Iterator[Finding]:
    day = petition.definition.retention
    left = (day - datetime.now(UTC).date()).days
    if left > RETENTION_SOON or not holds_records(connection, petition.id):
        return
    if left >= -1:
        sentence = f"{petition.slug}: after {day} the server deletes the records that are left, as promised."
        hint = f"Fetch them while they are still here: sabal sealed {petition.slug} --out FILE"
        yield Finding("warning", "D205", sentence, hint)
    else:
        sentence = f"{petition.slug} holds records past {day}, the day by which signers were promised their deletion."
        yield Finding("wrong", "D205", sentence, "The worker deletes them. Is it running? sabal worker")


def _held(connection: database.Database, petition: PetitionSnapshot) -> Iterator[Finding]:
    found = [(why, number) for why, number in held.overview(connection, petition.id) if number]
    for why, number in found:
        noun = "signature is" if number == 1 else "signatures are"
        sentence = f"{petition.slug}: {number:,} {noun} {why}."
        hint = f"Look at the pattern, then count or drop them: sabal held {petition.slug}. After 7 days they count."
        yield Finding("warning", "D211", sentence, hint)
    if not found:
        yield Finding("ok", "D211", f"No signature of {petition.slug} is held for review.")


def _pepper(petition: PetitionSnapshot) -> Iterator[Finding]:
    if petition.state != "open":
        return
    if petition.ready_to_sign:
        yield Finding("ok", "D107", f"{petition.slug} has the keys that signing needs.")
    else:
        yield Finding(
            "wrong",
            "D107",
            f"{petition.slug} takes no signatures: its dedupe key is missing.",
            f"Nothing is lost. Restore the key from a backup, or: sabal keys renew-pepper {petition.slug}",
        )


def _sums(connection: database.Database, petition: PetitionSnapshot) -> Iterator[Finding]:
    slug, ended = petition.slug, petition.state == "finalised"
    if petition.bucket_key is None and not ended:
        yield Finding(
            "wrong",
            "D108",
            f"{slug}: its numbers by country and language are no longer kept up, because a key is missing.",
            f"Everything else is counted. Restore the key {bucket_key_name(petition.id)} from a backup.",
        )
    log = tables.find(connection, petition.id)
    if log is None or log.read_only:  # until it has adopted what was published, they are incomplete
        return
    fit, unopened = count.check_sums(connection, petition.id)
    if not fit:
        yield Finding(
            "wrong",
            "D212",
            f"The numbers of {slug} by day, country and language do not sum up to its count.",
            "The database was changed by another program, or is damaged. The log has the true count: sabal verify",
        )
    if unopened and not ended:
        yield Finding(
            "wrong",
            "D213",
            f"{unopened:,} signatures left {slug}, but it could not be read in which countries they were counted.",
            "The page says so. A key was missing (D108), or the database was changed by another program.",
        )


def _mail(connection: database.Database, hour: int) -> Finding:
    total, by_provider = Counter[str](), defaultdict[str, Counter[str]](Counter)
    for (provider, end), n in traffic.between(connection, hour - 24, hour).items():
        total[RESULTS[end]] += n
        by_provider[provider][RESULTS[end]] += n
    if not total:
        return Finding("ok", "D305", "No email was tried in the last 24 hours.")
    sentence = f"Emails of the last 24 hours: {_in_words(total)}."
    failed = Counter({p: results.total() - results["accepted"] for p, results in by_provider.items()})
    lines = [f"{p}: {_in_words(by_provider[p])}" for p, n in failed.most_common() if n]
    # A single email address that never accepts is not the provider's problem.
    bad = [p for p, n in failed.most_common() if n > max(TRIES_A_DAY, by_provider[p]["accepted"])]
    if not bad:
        return Finding("ok", "D305", sentence, "\n".join(lines))
    lines.append(
        "The worker's messages say why (journalctl -u sabal). D302 to D304 say which DNS records email providers"
        " expect."
    )
    sentence += f" Most emails do not arrive at: {', '.join(bad)}."
    return Finding("warning", "D305", sentence, "\n".join(lines))


def _in_words(results: Counter[str]) -> str:
    return ", ".join(
        f"{results[result]} {result}" for result in dict.fromkeys(RESULTS.values()) if results[result]
    )
