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
HOUSE = (
    *DOORS, "sabal.signing", "sabal.petitions", "sabal.mail", "sabal.newsletter", "sabal.keys", "sabal.operating",
    "sabal.database", "sabal.settings",
)  # fmt: skip
ROOMS = {path.parent.name for path in (SOURCE / "sabal").glob("*/__init__.py")}


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
        ("agefile", ("sabal", "django", "tlog")),  # a format, usable by anybody
        ("tlog", ("sabal", "django", "agefile")),  # likewise
        ("tlog", ("time", "datetime", "os", "pathlib", "socket", "random", "secrets")),  # and pure
        ("sabal/signing", DOORS),  # the heart knows no door
        (
            "sabal/mail",
            (*DOORS, "sabal.signing", "sabal.newsletter"),
        ),  # it carries letters, whatever they are about
        ("sabal/petitions", DOORS),
        ("sabal/keys", (*DOORS, "sabal.signing", "sabal.mail", "sabal.newsletter")),  # they are built on it
        ("sabal/newsletter", (*DOORS[1:], "sabal.signing")),  # its form keeps the door's limits: see below
        ("sabal/operating", DOORS[1:]),
        ("sabal/ledger", DOORS),
        ("sabal/signing", ("sabal.ledger",)),  # what is signed does not wait for the log
        # it runs where no house is, and knows no other room at all
        (
            "sabal/checking",
            ("django", "agefile", *HOUSE, *(f"sabal.{room}" for room in ROOMS - {"checking"})),
        ),
    ],
)
def test_a_room_does_not_know(room: str, never: tuple[str, ...]) -> None:
    for path in files(room):
        for module in never:
            assert not knows(path, module), f"{path.relative_to(SOURCE)} imports {module}"


def test_a_witness_knows_nothing_of_the_house() -> None:
    """A partner runs it on a machine of their own, and what it imports they have to trust."""
    lent = {"sabal.private", "sabal.refusal"}  # files that hold secrets, and how commands refuse
    for path in files("sabal/witness"):
        known = {name.split(".")[0] for name in imports(path)}
        assert known <= {*sys.stdlib_module_names, "sabal", "tlog", "cryptography", "click"}, path.name
        assert "sqlite3" not in known and ("click" not in known or path.name == "commands.py"), path.name
        house = {".".join(name.split(".")[:2]) for name in imports(path) if name.startswith("sabal.")}
        assert house <= {"sabal.witness", *lent}, f"{path.name} imports {house - lent}"


# What the organiser's offline side may know of the house: no database, no settings, no Django.
OFFLINE = (
    "sabal.delivery", "sabal.checking", "sabal.signing.export", "sabal.signing.record", "sabal.signing.files",
    "sabal.signing.tables", "sabal.mail.address", "sabal.mail.providers", "sabal.petitions.manifest", "sabal.private",
    "sabal.refusal",
)  # fmt: skip


def test_delivery_knows_little_of_the_house() -> None:
    for path in files("sabal/delivery"):
        names = {name for name in imports(path) if name.split(".")[0] in ("sabal", "django", "psycopg")}
        # `from sabal import private` names the package as well.
        over = {
            name
            for name in names
            if not any(
                name == one or name.startswith(f"{one}.") or one.startswith(f"{name}.") for one in OFFLINE
            )
        }
        assert not over, f"{path.relative_to(SOURCE)} imports {over}"


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
        for path in (*(SOURCE / "sabal").iterdir(), SOURCE / "agefile", SOURCE / "tlog")
        if path.suffix == ".py" or (path.is_dir() and path.name != "__pycache__")
    }
    assert len(named) == len(set(named)) and set(named) == there


@pytest.mark.parametrize(
    "module",
    [
        "sabal.front.app", "sabal.front.intake", "sabal.signing.writer", "sabal.signing.sign", "sabal.signing.count",
        "sabal.petitions.snapshot", "sabal.petitions.manifest", "sabal.newsletter.subscription",
        "sabal.mail.outbox", "sabal.keys.house", "sabal.ledger.sequencer", "sabal.ledger.publication",
        "sabal.ledger.adopt",
    ],
)  # fmt: skip
def test_the_hot_path_never_loads_the_orm(module: str) -> None:
    """In a process of its own, so that nothing another test imported can hide it."""
    code = f"import sys, {module}; sys.exit(any((m + '.').startswith('django.db.') for m in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0


