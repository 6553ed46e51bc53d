"""A server to measure: `sabal serve --dev` in a folder of its own, ended by its process ids.

It is as if behind a trusted proxy, and the requests of the benchmark name many visitors (X-Forwarded-For). So the rate
limits are computed: only visitors from this machine itself would be without limits on a development server.
"""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import psutil  # type: ignore[import-untyped]

import agefile
from sabal import database as raw
from sabal.keys.keystore import KeyStore, open_keystore
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.petitions.snapshots import Snapshots
from sabal.serve import ending_with

ROOT = Path(__file__).parent.parent
STARTS_WITHIN = 40.0
SETTLES_WITHIN = 0.5  # seconds
LANGUAGE = "en"
TABLES = ("signing_pending", "signing_signature", "signing_access", "signing_sealed", "mail_email")


@dataclass
class Server:
    """One server. Its `port` is chosen at the first start."""

    data: Path
    url: str
    port: int = 0
    desk_port: int = 0  # of the desk, if `start` was told to start one
    process: subprocess.Popen[bytes] | None = None

    def start(self, *, workers: int = 1, mail: bool = False, **settings: str) -> None:
        """Start it and wait until it answers. `settings` become SABAL_… variables. Raise RuntimeError.

        `mail` also starts the worker and the desk.
        """
        self.port = self.port or free_port()
        command = [
            sys.executable,
            "-m",
            "sabal",
            "serve",
            "--dev",
            "--port",
            str(self.port),
            "--workers",
            str(workers),
        ]
        self.desk_port = free_port() if mail else 0
        with (self.data / "serve.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*command, *(("--desk-port", str(self.desk_port)) if mail else ("--no-worker", "--no-desk"))],
                env=self.environment(**settings),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=ROOT,
                process_group=0,
                preexec_fn=ending_with(os.getpid()),
            )
        end = time.monotonic() + STARTS_WITHIN
        while not self.healthy():
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"the server did not start; the end of its log: {self.log_tail()}")
            time.sleep(0.1)
        self.page()  # the first page takes longer and is not measured

    def environment(self, **settings: str) -> dict[str, str]:
        """Return the environment of its processes: this process's without SABAL_…, and the given settings."""
        ours = {k: v for k, v in os.environ.items() if not k.startswith("SABAL_")}
        own = {"DATA": str(self.data), "BATCH_EVERY": "2s", "TRUSTED_HOPS": "1"}
        own |= {k.upper(): v for k, v in settings.items()}
        if not self.url.startswith("sqlite:"):
            own["DATABASE_URL"] = self.url
        return ours | {f"SABAL_{name}": value for name, value in own.items()}

    def inside(self, *what: object) -> dict[str, float]:
        """Return the results of bench/inside.py on this server. Raise RuntimeError with the end of its output."""
        done = subprocess.run(
            [sys.executable, "-m", "bench.inside", *map(str, what)],
            env=self.environment(internal_dev="1", base_url=self.address("")),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=600,
        )
        if done.returncode:
            raise RuntimeError(done.stderr[-600:])
        found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        return found

    def healthy(self) -> bool:
        with contextlib.suppress(OSError), urlopen(self.address("/healthz"), timeout=2) as answer:
            return bool(answer.status == 200)
        return False

    def address(self, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def log_tail(self) -> str:
        return (self.data / "serve.log").read_text(errors="replace")[-600:]

    def pids(self) -> list[int]:
        """Return all its processes, parents first."""
        if self.process is None or self.process.poll() is not None:
            return []
        with contextlib.suppress(psutil.NoSuchProcess):
            children = psutil.Process(self.process.pid).children(recursive=True)
            return [self.process.pid, *(child.pid for child in children)]
        return []

    def public_pids(self) -> list[int]:
        """Return the processes that answer visitors: granian's children, without the desk's."""
        found = []
        for pid in self.pids():
            with contextlib.suppress(psutil.NoSuchProcess):
                process = psutil.Process(pid)
                master = (process.parent() or process).cmdline()
                if "granian" in process.cmdline() and "sabal.asgi:application" in master:
                    found.append(pid)
        return found

    def stop(self) -> None:
        """End it by SIGTERM, as an operator would."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()
        self.process = None

    def kill(self) -> None:
        """Kill all its processes with kill -9, children first, so that none can react."""
        pids = self.pids()
        for pid in reversed(pids):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        psutil.wait_procs([psutil.Process(pid) for pid in pids[1:] if psutil.pid_exists(pid)], 10)
        if self.process is not None:
            self.process.wait(10)
        self.process = None

    # ---- its data -------------------------------------------------------------------------------------------------

    def connect(self) -> raw.Database:
        return raw.connect(self.url)

    def keys(self) -> KeyStore:
        return open_keystore(self.data / "server.key")

    def identity(self) -> agefile.Identity:
        """Return the organiser's identity that `--dev` made."""
        return agefile.parse_identity_file((self.data / "organiser-key.txt").read_text())[0]

    def petition(self) -> PetitionSnapshot:
        """Return the example petition as it is now."""
        snapshots, database = Snapshots(), self.connect()
        try:
            snapshots.refresh(database, self.keys())
        finally:
            database.close()
        return snapshots.published()[0]

    def page_path(self) -> str:
        return f"/{LANGUAGE}/{self.petition().slug}"

    def page(self) -> str:
        """Return the petition's page."""
        with urlopen(self.address(self.page_path()), timeout=30) as answer:
            return str(answer.read().decode())

    def version(self) -> str:
        """Return the field `version` of the form on the page."""
        found = re.search(r'name="version" value="([0-9a-f]+)"', self.page())
        if found is None:
            raise RuntimeError("the page has no form with a version: is the petition open?")
        return found[1]

    def settle(self) -> None:
        """Let it finish the POSTs that a load left in work when it stopped: they would be in the way of the next."""
        time.sleep(SETTLES_WITHIN)

    def empty(self) -> None:
        """Delete all signatures and emails, so that each measurement begins with the same tables."""
        self.settle()
        database = self.connect()
        try:
            with database.transaction():
                for table in TABLES:
                    database.execute(f"DELETE FROM {table}")
            database.wal_checkpoint(truncate=True)
        finally:
            database.close()
        for email in (self.data / "mail").glob("[0-9]*.eml"):
            email.unlink(missing_ok=True)


def migrate(url: str) -> None:
    """Make our tables in the database at `url`."""
    environment = {**os.environ, "SABAL_DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "sabal.settings"}
    command = [sys.executable, "-m", "django", "migrate", "-v0"]
    subprocess.run(command, check=True, env=environment, timeout=120, stdin=subprocess.DEVNULL)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
