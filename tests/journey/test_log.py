"""The public log of a real server: the files that signers save, and the checks of outsiders."""

import json
import re
import subprocess
import sys
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import tlog
from journey.signer import Signer, wait_for
from sabal import database as raw
from sabal import token
from sabal.keys.keystore import open_keystore
from sabal.keys.signer import promise_key_name
from sabal.petitions.consent import consent_version
from sabal.records.record import commitment, seed
from served import SLUG, Served

FAR = 4_000_000_000  # Unix time (seconds), in 2096


def log_file(served: Served, path: str) -> bytes:
    """Return a file of the log, fetched from the site."""
    with urllib.request.urlopen(f"{served.base}/{SLUG}/log/{path}", timeout=10) as answer:
        found: bytes = answer.read()
    return found


def verify(served: Served, *options: object, what: str = "", code: int = 0) -> dict[str, Any]:
    """Return the JSON of `sabal verify` for the petition's log, or for a copy of it."""
    done = served.sabal("verify", what or f"{served.base}/{SLUG}", "--json", *map(str, options))
    assert done.returncode == code, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def counts(served: Served) -> dict[str, Any]:
    with urllib.request.urlopen(f"{served.base}/{SLUG}/count.json", timeout=10) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def published(served: Served) -> tlog.Checkpoint:
    return tlog.checkpoint.peek(log_file(served, "checkpoint"))


def in_the_log(signer: Signer) -> bool:
    return "It is in our public log, as of batch" in signer.refresh_receipt()


def three_sign(served: Served, folder: Path) -> list[Signer]:
    """Let Suzie, Max and Kim sign. Each has an email, and a promise and a proof (after the batch) in `folder`."""
    # Emails contain the log's checkpoint once there is one.
    wait_for(lambda: (served.data / "public" / SLUG / "log" / "checkpoint").exists())
    signers = [Signer(served, "Suzie"), Signer(served, "Max", "DE"), Signer(served, "Kim", "")]
    for signer in signers:
        signer.sign()
        signer.confirm()
        assert "It will be in our public log by" in signer.receipt
        signer.save("promise", folder / f"{signer.name}.txt")
    served.wait_for_count(3)
    for signer in signers:
        wait_for(lambda signer=signer: in_the_log(signer))  # type: ignore[misc]
        signer.save("tlog-proof", folder / f"{signer.name}.tlog-proof")
    return signers


def evidence(signer: Signer, folder: Path) -> list[object]:
    """Return the options that check the log against everything that this signer was given."""
    return [
        "--promise", folder / f"{signer.name}.txt", "--proof", folder / f"{signer.name}.tlog-proof",
        "--checkpoint", signer.email_file,
    ]  # fmt: skip


def entry_of(served: Served, signer: Signer, folder: Path) -> tuple[int, bytes]:
    """Return the index of the signer's entry, and the entry computed only from proof, email and form."""
    proof = tlog.Proof.parse((folder / f"{signer.name}.tlog-proof").read_bytes())
    with urllib.request.urlopen(f"{served.base}/{SLUG}/manifest.json", timeout=10) as answer:
        manifest = answer.read()
    said = {
        "name": signer.name, "email": signer.address, "place": signer.country, "comment": "",
        "consent": consent_version(json.loads(manifest)["terms"]["consent"]["en"]), "day": signer.day,
    }  # fmt: skip
    t, hash_ = token.decode(signer.token), tlog.entry.parse(entries(served)[0]).manifest_hash  # type: ignore[union-attr]
    assert t is not None and proof.extra is not None
    made = tlog.entry.Sign(commitment(hash_, seed(t, proof.extra), said)).encode()
    proof.verify(tlog.leaf_hash(made), tlog.Policy.parse(log_file(served, "policy")))
    return proof.index, made


def entries(served: Served) -> list[bytes]:
    size = published(served).size
    return tlog.decode_bundle(log_file(served, f"tile/entries/000.p/{size}"), size)


