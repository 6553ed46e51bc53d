"""Every setting of the server: one table, read once from the environment.

It has three users: Django (this module is its settings module), `sabal doctor`, and docs/operating.md, which a test
compares with the table. It imports nothing of Django, so that the front end can use it too.
"""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sabal.refusal import Refusal

ENVIRONMENT: Mapping[str, str] = os.environ


@dataclass(frozen=True)
class Setting:
    """One line of the table. A `secret` value may also come from a file that `<name>_FILE` names."""

    name: str
    default: str
    help: str
    secret: bool = False


SETTINGS = (
    Setting("SABAL_DATA", "var", "the data folder: database, keys, outgoing emails in development"),
    Setting(
        "SABAL_DATABASE_URL",
        "",
        "postgres://user:password@host:5432/name; empty: SQLite in the data folder",
        secret=True,
    ),
    Setting("SABAL_BASE_URL", "", "the public address, https://… or http://….onion, without a final slash"),
    Setting(
        "SABAL_SITE_NAME", "", "the name of the site, for readers; in every email too; default: the host name"
    ),
    Setting(
        "SABAL_ONION",
        "",
        "a second public address, http://….onion, where the server is also an onion service",
    ),
    Setting(
        "SABAL_MAIL_URL",
        "",
        "smtp://user:password@host:587?tls=starttls; in development: folder:",
        secret=True,
    ),
    Setting("SABAL_MAIL_FROM", "", "the sender of every email, such as petition@example.org"),
    Setting("SABAL_TRUSTED_HOPS", "0", "how many proxies of your own are in front of the server"),
    Setting("SABAL_HOSTS", "", "further host names that the server answers to, separated by commas"),
    Setting(
        "SABAL_SERVER_KEY",
        "",
        "32 bytes in hexadecimal that wrap every other key; default: server.key in the data folder",
        secret=True,
    ),
    Setting("SABAL_BATCH_EVERY", "", "development only: count this often, such as 2s, from one signature on"),
    Setting("SABAL_WITNESS_PRIVATE", "", "1: witnesses of the log may have private addresses"),
    Setting("SABAL_MAIL_RELAY", "", "the company that relays the email, shown on the privacy page"),
    Setting("SABAL_HOSTING", "", "the company that hosts the server, shown on the privacy page"),
    Setting(
        "SABAL_TLS_END", "", "who ends TLS (this server itself, or a named shield), shown on the privacy page"
    ),
    Setting(
        "SABAL_SOURCE_URL",
        "",
        "where the source of this server can be had; default: the project's own address",
    ),
    Setting(
        "SABAL_SECURITY_CONTACT",
        "",
        "mailto: or https: address for reporting security problems (security.txt)",
    ),
)


class SettingError(Refusal):
    """A setting cannot be used. The sentence names it and shows the right form."""


def value(name: str, environment: Mapping[str, str] = ENVIRONMENT) -> str:
    """Return the value of one setting of the table: from the environment, its `_FILE` variant, or the default."""
    setting = next(s for s in SETTINGS if s.name == name)
    if name in environment:
        return environment[name].strip()
    file = environment.get(f"{name}_FILE", "") if setting.secret else ""
    if not file:
        return setting.default
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(
            f"{name}_FILE names {file}, which cannot be read: {type(error).__name__}."
        ) from None


def seconds(text: str) -> float:
    """Parse `2s`, `500ms`, `1m`, `1h` or a bare number as seconds. Raise SettingError."""
    units = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
    number, unit = text, "s"
    for suffix in units:
        if text.endswith(suffix) and text[: -len(suffix)].replace(".", "", 1).isdigit():
            number, unit = text[: -len(suffix)], suffix
            break
    try:
        result = float(number) * units[unit]
    except ValueError:
        raise SettingError(f"SABAL_BATCH_EVERY is {text!r}. Write it like 2s, 1m or 1h.") from None
    if not 0.05 <= result <= 604_800:
        raise SettingError(f"SABAL_BATCH_EVERY is {text!r}. It must be between 50ms and a week.")
    return result