@pytest.mark.parametrize("module", ["sabal.checking.commands", "sabal.delivery.commands"])
def test_neither_checking_nor_delivery_loads_the_house(module: str) -> None:
    """In a process of its own; where they run there is neither a database nor a setting."""
    code = (
        f"import sys, {module};"
        "sys.exit(any(m.split('.')[0] in ('django', 'psycopg') or m in ('sabal.settings', 'sabal.database')"
        " for m in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0


# Who may write each hot table. A file that names its tables in a loop writes to all that it names.
WRITERS = {
    "signing_pending": {
        "signing/writer/sign.py", "signing/writer/confirm.py", "signing/writer/leave.py", "signing/tidy.py",
        "signing/epochs.py", "signing/retention.py",
    },
    "signing_signature": {
        "signing/writer/confirm.py", "signing/writer/leave.py", "signing/tidy.py", "signing/epochs.py",
        "signing/retention.py",
    },
    "signing_waiting": {"signing/writer/confirm.py", "signing/writer/log_index.py"},
    "signing_log_index": {"signing/writer/log_index.py"},
    "signing_access": {
        "signing/writer/sign.py", "signing/writer/confirm.py", "signing/writer/leave.py", "signing/count.py",
        "signing/retention.py",
    },
    "signing_sealed": {
        "signing/writer/sign.py", "signing/writer/confirm.py", "signing/writer/leave.py", "signing/tidy.py",
        "signing/epochs.py", "signing/retention.py", "signing/drain.py",
    },
    # Who refused a newsletter stands beside who refused to sign; restore brings both back.
    "signing_suppression": {
        "signing/writer/leave.py", "newsletter/subscription.py", "operating/restore.py",
    },
    "signing_withdrawal": {
        "signing/writer/leave.py", "signing/count.py", "signing/adopted.py",
    },
    "signing_total": {"signing/count.py", "signing/adopted.py", "petitions/publishing.py"},
    "signing_bucket": {"signing/writer/log_index.py"},
    "ledger_log": {"ledger/log.py"},
    "ledger_bundle": {"ledger/log.py"},
    "ledger_batch": {"ledger/log.py"},
    "ledger_lost": {"ledger/log.py"},
}  # fmt: skip


def writes(text: str, table: str) -> bool:
    """Whether a file writes to the table: by SQL, by the helpers that take its name, or in a loop over names."""
    text = re.sub(r"\"\s+f?\"", "", text)  # a statement's parts stand in several quotes, over several lines
    verbs = r"(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM)"
    by_sql = re.search(rf"{verbs}\s+{table}\b", text)
    by_helper = re.search(rf"\b(?:insert|delete)\(\s*(?:\w+,\s*)?\"{table}\"", text)
    in_a_loop = f'"{table}"' in text and re.search(verbs + r"\s+\{table\}", text)
    return bool(by_sql or by_helper or in_a_loop)


@pytest.mark.parametrize("table", WRITERS)
def test_each_hot_table_is_written_by_few(table: str) -> None:
    """A write that the writer does not know would be a row that two signers share, or a lock in another order."""
    found = {
        path.relative_to(SOURCE / "sabal").as_posix()
        for path in files("sabal")
        if writes(path.read_text(encoding="utf-8"), table)
    }
    # A backup and its restore copy whole tables, by their names.
    assert found - {"operating/backup.py"} == WRITERS[table]


@pytest.mark.parametrize(
    "text",
    [
        'database.execute("DELETE FROM signing_pending WHERE 1")',
        'database.execute("UPDATE"\n    " signing_pending SET held = 0")',
        'database.insert("signing_pending", COLUMNS, rows)',
        'database.insert(\n    "signing_pending",\n    COLUMNS, rows)',
        'delete(database, "signing_pending", "id", ids)',
        'for table in ("signing_pending", "x"):\n    database.execute(f"UPDATE {table} SET dedupe_tag = NULL")',
    ],
)
def test_a_write_is_seen_in_every_form(text: str) -> None:
    assert writes(text, "signing_pending") and not writes(text, "signing_sealed")


def test_one_sqlite_library_in_a_process() -> None:
    code = "import sabal, sqlite3, sys; print(sqlite3.__name__, '_sqlite3' in sys.modules)"
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    ).stdout.split()
    if sys.platform == "linux":
        assert out == ["pysqlite3", "False"]
