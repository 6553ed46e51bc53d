"""The doctor: a good server has nothing wrong, and each fault has its finding."""

import os
import secrets
import subprocess
import sys
import time
from collections import Counter
from datetime import date, datetime, timedelta, tzinfo
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from sabal import settings
from sabal.configuration.mail_url import MailUrl, parse_mail_url
from sabal.configuration.sender import Sender
from sabal.keys.keyring import SUBSCRIBERS
from sabal.keys.keystore import bucket_key_name, mail_key_name, pepper_name
from sabal.limits.capacity import disk_has_room
from sabal.mail import traffic
from sabal.mail.traffic import End
from sabal.operating import commands, doctor, petitions, stores
from sabal.operating.findings import Finding
from sabal.operating.ready import steps
from sabal.operating.sent import TRIES_A_DAY
from sabal.operating.translations import translations, untranslated
from sabal.signing import held, operations
from signing.steps import confirmed
from sites import NOW, SiteOfTests


def levels(id_: str) -> set[str]:
    return {finding.level for finding in doctor.examine() if finding.id == id_}


@pytest.fixture
def server(site: SiteOfTests, monkeypatch: pytest.MonkeyPatch) -> SiteOfTests:
    site.data.chmod(0o700)
    monkeypatch.setattr(settings, "MAIL_URL", parse_mail_url("folder:"))
    site.publish()
    return site


def test_a_good_server_has_nothing_wrong(server: SiteOfTests) -> None:
    wrong = [f for f in doctor.examine() if f.level == "wrong"]
    assert wrong == []
    assert {"D102", "D103", "D105", "D106", "D107", "D202", "D203", "D305", "D401", "D601", "D701"} <= {
        f.id for f in doctor.examine()
    }


def test_files_that_others_can_read(server: SiteOfTests) -> None:
    settings.SERVER_KEY_FILE.chmod(0o644)
    server.data.chmod(0o755)
    assert levels("D102") == levels("D103") == {"wrong"}


def test_no_server_key(server: SiteOfTests) -> None:
    settings.SERVER_KEY_FILE.unlink()
    assert levels("D104") == {"wrong"}


def test_a_missing_key(server: SiteOfTests) -> None:
    server.keystore.destroy(server.database, SUBSCRIBERS)
    assert "wrong" in levels("D106")


def test_a_missing_pepper_names_the_petition_and_the_command(server: SiteOfTests) -> None:
    petition = server.petition()
    server.keystore.destroy(server.database, pepper_name(petition.id, petition.pepper_epoch))
    (finding,) = [f for f in doctor.examine() if f.id == "D107"]
    assert petition.slug in finding.sentence and f"sabal keys renew-pepper {petition.slug}" in finding.hint


def test_signatures_that_are_held_for_review(site: SiteOfTests) -> None:
    petition = site.publish()
    assert levels("D211") == {"ok"}
    confirmed(site, petition)
    with site.database.transaction():
        site.database.execute("UPDATE signing_waiting SET held = ?", (held.RATE,))
    (finding,) = [f for f in doctor.examine() if f.id == "D211"]
    assert finding.level == "warning" and f"sabal held {petition.slug}" in finding.hint
    assert finding.sentence == f"{petition.slug}: 1 signature is held: too many from one network."


def test_a_missing_bucket_key_and_what_it_costs(site: SiteOfTests) -> None:
    petition = site.publish(profile='"open"')
    suzie = confirmed(site, petition)
    site.sequence(petition, NOW + 60)
    assert levels("D108") == levels("D212") == levels("D213") == set()
    site.keystore.destroy(site.database, bucket_key_name(petition.id))
    (finding,) = [f for f in doctor.examine() if f.id == "D108"]
    assert finding.level == "wrong" and f"bucket/{petition.id}" in finding.hint
    site.writer.commit(site.database, [operations.Withdraw(suzie.t, suzie.digest)])
    site.sequence(petition, NOW + 120)
    (finding,) = [f for f in doctor.examine() if f.id == "D213"]
    assert finding.sentence.startswith("1 signature left")
    assert levels("D212") == set()


