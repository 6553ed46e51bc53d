"""The commands of organisers, recipients and witnesses run on Windows too, as imitated by `windows.py`."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import agefile
import logs
from checking import made as made_log
from checking.test_mirror import publish
from checking.web import web
from organiser import made
from sabal.cli import main

pytestmark = pytest.mark.slow  # each test starts commands

WINDOWS = Path(__file__).with_name("windows.py")
NAMES_OF_NO_FILE = re.compile(r'[<>:"\\|?*]|[. ]$')  # on Windows
PETITIONS = Path(__file__).parents[1] / "petitions"


def words(*more: str) -> list[str]:
    return [sys.executable, "-X", "warn_default_encoding", str(WINDOWS), *more]


class Computer:
    """A folder in which `sabal` runs as on Windows."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *more: str, code: int = 0) -> subprocess.CompletedProcess[bytes]:
        done = subprocess.run(
            words(*more), cwd=self.folder, env=environment(), capture_output=True, timeout=60, check=False
        )
        assert done.returncode == code and b"Traceback" not in done.stderr, done
        return done

    def says(self, *more: str, code: int = 0) -> str:
        return self.run(*more, code=code).stdout.decode()


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("SABAL_")}


@pytest.fixture
def computer(tmp_path: Path) -> Iterator[Computer]:
    yield Computer(tmp_path)
    for path in tmp_path.rglob("*"):
        assert not NAMES_OF_NO_FILE.search(path.name), f"Windows has no file of the name {path.name}"


@pytest.fixture
def petition() -> made.Petition:
    twice = [
        made.person("Suzie", "suzie@example.org"),
        made.person("S. 김", "Suzie@example.org", comment="나무를!"),
    ]
    return made.petition([*twice, made.person("Max")], recipients_get="names")


def all_commands() -> list[str]:
    found = ["--help"]
    for name in main.list_commands(click.Context(main)):
        command = main.get_command(click.Context(main), name)
        found.append(f"{name} --help")
        if isinstance(command, click.Group):
            found += [f"{name} {one} --help" for one in command.list_commands(click.Context(command))]
    return found


@pytest.mark.parametrize("command", all_commands())
def test_every_command_has_help(computer: Computer, command: str) -> None:
    assert computer.says(*command.split()).startswith(f"Usage: sabal {command.removesuffix('--help')}")


@pytest.mark.parametrize("locked", [True, False])
def test_a_new_key_opens_a_file(computer: Computer, locked: bool) -> None:
    (computer.folder / "words").write_text("bowl rim name write round paper\n")
    how = ["--passphrase-file", "words"] if locked else ["--no-passphrase"]
    computer.run("keys", "new", "--out", "key", *how)
    public = (computer.folder / "key.pub").read_bytes()
    assert public.startswith(b"age1pq1") and public.endswith(b"\n") and b"\r" not in public
    assert (computer.folder / "key.pdf").read_bytes().startswith(b"%PDF")
    assert b"exists already" in computer.run("keys", "new", "--out", "key", *how, code=2).stderr
    to = agefile.parse_recipient(public.decode().strip())
    (computer.folder / "note.age").write_bytes(agefile.encrypt("안녕 Suzie\n".encode(), [to]))
    more = ["--passphrase-file", "words"] if locked else []
    assert computer.says("open", "note.age", "--identity", "key", *more) == "안녕 Suzie\n"
    (computer.folder / "b.zip.age").write_bytes(agefile.encrypt(bytes(range(256)) * 999, [to]))
    opening = ("open", "b.zip.age", "--identity", "key", *more, "--out", "b.zip")
    for force in ((), ("--force",)):
        computer.run(*opening, *force)
        assert (computer.folder / "b.zip").read_bytes() == bytes(range(256)) * 999
    assert b"--force" in computer.run(*opening, code=2).stderr


