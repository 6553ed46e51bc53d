"""`verify.py`, run as a recipient runs it, and compared with an independent judge on a thousand changed bundles."""

import argparse
import contextlib
import functools
import io
import json
import os
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner

import tlog
from carried import bundles, jsons, kept_files, mutants, zips
from carried.bundles import CAROL, COSIGNED, KINDS, WITNESSES, Files, email_with, judged
from carried.checkers import NOTHING_KEPT, NUMBERS, VERIFY, load
from sabal import strict
from sabal.checking import bundle, check, commands, finding, reading
from sabal.checking.copy import MOST_MANIFEST, CannotCheck
from sabal.checking.kept import Kept
from sabal.checking.records import MOST_LINE
from tlog.entry import Open, Sign

pytestmark = pytest.mark.slow  # each test runs verify.py as a program


def run(*arguments: object, python: str = sys.executable, **more: Any) -> subprocess.CompletedProcess[str]:
    command = [python, str(VERIFY), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **more)


def result(*arguments: object) -> dict[str, Any]:
    done = run(*arguments, "--json")
    found: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == (0 if found["ok"] else 1) and done.stderr == ""
    return found


def write(folder: Path, files: Files) -> Path:
    path = folder / "bundle.zip"
    path.write_bytes(bundles.zipped(files))
    return path


def unpack(folder: Path, files: Files) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


@pytest.fixture(scope="module")
def checker() -> ModuleType:
    return load()


@pytest.mark.parametrize("name", bundles.good())
def test_a_valid_bundle_is_ok(name: str, tmp_path: Path) -> None:
    files = bundles.good()[name]
    found = result(write(tmp_path, files))
    assert found["problems"] == []
    assert {key: found[key] for key in bundles.judge(files)} == bundles.judge(files)


def test_a_seed_that_would_take_minutes_is_refused(tmp_path: Path) -> None:
    """NFC of a long row of marks takes quadratic time, and sample.json may have 32 MB."""
    log = bundles.log(60)
    for seed, ok in (("7" * 1_000, True), ("7" * 1_001, False)):
        path = write(tmp_path, bundles.files(log, sample=(seed, 5)))
        assert result(path)["ok"] is ok
        assert CliRunner().invoke(commands.verify, [str(path)]).exit_code == (0 if ok else 1)
    hostile = bundles.files(log, sample=("7" * 1_000, 5))
    hostile["sample.json"] = hostile["sample.json"].replace(b"7" * 1_000, "\u0301\u0323".encode() * 200_000)
    started = time.monotonic()
    assert not result(write(tmp_path, hostile))["ok"] and time.monotonic() - started < 20


def test_the_result_has_every_value(tmp_path: Path) -> None:
    log = bundles.log(60, amend=True, revoke=True, close=True, quorum="two", cosigners=("first", "third"))
    path = write(tmp_path, bundles.files(log, sample=("수요일", 1000), unopened=2))
    found, day = result(path, "--at", COSIGNED), "24 November 2026"
    first, second = (tlog.entry.parse(log.entries[index]) for index in (0, 30))
    text = second.manifest_hash.hex()
    assert found == {
        "ok": True,
        "sentence": f"OK: the petition “Keep the orchard” by Orchard Friends, checked on {day}: 37"
        " signatures count (47 confirmed, 2 withdrawn, 8 invalidated); 35 shown and matched; the"
        f" text is manifest {text[:8]}…{text[-4:]}; witnessed by first on 24 November 2026 and third on"
        " 25 November 2026.",
        "problems": [],
        "origin": bundles.ORIGIN,
        "size": 60,
        "root": log.root.hex(),
        "signed": 47,
        "counted": 37,
        "withdrawn": 2,
        "invalidated": 8,
        "closed": True,
        "manifests": [{"index": 0, "sha256": first.manifest_hash.hex()}, {"index": 30, "sha256": text}],
        "shown": 35,
        "matched": 35,
        "sample": {"seed": "수요일", "wanted": 1000, "chosen": 37, "unopened": 2},
        "witnesses": [
            {"name": "first", "time": COSIGNED, "key": str(WITNESSES["first"].verifier)},
            {"name": "third", "time": COSIGNED + 86_400, "key": str(WITNESSES["third"].verifier)},
        ],
        "quorum": True,
        "checkpoints": [],
        "promises": [],
        "proofs": [],
        "log_key": str(CAROL.verifier),
        "title": "Keep the orchard",
        "organiser": "Orchard Friends",
        "checked": COSIGNED,
    }


