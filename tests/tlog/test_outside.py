"""Check logs written by `tlog` with independent programs: openssl, and Go's golang.org/x/mod/sumdb."""

import base64
import os
import random
import shutil
import subprocess
import warnings
from pathlib import Path

import pytest

import logs
import tlog
from tlog import AddCheckpoint, HashReader, Proof, Tile

pytestmark = pytest.mark.slow  # starts other programs

GO = shutil.which("go") or "/usr/lib/go-1.19/bin/go"
GOPATH = Path("/usr/share/gocode")
MODULE = GOPATH / "src/golang.org/x/mod/sumdb/tlog"
PACKAGES = "golang-go golang-golang-x-mod-dev"
VKEY = str(logs.CAROL.verifier)
SIZES = (3, 255, 256, 257, 65_537, 70_000)
SPKI = bytes.fromhex("302a300506032b6570032100")  # RFC 8410 §4: the bytes before an Ed25519 public key


def skip_loudly(why: str) -> None:
    warnings.warn(f"The log's format was NOT checked from outside: {why}.", stacklevel=2)
    pytest.skip(why)


def publish(folder: Path, size: int) -> None:
    """Write a log with all the files that the Go program reads. The proofs are made from the log's own tiles."""
    logs.write_log(folder, size)
    old = size * 2 // 3
    (folder / "older").write_bytes(logs.checkpoint(old))
    reader = HashReader(size, lambda tile: (folder / tile.path).read_bytes())
    request = AddCheckpoint(old, tlog.consistency_proof(old, size, reader), logs.checkpoint(size))
    (folder / "request").write_bytes(request.encode())
    (folder / "proofs").mkdir()
    for index in {0, 1, size // 2, size - 1, *random.Random(size).sample(range(size), 3)}:
        path = tlog.inclusion_proof(index, size, reader)
        proof = Proof(index, path, logs.checkpoint(size), b"extra" if index % 2 else None)
        (folder / "proofs" / f"{index}.tlog-proof").write_bytes(proof.encode())


@pytest.fixture(scope="session")
def check(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the Go program, once a run."""
    if not Path(GO).exists() or not MODULE.is_dir():
        skip_loudly(f"Go and its packages are missing (Debian 12: apt install {PACKAGES})")
    home = tmp_path_factory.mktemp("go")
    source = shutil.copy(Path(__file__).parent / "go" / "check.go", home)
    environment = {**os.environ, "GO111MODULE": "off", "GOPATH": str(GOPATH), "GOCACHE": str(home / "cache")}
    command = [GO, "build", "-o", str(home / "check"), source]
    built = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    if built.returncode:
        skip_loudly(f"Go could not build the checker: {built.stderr.strip()[-300:]}")
    return home / "check"


@pytest.fixture(scope="session", params=SIZES)
def published(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int]:
    folder = tmp_path_factory.mktemp("log")
    publish(folder, request.param)
    return folder, request.param


def run(check: Path, folder: Path, vkey: str = VKEY) -> subprocess.CompletedProcess[str]:
    return subprocess.run([check, folder, vkey], capture_output=True, text=True, timeout=60, check=False)


def test_go_accepts_the_log(check: Path, published: tuple[Path, int]) -> None:
    folder, size = published
    done = run(check, folder)
    tally = tlog.Tally()
    tally.extend([logs.entry(index) for index in range(size)])
    revoked = tally.signed - tally.counted
    words = f"ok {size} entries: {tally.signed} signed, {revoked} revoked, {tally.counted} count\n"
    assert (done.stdout, done.returncode) == (words, 0)


def test_go_refuses_it_under_another_key(check: Path, published: tuple[Path, int]) -> None:
    assert run(check, published[0], str(tlog.Signer(logs.ORIGIN, b"e" * 32).verifier)).returncode == 1


def test_go_refuses_one_changed_byte(check: Path, published: tuple[Path, int]) -> None:
    """Change one file of each kind, then restore it. Use proofs without extra data, which is not authenticated."""
    folder, size = published
    proofs = sorted(path.relative_to(folder) for path in (folder / "proofs").glob("*[02468].tlog-proof"))
    kinds = [
        [tile.path for tile in tlog.new_bundles(0, size)],
        *[[t.path for t in tlog.new_tiles(0, size) if t.level == level] for level in range(3)],
        ["checkpoint"],
        ["older"],
        ["request"],
        proofs,
    ]
    chance = random.Random(size)
    for kind in filter(None, kinds):
        victim = folder / chance.choice(kind)
        good = victim.read_bytes()
        at = chance.randrange(len(good))
        victim.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        try:
            done = run(check, folder)
            assert done.returncode == 1, f"{victim}, byte {at}: {done.stdout}"
        finally:
            victim.write_bytes(good)
    assert run(check, folder).returncode == 0


def test_go_refuses_a_forged_size(check: Path, tmp_path: Path) -> None:
    publish(tmp_path, 257)
    (tmp_path / "checkpoint").write_bytes(
        tlog.Checkpoint(logs.ORIGIN, 256, logs.mth(0, 257)).sign(logs.CAROL)
    )
    assert run(check, tmp_path).returncode == 1


def test_the_folder_has_the_tiles_of_both_checkpoints(published: tuple[Path, int]) -> None:
    """Find no other tiles in the folder."""
    folder, size = published
    found = {str(path.relative_to(folder)) for path in (folder / "tile").rglob("*") if path.is_file()}
    sizes = (size * 2 // 3, size)
    wanted: set[Tile] = set()
    for each in sizes:
        wanted |= {*tlog.new_tiles(0, each), *tlog.new_bundles(0, each)}
    assert found == {tile.path for tile in wanted}


def test_openssl_verifies_a_checkpoints_signature(tmp_path: Path) -> None:
    if not shutil.which("openssl"):
        skip_loudly("openssl is not installed")
    text, _, line = logs.checkpoint(70_000).rpartition(b"\n\n")
    der = SPKI + base64.b64decode(VKEY.split("+", 2)[2])[1:]
    pem = f"-----BEGIN PUBLIC KEY-----\n{base64.b64encode(der).decode()}\n-----END PUBLIC KEY-----\n"
    (tmp_path / "key.pem").write_text(pem)
    (tmp_path / "signature").write_bytes(base64.b64decode(line.split()[-1])[4:])
    for signed, verdict in ((text + b"\n", 0), (text.replace(b"70000", b"70001") + b"\n", 1)):
        (tmp_path / "text").write_bytes(signed)
        command = "openssl pkeyutl -verify -pubin -rawin -inkey key.pem -in text -sigfile signature".split()
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
        if "rawin" in done.stderr:
            skip_loudly("this openssl does not know -rawin, which came with version 3.0")
        assert done.returncode == verdict, done.stdout + done.stderr
