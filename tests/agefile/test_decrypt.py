"""Decrypting, and refusing files that are damaged or forged. The forged payloads share no code with `agefile`."""

import hashlib
import hmac
import io
import os
from collections.abc import Sequence

import pytest
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from hypothesis import given, settings
from hypothesis import strategies as st

import agefile
from agefile import AgeError, Identity
from agefile.stanza import Stanza, from_base64, to_base64

CHUNK = 65_536
GREASE = Stanza((b"example.org/grease", b"~!"), b"x" * 48)

IDENTITY = agefile.generate(False)
SMALL = {pq: agefile.generate(pq) for pq in (True, False)}
FILES = {pq: agefile.encrypt(b"one record", [SMALL[pq].recipient]) for pq in SMALL}


def hkdf(key: bytes, salt: bytes, info: bytes) -> bytes:
    extracted = hmac.digest(salt or bytes(32), key, hashlib.sha256)
    return hmac.digest(extracted, info + b"\x01", hashlib.sha256)


def forge(
    chunks: Sequence[tuple[bytes, int, bool]],
    identity: Identity = IDENTITY,
    stanzas: Sequence[Stanza] = (),
    file_key: bytes = bytes(16),
) -> bytes:
    """Return a file with a valid MAC and the given chunks: (content, number, marked as the last one)."""
    all_stanzas = [*stanzas, identity.recipient.wrap(file_key)]
    signed = b"age-encryption.org/v1\n" + b"".join(stanza.encode() for stanza in all_stanzas) + b"---"
    mac = hmac.digest(hkdf(file_key, b"", b"header"), signed, hashlib.sha256)
    salt = os.urandom(16)
    cipher = ChaCha20Poly1305(hkdf(file_key, salt, b"payload"))
    payload = [
        cipher.encrypt(number.to_bytes(11) + bytes([last]), content, None) for content, number, last in chunks
    ]
    mac_text = to_base64(mac)
    return signed + b" " + mac_text + b"\n" + salt + b"".join(payload)


FULL = bytes(CHUNK)


@pytest.mark.parametrize(
    ("chunks", "plaintext"),
    [
        ([(b"", 0, True)], b""),
        ([(b"short", 0, True)], b"short"),
        ([(FULL, 0, True)], FULL),
        ([(FULL, 0, False), (b"x", 1, True)], FULL + b"x"),
        ([(FULL, 0, False), (FULL, 1, True)], FULL * 2),
        ([(FULL, number, number == 257) for number in range(258)], FULL * 258),
    ],
    ids=["empty", "short", "full", "full and one", "two full", "counter over one byte"],
)
def test_valid_files_of_another_writer_are_opened(
    chunks: list[tuple[bytes, int, bool]], plaintext: bytes
) -> None:
    assert agefile.decrypt(forge(chunks), [IDENTITY]) == plaintext


@pytest.mark.parametrize(
    "chunks",
    [
        [],
        [(b"short", 0, False)],
        [(b"short", 1, True)],
        [(FULL, 0, False)],
        [(FULL, 0, True), (b"", 1, True)],
        [(FULL, 0, False), (b"", 1, True)],
        [(FULL, 0, True), (b"x", 1, True)],
        [(FULL, 1, False), (b"x", 0, True)],
        [(FULL, 0, False), (b"x", 2, True)],
        [(b"short", 0, False), (b"x", 1, True)],
        [(b"short", 0, True), (b"short", 0, True)],
        [(FULL, 0, False), (FULL, 0, False), (b"x", 1, True)],
    ],
    ids=[
        "no chunk",
        "not marked last",
        "number off",
        "full, not marked last",
        "empty after last",
        "empty last chunk",
        "two last",
        "swapped",
        "one missing",
        "short inside",
        "twice",
        "repeated",
    ],
)
def test_chunks_that_break_the_rules_are_refused(chunks: list[tuple[bytes, int, bool]]) -> None:
    with pytest.raises(AgeError, match="content") as refusal:
        agefile.decrypt(forge(chunks), [IDENTITY])
    assert refusal.value.kind == "damaged"


