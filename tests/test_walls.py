"""The rules of imports: the order of the packages, and the few further rules of docs/architecture.md."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src"
MIGRATIONS = "migrations"
ORDER = (
    "tlog agefile",  # formats: they import nothing of Sabal
    "__init__ refusal locks private public http posted strict token typed spreadsheet counted nearest days drawn"
    " hot_tables webp",
    "configuration pictures outfile run_folder",
    "settings textfile",
    "database logs erasure_journal serve site_name source keyfile",
    "checking witness keys",
    "records",
    "petitions",
    "limits",
    "mail",
    "newsletter",
    "bounces",
    "mailings",
    "signing",
    "ledger",
    "pages",
    "publishing organiser api",
    "dossier",
    "accounts",
    "delivery updates",
    "elsewhere",
    "front desk",
    "first_use operating tidying",
    "asgi worker demo",
    "cli",
    "__main__",
)  # fmt: skip
"""Packages and modules. Each may import those of earlier lines, and none of its own line."""
LEVEL = {name: level for level, names in enumerate(ORDER) for name in names.split()}


def imports(path: Path) -> set[str]:
    """Return every module that a file imports, inside functions too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def files(package: str) -> list[Path]:
    paths = [p for p in (SOURCE / package).rglob("*.py") if MIGRATIONS not in p.parts]
    assert paths, f"no files in {package}"
    return paths


def uses(path: Path, module: str) -> bool:
    return any(name == module or name.startswith(f"{module}.") for name in imports(path))


def part(name: str) -> str:
    """Return the package or module of `src/sabal` that a dotted name belongs to; empty for other packages."""
    words = name.split(".")
    if words[0] != "sabal":
        return words[0] if words[0] in ("tlog", "agefile") else ""
    return words[1] if len(words) > 1 and words[1] in LEVEL else "__init__"


def upward() -> set[tuple[str, str]]:
    """Return each file that imports a part of a later line or of its own line, with that part."""
    found = set()
    for path in (path for package in ("sabal", "tlog", "agefile") for path in files(package)):
        own = part(".".join(path.relative_to(SOURCE).with_suffix("").parts))
        for name in imports(path):
            other = part(name)
            if other != own and LEVEL.get(other, -1) >= LEVEL[own] and other != "__init__":
                found.add((path.relative_to(SOURCE).as_posix(), other))
    return found


def test_nothing_imports_upwards() -> None:
    assert upward() == set()


