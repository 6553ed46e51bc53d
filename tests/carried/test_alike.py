"""The three checkers say the same of every input: it holds (0), it is wrong (1), or it was not checked (2)."""

import base64
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from carried import alike, printable
from carried.alike import CASES, HOLDS, LONG, TEXTS, UNCHECKED, WRONG, Case
from carried.checkers import load
from carried.test_page import open_page  # noqa: F401 - a fixture
from sabal.checking import commands, subject
from sabal.checking.report import plain
from served import CHROMIUM

BEGINNINGS = {HOLDS: "OK: ", WRONG: "NOT OK: ", UNCHECKED: ("NOT CHECKED: ", "Usage: ", "usage: ")}
HEADINGS = {HOLDS: "OK", WRONG: "NOT OK", UNCHECKED: "NOT CHECKED"}


def arguments(case: Case, folder: Path) -> list[str]:
    """Write the files of a case and return the arguments that check them."""
    path = folder / case.name
    if isinstance(case.copy, bytes):
        path.write_bytes(case.copy)
    else:
        for name, data in case.copy.items():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(data)
    found = [str(path)]
    for at, (option, data) in enumerate(case.kept):
        (folder / f"kept {at}").write_bytes(data)
        found += [f"--{option}", str(folder / f"kept {at}")]
    return [*found, *case.options]


def verify_py(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[int, str]:
    """Return the exit code of `verify.py` and what it prints."""
    checker = load()
    monkeypatch.setattr("sys.argv", ["verify.py", *words])
    try:
        code = checker.main()
    except SystemExit as exit_:
        code = exit_.code
    said = capsys.readouterr()
    return code, said.out + said.err


@pytest.mark.parametrize("name", CASES)
def test_sabal_and_verify_py_say_the_same(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    case = CASES[name]
    words = arguments(case, tmp_path)
    sabal = CliRunner().invoke(commands.verify, words)
    code, said = verify_py(words, monkeypatch, capsys)
    ours = (
        sabal.output
        if not sabal.exception or isinstance(sabal.exception, SystemExit)
        else str(sabal.exception)
    )
    assert ours.startswith(BEGINNINGS[case.code]) and said.startswith(BEGINNINGS[case.code]), (ours, said)
    assert case.code == code and (sabal.exit_code == code or code == UNCHECKED), (ours, said)
    assert case.says in ours and case.says in said, (ours, said)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads every file")
def test_a_file_that_may_not_be_read_was_not_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = arguments(alike.KEPT["a proof"], tmp_path)
    for name in ("kept 0", "bundle.zip"):
        (tmp_path / name).chmod(0)
        assert CliRunner().invoke(commands.verify, words).exception
        assert verify_py(words, monkeypatch, capsys)[0] == UNCHECKED


NOT_FOR_THE_PAGE = ("proof: a zip", "a zip, and a forged copy")  # it takes the zip for another bundle
TAKE = """async (files) => {
  bundle = null; others = []; report = null; failure = null;
  await take(files.map(([path, data]) =>
    ({ path, file: new File([Uint8Array.from(atob(data), (c) => c.charCodeAt(0))], path.split("/").pop()) })));
  return [document.querySelector(".verdict h1").textContent, document.querySelector(".verdict p").textContent];
}"""


@given(st.sampled_from(TEXTS) | st.text(max_size=80).map(lambda text: f"---\n{text}\ntitle: {text}\n---\n"))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_sabal_and_verify_py_read_the_same_title(text: str) -> None:
    for terms in ({"text": text, "organiser": text}, {"text": [text], "organiser": 7}, {}):
        assert load().title_of(terms) == subject.title_of(terms)
        assert load().organiser_of(terms) == subject.organiser_of(terms)


def test_the_title_is_the_one_in_the_first_lines() -> None:
    found = [subject.title_of({"text": text}) for text in TEXTS]
    assert found[:6] == ["Keep the orchard", "In quotes", "CRLF", "Two lines and more", "a : b", "below"]
    assert found[6:10] == [None] * 4
    assert found[10] == LONG[:200] + "…" and found[11] == "Non\u00a0! 👩\u200d🌾 نمی\u200cخواهیم"


def test_both_programs_replace_the_same_characters() -> None:
    for show in (plain, load().printable):
        assert {code for code in printable.EVERY if show(chr(code)) == "\ufffd"} - {0xFFFD} == printable.CODES
        assert all(show(text) == text for text in printable.SHOWN)
        everything = "".join(map(chr, range(0xD800))) + "".join(map(chr, range(0xE000, 0x110000)))
        assert show(everything) == printable.expected(everything)
        for name, shown in printable.BYTES.items():
            assert show(name.decode(errors="surrogateescape")) == shown
        assert show("a\ud800b\udfff") == "a\ufffdb\ufffd"


@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM, reason="NO CHROMIUM: check.html was not opened in a browser")
def test_the_page_replaces_the_same_characters(open_page: Any) -> None:  # noqa: F811
    page = open_page()
    replaced = page.evaluate(
        "(size) => Array.from({ length: size }, (_, code) => code)"
        ".filter((code) => code !== 0xfffd && plain(String.fromCodePoint(code)) === '\\ufffd')",
        len(printable.EVERY),
    )
    assert set(replaced) == printable.CODES
    for text in printable.SHOWN:
        assert page.evaluate("plain", text) == text
    for name, shown in printable.BYTES.items():
        assert page.evaluate("(bytes) => plain(looseText(new Uint8Array(bytes)))", list(name)) == shown
    assert page.evaluate("plain('a\\ud800b\\udfff')") == "a\ufffdb\ufffd"


@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM, reason="NO CHROMIUM: check.html was not opened in a browser")
def test_the_page_reads_the_same_title(open_page: Any) -> None:  # noqa: F811
    found = open_page().evaluate(
        "(texts) => texts.map((text) => [titleOf({ text }), organiserOf({ organiser: text })])", TEXTS
    )
    assert found == [
        [subject.title_of({"text": text}), subject.organiser_of({"organiser": text})] for text in TEXTS
    ]


@pytest.mark.browser
@pytest.mark.skipif(not CHROMIUM, reason="NO CHROMIUM: check.html was not opened in a browser")
def test_the_page_says_the_same(open_page: Any) -> None:  # noqa: F811
    """It has no options, and takes kept files of every kind; so a file may be one that an option would refuse."""
    page, wrong = open_page(), []
    for name, case in CASES.items():
        if case.options or name.startswith(("checkpoint: ", "promise: ")) or name in NOT_FOR_THE_PAGE:
            continue
        files = {case.name: case.copy} if isinstance(case.copy, bytes) else {
            f"{case.name}/{path}": data for path, data in case.copy.items()
        }  # fmt: skip
        files |= {f"kept {at}": data for at, (_, data) in enumerate(case.kept)}
        heading, said = page.evaluate(
            TAKE, [[path, base64.b64encode(data).decode()] for path, data in files.items()]
        )
        if heading != HEADINGS[case.code] or (case.says == "0x06" and "0x06" not in said):
            wrong.append((name, case.code, heading, said))
    assert wrong == [], "\n".join(map(str, wrong))
