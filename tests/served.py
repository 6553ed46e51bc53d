"""A running `sabal serve --dev` with its own port and database."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SLUG = "stop-forced-repatriation"
CHROMIUM = os.environ.get("SABAL_CHROMIUM") or shutil.which("chromium") or ""


@dataclass
class Served:
    """One `sabal serve --dev`: its address, its data folder and its environment."""

    base: str
    data: Path
    environment: dict[str, str]
    database_dump: Callable[[], bytes] | None = (
        None  # the content of PostgreSQL; SQLite is in the data folder
    )
    process: subprocess.Popen[bytes] | None = None
    desk: str = ""  # the address of its desk; empty: it runs none

    def start(self) -> None:
        """Start the server, and return once it answers."""
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "sabal",
                    "serve",
                    "--dev",
                    "--port",
                    port_of(self.base),
                    *self._desk(),
                ],
                env=self.environment,
                stdout=output,
                stderr=output,
            )
        deadline = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"{self.base}/healthz", timeout=2).close()
                # The worker publishes the log's first checkpoint a moment after the server answers.
                urllib.request.urlopen(f"{self.base}/{SLUG}/log/checkpoint", timeout=2).close()
                break
            except OSError:
                assert self.process.poll() is None and time.monotonic() < deadline, self.output.read_text()
                time.sleep(0.2)

    def _desk(self) -> list[str]:
        return ["--desk-port", port_of(self.desk)] if self.desk else ["--no-desk"]

    def stop(self) -> None:
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    @property
    def output(self) -> Path:
        """The file with the output of its processes."""
        return self.data / "serve.log"

    def sabal(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a `sabal` command with this server's environment."""
        return subprocess.run(
            [sys.executable, "-m", "sabal", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def count(self) -> int:
        """Return the published number of counted signatures."""
        with urllib.request.urlopen(f"{self.base}/{SLUG}/count.json", timeout=10) as answer:
            return int(json.load(answer)["counted"])

    def wait_for_count(self, wanted: int) -> None:
        deadline = time.monotonic() + 20
        while self.count() != wanted:
            assert time.monotonic() < deadline, f"the count is {self.count()}, not {wanted}"
            time.sleep(0.3)


def port_of(address: str) -> str:
    return address.rpartition(":")[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def status_of(address: str) -> int:
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def wait_for_page(address: str, within: float = 90) -> None:
    """Return when a page is there."""
    deadline = time.monotonic() + within
    while True:
        try:
            if status_of(address) == 200:
                return
        except OSError:
            pass
        assert time.monotonic() < deadline, f"{address} does not answer"
        time.sleep(0.2)
