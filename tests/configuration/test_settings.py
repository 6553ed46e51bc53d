"""The text of each setting becomes a value, or is refused by id, in a sentence that never shows it."""

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as some

from sabal.configuration.bounce_address import BounceAddress, parse_bounce_address
from sabal.configuration.bounces_url import BouncesUrl, parse_bounces_url
from sabal.configuration.contact import parse_contact
from sabal.configuration.database_url import connection_options, parse_database_url
from sabal.configuration.errors import SettingError
from sabal.configuration.hosts import mail_domain
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
from sabal.settings import SETTINGS

ONION = "a" * 56 + ".onion"
PARSERS: dict[str, Callable[[str], object]] = {
    "SABAL_DATA": parse_folder,
    "SABAL_MAIL_RELAY": parse_words,
    "SABAL_HOSTING": parse_words,
    "SABAL_TLS_END": parse_words,
    "SABAL_DATABASE_URL": parse_database_url,
    "SABAL_BASE_URL": parse_base_url,
    "SABAL_DESK_URL": parse_desk_url,
    "SABAL_ONION": parse_onion,
    "SABAL_MAIL_URL": parse_mail_url,
    "SABAL_MAIL_FROM": parse_sender,
    "SABAL_BOUNCE_ADDRESS": parse_bounce_address,
    "SABAL_BOUNCES": parse_bounces_url,
    "SABAL_MAILING_RATE": parse_mailing_rate,
    "SABAL_DKIM_SELECTOR": parse_selector,
    "SABAL_TRUSTED_HOPS": parse_hops,
    "SABAL_HOSTS": parse_hosts,
    "SABAL_SERVER_KEY": parse_server_key,
    "SABAL_BATCH_EVERY": parse_seconds,
    "SABAL_WITNESS_PRIVATE": parse_switch,
    "SABAL_SECURITY_CONTACT": parse_contact,
    "SABAL_SITE_NAME": parse_words,
    "SABAL_SOURCE_URL": parse_source_url,
}
VALUES = [
    ("SABAL_BASE_URL", "https://petition.example.org", "https://petition.example.org"),
    ("SABAL_BASE_URL", "HTTPS://Petition.Example.ORG:443/", "https://petition.example.org"),
    ("SABAL_BASE_URL", "http://127.0.0.1:8000", "http://127.0.0.1:8000"),
    ("SABAL_DESK_URL", "https://Desk.example.org/", "https://desk.example.org"),
    ("SABAL_BASE_URL", "http://[::1]:8000/", "http://[::1]:8000"),
    ("SABAL_BASE_URL", "https://bürgerbus.example", "https://xn--brgerbus-65a.example"),
    ("SABAL_BASE_URL", "https://청원.example:8443", "https://xn--sp5b70i.example:8443"),
    ("SABAL_BASE_URL", f"http://{ONION}", f"http://{ONION}"),
    ("SABAL_ONION", f"http://{ONION}/", f"http://{ONION}"),
    (
        "SABAL_HOSTS",
        "www.Example.org, bücher.example:8443,",
        ("www.example.org", "xn--bcher-kva.example:8443"),
    ),
    ("SABAL_MAIL_FROM", "petition@example.org", Sender("", "petition@example.org")),
    ("SABAL_MAIL_FROM", "<petition@example.org>", Sender("", "petition@example.org")),
    ("SABAL_MAIL_FROM", "Petitions <petition@Example.org.>", Sender("Petitions", "petition@example.org")),
    (
        "SABAL_MAIL_FROM",
        "Smith, Jones & Co. <petition@example.org>",
        Sender("Smith, Jones & Co.", "petition@example.org"),
    ),
    (
        "SABAL_MAIL_FROM",
        '"Smith, \\"Jones\\" & Co."  <petition@example.org>',
        Sender('Smith, "Jones" & Co.', "petition@example.org"),
    ),
    (
        "SABAL_MAIL_FROM",
        "Bürger (für) alle: <b@bürger.example>",
        Sender("Bürger (für) alle:", "b@xn--brger-kva.example"),
    ),
    ("SABAL_MAIL_FROM", "푸른 강의 벗 <mail@강.example>", Sender("푸른 강의 벗", "mail@xn--939a.example")),
    ("SABAL_BOUNCE_ADDRESS", "bounces@Example.org.", BounceAddress("bounces+", "", "example.org")),
    ("SABAL_BOUNCE_ADDRESS", "b-*-x@강.example", BounceAddress("b-", "-x", "xn--939a.example")),
    ("SABAL_BOUNCES", "maildir:/var/mail/b", BouncesUrl("maildir", Path("/var/mail/b"))),
    (
        "SABAL_BOUNCES",
        "imaps://b%40x.example:p%2F@강.example/Bounces",
        BouncesUrl("imaps", Path(), "xn--939a.example", 993, "b@x.example", "p/", "Bounces"),
    ),
    ("SABAL_DKIM_SELECTOR", " Mail ", "mail"),
    ("SABAL_DKIM_SELECTOR", "s2026._domainkey.example.org.", "s2026"),
    ("SABAL_DKIM_SELECTOR", "a.b_1", "a.b_1"),
    ("SABAL_MAILING_RATE", "", {}),
    ("SABAL_MAILING_RATE", "6000, gmail=600 other=60", {"": 6000, "gmail": 600, "other": 60}),
    ("SABAL_MAIL_URL", "folder:", MailUrl("folder")),
    ("SABAL_MAIL_URL", "smtp://mx.example", MailUrl("smtp", "mx.example", 587, tls="starttls")),
    ("SABAL_MAIL_URL", "smtp://mx.example:465", MailUrl("smtp", "mx.example", 465, tls="implicit")),
    ("SABAL_MAIL_URL", "smtp://mx.example?tls=implicit", MailUrl("smtp", "mx.example", 465, tls="implicit")),
    ("SABAL_MAIL_URL", "smtp://localhost?tls=none", MailUrl("smtp", "localhost", 25, tls="none")),
    ("SABAL_MAIL_URL", "smtp://[::1]:2525/?tls=none", MailUrl("smtp", "::1", 2525, tls="none")),
    (
        "SABAL_MAIL_URL",
        "smtp://car%40ol:p%2Fw%3Fd@mx.example:587?tls=starttls",
        MailUrl("smtp", "mx.example", 587, "car@ol", "p/w?d", "starttls"),
    ),
    (
        "SABAL_MAIL_URL",
        "smtp://carol:pässwörd@münchen.example",
        MailUrl("smtp", "xn--mnchen-3ya.example", 587, "carol", "pässwörd", "starttls"),
    ),
    ("SABAL_DATABASE_URL", "sqlite:///srv/sabal.sqlite3", "sqlite:///srv/sabal.sqlite3"),
    ("SABAL_DATABASE_URL", "postgres://u:p%2F@h:5433/name", "postgres://u:p%2F@h:5433/name"),
    ("SABAL_DATABASE_URL", "postgres://u:p?x#@h/name", "postgres://u:p?x#@h/name"),
    (
        "SABAL_DATABASE_URL",
        "postgresql:///name?host=/run/postgresql",
        "postgresql:///name?host=/run/postgresql",
    ),
    (
        "SABAL_DATABASE_URL",
        "postgres://u:p@h1:5432,h2:5433/name?sslmode=verify-full",
        "postgres://u:p@h1:5432,h2:5433/name?sslmode=verify-full&target_session_attrs=read-write",
    ),
    (
        "SABAL_DATABASE_URL",
        "postgres://u:p@h1,h2/name?target_session_attrs=any",
        "postgres://u:p@h1,h2/name?target_session_attrs=any",
    ),
    ("SABAL_SOURCE_URL", "https://bücher.example/sabal?a=1", "https://xn--bcher-kva.example/sabal?a=1"),
    ("SABAL_TRUSTED_HOPS", "2", 2),
    ("SABAL_BATCH_EVERY", "500ms", 0.5),
    ("SABAL_WITNESS_PRIVATE", "0", False),
    ("SABAL_WITNESS_PRIVATE", "1", True),
    ("SABAL_SERVER_KEY", "ab" * 32, "ab" * 32),
    ("SABAL_SECURITY_CONTACT", "mailto:security@bücher.example", "mailto:security@xn--bcher-kva.example"),
    ("SABAL_SECURITY_CONTACT", "https://example.org/security", "https://example.org/security"),
]
# Each contains SECRET, as if the password had been put there; none of it may be shown.
REFUSED = [
    ("SABAL_SOURCE_URL", "javascript:SECRET", "no web address"),
    ("SABAL_SOURCE_URL", "https:///SECRET", "no web address"),
    ("SABAL_BASE_URL", "https://petition.example.org/SECRET", "something after the host"),
    ("SABAL_BASE_URL", "https://petition.example.org?SECRET", "something after the host"),
    ("SABAL_BASE_URL", "https://petition.example.org/#SECRET", "something after the host"),
    ("SABAL_BASE_URL", "https://u:SECRET@petition.example.org", "user name or a password"),
    ("SABAL_BASE_URL", "https://SECRET⁄x.example.org", "cannot be read|can exist"),
    ("SABAL_BASE_URL", "https://SECRET_.exa mple.org", "cannot be read"),
    ("SABAL_BASE_URL", "https://SECRET..example.org", "can exist"),
    ("SABAL_BASE_URL", "https://SECRET.example.org:0", "wrong port"),
    ("SABAL_BASE_URL", "https://SECRET.example.org:99999", "wrong port"),
    ("SABAL_BASE_URL", "https://[SECRET::1", "cannot be read"),
    ("SABAL_BASE_URL", "SECRET.example.org", "does not begin with https"),
    ("SABAL_BASE_URL", "ftp://SECRET.example.org", "does not begin with https"),
    ("SABAL_BASE_URL", "https://☃-SECRET.example", "can exist"),
    ("SABAL_ONION", "http://SECRET.onion", "onion service"),
    ("SABAL_ONION", f"https://{ONION}", "onion service"),
    ("SABAL_ONION", f"http://{ONION}/SECRET", "onion service"),
    ("SABAL_HOSTS", "www.example.org,https://SECRET.example.org", "name 2"),
    ("SABAL_HOSTS", "SECRET.example.org/", "name 1"),
    ("SABAL_BOUNCES", "SECRET", "cannot be read"),
    ("SABAL_BOUNCES", "maildir:SECRET", "absolute path"),
    ("SABAL_BOUNCES", "imaps://SECRET@mx.example", "no user and password"),
    ("SABAL_BOUNCES", "imap://a:SECRET@mx.example", "clear text"),
    ("SABAL_BOUNCES", 'imaps://a:SECRET@mx.example/x"%0d', "cannot be read|plain ASCII"),
    ("SABAL_BOUNCES", "imaps://a:%zzSECRET@mx.example", "encodes no character"),
    ("SABAL_BOUNCE_ADDRESS", "SECRET", "no email address"),
    ("SABAL_BOUNCE_ADDRESS", "SE*CR*ET@example.org", "one star"),
    ("SABAL_BOUNCE_ADDRESS", "SECRET-that-is-long@example.org", "too long"),
    ("SABAL_MAIL_FROM", "SECRET", "no email address"),
    ("SABAL_MAIL_FROM", "Smith <SECRET>", "no email address"),
    ("SABAL_MAIL_FROM", "Smith <smith@SECRET", "between < and >"),
    ("SABAL_MAIL_FROM", "a@example.org, SECRET@example.org", "more than one"),
    ("SABAL_MAIL_FROM", "smith@example.org (SECRET)", "no email address"),
    ("SABAL_MAIL_FROM", "SÉCRET@example.org", "before the @ must be ASCII"),
    ("SABAL_MAIL_FROM", "a@SECRET .example.org", "can exist"),
    ("SABAL_MAIL_FROM", "SECRET\r\nBcc: eve <eve@example.org>", "more than one line"),
    ("SABAL_MAIL_FROM", "=?utf-8?q?SECRET?= <petition@example.org>", "encoded name"),
    ("SABAL_MAIL_URL", "SECRET.example", "must begin with smtp://"),
    ("SABAL_MAIL_URL", "smtps://SECRET.example", "must begin with smtp://"),
    ("SABAL_MAIL_URL", "folder:/tmp/SECRET", "Write just folder:"),
    ("SABAL_MAIL_URL", "smtp://", "must name a host"),
    ("SABAL_MAIL_URL", "smtp://carol:SECRET/wort@mx.example", "Percent-encode"),
    ("SABAL_MAIL_URL", "smtp://carol:1234/SECRET@mx.example", "Percent-encode"),
    ("SABAL_MAIL_URL", "smtp://carol:SECRET#wort@mx.example", "Percent-encode"),
    ("SABAL_MAIL_URL", "smtp://carol:w?SECRET=x@mx.example", "unknown option|cannot be read"),
    ("SABAL_MAIL_URL", "smtp://carol:SECRET⁄x＠mx.example", "cannot be read|without a password"),
    ("SABAL_MAIL_URL", "smtp://carol:100%SECRET@mx.example", "%25"),
    ("SABAL_MAIL_URL", "smtp://carol:%ffSECRET@mx.example", "%25"),
    ("SABAL_MAIL_URL", "smtp://mx.example:SECRET", "cannot be read"),
    ("SABAL_MAIL_URL", "smtp://mx.example:99999", "cannot be read"),
    ("SABAL_MAIL_URL", "smtp://mx.example?tls=SECRET", "must be starttls, implicit or none"),
    ("SABAL_MAIL_URL", "smtp://mx.example?SECRET", "cannot be read"),
    ("SABAL_MAIL_URL", "smtp://mx.example?SECRET=3", "unknown option"),
    ("SABAL_MAIL_URL", "smtp://SECRET@mx.example", "without a password"),
    ("SABAL_MAIL_URL", "smtp://carol:SECRET@mx.example?tls=none", "password in clear"),
    ("SABAL_DATABASE_URL", "mysql://u:SECRET@h/name", "postgres://"),
    ("SABAL_DATABASE_URL", "postgres://u:SECRET/x@h/name", "Percent-encode"),
    ("SABAL_DATABASE_URL", "postgres://u:1234/SECRET@h/name", "Percent-encode"),
    ("SABAL_DATABASE_URL", "postgres://u:SECRET/x", "Percent-encode"),
    ("SABAL_DATABASE_URL", "postgres://u:SECRET?x", "names no database|Percent-encode"),
    ("SABAL_DATABASE_URL", "postgres://u:SE@CRET@h/name", "Percent-encode"),
    ("SABAL_DATABASE_URL", "postgres://u:SECRET＠h/name", "Percent-encode"),
    ("SABAL_DATABASE_URL", "postgres://u:SECRET%@h/name", "%25"),
    ("SABAL_DATABASE_URL", "postgres://u:p@h/name?SECRET=x", "hosts, ports or options"),
    ("SABAL_DATABASE_URL", "postgres://u:SECRET@h1:1,h2:2,h3/", "names no database|hosts, ports"),
    ("SABAL_DATABASE_URL", "postgres://u:SECRET@h1:1,h2:x/name", "hosts, ports"),
    ("SABAL_DATABASE_URL", "postgres://u:SECRET@h1,,h2/name", "hosts, ports"),
    ("SABAL_DATABASE_URL", "postgres://u:SECRET@h", "names no database"),
    ("SABAL_DATABASE_URL", "postgres://[SECRET/name", "hosts, ports"),
    ("SABAL_DATABASE_URL", "postgres://u:p@sécret-SECRET/name", "hosts, ports"),
    ("SABAL_DKIM_SELECTOR", "SECRET SECRET", "not a selector"),
    ("SABAL_DKIM_SELECTOR", "-SECRET", "not a selector"),
    ("SABAL_DKIM_SELECTOR", "SECRÉT", "not a selector"),
    ("SABAL_DKIM_SELECTOR", "SECRET..a", "not a selector"),
    ("SABAL_MAILING_RATE", "SECRET", "no list of numbers"),
    ("SABAL_MAILING_RATE", "0", "no list of numbers"),
    ("SABAL_MAILING_RATE", "60 70", "no list of numbers"),
    ("SABAL_MAILING_RATE", "gmail=SECRET", "no list of numbers"),
    ("SABAL_TRUSTED_HOPS", "SECRET", "from 0 to 8"),
    ("SABAL_TRUSTED_HOPS", "²", "from 0 to 8"),
    ("SABAL_TRUSTED_HOPS", "9", "from 0 to 8"),
    ("SABAL_BATCH_EVERY", "SECRET", "not a time"),
    ("SABAL_BATCH_EVERY", "1e9s", "not between|not a time"),
    ("SABAL_BATCH_EVERY", "nan", "not between"),
    ("SABAL_WITNESS_PRIVATE", "SECRET", "neither 0 nor 1"),
    ("SABAL_SERVER_KEY", "SECRET", "not a server key"),
    ("SABAL_SECURITY_CONTACT", "SECRET@example.org", "no mailto: or https:"),
    ("SABAL_SECURITY_CONTACT", "mailto:SECRET", "no mailto: or https:"),
    ("SABAL_SECURITY_CONTACT", "https://u:SECRET@example.org", "no mailto: or https:"),
]