def _hops(text: str) -> int:
    if not text.isdigit() or int(text) > 8:
        raise SettingError(f"SABAL_TRUSTED_HOPS is {text!r}. It must be a whole number from 0 to 8.")
    return int(text)


DEV_SWITCH = "SABAL_INTERNAL_DEV"  # set by `serve --dev` for its children; not for operators
READY_FILE = (
    "SABAL_INTERNAL_READY"  # set by `serve` for a public process: the file that says that it has started
)
DEV = ENVIRONMENT.get(DEV_SWITCH) == "1"

DATA = Path(value("SABAL_DATA")).absolute()
DATABASE_URL = value("SABAL_DATABASE_URL") or f"sqlite://{DATA / 'sabal.sqlite3'}"
BASE_URL = value("SABAL_BASE_URL").rstrip("/") or "http://127.0.0.1:8000"
SITE_NAME = " ".join(value("SABAL_SITE_NAME").split())
ONION = value("SABAL_ONION").rstrip("/")
MAIL_URL = value("SABAL_MAIL_URL") or ("folder:" if DEV else "")
MAIL_FROM = value("SABAL_MAIL_FROM") or ("petition@localhost" if DEV else "")
TRUSTED_HOPS = _hops(value("SABAL_TRUSTED_HOPS"))
HOSTS = tuple(host.strip().lower() for host in value("SABAL_HOSTS").split(",") if host.strip())
SERVER_KEY = value("SABAL_SERVER_KEY", {k: v for k, v in ENVIRONMENT.items() if k != "SABAL_SERVER_KEY_FILE"})
SERVER_KEY_FILE = Path(ENVIRONMENT.get("SABAL_SERVER_KEY_FILE", "") or DATA / "server.key").absolute()
BATCH_EVERY = seconds(value("SABAL_BATCH_EVERY")) if value("SABAL_BATCH_EVERY") else None
WITNESS_PRIVATE = value("SABAL_WITNESS_PRIVATE") == "1"
MAIL_RELAY = value("SABAL_MAIL_RELAY")
HOSTING = value("SABAL_HOSTING")
TLS_END = value("SABAL_TLS_END")
SOURCE_URL = value("SABAL_SOURCE_URL")
SECURITY_CONTACT = value("SABAL_SECURITY_CONTACT")
SITE_LANGUAGES = ("en", "ko", "zh-hans")


# ---- Django's own names -------------------------------------------------------------------------------------------

DEBUG = False
SECRET_KEY = secrets.token_hex(32)  # nothing is signed with it, but Django does not start without one
INSTALLED_APPS = [
    "sabal.pages",
    "sabal.keys",
    "sabal.petitions",
    "sabal.signing",
    "sabal.mail",
    "sabal.newsletter",
    "sabal.ledger",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": []},
    }
]
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("ko", "한국어"), ("zh-hans", "简体中文")]
LOCALE_PATHS = [Path(__file__).parent / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# sabal.logs sets logging up: Django's default would print request paths, which contain tokens.
LOGGING_CONFIG = None


def _django_database(url: str) -> dict[str, object]:
    from urllib.parse import parse_qsl, unquote, urlsplit

    if url.startswith("sqlite://"):
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": url.removeprefix("sqlite://"),
            "CONN_MAX_AGE": None,
            "OPTIONS": {
                "timeout": 30,
                "transaction_mode": "IMMEDIATE",
                "init_command": (
                    "PRAGMA page_size=4096; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                    " PRAGMA secure_delete=ON; PRAGMA busy_timeout=30000"
                ),
            },
        }
    parts = urlsplit(url)
    if parts.scheme not in ("postgres", "postgresql") or not parts.path.strip("/"):
        raise SettingError(
            "SABAL_DATABASE_URL must look like postgres://user:password@host:5432/name, or be left empty for SQLite."
        )
    options: dict[str, object] = dict(parse_qsl(parts.query))
    # The folder of a socket is in the query (?host=/run/postgresql), as in libpq.
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.strip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": str(options.pop("host", "")) or parts.hostname or "",
        "PORT": str(parts.port or options.pop("port", "")),
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": options,
    }


DATABASES = {"default": _django_database(DATABASE_URL)}
