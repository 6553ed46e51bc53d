"""A running `sabal serve --dev` with its own port and database."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
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

    def start(self) -> None:
        """Start the server, and return once it answers."""
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "sabal", "serve", "--dev", "--port", self.base.rpartition(":")[2]],
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
