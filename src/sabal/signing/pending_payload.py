"""The sealed parts of a pending signature: its payload, and the address hash. Only the link's token opens them.

The bytes are as in docs/log-format.md.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from sabal.records.mac import hmac_sha256

PAYLOAD_BYTES = 384  # padding step; most payloads fit one, a long name with an address takes two
_as_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_ONLY_NONCE = bytes(12)  # each key is used once, because it is derived from one token


@dataclass(frozen=True, slots=True)
class PendingPayload:
    """The data that confirming needs. Only the token opens it, so that the server cannot read it before the click."""

    country: str
    language: str
    name: str  # shown to the signer on the confirm page
    display: str  # the public name on an open petition: "", initials or the name
    comment: str  # shown on the confirm page too, so that the signer sees every word before confirming
    subscribe: Mapping[
        str, str
    ]  # the boxes that were ticked ("updates", "newsletter"), and the version of each sentence
    address: str  # empty if no box was ticked
    suppression: bytes  # stored if the answer is "not me"

    def seal(self, token: bytes) -> bytes:
        """Seal it with ChaCha20-Poly1305 under HMAC(t, "petition/1 carry").

        It is padded, so that its length reveals nothing.
        """
        document = [
            self.country,
            self.language,
            self.name,
            self.display,
            self.comment,
            dict(self.subscribe),
            self.address,
            self.suppression.hex(),
        ]
        text = _as_json(document).encode()
        padded = text.ljust(-(-len(text) // PAYLOAD_BYTES) * PAYLOAD_BYTES)
        return ChaCha20Poly1305(_payload_key(token)).encrypt(_ONLY_NONCE, padded, None)

    @classmethod
    def open(cls, token: bytes, sealed: bytes) -> "PendingPayload":
        """Open what `seal` sealed. Raises ValueError if the token is another one."""
        try:
            text = ChaCha20Poly1305(_payload_key(token)).decrypt(_ONLY_NONCE, sealed, None)
        except InvalidTag:
            raise ValueError("this token does not open this payload") from None
        country, language, name, display, comment, subscribe, address, suppression = json.loads(text)
        return cls(country, language, name, display, comment, subscribe, address, bytes.fromhex(suppression))


def _payload_key(token: bytes) -> bytes:
    return hmac_sha256(token, b"petition/1 carry")


def seal_mailbox(token: bytes, list_hash: bytes) -> bytes:
    """Seal the address's hash in the mailing lists under the link's token; 32 bytes for every address.

    Withdrawing opens it, to end the updates that were ticked with the signature.
    """
    return ChaCha20Poly1305(_mailbox_key(token)).encrypt(_ONLY_NONCE, list_hash, None)


def open_mailbox(token: bytes, sealed: bytes) -> bytes:
    """Open what `seal_mailbox` sealed. Raises ValueError if the token is another one."""
    try:
        return ChaCha20Poly1305(_mailbox_key(token)).decrypt(_ONLY_NONCE, sealed, None)
    except InvalidTag:
        raise ValueError("this token does not open this mailbox") from None


def _mailbox_key(token: bytes) -> bytes:
    return hmac_sha256(token, b"petition/1 mailbox")
