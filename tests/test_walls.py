"""The walls of the house: which room may know which. Each has its reason in docs/architecture.md."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src"
MIGRATIONS = "migrations"
DOORS = ("sabal.front", "sabal.api", "sabal.desk")  # the last for the organisers' screens, when they come
LENT = {"sabal.front.limits", "sabal.front.room"}  # what the door counts and measures: others may ask


def imports(path: Path) -> set[str]:
    """Every module that a file imports, wherever in the file."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def files(room: str) -> list[Path]:
    paths = [p for p in (SOURCE / room).rglob("*.py") if MIGRATIONS not in p.parts]
    assert paths, f"no files in {room}"
    return paths


def knows(path: Path, module: str) -> bool:
    return any(name == module or name.startswith(f"{module}.") for name in imports(path))


@pytest.mark.parametrize(
    ("room", "never"),
    [
        ("agefile", ("sabal", "django")),  # a format, usable by anybody
        ("sabal/signing", DOORS),  # the heart knows no door
        (
            "sabal/mail",
            (*DOORS, "sabal.signing", "sabal.newsletter"),
        ),  # it carries letters, whatever they are about
        ("sabal/petitions", DOORS),
        ("sabal/keys", DOORS),
        ("sabal/newsletter", (*DOORS[1:], "sabal.signing")),  # its form keeps the door's limits: see below
        ("sabal/operating", DOORS[1:]),
    ],
)
def test_a_room_does_not_know(room: str, never: tuple[str, ...]) -> None:
    for path in files(room):
        for module in never:
            assert not knows(path, module), f"{path.relative_to(SOURCE)} imports {module}"


def test_of_the_door_others_know_its_numbers_alone() -> None:
    """Who asks for a limit must not load the way in; and a door that others call could not be changed alone."""
    for path in files("sabal"):
        if "front" in path.parts or path == SOURCE / "sabal" / "asgi.py":
            continue
        known = {".".join(name.split(".")[:3]) for name in imports(path) if name.startswith("sabal.front.")}
        assert known <= LENT, f"{path.relative_to(SOURCE)} imports {known - LENT}"
    for module in LENT:
        path = SOURCE.joinpath(*module.split(".")).with_suffix(".py")
        assert not knows(path, "sabal.front"), f"{module} is lent to others, and imports the door"


def test_every_room_and_module_stands_in_the_architecture() -> None:
    page = (SOURCE.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = re.findall(r"^\| `([\w./]+)` \|", page, re.MULTILINE)
    there = {
        f"{path.name}/" if path.is_dir() else path.name
        for path in (*(SOURCE / "sabal").iterdir(), *SOURCE.glob("agefile"))
        if path.suffix == ".py" or (path.is_dir() and path.name != "__pycache__")
    }
    assert len(named) == len(set(named)) and set(named) == there


@pytest.mark.parametrize(
    "module",
    [
        "sabal.front.app", "sabal.front.intake", "sabal.signing.writer", "sabal.signing.sign", "sabal.signing.count",
        "sabal.petitions.snapshot", "sabal.petitions.manifest", "sabal.newsletter.subscription",
        "sabal.mail.outbox", "sabal.keys.house",
    ],
)  # fmt: skip
def test_the_hot_path_never_loads_the_orm(module: str) -> None:
    """In a process of its own, so that nothing another test imported can hide it."""
    code = f"import sys, {module}; sys.exit(any((m + '.').startswith('django.db.') for m in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0


def test_only_the_writer_and_its_helpers_write_to_the_hot_tables() -> None:
    hot = ("signing_pending", "signing_signature", "signing_access", "signing_sealed")
    for path in [
        p
        for p in files("sabal")
        if "signing" not in p.parts and p.name not in ("backup.py", "restore.py", "privacy.py")
    ]:
        text = path.read_text(encoding="utf-8")
        for table in hot:
            for verb in ("INSERT INTO", "UPDATE", "DELETE FROM"):
                assert f"{verb} {table}" not in text, f"{path.relative_to(SOURCE)}: {verb} {table}"


def test_one_sqlite_library_in_a_process() -> None:
    code = "import sabal, sqlite3, sys; print(sqlite3.__name__, '_sqlite3' in sys.modules)"
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    ).stdout.split()
    if sys.platform == "linux":
        assert out == ["pysqlite3", "False"]