def test_the_files_of_signers_check_the_log(served_alone: Served, tmp_path: Path) -> None:
    signers = three_sign(served_alone, tmp_path)
    for signer in signers:
        found = verify(served_alone, *evidence(signer, tmp_path))
        assert ": 3 signatures count (3 confirmed);" in found["sentence"]
        assert (found["counted"], found["signed"]) == (counts(served_alone)["counted"], 3)
        assert [promise["state"] for promise in found["promises"]] == ["kept"]
        assert [one["consistent"] for one in found["checkpoints"]] == [True, True]
        index, made = entry_of(served_alone, signer, tmp_path)
        assert entries(served_alone)[index] == made
    assert {entry_of(served_alone, signer, tmp_path)[0] for signer in signers} == {1, 2, 3}

    before = published(served_alone)
    signers[0].withdraw()
    ana = Signer(served_alone, "Ana")
    ana.sign()
    ana.confirm()
    wait_for(lambda: counts(served_alone)["counted"] == 3 and published(served_alone).size == 6)
    found = verify(served_alone, *[option for signer in signers for option in evidence(signer, tmp_path)])
    assert (found["signed"], found["withdrawn"], found["counted"]) == (4, 1, 3)
    assert all(one["consistent"] for one in found["checkpoints"])
    assert {one["size"] for one in found["checkpoints"]} >= {1, before.size}
    (older,) = verify(served_alone, "--checkpoint", ana.email_file)["checkpoints"]
    assert older["consistent"] and older["size"] < 6
    check_a_bundle(served_alone, signers[1], tmp_path)
    check_a_broken_promise(served_alone, tmp_path)


def check_a_bundle(served: Served, max_: Signer, folder: Path) -> None:
    by_address, by_name = folder / "address.zip", folder / "name.zip"
    for what, out in ((f"{served.base}/{SLUG}", by_address), (SLUG, by_name)):
        done = served.sabal("bundle", what, "--show", "none", "--out", str(out))
        assert done.returncode == 0 and ": 3 signatures count" in done.stdout, done.stderr
    assert by_address.read_bytes() == by_name.read_bytes()
    said = done.stdout.splitlines()[0]
    assert verify(served, *evidence(max_, folder), what=str(by_name))["sentence"] == said
    with zipfile.ZipFile(by_name) as archive:
        archive.extractall(folder / "opened")
    for what in ((), (str(by_name),)):
        alone = subprocess.run(
            [sys.executable, str(folder / "opened" / "verify.py"), *what, *map(str, evidence(max_, folder))],
            capture_output=True,
            text=True,
            timeout=60,
            env={"PATH": "/usr/bin:/bin"},
            check=False,
        )
        assert (alone.returncode, alone.stdout.splitlines()[0]) == (0, said), alone.stderr


def check_a_broken_promise(served: Served, folder: Path) -> None:
    """Check that a broken promise is reported, and one whose day is still to come is not."""
    url = served.environment.get("SABAL_DATABASE_URL") or f"sqlite://{served.data / 'sabal.sqlite3'}"
    with closing(raw.connect(url)) as database:
        ((petition_id, origin),) = database.query("SELECT id, origin FROM petitions_petition", ())
        secret = open_keystore(served.data / "server.key").find(database, promise_key_name(petition_id))
    leaf = tlog.leaf_hash(tlog.entry.Sign(b"s" * 32).encode())
    promise = folder / "never.txt"
    promise.write_bytes(tlog.Promise(origin, leaf, FAR).sign(tlog.promise_key(origin, secret)))
    assert verify(served, "--promise", promise)["promises"] == [
        {"include_by": FAR, "state": "waiting", "revoked": None}
    ]
    found = verify(served, "--promise", promise, "--at", FAR, code=1)
    assert found["promises"] == [{"include_by": FAR, "state": "overdue", "revoked": None}]
    assert "NOT OK: " in found["sentence"]
    for name in ("Max", "Kim"):
        assert verify(served, "--promise", folder / f"{name}.txt", "--at", FAR)["ok"]


