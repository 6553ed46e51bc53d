"""A real house is mirrored, and the mirror shown by the plainest web server there is."""

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
def shown(folder: Path) -> Iterator[str]:
    """The mirror, by the plainest web server there is."""
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


def test_a_real_house_is_mirrored_and_shown(served: Served, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("mirror")
    deadline = time.monotonic() + 20  # the house answers a moment before its log is open
    first = served.sabal("mirror", f"{served.base}/en/{SLUG}", str(folder))
    while "No log was found there" in first.stderr and time.monotonic() < deadline:
        first = served.sabal("mirror", f"{served.base}/en/{SLUG}", str(folder))
    assert first.returncode == 0, first.stderr
    sign(served, "suzie@example.org")
    served.wait_for_count(1)
    done = served.sabal("mirror", f"{served.base}/ko/{SLUG}", str(folder))
    assert done.returncode == 0 and done.stdout.startswith(f"{SLUG}: 1 new entry"), done.stdout + done.stderr
    deadline = (
        time.monotonic() + 20
    )  # pages are kept for a second, and shown a little longer while a new one is made
    while "nothing new" not in served.sabal("mirror", f"{served.base}/en/{SLUG}", str(folder)).stdout:
        assert time.monotonic() < deadline
    with shown(folder) as base:
        for language in ("en", "ko", "zh-hans"):
            page = fetch(f"{base}/{language}/{SLUG}")
            assert (
                "<form" not in page and "<script" not in page and f"{served.base}/{language}/{SLUG}" in page
            )
        assert '"signature_count": 1' in fetch(f"{base}/{SLUG}/count.json")
        for where in (f"{base}/en/{SLUG}", f"{base}/{SLUG}/log"):
            checked = served.sabal("verify", where)
            assert checked.returncode == 0 and checked.stdout.startswith("OK: 1 signature"), checked.stdout
    key = tlog.Policy.parse((folder / SLUG / "log" / "policy").read_bytes()).logs[0]
    found = reading.read(folder / SLUG / "log", key)
    assert found.tally.counted == 1


def fetch(url: str, data: bytes | None = None) -> str:
    request = urllib.request.Request(url, data, {"Origin": url} if data else {})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return str(answer.read().decode())


def sign(served: Served, email: str) -> None:
    """Suzie signs and confirms, without a browser."""
    page = fetch(f"{served.base}/en/{SLUG}")
    version = re.findall(r'name="version" value="(\w+)"', page)[0]
    form = urllib.parse.urlencode({"version": version, "name": "Suzie", "email": email, "consent": "1"})
    post(served, f"/en/{SLUG}/sign", form)
    deadline = time.monotonic() + 30
    while not (letters := re.findall(r'href="(/dev/mail/[^"]+\.eml)"', fetch(f"{served.base}/dev/mail/"))):
        assert time.monotonic() < deadline, "no letter came"
        time.sleep(0.3)
    link = re.findall(r'href="http://[^/"]+(/en/confirm/\w{26})"', fetch(f"{served.base}{letters[0]}"))[0]
    post(served, link, "")


def post(served: Served, path: str, form: str) -> None:
    headers = {"Origin": served.base, "Content-Type": "application/x-www-form-urlencoded"}
    request = urllib.request.Request(f"{served.base}{path}", form.encode(), headers, method="POST")
    urllib.request.urlopen(request, timeout=20).close()
