"""A running `sabal serve --dev` on a port and a database of its own."""

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
    """A running `sabal serve --dev`."""

    base: str
    data: Path
    environment: dict[str, str]
    database_dump: Callable[[], bytes] | None = (
        None  # what an outside database holds; SQLite lies in the data folder
    )

    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns once the house answers."""
        with self.said.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "sabal", "serve", "--dev", "--port", self.base.rpartition(":")[2]],
                env=self.environment,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"{self.base}/healthz", timeout=2).close()
                # The worker shows the log's first checkpoint a moment after the door opened.
                urllib.request.urlopen(f"{self.base}/{SLUG}/log/checkpoint", timeout=2).close()
                break
            except OSError:
                assert self.process.poll() is None and time.monotonic() < deadline, self.said.read_text()
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
    def said(self) -> Path:
        """What its processes printed."""
        return self.data / "serve.log"

    def sabal(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "sabal", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def count(self) -> int:
        with urllib.request.urlopen(f"{self.base}/{SLUG}/count.json", timeout=10) as answer:
            return int(json.load(answer)["counted"])

    def wait_for_count(self, wanted: int) -> None:
        deadline = time.monotonic() + 20
        while self.count() != wanted:
            assert time.monotonic() < deadline, f"the count is {self.count()}, not {wanted}"
            time.sleep(0.3)
