"""Exports: the server writes them sealed, Carol opens them, and they are harmless in a spreadsheet and a terminal."""

import base64
import csv
import io
import json
from collections.abc import Iterable
from pathlib import Path

import pytest
from click.testing import CliRunner

import agefile
from sabal.cli import main
from sabal.organiser import signers
from sabal.records import export
from sabal.records.record import RECORD_FIELDS
from sabal.signing import sealed
from signing.steps import confirmed, signed
from sites import SiteOfTests


def lines(site: SiteOfTests, petition_id: int) -> list[str]:
    return list(sealed.write_sealed(site.database, petition_id, export.Header("slug")))


def opened_by(identity: agefile.Identity, *exports: Iterable[str]) -> list[export.Opened]:
    return list(export.open_sealed([export.read(one) for one in exports], [identity]))


def test_carol_opens_only_confirmed_signatures(site: SiteOfTests) -> None:
    petition = site.publish()
    confirmed(site, petition)
    confirmed(site, petition, "max@example.org", name="=Max")
    signed(site, petition, "eve@example.org")
    opened = opened_by(site.identity, lines(site, petition.id))
    assert sorted(o.fields["email"] for o in opened) == ["max@example.org", "suzie@example.org"]
    assert all(o.checked for o in opened)
    rows = list(csv.reader(io.StringIO("".join(signers.as_csv(opened)))))
    assert rows[0] == list(signers.COLUMNS)
    assert {row[0] for row in rows[1:]} == {"Suzie", "'=Max"}
    assert {json.loads(line)["name"] for line in signers.as_jsonl(opened)} == {"Suzie", "=Max"}


def test_an_export_of_more_than_a_chunk_is_complete(
    site: SiteOfTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealed, "CHUNK", 3)
    petition = site.publish()
    for i in range(7):
        confirmed(site, petition, f"suzie{i}@example.org")
    assert len(lines(site, petition.id)) == 8


def test_swapped_records_are_reported(site: SiteOfTests) -> None:
    petition = site.publish()
    confirmed(site, petition)
    confirmed(site, petition, "max@example.org")
    written = lines(site, petition.id)
    first, second = json.loads(written[1]), json.loads(written[2])
    first["record"], second["record"] = second["record"], first["record"]
    swapped = [written[0], json.dumps(first), json.dumps(second)]
    assert [o.checked for o in opened_by(site.identity, swapped)] == [False, False]


def test_eves_key_opens_nothing(site: SiteOfTests) -> None:
    petition = site.publish()
    confirmed(site, petition)
    (opened,) = opened_by(agefile.generate(), lines(site, petition.id))
    assert opened.unreadable == 2 and not opened.checked and not any(opened.fields.values())


def sealed_line(site: SiteOfTests, plain: bytes) -> str:
    sealed = agefile.encrypt(plain, [site.identity.recipient])
    return json.dumps({"commitment": "00" * 32, "record": base64.b64encode(sealed).decode()})


def test_lines_that_cannot_be_opened_do_not_stop_the_others(site: SiteOfTests) -> None:
    """Eve, who had access to the server, puts her own lines first."""
    petition = site.publish()
    confirmed(site, petition)
    header, suzie = lines(site, petition.id)
    fields = dict.fromkeys(RECORD_FIELDS, "")
    record = {"v": 1, "manifest": "00", "fields": fields, "lang": "ko", "seed": "00" * 32}
    bad = [
        "{",
        "[]",
        "[" * 100_000,
        "{}",
        json.dumps({"commitment": "00", "record": "%"}),
        json.dumps({"commitment": "00", "record": base64.b64encode(b"no age file").decode()}),
        suzie.replace('"record": "', '"record": "AAAA'),
        *(
            sealed_line(site, plain)
            for plain in (
                b"", b"\xff", b"[]", b"7", b"{}", b"[" * 100_000, b'{"fields": 7}', b'{"fields": {}}',
                json.dumps({**record, "lang": "\ud800"}).encode(),
                json.dumps({**record, "seed": 7}).encode(),
                json.dumps({**record, "fields": {**fields, "name": "\ud800"}}).encode(),
            )
        ),
    ]  # fmt: skip
    opened = opened_by(site.identity, [header, *bad, suzie])
    assert [one.unreadable for one in opened] == [*range(2, len(bad) + 2), None]
    assert opened[-1].checked and opened[-1].fields["email"] == "suzie@example.org"


def test_each_record_is_opened_by_its_key(site: SiteOfTests, tmp_path: Path) -> None:
    petition = site.publish()
    confirmed(site, petition)
    confirmed(site, petition, "max@example.org", name="Max")
    later = agefile.generate()
    header, *both = lines(site, petition.id)
    suzie, max_ = sorted(
        both, key=lambda line: opened_by(site.identity, [header, line])[0].fields["name"] == "Max"
    )
    other = json.loads(max_)
    plain = agefile.decrypt(base64.b64decode(other["record"]), [site.identity])
    other["record"] = base64.b64encode(agefile.encrypt(plain, [later.recipient])).decode()
    file = tmp_path / "signatures.jsonl"
    file.write_text(f"{header}{json.dumps(other)}\n{suzie}", encoding="utf-8")
    keys = []
    for name, identity in (("first", site.identity), ("later", later)):
        (tmp_path / name).write_text(f"{identity}\n")
        keys.append(("--identity", str(tmp_path / name)))

    one = CliRunner().invoke(main, ["open", str(file), *keys[0]], catch_exceptions=False)
    assert one.exit_code == 1 and "Could not be opened: 1 (in the export, line 2)" in one.stderr
    assert "--identity" in one.stderr
    rows = list(csv.DictReader(io.StringIO(one.stdout)))
    assert [(row["name"], row["checked"]) for row in rows] == [("", "NO"), ("Suzie", "yes")]
    together = CliRunner().invoke(
        main, ["open", str(file), *keys[0], *keys[1], "--format", "jsonl"], catch_exceptions=False
    )
    assert (together.exit_code, together.stderr) == (0, "")
    assert [json.loads(line)["checked"] for line in together.stdout.splitlines()] == ["yes", "yes"]


@pytest.mark.parametrize("bad", [[], ["{}"], ["nonsense"], ["[" * 100_000]])
def test_a_file_that_is_no_export_is_refused(bad: list[str]) -> None:
    with pytest.raises(export.ExportError):
        export.read(bad)


def test_a_terminal_gets_no_control_characters() -> None:
    assert signers.printable("a\x1b[2Jb\x07c\u202ed\n") == "a\ufffd[2Jb\ufffdc\ufffdd\n"


def test_only_the_owner_can_read_the_sealed_file(site: SiteOfTests, tmp_path: Path) -> None:
    petition = site.publish()
    confirmed(site, petition)
    out = tmp_path / "signatures.jsonl"
    out.write_text("an older one")
    out.chmod(0o644)
    result = CliRunner().invoke(
        main, ["sealed", petition.slug, "--out", str(out), "--force"], catch_exceptions=False
    )
    assert result.exit_code == 0 and "1 sealed record written" in result.output
    assert out.stat().st_mode & 0o777 == 0o600
    with out.open(encoding="utf-8") as file:
        assert [one.checked for one in opened_by(site.identity, file)] == [True]
