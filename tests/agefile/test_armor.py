import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import agefile
from agefile import AgeError

BEGIN, END = b"-----BEGIN AGE ENCRYPTED FILE-----", b"-----END AGE ENCRYPTED FILE-----"
CAROL = agefile.generate(False)
SEALED = agefile.encrypt(b"a record", [CAROL.recipient])
ARMORED = agefile.armor(SEALED)


def wrapped(*lines: bytes) -> bytes:
    return b"\n".join([BEGIN, *lines, END, b""])


def test_an_armored_file_opens_like_a_binary_one() -> None:
    assert ARMORED.isascii()
    assert max(map(len, ARMORED.split(b"\n")[1:-2])) == 64
    assert agefile.decrypt(ARMORED, [CAROL]) == b"a record"


@given(st.binary(min_size=1, max_size=500))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_round_trip(data: bytes) -> None:
    assert agefile.dearmor(agefile.armor(data)) == data


def test_crlf_and_surrounding_blanks_are_accepted() -> None:
    assert agefile.decrypt(ARMORED.replace(b"\n", b"\r\n"), [CAROL]) == b"a record"
    assert agefile.decrypt(b" \r\n\t\n" + ARMORED.rstrip() + b"\n\n  ", [CAROL]) == b"a record"


@pytest.mark.parametrize(
    "text",
    [
        b"",
        wrapped(),
        wrapped(b""),
        wrapped(b"QQ"),
        wrapped(b"QR=="),
        wrapped(b"QQ==", b""),
        wrapped(b"", b"QQ=="),
        wrapped(b"QQ= ="),
        wrapped(b"QQ=", b"="),
        wrapped(b"QQ== "),
        wrapped(b" QQ=="),
        wrapped(b"QUJD", b"QQ=="),
        wrapped(b"A" * 68),
        wrapped(b"A" * 60, b"QQ=="),
        wrapped(b"Key: value", b"", b"QQ=="),
        wrapped(b"QQ==", b"=twTO"),
        wrapped(b"Q\xff=="),
        b"x" + wrapped(b"QQ=="),
        wrapped(b"QQ==") + b"x",
        wrapped(b"QQ==").lower(),
        wrapped(b"QQ==").replace(b"AGE ENCRYPTED FILE", b"MESSAGE"),
        wrapped(b"QQ==").replace(END, b""),
        wrapped(b"QQ==") * 2,
    ],
)
def test_any_other_form_is_damaged(text: bytes) -> None:
    with pytest.raises(AgeError) as refusal:
        agefile.dearmor(text)
    assert refusal.value.kind == "damaged"


@given(st.integers(0, len(ARMORED.strip()) - 1), st.integers(1, 255))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_one_changed_character_anywhere_is_refused(at: int, mask: int) -> None:
    broken = bytearray(ARMORED)
    broken[at] ^= mask
    with pytest.raises(AgeError):
        agefile.decrypt(bytes(broken), [CAROL])


@given(st.binary(max_size=300))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_arbitrary_bytes_raise_nothing_but_age_error(data: bytes) -> None:
    for text in (data, BEGIN + b"\n" + data, BEGIN + b"\n" + data + b"\n" + END):
        with pytest.raises(AgeError):
            agefile.decrypt(text, [CAROL])