@pytest.mark.parametrize("extra", [b"\0", bytes(15), bytes(16), bytes(17), bytes(CHUNK + 16)])
def test_bytes_after_the_last_chunk_are_refused(extra: bytes) -> None:
    for content in (b"short", FULL):
        with pytest.raises(AgeError) as refusal:
            agefile.decrypt(forge([(content, 0, True)]) + extra, [IDENTITY])
        assert refusal.value.kind == "damaged"


def test_eve_is_refused_with_a_reason(keys: tuple[Identity, Identity]) -> None:
    carol, eve = keys
    sealed = agefile.encrypt(b"not for Eve", [carol.recipient])
    with pytest.raises(AgeError, match="None of the given keys") as refusal:
        agefile.decrypt(sealed, [eve])
    assert refusal.value.kind == "wrong-key"
    assert agefile.decrypt(sealed, [eve, carol]) == b"not for Eve"


def test_a_key_of_the_other_kind_is_a_wrong_key() -> None:
    for kind in SMALL:
        with pytest.raises(AgeError) as refusal:
            agefile.decrypt(FILES[kind], [SMALL[not kind]])
        assert refusal.value.kind == "wrong-key"


def test_opening_without_a_key_is_refused() -> None:
    with pytest.raises(AgeError, match="No key was given"):
        agefile.decrypt(FILES[True], [])


def test_stanzas_of_unknown_kinds_are_ignored() -> None:
    assert agefile.decrypt(forge([(b"x", 0, True)], stanzas=[GREASE]), [IDENTITY]) == b"x"


def test_a_file_of_mixed_kinds_from_another_writer_is_opened() -> None:
    for mine, other in ((True, False), (False, True)):
        stanza = SMALL[other].recipient.wrap(bytes(16))
        assert agefile.decrypt(forge([(b"x", 0, True)], SMALL[mine], [stanza]), [SMALL[mine]]) == b"x"


@pytest.mark.parametrize("size", [0, 15, 17, 32])
def test_file_keys_of_other_lengths_are_refused_before_decrypting(size: int) -> None:
    for identity in SMALL.values():
        with pytest.raises(AgeError, match="wrong shape") as refusal:
            agefile.decrypt(forge([(b"x", 0, True)], identity, file_key=bytes(size)), [identity])
        assert refusal.value.kind == "damaged"


LOW_ORDER = {
    "zero": bytes(32),
    "order one": b"\x01" + bytes(31),
    "order two": ((1 << 255) - 20).to_bytes(32, "little"),
    "order eight": bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
    "zero, not canonical": ((1 << 255) - 19).to_bytes(32, "little"),
    "zero, with its high bit": bytes(31) + b"\x80",
}  # RFC 7748 §6.1: each gives the shared secret zero


@pytest.mark.parametrize("share", LOW_ORDER.values(), ids=LOW_ORDER)
@pytest.mark.parametrize("kind", SMALL, ids=["post-quantum", "x25519"])
def test_a_share_that_gives_no_secret_is_refused(kind: bool, share: bytes) -> None:
    """A post-quantum share is the ML-KEM ciphertext and an X25519 share; either kind is damaged, not another's."""
    (name, whole), body = SMALL[kind].recipient.wrap(bytes(16))
    stanza = Stanza((name, to_base64(from_base64(whole)[:-32] + share)), body)
    with pytest.raises(AgeError, match="forged") as refusal:
        agefile.decrypt(forge([(b"x", 0, True)], stanzas=[stanza]), [SMALL[kind]])
    assert refusal.value.kind == "damaged"


def test_a_post_quantum_share_that_was_changed_elsewhere_is_a_wrong_key() -> None:
    (name, whole), body = SMALL[True].recipient.wrap(bytes(16))
    for at in (0, 1_000, -1):
        share = bytearray(from_base64(whole))
        share[at] ^= 1
        stanza = Stanza((name, to_base64(bytes(share))), body)
        with pytest.raises(AgeError) as refusal:
            agefile.decrypt(forge([(b"x", 0, True)], stanzas=[stanza]), [SMALL[True]])
        assert refusal.value.kind == "wrong-key"