@pytest.mark.parametrize("change", ["n = n + 1", "n = -n"])
def test_sums_that_another_program_changed(site: SiteOfTests, change: str) -> None:
    petition = site.publish(profile='"open"')
    confirmed(site, petition)
    site.sequence(petition, NOW + 60)
    site.database.execute(f"UPDATE signing_bucket SET {change} WHERE kind = 'language'")
    (finding,) = [f for f in doctor.examine() if f.id == "D212"]
    assert petition.slug in finding.sentence


def test_records_that_will_soon_be_deleted(site: SiteOfTests) -> None:
    soon = date.fromtimestamp(time.time()) + timedelta(days=59)
    petition = site.publish(retention=soon.isoformat())
    assert levels("D205") == set()  # there are no records to delete
    confirmed(site, petition)
    (finding,) = [f for f in doctor.examine() if f.id == "D205"]
    assert str(soon) in finding.sentence and f"sabal sealed {petition.slug}" in finding.hint


def test_records_that_should_have_been_deleted(site: SiteOfTests, monkeypatch: pytest.MonkeyPatch) -> None:
    confirmed(site, site.publish())

    class Later(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Later":
            return cls(2028, 12, 3, tzinfo=tz)

    monkeypatch.setattr(petitions, "datetime", Later)
    assert levels("D205") == {"wrong"}


def test_a_mail_server_that_does_not_answer(server: SiteOfTests, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "MAIL_URL", parse_mail_url("smtp://127.0.0.1:9?tls=none"))
    assert levels("D301") == {"wrong"}


def tried(site: SiteOfTests, provider: str, hours_ago: int = 0, **ends: int) -> None:
    counter = Counter({(provider, End[name]): n for name, n in ends.items()})
    with site.database.transaction():
        traffic.add(site.database, int(time.time()) // 3_600 - hours_ago, counter)


def mail_finding() -> Finding:
    (finding,) = [f for f in doctor.examine() if f.id == "D305"]
    return finding


def test_the_results_of_a_days_emails(server: SiteOfTests) -> None:
    assert mail_finding().sentence == "No email was tried in the last 24 hours."
    tried(server, "gmail", ACCEPTED=900, LATER=3, NEVER=1)
    tried(server, "gmail", 20, ACCEPTED=100, UNREADABLE=1)
    tried(server, "yahoo", 25, NEVER=500)
    tried(server, "proton", ACCEPTED=7)
    tried(server, "unknown", EXPIRED=2, LOST_KEY=1)
    found = mail_finding()
    assert found.level == "ok"
    assert found.sentence == (
        "Emails of the last 24 hours: 1007 accepted, 4 deferred, 1 refused permanently, 3 given up."
    )
    assert found.hint.splitlines() == [
        "gmail: 1000 accepted, 4 deferred, 1 refused permanently",
        "unknown: 3 given up",
    ]


@pytest.mark.parametrize("end", ["LATER", "NEVER", "GIVEN_UP"])
def test_a_provider_that_refuses_most_emails(server: SiteOfTests, end: str) -> None:
    tried(server, "gmail", ACCEPTED=1000, LATER=40)
    tried(server, "other", ACCEPTED=2, **{end: TRIES_A_DAY})
    assert mail_finding().level == "ok", "one email address that defers every try is no warning"
    tried(server, "other", **{end: 1})
    found = mail_finding()
    assert found.level == "warning" and found.sentence.endswith("Most emails do not arrive at: other.")
    assert "journalctl" in found.hint


@pytest.mark.parametrize(
    ("free", "size", "level"), [(11, 1_000, "ok"), (9, 1_000, "warning"), (3, 20, "ok"), (1, 20, "warning")]
)
def test_the_doctor_and_signing_agree_on_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, size: int, level: str
) -> None:
    blocks = SimpleNamespace(
        f_frsize=1_000_000, f_blocks=size * 1_000, f_bavail=free * 1_000, f_bfree=free * 1_000
    )
    monkeypatch.setattr(settings, "DATA", tmp_path)
    monkeypatch.setattr(os, "statvfs", lambda _: blocks)
    (finding,) = doctor._disk()
    assert (finding.level, finding.sentence) == (level, f"{free}.0 of {size}.0 GB are free.")
    assert (level == "ok") is disk_has_room(tmp_path)


def test_a_misspelt_setting_gets_a_suggestion() -> None:
    (finding,) = doctor._unknown_settings({"SABAL_MAILURL": "x", "SABAL_DATA": "y", "OTHER": "z"})
    assert finding.level == "warning" and finding.hint == "Did you mean SABAL_MAIL_URL?"
    (finding,) = doctor._unknown_settings({"SABAL_DATA": "y", "SABAL_MAIL_URL_FILE": "z"})
    assert finding.level == "ok"


@pytest.mark.parametrize(
    ("base", "name", "level"),
    [
        ("https://petition.example", "", "ok"),
        ("https://192.0.2.7", "", "warning"),
        ("https://[2001:db8::1]:8443", "", "warning"),
        ("https://192.0.2.7", "Petitions of the River Friends", "ok"),
    ],
)
def test_a_site_whose_address_is_a_number_needs_a_name(
    monkeypatch: pytest.MonkeyPatch, base: str, name: str, level: str
) -> None:
    monkeypatch.setattr(settings, "BASE_URL", base)
    monkeypatch.setattr(settings, "SITE_NAME", name)
    finding, _ = doctor._site_words()
    assert (finding.id, finding.level) == ("D802", level)
    assert (name or ("petition.example" if level == "ok" else "Petition site")) in finding.sentence


@pytest.mark.parametrize(
    ("url", "level"),
    [
        ("", "ok"),  # the site's own archive
        ("https://code.example/sabal", "warning"),
        ("https://code.petition.org/sabal", "ok"),
    ],
)
def test_pages_must_say_where_the_source_is(monkeypatch: pytest.MonkeyPatch, url: str, level: str) -> None:
    monkeypatch.setattr(settings, "SOURCE_URL", url)
    _, finding = doctor._site_words()
    assert (finding.id, finding.level) == ("D803", level)


def test_ready_lists_the_steps_in_order(server: SiteOfTests, monkeypatch: pytest.MonkeyPatch) -> None:
    sentences = [step.sentence for step in steps()]
    assert sentences[0].startswith("Give the server its public address")
    assert any("still names example people" in sentence for sentence in sentences)
    for name, value in {
        "BASE_URL": "https://petition.example.com",
        "TRUSTED_HOPS": 1,
        "MAIL_URL": parse_mail_url("smtp://mail.example.com"),
        "MAIL_FROM": Sender("", "petition@example.com"),
        "MAIL_RELAY": "ourselves",
        "HOSTING": "a firm",
        "TLS_END": "this server",
        "SECURITY_CONTACT": "mailto:security@example.com",
    }.items():
        monkeypatch.setattr(settings, name, value)
    for note in ("server-key-is-kept", "backups-are-taken"):
        (server.data / note).touch()
    assert [step.sentence for step in steps() if "example people" not in step.sentence] == []


def test_an_error_in_one_check_does_not_stop_the_others(
    server: SiteOfTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "utime", lambda *_: [][0])
    found = doctor.examine()
    assert "D900" in {f.id for f in found} and "D701" in {f.id for f in found}


@pytest.mark.parametrize("options", [(), ("--ready",)])
def test_before_the_first_start_the_doctor_makes_nothing_and_names_the_first_step(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sabal", "doctor", *options],
        env={k: v for k, v in os.environ.items() if not k.startswith("SABAL_")}
        | {"SABAL_DATA": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1 if options else 2, "")
    assert "sabal serve" in done.stdout and "D900" not in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_the_exit_code_is_that_of_the_worst_finding(
    server: SiteOfTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "examine", lambda: [doctor.Finding("ok", "D701", "Room.")])
    assert CliRunner().invoke(commands.doctor).exit_code == 0
    monkeypatch.setattr(
        doctor, "examine", lambda: [doctor.Finding("warning", "D701", "Little.", "Tidy.\nBuy.")]
    )
    done = CliRunner().invoke(commands.doctor)
    assert done.exit_code == 1 and done.output.split() == "Disk warning D701 Little. Tidy. Buy.".split()
    server.keystore.destroy(server.database, SUBSCRIBERS)
    monkeypatch.setattr(doctor, "examine", lambda: list(stores.database_and_keys()))
    assert CliRunner().invoke(commands.doctor).exit_code == 2


def test_the_key_of_another_server(server: SiteOfTests) -> None:
    settings.SERVER_KEY_FILE.write_text(secrets.token_hex(32))
    assert levels("D105") == {"wrong"}


def test_a_missing_mail_key_of_today_is_a_warning(server: SiteOfTests) -> None:
    today = mail_key_name(int(time.time()) // 86_400)
    server.keystore.destroy(server.database, today)
    assert "warning" in levels("D106")
    server.keystore.make(server.database, today)
    assert levels("D106") == {"ok"}


def test_a_clock_that_was_set_back(server: SiteOfTests) -> None:
    assert levels("D402") == set()
    server.keystore.make(server.database, mail_key_name(int(time.time()) // 86_400 + 30))
    assert levels("D402") == {"wrong"}


def test_a_clock_that_differs_from_the_file_system(
    server: SiteOfTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    stamp = os.utime
    monkeypatch.setattr(os, "utime", lambda path: stamp(path, (time.time() - 90, time.time() - 90)))
    assert levels("D401") == {"wrong"}


def test_an_old_sqlite_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores.sqlite3, "sqlite_version", "3.51.2")
    answers = {"journal_mode": "delete", "synchronous": 1, "secure_delete": 0, "page_size": 512}
    found = list(stores._sqlite(_Answering(answers)))  # type: ignore[arg-type]
    assert [f.level for f in found] == ["warning", "wrong", "wrong", "wrong", "warning"]


def test_a_postgresql_that_does_not_flush() -> None:
    answers = {"server_version": "13.1", "server_version_num": "130001", "fsync": "off"}
    answers |= {"synchronous_commit": "off", "full_page_writes": "on"}
    found = list(stores._postgresql(_Answering(answers)))  # type: ignore[arg-type]
    assert [f.level for f in found] == ["warning", "wrong", "wrong", "ok"]


class _Answering:
    """A database that answers PRAGMA and SHOW."""

    def __init__(self, answers: dict[str, object]) -> None:
        self.answers = answers

    def query(self, sql: str) -> list[tuple[object]]:
        return [(self.answers[sql.split()[1]],)]


def test_a_language_without_a_translation_of_the_site(
    server: SiteOfTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "SITE_LANGUAGES", ("en", "ko"))
    (finding,) = [f for f in doctor.examine() if f.id == "D601"]
    assert finding.level == "warning" and "zh-hans" in finding.sentence


def test_missing_fuzzy_and_empty_translations_are_counted() -> None:
    from babel.messages.catalog import Catalog

    wanted, compiled = Catalog(), Catalog()
    for message in ("Sign", "Confirm", "Withdraw", ("%(n)d letter", "%(n)d letters")):
        wanted.add(message)
    wanted.add("Share", flags=["fuzzy"])
    compiled.add("Sign", "서명")
    compiled.add("Withdraw", "")
    compiled.add(("%(n)d letter", "%(n)d letters"), ("편지",))
    compiled.add("Share", "나누기")
    assert untranslated(wanted, compiled) == (3, 5)


def test_translations_that_were_never_compiled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(settings, "LOCALE_PATHS", [tmp_path])
    assert {f.level for f in translations()} == {"warning"}


def test_a_refusal_of_serve_is_wrong_on_a_public_site_and_a_warning_in_development(
    server: SiteOfTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert levels("S104") == {"warning"}
    monkeypatch.setattr(settings, "BASE_URL", f"http://{'a' * 56}.onion")
    assert levels("S104") == {"wrong"}


@pytest.mark.parametrize("url", [MailUrl(""), MailUrl("folder")])
def test_ready_asks_for_a_mail_server(
    server: SiteOfTests, url: MailUrl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "MAIL_URL", url)
    (step,) = [s for s in steps() if s.sentence.startswith("Name the mail server")]
    assert ("folder" in step.sentence) == bool(url.scheme)
