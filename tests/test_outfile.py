"""No command overwrites a file that the user has, unless told to: one rule for all commands that write one."""

from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

import agefile
from sabal.cli import main
from sabal.outfile import OutFile
from sabal.refusal import Refusal
from sites import SiteOfTests

KEPT = "the only copy"
KEYS = {"keys new", "keys server"}
"""What a key opens is lost with the key, so these never overwrite anything."""
ARGUMENTS = {
    "audit": ("EXPORT", "--identity", "KEY"),
    "bundle": ("LOG", "--show", "none"),
    "keys check": ("trees",),
    "keys new": ("--no-passphrase",),
    "keys server": ("--to", "age1x"),
    "newsletter export": (),
    "open": ("EXPORT", "--identity", "KEY"),
    "sealed": ("trees",),
}
"""The arguments of every command that has `--out`. Names in capitals are files."""


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
