"""The command line: what all commands have in common."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import agefile
from sabal.cli import PIPE_CLOSED
from sabal.signing.export import OLD_FORMAT


@pytest.fixture
def export(tmp_path: Path) -> tuple[str, ...]:
    """The words that open an export in which nobody has signed: a header, and no flush before the end."""
    key, file = tmp_path / "key", tmp_path / "export.jsonl"
    key.write_text(f"{agefile.generate(post_quantum=False)}\n")
    file.write_text(json.dumps({"format": OLD_FORMAT, "petition": "nobody"}) + "\n")
    return "open", str(file), "--identity", str(key)


@pytest.mark.parametrize("words", [("doctor",), ("doctor", "--help"), "export"], ids=str)
def test_a_command_whose_reader_has_gone_ends_without_a_word(
    words: tuple[str, ...] | str, export: tuple[str, ...], tmp_path: Path
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "sabal", *(export if words == "export" else words)],
            env={k: v for k, v in os.environ.items() if not k.startswith("SABAL_")}
            | {"SABAL_DATA": str(tmp_path / "data")},
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (PIPE_CLOSED, "")
