"""Keys of two people, and npm's age-encryption. Files are encrypted to Carol's key; Eve has another one."""

import base64
import json
import shutil
import subprocess
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

import agefile
from agefile import Identity

TYPAGE = "age-encryption@0.3.1"

Typage = Callable[..., dict[str, str]]


@pytest.fixture(scope="session", params=[True, False], ids=["post-quantum", "x25519"])
def keys(request: pytest.FixtureRequest) -> tuple[Identity, Identity]:
    """Return two keys of one kind. Tests run once for each kind."""
    return agefile.generate(request.param), agefile.generate(request.param)


@pytest.fixture(scope="session")
def typage(tmp_path_factory: pytest.TempPathFactory) -> Typage:
    """Return a function that calls npm's age-encryption: `typage(verb=…, key=…, data=bytes)`. Install it once a run."""
    home = tmp_path_factory.mktemp("typage")
    install = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(home), TYPAGE]
    if not (shutil.which("node") and shutil.which("npm")):
        skip_loudly("Node and npm are not installed")
    done = subprocess.run(install, capture_output=True, text=True, timeout=120)
    if done.returncode:
        skip_loudly(f"npm could not install {TYPAGE}: {done.stderr.strip()[-200:]}")
    script = shutil.copy(Path(__file__).with_name("typage.mjs"), home)

    def ask(*, data: bytes = b"", **request: str) -> dict[str, str]:
        question = json.dumps({**request, "data": base64.b64encode(data).decode()})
        answer = subprocess.run(
            ["node", script], input=question, capture_output=True, text=True, timeout=60, check=True
        )
        return dict(json.loads(answer.stdout))

    return ask


def skip_loudly(why: str) -> None:
    warnings.warn(f"Post-quantum files were NOT tried against another implementation: {why}.", stacklevel=2)
    pytest.skip(why)
