"""Proof files: Suzie keeps one. A stranger can verify it without trusting her or the server."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import logs
import tlog
from tlog import Cosigner, Malformed, Policy, Proof, TlogError, Unproven, note

WITNESS = Cosigner("witness.example/w1", b"w" * 32)
POLICY = Policy.parse(f"log {logs.CAROL.verifier}\nwitness w {WITNESS.verifier}\nquorum w\n".encode())
INDEX = 4242
LEAF = logs.mth(INDEX, INDEX + 1)


def cosigned(size: int) -> bytes:
    signed = logs.checkpoint(size)
    return note.append(signed, [tlog.cosign(tlog.checkpoint.peek(signed), WITNESS, 1)])


def proof(index: int, size: int, extra: bytes | None = None) -> Proof:
    return Proof(index, tlog.inclusion_proof(index, size, logs.get_hash), cosigned(size), extra)


SUZIES = proof(INDEX, 70_000)


def test_the_lines_of_a_proof_file() -> None:
    lines = proof(INDEX, 70_000, b"w").encode().decode().splitlines()
    assert lines[:3] == ["c2sp.org/tlog-proof@v1", "extra dw==", "index 4242"]
    assert len(lines[3:]) == 17 + 1 + 3 + 1 + 2
    assert lines[3 + 17] == "" and lines[3 + 18] == logs.ORIGIN


@pytest.mark.parametrize("size", logs.SIZES)
@pytest.mark.parametrize("extra", [None, b"", bytes(range(32))])
def test_suzies_proof_is_read_back_and_verified(size: int, extra: bytes | None) -> None:
    index = size * 2 // 3
    read = Proof.parse(proof(index, size, extra).encode())
    assert read == proof(index, size, extra)
    assert read.verify(logs.mth(index, index + 1), POLICY).size == size


def test_a_proof_needs_its_log_its_quorum_and_its_leaf() -> None:
    assert SUZIES.verify(LEAF, POLICY).root == logs.mth(0, 70_000)
    alone = Proof(INDEX, SUZIES.path, logs.checkpoint(70_000))
    assert alone.verify(LEAF, Policy.parse(b"quorum none\n"), [logs.CAROL.verifier]).size == 70_000
    with pytest.raises(Unproven, match="Too few"):
        alone.verify(LEAF, POLICY)
    with pytest.raises(Unproven, match="No known key"):
        SUZIES.verify(LEAF, Policy.parse(b"quorum none\n"))
    with pytest.raises(Unproven, match="does not lead"):
        SUZIES.verify(logs.mth(0, 1), POLICY)
    with pytest.raises(Unproven):
        Proof(INDEX, SUZIES.path, cosigned(65_537)).verify(LEAF, POLICY)
    with pytest.raises(Unproven):
        Proof(80_000, SUZIES.path, SUZIES.checkpoint).verify(LEAF, POLICY)


@pytest.mark.slow
def test_every_flipped_bit_is_refused() -> None:
    """Flip the bits of the checkpoint's lines too: the policy needs both signatures."""
    data = SUZIES.encode()
    for bit in range(len(data) * 8):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises((Malformed, Unproven)):
            Proof.parse(bytes(changed)).verify(LEAF, POLICY)


HEADER, _, TAIL = SUZIES.encode().partition(b"\n\n")
FIRST, INDEX_LINE, *HASHES = HEADER.split(b"\n")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        FIRST,
        FIRST + b"\n\n",
        FIRST + b"\n\n" + TAIL,
        HEADER + b"\n" + TAIL,
        HEADER + b"\n\n",
        HEADER + b"\n\n\n" + TAIL,
        b"\n" + HEADER + b"\n\n" + TAIL,
        HEADER.replace(b"@v1", b"@v2") + b"\n\n" + TAIL,
        HEADER.replace(b"@v1", b"@v1 ") + b"\n\n" + TAIL,
        HEADER.replace(b"\n", b"\r\n") + b"\n\n" + TAIL,
        HEADER.replace(b"index 4242", b"index  4242") + b"\n\n" + TAIL,
        HEADER.replace(b"index 4242", b"index 04242") + b"\n\n" + TAIL,
        HEADER.replace(b"index 4242", b"index -1") + b"\n\n" + TAIL,
        HEADER.replace(b"index 4242", b"index 9223372036854775808") + b"\n\n" + TAIL,
        HEADER.replace(b"index 4242", b"index") + b"\n\n" + TAIL,
        HEADER.replace(b"index 4242", b"extra AAAA\nextra AAAA\nindex 4242") + b"\n\n" + TAIL,
        HEADER.replace(b"index 4242", b"index 4242\nextra AAAA") + b"\n\n" + TAIL,
        HEADER.replace(b"index 4242", b"extra A\nindex 4242") + b"\n\n" + TAIL,
        HEADER.replace(b"index 4242", b"extra\nindex 4242") + b"\n\n" + TAIL,
        HEADER.replace(b"index 4242", b"extra AAB=\nindex 4242") + b"\n\n" + TAIL,
        HEADER.replace(HASHES[0], HASHES[0][:-1]) + b"\n\n" + TAIL,
        HEADER.replace(HASHES[0], b"AAAA") + b"\n\n" + TAIL,
        HEADER + (b"\n" + HASHES[0]) * 47 + b"\n\n" + TAIL,
        HEADER + b"\n\n" + TAIL[:-1],
        HEADER + b"\n\n" + TAIL.replace(b"\n\n", b"\n"),
    ],
    ids=lambda data: repr(data[20:60]),
)
def test_invalid_proof_files_are_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        Proof.parse(data)


def test_impossible_proofs_are_not_written() -> None:
    for wrong in (
        Proof(-1, SUZIES.path, SUZIES.checkpoint),
        Proof(0, (b"short",), SUZIES.checkpoint),
        Proof(0, (bytes(32),) * 64, SUZIES.checkpoint),
        Proof(0, (), b"no note"),
        Proof(0, (), b"\n" + SUZIES.checkpoint),
    ):
        with pytest.raises(TlogError):
            Proof.parse(wrong.encode()).verify(LEAF, POLICY)


@given(st.binary(max_size=200) | st.binary(max_size=200).map(lambda data: FIRST + b"\nindex 0\n" + data))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_arbitrary_bytes_raise_nothing_but_tlog_errors(data: bytes) -> None:
    with pytest.raises(TlogError):
        Proof.parse(data)


def test_two_hostile_megabytes_take_bounded_time() -> None:
    for rest in (
        b"\n" * 10**6,
        (HASHES[0] + b"\n") * 40_000,
        b"extra " + b"A" * 10**6,
        b"index " + b"1" * 10**6,
    ):
        start = time.process_time()
        with pytest.raises(Malformed):
            Proof.parse(FIRST + b"\n" + rest)
        assert time.process_time() - start < 2
