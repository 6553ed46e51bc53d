"""What `serve` without --dev refuses, each with an id and a hint; and what --dev keeps to itself."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import agefile
from houses import HouseOfTests
from sabal import checks, settings
from sabal.petitions import publishing

GOOD = {
    "SABAL_BASE_URL": "https://petition.example.org",
    "SABAL_MAIL_URL": "smtp://mail.example.org:587?tls=starttls",
    "SABAL_MAIL_FROM": "petition@example.org",
}


def prepare(tmp_path: Path, **changed: str) -> subprocess.CompletedProcess[str]:
    """`sabal prepare`, which `serve` runs first, in an environment of its own."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SABAL_")}
    environment |= {"SABAL_DATA": str(tmp_path / "data"), **GOOD, **changed}
    environment = {k: v for k, v in environment.items() if v != "-"}
    return subprocess.run(
        [sys.executable, "-m", "sabal", "prepare"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_house_in_order_may_start(tmp_path: Path) -> None:
    done = prepare(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("changed", "id_"),
    [
        ({"SABAL_BASE_URL": "-"}, "S101"),
        ({"SABAL_BASE_URL": "http://petition.example.org"}, "S101"),
        ({"SABAL_MAIL_URL": "-"}, "S102"),
        ({"SABAL_MAIL_URL": "http://mail.example.org"}, "S103"),
        ({"SABAL_MAIL_URL": "folder:"}, "S104"),
        ({"SABAL_MAIL_FROM": "-"}, "S105"),
        ({"SABAL_BATCH_EVERY": "2s"}, "S106"),
    ],
)
def test_each_refusal_has_its_id_and_its_hint(tmp_path: Path, changed: dict[str, str], id_: str) -> None:
    done = prepare(tmp_path, **changed)
    assert done.returncode == 2
    lines = [line for line in done.stderr.splitlines() if line.startswith(f"{id_}:")]
    assert len(lines) == 1 and "Traceback" not in done.stderr
    assert done.stderr.splitlines()[done.stderr.splitlines().index(lines[0]) + 1].startswith("      ")


def test_an_onion_address_may_be_http(tmp_path: Path) -> None:
    assert prepare(tmp_path, SABAL_BASE_URL=f"http://{'a' * 56}.onion").returncode == 0


@pytest.mark.parametrize("name", ["key.txt", "deep/er/notes", "backup.age.bak"])
def test_a_key_that_opens_signatures_must_not_lie_here(tmp_path: Path, name: str) -> None:
    path = tmp_path / "data" / name
    path.parent.mkdir(parents=True)
    path.write_text(f"# mine\n{agefile.generate()}\n")
    done = prepare(tmp_path)
    assert done.returncode == 2 and "S107" in done.stderr and str(path) in done.stderr
    assert str(agefile.parse_identity_file(path.read_text())[0]) not in done.stderr


def test_a_petition_sealed_to_a_development_key_is_not_served(
    house: HouseOfTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    petition = house.publish()
    for name, value in GOOD.items():
        monkeypatch.setattr(settings, name.removeprefix("SABAL_"), value)
    assert checks.refusals() == []
    publishing.pause(petition.slug)
    publishing.use_keys(petition.slug, (str(house.identity.recipient),), made_by_dev=True)
    assert [complaint.id for complaint in checks.refusals()] == ["S108"]


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::"])
def test_a_development_house_listens_on_this_machine_alone(tmp_path: Path, host: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sabal", "serve", "--dev", "--host", host],
        env={**os.environ, "SABAL_DATA": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2 and "this machine alone" in done.stderr and not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "value"),
    [("SABAL_TRUSTED_HOPS", "many"), ("SABAL_BATCH_EVERY", "soon"), ("SABAL_DATABASE_URL", "mysql://x/y")],
)
def test_a_setting_that_cannot_be_read_is_named(tmp_path: Path, name: str, value: str) -> None:
    done = prepare(tmp_path, **{name: value})
    assert done.returncode == 2 and name in done.stderr and "Traceback" not in done.stderr
