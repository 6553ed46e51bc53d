"""The sample configurations: they fit each other, and none of them logs visitors."""

import os
import re
import subprocess
from pathlib import Path

import psycopg
import pytest

from sabal import settings

SAMPLES = Path(__file__).parents[2] / "docs" / "operating"
PAGE = (SAMPLES.parent / "operating.md").read_text(encoding="utf-8")


def sample(name: str) -> str:
    """Return a sample without its comments."""
    text = (SAMPLES / name).read_text(encoding="utf-8")
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))


def test_every_sample_is_in_the_documentation() -> None:
    names = {path.name for path in SAMPLES.iterdir()}
    assert names and names <= set(re.findall(r"\(operating/([^)]+)\)", PAGE))


def test_nginx_logs_nothing_and_sets_the_clients_address_itself() -> None:
    servers = sample("nginx.conf").split("server {")[1:]
    assert len(servers) == 5 and all("access_log off;" in s and "error_log /dev/null" in s for s in servers)
    assert "X-Forwarded-For $remote_addr;" in servers[0] and "$proxy_add_x_forwarded_for" not in servers[0]
    assert "http2 on" not in servers[0]  # nginx 1.22 of Debian 12 does not know it


def test_caddy_logs_no_requests_not_even_failed_ones() -> None:
    text = sample("Caddyfile")
    assert re.findall(r"^\s*log\b.*$\s*(.+)$", text, re.MULTILINE) == [
        "exclude http.log.error http.handlers.reverse_proxy"
    ]
    assert "header_up X-Forwarded-For {args.0}" in text and "import sabal {remote_host}" in text


SITE = "127.0.0.1:8000"
ONION = "replace-with-the-name-in-var-lib-tor-sabal-hostname.onion"


def test_tor_never_leads_to_the_servers_own_port() -> None:
    """There Eve could send the clearnet Host and a false address in X-Forwarded-For over Tor."""
    assert "SABAL_TRUSTED_HOPS=1" in sample("sabal.env")
    targets = re.findall(r"^HiddenServicePort \d+ (\S+)$", sample("torrc"), re.MULTILINE)
    assert targets == ["127.0.0.1:8081"] and SITE not in sample("torrc")


def test_nginxs_onion_site_accepts_one_host_and_no_address() -> None:
    servers = sample("nginx.conf").split("server {")[1:]
    (onion,) = [s for s in servers if "8081" in s]
    assert re.findall(r"listen (.*);", onion) == ["127.0.0.1:8081"]
    assert re.search(rf'if \(\$http_host != "{re.escape(ONION)}"\) {{\s+return 444;', onion)
    assert re.findall(r"X-Forwarded-For (.*);", onion) == ["127.0.0.1"]
    (others,) = [s for s in servers if "default_server" in s]  # the onion's Host, from outside
    assert "return 444;" in others and "proxy_pass" not in others and "listen [::]:443" in others


def test_caddys_onion_site_accepts_one_host_and_no_address() -> None:
    sites = re.findall(r"^(\S+) \{\n(.*?)^\}", sample("Caddyfile"), re.MULTILINE | re.DOTALL)
    onion, others = dict(sites)[f"http://{ONION}:8081"], dict(sites)["http://:8081"]
    assert "bind 127.0.0.1\n" in onion and re.findall(r"import sabal (.*)", onion) == ["127.0.0.1"]
    assert "bind 127.0.0.1\n" in others and "abort" in others and "reverse_proxy" not in others


def test_shell_and_systemd_read_the_same_environment() -> None:
    path = SAMPLES / "sabal.env"
    shell = subprocess.run(
        ["sh", "-euc", f"set -a; . {path}; env"],
        capture_output=True,
        text=True,
        timeout=10,
        check=True,
        env={},
    )
    lines = dict(line.split("=", 1) for line in sample("sabal.env").splitlines() if line)
    got = dict(line.split("=", 1) for line in shell.stdout.splitlines())
    assert {k: v.strip('"') for k, v in lines.items()} == {
        k: v for k, v in got.items() if k.startswith("SABAL_")
    }
    assert all(re.fullmatch(r'[^\s"]+|"[^"$`\\]+"', value) for value in lines.values())


