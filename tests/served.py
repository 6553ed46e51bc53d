"""A running `sabal serve --dev` on a port and a database of its own."""

import json
import os
import shutil
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
