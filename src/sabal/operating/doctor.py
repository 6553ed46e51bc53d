"""The doctor: looks at keys, database, mail, clock, addresses and languages, and says what to mend."""

import difflib
import http.client
import os
import shutil
import smtplib
import sqlite3
import ssl
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.utils import parseaddr
from pathlib import Path
from urllib.parse import urlsplit

from sabal import checks, database, settings
from sabal.keys.house import KeyMissing, mail_key_name, open_house
from sabal.keys.ring import SUBSCRIBERS, SUPPRESSION
from sabal.mail.transport import MailUrlError, parse_mail_url
from sabal.petitions.snapshot import Snapshots

SQLITE_SAFE = (3, 51, 3)
GIGABYTE = 1 << 30
WAIT = 10.0  # seconds for a mail server or the house to answer
SKEW = 2.0  # seconds between the clock and the file system


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `level` is "ok", "warning" or "wrong"; `hint` is the next step."""

    level: str
    id: str
    sentence: str
    hint: str = ""


def examine() -> list[Finding]:
    """Look at everything that can be looked at; what one look raises does not keep the others from being taken."""
    findings: list[Finding] = []
    for look in (_folder, _database_and_keys, _mail, _clock, _addresses, _disk, _unknown_settings, _public):
        try:
            findings += look()
        except Exception as error:
            findings.append(
                Finding(
                    "wrong", "D900", f"{look.__name__[1:]} could not be examined: {type(error).__name__}."
                )
            )
    return findings


def _folder() -> Iterator[Finding]:
    data = settings.DATA
    if not data.is_dir():
        yield Finding(
            "wrong", "D101", f"There is no data folder at {data}.", "Start the house once: sabal serve"
        )
        return
    yield from _private(data, "D102", 0o700)
    if settings.HOUSE_KEY:
        yield Finding("ok", "D103", "The house key comes from the environment.")
    elif settings.HOUSE_KEY_FILE.exists():
        yield from _private(settings.HOUSE_KEY_FILE, "D103", 0o600)
    try:
        open_house()
    except KeyMissing as error:
        yield Finding("wrong", "D104", f"{error}.", "Nothing can be signed without it.")


def _private(path: Path, id_: str, wanted: int) -> Iterator[Finding]:
    if path.stat().st_mode & 0o077:
        yield Finding("wrong", id_, f"Others on this machine can read {path}.", f"chmod {wanted:o} {path}")
    else:
        yield Finding("ok", id_, f"{path} is private.")


def _database_and_keys() -> Iterator[Finding]:
    try:
        connection = database.connect()
    except database.OperationalError as error:
        yield Finding(
            "wrong",
            "D201",
            f"The database cannot be reached: {type(error).__name__}.",
            "Start the house once, or set SABAL_DATABASE_URL.",
        )
        return
    try:
        yield from (_sqlite if connection.vendor == "sqlite" else _postgresql)(connection)
        yield from _keys(connection)
        yield from _petitions(connection)
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
    for pragma, wanted in (("journal_mode", "wal"), ("synchronous", 2), ("secure_delete", 1)):
        found = connection.query(f"PRAGMA {pragma}")[0][0]
        level = "ok" if found == wanted else "wrong"
        yield Finding(
            level, "D203", f"SQLite's {pragma} is {found}.", "" if level == "ok" else f"It must be {wanted}."
        )


def _postgresql(connection: database.Database) -> Iterator[Finding]:
    version = connection.query("SHOW server_version")[0][0]
    yield Finding("ok", "D202", f"PostgreSQL {version}.")
    for name in ("fsync", "synchronous_commit", "full_page_writes"):
        found = connection.query(f"SHOW {name}")[0][0]
        level = "wrong" if found == "off" else "ok"
        hint = "A power cut would lose signatures that were answered." if level == "wrong" else ""
        yield Finding(level, "D203", f"PostgreSQL's {name} is {found}.", hint)


def _keys(connection: database.Database) -> Iterator[Finding]:
    try:
        house = open_house()
    except KeyMissing:
        return  # said already
    today = mail_key_name(int(time.time()) // 86_400)
    for name, loss in ((SUPPRESSION, "wrong"), (SUBSCRIBERS, "wrong"), (today, "warning")):
        try:
            house.find(connection, name)
            yield Finding("ok", "D105", f"The key {name} is here.")
        except KeyMissing as error:
            hint = (
                "The worker makes it within a second." if loss == "warning" else "Restore it from a backup."
            )
            yield Finding(loss, "D105", f"{error}.", hint)


def _petitions(connection: database.Database) -> Iterator[Finding]:
    snapshots = Snapshots()
    snapshots.refresh(connection, open_house())
    for petition in snapshots.published():
        if petition.state == "open" and not petition.ready_to_sign:
            yield Finding(
                "wrong",
                "D106",
                f"{petition.slug} takes no signatures: its pepper is missing.",
                f"Nothing is lost. Restore the key from a backup, or: sabal keys pepper {petition.slug} --renew",
            )
        unspoken = [
            language for language in petition.definition.languages if language not in settings.HOUSE_LANGUAGES
        ]
        if unspoken:
            hint = "Its text is shown; the words of the page around it are English."
            yield Finding(
                "warning", "D601", f"{petition.slug}: the house does not speak {', '.join(unspoken)}.", hint
            )
        else:
            yield Finding(
                "ok", "D601", f"{petition.slug} is complete in {', '.join(petition.definition.languages)}."
            )


def _mail() -> Iterator[Finding]:
    try:
        url = parse_mail_url(settings.MAIL_URL)
    except MailUrlError as error:
        yield Finding("wrong", "D301", str(error), "Set SABAL_MAIL_URL.")
        return
    if url.scheme == "folder":
        yield Finding(
            "warning", "D301", "Mail is written into a folder: good for development, for nothing else."
        )
        return
    try:
        yield Finding("ok", "D301", _greet(url.host, url.port, url.tls, url.user, url.password))
    except (OSError, smtplib.SMTPException, ssl.SSLError) as error:
        hint = "Check host, port, tls= and password in SABAL_MAIL_URL; the server's log says more."
        yield Finding(
            "wrong", "D301", f"The mail server {url.host} cannot be used: {type(error).__name__}.", hint
        )
    domain = parseaddr(settings.MAIL_FROM)[1].rpartition("@")[2] or "example.org"
    yield Finding(
        "ok",
        "D302",
        f"Three records in the DNS of {domain} decide whether letters arrive; look at them yourself:",
        f"SPF, who may send: dig +short TXT {domain}   (v=spf1 … must name your mail server)\n"
        f"              DKIM, that it was not changed: dig +short TXT SELECTOR._domainkey.{domain}   (your mail server"
        " signs; it knows SELECTOR)\n"
        f"              DMARC, what to do with the rest: dig +short TXT _dmarc.{domain}   (at first v=DMARC1; p=none)",
    )


def _greet(host: str, port: int, tls: str, user: str, password: str) -> str:
    context = ssl.create_default_context()
    server = (
        smtplib.SMTP_SSL(host, port, timeout=WAIT, context=context)
        if tls == "implicit"
        else smtplib.SMTP(host, port, timeout=WAIT)
    )
    with server:
        server.ehlo_or_helo_if_needed()
        if tls == "starttls":
            server.starttls(context=context)
            server.ehlo()
        if user:
            server.login(user, password)
    return f"The mail server {host} answers{' and knows us' if user else ''}."


def _clock() -> Iterator[Finding]:
    with tempfile.NamedTemporaryFile(dir=settings.DATA) as probe:
        os.utime(probe.name)
        skew = abs(Path(probe.name).stat().st_mtime - time.time())
    if skew > SKEW or time.gmtime().tm_year < 2026:
        hint = "Batches and keys go by the day: let the machine keep time (timedatectl set-ntp true)."
        yield Finding("wrong", "D401", "The clock is not to be trusted.", hint)
    else:
        yield Finding("ok", "D401", f"The clock says {time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC.")


def _addresses() -> Iterator[Finding]:
    base = urlsplit(settings.BASE_URL)
    yield Finding("ok", "D501", f"The public address is {settings.BASE_URL}.")
    port = 8000 if base.port is None else base.port
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT)
        connection.request("GET", "/healthz", headers={"Host": base.netloc})
        answer = connection.getresponse().read().decode("utf-8", "replace").strip()
        yield Finding("ok", "D502", f"The house on port {port} of this machine says {answer!r}.")
    except OSError:
        yield Finding("warning", "D502", f"No house answers on port {port} of this machine.", "sabal serve")
    hops = settings.TRUSTED_HOPS
    if hops == 0 and base.scheme == "https":
        yield Finding(
            "warning",
            "D503",
            "No proxy is trusted, yet the address is https: whoever ends TLS looks like the only visitor.",
            "Set SABAL_TRUSTED_HOPS to the number of your own proxies, usually 1, or all share one limit.",
        )
    else:
        yield Finding(
            "ok", "D503", f"{hops} of the last addresses in X-Forwarded-For are believed to be your proxies'."
        )


def _disk() -> Iterator[Finding]:
    usage = shutil.disk_usage(settings.DATA)
    sentence = f"{usage.free / GIGABYTE:.1f} of {usage.total / GIGABYTE:.1f} GiB are free."
    tight = usage.free < GIGABYTE or usage.free < usage.total / 10
    hint = (
        "Below a tenth or a gigabyte no new signatures are taken; confirming and withdrawing go on."
        if tight
        else ""
    )
    yield Finding("warning" if tight else "ok", "D701", sentence, hint)


def _unknown_settings(environment: Mapping[str, str] = os.environ) -> Iterator[Finding]:
    known = {setting.name for setting in settings.SETTINGS}
    known |= {f"{setting.name}_FILE" for setting in settings.SETTINGS if setting.secret} | {
        settings.DEV_SWITCH
    }
    for name in sorted(environment):
        if name.startswith("SABAL_") and name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"Did you mean {near[0]}?" if near else "docs/operating.md lists the settings."
            yield Finding("warning", "D801", f"{name} is no setting of this house.", hint)


def _public() -> Iterator[Finding]:
    for complaint in checks.refusals():
        level = "warning" if settings.DEV or not settings.BASE_URL.startswith("https") else "wrong"
        yield Finding(level, complaint.id, complaint.sentence, complaint.hint)