def test_an_export_is_opened_audited_and_bundled(computer: Computer, petition: made.Petition) -> None:
    (computer.folder / "key").write_text(f"{made.CAROL}\n")
    petition.write(computer.folder / "export")
    (computer.folder / "log.zip").write_bytes(made_log.bundle(petition.copy(), {}))
    rows = computer.says("open", "export", "--identity", "key")
    assert "S. 김" in rows and "나무를!" in rows and len(rows.splitlines()) == 4
    assert rows.count("\r\n") in (0, 4) and "\r\r" not in rows  # CSV line ends, once each
    proving = computer.run("open", "export", "--identity", "key", "--prove", code=2)
    assert proving.stderr.splitlines()[-1].startswith(b"This export")  # after warnings of packages
    assert "1 as duplicates" in computer.says("audit", "export", "--identity", "key", "--out", "proposal")
    assert b"\r" not in (computer.folder / "proposal").read_bytes()
    opening = ("--sealed", "export", "--identity", "key")
    said = computer.says("bundle", "log.zip", "--show", "names", "--out", "out.zip", *opening)
    assert ": 3 signatures count" in said
    sealed = (
        "bundle",
        "log.zip",
        "--show",
        "none",
        "--out",
        "out.zip.age",
        "--to",
        str(made.CAROL.recipient),
    )
    assert ": 3 signatures count" in computer.says(*sealed)
    again = ("bundle", "log.zip", "--show", "none", "--out", "out.zip")
    assert b"--force" in computer.run(*again, code=2).stderr
    assert computer.says(*again, "--force").startswith("OK")  # it replaces the old one


def test_a_log_is_checked(computer: Computer, petition: made.Petition) -> None:
    (computer.folder / "good.zip").write_bytes(made_log.bundle(petition.copy(), {}))
    assert ": 3 signatures count" in computer.says("verify", "good.zip")
    made_log.log(300).write_tiles(computer.folder / "log")
    assert computer.says("verify", "log").startswith("OK: ")
    (computer.folder / "log" / "tile" / "entries" / "000").write_bytes(b"\0" * 256 * 36)
    assert ": The file tile/entries/000" in computer.says("verify", "log", code=1)


def test_a_mirror_grows(computer: Computer) -> None:
    with web() as site:
        for size in (20, 300):
            publish(site, made_log.log(size))
            assert f"in a log of {size}" in computer.says("mirror", f"{site.url}/en/trees", "copy")
    assert computer.says("verify", "copy").startswith("OK: ")


def test_a_witness_runs_once_and_keeps_its_store(computer: Computer) -> None:
    command = ("witness", "--store", "store", "--log", str(logs.CAROL.verifier), "--port", "0")
    for first in (("--new", "--name", "witness.example/petitions"), ()):
        process = subprocess.Popen(
            words(*command, *first), cwd=computer.folder, env=environment(),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            assert process.stdout and process.stdout.readline().startswith(
                "Witness witness.example/petitions"
            )
            assert b"Another witness is running" in computer.run(*command, code=2).stderr
        finally:
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=20)
        assert (process.returncode, err) == (0, ""), out


def test_a_command_that_needs_a_server_is_refused(computer: Computer) -> None:
    key = computer.folder / "key"
    key.write_text(f"{made.CAROL}\n")
    for command, sentence in (
        (("serve", "--dev"), "A server runs on Linux or macOS."),
        (("import", str(next(PETITIONS.iterdir()))), "Windows cannot import a folder"),
        (("open", "trees", "--identity", "key"), "The database cannot be used"),
    ):
        assert sentence in computer.run(*command, code=2).stderr.decode()
    assert list(computer.folder.iterdir()) == [key]


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("import fcntl", "ModuleNotFoundError"),
        ("import resource, uvloop", "ModuleNotFoundError"),
        ("import ctypes; ctypes.CDLL(None)", "TypeError"),
        ("import os; os.getuid()", "AttributeError"),
        ("import signal; signal.SIGPIPE", "AttributeError"),
        ("import os; os.open('.', os.O_RDONLY)", "PermissionError"),
        ("import os; file = open('a', 'w'); os.replace('a', 'b')", "PermissionError"),
        ("import os; file = open('a', 'w'); os.unlink('a')", "PermissionError"),
    ],
)
def test_the_imitation_behaves_like_windows(tmp_path: Path, code: str, error: str) -> None:
    """If the imitation did not work, the tests above would prove nothing."""
    done = subprocess.run(
        [sys.executable, "-c", f"import windows; windows.become_windows()\n{code}"],
        env={**os.environ, "PYTHONPATH": str(WINDOWS.parent)}, cwd=tmp_path, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert done.stderr.splitlines()[-1].startswith(error), done.stderr
