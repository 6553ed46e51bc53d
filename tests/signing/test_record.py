"""The record's bytes: the vector of docs/log-format.md, and round trips."""

import base64
import hashlib
import hmac
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sabal import token
from sabal.signing import record
from sabal.signing.mac import hmac_sha256

T = bytes(range(16))
MANIFEST = hashlib.sha256(b"manifest").digest()
FIELDS = {
    "name": "Kim Example",
    "email": "kim@example.org",
    "place": "KR",
    "comment": "",
    "consent": "1",
    "day": "2026-11-23",
}


def test_the_vector() -> None:
    seed = record.seed(T, bytes(32))
    assert seed.hex()[:8] == "22a61e9e" and seed.hex()[-4:] == "a828"
    assert record.salt(seed, "name").hex() == "f067e0e3db9913eab954c252b743f978"
    d_name = record.digest(record.salt(seed, "name"), FIELDS["name"]).hex()
    assert d_name[:8] == "33be1409" and d_name[-4:] == "ae88"
    commitment = record.commitment(MANIFEST, seed, FIELDS)
    assert commitment.hex() == "fea88db80a4d3226b15164a82e2022c4f31d429ed2d496156f58b9c0c670b74f"
    assert token.digest(T).hex()[:8] == "23fda3ce"


@pytest.mark.parametrize("field", record.RECORD_FIELDS)
def test_every_field_and_w_change_the_commitment(field: str) -> None:
    seed = record.seed(T, bytes(32))
    base = record.commitment(MANIFEST, seed, FIELDS)
    assert record.commitment(MANIFEST, seed, {**FIELDS, field: FIELDS[field] + "x"}) != base
    assert record.commitment(MANIFEST, record.seed(T, b"\x01" * 32), FIELDS) != base


@pytest.mark.parametrize(("comment", "size"), [("", 1024), ("x" * 600, 1024), ("x" * 1000, 2048)])
def test_records_are_padded_to_multiples_of_1024(comment: str, size: int) -> None:
    fields = {**FIELDS, "comment": comment}
    plain = record.sealed_json(MANIFEST, bytes(32), fields, "ko", {})
    assert len(plain) == size
    assert json.loads(plain)["fields"] == fields


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=200), st.booleans())
def test_a_carry_opens_with_its_token_alone(name: str, ticked: bool) -> None:
    t = token.new()
    pending_payload = record.PendingPayload(
        "KR",
        "ko",
        name,
        "",
        "",
        ("updates",) if ticked else (),
        "suzie@example.org" if ticked else "",
        bytes(16),
    )
    sealed = pending_payload.seal(t)
    assert (len(sealed) - 16) % record.PAYLOAD_BYTES == 0
    assert record.PendingPayload.open(t, sealed) == pending_payload
    with pytest.raises(ValueError):
        record.PendingPayload.open(token.new(), sealed)


@given(st.binary(max_size=64), st.binary(max_size=300))
def test_our_hmac_is_the_standard_librarys(key: bytes, message: bytes) -> None:
    assert hmac_sha256(key, message) == hmac.digest(key, message, "sha256")


def test_a_long_key_is_refused() -> None:
    with pytest.raises(ValueError):
        hmac_sha256(bytes(65), b"")


@given(st.binary(min_size=16, max_size=16))
def test_tokens_are_26_characters_and_come_back_in_either_case(t: bytes) -> None:
    text = token.encode(t)
    assert text == base64.b32encode(t).decode().rstrip("=").lower()
    assert len(text) == 26 and token.decode(text) == t and token.decode(text.upper()) == t


@given(st.text(max_size=40))
def test_what_no_link_holds_is_no_token(text: str) -> None:
    t = token.decode(text)
    assert t is None or token.encode(t) == text.lower()


@pytest.mark.parametrize(
    "text",
    ["", "a" * 25, "a" * 27, "a" * 25 + "b", "a" * 25 + "1", "é" * 26, "a" * 25 + " ", "ſ" * 26, "K" * 26],
)
def test_tokens_of_the_wrong_form_are_refused(text: str) -> None:
    assert token.decode(text) is None
