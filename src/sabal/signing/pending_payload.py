"""What waits under a pending signature: its payload, and the mailbox's hash. Both open with the link's token alone.

Bytes as in docs/log-format.md.
"""

import json
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from sabal.records.mac import hmac_sha256

PAYLOAD_BYTES = 384  # most fit one step; a long name beside an address takes two
_as_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_ONLY_NONCE = bytes(12)  # each key is used once: it comes from t alone


@dataclass(frozen=True, slots=True)
class PendingPayload:
    """What confirming must know, and nobody before the click: it opens with the token alone."""

    country: str
    language: str
    name: str  # shown to the mailbox's owner on the confirm page
    display: str  # what an open petition may show: "", initials or the name
    comment: str  # shown there too, so that nobody confirms words they never saw
    subscribe: tuple[str, ...]  # "updates", "newsletter": the boxes that were ticked
    address: str  # only where a box was ticked
    suppression: bytes  # remembered if the answer is "not me"

    def seal(self, token: bytes) -> bytes:
        """ChaCha20-Poly1305 under HMAC(t, "petition/1 carry"), padded so that its length tells nothing."""
        document = [
            self.country,
            self.language,
            self.name,
            self.display,
            self.comment,
            list(self.subscribe),
            self.address,
            self.suppression.hex(),
        ]
        text = _as_json(document).encode()
        padded = text.ljust(-(-len(text) // PAYLOAD_BYTES) * PAYLOAD_BYTES)
        return ChaCha20Poly1305(_payload_key(token)).encrypt(_ONLY_NONCE, padded, None)

    @classmethod
    def open(cls, token: bytes, sealed: bytes) -> "PendingPayload":
        """The reverse of `seal`; raises ValueError where the token is not the one of sealing."""
        try:
            text = ChaCha20Poly1305(_payload_key(token)).decrypt(_ONLY_NONCE, sealed, None)
        except InvalidTag:
            raise ValueError("this token does not open this payload") from None
        country, language, name, display, comment, subscribe, address, suppression = json.loads(text)
        return cls(
            country, language, name, display, comment, tuple(subscribe), address, bytes.fromhex(suppression)
        )


def _payload_key(token: bytes) -> bytes:
    return hmac_sha256(token, b"petition/1 carry")


def seal_mailbox(token: bytes, list_hash: bytes) -> bytes:
    """What each link keeps of its mailbox, 32 bytes for everyone: its hash in the mailing lists, for the link alone.

    Withdrawing opens it, to end the updates that were ticked with the signature.
    """
    return ChaCha20Poly1305(_mailbox_key(token)).encrypt(_ONLY_NONCE, list_hash, None)


def open_mailbox(token: bytes, sealed: bytes) -> bytes:
    """The reverse of `seal_mailbox`; raises ValueError where the token is not the one of sealing."""
    try:
        return ChaCha20Poly1305(_mailbox_key(token)).decrypt(_ONLY_NONCE, sealed, None)
    except InvalidTag:
        raise ValueError("this token does not open this mailbox") from None


def _mailbox_key(token: bytes) -> bytes:
    return hmac_sha256(token, b"petition/1 mailbox")
