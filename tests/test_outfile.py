"""No command overwrites a file that the user has, unless told to: one rule for all commands that write one."""

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

import agefile
from sabal.cli import main
from sabal.outfile import OutFile
from sabal.refusal import Refusal
from signing.steps import confirmed
from sites import NOW, SiteOfTests

KEPT = "the only copy"
KEYS = {"keys new", "keys server"}
"""What a key opens is lost with the key, so these never overwrite anything."""
ARGUMENTS = {
    "audit": ("EXPORT", "--identity", "KEY"),
    "bundle": ("LOG", "--show", "none"),
    "dossier": ("trees", "--recipient", "council"),
    "keys check": ("trees",),
    "keys new": ("--no-passphrase",),
    "keys server": ("--to", "age1x"),
    "newsletter export": (),
    "open": ("EXPORT", "--identity", "KEY"),
    "sealed": ("trees",),
    "sheets": ("trees",),
}
"""The arguments of every command that has `--out`. Names in capitals are files."""
BINARY = {"bundle", "dossier", "keys check", "keys server", "sealed", "sheets"}
"""The commands whose content no terminal can show."""


def commands(group: click.Group, prefix: str = "") -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command
        if isinstance(command, click.Group):
            yield from commands(command, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}", command


def options(command: click.Command) -> set[str]:
    return {option for one in command.params for option in one.opts}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / "KEY").write_text(f"{agefile.generate(post_quantum=False)}\n")
    (folder / "EXPORT").write_text("an export")
    (folder / "LOG").write_text("a log")
    return folder


def run(command: str, *more: str) -> Result:
    return CliRunner().invoke(main, [*command.split(), *ARGUMENTS[command], *more], catch_exceptions=False)


def test_this_file_knows_every_command_that_writes_a_file() -> None:
    found = {name: options(command) for name, command in commands(main)}
    assert {name for name, those in found.items() if "--out" in those} == set(ARGUMENTS)
    assert {name for name, those in found.items() if "--force" in those} == {*ARGUMENTS, "export"} - KEYS


@pytest.mark.parametrize("command", sorted(ARGUMENTS))
def test_nothing_is_overwritten_unless_asked(command: str, folder: Path) -> None:
    """The file is looked at first: no passphrase is asked for, and no network or database is used."""
    out = folder / "out"
    out.write_text(KEPT)
    done = run(command, "--out", "out")
    assert done.exit_code == 2 and done.stderr.startswith("out exists already"), done
    assert ("--force" in done.stderr) == (command not in KEYS)
    assert out.read_text() == KEPT and {path.name for path in folder.iterdir()} == {
        "KEY",
        "EXPORT",
        "LOG",
        "out",
    }


@pytest.mark.parametrize("command", sorted(ARGUMENTS))
def test_a_folder_that_is_missing_is_named(command: str) -> None:
    done = run(command, "--out", "none/out")
    assert done.exit_code == 2 and done.stderr == "There is no folder none to write out to.\n"


@pytest.mark.parametrize("command", sorted(set(ARGUMENTS) - KEYS))
def test_a_link_is_not_written_through_even_if_forced(command: str, folder: Path) -> None:
    (folder / "out").symlink_to("elsewhere")
    done = run(command, "--out", "out", "--force")
    assert done.exit_code == 2 and "not a plain file" in done.stderr
    assert not (folder / "elsewhere").exists()


@pytest.mark.parametrize(
    ("command", "read"),
    [("audit", "EXPORT"), ("audit", "KEY"), ("bundle", "LOG"), ("open", "EXPORT"), ("open", "KEY")],
)
def test_a_file_that_is_read_is_never_overwritten(command: str, read: str, folder: Path) -> None:
    before = (folder / read).read_text()
    done = run(command, "--out", read, "--force")
    assert done.exit_code == 2 and "one of the files to read" in done.stderr
    assert (folder / read).read_text() == before


def test_a_file_made_in_the_meantime_is_not_overwritten(folder: Path) -> None:
    target = OutFile(folder / "out", force=False)
    target.refuse()
    (folder / "out").write_text(KEPT)
    with pytest.raises(Refusal, match="--force"):
        target.write([b"new"])
    assert (folder / "out").read_text() == KEPT
    assert OutFile(folder / "out", force=True).write([b"new"]) == 1
    assert (folder / "out").read_text() == "new"