@pytest.mark.parametrize(("name", "text", "value"), VALUES)
def test_a_text_becomes_a_value(name: str, text: str, value: object) -> None:
    assert PARSERS[name](text) == value


@pytest.mark.parametrize(("name", "text", "sentence"), REFUSED)
def test_a_wrong_text_is_refused_without_being_shown(name: str, text: str, sentence: str) -> None:
    with pytest.raises(SettingError, match=sentence) as raised:
        PARSERS[name](text)
    assert name in str(raised.value) and "CRET" not in str(raised.value)
    assert raised.value.__cause__ is None


@given(some.sampled_from(sorted(PARSERS)), some.text() | some.text('u:/@?#%[],.<>"a1⁄＠ü '))
def test_any_text_is_parsed_or_refused(name: str, text: str) -> None:
    beginnings = {
        "SABAL_DATABASE_URL": "postgres://",
        "SABAL_MAIL_URL": "smtp://",
        "SABAL_BASE_URL": "https://",
    }
    for one in (text, beginnings.get(name, "") + text):
        with contextlib.suppress(SettingError):
            PARSERS[name](one)


@given(some.text("u:/@?%[],.a1⁄＠ü", max_size=30))
def test_what_is_accepted_is_what_postgresql_reads(text: str) -> None:
    url = f"postgres://u:{text}@h/name"
    try:
        options = connection_options(parse_database_url(url))
    except SettingError:
        return
    assert (options["user"], options["host"], options["dbname"]) == ("u", "h", "name")
    assert psycopg.conninfo.conninfo_to_dict(url)["dbname"] == "name"


