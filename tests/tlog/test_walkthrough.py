"""The walk-through of docs/checking-with-others-tools.md, run as it is printed, against a log over HTTP."""

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
    pytest.mark.slow,  # every command of the document is run
    pytest.mark.skipif(
        not all(map(shutil.which, ("bash", "curl", "openssl"))), reason="no bash, curl or openssl here"
    ),
]


class Quiet(SimpleHTTPRequestHandler):
    """Says nothing of each request."""

    def log_message(self, *args: object) -> None:
        pass


def publish(folder: Path, size: int) -> None:
    """A log as it is served: with its policy, and the manifest that its first entry names."""
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
    """Where a log of that size is served."""
    publish(tmp_path / "served", request.param)
    with serving(tmp_path / "served") as url:
        yield url


def script(address: str, *, key: str = "") -> str:
    """Every block in turn; only the two lines that a reader fills in are others."""
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


def test_it_ends_well(address: str, tmp_path: Path) -> None:
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


def test_another_key_ends_it_at_the_seal(address: str, tmp_path: Path) -> None:
    other = str(tlog.Signer(logs.ORIGIN, b"e" * 32).verifier)
    done = walk(tmp_path / "mirror", script(address, key=other))
    assert done.returncode != 0 and "Verified Successfully" not in done.stdout


def test_where_the_log_has_grown_the_full_file_is_cut(tmp_path: Path) -> None:
    """The partial files of an older checkpoint may be gone once the full ones stand."""
    folder = tmp_path / "served"
    publish(folder, 300)
    (folder / "checkpoint").write_bytes(logs.checkpoint(200))
    for kind in ("0", "entries"):
        shutil.rmtree(folder / "tile" / kind / "000.p")
    with serving(folder) as url:
        done = walk(tmp_path / "mirror", script(url))
    assert done.returncode == 0, done.stdout + done.stderr
