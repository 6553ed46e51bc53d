"""The requests of a log to its witnesses, and their answers."""

import struct
import time

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

import logs
import tlog
from tlog import AddCheckpoint, Cosigner, Malformed, TlogError, Unproven, checkpoint, note

WITNESS = Cosigner("witness.example/w1", b"w" * 32)
OTHER = Cosigner("witness.example/w2", b"v" * 32)
NOW = 1_795_500_000
SIGNED = logs.checkpoint(70_000)
CHECKPOINT = checkpoint.open(SIGNED, [logs.CAROL.verifier]).checkpoint
REQUEST = AddCheckpoint(65_537, tlog.consistency_proof(65_537, 70_000, logs.get_hash), SIGNED)
HASH = b"5kkTRDL8KyQsUTke1TRZUH85FF3naLX2SHlO283OT4E=\n"


def test_a_request_from_the_log_to_the_witness_and_back() -> None:
    request = AddCheckpoint.parse(REQUEST.encode())
    asked = checkpoint.open(request.checkpoint, [logs.CAROL.verifier]).checkpoint
    tlog.verify_consistency(request.proof, request.old, asked.size, logs.mth(0, 65_537), asked.root)
    answer = tlog.encode_answer([tlog.cosign(asked, WITNESS, NOW), tlog.cosign(asked, OTHER, NOW)])

    cosigned = note.append(SIGNED, tlog.parse_answer(answer))
    opened = checkpoint.open(cosigned, [logs.CAROL.verifier], [WITNESS.verifier])
    assert [s.name for s in opened.note.verified] == [logs.ORIGIN, "witness.example/w1"]
    assert [s.name for s in opened.note.unverified] == ["witness.example/w2"]
    assert tlog.cosigned_at(opened.note.verified[1].value) == NOW


def test_the_bytes_that_a_cosignature_signs() -> None:
    value = tlog.cosign(CHECKPOINT, WITNESS, NOW).value
    (at,) = struct.unpack(">Q", value[:8])
    message = (
        f"cosignature/v1\ntime {at}\n{logs.ORIGIN}\n70000\n".encode() + SIGNED.splitlines(keepends=True)[2]
    )
    Ed25519PublicKey.from_public_bytes(WITNESS.verifier.public).verify(value[8:], message)


def test_a_cosignature_over_another_checkpoint_is_refused() -> None:
    with pytest.raises(Unproven):
        checkpoint.open(
            note.append(logs.checkpoint(3), [tlog.cosign(CHECKPOINT, WITNESS, NOW)]),
            [logs.CAROL.verifier],
            [WITNESS.verifier],
        )


@given(st.integers(0, 2**63 - 1), st.lists(st.binary(min_size=32, max_size=32), max_size=63))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_a_request_is_read_back(old: int, proof: list[bytes]) -> None:
    request = AddCheckpoint(old, tuple(proof), SIGNED)
    assert AddCheckpoint.parse(request.encode()) == request


def test_a_request_has_the_form_of_the_standard() -> None:
    assert AddCheckpoint(0, (), SIGNED).encode() == b"old 0\n\n" + SIGNED
    assert REQUEST.encode().startswith(b"old 65537\n") and REQUEST.encode().endswith(b"\n\n" + SIGNED)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"old 0\n",
        b"old 0\n\n",
        b"old 0\n" + SIGNED,
        b"old 0\n\n" + SIGNED[:-1],
        b"old 0\n\n\n" + SIGNED,
        b"old 0\n\n\n\n" + SIGNED.replace(b"\n\n", b"\n"),
        b"\n\n" + SIGNED,
        b"Old 0\n\n" + SIGNED,
        b"old  0\n\n" + SIGNED,
        b"old 00\n\n" + SIGNED,
        b"old -1\n\n" + SIGNED,
        b"old 9223372036854775808\n\n" + SIGNED,
        b"old 0\r\n\n" + SIGNED,
        b"old 3\n" + HASH[1:] + b"\n" + SIGNED,
        b"old 3\n" + HASH[:-1] + b" \n\n" + SIGNED,
        b"old 3\nAAAA\n\n" + SIGNED,
        b"old 3\n" + HASH * 64 + b"\n" + SIGNED,
        b"old 3\n" + HASH * 40_000 + b"\n" + SIGNED,
    ],
    ids=lambda body: repr(body[:40]),
)
def test_invalid_requests_are_refused(body: bytes) -> None:
    with pytest.raises(Malformed):
        AddCheckpoint.parse(body)


def test_too_long_a_proof_is_not_sent() -> None:
    with pytest.raises(TlogError):
        AddCheckpoint(1, (bytes(32),) * 64, SIGNED).encode()


@given(
    st.binary(max_size=200) | st.binary(max_size=90).map(lambda data: b"old 3\n" + data + b"\n\n" + SIGNED)
)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_arbitrary_bytes_raise_nothing_but_tlog_errors(data: bytes) -> None:
    for parse in (AddCheckpoint.parse, tlog.parse_answer, tlog.parse_conflict):
        try:
            parse(data)
        except TlogError:
            continue
        assert parse is not tlog.parse_answer


def test_an_answer_has_only_signature_lines() -> None:
    line = tlog.cosign(CHECKPOINT, WITNESS, NOW).encode()
    assert tlog.parse_answer(line * 2) == [tlog.cosign(CHECKPOINT, WITNESS, NOW)] * 2
    for body in (
        b"",
        b"\n",
        line[:-1],
        line + b"\n",
        b"\n" + line,
        b"x\n\n" + line,
        line + b"\n" + line,
        line * 101,
    ):
        with pytest.raises(Malformed):
            tlog.parse_answer(body)


def test_a_conflict_is_a_size() -> None:
    assert tlog.parse_conflict(b"0\n") == 0
    assert tlog.parse_conflict(b"9223372036854775807\n") == 2**63 - 1
    for body in (
        b"",
        b"0",
        b"\n",
        b"01\n",
        b"0\n\n",
        b" 0\n",
        b"9223372036854775808\n",
        b"9" * 10**6 + b"\n",
    ):
        with pytest.raises(Malformed):
            tlog.parse_conflict(body)


def test_a_hostile_megabyte_takes_bounded_time() -> None:
    start = time.process_time()
    for body in (
        b"old 0\n" + b"\n" * 10**6,
        b"old 0\n" + HASH * 20_000,
        b"old " + b"1" * 10**6,
        b"\n\n" * 10**6,
    ):
        for parse in (AddCheckpoint.parse, tlog.parse_answer, tlog.parse_conflict):
            with pytest.raises(Malformed):
                parse(body)
    assert time.process_time() - start < 5
