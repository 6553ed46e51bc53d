"""The bytes of a record, compared with the test vector of docs/log-format.md."""

import hashlib
import hmac
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sabal import token
from sabal.records import record
from sabal.records.mac import hmac_sha256

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


def test_the_vector_of_the_documentation() -> None:
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


@given(st.binary(max_size=64), st.binary(max_size=300))
def test_hmac_is_equal_to_the_standard_librarys(key: bytes, message: bytes) -> None:
    assert hmac_sha256(key, message) == hmac.digest(key, message, "sha256")


def test_a_long_key_is_refused() -> None:
    with pytest.raises(ValueError):
        hmac_sha256(bytes(65), b"")
