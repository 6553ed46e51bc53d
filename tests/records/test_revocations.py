"""Files of revocations, as an editor or Eve may have changed them."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sabal.records.revocations import (
    FORMAT,
    MOST_LINE,
    MOST_WHY,
    REASONS,
    Revocation,
    Revocations,
    RevocationsError,
    check,
    read,
    read_file,
    write,
)
from tlog.entry import Reason

ORIGIN = "petition.example/k3v9mqzt/log"
FIRST = {"format": FORMAT, "origin": ORIGIN, "size": 100}
LINE = {"index": 17, "reason": "duplicate", "why": "another signature of the same mailbox"}


def lines(*objects: Any) -> list[str]:
    return [json.dumps(one) + "\n" for one in objects]


items = st.lists(
    st.builds(
        Revocation,
        st.integers(1, 10**9),
        st.sampled_from(list(REASONS.values())),
        st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="@"), max_size=MOST_WHY // 4),
    ),
    unique_by=lambda one: one.index,
    max_size=5,
)


@given(items)
def test_a_written_file_is_read_back(found: list[Revocation]) -> None:
    proposed = Revocations(ORIGIN, 10**9 + 1, tuple(found))
    assert read(write(proposed)) == proposed


def test_an_editors_byte_order_mark_and_line_ends_are_accepted(tmp_path: Path) -> None:
    file = tmp_path / "proposal"
    file.write_bytes(b"\xef\xbb\xbf" + "\r\n\r\n".join([json.dumps(FIRST), json.dumps(LINE), ""]).encode())
    assert read_file(file).items == (Revocation(17, Reason.DUPLICATE, LINE["why"]),)


@pytest.mark.parametrize(
    "first",
    [
        {}, [], 7, FIRST | {"format": "sabal revocations, version 2"}, FIRST | {"size": "100"}, FIRST | {"size": True},
        FIRST | {"size": -1}, FIRST | {"origin": 7}, FIRST | {"origin": ""}, FIRST | {"origin": "a\nb"},
        FIRST | {"more": 1}, {"format": FORMAT, "origin": ORIGIN}, LINE,
    ],
    ids=str,
)  # fmt: skip
def test_a_wrong_first_line_is_refused(first: Any) -> None:
    with pytest.raises(RevocationsError):
        read(lines(first, LINE))


@pytest.mark.parametrize(
    "bad",
    [
        {}, [], LINE | {"index": 0}, LINE | {"index": 100}, LINE | {"index": "18"}, LINE | {"index": True},
        LINE | {"index": 18.0}, LINE | {"index": -1}, LINE | {"index": 10**30}, LINE, LINE | {"index": 18, "x": 1},
        {"index": 18, "reason": "other"}, LINE | {"index": 18, "reason": "withdrawn"},
        LINE | {"index": 18, "reason": "fake"}, LINE | {"index": 18, "reason": ["other"]},
        LINE | {"index": 18, "why": "a" * (MOST_WHY + 1)}, LINE | {"index": 18, "why": "a\nb"},
        LINE | {"index": 18, "why": "\x1b[2J"}, LINE | {"index": 18, "why": "suzie@example.org"},
        LINE | {"index": 18, "why": None}, LINE | {"index": 18, "why": "\ud800"},
    ],
    ids=str,
)  # fmt: skip
def test_a_line_that_cannot_be_applied_is_refused(bad: Any) -> None:
    with pytest.raises(RevocationsError, match="Line 3"):
        read(lines(FIRST, LINE, bad))


@pytest.mark.parametrize(
    "bad",
    ["nonsense", '{"index": 18, "index": 19, "reason": "other", "why": ""}', "[" * MOST_LINE, "\ud800",
     '{"index": NaN, "reason": "other", "why": ""}', "7" * 5_000, '{"index": 1' + "8" * 900],
    ids=lambda text: text[:20].encode(errors="replace").decode(),
)  # fmt: skip
def test_a_line_that_is_not_json_is_refused(bad: str, tmp_path: Path) -> None:
    with pytest.raises(RevocationsError, match="Line 3"):
        read([*lines(FIRST, LINE), bad])
    file = tmp_path / "proposal"
    file.write_text("".join(lines(FIRST, LINE)) + bad, encoding="utf-8", errors="replace")
    with pytest.raises(RevocationsError, match="Line 3"):
        read_file(file)


@given(st.lists(st.text(max_size=80), max_size=4))
def test_arbitrary_lines_raise_nothing_but_revocations_errors(bad: list[str]) -> None:
    with pytest.raises(RevocationsError):
        read(bad)
    with pytest.raises(RevocationsError):
        read([*lines(FIRST), *bad, "{}"])


def test_a_proposal_is_checked_against_the_log() -> None:
    proposed = read(lines(FIRST, LINE, LINE | {"index": 18}))
    check(proposed, ORIGIN, 100, [16, 17, 18])
    check(proposed, ORIGIN, 120, {17, 18})
    for origin, size, signers, why in (
        ("other.example/aaaaaaaa/log", 100, [17, 18], "another log"),
        (ORIGIN, 99, [17, 18], "has 99"),
        (ORIGIN, 100, [17, 19], "withdrawn since: 18"),
        (ORIGIN, 100, [], "17, 18"),
    ):
        with pytest.raises(RevocationsError, match=why):
            check(proposed, origin, size, signers)
