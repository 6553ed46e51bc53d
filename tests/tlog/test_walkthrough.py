"""Run the commands of docs/checking-with-others-tools.md as they are printed, against a log over HTTP."""

import hashlib
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import logs
import tlog

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "checking-with-others-tools.md"
GO = Path("/usr/lib/go-1.19/bin/go")
SIZES = (3, 256, 257, 66_000)
pytestmark = [
    pytest.mark.slow,  # runs every command of the document
    pytest.mark.skipif(
        not all(map(shutil.which, ("bash", "curl", "openssl"))), reason="no bash, curl or openssl here"
    ),
]


class Quiet(SimpleHTTPRequestHandler):
    """Write nothing for each request."""

    def log_message(self, *args: object) -> None:
        pass


def publish(folder: Path, size: int) -> None:
    """Write a log as it is served, with its policy and the manifest of its first entry."""
    folder.mkdir()
    logs.write_log(folder, size)
    manifest = hashlib.sha256(b"manifest").hexdigest()
    (folder / "manifests").mkdir()
    (folder / "manifests" / f"{manifest}.json").write_bytes(b"manifest")
    (folder / "policy").write_text(f"log {logs.CAROL.verifier}\nquorum none\n")


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(params=SIZES)
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Serve a log of this size, and return its URL."""
    publish(tmp_path / "served", request.param)
    with serving(tmp_path / "served") as url:
        yield url


def script(address: str, *, key: str = "") -> str:
    """Return all blocks in order. Only the two lines that a reader fills in are replaced."""
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert len(blocks) == 5 and "VKEY=" in blocks[0] and "go build" in blocks[3]
    blocks[0] = f"LOG={address}\nVKEY={key or logs.CAROL.verifier}\n"
    if not GO.exists():
        del blocks[3]
    return "set -e -o pipefail\n" + "".join(blocks)


def walk(folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    folder.mkdir()
    (folder / "tests").symlink_to(ROOT / "tests")
    environment = {**os.environ, "GOCACHE": str(folder / "cache")}
    return subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_every_command_succeeds(address: str, tmp_path: Path) -> None:
    done = walk(tmp_path / "mirror", script(address))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Signature Verified Successfully" in done.stdout and "manifest.json: OK" in done.stdout
    if GO.exists():
        assert " count\n" in done.stdout
    served = {
        p.relative_to(tmp_path / "served") for p in (tmp_path / "served" / "tile").rglob("*") if p.is_file()
    }
    size = tlog.checkpoint.peek((tmp_path / "served" / "checkpoint").read_bytes()).size
    wanted = {Path(t.path) for t in [*tlog.new_tiles(0, size), *tlog.new_bundles(0, size)]}
    assert wanted <= served
    for path in wanted:
        assert (tmp_path / "mirror" / path).read_bytes() == (tmp_path / "served" / path).read_bytes()


def test_another_key_fails_at_the_signature(address: str, tmp_path: Path) -> None:
    other = str(tlog.Signer(logs.ORIGIN, b"e" * 32).verifier)
    done = walk(tmp_path / "mirror", script(address, key=other))
    assert done.returncode != 0 and "Verified Successfully" not in done.stdout


def test_a_full_file_is_cut_if_the_log_has_grown(tmp_path: Path) -> None:
    """The partial files of an older checkpoint may be deleted once the full ones exist."""
    folder = tmp_path / "served"
    publish(folder, 300)
    (folder / "checkpoint").write_bytes(logs.checkpoint(200))
    for kind in ("0", "entries"):
        shutil.rmtree(folder / "tile" / kind / "000.p")
    with serving(folder) as url:
        done = walk(tmp_path / "mirror", script(url))
    assert done.returncode == 0, done.stdout + done.stderr
