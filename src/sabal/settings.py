"""Every setting of the server: one table, read once from the environment.

It has three users: Django (this module is its settings module), `sabal doctor`, and docs/operating.md, which a test
compares with the table. It imports nothing of Django, so that the front end can use it too.

Each text is parsed into a value here, once. If some cannot be, importing this module raises SettingsError, which names
all of them by id and shows none of their values.
"""

import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from sabal.configuration.bounce_address import BounceAddress, parse_bounce_address
from sabal.configuration.bounces_url import BouncesUrl, parse_bounces_url
from sabal.configuration.contact import parse_contact
from sabal.configuration.database_url import SQLITE, connection_options, parse_database_url
from sabal.configuration.errors import SettingError, SettingsError
from sabal.configuration.mail_url import MailUrl, parse_mail_url
from sabal.configuration.mailing_rate import parse_mailing_rate
from sabal.configuration.plain import (
    parse_folder,
    parse_hops,
    parse_seconds,
    parse_server_key,
    parse_switch,
    parse_words,
)
from sabal.configuration.selector import parse_selector
from sabal.configuration.sender import Sender, parse_sender
from sabal.configuration.site_address import (
    parse_base_url,
    parse_desk_url,
    parse_hosts,
    parse_onion,
    parse_source_url,
)

Value = TypeVar("Value")

ENVIRONMENT: Mapping[str, str] = os.environ


@dataclass(frozen=True)
class Setting:
    """One line of the table. A `secret` value may also come from a file that `<name>_FILE` names.

    `id` names the setting in errors.
    """

    name: str
    default: str
    help: str
    secret: bool = False
    id: str = ""


SETTINGS = (
    Setting(
        "SABAL_DATA", "var", "the data folder: database, keys, outgoing emails in development", id="C100"
    ),
    Setting(
        "SABAL_DATABASE_URL",
        "",
        "postgres://user:password@host:5432/name; empty: SQLite in the data folder",
        secret=True,
        id="C101",
    ),
    Setting(
        "SABAL_BASE_URL",
        "",
        "the public address, https://… or http://….onion, without a final slash",
        id="C102",
    ),
    Setting(
        "SABAL_DESK_URL",
        "",
        "the address of the organisers' desk, https://…; default: its port on this computer",
        id="C117",
    ),
    Setting(
        "SABAL_SITE_NAME",
        "",
        "the name of the site, for readers; in every email too; default: the host name",
        id="C115",
    ),
    Setting(
        "SABAL_ONION",
        "",
        "a second public address, http://….onion, where the server is also an onion service",
        id="C103",
    ),
    Setting(
        "SABAL_MAIL_URL",
        "",
        "smtp://user:password@host:587?tls=starttls; in development: folder:",
        secret=True,
        id="C104",
    ),
    Setting("SABAL_MAIL_FROM", "", "the sender of every email, such as petition@example.org", id="C105"),
    Setting(
        "SABAL_DKIM_SELECTOR",
        "",
        "the selector with which the mail server signs emails (DKIM), such as mail; its record is then looked up",
        id="C122",
    ),
    Setting(
        "SABAL_BOUNCE_ADDRESS",
        "",
        "where bounces of emails to lists come back to, such as bounces@example.org; a token is added to it",
        id="C118",
    ),
    Setting(
        "SABAL_BOUNCES",
        "",
        "where they are read: maildir:/path or imaps://user:password@host/INBOX; default: what `sabal bounces` took",
        secret=True,
        id="C119",
    ),
    Setting(
        "SABAL_MAILING_RATE",
        "",
        "how many emails of newsletters and updates leave in a minute, such as 6000 gmail=600; default: no limit",
        id="C121",
    ),
    Setting("SABAL_TRUSTED_HOPS", "0", "how many proxies of your own are in front of the server", id="C106"),
    Setting(
        "SABAL_HOSTS", "", "further host names that the server answers to, separated by commas", id="C107"
    ),
    Setting(
        "SABAL_SERVER_KEY",
        "",
        "32 bytes in hexadecimal that wrap every other key; default: server.key in the data folder",
        secret=True,
        id="C108",
    ),
    Setting(
        "SABAL_BATCH_EVERY",
        "",
        "development only: count this often, such as 2s, from the first on",
        id="C109",
    ),
    Setting("SABAL_WITNESS_PRIVATE", "", "1: witnesses of the log may have private addresses", id="C110"),
    Setting(
        "SABAL_MAIL_RELAY", "", "the company that relays the email, shown on the privacy page", id="C112"
    ),
    Setting("SABAL_HOSTING", "", "the company that hosts the server, shown on the privacy page", id="C113"),
    Setting(
        "SABAL_TLS_END",
        "",
        "who ends TLS (this server itself, or a named shield), shown on the privacy page",
        id="C114",
    ),
    Setting(
        "SABAL_SOURCE_URL",
        "",
        "where the source of this server can be had; default: the project's own address",
        id="C116",
    ),
    Setting(
        "SABAL_SECURITY_CONTACT",
        "",
        "mailto: or https: address for reporting security problems (security.txt)",
        id="C111",
    ),
)


