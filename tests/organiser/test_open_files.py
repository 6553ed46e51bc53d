"""`sabal open` writes whole files, byte for byte, wherever they go, and overwrites nothing by chance."""

import io
import os
import pty
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import agefile
from organiser import made
from sabal.cli import main
from sabal.organiser import output, signers
from sabal.records.record import RECORD_FIELDS

SUZIE = made.person("Suzie 수지 Łukasz")
EVERY_BYTE = bytes(range(256)) * 1_000  # several chunks, and no text


def sabal(*words: object) -> Result:
    return CliRunner().invoke(main, list(map(str, words)), catch_exceptions=False)


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.write_text(f"{made.CAROL}\n")
    return path


@pytest.fixture
def export(tmp_path: Path) -> str:
    return made.petition([SUZIE]).write(tmp_path / "export")


def age(folder: Path, content: bytes, name: str = "file.age", *, armored: bool = False) -> Path:
    data = agefile.encrypt(content, [made.CAROL.recipient])
    (folder / name).write_bytes(agefile.armor(data) if armored else data)
    return folder / name


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("entries", EVERY_BYTE)
    return buffer.getvalue()


CONTENTS = {
    "a zip": zipped(),
    "every byte": EVERY_BYTE,
    "nothing": b"",
    "text": "수지\r\nSuzie\x1b[2J\n".encode(),
    "UTF-16": "수지".encode("utf-16"),
    "a chunk": bytes(65_536),
}


@pytest.mark.parametrize("armored", [False, True])
@pytest.mark.parametrize("name", CONTENTS)
def test_an_age_file_is_written_byte_for_byte(name: str, armored: bool, tmp_path: Path, key: Path) -> None:
    path = age(tmp_path, CONTENTS[name], armored=armored)
    done = sabal("open", path, "--identity", key)
    assert (done.exit_code, done.stdout_bytes, done.stderr) == (0, CONTENTS[name], "")
    done = sabal("open", path, "--identity", key, "--out", tmp_path / "out")
    assert (done.exit_code, done.stdout_bytes, done.stderr) == (0, b"", "")
    assert (tmp_path / "out").read_bytes() == CONTENTS[name]
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o600


def test_a_table_is_written_to_a_file_that_only_its_owner_reads(
    tmp_path: Path, key: Path, export: str
) -> None:
    out = tmp_path / "out.csv"
    printed = sabal("open", export, "--identity", key).stdout_bytes
    done = sabal("open", export, "--identity", key, "--out", out)
    assert (done.exit_code, done.stdout) == (0, "") and f"written to {out}, in clear text" in done.stderr
    assert out.read_bytes() == printed and "수지".encode() in printed
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    done = sabal("open", export, "--identity", key, "--bom")
    assert done.stdout_bytes == b"\xef\xbb\xbf" + printed
    sabal("open", export, "--identity", key, "--bom", "--out", out, "--force")
    assert out.read_bytes() == b"\xef\xbb\xbf" + printed


@pytest.mark.parametrize(
    "content", [b"name,email\nSuzie,suzie@example.org\n", b"Dear Mayor,\n", b"[1]\n", b"{}\n", b""]
)
def test_a_file_that_is_no_export_is_named_so_and_not_damaged(
    content: bytes, tmp_path: Path, key: Path
) -> None:
    path = tmp_path / "names.csv"
    path.write_bytes(content)
    done = sabal("open", path, "--identity", key)
    assert done.exit_code == 2 and "not a file that `sabal sealed` wrote" in done.stderr


def test_the_columns_are_explained_where_they_are_met(tmp_path: Path, key: Path, export: str) -> None:
    """In the help, in the documentation, and, for the three whose names do not say it, beside a table in a file."""
    assert tuple(signers.COLUMNS)[: len(RECORD_FIELDS)] == RECORD_FIELDS
    out = tmp_path / "out.csv"
    done = sabal("open", export, "--identity", key, "--out", out)
    assert out.read_text().splitlines()[0] == ",".join(signers.COLUMNS)
    said = {line.split()[1]: line for line in done.stderr.splitlines() if line.startswith("Column ")}
    assert said == {
        f"{name}:": f"Column {name}: {signers.COLUMNS[name]}." for name in ("index", "consent", "checked")
    }
    help_ = " ".join(sabal("open", "--help").stdout.split())
    page = (Path(__file__).parents[2] / "docs" / "delivery.md").read_text(encoding="utf-8")
    for name, meaning in signers.COLUMNS.items():
        assert f" {name} {meaning}" in help_ and f"| `{name}` | {meaning} |" in page


def test_nothing_is_overwritten_without_force(tmp_path: Path, key: Path, export: str) -> None:
    out = tmp_path / "out"
    out.write_text("the only copy")
    for path in (export, age(tmp_path, b"x")):
        done = sabal("open", path, "--identity", key, "--out", out)
        assert done.exit_code == 2 and "--force" in done.stderr and out.read_text() == "the only copy"
        for own in (path, key):
            done = sabal("open", path, "--identity", key, "--out", own, "--force")
            assert done.exit_code == 2 and "one of the files to read" in done.stderr
    assert sabal("open", age(tmp_path, b"x"), "--identity", key, "--out", out, "--force").exit_code == 0
    assert out.read_bytes() == b"x"
    done = sabal("open", export, "--identity", key, "--out", tmp_path / "none" / "out")
    assert done.exit_code == 2 and "There is no folder" in done.stderr