@contextmanager
def witness(served: Served, folder: Path, port: int) -> Iterator[str]:
    """Run a partner's witness on this machine, and yield its line for a policy."""
    vkey = log_file(served, "policy").split()[1].decode()
    new = [] if (folder / "store").exists() else ["--new", "--name", "witness.example/w"]
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "sabal", "witness", "--store", str(folder / "store"), "--log", vkey),
            *("--port", str(port), *new),
        ],
        env=served.environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    try:
        lines = [process.stdout.readline() for _ in range(5)]
        found = re.search(r"witness\.example/w\+\S+", lines[1])
        port = int(re.findall(r"port (\d+)", lines[4])[0])
        assert found, lines
        yield f"witness partner {found[0]} http://127.0.0.1:{port}/"
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()


def test_a_chosen_witness_cosigns_and_its_absence_is_reported(served_alone: Served, tmp_path: Path) -> None:
    wait_for(lambda: (served_alone.data / "public" / SLUG / "log" / "checkpoint").exists())
    assert verify(served_alone)["quorum"] is None
    folder = tmp_path / "partner"
    folder.mkdir()
    with witness(served_alone, folder, 0) as line:
        (tmp_path / "policy").write_text(f"{line}\ngroup anybody any partner\nquorum anybody\n")
        done = served_alone.sabal("witnesses", SLUG, str(tmp_path / "policy"))
        assert done.returncode == 0, done.stderr
        suzie = Signer(served_alone, "Suzie")
        suzie.sign()
        suzie.confirm()
        served_alone.wait_for_count(1)
        assert b"quorum anybody" in wait_for(
            lambda: (p := log_file(served_alone, "policy")).count(b"partner") and p
        )
        wait_for(lambda: in_the_log(suzie))
        suzie.save("tlog-proof", tmp_path / "suzie.tlog-proof")
        found = verify(
            served_alone, "--checkpoint", suzie.email_file, "--proof", tmp_path / "suzie.tlog-proof"
        )
        assert found["quorum"] is True and [one["name"] for one in found["witnesses"]] == ["partner"]
        assert "witnessed by partner on" in found["sentence"]
        shown = served_alone.sabal("witnesses", SLUG)
        assert shown.returncode == 0 and "# partner witnessed 2 entries at" in shown.stdout
    max_ = Signer(served_alone, "Max")
    max_.sign()
    max_.confirm()
    served_alone.wait_for_count(2)  # published without the witness
    wait_for(lambda: published(served_alone).size == 3)
    found = verify(served_alone, "--proof", tmp_path / "suzie.tlog-proof", code=1)
    assert found["quorum"] is False and found["witnesses"] == []
    assert found["problems"] == ["Too few of the policy's witnesses have cosigned this checkpoint."]
    # After its return, the witness gets the next batch, from its last checkpoint on.
    port = int(line.rpartition(":")[2].strip("/"))
    with witness(served_alone, folder, port) as again:
        assert again == line
        max_.withdraw()
        wait_for(lambda: published(served_alone).size == 4)
        assert verify(served_alone, "--checkpoint", max_.email_file)["quorum"] is True


def test_a_changed_file_is_found_and_replaced(served_alone: Served, tmp_path: Path) -> None:
    three_sign(served_alone, tmp_path)
    log = served_alone.data / "public" / SLUG / "log"
    entries_file, tile = log / "tile/entries/000.p/4", log / "tile/0/000.p/4"
    honest = {path: path.read_bytes() for path in (entries_file, tile)}
    assert verify(served_alone, what=str(log))["ok"]
    served_alone.stop()  # a running server would serve its cached files for a while
    forged = bytearray(honest[entries_file])
    forged[-1] ^= 1
    entries_file.write_bytes(forged)
    tile.write_bytes(bytes(len(honest[tile])))
    found = verify(served_alone, what=str(log), code=1)
    assert ": The entries do not lead to the checkpoint's root" in found["sentence"]
    served_alone.start()
    wait_for(lambda: {path: path.read_bytes() for path in honest} == honest)
    assert verify(served_alone)["ok"] and verify(served_alone, what=str(log))["ok"]
    assert "missing or wrong, and made again: 2 public files of a log" in served_alone.output.read_text()
