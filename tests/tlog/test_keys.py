"""Keys and their vkeys, which other programs must be able to read."""

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tlog import Cosigner, Malformed, Signer, TlogError, Verifier, cosigned_at
from tlog.keys import Kind

OF_THE_STANDARD = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
OF_GO = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"

names = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Z"], exclude_characters="+"), min_size=1
).filter(lambda name: not any(c.isspace() for c in name))
seeds = st.binary(min_size=32, max_size=32)


@pytest.mark.parametrize("vkey", [OF_THE_STANDARD, OF_GO])
def test_vkeys_of_other_programs_are_parsed(vkey: str) -> None:
    verifier = Verifier.parse(vkey)
    assert verifier.kind == Kind.NOTE
    assert str(verifier) == vkey


def test_the_base64_part_may_contain_a_plus() -> None:
    seed = next(
        bytes([n]) * 32 for n in range(256) if str(Signer("c", bytes([n]) * 32).verifier).count("+") > 2
    )
    verifier = Signer("c", seed).verifier
    assert Verifier.parse(str(verifier)) == verifier


@given(names, seeds)
@settings(max_examples=100, deadline=None, derandomize=True)
def test_a_vkey_is_read_back(name: str, seed: bytes) -> None:
    for key in (Signer(name, seed), Cosigner(name, seed)):
        assert Verifier.parse(str(key.verifier)) == key.verifier
        assert seed.hex() not in repr(key)
    assert Signer(name, seed).verifier.key_id != Cosigner(name, seed).verifier.key_id


@given(seeds, st.binary(max_size=100), st.integers(0, 511))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_a_signature_verifies_and_one_flipped_bit_does_not(seed: bytes, text: bytes, bit: int) -> None:
    suzie = Signer("suzie", seed)
    signature = suzie.sign(text)
    assert suzie.sign(text) == signature  # the same after a crash
    assert suzie.verifier.verifies(text, signature)
    changed = bytearray(signature)
    changed[bit // 8] ^= 1 << bit % 8
    for wrong in (bytes(changed), signature[:-1], signature + b"\0", b""):
        assert not suzie.verifier.verifies(text, wrong)
    assert not suzie.verifier.verifies(text + b"x", signature)
    assert not Signer("suzie", b"Eve's key" + bytes(23)).verifier.verifies(text, signature)


@given(st.integers(1, 2**63 - 1), st.integers(0, 575))
@settings(max_examples=100, deadline=None, derandomize=True)
@example(1, 0)
@example(2**63 - 1, 7)
def test_a_cosignature_contains_its_time(time: int, bit: int) -> None:
    witness = Cosigner("witness.example/w1", bytes(32))
    signature = witness.sign(b"text\n", time)
    assert cosigned_at(signature) == time
    with pytest.raises(Malformed):
        cosigned_at(signature[:7])
    assert witness.verifier.verifies(b"text\n", signature)
    changed = bytearray(signature)
    changed[bit // 8] ^= 1 << bit % 8
    for wrong in (bytes(changed), signature[:-1], signature[8:], b""):
        assert not witness.verifier.verifies(b"text\n", wrong)
    as_note = Verifier(witness.verifier.name, Kind.NOTE, witness.verifier.public)
    assert not as_note.verifies(b"text\n", signature[8:])


def test_a_cosignature_with_a_too_large_time_is_refused() -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    witness = Cosigner("witness.example/w1", bytes(32)).verifier
    for time, valid in ((2**63 - 1, True), (2**63, False), (2**64 - 1, False)):
        signed = key.sign(b"cosignature/v1\ntime %d\ntext\n" % time)
        assert witness.verifies(b"text\n", time.to_bytes(8) + signed) == valid


def test_a_cosignature_without_a_time_is_not_made() -> None:
    for time in (0, -1, 2**63):
        with pytest.raises(TlogError):
            Cosigner("w", bytes(32)).sign(b"", time)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\n", "\u00a0", "a\u3000", "a\x00", "\udc80", "\t"])
def test_invalid_names_are_refused(name: str) -> None:
    for make in (lambda: Signer(name, bytes(32)), lambda: Cosigner(name, bytes(32))):
        with pytest.raises(TlogError):
            make()
    with pytest.raises(Malformed):
        Verifier.parse(OF_THE_STANDARD.replace("example.com/foo", name))


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "+",
        "++",
        "a+b+c",
        "example.com/foo+530d903a",
        OF_THE_STANDARD[:-1],
        OF_THE_STANDARD + "A",
        OF_THE_STANDARD + "\n",
        " " + OF_THE_STANDARD,
        OF_THE_STANDARD.replace("530d903a", "530D903A"),
        OF_THE_STANDARD.replace("530d903a", "530d903b"),
        OF_THE_STANDARD.replace("530d903a", "0530d903a"),
        OF_THE_STANDARD.replace("AekyeR", "AekyeS"),
        OF_THE_STANDARD.replace("+Aek", "+Bek"),  # type 0x05
        OF_THE_STANDARD.replace("foo", "fob"),
        OF_THE_STANDARD.replace("U2k", "U2ké"),
        "example.com/foo+530d903a+" + "A" * 1_000_000,
        "example.com/foo+00000000+Bg" + "A" * 1750,  # ML-DSA-44
    ],
    ids=lambda vkey: vkey[-30:],
)
def test_invalid_vkeys_are_refused(vkey: str) -> None:
    with pytest.raises(Malformed):
        Verifier.parse(vkey)


@pytest.mark.parametrize(
    ("kind", "length", "named"),
    [
        (0x00, 32, "unknown here"),
        (0x02, 33, "ECDSA"),
        (0x03, 32, "unknown here"),
        (0x05, 91, "RFC 6962"),
        (0x06, 1_312, "ML-DSA-44, which cosigns"),
        (0xFF, 40, "unknown here"),
    ],
)
def test_a_kind_that_cannot_be_used_is_named(kind: int, length: int, named: str) -> None:
    """It is not called damaged. c2sp.org/signed-note "Signature types"."""
    data = bytes([kind]) + bytes(length)
    key_id = hashlib.sha256(b"example.com/foo\n" + data).digest()[:4].hex()
    vkey = f"example.com/foo+{key_id}+{base64.b64encode(data).decode()}"
    with pytest.raises(Malformed, match=rf"is of kind 0x{kind:02x} \({named}\)"):
        Verifier.parse(vkey)
    for short in (b"", bytes(31), bytes(33)):
        data = b"\4" + short
        key_id = hashlib.sha256(b"example.com/foo\n" + data).digest()[:4].hex()
        with pytest.raises(Malformed, match=f"has {len(short)} bytes"):
            Verifier.parse(f"example.com/foo+{key_id}+{base64.b64encode(data).decode()}")


@given(st.text() | st.text().map(lambda text: f"a+{text}") | st.text().map(lambda text: f"a+530d903a+{text}"))
@settings(max_examples=300, deadline=None, derandomize=True)
@example("a+\ud800+")
def test_arbitrary_text_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        Verifier.parse(text)


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_seeds_and_public_keys_have_32_bytes(length: int) -> None:
    for make in (Signer, Cosigner):
        with pytest.raises(TlogError):
            make("a", bytes(length))
    with pytest.raises(TlogError):
        Verifier("a", Kind.NOTE, bytes(length))
