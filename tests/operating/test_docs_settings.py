"""docs/operating.md names every setting, and no others."""

import re
from pathlib import Path

from sabal import settings

PAGE = (Path(__file__).parents[2] / "docs" / "operating.md").read_text(encoding="utf-8")


def test_the_table_holds_every_setting_and_no_others() -> None:
    table = PAGE.split("## Settings")[1]
    assert set(re.findall(r"^\| `(SABAL_\w+)` \|", table, re.MULTILINE)) == {
        s.name for s in settings.SETTINGS
    }


def test_the_sample_environment_uses_settings_that_exist() -> None:
    sample = (Path(__file__).parents[2] / "docs" / "operating" / "sabal.env").read_text(encoding="utf-8")
    known = {s.name for s in settings.SETTINGS} | {f"{s.name}_FILE" for s in settings.SETTINGS if s.secret}
    names = set(re.findall(r"^(\w+)=", sample, re.MULTILINE))
    assert names and names <= known
