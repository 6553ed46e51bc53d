"""Mirror a real site, and serve the mirror by a plain web server."""

import re
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import tlog
from ledger import reading
from served import SLUG, Served


@contextmanager
def web_server(folder: Path) -> Iterator[str]:
    """Serve the folder by Python's own web server, and yield its address."""
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "http.server", "--bind", "127.0.0.1", "0"],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as server:  # fmt: skip
        try:
            assert server.stdout is not None
            found = re.search(r"port (\d+)", server.stdout.readline())
            assert found
            yield f"http://127.0.0.1:{found[1]}"
        finally:
            server.kill()


def test_a_mirror_of_a_real_site_is_served(served: Served, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("mirror")
    deadline = time.monotonic() + 20  # the server answers a moment before its log is open
    first = served.sabal("mirror", f"{served.base}/en/{SLUG}", str(folder))
    while "No log was found there" in first.stderr and time.monotonic() < deadline:
        first = served.sabal("mirror", f"{served.base}/en/{SLUG}", str(folder))
    assert first.returncode == 0, first.stderr
    sign(served, "suzie@example.org")
    served.wait_for_count(1)
    done = served.sabal("mirror", f"{served.base}/ko/{SLUG}", str(folder))
    assert done.returncode == 0 and done.stdout.startswith(f"{SLUG}: 1 new entry"), done.stdout + done.stderr
    # Pages are cached for a second, and served a little longer while a new one is made.
    deadline = time.monotonic() + 20
    while "nothing new" not in served.sabal("mirror", f"{served.base}/en/{SLUG}", str(folder)).stdout:
        assert time.monotonic() < deadline
    with web_server(folder) as base:
        for language in ("en", "ko", "zh-hans", "ja"):
            page = fetch(f"{base}/{language}/{SLUG}")
            assert (
                "<form" not in page and "<script" not in page and f"{served.base}/{language}/{SLUG}" in page
            )
        assert '"signature_count": 1' in fetch(f"{base}/{SLUG}/count.json")
        for address in (f"{base}/en/{SLUG}", f"{base}/{SLUG}/log"):
            checked = served.sabal("verify", address)
            assert checked.returncode == 0 and ": 1 signature" in checked.stdout, checked.stdout
    key = tlog.Policy.parse((folder / SLUG / "log" / "policy").read_bytes()).logs[0]
    found = reading.read(folder / SLUG / "log", key)
    assert found.tally.counted == 1


def fetch(url: str, data: bytes | None = None) -> str:
    request = urllib.request.Request(url, data, {"Origin": url} if data else {})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return str(answer.read().decode())


def sign(served: Served, email: str) -> None:
    """Let Suzie sign and confirm, without a browser."""
    page = fetch(f"{served.base}/en/{SLUG}")
    version = re.findall(r'name="version" value="(\w+)"', page)[0]
    form = urllib.parse.urlencode({"version": version, "name": "Suzie", "email": email, "consent": "1"})
    post(served, f"/en/{SLUG}/sign", form)
    deadline = time.monotonic() + 30
    while not (emails := re.findall(r'href="(/dev/mail/[^"]+\.eml)"', fetch(f"{served.base}/dev/mail/"))):
        assert time.monotonic() < deadline, "no email arrived"
        time.sleep(0.3)
    link = re.findall(r'href="http://[^/"]+(/en/confirm/\w{26})"', fetch(f"{served.base}{emails[0]}"))[0]
    post(served, link, "")


def post(served: Served, path: str, form: str) -> None:
    headers = {"Origin": served.base, "Content-Type": "application/x-www-form-urlencoded"}
    request = urllib.request.Request(f"{served.base}{path}", form.encode(), headers, method="POST")
    urllib.request.urlopen(request, timeout=20).close()