def test_it_prints_the_sentence_the_limits_and_the_keys(tmp_path: Path) -> None:
    done = run(write(tmp_path, bundles.good()["everything"]))
    assert done.returncode == 0
    first = done.stdout.splitlines()[0]
    assert first.startswith("OK: the petition “Keep the orchard” by Orchard Friends, checked on ")
    assert ": 37 signatures count (47 confirmed, 2 withdrawn, 8 invalidated); 37 shown" in first
    joined = " ".join(done.stdout.split())
    assert "The log shows that nothing was taken out or changed. That signers are people rests on" in joined
    assert "confirmed email addresses and, where done, on an outsider's random sample." in joined
    *_, key, witnesses = done.stdout.splitlines()
    assert key.endswith(f": {CAROL.verifier}")
    both = f"{WITNESSES['first'].verifier}, {WITNESSES['third'].verifier}"
    assert witnesses == f"The witnesses' keys, to compare in the same way: {both}"
    done = run(write(tmp_path, bundles.good()["bare"]))
    assert done.stdout.rstrip().endswith(f": {CAROL.verifier}")


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-16"])
def test_a_pipe_gets_utf_8_in_any_environment(encoding: str, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    files = bundles.good()["sample"]
    assert "“Keep the orchard”" in run(write(tmp_path, files), env=environment).stdout
    assert "수지.zip" in run(tmp_path / "수지.zip", env=environment).stderr


def test_without_a_name_it_checks_its_own_folder(tmp_path: Path) -> None:
    unpack(tmp_path, {**bundles.good()["sample"], "verify.py": VERIFY.read_bytes()})
    done = subprocess.run(
        [sys.executable, str(tmp_path / "verify.py")],
        capture_output=True,
        text=True,
        timeout=60,
        cwd="/",
        check=False,
    )
    assert (done.returncode, done.stdout[:4]) == (0, "OK: ")


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 65_537])
@pytest.mark.parametrize("kept", ["partial tiles", "full tiles alone"])
def test_a_mirror_in_tiles_is_read(size: int, kept: str, tmp_path: Path) -> None:
    """This includes a mirror without partial tiles, because the log has grown since."""
    log = bundles.log(size) if size < 1_000 else _large(size)
    files = {name: data for name, data in bundles.files(log).items() if name != "entries"}
    padded = [*log.entries, *[Sign(bytes(32)).encode()] * 255]
    for tile in tlog.new_bundles(0, size):
        whole = tile if kept == "partial tiles" else tlog.Tile(tile.level, tile.index)
        first = tile.index * 256
        files[whole.path] = tlog.encode_bundle(padded[first : first + whole.width])
    found = result(unpack(tmp_path, files))
    assert (found["ok"], found["size"], found["root"]) == (True, size, log.root.hex())
    changed = (
        tmp_path / "tile/entries/000.p" / str(size)
        if kept == "partial tiles" and size < 256
        else tmp_path / "tile/entries/000"
    )
    data = changed.read_bytes()
    changed.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    if kept == "partial tiles" or size >= 256:
        assert not result(tmp_path)["ok"]


@functools.cache
def _large(size: int) -> bundles.Log:
    entries = [bundles.log(1).entries[0], *(Sign(index.to_bytes(32)).encode() for index in range(1, size))]
    return bundles.Log(tuple(entries), (bundles.FIRST,), {})


# Checkpoints, promises and proofs from elsewhere: steps 6 to 8.


