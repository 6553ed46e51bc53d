import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import agefile
from agefile import AgeError, Identity, bech32


@pytest.mark.parametrize("post_quantum", [True, False])
def test_new_keys_are_parsed_back(post_quantum: bool) -> None:
    carol = agefile.generate(post_quantum)
    assert agefile.parse_identity(str(carol)) == carol
    assert agefile.parse_recipient(str(carol.recipient)) == carol.recipient
    assert agefile.generate(post_quantum) != carol


def test_keys_are_post_quantum_by_default() -> None:
    modern, plain = agefile.generate(), agefile.generate(post_quantum=False)
    assert str(modern).startswith("AGE-SECRET-KEY-PQ-1")
    assert str(modern.recipient).startswith("age1pq1")
    assert len(str(modern.recipient)) == 1959
    assert str(plain).startswith("AGE-SECRET-KEY-1")
    assert len(str(plain.recipient)) == 62
    assert (modern.recipient.post_quantum, plain.recipient.post_quantum) == (True, False)


def test_either_case_and_surrounding_blanks_are_accepted(keys: tuple[Identity, Identity]) -> None:
    carol, _ = keys
    assert agefile.parse_recipient(f"\n {str(carol.recipient).upper()}\t\r\n") == carol.recipient
    assert agefile.parse_identity(f" {str(carol).lower()} ") == carol
    for mixed in (str(carol.recipient).replace("age1", "AGE1"), str(carol.recipient).capitalize()):
        with pytest.raises(AgeError, match="lower case throughout or in capitals"):
            agefile.parse_recipient(mixed)
    with pytest.raises(AgeError, match="lower case throughout or in capitals"):
        agefile.parse_identity(str(carol).replace("AGE-", "age-"))


def test_no_secret_is_printed_by_accident(keys: tuple[Identity, Identity]) -> None:
    carol, _ = keys
    body = str(carol).rpartition("1")[2]
    printed = [repr(carol), repr([carol]), f"{carol!r}", repr(carol.recipient), f"{carol.recipient}"]
    for text in printed:
        assert body.lower() not in text.lower()
        assert carol.secret.hex() not in text
        assert repr(carol.secret) not in text
    assert repr(carol.recipient)[16:25] in repr(carol)
    with pytest.raises(TypeError):
        pickle.dumps(carol)


def test_a_secret_pasted_as_recipient_is_not_quoted(keys: tuple[Identity, Identity]) -> None:
    carol, _ = keys
    for text in (str(carol), str(carol).lower(), str(carol)[:-1]):
        with pytest.raises(AgeError, match="secret key") as refusal:
            agefile.parse_recipient(text)
        assert text.rpartition("1")[2][:6] not in str(refusal.value)


def test_a_damaged_secret_is_not_quoted(keys: tuple[Identity, Identity]) -> None:
    carol, _ = keys
    text = str(carol)
    for broken in (text[:-1], text[:-1] + "b", text.replace("1", "2"), text + "x", text.capitalize()):
        with pytest.raises(AgeError) as refusal:
            agefile.parse_identity_file(f"# key\n\n{broken}\n")
        assert str(refusal.value).startswith("Line 3 ")
        assert text[-12:-2].lower() not in str(refusal.value).lower()
        assert refusal.value.__suppress_context__


@pytest.mark.parametrize(
    "text",
    [
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5",
        "carol@example.org",
        bech32.encode("age1tag", bytes(33)),
        bech32.encode("age1tagpq", bytes(1249)),
        bech32.encode("age1yubikey", bytes(33)),
        bech32.encode("age", bytes(31)),
        bech32.encode("age", bytes(33)),
        bech32.encode("age1pq", bytes(1215)),
        bech32.encode("age1pq", bytes(1217)),
        bech32.encode("bc", bytes(32)),
    ],
)
def test_other_kinds_of_recipients_are_refused(text: str) -> None:
    with pytest.raises(AgeError) as refusal:
        agefile.parse_recipient(text)
    assert refusal.value.kind == "refused"


@pytest.mark.parametrize(
    "text",
    [
        bech32.encode("AGE-SECRET-KEY-", bytes(31)),
        bech32.encode("AGE-SECRET-KEY-PQ-", bytes(33)),
        bech32.encode("AGE-PLUGIN-PQ-", bytes(32)),
        "age12g8ey8th3vmghphnplns62t0jqpt5wrlghv6cqwhjmz9crvcwclqfzu2dr",  # a recipient is not an identity
        "hunter2",
    ],
)
def test_other_kinds_of_identities_are_refused(text: str) -> None:
    with pytest.raises(AgeError):
        agefile.parse_identity(text)


def test_unusable_keys_are_refused() -> None:
    mlkem = agefile.generate().recipient.public[:1184]
    for text in (
        bech32.encode("age", bytes(32)),
        bech32.encode("age", b"\x01" + bytes(31)),
        bech32.encode("age1pq", mlkem + bytes(32)),
        bech32.encode("age1pq", b"\xff" * 1216),
    ):
        with pytest.raises(AgeError, match="not a usable"):
            agefile.parse_recipient(text)


def test_an_identity_file_is_parsed_line_by_line() -> None:
    one, two = agefile.generate(), agefile.generate(False)
    text = f"\ufeff# created for Carol\r\n# public key: {one.recipient}\r\n\r\n{one}\r\n   \n  # old\n{two}"
    assert agefile.parse_identity_file(text) == [one, two]


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n"])
def test_an_identity_file_without_a_key_is_refused(text: str) -> None:
    with pytest.raises(AgeError, match="holds no secret key"):
        agefile.parse_identity_file(text)


def test_a_locked_identity_file_must_be_opened_first() -> None:
    carol = agefile.generate()
    locked = agefile.encrypt_passphrase(f"# Carol\n{carol}\n".encode(), "words", work_factor=1)
    for text in (agefile.armor(locked).decode(), locked.decode("latin-1")):
        with pytest.raises(AgeError, match="passphrase first"):
            agefile.parse_identity_file(text)
    opened = agefile.decrypt_passphrase(agefile.armor(locked), "words")
    assert agefile.parse_identity_file(opened.decode()) == [carol]


@given(st.text(max_size=200))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_arbitrary_text_raises_nothing_but_age_error(text: str) -> None:
    for parse in (agefile.parse_recipient, agefile.parse_identity, agefile.parse_identity_file):
        with pytest.raises(AgeError):
            parse(text)
