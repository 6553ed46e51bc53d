"""wrk, the closed-loop load generator: as many requests as its connections get answered."""

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
    """What one run found; latencies in milliseconds. `refused`: answers of 400 and above. `lost`: no answer."""

    requests: int
    seconds: float
    p50: float
    p99: float
    refused: int
    lost: int

    @property
    def rate(self) -> float:
        """Good answers a second."""
        return (self.requests - self.refused) / self.seconds


def missing() -> str:
    """What to do where wrk is not installed; empty where it is."""
    return (
        ""
        if shutil.which("wrk")
        else "wrk is missing: install it (Debian: apt install wrk) and run this again."
    )


def page(address: str, path: str, seconds: float) -> Run:
    """GETs of one page."""
    return _wrk("page", address, seconds, PATH=path)


def several(address: str, paths: Path, seconds: float, rate: float = 0.0) -> Run:
    """GETs of the paths of a file, one after the other; at most `rate` a second where that is given."""
    delay = 1e3 * CONNECTIONS / rate if rate else 0.0
    return _wrk("several", address, seconds, PATHS=str(paths), DELAY=f"{delay:.3f}")


def sign(address: str, path: str, version: str, seconds: float, connections: int = CONNECTIONS) -> Run:
    """POSTs of unique sign forms."""
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
    """POSTs to the links of a file of tokens, each once."""
    return _wrk("confirm", address, most_seconds, TOKENS=str(tokens))


def _wrk(script: str, address: str, seconds: float, connections: int = CONNECTIONS, **variables: str) -> Run:
    environment = os.environ | {f"BENCH_{name}": value for name, value in variables.items()}
    whole = max(1, round(seconds))
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as both:  # wrk takes one file
        both.write((LUA / f"{script}.lua").read_text() + (LUA / "report.lua").read_text())
        both.flush()
        command = [
            "wrk",
            "-t1",
            f"-c{connections}",
            f"-d{whole}s",
            "--timeout",
            "10s",
            "-s",
            both.name,
            address,
        ]
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=whole + 30,
        )
    if done.returncode or "{" not in done.stdout:
        raise RuntimeError(f"wrk failed: {done.stderr[-400:] or done.stdout[-400:]}")
    return Run(**json.loads(done.stdout[done.stdout.rindex("\n{") :]))