def value(name: str, environment: Mapping[str, str] = ENVIRONMENT) -> str:
    """Return the value of one setting of the table: from the environment, its `_FILE` variant, or the default."""
    setting = next(s for s in SETTINGS if s.name == name)
    if name in environment:
        if any("\ud800" <= character <= "\udfff" for character in environment[name]):
            raise SettingError(f"{name} is not UTF-8.", "Set it again in a terminal or a file that is.")
        return environment[name].strip()
    file = environment.get(f"{name}_FILE", "") if setting.secret else ""
    if not file:
        return setting.default
    try:
        return Path(file).read_text(encoding="utf-8-sig").strip()
    except (OSError, ValueError) as error:
        raise SettingError(
            f"{name}_FILE names a file that cannot be read: {type(error).__name__}.",
            "It needs the path of a text file (UTF-8) that this user can read.",
        ) from None


_faults: list[tuple[str, SettingError]] = []


def parsed(name: str, parse: Callable[[str], Value], default: Value) -> Value:
    """Return the value of a setting; `default` if it is empty, or cannot be parsed, which is noted."""
    try:
        text = value(name)
        return parse(text) if text else default
    except SettingError as error:
        _faults.append((next(s.id for s in SETTINGS if s.name == name), error))
        return default


DEV_SWITCH = "SABAL_INTERNAL_DEV"  # set by `serve --dev` for its children; not for operators
READY_FILE = (
    "SABAL_INTERNAL_READY"  # set by `serve` for a public process: the file that says that it has started
)
TAKES_OVER = "SABAL_INTERNAL_TAKES_OVER"  # set by `serve` for a public process that replaces one that serves
DESK_PORT = "SABAL_INTERNAL_DESK_PORT"  # set by `serve` for its children: the port of the desk that it starts
DEV = ENVIRONMENT.get(DEV_SWITCH) == "1"