def test_every_setting_is_parsed_and_has_an_id() -> None:
    ids = {setting.name: setting.id for setting in SETTINGS}
    assert ids.keys() == PARSERS.keys() and len(set(ids.values())) == len(ids)
    assert all(re.fullmatch("C1[0-9]{2}", id_) for id_ in ids.values())


def test_the_password_is_in_no_repr() -> None:
    assert "geheim" not in repr(parse_mail_url("smtp://carol:geheim@mx.example"))


def test_an_ip_address_is_a_literal_in_email() -> None:
    hosts = ("petition.example", "192.0.2.7", "2001:db8::7")
    assert [mail_domain(host) for host in hosts] == ["petition.example", "[192.0.2.7]", "[IPv6:2001:db8::7]"]


def run(folder: Path, *command: str, **changed: str | bytes) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SABAL_")}
    return subprocess.run(
        [sys.executable, "-m", "sabal", *command],
        env={**environment, "SABAL_DATA": str(folder), **changed},  # type: ignore[dict-item]
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize("command", [("serve",), ("doctor",), ("worker",), ("serve", "--dev")])
def test_a_command_names_all_wrong_settings_by_id(tmp_path: Path, command: tuple[str, ...]) -> None:
    done = run(
        tmp_path,
        *command,
        SABAL_BASE_URL="https://example.org/SECRET",
        SABAL_DATABASE_URL="postgres://u:SECRET/x@h/name",
        SABAL_MAIL_URL="smtp://u:SECRET⁄x＠h",
        SABAL_TRUSTED_HOPS="SECRET",
    )
    assert done.returncode == 2 and "CRET" not in done.stdout + done.stderr
    lines = done.stderr.splitlines()
    assert [line.partition(":")[0] for line in lines[::2]] == ["C101", "C102", "C104", "C106"]
    assert all(line.startswith("      ") for line in lines[1::2])


@pytest.mark.slow
def test_a_secret_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_text("smtp://u:p@h?tls=starttls\n", encoding="utf-8-sig")
    bad.write_text("smtp://u:SECRET@h", encoding="utf-16")
    assert run(tmp_path, "doctor", "--ready", SABAL_MAIL_URL_FILE=str(good)).stderr == ""
    wrong: list[dict[str, str | bytes]] = [
        {"SABAL_MAIL_URL_FILE": str(bad)},
        {"SABAL_MAIL_FROM": b"S\xffCRET <a@example.org>"},
        {"SABAL_HOSTING": b"S\xffCRET"},
        {"SABAL_DATA": str(good)},
    ]
    for changed in wrong:
        done = run(tmp_path, "doctor", **changed)
        assert done.returncode == 2 and re.match("C1[0-9][0-9]: ", done.stderr) and "CRET" not in done.stderr
