"""The table of the privacy page describes every column that could hold data about a person."""

import re
from pathlib import Path

from sabal.pages.privacy import MOMENTS

SOURCE = Path(__file__).parents[2] / "src" / "sabal"
PACKAGES = ("signing", "mail", "newsletter", "bounces")


def columns() -> set[str]:
    """Return every "table.column" that exists after the migrations of these packages."""
    found: set[str] = set()
    for package in PACKAGES:
        for migration in sorted((SOURCE / package / "migrations").glob("0*.py")):
            source = migration.read_text(encoding="utf-8")
            for table, body in re.findall(r"CREATE TABLE (\w+) \((.*?)\n\)", source, re.S):
                names = re.findall(r"^    ([a-z_]+) [A-Z]", body, re.M)
                found |= {f"{table}.{name}" for name in names}
            found |= {
                f"{table}.{name}" for table, name in re.findall(r"ALTER TABLE (\w+) ADD COLUMN (\w+)", source)
            }
            found -= {
                f"{table}.{name}"
                for table, name in re.findall(r"ALTER TABLE (\w+) DROP COLUMN (\w+)", source)
            }
    return found


def test_the_table_covers_exactly_the_existing_columns() -> None:
    covered = [column for moment in MOMENTS for column in moment.covers]
    assert len(covered) == len(set(covered))
    assert "signing_pending.pending_payload" in columns()
    assert set(covered) == columns()
