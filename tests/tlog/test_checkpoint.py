"""Checkpoints: three lines with one valid spelling, signed by the key with the log's name."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import logs
import tlog
from tlog import Checkpoint, Cosigner, Malformed, Signer, TlogError, Unproven, checkpoint, note

CAROL = logs.CAROL
ROOT = logs.mth(0, 3)
B64 = b"5kkTRDL8KyQsUTke1TRZUH85FF3naLX2SHlO283OT4E="
THREE = Checkpoint(logs.ORIGIN, 3, ROOT)


@pytest.mark.parametrize("size", [0, *logs.SIZES])
def test_carols_checkpoint_is_opened(size: int) -> None:
    opened = checkpoint.open(logs.checkpoint(size), [CAROL.verifier])
    assert opened.checkpoint == Checkpoint(logs.ORIGIN, size, logs.mth(0, size))
    assert Checkpoint.parse(opened.checkpoint.text) == opened.checkpoint


@given(
    st.from_regex(r"[a-z./é]{1,30}", fullmatch=True),
    st.integers(1, 2**63 - 1),
    st.binary(min_size=32, max_size=32),
)
@settings(max_examples=200, deadline=None, derandomize=True)
@example("a", 2**63 - 1, bytes(32))
def test_a_checkpoint_is_read_back(origin: str, size: int, root: bytes) -> None:
    made = Checkpoint(origin, size, root)
    assert Checkpoint.parse(made.text) == made


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\n\n\n",
        b"a\n3\n",
        b"a\n3\n" + B64,
        b"a\n3\n" + B64 + b"\nextension\n",
        b"a\n3\n" + B64 + b"\n\n",
        b"a\n3\n\n" + B64 + b"\n",
        b"\n3\n" + B64 + b"\n",
        b"a b\n3\n" + B64 + b"\n",
        b"a+b\n3\n" + B64 + b"\n",
        b"\xff\n3\n" + B64 + b"\n",
        b"a\n03\n" + B64 + b"\n",
        b"a\n00\n" + B64 + b"\n",
        b"a\n+3\n" + B64 + b"\n",
        b"a\n-3\n" + B64 + b"\n",
        b"a\n 3\n" + B64 + b"\n",
        b"a\n3 \n" + B64 + b"\n",
        b"a\n3_0\n" + B64 + b"\n",
        b"a\n0x3\n" + B64 + b"\n",
        "a\n٣\n".encode() + B64 + b"\n",
        b"a\n9223372036854775808\n" + B64 + b"\n",
        b"a\n" + b"9" * 100_000 + b"\n" + B64 + b"\n",
        b"a\n3\n" + B64.replace(b"E=", b"F=") + b"\n",
        b"a\n3\n" + B64[:-1] + b"\n",
        b"a\n3\n" + B64 + b"=\n",
        b"a\n3\n" + B64.replace(b"5", b"_") + b"\n",
        b"a\n3\n" + B64[:20] + b" " + B64[20:] + b"\n",
        b"a\n3\nAAAA\n",
        b"a\n3\n\n",
        b"a\n0\n" + B64 + b"\n",
        b"a\n3\r\n" + B64 + b"\n",
    ],
    ids=lambda text: repr(text[:30]),
)
def test_any_other_spelling_is_refused(text: bytes) -> None:
    with pytest.raises(Malformed):
        Checkpoint.parse(text)


@given(st.binary(max_size=100) | st.binary(max_size=60).map(lambda rest: b"a\n3\n" + rest))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_arbitrary_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        Checkpoint.parse(data)
    with pytest.raises(TlogError):
        checkpoint.open(data, [CAROL.verifier])


def test_impossible_checkpoints_are_not_signed() -> None:
    for wrong in (
        THREE._replace(size=-1),
        THREE._replace(size=2**63),
        THREE._replace(size=0),
        THREE._replace(root=b""),
        THREE._replace(origin=""),
        THREE._replace(origin="two\nlines"),
        THREE._replace(origin="another.example/log"),
    ):
        with pytest.raises(TlogError):
            wrong.sign(CAROL)


def test_a_known_key_signs_for_its_own_log_only() -> None:
    max_ = Signer("max.example/log", bytes(32))
    with pytest.raises(Unproven, match=r"No known key of the log petition\.example"):
        checkpoint.open(note.sign(THREE.text, max_), [CAROL.verifier, max_.verifier])
    eve = Signer(logs.ORIGIN, b"e" * 32)
    with pytest.raises(Unproven):
        checkpoint.open(THREE.sign(eve), [CAROL.verifier])


def test_a_witness_cannot_sign_in_place_of_the_log() -> None:
    witness = Cosigner(logs.ORIGIN, bytes(32))
    cosigned = note.join(THREE.text, [tlog.cosign(THREE, witness, 1)])
    with pytest.raises(Unproven, match="No known key of the log"):
        checkpoint.open(cosigned, [CAROL.verifier], [witness.verifier])


def test_every_flipped_bit_is_refused() -> None:
    signed = logs.checkpoint(70_000)
    for bit in range(len(signed) * 8):
        changed = bytearray(signed)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises((Malformed, Unproven)):
            checkpoint.open(bytes(changed), [CAROL.verifier])