@pytest.mark.parametrize("name", ["sabal.service", "sabal-backup.service", "sabal-command"])
def test_units_and_command_use_the_same_files(name: str) -> None:
    text = sample(name)
    assert "/etc/sabal/sabal.env" in text and "/opt/sabal/.venv/bin/sabal" in text
    assert re.search(r"^umask 077$|^UMask=0077$", text, re.MULTILINE)
    if name.endswith(".service"):
        assert "User=sabal\n" in text and "ProtectSystem=strict\n" in text and "LimitCORE=0\n" in text


def test_the_command_passes_its_arguments_on(tmp_path: Path) -> None:
    """The paths of a real server are replaced by paths of the test."""
    script = (SAMPLES / "sabal-command").read_text(encoding="utf-8")
    setpriv = tmp_path / "setpriv"
    setpriv.write_text('#!/bin/sh\necho "$SABAL_MAIL_RELAY"; for word; do echo "$word"; done\n')
    setpriv.chmod(0o755)
    script = script.replace("/etc/sabal/sabal.env", str(SAMPLES / "sabal.env"))
    done = subprocess.run(
        ["sh", "-c", script, "sabal", "import", "two words"],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}"}, capture_output=True, text=True, timeout=10, check=True,
    )  # fmt: skip
    said = done.stdout.splitlines()
    assert said[0] == "our own mail server" and said[-3:] == [
        "/opt/sabal/.venv/bin/sabal",
        "import",
        "two words",
    ]


def test_only_old_backups_are_deleted(tmp_path: Path) -> None:
    (line,) = re.findall(r"^ExecStartPost=(/usr/bin/find .*)$", sample("sabal-backup.service"), re.MULTILINE)
    for name, days in (
        ("2026-01-01", 40),
        ("2026-02-01", 5),
        ("erasure-journal.jsonl", 40),
        ("before-upgrade", 40),
    ):
        (tmp_path / name).mkdir()
        old = (tmp_path / name).stat().st_mtime - days * 86_400
        os.utime(tmp_path / name, (old, old))
    words = [str(tmp_path) if word == "/var/backups/sabal" else word for word in line.split()]
    subprocess.run(words, check=True, timeout=10)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "2026-02-01",
        "before-upgrade",
        "erasure-journal.jsonl",
    ]


@pytest.mark.postgresql
def test_postgresql_accepts_every_line(postgresql_server: str) -> None:
    wanted = dict(re.findall(r"^(\w+) = (\S+)$", sample("postgresql.conf"), re.MULTILINE))
    with psycopg.connect(postgresql_server) as connection:
        for name, value in wanted.items():
            if name in ("fsync", "full_page_writes", "max_connections"):  # need a restart or the file
                assert connection.execute("SELECT 1 FROM pg_settings WHERE name = %s", (name,)).fetchone(), (
                    name
                )
            else:
                connection.execute("SELECT set_config(%s, %s, true)", (name, value))


def test_the_table_of_keys_names_every_key_of_the_server() -> None:
    table = PAGE.split("## Every key of the server")[1].split("\n## ")[0].lower()
    for key in ("organiser's key", "server key", "dedupe key", "bucket key", "log key", "promise key", "mail key",
                "subscribers' key", "suppression key", "database password", "mail password", "tls key"):  # fmt: skip
        assert key in table
    assert all(row.count("|") == 5 for row in table.strip().splitlines())


def test_secrets_of_the_samples_come_from_files() -> None:
    names = re.findall(r"^(\w+)=", sample("sabal.env"), re.MULTILINE)
    assert not [s.name for s in settings.SETTINGS if s.secret and s.name in names]
