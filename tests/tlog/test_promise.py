"""Promises: Suzie gets one when she confirms. A broken promise is proof against the operator."""

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import logs
from tlog import (
    Cosigner,
    Malformed,
    Promise,
    Signature,
    Signer,
    TlogError,
    Unproven,
    checkpoint,
    note,
    promise_key,
)

KEY = promise_key(logs.ORIGIN, b"p" * 32)
LEAF = logs.mth(1, 2)
PROMISE = Promise(logs.ORIGIN, LEAF, 1_795_500_000)
TEXT = PROMISE.text


def test_the_lines_of_a_promise() -> None:
    assert KEY.verifier.name == f"{logs.ORIGIN}/promise"
    leaf = base64.b64encode(LEAF).decode()
    assert TEXT.decode() == f"{logs.ORIGIN}/promise\n{leaf}\ninclude-by 1795500000\n"
    assert Promise.open(PROMISE.sign(KEY), KEY.verifier) == PROMISE


@given(st.binary(min_size=32, max_size=32), st.integers(0, 2**63 - 1))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_a_promise_is_read_back(leaf: bytes, by: int) -> None:
    promise = Promise(logs.ORIGIN, leaf, by)
    assert Promise.open(promise.sign(KEY), KEY.verifier) == promise


def test_only_the_promise_key_of_the_log_makes_promises() -> None:
    eve = promise_key(logs.ORIGIN, b"e" * 32)
    with pytest.raises(Unproven):
        Promise.open(PROMISE.sign(eve), KEY.verifier)
    another = Promise("another.example/log", LEAF, 1)
    with pytest.raises(TlogError):
        another.sign(KEY)
    with pytest.raises(Unproven, match="makes no promises for another"):
        Promise.open(note.sign(another.text, KEY), KEY.verifier)
    with pytest.raises(TlogError):
        PROMISE.sign(logs.CAROL)
    witness = Cosigner(KEY.verifier.name, b"w" * 32)
    cosigned = note.join(TEXT, [Signature.by(witness.verifier, witness.sign(TEXT, 1))])
    with pytest.raises(Unproven, match="makes no promises"):
        Promise.open(cosigned, witness.verifier)


def test_promises_and_checkpoints_are_never_confused() -> None:
    with pytest.raises(Malformed):
        checkpoint.open(PROMISE.sign(KEY), [KEY.verifier])
    with pytest.raises(Malformed):
        Promise.open(logs.checkpoint(3), logs.CAROL.verifier)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        TEXT[:-1],
        TEXT + b"\n",
        TEXT + b"more\n",
        TEXT.replace(b"/promise", b""),
        TEXT.replace(b"/promise", b"/promises"),
        TEXT.replace(logs.ORIGIN.encode(), b""),
        TEXT.replace(logs.ORIGIN.encode(), b"a b"),
        TEXT.replace(logs.ORIGIN.encode(), b"\xff"),
        TEXT.replace(b"include-by", b"Include-by"),
        TEXT.replace(b"include-by ", b"include-by  "),
        TEXT.replace(b"1795500000", b"01795500000"),
        TEXT.replace(b"1795500000", b"9223372036854775808"),
        TEXT.replace(b"=\n", b"\n"),
    ],
)
def test_invalid_promises_are_refused(text: bytes) -> None:
    with pytest.raises(Malformed):
        Promise.parse(text)


@given(st.binary(max_size=100) | st.binary(max_size=50).map(lambda data: b"a/promise\n" + data))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_arbitrary_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        Promise.parse(data)


def test_every_flipped_bit_is_refused() -> None:
    signed = PROMISE.sign(KEY)
    for bit in range(len(signed) * 8):
        changed = bytearray(signed)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises((Malformed, Unproven)):
            Promise.open(bytes(changed), KEY.verifier)


def test_impossible_promises_are_not_made() -> None:
    for wrong in (
        PROMISE._replace(leaf=b""),
        PROMISE._replace(include_by=-1),
        PROMISE._replace(origin="a b"),
    ):
        with pytest.raises(TlogError):
            _ = wrong.text
    with pytest.raises(TlogError):
        Signer("", bytes(32))
