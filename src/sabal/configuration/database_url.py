"""SABAL_DATABASE_URL: SQLite in a file, or PostgreSQL on one host or several."""

import re

from sabal.configuration.errors import SettingError
from sabal.configuration.hosts import ascii_host
from sabal.configuration.mail_url import decoded

_NAME = "SABAL_DATABASE_URL"
_EXAMPLE = "Write it like postgres://user:password@host:5432/name, or leave it empty for SQLite."
_ENCODE = f"Percent-encode any of / ? # @ : % in user or password. {_EXAMPLE}"
SQLITE = "sqlite://"


def parse_database_url(text: str) -> str:
    """Return the URL that libpq takes, or `sqlite://` and a path. Raises SettingError, without libpq's own words.

    With several hosts (`h1:5432,h2:5432`) the one that can be written to is used, unless target_session_attrs says
    otherwise.
    """
    if text.startswith(SQLITE) and len(text) > len(SQLITE):
        return text
    if not re.match(r"postgres(ql)?://", text):
        raise SettingError(f"{_NAME} does not begin with postgres://", _EXAMPLE)
    options = connection_options(text)
    if not options.get("dbname"):
        raise SettingError(f"{_NAME} names no database after the host.", _EXAMPLE)
    if "," in options.get("host", "") and "target_session_attrs" not in options:
        return text + ("&" if "?" in text else "?") + "target_session_attrs=read-write"
    return text


def connection_options(url: str) -> dict[str, str]:
    """Return what libpq reads in the URL: host, port, user, password, dbname and its options. Raises SettingError."""
    import psycopg.conninfo

    before, _slash, path = url.partition("://")[2].partition("/")
    if "@" in path.partition("?")[0] or before.count("@") > 1 or re.search(r"[\s\x00-\x1f\x7f]", url):
        raise SettingError(f"{_NAME} cannot be read.", _ENCODE)
    for part in before.rpartition("@")[0].split(":", 1):
        decoded(_NAME, part)
    try:
        options = {key: str(value) for key, value in psycopg.conninfo.conninfo_to_dict(url).items()}
        hosts = options.get("host", "").split(",")
        ports = options.get("port", "").split(",")
        for host in hosts:
            if host and not host.startswith(("/", "@")):
                ascii_host(host.encode("ascii").decode())
        if not all(
            port == "" or (port.isascii() and port.isdigit() and 0 < int(port) < 65_536) for port in ports
        ):
            raise ValueError
        if len(ports) not in (1, len(hosts)) or (len(hosts) > 1 and not all(hosts)):
            raise ValueError
    except (psycopg.Error, ValueError):
        raise SettingError(
            f"{_NAME} cannot be read: its hosts, ports or options are not what PostgreSQL knows.", _ENCODE
        ) from None
    return options
