"""The doctor: a healthy house is called healthy, and each illness by its name."""

import os

import pytest

from houses import HouseOfTests
from sabal import settings
from sabal.keys.house import pepper_name
from sabal.keys.ring import SUBSCRIBERS
from sabal.operating import doctor
from sabal.operating.ready import steps


def levels(id_: str) -> set[str]:
    return {finding.level for finding in doctor.examine() if finding.id == id_}


@pytest.fixture
def healthy(house: HouseOfTests, monkeypatch: pytest.MonkeyPatch) -> HouseOfTests:
    house.data.chmod(0o700)
    monkeypatch.setattr(settings, "MAIL_URL", "folder:")
    house.publish()
    return house


def test_a_healthy_house(healthy: HouseOfTests) -> None:
    wrong = [f for f in doctor.examine() if f.level == "wrong"]
    assert wrong == []
    assert {"D102", "D103", "D105", "D202", "D203", "D401", "D601", "D701"} <= {
        f.id for f in doctor.examine()
    }


def test_readable_by_others(healthy: HouseOfTests) -> None:
    settings.HOUSE_KEY_FILE.chmod(0o644)
    healthy.data.chmod(0o755)
    assert levels("D102") == levels("D103") == {"wrong"}


def test_no_house_key(healthy: HouseOfTests) -> None:
    settings.HOUSE_KEY_FILE.unlink()
    assert levels("D104") == {"wrong"}


def test_a_missing_key(healthy: HouseOfTests) -> None:
    healthy.house.destroy(healthy.database, SUBSCRIBERS)
    assert "wrong" in levels("D105")


def test_a_missing_pepper_names_the_petition_and_the_command(healthy: HouseOfTests) -> None:
    petition = healthy.petition()
    healthy.house.destroy(healthy.database, pepper_name(petition.id, petition.era))
    (finding,) = [f for f in doctor.examine() if f.id == "D106"]
    assert petition.slug in finding.sentence and f"sabal keys pepper {petition.slug} --renew" in finding.hint


def test_a_mail_server_that_does_not_answer(healthy: HouseOfTests, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "MAIL_URL", "smtp://127.0.0.1:9?tls=none")
    assert levels("D301") == {"wrong"}


def test_a_setting_with_a_slip_is_suggested() -> None:
    (finding,) = doctor._unknown_settings({"SABAL_MAILURL": "x", "SABAL_DATA": "y", "OTHER": "z"})
    assert finding.hint == "Did you mean SABAL_MAIL_URL?"


def test_ready_lists_what_lacks_in_order(healthy: HouseOfTests, monkeypatch: pytest.MonkeyPatch) -> None:
    sentences = [step.sentence for step in steps()]
    assert sentences[0].startswith("Give the house its public address")
    assert any("still names example people" in sentence for sentence in sentences)
    for name, value in {
        "BASE_URL": "https://petition.example.com",
        "TRUSTED_HOPS": 1,
        "MAIL_URL": "smtp://mail.example.com",
        "MAIL_FROM": "petition@example.com",
        "MAIL_RELAY": "ourselves",
        "HOSTING": "a firm",
        "TLS_END": "this server",
        "SECURITY_CONTACT": "mailto:security@example.com",
    }.items():
        monkeypatch.setattr(settings, name, value)
    (healthy.data / "house-key-is-kept").touch()
    assert [step.sentence for step in steps() if "example people" not in step.sentence] == []


def test_what_one_look_raises_does_not_stop_the_others(
    healthy: HouseOfTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "utime", lambda *_: 1 / 0)
    found = doctor.examine()
    assert "D900" in {f.id for f in found} and "D701" in {f.id for f in found}
