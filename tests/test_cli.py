"""The command line: the behaviour common to all commands."""

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import agefile
from sabal.cli import COMMANDS, KEYS, PIPE_CLOSED, main
from sabal.records.export import OLD_FORMAT
from sites import NOW, SiteOfTests

WIDTH = 80 - 2 - 2 - 2  # columns for a name and its line in the help, without margins and gap


@pytest.fixture
def export(tmp_path: Path) -> tuple[str, ...]:
    """Return the arguments that open an export without signatures. It prints a header, flushed only at the end."""
    key, file = tmp_path / "key", tmp_path / "export.jsonl"
    key.write_text(f"{agefile.generate(post_quantum=False)}\n")
    file.write_text(json.dumps({"format": OLD_FORMAT, "petition": "nobody"}) + "\n")
    return "open", str(file), "--identity", str(key)


@pytest.mark.parametrize("words", [("doctor",), ("doctor", "--help"), "export"], ids=str)
def test_a_command_ends_silently_if_stdout_is_closed(
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


@pytest.mark.parametrize("group", [main, main.commands["keys"]], ids=["sabal", "keys"])
def test_the_table_names_each_command_with_one_line_of_help(group: click.Group) -> None:
    context = click.Context(group)
    names = group.list_commands(context)
    for name in names:
        command = group.get_command(context, name)
        assert command and command.name == name and command.get_short_help_str(), name
    table = KEYS if group.name == "keys" else COMMANDS
    for name, (_, line) in table.items():
        assert line.endswith(".") and max(map(len, table)) + len(line) <= WIDTH, name
    assert set(table) <= set(names) and not set(table) & set(group.commands)


@pytest.mark.parametrize(
    "words", [("--help",), ("keys", "--help"), ("serve", "--help"), ("--version",)], ids=str
)
def test_help_loads_no_package(words: tuple[str, ...]) -> None:
    """Run it in another process. A broken setting does not matter either."""
    code = (
        "import sys; from sabal.cli import main\n"
        f"try: main({list(words)!r})\n"
        "finally: print(*sorted(m for m in sys.modules if m.count('.') < 2), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "SABAL_TRUSTED_HOPS": "many"}, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    loaded = set(done.stderr.split())
    assert {name for name in loaded if name.startswith("sabal")} == {"sabal", "sabal.cli"}
    assert not loaded & {
        "django",
        "psycopg",
        "cryptography",
        "agefile",
        "tlog",
        "asyncio",
        "http.client",
        "nh3",
    }


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("petitions",), "C106: SABAL_TRUSTED_HOPS is not a whole number from 0 to 8.\n      "),
        (("keys", "server", "--to", "age1x"), "C106: SABAL_TRUSTED_HOPS is not a whole number from 0 to 8.\n      "),
        (("open", "nothing.age", "--identity", os.devnull), f"{os.devnull} holds no secret key. A key file has"),
        (("open", "none/there", "--identity", "key"), "There is no file none/there.\n"),
        (("verify", "nothing"), "NOT CHECKED: There is no nothing. Give the https:// address of a petition, a bundle"),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, tuple) else "",
)  # fmt: skip
def test_an_error_is_a_sentence(words: tuple[str, ...], sentence: str, tmp_path: Path) -> None:
    """This is so for each package, and if a setting is invalid when the command is loaded."""
    (tmp_path / "key").write_text(f"{agefile.generate(post_quantum=False)}\n")
    done = subprocess.run(
        [sys.executable, "-m", "sabal", *words],
        env={**os.environ, "SABAL_TRUSTED_HOPS": "many"}, cwd=tmp_path, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "") and done.stderr.startswith(sentence), done
    assert len(done.stderr.splitlines()) == (2 if sentence.startswith("C106") else 1)  # with the hint


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (("opne", "x"), "Did you mean 'open'?"),
        (("verfy",), "Did you mean 'verify'?"),
        (("sevre",), "Did you mean 'serve'?"),
        (("key",), "Did you mean 'keys'?"),
        (("keys", "nwe"), "Did you mean 'new'?"),
        (("newsletter", "exprot"), "Did you mean 'export'?"),
        (("verify", "--jsno"), "Did you mean '--json'?"),
        (("serve", "--wrokers", "2"), "'--workers'"),
        (("--verson",), "Did you mean '--version'?"),
    ],
)
def test_a_mistyped_command_or_option_names_the_nearest(words: tuple[str, ...], meant: str) -> None:
    done = CliRunner().invoke(main, list(words))
    assert done.exit_code == 2 and meant in done.stderr and not done.stdout


@pytest.mark.parametrize("word", ["prepar", "xyzzy", "-x", "--"])
def test_nothing_is_suggested_that_is_far_or_hidden(word: str) -> None:
    done = CliRunner().invoke(main, [word, "y"])
    assert done.exit_code == 2 and "prepare" not in done.stderr
    assert "Did you mean" not in done.stderr


@pytest.mark.parametrize(
    "command",
    [
        "close SLUG", "discard SLUG", "drain SLUG", "export SLUG", "held SLUG", "pause SLUG", "publish SLUG",
        "resume SLUG", "sealed SLUG --out x", "witnesses SLUG", "keys check SLUG",
        "keys renew-pepper SLUG", "newsletter list SLUG", "newsletter export SLUG --out x",
        "bundle SLUG --show none --out x.zip",
    ],
)  # fmt: skip
def test_a_mistyped_slug_names_the_nearest(
    command: str, site: SiteOfTests, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.sequence(site.publish(), NOW)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SABAL_DATA", str(site.data))
    for slug, known in (("stop-forced-repatriaton", True), ("trees", False)):
        done = CliRunner().invoke(main, command.replace("SLUG", slug).split())
        assert done.exit_code == 2 and slug in done.stderr, done
        assert ("Did you mean" in done.stderr and "stop-forced-repatriation" in done.stderr) == known, done