@pytest.fixture
def grown() -> bundles.Log:
    return bundles.log(40, revoke=True, quorum="two", cosigners=("first", "second"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_saved_email_agrees_with_the_copy(kind: str, grown: bundles.Log, tmp_path: Path) -> None:
    (tmp_path / "email.eml").write_bytes(email_with(grown.checkpoint(17), kind))
    found = result(write(tmp_path, bundles.files(grown)), "--checkpoint", tmp_path / "email.eml")
    assert (found["ok"], found["checkpoints"]) == (True, [{"size": 17, "consistent": True}])


def test_many_checkpoints_of_every_size_agree(grown: bundles.Log, tmp_path: Path) -> None:
    for size in range(1, 41):
        (tmp_path / f"{size}").write_bytes(grown.checkpoint(size, cosigners=("third",)))
    options = [option for size in range(1, 41) for option in ("--checkpoint", tmp_path / f"{size}")]
    found = result(write(tmp_path, bundles.files(grown)), *options)
    assert found["ok"] and found["checkpoints"] == [
        {"size": size, "consistent": True} for size in range(1, 41)
    ]


def test_an_older_copy_and_a_rewritten_log_get_different_sentences(
    grown: bundles.Log, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    older = bundles.resigned(bundles.files(grown), grown.entries[:30], grown.cosigners)
    kept.write_bytes(grown.checkpoint())
    found = result(write(tmp_path, older), "--checkpoint", kept)
    assert "this copy is older than what was seen" in found["problems"][0]
    assert found["checkpoints"] == [{"size": 40, "consistent": False}]
    kept.write_bytes(bundles.signed(tlog.Checkpoint(bundles.ORIGIN, 30, b"x" * 32)))
    found = result(write(tmp_path, bundles.files(grown)), "--checkpoint", kept)
    assert "the log was changed" in found["problems"][0] and found["checkpoints"] == [
        {"size": 30, "consistent": False}
    ]


def test_a_checkpoint_by_an_unknown_key_is_wrong(grown: bundles.Log, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    eve = tlog.Signer(bundles.ORIGIN, b"e" * 32)
    kept.write_bytes(tlog.Checkpoint(bundles.ORIGIN, 2, bundles.root(grown.entries[:2])).sign(eve))
    assert (
        "No log of the policy"
        in result(write(tmp_path, bundles.files(grown)), "--checkpoint", kept)["problems"][0]
    )


@pytest.mark.parametrize("name", kept_files.CASES)
def test_the_checkpoints_of_a_file_that_this_log_signed_are_compared(name: str, tmp_path: Path) -> None:
    """Only those by the key that signed this copy are compared with it. `sabal verify` and `verify.py` agree."""
    case, kept = kept_files.CASES[name], tmp_path / "kept"
    kept.write_bytes(case.kept)
    path = write(tmp_path, case.files)
    found = result(path, "--checkpoint", kept)
    assert case.agrees_with(found), found
    said = CliRunner().invoke(commands.verify, [str(path), "--checkpoint", str(kept), "--json"])
    assert said.exit_code == (0 if case.problem is None else 1) and case.agrees_with(
        json.loads(said.stdout)
    ), said.output


@pytest.mark.parametrize(
    ("index", "include_by", "state"),
    [
        (3, COSIGNED - 9, "kept"),
        (3, COSIGNED + 10**6, "kept"),
        (45, COSIGNED + 86_400, "broken"),
        (45, COSIGNED + 86_401, "overdue"),
        (45, COSIGNED + 10**6 + 1, "waiting"),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_a_promise_is_kept_broken_or_not_due(
    index: int, include_by: int, state: str, kind: str, grown: bundles.Log, tmp_path: Path
) -> None:
    later = bundles.log(50, revoke=True)
    (tmp_path / "email.eml").write_bytes(email_with(later.promise(index, include_by), kind))
    found = result(write(tmp_path, bundles.files(grown)), "--promise", tmp_path / "email.eml",
                   "--at", COSIGNED + 10**6, "--witness", bundles.WITNESSES["second"].verifier)  # fmt: skip
    assert (found["ok"], found["promises"]) == (
        state in ("kept", "waiting"),
        [{"include_by": include_by, "state": state, "revoked": None}],
    )
    assert ("broke its word" in found["sentence"]) == (state == "broken")


@pytest.mark.parametrize(("at", "state"), [(99, "waiting"), (100, "overdue")])
def test_a_promise_is_overdue_by_the_clock_if_no_witness_dates_the_copy(
    at: int, state: str, tmp_path: Path
) -> None:
    (tmp_path / "promise").write_bytes(bundles.log(50).promise(45, 100))
    found = result(write(tmp_path, bundles.good()["size 2"]), "--promise", tmp_path / "promise", "--at", at)
    assert found["promises"] == [{"include_by": 100, "state": state, "revoked": None}]


def test_a_promise_by_another_key_is_wrong(grown: bundles.Log, tmp_path: Path) -> None:
    promise = tlog.Promise(bundles.ORIGIN, b"x" * 32, 5).sign(tlog.promise_key(bundles.ORIGIN, b"e" * 32))
    (tmp_path / "promise").write_bytes(promise)
    found = result(write(tmp_path, bundles.files(grown)), "--promise", tmp_path / "promise")
    assert "not signed by the key" in found["problems"][0] and found["promises"] == []


def test_an_unreadable_promise_key_is_skipped(tmp_path: Path) -> None:
    log = bundles.with_another_promise_key("nonsense")
    (tmp_path / "promise").write_bytes(log.promise(3, 5))
    found = result(write(tmp_path, bundles.files(log)), "--promise", tmp_path / "promise")
    assert (found["ok"], found["promises"]) == (True, [{"include_by": 5, "state": "kept", "revoked": None}])


def test_proofs_of_every_entry_hold_and_altered_ones_do_not(
    grown: bundles.Log, tmp_path: Path, checker: ModuleType
) -> None:
    bundle, kept = write(tmp_path, bundles.files(grown)), tmp_path / "p.tlog-proof"
    given = argparse.Namespace(**{**vars(NOTHING_KEPT), "proof": [str(kept)]})
    for size in (1, 2, 7, 31, 40):
        for index in range(size):
            proof = grown.proof(index, size)
            kept.write_bytes(proof)
            found = checker.check(checker.reader(str(bundle)), given)
            assert (found["problems"], found["checkpoints"]) == ([], [{"size": size, "consistent": True}])
            kept.write_bytes(proof.replace(b"index %d\n" % index, b"index %d\n" % (index + 1)))
            assert not checker.check(checker.reader(str(bundle)), given)["ok"]
    lines = grown.proof(5).split(b"\n")
    for changed in (
        lines[:2] + lines[3:],
        [*lines[:2], lines[2], *lines[2:]],
        [b"", *lines],
        lines[:1] + lines[2:],
    ):
        kept.write_bytes(b"\n".join(changed))
        try:
            assert not checker.check(checker.reader(str(bundle)), given)["ok"]
        except checker.Unchecked as unchecked:  # this is no proof any more
            assert "holds no proof" in str(unchecked)


def test_a_proof_from_before_the_witnesses_were_chosen_holds(grown: bundles.Log, tmp_path: Path) -> None:
    """The copy continues from its checkpoint, and the copy's checkpoint has its quorum."""
    (tmp_path / "p").write_bytes(replace(grown, cosigners=()).proof(5))
    found = result(write(tmp_path, bundles.files(grown)), "--proof", tmp_path / "p")
    assert found["ok"] and found["proofs"] == [{"index": 5, "revoked": None}]


def test_the_revocation_of_a_signature_is_reported(grown: bundles.Log, tmp_path: Path) -> None:
    (revocation,) = [one for one in grown.entries if one[1] == tlog.entry.Type.REVOKE][:1]
    gone, reason = int.from_bytes(revocation[2:10]), revocation[10]
    (tmp_path / "promise").write_bytes(grown.promise(gone, 5))
    (tmp_path / "proof").write_bytes(grown.proof(gone))
    bundle = write(tmp_path, bundles.files(grown))
    kept = ("--promise", tmp_path / "promise", "--proof", tmp_path / "proof")
    found = result(bundle, *kept)
    assert found["promises"] == [{"include_by": 5, "state": "kept", "revoked": reason}]
    assert found["proofs"] == [{"index": gone, "revoked": reason}]
    said = run(bundle, *kept).stdout
    assert said.count("the signature was revoked") == 2 and "is the operator's word" in said


def test_the_key_given_with_log_must_have_signed(tmp_path: Path) -> None:
    bundle = write(tmp_path, bundles.good()["bare"])
    assert result(bundle, "--log", CAROL.verifier)["ok"]
    assert not result(bundle, "--log", tlog.Signer(bundles.ORIGIN, b"e" * 32).verifier)["ok"]


# If it cannot be checked: exit code 2, and a sentence with the next step.


def test_what_cannot_be_read_is_reported_with_exit_code_2(tmp_path: Path) -> None:
    good = bundles.good()["everything"]
    cases: dict[str, bytes] = {
        "none.zip": b"",
        "text.zip": b"hello",
        "sealed.zip.age": b"age-encryption.org/v1",
        "cut.zip": bundles.zipped(good)[:-50],
        "more.zip": bundles.zipped({**good, "signatures.csv": b"a,b"}),
        "less.zip": bundles.zipped({name: data for name, data in good.items() if name != "policy"}),
    }
    for name, data in cases.items():
        (tmp_path / name).write_bytes(data)
        done = run(tmp_path / name)
        assert (done.returncode, done.stdout) == (2, ""), name
        assert done.stderr.startswith("NOT CHECKED: ") and "Traceback" not in done.stderr
    assert run(tmp_path / "missing.zip").returncode == 2
    assert run("--at", "noon").returncode == 2
    (tmp_path / "nothing.txt").write_text("Dear Suzie")
    done = run(write(tmp_path, good), "--checkpoint", tmp_path / "nothing.txt")
    assert done.returncode == 2 and "holds no checkpoint" in done.stderr


def test_a_failure_of_the_program_itself_is_not_reported_as_a_forgery(
    checker: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Wherever it happens, it gives one sentence and exit code 2."""
    monkeypatch.setattr(sys, "argv", ["verify.py", str(write(tmp_path, bundles.good()["bare"]))])
    for name, error in (
        ("check", MemoryError()),
        ("show", RuntimeError("a\n\x1b[2Jb")),
        ("zip_members", OverflowError()),
    ):
        with monkeypatch.context() as broken:
            broken.setattr(checker, name, lambda *_, error=error: (_ for _ in ()).throw(error))
            assert checker.main() == 2
        said = capsys.readouterr()
        assert said.out == "" and said.err.startswith("NOT CHECKED: ") and said.err.count("\n") == 1, said.err
        assert said.err[:-1].isprintable()
    assert checker.main() == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full disk to write to")
def test_a_full_disk_is_not_reported_as_a_forgery(tmp_path: Path) -> None:
    path = write(tmp_path, bundles.good()["bare"])
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([sys.executable, str(VERIFY), str(path)], stdout=full, stderr=subprocess.PIPE,
                              text=True, timeout=60, check=False)  # fmt: skip
    assert done.returncode == 2 and done.stderr.startswith("NOT CHECKED: ") and "Traceback" not in done.stderr


def test_a_deeply_nested_email_is_read_as_text(grown: bundles.Log, tmp_path: Path) -> None:
    (tmp_path / "email.eml").write_bytes(zips.NESTED_MAIL + grown.checkpoint(5))
    found = result(write(tmp_path, bundles.files(grown)), "--checkpoint", tmp_path / "email.eml")
    assert (found["ok"], found["checkpoints"]) == (True, [{"size": 5, "consistent": True}])
    (tmp_path / "email.eml").write_bytes(grown.checkpoint(5) + bytes(16 << 20))
    done = run(tmp_path / "bundle.zip", "--checkpoint", tmp_path / "email.eml")
    assert done.returncode == 2 and "longer than the limit" in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="stand-ins for openssl are shell scripts")
@pytest.mark.parametrize("stand_in", [None, "exit 1", "echo 'pkeyutl: Unknown option: -rawin' >&2; exit 1"])
def test_a_missing_or_old_openssl_is_not_reported_as_a_forgery(stand_in: str | None, tmp_path: Path) -> None:
    bundle = write(tmp_path, bundles.good()["bare"])
    (tmp_path / "bin").mkdir()
    if stand_in:
        (tmp_path / "bin" / "openssl").write_text(f"#!/bin/sh\n{stand_in}\n")
        (tmp_path / "bin" / "openssl").chmod(0o755)
    done = run(bundle, env={"PATH": str(tmp_path / "bin"), "TMPDIR": str(tmp_path)})
    assert (
        done.returncode == 2
        and "openssl, version 3.0 or newer" in done.stderr
        and "check.html" in done.stderr
    )
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("tmp")] == []


def test_a_bundle_cannot_control_the_terminal(tmp_path: Path) -> None:
    files = bundles.good()["one enough"]
    policy = files["policy"].replace(b" third", " \u202e\u202a".encode())
    done = run(write(tmp_path, {**files, "policy": policy}))
    assert done.returncode == 0 and "\u202e" not in done.stdout and "witnessed by \ufffd\ufffd" in done.stdout


@pytest.mark.parametrize("code", [0, 1])
def test_a_closed_pipe_gives_no_traceback(code: int, tmp_path: Path) -> None:
    """This is `verify.py b.zip | head -1`. The exit code is still that of the check."""
    files = bundles.good()["everything"]
    path = write(tmp_path, files if code == 0 else {**files, "entries": files["entries"][:-1]})
    for option in ([], ["--json"]):
        reader, writer = os.pipe()
        os.close(reader)
        try:
            done = subprocess.run(
                [sys.executable, str(VERIFY), str(path), *option],
                stdout=writer,
                stderr=subprocess.PIPE,
                timeout=60,
                check=False,
            )
        finally:
            os.close(writer)
        assert (done.returncode, done.stderr) == (code, b""), option


# JSON.


@pytest.mark.parametrize(("values", "alike"), [(jsons.ALIKE, True), (jsons.DIFFERENTLY, False)])
def test_sabal_and_verify_py_accept_the_same_json(
    values: dict[str, bytes], alike: bool, checker: ModuleType
) -> None:
    """`sabal` and `verify.py` agree on it, alone and as part of a manifest."""
    for name, value in values.items():
        for parse, error in ((strict.parse, ValueError), (checker.from_json, checker.Wrong)):
            with contextlib.nullcontext() if alike else pytest.raises(error):
                parse(b'{"x": ' + value + b"}")
        files = bundles.files(bundles.with_json(value))
        found = checker.check(files.get, NOTHING_KEPT)
        assert found["ok"] == alike and (alike or "is not JSON with terms" in found["sentence"]), name
        ours = bundle.read_bundle(io.BytesIO(bundles.zipped(files)))
        assert check.check(ours, now=0).ok == alike, name


def test_the_length_of_a_record_has_a_limit(checker: ModuleType) -> None:
    files = bundles.good()["bare"]
    (line, *_) = files["records.jsonl"].splitlines(keepends=True)
    for spaces, holds in ((MOST_LINE + 1 - len(line), True), (MOST_LINE + 2 - len(line), False)):
        longer = {**files, "records.jsonl": b" " * spaces + line}
        assert checker.check(longer.get, NOTHING_KEPT)["ok"] == holds
        copy = bundle.read_bundle(io.BytesIO(bundles.zipped(longer)))
        assert check.check(copy, now=0).ok == holds


# Zips.


def test_a_zip_that_two_programs_could_read_differently_is_refused(tmp_path: Path) -> None:
    from sabal.checking import copy, reading

    files, path = bundles.good()["some fields"], tmp_path / "bundle.zip"
    for name, data in zips.packed_again(files).items():
        path.write_bytes(data)
        assert result(path)["ok"] and reading.read(str(path)).entries == files["entries"], name
    for name, data in zips.strange(files).items():
        path.write_bytes(data)
        done = run(path)
        assert (done.returncode, done.stdout) == (2, "") and done.stderr.startswith("NOT CHECKED: "), name
        assert done.stderr.count("\n") == 1, done.stderr
        with pytest.raises(copy.CannotCheck):
            reading.read(str(path))


def test_a_zip_bomb_is_not_unpacked(checker: ModuleType, tmp_path: Path) -> None:
    """The unpacked content of a bomb is never in memory. The limits are those of `sabal`."""
    assert {name: checker.limit_of(name) for name in bundle.LIMITS} == bundle.LIMITS
    assert checker.limit_of(f"manifests/{'0' * 64}.json") == MOST_MANIFEST and checker.limit_of("x") is None
    files, path = bundles.good()["bare"], tmp_path / "bomb.zip"
    for name, data in zips.bombs(files).items():
        path.write_bytes(data)
        done = run(path)
        assert (done.returncode, done.stdout) == (2, "") and "larger than the limit" in done.stderr, name
        with pytest.raises(CannotCheck, match="larger than the limit"):
            reading.read(str(path))
    folder = unpack(tmp_path / "folder", {**files, "policy": files["policy"] + b"#" * (1 << 16) + b"\n"})
    assert run(folder).returncode == 2 and "longer than the limit" in run(folder).stderr


# A thousand mutants.


def verdict(checker: ModuleType, path: Path) -> dict[str, Any] | None:
    """Return the main numbers if `verify.py` finds the bundle valid, else None."""
    try:
        found = checker.check(checker.reader(str(path)), NOTHING_KEPT)
    except checker.Unchecked:
        return None
    return {key: found[key] for key in NUMBERS} if found["ok"] else None


def test_a_thousand_changed_bundles_get_the_expected_result(checker: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "mutant.zip"
    counted: Counter[bool] = Counter()
    begun = time.process_time()  # of this process alone: others keep the machine busy
    for mutant in mutants.mutants(seed=20261124, number=1_000):
        path.write_bytes(mutant.zip)
        expected, found = judged(mutant.zip), verdict(checker, path)
        if mutant.name.startswith("zip_") and found is None:
            expected = (
                None  # on the bytes of a zip a checker may be stricter than Python's zipfile, but never laxer
            )
        assert found == expected, mutant.name
        counted[expected is not None] += 1
    assert counted[False] > 600 and counted[True] > 80, counted  # most are refused, but not all
    assert time.process_time() - begun < 60


def test_sabal_and_verify_py_agree_on_valid_and_changed_bundles(checker: ModuleType, tmp_path: Path) -> None:
    """They give the same results, numbers and sentences. On the bytes of a zip `sabal` may be stricter."""
    why = "sabal.checking.check is missing: nothing was compared with sabal's own checker"
    check = pytest.importorskip("sabal.checking.check", reason=why)
    reading = pytest.importorskip("sabal.checking.reading", reason=why)
    cannot = pytest.importorskip("sabal.checking.copy", reason=why).CannotCheck
    path = tmp_path / "mutant.zip"
    good = [mutants.Mutant(name, bundles.zipped(files)) for name, files in bundles.good().items()]
    for mutant in [*good, *mutants.mutants(seed=7, number=600)]:
        path.write_bytes(mutant.zip)
        try:
            report = check.check(reading.read(str(path)), now=NOTHING_KEPT.at).as_json()
        except cannot:
            report = {"ok": False}
        theirs = (
            {
                key: report[key]
                for key in (*NUMBERS, "sentence", "sample", "manifests", "witnesses", "quorum", "log_key")
            }
            if report["ok"]
            else None
        )
        try:
            found = checker.check(checker.reader(str(path)), NOTHING_KEPT)
        except checker.Unchecked:
            found = {"ok": False}
        ours = {key: found[key] for key in theirs or NUMBERS} if found["ok"] else None
        if theirs is None and ours is not None and mutant.name.startswith("zip_"):
            continue
        assert ours == theirs, mutant.name


@pytest.mark.parametrize("first", [1, 2, 19])
def test_sabal_and_verify_py_report_a_repeated_commitment_alike(
    first: int, checker: ModuleType, tmp_path: Path
) -> None:
    from sabal.checking import check, reading

    log = bundles.log(20)
    entries = [*log.entries, Sign(bytes(32)).encode(), log.entries[first]]
    path = write(tmp_path, bundles.resigned(bundles.files(log), entries))
    sentence = f"Entry 21: its commitment is that of entry {first}, and each may be in the log only once."
    assert check.check(reading.read(str(path)), now=0).problems == (sentence,)
    assert checker.check(checker.reader(str(path)), NOTHING_KEPT)["problems"] == [sentence]


@pytest.mark.parametrize("kind", KINDS)
def test_sabal_and_verify_py_agree_on_kept_files(
    kind: str, checker: ModuleType, grown: bundles.Log, tmp_path: Path
) -> None:
    gone = next(int.from_bytes(one[2:10]) for one in grown.entries if one[1] == tlog.entry.Type.REVOKE)
    path, later = write(tmp_path, bundles.files(grown)), bundles.log(50, revoke=True)
    forked = bundles.signed(tlog.Checkpoint(bundles.ORIGIN, 30, b"x" * 32))
    eves = tlog.Promise(bundles.ORIGIN, b"x" * 32, 5).sign(tlog.promise_key(bundles.ORIGIN, b"e" * 32))
    due = COSIGNED + 86_400
    cases: list[tuple[str, bytes]] = [
        *(
            ("checkpoint", email_with(note, kind))
            for note in (grown.checkpoint(17), later.checkpoint(), forked)
        ),
        *(("promise", email_with(later.promise(45, time), kind)) for time in (due, due + 1)),
        ("promise", email_with(grown.promise(3, 5), kind)),
        ("promise", email_with(grown.promise(gone, 5), kind)),
        ("proof", grown.proof(gone)),
        ("promise", email_with(eves, kind)),
        ("proof", grown.proof(9, 30)),
        ("proof", grown.proof(9, 30).replace(b"index 9", b"index 8")),
    ]
    for option, data in cases:
        (tmp_path / "kept").write_bytes(data)
        ours = checker.check(
            checker.reader(str(path)),
            argparse.Namespace(**{**vars(NOTHING_KEPT), option: [str(tmp_path / "kept")]}),
        )
        kept = {
            "checkpoint": lambda data: Kept(checkpoints=finding.checkpoints_in(data)),
            "promise": lambda data: Kept(promises=finding.promises_in(data)),
            "proof": lambda data: Kept(proofs=[data]),
        }[option](data)
        theirs = check.check(reading.read(str(path)), now=0, kept=kept).as_json()
        same = ("ok", "checkpoints", "promises", "proofs")
        assert [ours[key] for key in same] == [theirs[key] for key in same], (option, data)


# Speed and old Pythons.


def test_a_million_entries_take_seconds(tmp_path: Path) -> None:
    size = 1_000_000
    entries = bundles.log(1).entries[0] + b"".join(b"\1\1" + index.to_bytes(32) for index in range(1, size))
    leaves = tlog.leaf_hashes(entries[at : at + 34] for at in range(0, len(entries), 34))
    note = bundles.signed(tlog.Checkpoint(bundles.ORIGIN, size, tlog.root(leaves)))
    path = write(tmp_path, {**bundles.good()["size 2"], "checkpoint": note, "entries": entries})
    begun = time.monotonic()
    assert result(path)["counted"] == size - 1
    assert time.monotonic() - begun < 20


def pythons() -> list[str]:
    """Return the installed Pythons from version 3.8 on."""
    names = [f"python3.{minor}" for minor in range(8, 16)]
    folders = [Path("/usr/bin"), Path("/usr/local/bin"), *Path.home().glob(".pyenv/versions/3.*/bin")]
    return sorted(str(folder / name) for folder in folders for name in names if (folder / name).exists())


@pytest.mark.parametrize("python", pythons())
def test_every_installed_python_runs_it(python: str, tmp_path: Path) -> None:
    done = run(write(tmp_path, bundles.good()["sample"]), python=python)
    assert (done.returncode, done.stdout[:4], done.stderr) == (0, "OK: ", "")


def test_the_first_entry_of_the_test_logs_is_an_open_entry() -> None:
    assert isinstance(tlog.entry.parse(bundles.log(1).entries[0]), Open)
