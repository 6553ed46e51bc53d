"""Exports are opened together, without a server: each record once, no revoked one, and Eve's lines affect no others."""

import base64
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

import agefile
from organiser import made
from sabal.cli import main
from sabal.organiser import files
from sabal.records import export, record

SUZIE, MAX, EVE = made.person("Suzie"), made.person("Max"), made.person("Eve")


def opened(*exports: Iterable[str]) -> list[export.Opened]:
    return list(export.open_sealed([export.read(one) for one in exports], [made.CAROL]))


def found(*exports: Iterable[str]) -> list[tuple[str, int | None]]:
    return sorted((one.fields["name"], one.index) for one in opened(*exports))


def sabal(*words: str) -> Result:
    return CliRunner().invoke(main, words, catch_exceptions=False)


@pytest.fixture
def key(tmp_path: Path) -> str:
    (tmp_path / "key").write_text(f"{made.CAROL}\n")
    return str(tmp_path / "key")


def test_an_opened_record_has_its_index_and_the_salts_of_its_fields() -> None:
    petition = made.petition([SUZIE, MAX])
    suzie = next(one for one in opened(petition.export()) if one.index == 1)
    assert suzie.checked and suzie.fields == SUZIE.fields and suzie.manifest_hash == petition.hash
    digests = b"".join(
        hashlib.sha256(b"\2" + suzie.salts()[name] + value.encode()).digest()
        for name, value in SUZIE.fields.items()
    )
    assert hashlib.sha256(b"petition/1 commit\n" + petition.hash + digests).digest() == suzie.commitment
    assert SUZIE.seed.hex() not in repr(suzie) and "Suzie" not in repr(suzie)


def test_several_exports_give_each_record_once_with_its_newest_index() -> None:
    petition = made.petition([SUZIE])
    index = petition.sign(MAX)
    waiting = petition.line(index) | {"index": None}
    petition.entries.pop()
    older = made.lines(petition.header(), petition.line(1), waiting)
    petition.sign(MAX)
    newer = petition.export()
    for exports in ((older, newer), (newer, older)):
        assert found(*exports) == [("Max", 2), ("Suzie", 1)]
    assert found(older) == [("Max", None), ("Suzie", 1)]


def test_a_record_without_index_that_is_only_in_an_older_export_is_reported(tmp_path: Path, key: str) -> None:
    petition = made.petition([SUZIE, MAX])
    older = made.lines(petition.header(), petition.line(1) | {"index": None})
    petition.sign(EVE)
    paths = [petition.write(tmp_path / "a", older), petition.write(tmp_path / "b", petition.export([2, 3]))]
    done = sabal("open", *paths, "--identity", key)
    assert done.exit_code == 0 and "1 record is only in an older export" in done.stderr
    assert sabal("open", paths[0], "--identity", key).stderr == ""


def test_a_record_withdrawn_since_is_dropped_from_older_exports() -> None:
    petition = made.petition([SUZIE, MAX])
    older = petition.export()
    petition.revoke(1)
    assert found(older) == [("Max", 2), ("Suzie", 1)]
    assert found(older, petition.export()) == [("Max", 2)]
    assert found(older, petition.export([])) == [("Max", 2)]  # the record is only in the older file


def test_files_of_version_1_are_still_opened() -> None:
    petition = made.petition([SUZIE])
    head = {"format": export.OLD_FORMAT, "petition": "trees"}
    old = made.lines(head, petition.line(1))
    assert found(old) == [("Suzie", None)]
    assert found(old, petition.export()) == [("Suzie", 1)]


def test_exports_of_different_petitions_are_not_mixed(tmp_path: Path, key: str) -> None:
    here, elsewhere = made.petition([SUZIE]), made.petition([MAX], origin="other.example/aaaaaaaa/log")
    old = made.lines({"format": export.OLD_FORMAT, "petition": "another"}, here.line(1))
    for other in (elsewhere.export(), old):
        with pytest.raises(export.ExportError, match="different petitions"):
            opened(here.export(), other)
    words = [here.write(tmp_path / "a"), elsewhere.write(tmp_path / "b", elsewhere.export())]
    done = sabal("open", *words, "--identity", key)
    assert done.exit_code == 2 and done.stdout == "" and "different petitions" in done.stderr