def test_stanzas_of_a_wrong_shape_are_refused() -> None:
    for identity in SMALL.values():
        kind, share = (good := identity.recipient.wrap(bytes(16))).arguments
        for bad in (
            Stanza((kind,), good.body),
            Stanza((kind, share, share), good.body),
            Stanza((kind, share[:-4]), good.body),
            Stanza((kind, share + b"AAAA"), good.body),
            Stanza((kind, share + b"="), good.body),
            Stanza((kind, share[:-1] + b"_"), good.body),
            Stanza((kind, share), good.body + b"x"),
        ):
            with pytest.raises(AgeError) as refusal:
                agefile.decrypt(forge([(b"x", 0, True)], identity, [bad]), [identity])
            assert refusal.value.kind == "damaged"


def test_a_mac_of_another_file_is_refused() -> None:
    one, two = (forge([(b"x", 0, True)], file_key=key * 16) for key in (b"1", b"2"))
    mac = slice(one.index(b"---"), one.index(b"---") + 48)
    with pytest.raises(AgeError, match="first lines were changed") as refusal:
        agefile.decrypt(one[: mac.start] + two[mac] + one[mac.stop :], [IDENTITY])
    assert refusal.value.kind == "damaged"


@pytest.mark.parametrize("kind", SMALL, ids=["post-quantum", "x25519"])
def test_one_flipped_bit_anywhere_is_refused(kind: bool) -> None:
    for at in range(len(FILES[kind])):
        broken = bytearray(FILES[kind])
        broken[at] ^= 1 << at % 8
        with pytest.raises(AgeError):
            agefile.decrypt(bytes(broken), [SMALL[kind]])


@settings(max_examples=300, deadline=None, derandomize=True)
@given(kind=st.booleans(), part=st.floats(0, 1, exclude_max=True), mask=st.integers(1, 255))
def test_one_changed_byte_anywhere_is_refused(kind: bool, part: float, mask: int) -> None:
    broken = bytearray(FILES[kind])
    broken[int(part * len(broken))] ^= mask
    with pytest.raises(AgeError):
        agefile.decrypt(bytes(broken), [SMALL[kind]])


@pytest.mark.parametrize("kind", SMALL, ids=["post-quantum", "x25519"])
def test_a_file_cut_short_anywhere_is_damaged(kind: bool) -> None:
    for length in range(len(FILES[kind])):
        with pytest.raises(AgeError) as refusal:
            agefile.decrypt(FILES[kind][:length], [SMALL[kind]])
        assert refusal.value.kind == "damaged"


def test_a_long_file_cut_between_chunks_is_damaged() -> None:
    whole = agefile.encrypt(bytes(3 * CHUNK), [IDENTITY.recipient])
    for chunks_lost in (1, 2, 3):
        with pytest.raises(AgeError) as refusal:
            agefile.decrypt(whole[: -chunks_lost * (CHUNK + 16)], [IDENTITY])
        assert refusal.value.kind == "damaged"


@pytest.mark.parametrize("kind", SMALL, ids=["post-quantum", "x25519"])
def test_a_stream_gives_what_the_whole_file_gives(kind: bool) -> None:
    """This is so for valid, armored, damaged and other files."""
    long = agefile.encrypt(FULL + b"x", [SMALL[kind].recipient])
    cases = [
        FILES[kind],
        long,
        agefile.armor(long),
        b"\n \r\n" + agefile.armor(FILES[kind]),
        long[:-1],
        long + b"x",
    ]
    cases += [FILES[not kind], b"", b"---\n", b"-> \n" * 9, b"PK\3\4", long[:100], agefile.armor(long)[:-9]]
    cases += [agefile.encrypt_passphrase(b"x", "words", work_factor=1)]
    for data in cases:
        found: list[object] = []
        for decrypt in (agefile.decrypt, streamed):
            try:
                found.append(decrypt(data, [SMALL[kind]]))
            except AgeError as error:
                found.append((error.kind, str(error)))
        assert found[0] == found[1]
    with pytest.raises(AgeError, match="No key"):
        streamed(long, [])


def streamed(data: bytes, identities: Sequence[Identity]) -> bytes:
    return b"".join(agefile.decrypt_stream(io.BytesIO(data), identities))
