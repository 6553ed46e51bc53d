"""Commands about keys: the files that Carol gets on her computer, and files that are never overwritten."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import agefile
from sabal.cli import main
from sites import SiteOfTests


@pytest.fixture(autouse=True)
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["keys", *arguments], catch_exceptions=False)


def new(out: Path) -> Result:
    return run("new", "--out", str(out), "--no-passphrase", "--x25519")


def test_key_and_sheet_are_private_and_the_public_half_is_not(tmp_path: Path) -> None:
    assert new(tmp_path / "key").exit_code == 0
    modes = {path.name: path.stat().st_mode & 0o077 for path in tmp_path.iterdir()}
    assert (modes.pop("key"), modes.pop("key.pdf")) == (0, 0)
    assert modes.pop("key.pub") & 0o044 and not modes
    (identity,) = agefile.parse_identity_file((tmp_path / "key").read_text())
    assert (tmp_path / "key.pub").read_text() == f"{identity.recipient}\n"
    assert (tmp_path / "key.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.slow
def test_the_default_key_is_locked_and_fits_on_its_sheet(tmp_path: Path) -> None:
    """Make a post-quantum key with a passphrase: the longest text that a sheet must hold."""
    (tmp_path / "words").write_text("bowl rim name write round paper\n")
    result = run("new", "--out", str(tmp_path / "key"), "--passphrase-file", str(tmp_path / "words"))
    assert result.exit_code == 0 and "locked with your passphrase" in result.output
    opened = agefile.decrypt_passphrase(
        agefile.dearmor((tmp_path / "key").read_bytes()), "bowl rim name write round paper"
    )
    (identity,) = agefile.parse_identity_file(opened.decode())
    assert (tmp_path / "key.pub").read_text() == f"{identity.recipient}\n"
    assert str(identity.recipient).startswith("age1pq1")
    assert (tmp_path / "key.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize("ending", ["", ".pub", ".pdf"])
def test_a_key_never_overwrites_another(tmp_path: Path, ending: str) -> None:
    existing = tmp_path / f"key{ending}"
    existing.write_text("of an older key")
    result = new(tmp_path / "key")
    assert result.exit_code == 2 and str(existing) in result.stderr
    assert list(tmp_path.iterdir()) == [existing] and existing.read_text() == "of an older key"


def test_the_server_key_for_safe_keeping_is_private_and_never_overwrites(
    site: SiteOfTests, tmp_path: Path
) -> None:
    out = tmp_path / "safe.age"
    arguments = ("server", "--to", str(site.identity.recipient), "--out", str(out))
    assert run(*arguments).exit_code == 0
    assert out.stat().st_mode & 0o777 == 0o600
    sealed = out.read_bytes()
    assert bytes.fromhex(agefile.decrypt(sealed, [site.identity]).decode().strip()) == site.keystore.key
    result = run(*arguments)
    assert result.exit_code == 2 and result.stderr.startswith(
        f"{out} exists already, and a key file is never"
    )
    assert out.read_bytes() == sealed
