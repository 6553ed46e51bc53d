"""The output and the exit codes of `sabal verify`."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from checking import made
from checking.web import web
from sabal.checking import commands
from sabal.checking.report import WHAT_IT_SHOWS
from sabal.cli import main

LOG = made.log(300, amend=100)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with a mirror, a bundle and the files that Suzie kept. The commands run in it."""
    LOG.write_tiles(tmp_path / "mirror")
    other = made.signed(
        made.tlog.Checkpoint("other.example/log", 3, bytes(32)),
        by=made.tlog.Signer("other.example/log", b"o" * 32),
    )
    files = {
        "bundle.zip": made.bundle(LOG.copy(show=LOG.signers[:5])),
        "wrong.zip": made.bundle(LOG.copy(show=[0])),
        "email.txt": b"Dear Suzie,\r\n\r\n-- \r\n" + LOG.checkpoint(200).replace(b"\n", b"\r\n"),
        "digest.txt": b"Two petitions:\n\n" + other + b"\n" + LOG.checkpoint(150),
        "other.txt": other,
        "newer.txt": made.log(400, amend=100).checkpoint(),
        "promise.txt": LOG.promise(5),
        "late.txt": made.tlog.Promise(made.ORIGIN, bytes(32), made.WITNESSED + 50).sign(made.PROMISER),
        "entry.tlog-proof": LOG.proof(LOG.signers[3], 120),
        "nothing.txt": b"Nothing.\n",
        "long.txt": bytes((16 << 20) + 1),
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def verify(*words: str) -> Result:
    return CliRunner().invoke(main, ["verify", *words])


def found(*words: str, code: int) -> dict[str, object]:
    result = verify(*words, "--json")
    assert result.exit_code == code and result.stderr == "", result.output
    return json.loads(result.stdout)  # type: ignore[no-any-return]


def refused(*words: str) -> str:
    """Assert that the command prints one sentence on stderr and exits with 2. Return the sentence."""
    result = verify(*words)
    assert (result.exit_code, result.stdout) == (2, "") and result.stderr.count("\n") == 1
    return result.stderr


@pytest.mark.parametrize("what", ["mirror", "bundle.zip"])
def test_a_valid_log_exits_with_0(what: str, folder: Path) -> None:
    result = verify(what, "--log", str(made.CAROL.verifier))
    lines = result.stdout.splitlines()
    assert result.exit_code == 0 and result.stderr == ""
    assert f": {len(LOG.signers):,} signatures count (" in lines[0]
    assert lines[-3] == WHAT_IT_SHOWS and lines[-2].endswith(str(made.CAROL.verifier))
    assert lines[-1] == f"The witnesses' keys, to compare in the same way: {made.FIRST.verifier}"


def test_a_log_from_the_web(folder: Path) -> None:
    with web() as served:
        served.serve("/trees/log", folder / "mirror")
        assert found(f"{served.url}/en/trees", code=0)["size"] == 300
        served.files["/trees/log/policy"] = made.TWO_WITNESSES
        assert found(f"{served.url}/en/trees", code=1)["quorum"] is False
    assert "could not be read" in refused(f"{served.url}/en/trees")


def test_an_invalid_log_exits_with_1(folder: Path) -> None:
    result = verify("wrong.zip")
    assert result.exit_code == 1 and ": The record in line 1 is of entry 0" in result.stdout
    assert found("wrong.zip", code=1)["ok"] is False
    assert verify("mirror", "--log", str(made.EVE.verifier)).exit_code == 1


def test_kept_files_that_agree_are_reported(folder: Path) -> None:
    words = ("--checkpoint", "email.txt", "--checkpoint", "digest.txt", "--promise", "promise.txt")
    report = found("mirror", *words, "--proof", "entry.tlog-proof", code=0)
    assert report["checkpoints"] == [{"size": size, "consistent": True} for size in (200, 150, 120)]
    assert report["promises"] == [{"include_by": made.WITNESSED, "state": "kept", "revoked": 1}]
    assert (
        f"Entry {LOG.signers[3]} is in the log; the signature counts.\n"
        in verify("mirror", "--proof", "entry.tlog-proof").stdout
    )


def test_kept_files_that_disagree_are_problems(folder: Path) -> None:
    assert "This copy is older" in verify("mirror", "--checkpoint", "newer.txt").stdout
    assert "not signed by this log" in verify("mirror", "--checkpoint", "other.txt").stdout
    assert found("mirror", "--checkpoint", "newer.txt", code=1)["checkpoints"] == [
        {"size": 400, "consistent": False}
    ]


def test_a_promise_is_due_at_the_time_given_by_at(folder: Path) -> None:
    (folder / "mirror/policy").write_bytes(made.NO_WITNESS)
    assert "not due yet" in verify("mirror", "--promise", "late.txt", "--at", str(made.WITNESSED)).stdout
    report = found("mirror", "--promise", "late.txt", "--at", str(made.WITNESSED + 50), code=1)
    assert report["promises"] == [{"include_by": made.WITNESSED + 50, "state": "overdue", "revoked": None}]


def test_a_trusted_witness_dates_the_copy_for_a_promise(folder: Path) -> None:
    (folder / "due.txt").write_bytes(
        made.tlog.Promise(made.ORIGIN, bytes(32), made.WITNESSED).sign(made.PROMISER)
    )
    words = ("mirror", "--promise", "due.txt", "--at", str(made.WITNESSED))
    for witness, state in ((made.FIRST, "broken"), (made.SECOND, "overdue")):
        report = found(*words, "--witness", str(witness.verifier), code=1)
        assert report["promises"] == [{"include_by": made.WITNESSED, "state": state, "revoked": None}]
    assert "a log's" in refused(*words, "--witness", str(made.CAROL.verifier))


def test_what_cannot_be_checked_exits_with_2(folder: Path) -> None:
    assert "There is no nowhere" in refused("nowhere")
    assert "is not a bundle" in refused("email.txt")
    assert "--proof" in refused("entry.tlog-proof")
    assert "nothing.txt holds no checkpoint" in refused("mirror", "--checkpoint", "nothing.txt")
    assert "email.txt holds no promise" in refused("mirror", "--promise", "email.txt")
    assert "email.txt holds no proof" in refused("mirror", "--proof", "email.txt")
    assert "cannot be read" in refused("mirror", "--checkpoint", "nowhere")
    assert "too long" in refused("mirror", "--checkpoint", "long.txt")
    assert "--log cannot be read" in refused("mirror", "--log", "garbage")
    assert "a witness's" in refused("mirror", "--log", str(made.FIRST.verifier))
    assert verify().exit_code == verify("mirror", "--at", "-1").exit_code == 2


def test_a_failure_of_the_check_itself_is_not_reported_as_a_forgery(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("check", "read"):
        with monkeypatch.context() as broken:
            broken.setattr(commands, name, lambda *_, **more: [][1])
            assert "the check itself failed (IndexError: list index" in refused("bundle.zip")


def test_progress_is_printed_only_on_a_terminal_and_after_a_while(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify("mirror").stderr == ""
    monkeypatch.setattr(commands, "PATIENCE", -1.0)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    commands._read("mirror")
    assert capsys.readouterr().err == "\r256 of 300 entries read\r300 of 300 entries read\n"


def test_it_runs_without_a_server(folder: Path) -> None:
    """It runs as an installed command, in an empty environment."""
    done = subprocess.run(
        [sys.executable, "-m", "sabal", "verify", "bundle.zip"],
        env={"PATH": os.environ["PATH"], "HOME": str(folder)},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "") and done.stdout.startswith("OK: ")
    assert not (folder / "var").exists()