@pytest.mark.parametrize("damage", ["cut short", "changed at its end", "longer"])
def test_nothing_is_written_of_a_file_that_is_not_whole(damage: str, tmp_path: Path, key: Path) -> None:
    path = age(tmp_path, EVERY_BYTE)
    data = bytearray(path.read_bytes())
    if damage == "changed at its end":
        data[-1] ^= 1
    path.write_bytes(data[:-1000] if damage == "cut short" else data + b"x" * (damage == "longer"))
    done = sabal("open", path, "--identity", key)
    assert (done.exit_code, done.stdout_bytes) == (2, b"") and "changed or cut short" in done.stderr
    done = sabal("open", path, "--identity", key, "--out", tmp_path / "out")
    assert done.exit_code == 2 and sorted(one.name for one in tmp_path.iterdir()) == ["file.age", "key"]


def test_records_that_do_not_open_are_reported_and_the_others_are_written(tmp_path: Path, key: Path) -> None:
    petition = made.petition([SUZIE, made.person("Max")])
    other = agefile.generate(post_quantum=False).recipient
    path = petition.write(
        tmp_path / "export", made.lines(petition.header(), petition.line(1), petition.line(2, [other]))
    )
    done = sabal("open", path, "--identity", key, "--out", tmp_path / "out")
    assert done.exit_code == 1 and "Could not be opened: 1" in done.stderr
    assert SUZIE.fields["name"] in (tmp_path / "out").read_text(encoding="utf-8")


def test_options_that_exclude_each_other_are_refused(tmp_path: Path, key: Path, export: str) -> None:
    for more in (
        ("--force",),
        ("--bom", "--format", "jsonl"),
        ("--prove", "--out", tmp_path / "out"),
        ("--prove", "--bom"),
    ):
        assert sabal("open", export, "--identity", key, *more).exit_code == 2
    assert sabal("open", age(tmp_path, b"x"), "--identity", key, "--bom").exit_code == 2


def test_other_files_are_named_for_what_they_are(tmp_path: Path, key: Path, export: str) -> None:
    (tmp_path / "bundle.zip").write_bytes(zipped())
    done = sabal("open", tmp_path / "bundle.zip", "--identity", key)
    assert done.exit_code == 2 and "sabal verify" in done.stderr
    done = sabal("open", export, age(tmp_path, b"x"), "--identity", key)
    assert done.exit_code == 2 and "one at a time" in done.stderr


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
def test_an_export_that_powershell_copied_is_read(
    encoding: str, tmp_path: Path, key: Path, export: str
) -> None:
    text = Path(export).read_text(encoding="utf-8").replace("\n", "\r\n")
    expected = sabal("open", export, "--identity", key).stdout_bytes
    Path(export).write_bytes(text.encode(encoding))
    assert sabal("open", export, "--identity", key).stdout_bytes == expected


# As a program, with other encodings and on a terminal.


def run(*words: object, **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "sabal", *map(str, words)],
        env={**os.environ, **environment}, capture_output=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("environment", [
    {"PYTHONIOENCODING": "cp1252"}, {"PYTHONIOENCODING": "ascii:strict"}, {"PYTHONIOENCODING": "utf-16"},
    {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, {"PYTHONUTF8": "1"},
], ids=str)  # fmt: skip
def test_a_file_or_pipe_gets_utf_8_in_any_environment(
    environment: dict[str, str], tmp_path: Path, key: Path, export: str
) -> None:
    expected = sabal("open", export, "--identity", key).stdout_bytes
    done = run("open", export, "--identity", key, **environment)
    assert (done.returncode, done.stdout, done.stderr) == (0, expected, b"")
    out = ("--out", tmp_path / "out.csv")
    done = run("open", export, "--identity", key, *out, **environment)
    assert done.returncode == 0 and (tmp_path / "out.csv").read_bytes() == expected
    twice = [made.person("수지", "suzie@example.org"), made.person("S.", "Suzie@example.org")]
    made.petition(twice).write(Path(export))
    done = run("audit", export, "--identity", key, "--out", tmp_path / "proposal", "--details", **environment)
    assert done.returncode == 0 and "수지" in done.stdout.decode()


def on_terminal(*words: object, **environment: str) -> tuple[int, str]:
    """Run `sabal` on a terminal. Return the exit code and what it shows."""
    parent, child = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "sabal", *map(str, words)],
        stdout=child, stderr=child, stdin=subprocess.DEVNULL, env={**os.environ, **environment},
    )  # fmt: skip
    os.close(child)
    shown = b""
    try:
        while piece := os.read(parent, 65_536):
            shown += piece
    except OSError:
        pass  # the other side closed the terminal
    os.close(parent)
    return process.wait(timeout=60), shown.decode(environment.get("PYTHONIOENCODING", "utf-8"))


@pytest.mark.slow
def test_a_terminal_gets_text_without_control_characters(tmp_path: Path, key: Path, export: str) -> None:
    code, shown = on_terminal("open", age(tmp_path, CONTENTS["text"]), "--identity", key)
    assert code == 0 and "수지" in shown and "\x1b" not in shown
    for name in ("a zip", "every byte", "UTF-16"):
        code, shown = on_terminal("open", age(tmp_path, CONTENTS[name]), "--identity", key)
        assert code == 2 and "Write it to a file with --out" in shown and "\ufffd" not in shown
    assert (
        "a zip file, such as a bundle" in on_terminal("open", age(tmp_path, zipped()), "--identity", key)[1]
    )
    code, shown = on_terminal("open", export, "--identity", key, PYTHONIOENCODING="cp1252")
    assert code == 0 and "Suzie ?? ?ukasz" in shown


def test_progress_is_shown_on_a_terminal_and_after_a_while(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pieces = [bytes(1_000_000)] * 3
    assert list(output.with_progress(pieces, 3_000_000)) == pieces and capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    clock = iter(range(0, 1_000, 3))
    monkeypatch.setattr(output.time, "monotonic", lambda: next(clock))
    assert list(output.with_progress(pieces, 3_000_000)) == pieces
    assert capsys.readouterr().err.endswith("\r3 of 3 MB opened\n")
