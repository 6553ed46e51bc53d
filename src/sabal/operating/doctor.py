"""The doctor: check keys, database, mail, clock, addresses and languages, and say what to correct."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from sabal import settings
from sabal.keys.keystore import KeyMissing, open_keystore
from sabal.limits.capacity import disk_has_room
from sabal.nearest import did_you_mean
from sabal.operating import printing, reach, returned, startup, stores
from sabal.operating.findings import GROUPS, Finding, is_development
from sabal.operating.translations import translations
from sabal.site_name import is_number, site_name
from sabal.source import ARCHIVE, source_url

GIGABYTE = 1_000_000_000
SKEW = 2.0  # seconds between the clock and the file system
JUMP = 0.5  # seconds by which the clock may differ from the monotonic clock during the check
WATCHED = 0.05  # seconds that this check takes
YEARS = range(2026, 2100)


def examine() -> list[Finding]:
    """Run every check, also after an error in another one.

    The checks only read, and greet the mail server. They make, send and change nothing, except a temporary file that
    shows the clock of the file system. The findings are sorted by group, in the order of `GROUPS`, and by id.
    """
    findings: list[Finding] = []
    checks = {
        "the data folder": _folder,
        "the database": stores.database_and_keys,
        "the mail": reach.mail,
        "the bounces": returned.bounces,
        "the clock": _clock,
        "the addresses": reach.addresses,
        "the translations": translations,
        "the papers": printing.papers,
        "the disk": _disk,
        "the settings": _unknown_settings,
        "the words about the site": _site_words,
        "what serve would refuse": _startup_refusals,
    }
    for what, check in checks.items():
        try:
            findings += check()
        except Exception as error:  # its text is not shown, because it may hold addresses and passwords
            sentence = f"{what[0].upper()}{what[1:]} could not be examined: {type(error).__name__}."
            findings.append(
                Finding("wrong", "D900", sentence, ("Correct what is said above, and run the doctor again."))
            )
    order = list(GROUPS)
    return sorted(findings, key=lambda finding: (order.index(finding.id[:2]), finding.id))


def _folder() -> Iterator[Finding]:
    data = settings.DATA
    if not data.is_dir():
        sentence = f"There is no data folder at {data}."
        yield Finding("wrong", "D101", sentence, "Start the server once (sabal serve), or set SABAL_DATA.")
    else:
        yield _private(data, "D102", 0o700)
    if settings.SERVER_KEY:
        sentence = "The server key comes from the environment, which other programs of this user can read."
        yield Finding("ok", "D103", sentence)
    elif settings.SERVER_KEY_FILE.exists():
        yield _private(settings.SERVER_KEY_FILE, "D103", 0o600)
    try:
        open_keystore()
    except KeyMissing as error:
        sentence = f"{str(error)[0].upper()}{str(error)[1:]}."
        hint = "A new server makes its own key: sabal serve. An old one needs its old key, or its keys stay locked."
        yield Finding("wrong", "D104", sentence, hint)


def _private(path: Path, id_: str, wanted: int) -> Finding:
    if path.stat().st_mode & 0o077:
        return Finding("wrong", id_, f"Others on this machine can read {path}.", f"chmod {wanted:o} {path}")
    return Finding("ok", id_, f"{path} is private.")


def _clock() -> Iterator[Finding]:
    started = time.time() - time.monotonic()
    time.sleep(WATCHED)
    troubles = []
    if abs(time.time() - time.monotonic() - started) > JUMP:
        troubles.append("it jumped during the check")
    if settings.DATA.is_dir():
        with tempfile.NamedTemporaryFile(dir=settings.DATA) as probe:
            os.utime(probe.name)  # uses the clock of the file system, which may be on another machine
            if abs(Path(probe.name).stat().st_mtime - time.time()) > SKEW:
                troubles.append("the file system has another time")
    if time.gmtime().tm_year not in YEARS:
        troubles.append(f"it says that this is the year {time.gmtime().tm_year}")
    if troubles:
        hint = "Batches and keys go by the day. Let the machine keep time (timedatectl set-ntp true)."
        yield Finding("wrong", "D401", f"The clock is not reliable: {', '.join(troubles)}.", hint)
    else:
        yield Finding("ok", "D401", f"The clock says {time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC.")


def _disk() -> Iterator[Finding]:
    if not settings.DATA.is_dir():
        return
    usage = shutil.disk_usage(settings.DATA)
    sentence = f"{usage.free / GIGABYTE:.1f} of {usage.total / GIGABYTE:.1f} GB are free."
    if disk_has_room(settings.DATA):
        yield Finding("ok", "D701", sentence)
    else:
        hint = (
            "No new signatures are taken below a gigabyte, or a tenth of the disk (on a large disk, ten"
            " gigabytes). Confirming and withdrawing continue."
        )
        yield Finding("warning", "D701", sentence, hint)


def _unknown_settings(environment: Mapping[str, str] = os.environ) -> Iterator[Finding]:
    known = {setting.name for setting in settings.SETTINGS} | {settings.DEV_SWITCH}
    known |= {f"{setting.name}_FILE" for setting in settings.SETTINGS if setting.secret}
    unknown = sorted(name for name in environment if name.startswith("SABAL_") and name not in known)
    for name in unknown:
        hint = did_you_mean(name, known - {settings.DEV_SWITCH}) or "docs/operating.md lists the settings."
        yield Finding("warning", "D801", f"{name} is not a setting of Sabal.", hint)
    if not unknown:
        yield Finding("ok", "D801", "Every SABAL_… name in the environment is a setting.")


def _site_words() -> Iterator[Finding]:
    """Check what pages say about the site itself: its name, and where its source is."""
    sentence = f"Pages call this site “{site_name()}”."
    if settings.SITE_NAME or not is_number(urlsplit(settings.BASE_URL).hostname or "localhost"):
        yield Finding("ok", "D802", sentence)
    else:
        hint = "Set SABAL_SITE_NAME, such as: Petitions of the River Friends"
        yield Finding("warning", "D802", sentence, hint)
    url = urlsplit(source_url())
    if source_url() == ARCHIVE:
        sentence = f"Pages link to {ARCHIVE}, which has the source of this server as it is installed."
        yield Finding("ok", "D803", sentence)
    elif url.scheme == "https" and not (url.hostname or "").endswith(".example"):
        yield Finding("ok", "D803", f"Pages link to the source of this server: {source_url()}")
    else:
        sentence = "Pages cannot say where the source of this server is."
        yield Finding("warning", "D803", sentence, "Set SABAL_SOURCE_URL to the https address of the source.")


def _startup_refusals() -> Iterator[Finding]:
    if stores.unusable():
        return  # reported by another check, and these checks need the database
    for finding in startup.refusals():
        yield replace(finding, level="warning") if is_development() else finding