def test_every_part_is_in_the_order() -> None:
    existing = {
        path.stem
        for path in (SOURCE / "sabal").iterdir()
        if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert existing | {"tlog", "agefile"} == set(LEVEL)


@pytest.mark.parametrize(
    ("package", "never"),
    [
        ("tlog", ("time", "datetime", "os", "pathlib", "socket", "random", "secrets")),  # pure
        ("sabal/records", ("django", "sabal.database", "sabal.settings")),
        # It runs without a server.
        (
            "sabal/checking",
            ("django", "agefile", "sabal.database", "sabal.settings", "sabal.keys", "sabal.witness"),
        ),
    ],
)
def test_a_package_never_imports(package: str, never: tuple[str, ...]) -> None:
    for path in files(package):
        for module in never:
            assert not uses(path, module), f"{path.relative_to(SOURCE)} imports {module}"


def test_a_witness_imports_nothing_of_the_server() -> None:
    """A partner runs it on another machine, and has to trust everything that it imports."""
    allowed = {
        "sabal.private",
        "sabal.locks",
        "sabal.refusal",
        "sabal.counted",
    }  # secret files, and sentences
    for path in files("sabal/witness"):
        imported = {name.split(".")[0] for name in imports(path)}
        assert imported <= {*sys.stdlib_module_names, "sabal", "tlog", "cryptography", "click"}, path.name
        assert "sqlite3" not in imported and ("click" not in imported or path.name == "commands.py"), (
            path.name
        )
        ours = {".".join(name.split(".")[:2]) for name in imports(path) if name.startswith("sabal.")}
        assert ours <= {"sabal.witness", *allowed}, f"{path.name} imports {ours - allowed}"


def from_server(node: ast.stmt) -> Iterator[str]:
    """Yield the modules of `mail` and `petitions` that an import statement names."""
    if isinstance(node, ast.ImportFrom) and node.module in ("sabal.mail", "sabal.petitions"):
        yield from (f"{node.module}.{alias.name}" for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module and part(node.module) in ("mail", "petitions"):
        yield node.module


# `sabal open SLUG` reads this server's own database; it imports that inside a function.
OFFLINE = {
    "records", "checking", "mail", "petitions", "private", "refusal", "spreadsheet", "textfile", "keyfile", "outfile",
    "counted", "nearest",
}  # fmt: skip
OFFLINE_MODULES = {"sabal.mail.address", "sabal.mail.providers", "sabal.petitions.manifest"}


def test_the_organisers_tools_need_no_server() -> None:
    for path in files("sabal/organiser"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = {node.module for node in tree.body if isinstance(node, ast.ImportFrom) and node.module}
        ours = {
            name
            for name in names
            if name.split(".")[0] == "sabal" and part(name) not in ("organiser", "__init__")
        }
        assert {part(name) for name in ours} <= OFFLINE, path.name
        modules = {name for node in tree.body for name in from_server(node)}
        assert modules <= OFFLINE_MODULES, path.name


def test_every_package_and_module_is_in_the_architecture() -> None:
    page = (SOURCE.parent / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = re.findall(r"^\| `([\w./]+)` \|", page, re.MULTILINE)
    existing = {
        f"{path.name}/" if path.is_dir() else path.name
        for path in (*(SOURCE / "sabal").iterdir(), SOURCE / "agefile", SOURCE / "tlog")
        if path.suffix == ".py" or (path.is_dir() and path.name != "__pycache__")
    }
    assert len(named) == len(set(named)) and set(named) == existing


HOT_PATH = (
    "sabal.signing.writer", "sabal.signing.sign", "sabal.signing.count", "sabal.petitions.snapshots",
    "sabal.petitions.manifest", "sabal.newsletter.leaving", "sabal.mail.outbox", "sabal.keys.keystore",
    "sabal.mailings.sending", "sabal.ledger.sequencer", "sabal.ledger.publication", "sabal.ledger.adopt",
)  # fmt: skip


def test_the_hot_path_never_loads_the_orm() -> None:
    """Check this in another process, where no other test has imported anything. It names the first that does."""
    code = (
        "import importlib, sys\n"
        f"for module in {HOT_PATH!r}:\n"
        "    importlib.import_module(module)\n"
        "    if any((m + '.').startswith('django.db.') for m in sys.modules): sys.exit(module)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("module", ["sabal.front.front", "sabal.front.handlers", "sabal.front.routes"])
def test_the_front_never_loads_the_orm(module: str) -> None:
    """Its pages are Django's templates, which load the package `django.db`, but neither models nor a backend."""
    code = (
        f"import sys, {module};"
        "sys.exit(any(m.startswith(('django.db.models', 'django.db.backends')) for m in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0


@pytest.mark.parametrize(
    "module",
    [
        "sabal.checking.commands", "sabal.organiser.commands", "sabal.organiser.opening", "sabal.keys.commands",
        "sabal.witness.commands", "sabal.cli",
    ],
)  # fmt: skip
def test_the_commands_for_any_computer_load_no_server(module: str) -> None:
    """Such a computer has neither a database nor settings. Check this in another process."""
    code = (
        f"import sys, {module};"
        "sys.exit(any(m.split('.')[0] in ('django', 'psycopg') or m in ('sabal.settings', 'sabal.database')"
        " for m in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0


# The files that may write each hot table. A file that loops over table names counts for all of them.
WRITERS = {
    "signing_pending": {
        "signing/writer/sign.py", "signing/writer/confirm.py", "signing/writer/withdraw.py", "signing/tidy.py",
        "signing/epochs.py", "signing/retention.py", "signing/late.py", "signing/reminder.py",
    },
    "signing_signature": {
        "signing/writer/confirm.py", "signing/writer/withdraw.py", "signing/tidy.py", "signing/epochs.py",
        "signing/retention.py", "signing/late.py",
    },
    "signing_waiting": {"signing/writer/confirm.py", "signing/writer/log_index.py"},
    "signing_log_index": {"signing/writer/log_index.py"},
    "signing_access": {
        "signing/writer/sign.py", "signing/writer/confirm.py", "signing/writer/withdraw.py", "signing/count.py",
        "signing/retention.py", "signing/late.py",
    },
    "signing_sealed": {
        "signing/writer/sign.py", "signing/writer/confirm.py", "signing/writer/withdraw.py", "signing/tidy.py",
        "signing/epochs.py", "signing/retention.py", "signing/drain.py",
    },
    # Suppressions of the newsletter and of signing share this table; a restore writes both.
    "signing_suppression": {
        "signing/writer/withdraw.py", "newsletter/leaving.py", "operating/erasures.py",
    },
    "signing_withdrawal": {
        "signing/writer/withdraw.py", "signing/count.py", "signing/adopted.py",
    },
    "signing_total": {"signing/count.py", "signing/adopted.py", "publishing/versions.py"},
    "signing_history": {"signing/count.py"},
    "signing_asked": {"signing/asked.py"},
    "signing_source": {"signing/sources.py"},
    "signing_bucket": {"signing/writer/sums.py"},
    "signing_counted": {"signing/writer/sums.py"},
    "mailings_recipient": {"mailings/audience.py", "mailings/claims.py", "mailings/forgetting.py"},
    "mailings_sum": {"mailings/tables.py"},
    "ledger_log": {"ledger/tables.py"},
    "ledger_bundle": {"ledger/bundles.py"},
    "ledger_batch": {"ledger/tables.py"},
    "ledger_lost": {"ledger/tables.py"},
    "ledger_offer": {"ledger/offers.py"},
}  # fmt: skip


def writes(text: str, table: str) -> bool:
    """Return whether a file writes to the table: by SQL, by helpers that take its name, or in a loop over names."""
    text = re.sub(r"\"\s+f?\"", "", text)  # a statement may be several strings on several lines
    verbs = r"(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM)"
    by_sql = re.search(rf"{verbs}\s+{table}\b", text)
    by_helper = re.search(rf"\b(?:insert|delete)\(\s*(?:\w+,\s*)?\"{table}\"", text)
    in_a_loop = f'"{table}"' in text and re.search(verbs + r"\s+\{table\}", text)
    return bool(by_sql or by_helper or in_a_loop)


@pytest.mark.parametrize("table", WRITERS)
def test_each_hot_table_is_written_by_few(table: str) -> None:
    """A write elsewhere could give two signers one row, or take locks in another order."""
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
def test_every_form_of_a_write_is_found(text: str) -> None:
    assert writes(text, "signing_pending") and not writes(text, "signing_sealed")


def test_one_sqlite_library_in_a_process() -> None:
    code = "import sabal, sqlite3, sys; print(sqlite3.__name__, '_sqlite3' in sys.modules)"
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    ).stdout.split()
    if sys.platform == "linux":
        assert out == ["pysqlite3", "False"]