def test_the_file_of_a_key_check_that_has_no_name_is_not_overwritten(site: SiteOfTests, folder: Path) -> None:
    """Its usual name is the petition's. A second check would make the code in an older file worthless, unasked."""
    petition = site.publish()
    out = folder / f"{petition.slug}-check.age"
    out.write_text(KEPT)
    check = ["keys", "check", petition.slug]
    done = CliRunner().invoke(main, check)
    assert done.exit_code == 2 and "--force" in done.stderr and out.read_text() == KEPT
    assert CliRunner().invoke(main, [*check, "--force"]).exit_code == 0
    assert out.read_bytes().startswith(b"age-encryption.org/v1\n") and out.stat().st_mode & 0o777 == 0o600


def run_keys_check(slug: str, code: str) -> int:
    return CliRunner().invoke(main, ["keys", "check", slug, "--code", code]).exit_code


def test_a_dash_is_standard_output(site: SiteOfTests, folder: Path) -> None:
    """The content is all that standard output gets. What the command says is on standard error."""
    petition = site.publish()
    confirmed(site, petition, subscribe=("newsletter",))
    site.sequence(petition, NOW + 604_800)
    (folder / "KEY").write_text(f"{site.identity}\n")
    log = str(site.data / "public" / petition.slug / "log")

    def content(*command: str) -> bytes:
        done = CliRunner().invoke(main, [*command, "--out", "-"], catch_exceptions=False)
        assert done.exit_code == 0 and done.stderr.strip() and " - " not in done.stderr, (command, done)
        assert not (folder / "-").exists()
        return done.stdout_bytes

    server = agefile.decrypt(content("keys", "server", "--to", str(site.identity.recipient)), [site.identity])
    assert bytes.fromhex(server.decode()) == site.keystore.key
    code = agefile.decrypt(content("keys", "check", petition.slug), [site.identity]).decode().strip()
    assert run_keys_check(petition.slug, code) == 0
    sealed = content("sealed", petition.slug)
    assert sealed.startswith(b"{") and sealed.endswith(b"}\n") and sealed.count(b"\n") == 2
    (folder / "EXPORT").write_bytes(sealed)
    assert content("newsletter", "export").startswith(b"address,")
    assert content("audit", "EXPORT", "--identity", "KEY").startswith(b"{")
    assert content("bundle", log, "--show", "none").startswith(b"PK\3\4")
    to_key = content("bundle", log, "--show", "none", "--to", str(site.identity.recipient))
    assert agefile.decrypt(to_key, [site.identity]).startswith(b"PK\3\4")
    opened = CliRunner().invoke(main, ["open", "EXPORT", "--identity", "KEY", "--out", "-"])
    assert opened.exit_code == 0 and opened.stdout.startswith("name,") and not (folder / "-").exists()


@pytest.mark.parametrize("command", sorted(ARGUMENTS))
def test_no_command_makes_a_file_named_dash(command: str, site: SiteOfTests, folder: Path) -> None:
    CliRunner().invoke(main, [*command.split(), *ARGUMENTS[command], "--out", "-"])
    assert not list(folder.glob("-*"))


def test_a_key_is_not_written_to_standard_output() -> None:
    """It is three files, and a terminal keeps what it showed."""
    done = run("keys new", "--out", "-")
    assert done.exit_code == 2 and not done.stdout and "name of a file" in done.stderr


@pytest.mark.parametrize("command", sorted(set(ARGUMENTS) - KEYS))
def test_standard_output_is_never_forced(command: str, folder: Path) -> None:
    done = run(command, "--out", "-", "--force")
    assert done.exit_code == 2 and "--force overwrites" in done.stderr


@pytest.mark.parametrize("command", sorted(BINARY))
def test_a_terminal_gets_no_binary_data(command: str) -> None:
    """It is refused before any work, so there is no database here."""
    parent, child = pty.openpty()
    words = [*command.split(), *ARGUMENTS[command], "--out", "-"]
    done = subprocess.run(
        [sys.executable, "-m", "sabal", *words], stdout=child, stderr=subprocess.PIPE, text=True, timeout=60
    )
    os.close(child)
    with os.fdopen(parent, "rb", buffering=0) as terminal, pytest.raises(OSError):
        terminal.read(1)  # nothing was written, and the other end is closed
    assert done.returncode == 2 and "not text, so it is not written to a terminal" in done.stderr, done
