import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agefile import AgeError, bech32

prefixes = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20).filter(
    lambda text: text == text.lower()
)


@given(prefixes, st.binary(max_size=1300))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_round_trip_in_either_case(prefix: str, data: bytes) -> None:
    text = bech32.encode(prefix, data)
    assert text == text.lower()
    assert bech32.decode(text) == bech32.decode(text.upper()) == (prefix, data)


def test_an_upper_case_prefix_gives_upper_case_with_the_same_checksum() -> None:
    assert bech32.encode("AGE-SECRET-KEY-", bytes(32)) == bech32.encode("age-secret-key-", bytes(32)).upper()


@pytest.mark.parametrize("text", ["a12uel5l", "A12UEL5L", "?1ezyfcl"])
def test_valid_examples_of_the_standard_are_decoded(text: str) -> None:
    assert bech32.decode(text) == (text.lower()[0], b"")


@given(st.binary(min_size=1, max_size=40), st.data())
@settings(max_examples=200, deadline=None, derandomize=True)
def test_any_wrong_character_is_detected(content: bytes, data: st.DataObject) -> None:
    text = bech32.encode("age", content)
    at = data.draw(st.integers(len("age1"), len(text) - 1))
    other = data.draw(
        st.sampled_from("qpzry9x8gf2tvdw0s3jn54khce6mua7l").filter(lambda sign: sign != text[at])
    )
    with pytest.raises(AgeError, match="checksum"):
        bech32.decode(text[:at] + other + text[at + 1 :])


def test_mixed_case_is_refused() -> None:
    text = bech32.encode("age", bytes(32))
    for mixed in (
        text.capitalize(),
        text[:-1] + text[-1].upper(),
        "AGE" + text[3:],
        text.upper()[:-1] + text[-1],
    ):
        with pytest.raises(AgeError, match="lower case throughout or in capitals"):
            bech32.decode(mixed)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "age",
        "age1",
        "1qqqqqq",
        "1" * 20,
        "age1qqqqq",
        "age1b0b0b0b0b0",
        "a ge1qqqqqq",
        "age1éqqqqqq",
        "ａge1qqqqqqq",
    ],
)
def test_text_that_is_not_bech32_is_refused(text: str) -> None:
    with pytest.raises(AgeError):
        bech32.decode(text)


def with_checksum(values: list[int]) -> str:
    state = bech32._polymod([*bech32._expand("age"), *values, *[0] * 6]) ^ 1
    symbols = [*values, *(state >> 5 * (5 - index) & 31 for index in range(6))]
    return "age1" + "".join(bech32._CHARSET[value] for value in symbols)


def test_stray_bits_at_the_end_are_refused() -> None:
    assert bech32.decode(with_checksum([0] * 7 + [1])) == ("age", b"\0\0\0\0\1")
    assert bech32.decode(with_checksum([0, 4])) == ("age", b"\1")
    for values in ([0], [1], [0, 1], [0, 5], [0, 0, 0], [0] * 6):
        with pytest.raises(AgeError, match="stray bits"):
            bech32.decode(with_checksum(values))


def test_a_very_long_text_is_refused_unread() -> None:
    with pytest.raises(AgeError, match="too long"):
        bech32.decode("age1" + "q" * 10_000_000)


@given(st.text(max_size=100))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_arbitrary_text_raises_nothing_but_age_error(text: str) -> None:
    for candidate in (text, "age1" + text):
        with pytest.raises(AgeError):
            bech32.decode(candidate)