DATA = parsed("SABAL_DATA", parse_folder, Path("var").absolute())
DATABASE_URL = parsed("SABAL_DATABASE_URL", parse_database_url, f"{SQLITE}{DATA / 'sabal.sqlite3'}")
BASE_URL = parsed(
    "SABAL_BASE_URL", parse_base_url, "http://127.0.0.1:8000"
)  # in ASCII, without a final slash
DESK_URL = parsed("SABAL_DESK_URL", parse_desk_url, "http://localhost:8001")
SITE_NAME = parsed("SABAL_SITE_NAME", parse_words, "")
ONION = parsed("SABAL_ONION", parse_onion, "")
MAIL_URL = parsed("SABAL_MAIL_URL", parse_mail_url, MailUrl("folder" if DEV else ""))  # scheme "": not set
MAIL_FROM = parsed("SABAL_MAIL_FROM", parse_sender, Sender("", "petition@localhost" if DEV else ""))
DKIM_SELECTOR = parsed("SABAL_DKIM_SELECTOR", parse_selector, "")
BOUNCE_ADDRESS = parsed("SABAL_BOUNCE_ADDRESS", parse_bounce_address, BounceAddress())
BOUNCES = parsed("SABAL_BOUNCES", parse_bounces_url, BouncesUrl())
MAILING_RATE = parsed("SABAL_MAILING_RATE", parse_mailing_rate, parse_mailing_rate(""))
TRUSTED_HOPS = parsed("SABAL_TRUSTED_HOPS", parse_hops, 0)
HOSTS = parsed("SABAL_HOSTS", parse_hosts, tuple[str, ...]())
SERVER_KEY_FILE = Path(ENVIRONMENT.get("SABAL_SERVER_KEY_FILE", "") or DATA / "server.key").absolute()
# A key file is not read here, because each of its faults has an error of its own (open_keystore).
SERVER_KEY = parsed("SABAL_SERVER_KEY", parse_server_key, "") if "SABAL_SERVER_KEY" in ENVIRONMENT else ""
BATCH_EVERY = parsed("SABAL_BATCH_EVERY", parse_seconds, None)
WITNESS_PRIVATE = parsed("SABAL_WITNESS_PRIVATE", parse_switch, False)
MAIL_RELAY = parsed("SABAL_MAIL_RELAY", parse_words, "")
HOSTING = parsed("SABAL_HOSTING", parse_words, "")
TLS_END = parsed("SABAL_TLS_END", parse_words, "")
SOURCE_URL = parsed("SABAL_SOURCE_URL", parse_source_url, "")
SECURITY_CONTACT = parsed("SABAL_SECURITY_CONTACT", parse_contact, "")
SITE_LANGUAGES = ("en", "ko", "zh-hans", "ja")
SERVED_AT, DESK_AT = DATA / "served-at", DATA / "desk-at"
"""The addresses that the server and its desk were last started with. Only commands that are typed in another shell read
them."""


def use_served_address() -> None:
    """In a command, take the addresses that the site and its desk have, unless the environment names them.

    The shell in which a command is typed seldom has the server's environment. Without this, links would be wrong.
    """
    global BASE_URL, DESK_URL
    BASE_URL, DESK_URL = served_address(), _last(DESK_AT, "SABAL_DESK_URL", DESK_URL)


def served_address() -> str:
    """Return the address that the site has: of the environment, else of the last start, else the default."""
    return _last(SERVED_AT, "SABAL_BASE_URL", BASE_URL)


def _last(file: Path, name: str, address: str) -> str:
    if value(name):
        return address
    try:
        served = file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return address
    return served if served.startswith(("http://", "https://")) else address


# ---- Django's own names -------------------------------------------------------------------------------------------

DEBUG = False
SECRET_KEY = secrets.token_hex(32)  # nothing is signed with it, but Django does not start without one
INSTALLED_APPS = [
    "sabal.pages",
    "sabal.keys",
    "sabal.petitions",
    "sabal.limits",
    "sabal.signing",
    "sabal.mail",
    "sabal.newsletter",
    "sabal.bounces",
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
LANGUAGES = [("en", "English"), ("ko", "한국어"), ("zh-hans", "简体中文"), ("ja", "日本語")]
LOCALE_PATHS = [Path(__file__).parent / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# sabal.logs sets logging up: Django's default would print request paths, which contain tokens.
LOGGING_CONFIG = None


def _django_database(url: str) -> dict[str, object]:
    if url.startswith(SQLITE):
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": url.removeprefix(SQLITE),
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
    options = connection_options(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": options.pop("dbname"),
        "USER": options.pop("user", ""),
        "PASSWORD": options.pop("password", ""),
        "HOST": options.pop("host", ""),
        "PORT": options.pop("port", ""),
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": options,
    }


if _faults:
    raise SettingsError(_faults)
DATABASES = {"default": _django_database(DATABASE_URL)}
