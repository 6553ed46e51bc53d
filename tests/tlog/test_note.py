"""Signed notes: Carol's log signs, unknown keys are ignored, and every change by Eve is refused."""

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tlog import Malformed, Signature, Signer, TlogError, Unproven, Verifier, note

# c2sp.org/signed-note, "Example", which has an empty line in the text; and the example of Go's package.
STANDARD = """This is an example message.

— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
""".encode()
STANDARD_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
GO = """If you think cryptography is the answer to your problem,
then you don't know what your problem is.

— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=
""".encode()
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"

CAROL = Signer("carol.example/log", b"c" * 32)
MAX = Signer("max.example", b"m" * 32)
EVE = Signer("carol.example/log", b"e" * 32)  # Carol's name, Eve's key
TEXT = "사발통문\n\nnobody first, nobody last\n".encode()
SIGNED = note.sign(TEXT, CAROL, MAX)
LINE = SIGNED.splitlines(keepends=True)[-1]

texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.just("\n")).map(
    lambda t: f"{t}\n".encode()
)


@pytest.mark.parametrize(("signed", "key"), [(STANDARD, STANDARD_KEY), (GO, GO_KEY)])
def test_notes_of_other_programs_are_opened(signed: bytes, key: str) -> None:
    opened = note.open(signed, [Verifier.parse(key)])
    assert opened.text == signed.rpartition(b"\n\n")[0] + b"\n"
    assert len(opened.verified) == 1 and not opened.unverified


def test_a_note_is_opened_with_any_of_its_keys() -> None:
    both = note.open(SIGNED, [CAROL.verifier, MAX.verifier])
    assert both.text == TEXT
    assert [signature.name for signature in both.verified] == ["carol.example/log", "max.example"]
    one = note.open(SIGNED, [MAX.verifier])
    assert [signature.name for signature in one.verified] == ["max.example"]
    assert [signature.name for signature in one.unverified] == ["carol.example/log"]


@given(texts)
@settings(max_examples=200, deadline=None, derandomize=True)
@example(b"\n")
@example(b"\n\n\n")
@example("a\n\n— max.example AAAAAAAA\n".encode())
def test_any_text_is_signed_and_read_back(text: bytes) -> None:
    opened = note.open(note.sign(text, CAROL), [CAROL.verifier])
    assert opened.text == text


def test_eves_key_under_carols_name_is_unknown() -> None:
    assert (
        note.open(note.sign(TEXT, EVE, CAROL), [CAROL.verifier]).verified[0].key_id == CAROL.verifier.key_id
    )
    with pytest.raises(Unproven, match="No known key"):
        note.open(note.sign(TEXT, EVE), [CAROL.verifier])
    with pytest.raises(Unproven, match="No known key"):
        note.open(SIGNED, [])


def test_a_known_key_whose_line_fails_rejects_the_note() -> None:
    forged = Signature.by(CAROL.verifier, MAX.sign(TEXT))
    for lines in ([forged], [Signature.by(MAX.verifier, MAX.sign(TEXT)), forged]):
        with pytest.raises(Unproven, match="does not fit"):
            note.open(note.join(TEXT, lines), [CAROL.verifier, MAX.verifier])
    good = Signature.by(CAROL.verifier, CAROL.sign(TEXT))
    with pytest.raises(Unproven, match="does not fit"):
        note.open(note.join(TEXT, [good, forged]), [CAROL.verifier])


def test_two_keys_that_cannot_be_told_apart_are_not_both_accepted() -> None:
    twin = Verifier(CAROL.verifier.name, CAROL.verifier.kind, bytes(32))
    twin.__dict__["key_id"] = CAROL.verifier.key_id  # as if an attacker had searched for such a key
    with pytest.raises(TlogError, match="one key id"):
        note.open(SIGNED, [CAROL.verifier, twin])
    assert note.open(SIGNED, [CAROL.verifier, CAROL.verifier]).text == TEXT


