from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import agefile
from agefile import AgeError, header, passphrase, stream
from agefile.stanza import Stanza

WORDS = "사발 bowl 碗"
LOCKED = agefile.encrypt_passphrase(b"a key sheet", WORDS, work_factor=2)


def lock(*stanzas: Stanza) -> bytes:
    return header.write(stanzas, bytes(16)) + stream.seal(b"x", bytes(16), bytes(16))


def test_carol_opens_with_her_passphrase() -> None:
    assert agefile.decrypt_passphrase(LOCKED, WORDS) == b"a key sheet"
    assert agefile.decrypt_passphrase(agefile.armor(LOCKED), WORDS) == b"a key sheet"


@pytest.mark.parametrize("guess", ["", "bowl", WORDS + " ", WORDS.upper(), "\0"])
def test_eve_guesses_and_is_refused(guess: str) -> None:
    with pytest.raises(AgeError, match="passphrase is not the one") as refusal:
        agefile.decrypt_passphrase(LOCKED, guess)
    assert refusal.value.kind == "wrong-key"


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.binary(max_size=100))
def test_any_passphrase_round_trips(words: str, content: bytes) -> None:
    assert (
        agefile.decrypt_passphrase(agefile.encrypt_passphrase(content, words, work_factor=1), words)
        == content
    )


def test_the_default_cost_is_that_of_other_tools() -> None:
    with patch.object(passphrase, "_stretch", return_value=bytes(32)) as stretch:
        locked = agefile.encrypt_passphrase(b"", "words")
    assert stretch.call_args.args[2] == 18
    assert b" 18\n" in locked.split(b"---")[0]


def test_files_show_which_secret_they_need() -> None:
    carol = agefile.generate()
    sealed = agefile.encrypt(b"", [carol.recipient])
    needs_passphrase = {
        data: agefile.is_passphrase_file(data)
        for data in (LOCKED, agefile.armor(LOCKED), sealed, b"", b"-----BEGIN")
    }
    assert list(needs_passphrase.values()) == [True, True, False, False, False]
    with pytest.raises(AgeError, match="locked with a passphrase"):
        agefile.decrypt(LOCKED, [carol])
    with pytest.raises(AgeError, match="encrypted to keys"):
        agefile.decrypt_passphrase(sealed, WORDS)


def test_a_passphrase_beside_other_stanzas_is_refused() -> None:
    stanza = passphrase.wrap(bytes(16), WORDS, 1)
    assert agefile.decrypt_passphrase(lock(stanza), WORDS) == b"x"
    for beside in (stanza, agefile.generate().recipient.wrap(bytes(16)), Stanza((b"grease",), b"")):
        for order in ((stanza, beside), (beside, stanza)):
            assert not agefile.is_passphrase_file(lock(*order))
            with pytest.raises(AgeError) as refusal:
                agefile.decrypt_passphrase(lock(*order), WORDS)
            assert refusal.value.kind == "damaged"


@pytest.mark.parametrize("digits", [b"0", b"01", b"+1", b"-1", b"1a", b"0x1", b"1.0", b"\xc2\xb2"])
def test_a_work_factor_must_be_a_plain_number(digits: bytes) -> None:
    kind, salt, _ = (good := passphrase.wrap(bytes(16), WORDS, 1)).arguments
    with pytest.raises(AgeError) as refusal:
        agefile.decrypt_passphrase(lock(Stanza((kind, salt, digits), good.body)), WORDS)
    assert refusal.value.kind == "damaged"


@pytest.mark.parametrize("digits", [b"23", b"64", b"99", b"100", b"9" * 5000])
def test_a_too_large_work_factor_is_refused_before_the_work(digits: bytes) -> None:
    kind, salt, _ = (good := passphrase.wrap(bytes(16), WORDS, 1)).arguments
    with (
        patch.object(passphrase, "_stretch", side_effect=AssertionError("worked")),
        pytest.raises(AgeError, match="more work than the limit") as refusal,
    ):
        agefile.decrypt_passphrase(lock(Stanza((kind, salt, digits), good.body)), WORDS)
    assert refusal.value.kind == "refused"


def test_the_caller_sets_the_limit() -> None:
    assert agefile.decrypt_passphrase(LOCKED, WORDS, max_work_factor=2) == b"a key sheet"
    with pytest.raises(AgeError, match="more work than the limit"):
        agefile.decrypt_passphrase(LOCKED, WORDS, max_work_factor=1)


def test_stanzas_of_a_wrong_shape_are_refused() -> None:
    kind, salt, factor = (good := passphrase.wrap(bytes(16), WORDS, 1)).arguments
    for bad in (
        Stanza((kind, salt), good.body),
        Stanza((kind, salt, factor, factor), good.body),
        Stanza((kind, salt[:-2], factor), good.body),
        Stanza((kind, salt + b"AA", factor), good.body),
        Stanza((kind, salt, factor), good.body[:-1]),
        Stanza((kind, salt, factor), good.body + b"x"),
    ):
        with pytest.raises(AgeError) as refusal:
            agefile.decrypt_passphrase(lock(bad), WORDS)
        assert refusal.value.kind == "damaged"


@pytest.mark.parametrize("factor", [-1, 0, 23, 64])
def test_locking_with_an_impossible_work_factor_is_refused(factor: int) -> None:
    with pytest.raises(AgeError, match="work factor must be"):
        agefile.encrypt_passphrase(b"", WORDS, work_factor=factor)


@pytest.mark.parametrize("words", ["", "\ud800"])
def test_locking_with_an_invalid_passphrase_is_refused(words: str) -> None:
    with pytest.raises(AgeError, match="assphrase"):
        agefile.encrypt_passphrase(b"", words, work_factor=1)


def test_too_little_memory_is_reported() -> None:
    with (
        patch.object(passphrase, "Scrypt", side_effect=MemoryError),
        pytest.raises(AgeError, match="takes 256 MiB of memory"),
    ):
        agefile.encrypt_passphrase(b"", WORDS)


def test_one_flipped_bit_anywhere_is_refused() -> None:
    for at in range(len(LOCKED)):
        broken = bytearray(LOCKED)
        broken[at] ^= 1 << at % 8
        with pytest.raises(AgeError):
            agefile.decrypt_passphrase(bytes(broken), WORDS, max_work_factor=10)
