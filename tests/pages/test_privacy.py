"""The privacy page's table speaks about every column in which something about a person could stand."""

import re
from pathlib import Path

from sabal.pages.privacy import MOMENTS

SOURCE = Path(__file__).parents[2] / "src" / "sabal"
ROOMS = ("signing", "mail", "newsletter")


def columns() -> set[str]:
    """Every "table.column" that the migrations of these rooms make and leave."""
    found: set[str] = set()
    for room in ROOMS:
        for migration in sorted((SOURCE / room / "migrations").glob("0*.py")):
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


def test_every_column_is_told_of_and_none_that_is_not_there() -> None:
    told = [column for moment in MOMENTS for column in moment.covers]
    assert len(told) == len(set(told))
    assert "signing_pending.pending_payload" in columns()
    assert set(told) == columns()
