"""The documentation is correct: its code runs; its commands, links, files and quoted messages exist."""

import ast
import json
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest

from sabal.cli import main

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[pytest.param]:  # type: ignore[valid-type]
    return [
        pytest.param(body, id=f"{page.relative_to(ROOT)}:{n}")
        for page in PAGES
        for n, (kind, body) in enumerate(FENCE.findall(page.read_text(encoding="utf-8")))
        if kind == language
    ]


@pytest.mark.parametrize("code", blocks("python"))
def test_python_runs(code: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("text", blocks("toml"))
def test_toml_parses(text: str) -> None:
    tomllib.loads(text)


@pytest.mark.parametrize("text", blocks("json"))
def test_json_parses(text: str) -> None:
    json.loads(text)


@pytest.mark.parametrize("text", blocks("sh"))
def test_commands_exist_with_their_options(text: str) -> None:
    for line in text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        for i, word in enumerate(words):
            if word.startswith("script/"):
                assert (ROOT / word).is_file(), f"{word} does not exist"
            if (word == "sabal" and i == 0) or word.endswith("/bin/sabal"):
                check_command(words[i + 1 :])


def test_the_readme_says_how_sabal_is_found_before_it_uses_it() -> None:
    """Someone who follows the page from the top can type each line as it is there."""
    lines = [
        line
        for _, body in FENCE.findall((ROOT / "README.md").read_text(encoding="utf-8"))
        for line in body.splitlines()
    ]
    setting_up = lines.index(". .venv/bin/activate")
    assert any(line.startswith("script/") for line in lines[:setting_up])  # which makes .venv
    assert next(at for at, line in enumerate(lines) if line.startswith("sabal ")) > setting_up
    done = subprocess.run(
        ["sh", "-c", ". .venv/bin/activate; command -v sabal"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if (ROOT / ".venv").is_dir():
        assert done.stdout.strip().endswith("/.venv/bin/sabal"), done


def test_every_command_is_documented() -> None:
    """The changelog does not count, as it describes the past."""
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES if page.name != "CHANGELOG.md")
    context = click.Context(main)
    commands = {n for n in main.list_commands(context) if not main.get_command(context, n).hidden}
    assert len(commands) > 20
    for name in sorted(commands):
        assert re.search(rf"\bsabal {name}(?![\w-])", text), f"no page names `sabal {name}`"


def check_command(words: list[str]) -> None:
    command: click.Command = main
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        found = command.get_command(click.Context(command), words[0])
        assert found, f"sabal has no command {words[0]}"
        command, words = found, words[1:]
    known = {option for parameter in command.params for option in parameter.opts} | {
        "--help",
        "-h",
        "--version",
    }
    for word in words:
        if word.startswith("--"):
            assert word.split("=")[0] in known, f"sabal {command.name} has no option {word}"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_have_targets(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if "://" not in target and not target.startswith(("#", "mailto:")):
            assert (page.parent / target.split("#")[0]).exists(), f"{page.name} links to {target}"


NOW = [page for page in PAGES if page.name != "CHANGELOG.md"]  # the changelog describes the past
PATH = re.compile(r"`([\w./-]+\.py|(?:src|tests|docs|script|bench)/[\w./-]+)`")
TABLE = re.compile(r"`((?:signing|ledger)_[a-z_]+)`")


def test_named_files_exist() -> None:
    """A path may begin at the root, or below it, such as `signing/sign.py`."""
    existing = [
        f"/{path.relative_to(ROOT).as_posix()}"
        for folder in ("src", "tests", "docs", "script", "bench", "organiser-page")
        for path in (ROOT / folder).rglob("*")
    ]
    for page in NOW:
        for path in PATH.findall(page.read_text(encoding="utf-8")):
            found = any(one.endswith(f"/{path.rstrip('/')}") for one in existing)
            assert found, f"{page.name} names {path}"


def test_named_tables_exist() -> None:
    texts = source_texts()
    for page in NOW:
        for table in TABLE.findall(page.read_text(encoding="utf-8")):
            assert f"CREATE TABLE {table} " in texts, f"{page.name} names the table {table}"


def source_texts() -> str:
    """Return every piece of text in the strings of `src/`, a line each. Placeholders of f-strings separate pieces."""
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / "src").rglob("*.py"))
    return "\n".join(
        node.value
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def test_quoted_messages_are_those_of_the_code() -> None:
    """An operator searches the guide for a message. In the tables of messages it is in italics; `…` is any text."""
    page = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    cells = re.findall(r"^\| (\*.+?) \|", page, re.MULTILINE)
    quoted = [message for cell in cells for message in re.findall(r"(?<!\*)\*([^*]+)\*(?!\*)", cell)]
    assert len(quoted) > 9
    texts = source_texts()
    for message in quoted:
        for piece in filter(None, (piece.strip(" ,") for piece in message.split("…"))):
            assert piece in texts, f"no message of the code has {piece!r}"


def test_every_dependency_has_a_reason() -> None:
    lines = (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    named = [
        line
        for line in lines
        if re.match(r'    "[a-z]', line) and ("," in line) and re.search(r"[><~=]=?\d", line)
    ]
    assert len(named) > 15
    for line in named:
        assert "# " in line, f"no reason beside {line.strip()}"


def test_lock_files_name_no_registry_and_have_hashes() -> None:
    for name in ("requirements.lock", "requirements-dev.lock"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "://" not in text and "--index" not in text and text.count("--hash=sha256:") > 50
