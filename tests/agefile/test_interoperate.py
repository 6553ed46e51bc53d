"""Exchange files, in both directions, with two implementations that share no code with ours: pyrage, age-encryption."""

import base64
import hashlib
import random
from collections.abc import Callable
from pathlib import Path

import pyrage
import pytest

import agefile
from agefile import bech32, header, stream

pytestmark = pytest.mark.slow  # starts other implementations and derives keys from passphrases

Typage = Callable[..., dict[str, str]]

SIZES = (0, 1, 1024, 65_535, 65_536, 65_537, 131_072, 200_000)
VECTORS = Path(__file__).with_name("vectors")
CONTENT = "사발통문 — whoever signs first cannot be told from whoever signs last.\n".encode()
SEED = bytes(range(32))


def content(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def test_files_of_other_implementations_are_opened() -> None:
    """pyrage wrote x25519.age, and age-encryption wrote the other two. docs/agefile.md has their keys."""
    for name, prefix in (("x25519", "AGE-SECRET-KEY-"), ("post-quantum", "AGE-SECRET-KEY-PQ-")):
        identity = agefile.parse_identity(bech32.encode(prefix, SEED))
        assert agefile.decrypt((VECTORS / f"{name}.age").read_bytes(), [identity]) == CONTENT
    assert agefile.decrypt_passphrase((VECTORS / "passphrase.age").read_bytes(), "사발 bowl") == CONTENT


@pytest.mark.parametrize(
    ("name", "prefix"), [("x25519", "AGE-SECRET-KEY-"), ("post-quantum", "AGE-SECRET-KEY-PQ-")]
)
def test_we_write_the_same_bytes_as_others_from_the_same_random_numbers(name: str, prefix: str) -> None:
    """All but the stanza of a recipient, whose random numbers are not in the file."""
    identity = agefile.parse_identity(bech32.encode(prefix, SEED))
    data = agefile.dearmor((VECTORS / f"{name}.age").read_bytes())
    parsed = header.parse(data)
    (file_key,) = (key for stanza in parsed.stanzas if (key := identity.unwrap(stanza)) is not None)
    salt = data[parsed.size :][: stream.SALT]
    assert header.write(parsed.stanzas, file_key) + stream.seal(CONTENT, file_key, salt) == data


def test_a_seed_gives_the_same_recipient_as_elsewhere() -> None:
    plain = agefile.parse_identity(bech32.encode("AGE-SECRET-KEY-", SEED))
    assert str(plain.recipient) == "age13aqvttdk3ujkyjh9kg2w5an6dmy5mq5a84a4uxk3hfhnugfc9p0sy5p2wh"
    hybrid = agefile.parse_identity(bech32.encode("AGE-SECRET-KEY-PQ-", SEED))
    digest = hashlib.sha256(str(hybrid.recipient).encode()).hexdigest()
    assert digest == "e1704ce7caadaa4e436845c280d1527742f46a8af62d934c41b60c624e7cb185"


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("armored", [False, True])
def test_pyrage_x25519(size: int, armored: bool) -> None:
    theirs, ours = pyrage.x25519.Identity.generate(), agefile.generate(False)
    assert str(agefile.parse_identity(str(theirs)).recipient) == str(theirs.to_public())
    sealed = agefile.encrypt(content(size), [agefile.parse_recipient(str(theirs.to_public()))])
    assert pyrage.decrypt(agefile.armor(sealed) if armored else sealed, [theirs]) == content(size)
    recipient = pyrage.x25519.Recipient.from_str(str(ours.recipient))
    sealed = pyrage.encrypt(content(size), [theirs.to_public(), recipient], armored=armored)
    assert agefile.decrypt(sealed, [ours]) == content(size)


def test_pyrage_refuses_eve() -> None:
    sealed = agefile.encrypt(b"", [agefile.generate(False).recipient])
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt(sealed, [pyrage.x25519.Identity.generate()])


def test_pyrage_passphrase() -> None:
    for words in ("bowl", "사발 e\u0301"):
        locked = agefile.encrypt_passphrase(content(1024), words, work_factor=12)
        assert pyrage.passphrase.decrypt(locked, words) == content(1024)
    locked = pyrage.passphrase.encrypt(content(1024), words)  # at a cost of about one second here
    assert agefile.is_passphrase_file(locked)
    assert agefile.decrypt_passphrase(locked, words) == content(1024)


def test_typage_post_quantum(typage: Typage) -> None:
    made = typage(verb="generate")
    theirs, ours = agefile.parse_identity(made["identity"]), agefile.generate()
    assert str(theirs.recipient) == made["recipient"]
    assert typage(verb="recipient", key=str(ours))["recipient"] == str(ours.recipient)
    for size in SIZES:
        sealed = agefile.encrypt(content(size), [agefile.generate().recipient, theirs.recipient])
        opened = typage(verb="decrypt", key=str(theirs), data=sealed)
        assert base64.b64decode(opened["data"]) == content(size)
        sealed = base64.b64decode(typage(verb="encrypt", key=str(ours.recipient), data=content(size))["data"])
        assert agefile.decrypt(sealed, [ours]) == content(size)


def test_typage_refuses_eve(typage: Typage) -> None:
    sealed = agefile.encrypt(b"not for Eve", [agefile.generate().recipient])
    assert set(typage(verb="decrypt", key=str(agefile.generate()), data=sealed)) == {"error"}


def test_typage_passphrase(typage: Typage) -> None:
    locked = agefile.encrypt_passphrase(b"key sheet", "사발", work_factor=10)
    assert base64.b64decode(typage(verb="decrypt", passphrase="사발", data=locked)["data"]) == b"key sheet"
    locked = base64.b64decode(typage(verb="encrypt", passphrase="사발", data=b"key sheet")["data"])
    assert agefile.decrypt_passphrase(locked, "사발") == b"key sheet"
