"""Recipients are changed, added, removed and moved; the others keep their bytes."""

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from sabal.petitions import folder
from sabal.petitions.recipients import RecipientLine, with_recipients
from sabal.petitions.tomltable import FILE

EXAMPLE = folder.read(Path(__file__).parents[2] / "petitions" / "stop-forced-repatriation")
HEAD = 'languages = ["en"]\norganiser = "We"\n'
SMALL = {
    FILE: f"""{HEAD}
[controller]
name = "We"

# the first
[[recipients]]
name = "The Council" # of the town
language = "en"

[[recipients]]
key = "b"
[recipients.name]
en = "The Bus"

[fields]
country = true
"""
}


def lines_of(files: dict[str, str]) -> list[RecipientLine]:
    data = tomllib.loads(files[FILE].removeprefix("\ufeff"))
    return [
        RecipientLine(
            place,
            one["name"] if isinstance(one["name"], dict) else dict.fromkeys(data["languages"], one["name"]),
            one.get("key", ""),
            one.get("language", ""),
            one.get("address", ""),
            one.get("group", False),
        )
        for place, one in enumerate(data["recipients"])
    ]


@pytest.mark.parametrize("files", [EXAMPLE, SMALL, {FILE: "\ufeff" + SMALL[FILE].replace("\n", "\r\n")}])
def test_nothing_changed_gives_the_same_bytes(files: dict[str, str]) -> None:
    assert with_recipients(files, lines_of(files)) == files


def test_one_name_changes_one_line() -> None:
    first, *others = lines_of(EXAMPLE)
    changed = with_recipients(EXAMPLE, [replace(first, name={**first.name, "ko": "중국"}), *others])[FILE]
    pairs = zip(EXAMPLE[FILE].split("\n"), changed.split("\n"), strict=True)
    assert [new for old, new in pairs if old != new] == ['name.ko = "중국"']


def test_comments_move_with_their_recipient() -> None:
    first, second = lines_of(SMALL)
    changed = with_recipients(SMALL, [second, first])[FILE]
    assert '# the first\n[[recipients]]\nname = "The Council" # of the town\n' in changed
    assert changed.startswith(SMALL[FILE].partition("# the first")[0])
    assert [one.name["en"] for one in lines_of({FILE: changed})] == ["The Bus", "The Council"]
    assert tomllib.loads(changed)["fields"] == {"country": True}


def test_a_list_in_one_line_becomes_tables_only_when_the_order_changes() -> None:
    files = {
        FILE: f'{HEAD}recipients = [{{name = "A"}}, {{name = "B", group = true}}]\n[fields]\ncountry = true\n'
    }
    first, second = lines_of(files)
    assert with_recipients(files, [first, second]) == files
    assert (
        'recipients = [{name = "C"}, {'
        in with_recipients(files, [replace(first, name={"en": "C"}), second])[FILE]
    )
    moved = with_recipients(files, [second, first])
    assert [(one.name["en"], one.group) for one in lines_of(moved)] == [("B", True), ("A", False)]


NAME = some.text(some.characters(exclude_categories=("C",)), min_size=1, max_size=20)


@given(
    some.sampled_from([EXAMPLE, SMALL]),
    some.data(),
    some.lists(NAME, max_size=3),
)
def test_every_order_and_every_name_is_read_again(
    files: dict[str, str], data: some.DataObject, names: list[str]
) -> None:
    languages = tomllib.loads(files[FILE])["languages"]
    present = lines_of(files)
    kept = data.draw(some.lists(some.sampled_from(present), unique_by=lambda one: one.origin, min_size=1))
    new = [
        RecipientLine(None, {one: name + one for one in languages}, group=bool(place % 2), language="fr")
        for place, name in enumerate(names)
    ]
    wanted = data.draw(some.permutations([*kept, *new]))
    changed = with_recipients(files, wanted)
    found = lines_of(changed)
    assert [replace(one, origin=None) for one in found] == [replace(one, origin=None) for one in wanted]
    others = {key: value for key, value in tomllib.loads(files[FILE]).items() if key != "recipients"}
    assert {
        key: value for key, value in tomllib.loads(changed[FILE]).items() if key != "recipients"
    } == others
