import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import agefile
from agefile import AgeError, Identity

CHUNK = 65_536
NEAR_CHUNKS = sorted({max(0, chunks * CHUNK + off) for chunks in range(4) for off in (-17, -1, 0, 1, 16)})

PAIRS = [agefile.generate(True), agefile.generate(False)]


def test_carol_opens_a_file_encrypted_to_her(keys: tuple[Identity, Identity]) -> None:
    carol, _ = keys
    sealed = agefile.encrypt(b"Suzie was here", [carol.recipient])
    assert b"Suzie" not in sealed
    assert agefile.decrypt(sealed, [carol]) == b"Suzie was here"


def test_each_recipient_opens_alone(keys: tuple[Identity, Identity]) -> None:
    carol, second = keys
    sealed = agefile.encrypt(b"both", [carol.recipient, second.recipient])
    assert [agefile.decrypt(sealed, [one]) for one in (carol, second)] == [b"both", b"both"]


def test_encrypting_twice_gives_different_bytes(keys: tuple[Identity, Identity]) -> None:
    carol, _ = keys
    first, second = (agefile.encrypt(bytes(1024), [carol.recipient]) for _ in range(2))
    assert first != second
    assert len(first) == len(second)


@pytest.mark.parametrize(("post_quantum", "longer"), [(True, 1659), (False, 200)])
def test_the_length_shows_only_the_length_of_the_plaintext(post_quantum: bool, longer: int) -> None:
    recipient = agefile.generate(post_quantum).recipient
    assert len(agefile.encrypt(bytes(1024), [recipient])) == 1024 + longer
    assert len(agefile.encrypt(bytes(CHUNK + 1), [recipient])) == CHUNK + 1 + longer + 16


def test_encrypting_to_no_recipient_is_refused() -> None:
    with pytest.raises(AgeError, match="at least one recipient") as refusal:
        agefile.encrypt(b"", [])
    assert refusal.value.kind == "refused"


def test_mixing_kinds_of_recipients_is_refused() -> None:
    recipients = [identity.recipient for identity in PAIRS]
    for order in (recipients, recipients[::-1], [*recipients, recipients[0]]):
        with pytest.raises(AgeError, match="cannot share a file") as refusal:
            agefile.encrypt(b"", order)
        assert refusal.value.kind == "refused"


@pytest.mark.parametrize("size", NEAR_CHUNKS)
@pytest.mark.parametrize("identity", PAIRS, ids=["post-quantum", "x25519"])
def test_round_trip_near_chunk_limits(identity: Identity, size: int) -> None:
    plaintext = random.Random(size).randbytes(size)
    assert agefile.decrypt(agefile.encrypt(plaintext, [identity.recipient]), [identity]) == plaintext


@settings(max_examples=60, deadline=None, derandomize=True)
@given(size=st.integers(0, 4 * CHUNK), identity=st.sampled_from(PAIRS))
def test_round_trip_of_any_size(size: int, identity: Identity) -> None:
    plaintext = random.Random(size).randbytes(size)
    assert agefile.decrypt(agefile.encrypt(plaintext, [identity.recipient]), [identity]) == plaintext


@settings(max_examples=100, deadline=None, derandomize=True)
@given(plaintext=st.binary(max_size=2000), identity=st.sampled_from(PAIRS))
def test_round_trip_of_any_content(plaintext: bytes, identity: Identity) -> None:
    assert agefile.decrypt(agefile.encrypt(plaintext, [identity.recipient]), [identity]) == plaintext
