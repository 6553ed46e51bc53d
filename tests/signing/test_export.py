"""Exports: written sealed on the server, opened by Carol, and harmless in a spreadsheet and a terminal."""

import csv
import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import agefile
from houses import HouseOfTests
from sabal.cli import main
from sabal.signing import export
from signing.steps import confirmed, signed


def lines(house: HouseOfTests, petition_id: int) -> list[str]:
    return list(export.write_sealed(house.database, petition_id, "slug"))


def test_carol_opens_the_confirmed_and_only_them(house: HouseOfTests) -> None:
    petition = house.publish()
    confirmed(house, petition)
    confirmed(house, petition, "max@example.org", name="=Max")
    signed(house, petition, "eve@example.org")
    opened = list(export.open_sealed(lines(house, petition.id), [house.identity]))
    assert sorted(o.fields["email"] for o in opened) == ["max@example.org", "suzie@example.org"]
    assert all(o.checked for o in opened)
    rows = list(csv.reader(io.StringIO("".join(export.as_csv(opened)))))
    assert rows[0] == list(export.COLUMNS)
    assert {row[0] for row in rows[1:]} == {"Suzie", "'=Max"}
    assert {json.loads(line)["name"] for line in export.as_jsonl(opened)} == {"Suzie", "=Max"}


def test_an_export_of_more_than_a_chunk_is_whole(
    house: HouseOfTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "CHUNK", 3)
    petition = house.publish()
    for i in range(7):
        confirmed(house, petition, f"suzie{i}@example.org")
    assert len(lines(house, petition.id)) == 8


def test_a_record_that_was_exchanged_is_shown(house: HouseOfTests) -> None:
    petition = house.publish()
    confirmed(house, petition)
    confirmed(house, petition, "max@example.org")
    written = lines(house, petition.id)
    first, second = json.loads(written[1]), json.loads(written[2])
    first["record"], second["record"] = second["record"], first["record"]
    exchanged = [written[0], json.dumps(first), json.dumps(second)]
    assert [o.checked for o in export.open_sealed(exchanged, [house.identity])] == [False, False]


def test_eves_key_opens_nothing(house: HouseOfTests) -> None:
    petition = house.publish()
    confirmed(house, petition)
    with pytest.raises(agefile.AgeError):
        list(export.open_sealed(lines(house, petition.id), [agefile.generate()]))


@pytest.mark.parametrize(
    "bad", [[], ["{}"], ["nonsense"], ['{"format": "sabal sealed records, version 1"}', "{"]]
)
def test_what_is_no_export_is_named(bad: list[str], carols_identity: agefile.Identity) -> None:
    with pytest.raises(export.ExportError):
        list(export.open_sealed(bad, [carols_identity]))


def test_a_terminal_gets_no_control_characters() -> None:
    assert export.printable("a\x1b[2Jb\x07c\u202ed\n") == "a\ufffd[2Jb\ufffdc\ufffdd\n"


def test_the_sealed_file_is_for_one_pair_of_eyes(house: HouseOfTests, tmp_path: Path) -> None:
    petition = house.publish()
    confirmed(house, petition)
    out = tmp_path / "signatures.jsonl"
    out.write_text("an older one")
    out.chmod(0o644)
    result = CliRunner().invoke(main, ["sealed", petition.slug, "--out", str(out)], catch_exceptions=False)
    assert result.exit_code == 0 and "1 sealed records" in result.output
    assert out.stat().st_mode & 0o777 == 0o600
    with out.open(encoding="utf-8") as file:
        assert [one.checked for one in export.open_sealed(file, [house.identity])] == [True]