@pytest.mark.parametrize(
    "changes",
    [
        {"size": 2}, {"size": True}, {"size": None}, {"size": -1}, {"size": 3.0},
        {"origin": "elsewhere.example/aaaaaaaa/log"}, {"origin": 7}, {"petition": None},
        {"checkpoint": ""}, {"checkpoint": "nonsense"}, {"checkpoint": 7},
        {"revoked": [1, 1]}, {"revoked": [2, 1]}, {"revoked": [0]}, {"revoked": [3]}, {"revoked": [True]},
        {"revoked": ["1"]}, {"revoked": None}, {"revoked": {"1": 2}}, {"revoked": ""}, {"revoked": {}},
        {"code": 7}, {"petition": "\ud800"},
    ],
    ids=str,
)  # fmt: skip
def test_an_invalid_first_line_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(export.ExportError):
        export.read(made.petition([SUZIE, MAX]).export(**changes))


@pytest.mark.parametrize("name", ["origin", "checkpoint", "size", "revoked", "code", "petition"])
def test_an_incomplete_first_line_is_refused(name: str) -> None:
    header = made.petition([SUZIE]).header()
    del header[name]
    with pytest.raises(export.ExportError, match="Line 1 is damaged"):
        export.read(made.lines(header))


def test_eves_lines_do_not_affect_other_records() -> None:
    """Eve had control of the server and wrote these lines before those of Suzie and Max."""
    petition = made.petition([SUZIE, MAX])
    suzie, max_ = petition.line(1), petition.line(2)
    bad = [
        suzie | {"index": 0}, suzie | {"index": 3}, suzie | {"index": -1}, suzie | {"index": "1"},
        suzie | {"index": True}, suzie | {"index": 10**30}, suzie | {"commitment": "00"},
        suzie | {"record": "=" * 1_000}, {"index": 1},
    ]  # fmt: skip
    exchanged = [suzie | {"record": max_["record"]}, max_ | {"record": suzie["record"]}]
    twice = petition.line(2) | {"index": 1}
    written = made.lines(petition.header(), *bad, *exchanged, suzie, twice, max_, suzie)
    result = opened(written)
    assert [one.unreadable for one in result] == [*range(2, 11), None, None, None, None]
    assert [(one.fields["name"], one.index) for one in result if one.checked] == [
        ("Suzie", 1),
        ("Max", None),  # Eve gave his record the index of Suzie's
    ]


def test_a_record_whose_fields_are_not_text_is_unreadable() -> None:
    """Other programs would write such a value in another way, and so find another commitment."""
    petition = made.petition([SUZIE])
    plain = record.sealed_json(petition.hash, SUZIE.seed, SUZIE.fields, "en", {})
    for was, now in ((b'"name":"Suzie"', b'"name":true'), (b'"lang":"en"', b'"lang":1')):
        assert was in plain
        sealed = agefile.encrypt(plain.replace(was, now), [made.CAROL.recipient])
        line = petition.line(1) | {"record": base64.b64encode(sealed).decode()}
        assert [one.unreadable for one in opened(made.lines(petition.header(), line))] == [2]


def test_an_overlong_line_is_not_read_into_memory(tmp_path: Path) -> None:
    petition = made.petition([SUZIE, MAX])
    head, suzie, max_ = petition.export()
    huge = '{"record": "' + "A" * (3 * files.MOST_LINE) + '"}\n'
    path = petition.write(tmp_path / "export", [head, suzie, huge, max_])
    with files.read_exports([Path(path)]) as exports:
        result = list(export.open_sealed(exports, [made.CAROL]))
    assert [one.unreadable for one in result] == [None, 3, None]
    assert all(one.export == path for one in result)


@given(st.lists(st.text(max_size=60) | st.recursive(st.none() | st.integers() | st.text(max_size=9),
       lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
           st.sampled_from(["index", "commitment", "record", "format"]), inner), max_leaves=6).map(json.dumps),
       max_size=5))  # fmt: skip
