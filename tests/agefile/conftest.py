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

PACKAGES = Path(__file__).parents[2] / "organiser-page" / "node_modules"

Typage = Callable[..., dict[str, str]]


@pytest.fixture(scope="session", params=[True, False], ids=["post-quantum", "x25519"])
def keys(request: pytest.FixtureRequest) -> tuple[Identity, Identity]:
    """Return two keys of one kind. Tests run once for each kind."""
    return agefile.generate(request.param), agefile.generate(request.param)


@pytest.fixture(scope="session")
def typage(tmp_path_factory: pytest.TempPathFactory) -> Typage:
    """Return a function that calls npm's age-encryption: `typage(verb=…, key=…, data=bytes)`.

    It is the copy of organiser.html, which `script/organiser-page` installs.
    """
    if not shutil.which("node"):
        skip_loudly("Node is not installed")
    if not (PACKAGES / "age-encryption").is_dir():
        skip_loudly("script/organiser-page has not installed age-encryption")
    home = tmp_path_factory.mktemp("typage")
    (home / "node_modules").symlink_to(PACKAGES)
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
