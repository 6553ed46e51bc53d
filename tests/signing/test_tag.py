"""Tags: one mailbox, one tag, whatever the spelling; other mailboxes, other tags."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sabal.mail.address import mailbox, normalise
from sabal.signing.tag import suppression, tag


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("suzie@example.org", " Suzie@EXAMPLE.org "), ("s.u.zie+a@gmail.com", "suzie@googlemail.com"),
        ("suzie@예시.한국", "suzie@xn--vv4b11d.xn--3e0b707e"),
        ("zoe\u0308@example.org", "zoë@example.org"), ("a@b.org.", "a@b.org"),
    ],
)  # fmt: skip
def test_spellings_of_one_mailbox(one: str, other: str) -> None:
    assert normalise(one) == normalise(other)
    assert tag(b"p" * 32, one) == tag(b"p" * 32, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("su.zie@example.org", "suzie@example.org"), ("suzie+a@example.org", "suzie@example.org")],
)
def test_elsewhere_dots_and_plus_are_other_mailboxes_but_share_a_letter_limit(one: str, other: str) -> None:
    assert tag(b"p" * 32, one) != tag(b"p" * 32, other)
    assert mailbox(one) == mailbox(other)


def test_pepper_and_petition_separate_tags() -> None:
    assert tag(b"a" * 32, "suzie@example.org") != tag(b"b" * 32, "suzie@example.org")
    assert suppression(b"a" * 32, 1, "suzie@example.org") != suppression(b"a" * 32, 2, "suzie@example.org")


@given(st.text(max_size=80))
def test_normalising_is_stable_or_refuses(text: str) -> None:
    try:
        once = normalise(text)
    except ValueError:  # idna errors are ValueErrors too
        return
    assert normalise(once) == once
