import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import agefile
from agefile import AgeError, header
from agefile.stanza import Stanza, to_base64

V1 = b"age-encryption.org/v1\n"
END = b"--- " + b"A" * 43 + b"\n"
SEALED = agefile.encrypt(b"record", [agefile.generate().recipient])
KEYS = [agefile.generate(), agefile.generate(False)]

words = st.binary(min_size=1, max_size=80).map(to_base64) | st.just(b"!~|")
stanzas = st.builds(Stanza, st.lists(words, min_size=1, max_size=4).map(tuple), st.binary(max_size=200))


def test_a_header_is_parsed_to_its_last_byte() -> None:
    parsed = header.parse(V1 + b"-> kind one two\nAAAA\n" + END + b"payload")
    assert parsed.stanzas == (Stanza((b"kind", b"one", b"two"), bytes(3)),)
    assert parsed.signed == V1 + b"-> kind one two\nAAAA\n---"
    assert parsed.mac == bytes(32)
    assert parsed.size == len(parsed.signed) + 45


@given(st.lists(stanzas, min_size=1, max_size=5), st.binary(max_size=50))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_a_written_header_is_parsed_back(made: list[Stanza], payload: bytes) -> None:
    written = header.write(made, bytes(16))
    parsed = header.parse(written + payload)
    assert parsed.stanzas == tuple(made)
    assert parsed.size == len(written)
    header.check(parsed, bytes(16))
    with pytest.raises(AgeError):
        header.check(parsed, b"\x01" + bytes(15))


@pytest.mark.parametrize("size", [0, 1, 47, 48, 49, 95, 96, 97])
def test_a_body_ends_with_a_short_line(size: int) -> None:
    lines = Stanza((b"kind",), bytes(size)).encode().split(b"\n")
    assert [len(line) for line in lines[1:-2]] == [64] * (size // 48)
    assert len(lines[-2]) == len(to_base64(bytes(size % 48)))
    assert lines[-1] == b""


@pytest.mark.parametrize(
    "text",
    [
        b"",
        V1,
        V1[:-1],
        V1.replace(b"\n", b"\r\n") + b"-> k\n\n" + END,
        V1 + END,
        V1 + b"-> k\n" + END,
        V1 + b"-> k\n\n" + END[:-1],
        V1 + b"-> k\n\n" + END.replace(b"--- ", b"---"),
        V1 + b"-> k\n\n" + END.replace(b"--- ", b"---  "),
        V1 + b"-> k\n\n" + END.replace(b"\n", b" \n"),
        V1 + b"-> k\n\n" + END.replace(b"A\n", b"B\n"),
        V1 + b"-> k\n\n" + END.replace(b"A\n", b"A=\n"),
        V1 + b"-> k\n\n\n" + END,
        V1 + b"->k\n\n" + END,
        V1 + b"-> \n\n" + END,
        V1 + b"-> k \n\n" + END,
        V1 + b"-> k  l\n\n" + END,
        V1 + b"-> k\tl\n\n" + END,
        V1 + b"-> k\x80\n\n" + END,
        V1 + b"-> k\r\n\n" + END,
        V1 + b"-> k\nAA==\n" + END,
        V1 + b"-> k\nAB\n" + END,
        V1 + b"-> k\nA\n" + END,
        V1 + b"-> k\nAA AA\n" + END,
        V1 + b"-> k\nAAAA\nAAAA\n" + END,
        V1 + b"-> k\n" + b"A" * 64 + b"\n" + END,
        V1 + b"-> k\n" + b"A" * 65 + b"\n\n" + END,
        b"\xef\xbb\xbf" + SEALED,
        b"\n" + SEALED,
    ],
)
def test_text_against_the_grammar_is_damaged(text: bytes) -> None:
    with pytest.raises(AgeError) as refusal:
        header.parse(text)
    assert refusal.value.kind == "damaged"


@pytest.mark.parametrize("version", [b"v2", b"v10", b"v1.1", b"next"])
def test_another_version_is_reported_as_such(version: bytes) -> None:
    with pytest.raises(AgeError, match="another version") as refusal:
        header.parse(V1.replace(b"v1", version) + b"anything at all")
    assert refusal.value.kind == "refused"


@given(st.binary(max_size=400) | st.binary(max_size=400).map(V1.__add__))
@example(V1 + b"-> X25519")
@settings(max_examples=500, deadline=None, derandomize=True)
def test_arbitrary_bytes_raise_nothing_but_age_error(data: bytes) -> None:
    with pytest.raises(AgeError):
        agefile.decrypt(data, KEYS)
    with pytest.raises(AgeError):
        agefile.decrypt_passphrase(data, "Eve guesses")
    assert not agefile.is_passphrase_file(data)


lines = st.sampled_from(
    [
        V1,
        END,
        b"-> X25519 " + b"A" * 43 + b"\n",
        b"-> scrypt " + b"A" * 22 + b" 1\n",
        b"-> mlkem768x25519 AAAA\n",
        b"A" * 64 + b"\n",
        b"A" * 43 + b"\n",
        b"\n",
        b"-> \n",
        b"-----BEGIN AGE ENCRYPTED FILE-----\n",
        b"\xff\n",
    ]
)


@given(st.lists(lines, max_size=8), st.binary(max_size=60))
@settings(max_examples=500, deadline=None, derandomize=True)
def test_well_formed_lines_in_any_order_raise_nothing_but_age_error(parts: list[bytes], rest: bytes) -> None:
    data = b"".join(parts) + rest
    with pytest.raises(AgeError):
        agefile.decrypt(data, KEYS)
    with pytest.raises(AgeError):
        agefile.decrypt_passphrase(data, "Eve guesses", max_work_factor=4)


@given(st.binary(min_size=1, max_size=8), st.floats(0, 1, exclude_max=True))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_bytes_inserted_into_a_file_are_refused(inserted: bytes, part: float) -> None:
    at = int(part * len(SEALED))
    with pytest.raises(AgeError):
        agefile.decrypt(SEALED[:at] + inserted + SEALED[at:], KEYS)


@pytest.mark.slow
@pytest.mark.parametrize(
    "hostile",
    [
        V1 + b"-> a" + b" a" * 1_000_000,
        V1 + b"-> " + b"a" * 2_000_000,
        V1 + b"-> k\n" + (b"A" * 64 + b"\n") * 30_000,
        V1 + b"-> k\n\n" * 300_000,
        b"age-encryption.org/" + b"v" * 2_000_000,
    ],
    ids=["arguments", "argument", "body", "stanzas", "version"],
)
def test_two_hostile_megabytes_take_bounded_time(hostile: bytes) -> None:
    start = time.perf_counter()
    with pytest.raises(AgeError):
        agefile.decrypt(hostile, KEYS)
    assert time.perf_counter() - start < 20
