"""The pending payload: only its own token opens it, unchanged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sabal import token
from sabal.signing.pending_payload import PAYLOAD_BYTES, PendingPayload


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=200), st.booleans())
def test_only_its_token_opens_a_payload(name: str, ticked: bool) -> None:
    t = token.new()
    one = PendingPayload(
        "KR",
        "ko",
        name,
        "",
        "",
        {"updates": "0" * 16} if ticked else {},
        "suzie@example.org" if ticked else "",
        bytes(16),
    )
    sealed = one.seal(t)
    assert (len(sealed) - 16) % PAYLOAD_BYTES == 0
    assert PendingPayload.open(t, sealed) == one
    with pytest.raises(ValueError):
        PendingPayload.open(token.new(), sealed)
