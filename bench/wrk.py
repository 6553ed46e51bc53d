"""Run wrk, a closed-loop load generator: each connection sends a request after the answer to its last one."""

import json
import os
import secrets
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

LUA = Path(__file__).parent / "lua"
CONNECTIONS = 64


@dataclass(frozen=True)
class Run:
    """The result of one run. Latencies are in milliseconds. `refused`: answers of 400 and above. `lost`: no answer."""

    requests: int
    seconds: float
    p50: float
    p99: float
    refused: int
    lost: int

    @property
    def rate(self) -> float:
        """Return good answers a second."""
        return (self.requests - self.refused) / self.seconds


def missing() -> str:
    """Say what to do if wrk is not installed; return an empty text if it is."""
    return (
        ""
        if shutil.which("wrk")
        else "wrk is missing: install it (Debian: apt install wrk) and run this again."
    )


def page(address: str, path: str, seconds: float) -> Run:
    """Send GETs of one page."""
    return _wrk("page", address, seconds, PATH=path)


def several(address: str, paths: Path, seconds: float, rate: float = 0.0) -> Run:
    """Send GETs of the paths of a file, one after the other; at most `rate` a second if it is given."""
    delay = 1e3 * CONNECTIONS / rate if rate else 0.0
    return _wrk("several", address, seconds, PATHS=str(paths), DELAY=f"{delay:.3f}")


def sign(address: str, path: str, version: str, seconds: float, connections: int = CONNECTIONS) -> Run:
    """Send POSTs of unique sign forms."""
    return _wrk(
        "sign",
        address,
        seconds,
        connections,
        PATH=f"{path}/sign",
        VERSION=version,
        PREFIX=secrets.token_hex(4),
    )


def confirm(address: str, tokens: Path, most_seconds: float) -> Run:
    """Send one POST for each token of a file."""
    return _wrk("confirm", address, most_seconds, TOKENS=str(tokens))


def _wrk(script: str, address: str, seconds: float, connections: int = CONNECTIONS, **variables: str) -> Run:
    environment = os.environ | {f"BENCH_{name}": value for name, value in variables.items()}
    whole_seconds = max(1, round(seconds))
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script_file:  # wrk accepts one file
        script_file.write((LUA / f"{script}.lua").read_text() + (LUA / "report.lua").read_text())
        script_file.flush()
        command = [
            "wrk",
            "-t1",
            f"-c{connections}",
            f"-d{whole_seconds}s",
            "--timeout",
            "10s",
            "-s",
            script_file.name,
            address,
        ]
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=whole_seconds + 30,
        )
    if done.returncode or "{" not in done.stdout:
        raise RuntimeError(f"wrk failed: {done.stderr[-400:] or done.stdout[-400:]}")
    return Run(**json.loads(done.stdout[done.stdout.rindex("\n{") :]))