def test_a_hundred_signatures_are_accepted_and_no_more() -> None:
    others = [Signer(f"witness.example/{n}", bytes([n]) * 32) for n in range(99)]
    full = note.sign(TEXT, *others, CAROL)
    assert len(note.open(full, [CAROL.verifier]).unverified) == 99
    with pytest.raises(Malformed, match="more than 100"):
        note.open(full + LINE, [CAROL.verifier])


def test_lines_are_appended_once() -> None:
    signed = note.sign(TEXT, CAROL)
    line = Signature.by(MAX.verifier, MAX.sign(TEXT))
    assert note.append(note.append(signed, [line]), [line, line]) == SIGNED


@pytest.mark.parametrize(
    "text", [b"", b"x", b"x\r\n", b"x\0\n", b"x\x1f\n", b"\xff\n", b"\xed\xa0\x80\n", b"\t\n"]
)
def test_invalid_text_is_not_signed(text: bytes) -> None:
    with pytest.raises(TlogError):
        note.sign(text, CAROL)
    with pytest.raises(TlogError):
        note.sign(TEXT)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"\n\n",
        TEXT,
        TEXT + b"\n",
        LINE,
        b"\n" + LINE,
        TEXT + LINE,
        SIGNED[:-1],
        SIGNED + b"\n",
        SIGNED + b"x\n",
        SIGNED.replace(b"\n", b"\r\n"),
        SIGNED.replace(b"nobody first", b"nobody\tfirst"),
        SIGNED.replace(b"nobody first", b"nobody\x00first"),
        SIGNED.replace(b"nobody first", b"nobody\xfffirst"),
        SIGNED.replace("— max".encode(), "—  max".encode()),
        SIGNED.replace("— max".encode(), "– max".encode()),
        SIGNED.replace("— max".encode(), b"- max"),
        SIGNED.replace("— max".encode(), "—max".encode()),
        SIGNED.replace(b"max.example", b"max+example"),
        SIGNED.replace(b"max.example", b"max example"),
        SIGNED.replace(b"max.example", "max\u00a0example".encode()),
        SIGNED.replace(b"max.example ", b" "),
        SIGNED.replace(LINE, LINE[:-1] + b" \n"),
        SIGNED.replace(LINE, LINE[:-2] + b"\n"),
        SIGNED.replace(LINE, LINE[:-1] + b"=\n"),
        TEXT + "\n— max.example AAAAAA==\n".encode(),  # a key id and no signature
        TEXT + "\n— max.example AAAAAAB=\n".encode(),  # stray bits
        b"x" * 1_000_000 + SIGNED,
    ],
    ids=lambda data: repr(data[-30:]),
)
def test_invalid_notes_are_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        note.open(data, [CAROL.verifier])


def test_every_flipped_bit_is_refused() -> None:
    signed = note.sign(TEXT, CAROL)
    for bit in range(len(signed) * 8):
        changed = bytearray(signed)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises((Malformed, Unproven)):
            note.open(bytes(changed), [CAROL.verifier])


@given(st.binary() | st.binary(max_size=40).map(lambda data: TEXT + b"\n" + data) | texts)
@settings(max_examples=500, deadline=None, derandomize=True)
def test_arbitrary_bytes_raise_nothing_but_tlog_errors(data: bytes) -> None:
    with pytest.raises(TlogError):
        note.open(data, [CAROL.verifier])


@pytest.mark.parametrize(
    "hostile",
    [
        b"\n" * 999_999,
        b"\n\n" * 499_999 + LINE[:-1],
        TEXT + b"\n" + LINE * 8_000,
        TEXT + b"\n" + "— ".encode() * 200_000 + b"\n",
        TEXT + "\n— a ".encode() + b"=" * 900_000 + b"\n",
        TEXT + "\n— a ".encode() + b"A" * 900_000 + b"!\n",
        TEXT + "\n— ".encode() + b"a" * 900_000 + b"\n",
    ],
    ids=["newlines", "empty lines", "lines", "dashes", "padding", "base64", "name"],
)
def test_a_hostile_megabyte_takes_bounded_time(hostile: bytes) -> None:
    start = time.process_time()
    with pytest.raises(TlogError):
        note.open(hostile, [CAROL.verifier])
    assert time.process_time() - start < 2