def test_any_content_of_a_file_is_only_refused(bad: list[str]) -> None:
    head = made.lines(made.petition([SUZIE]).header())
    assert all(one.unreadable for one in opened([*head, *bad]))
    try:
        export.read(bad)
    except export.ExportError:
        return
    pytest.fail("this is not an export")


def code_for(*recipients: agefile.Recipient) -> str:
    return base64.b64encode(agefile.encrypt(b" k7qm-x2\n", recipients)).decode()


def test_prove_prints_the_code_after_all_records_were_opened(tmp_path: Path, key: str) -> None:
    petition = made.petition([SUZIE, MAX, EVE])
    petition.revoke(3)
    written = petition.export(code=code_for(made.CAROL.recipient))
    done = sabal("open", petition.write(tmp_path / "export", written), "--identity", key, "--prove")
    first, second = sorted([petition.commitment(1), petition.commitment(2)])
    expected = hashlib.sha256(b"petition/1 drain\n" + b"k7qm-x2" + (2).to_bytes(8) + first + second)
    assert (done.exit_code, done.stdout, done.stderr) == (0, expected.hexdigest() + "\n", "")


@pytest.mark.parametrize("what", ["changed", "another key", "no code", "no base64", "code of another"])
def test_prove_refuses_if_a_record_is_not_the_one_that_was_signed(
    what: str, tmp_path: Path, key: str
) -> None:
    petition = made.petition([SUZIE, MAX])
    others = agefile.generate(post_quantum=False).recipient
    code = {"no code": None, "no base64": "%", "code of another": code_for(others)}.get(
        what, code_for(made.CAROL.recipient)
    )
    second = petition.line(2, [others]) if what == "another key" else petition.line(2)
    if what == "changed":
        second["commitment"] = "00" * 32
    written = made.lines(petition.header(code=code), petition.line(1), second)
    done = sabal("open", petition.write(tmp_path / "export", written), "--identity", key, "--prove")
    assert done.exit_code == 2 and done.stdout == "" and len(done.stderr.splitlines()) == 1


def test_prove_takes_one_export(tmp_path: Path, key: str) -> None:
    path = made.petition([SUZIE]).write(tmp_path / "export")
    assert "one FILE with --prove" in sabal("open", path, path, "--identity", key, "--prove").stderr
    assert "no file trees" in sabal("open", "trees", "--identity", key, "--prove").stderr


def test_the_code_ignores_blanks_and_the_order_of_records() -> None:
    assert export.drain_proof(b"ab\n", [b"2", b"1"]) == export.drain_proof(b" a b", [b"1", b"2"])
    assert export.drain_proof(b"ab", [b"1"]) != export.drain_proof(b"ab", [b"1", b"2"])
    assert export.drain_proof(b"k7qm-x2", [bytes(32)]) == (
        hashlib.sha256(b"petition/1 drain\nk7qm-x2" + bytes(7) + b"\1" + bytes(32)).hexdigest()
    )


def test_unreadable_lines_are_reported_by_file(tmp_path: Path, key: str) -> None:
    petition = made.petition([SUZIE, MAX])
    other = agefile.generate(post_quantum=False).recipient
    paths = [
        petition.write(tmp_path / name, made.lines(petition.header(), petition.line(index, [other])))
        for name, index in (("a", 1), ("b", 2))
    ]
    done = sabal("open", *paths, "--identity", key, "--format", "jsonl")
    assert done.exit_code == 1 and f"1 in {paths[0]}; 1 in {paths[1]}" in done.stderr
    assert [json.loads(line)["index"] for line in done.stdout.splitlines()] == [1, 2]


def test_a_name_that_looks_like_a_formula_is_quoted_in_the_table(tmp_path: Path, key: str) -> None:
    petition = made.petition([made.person("=HYPERLINK(1)"), made.person("Kim;=1+1", "+kim@example.org")])
    done = sabal("open", petition.write(tmp_path / "export"), "--identity", key)
    assert done.exit_code == 0
    rows = done.stdout.splitlines()
    assert rows[0].endswith(",language,index,checked") and rows[1].startswith("'=HYPERLINK(1),")
    assert rows[2].startswith("Kim;'=1+1,'+kim@")
