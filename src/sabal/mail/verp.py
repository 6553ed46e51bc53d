"""The envelope sender of an email to a list: each has an address of its own, by which a bounce is told apart (VERP).

The address contains a token, which only this server can make or read. It contains no email address: a stolen mail log
beside a stolen database leads from no address to a subscription. AES-SIV (RFC 5297) encrypts and authenticates it, and
needs no random number, so an email that is sent twice has one envelope sender.
"""

import base64
import binascii
import hmac
import struct
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from sabal.configuration.bounce_address import BounceAddress

CONFIRMATION = 0  # the occasion of an email that asks to confirm a subscription
DELIVERY = 2**32 - 1  # the occasion of an email to a recipient of a petition; `subscription` is its row there
_SENT = struct.Struct(">QIH")
_PURPOSE = [b"bounce/1"]


@dataclass(frozen=True, slots=True)
class Sent:
    """Which email a token is of.

    `subscription` is the id of its row. `occasion` is the number of the mailing, from 1 and below 2³², or
    `CONFIRMATION`. `day` is when it was sent (days since 1970).
    """

    subscription: int
    occasion: int
    day: int


@dataclass(frozen=True, slots=True)
class Verp:
    """Makes envelope senders, and opens those that bounces come back to."""

    address: BounceAddress
    key: bytes = field(repr=False)

    @classmethod
    def of(cls, address: BounceAddress, subscribers: bytes) -> "Verp":
        """Make it with a key of its own, derived from the subscribers' key."""
        return cls(address, hmac.digest(subscribers, _PURPOSE[0], "sha512"))

    def sender(self, sent: Sent) -> str:
        """Return the envelope sender of an email."""
        sealed = AESSIV(self.key).encrypt(_SENT.pack(sent.subscription, sent.occasion, sent.day), _PURPOSE)
        return self.address.with_token(base64.b32encode(sealed).decode("ascii").lower())

    def open(self, address: str) -> Sent | None:
        """Return the email that an envelope sender is of; None for any other address, also a forged one."""
        token = self.address.token_in(address)
        if token is None:
            return None
        try:
            opened = AESSIV(self.key).decrypt(base64.b32decode(token.upper()), _PURPOSE)
        except (InvalidTag, binascii.Error):
            return None
        return Sent(*_SENT.unpack(opened))
