"""Tokens in the form that links use."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sabal import token


@given(st.binary(min_size=16, max_size=16))
def test_tokens_are_26_characters_and_are_decoded_in_either_case(t: bytes) -> None:
    text = token.encode(t)
    assert text == base64.b32encode(t).decode().rstrip("=").lower()
    assert len(text) == 26 and token.decode(text) == t and token.decode(text.upper()) == t


@given(st.text(max_size=40))
def test_a_decoded_text_is_one_that_encode_writes(text: str) -> None:
    t = token.decode(text)
    assert t is None or token.encode(t) == text.lower()


@pytest.mark.parametrize(
    "text",
    ["", "a" * 25, "a" * 27, "a" * 25 + "b", "a" * 25 + "1", "é" * 26, "a" * 25 + " ", "ſ" * 26, "K" * 26],
)
def test_tokens_of_the_wrong_form_are_refused(text: str) -> None:
    assert token.decode(text) is None
