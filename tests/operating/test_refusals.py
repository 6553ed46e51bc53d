"""The refusals of `serve` without --dev, each with an id and a hint, and the limits of --dev."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import agefile
from sabal import settings
from sabal.configuration.mail_url import parse_mail_url
from sabal.configuration.sender import parse_sender
from sabal.operating import startup
from sabal.petitions.models import Petition
from sabal.publishing import drafts
from served import Served
from sites import SiteOfTests

pytestmark = pytest.mark.slow  # each test starts the command

GOOD = {
    "SABAL_BASE_URL": "https://petition.example.org",
    "SABAL_MAIL_URL": "smtp://mail.example.org:587?tls=starttls",
    "SABAL_MAIL_FROM": "petition@example.org",
}


def prepare(tmp_path: Path, **changed: str) -> subprocess.CompletedProcess[str]:
    """Run `sabal prepare`, as `serve` does first, with its own environment."""
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


def test_a_good_configuration_may_start(tmp_path: Path) -> None:
    done = prepare(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_start_that_is_refused_does_not_change_the_noted_address(served: Served, tmp_path: Path) -> None:
    """Links of commands lead to the server that runs. The other start has another address and fails on the way."""
    noted = served.data / "served-at"
    assert noted.read_text(encoding="ascii") == f"{served.base}\n"
    environment = {**served.environment, "SABAL_BASE_URL": "http://127.0.0.1:1"}
    for options in (["--port", "1"], ["--dev", "--port", served.base.rpartition(":")[2]]):
        done = subprocess.run(
            [sys.executable, "-m", "sabal", "serve", *options],
            env=environment,
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 2, done.stderr
        assert noted.read_text(encoding="ascii") == f"{served.base}\n"


@pytest.mark.parametrize(
    ("changed", "id_"),
    [
        ({"SABAL_BASE_URL": "-"}, "S101"),
        ({"SABAL_BASE_URL": "http://petition.example.org"}, "S101"),
        ({"SABAL_MAIL_URL": "-"}, "S102"),
        ({"SABAL_MAIL_URL": "http://mail.example.org"}, "C104"),
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


def test_serve_itself_refuses_before_it_listens(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SABAL_")}
    done = subprocess.run(
        [sys.executable, "-m", "sabal", "serve", "--port", str(port), "--workers", "1"],
        env={**environment, "SABAL_DATA": str(tmp_path), **GOOD, "SABAL_MAIL_URL": "folder:"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2 and done.stderr.startswith("S104:") and done.stdout == ""


def test_all_refusals_are_reported_together(tmp_path: Path) -> None:
    done = prepare(tmp_path, SABAL_BASE_URL="-", SABAL_MAIL_URL="-", SABAL_BATCH_EVERY="2s")
    ids = [line.partition(":")[0] for line in done.stderr.splitlines() if not line.startswith(" ")]
    assert (done.returncode, ids) == (2, ["S101", "S102", "S106"])


def test_the_password_of_a_mail_url_is_not_shown(tmp_path: Path) -> None:
    done = prepare(tmp_path, SABAL_MAIL_URL="smtp://sabal:sesame@mail.example.org?tls=perhaps")
    assert done.returncode == 2 and "C104" in done.stderr and "sesame" not in done.stderr


@pytest.mark.parametrize("name", ["key.txt", "deep/er/notes", "backup.age.bak"])
def test_a_key_that_opens_signatures_must_not_be_in_the_data_folder(tmp_path: Path, name: str) -> None:
    path = tmp_path / "data" / name
    path.parent.mkdir(parents=True)
    path.write_text(f"# mine\n{agefile.generate()}\n")
    done = prepare(tmp_path)
    assert done.returncode == 2 and "S107" in done.stderr and str(path) in done.stderr
    assert str(agefile.parse_identity_file(path.read_text())[0]) not in done.stderr


@pytest.mark.parametrize("before", [0, startup.PIECE - 8, 3 * startup.PIECE])
def test_a_key_is_found_anywhere_in_a_file(tmp_path: Path, before: int) -> None:
    (tmp_path / "notes").write_bytes(b"." * before + str(agefile.generate()).lower().encode())
    (tmp_path / "other").write_bytes(b"age1 is no secret; age-secret-ke is none either")
    assert list(startup.files_with_identity(tmp_path)) == [tmp_path / "notes"]


def test_a_key_behind_a_link_is_found(tmp_path: Path) -> None:
    elsewhere, data = tmp_path / "elsewhere", tmp_path / "data"
    elsewhere.write_text(str(agefile.generate()))
    data.mkdir()
    (data / "key").symlink_to(elsewhere)
    (data / "gone").symlink_to(tmp_path / "nowhere")
    assert list(startup.files_with_identity(data)) == [data / "key"]


def test_the_database_is_not_searched_for_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "DATABASE_URL", f"sqlite://{tmp_path / 'sabal.sqlite3'}")
    for name in ("sabal.sqlite3", "sabal.sqlite3-wal", "sabal.sqlite3.old"):
        (tmp_path / name).write_text("a line that begins with AGE-SECRET-KEY-1")
    assert list(startup.files_with_identity(tmp_path)) == [tmp_path / "sabal.sqlite3.old"]


def test_a_petition_with_a_development_key_is_refused(
    site: SiteOfTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    petition = site.publish()
    monkeypatch.setattr(settings, "BASE_URL", GOOD["SABAL_BASE_URL"])
    monkeypatch.setattr(settings, "MAIL_URL", parse_mail_url(GOOD["SABAL_MAIL_URL"]))
    monkeypatch.setattr(settings, "MAIL_FROM", parse_sender(GOOD["SABAL_MAIL_FROM"]))
    assert startup.refusals() == []
    Petition.objects.update(key_made_by_dev=True)
    drafts.use_keys(petition.slug, (str(agefile.generate().recipient),))
    assert [finding.id for finding in startup.refusals()] == ["S108"]  # the published key is still in use
    site.publish_again(petition.slug)
    assert startup.refusals() == []


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::"])
def test_a_development_server_listens_on_this_machine_only(tmp_path: Path, host: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sabal", "serve", "--dev", "--host", host],
        env={**os.environ, "SABAL_DATA": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2 and "this computer only" in done.stderr and not list(tmp_path.iterdir())


def test_a_running_development_server_listens_on_loopback(served: Served) -> None:
    port = served.base.rpartition(":")[2]
    tables = [Path("/proc/net/tcp"), Path("/proc/net/tcp6")]
    if not tables[0].exists():
        pytest.skip("NO /proc/net/tcp: the listening address cannot be seen")
    listening, found = "0A", set()
    for table in (t for t in tables if t.exists()):
        for line in table.read_text().splitlines()[1:]:
            address, _, number = line.split()[1].rpartition(":")
            if line.split()[3] == listening and int(number, 16) == int(port):
                found.add(address)
    assert found == {"0100007F"}  # 127.0.0.1 as the kernel writes it
