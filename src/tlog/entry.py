"""The entries of a petition's log: 34 bytes, all of them. docs/log-format.md "Entries"."""

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias

from tlog.errors import Malformed, TlogError
from tlog.wire import HASH_BYTES, MAX_SIZE

ENTRY_BYTES = 34
VERSION = 1

_REVOCATION = struct.Struct(">QB23x")
_PADDING = bytes(HASH_BYTES - 9)
_ZEROS = bytes(HASH_BYTES)


class Type(IntEnum):
    """The second byte. docs/log-format.md "Entries"."""

    OPEN = 0
    SIGN = 1
    REVOKE = 2
    AMEND = 3
    CLOSE = 4


class Reason(IntEnum):
    """Why a signature does not count any more. docs/log-format.md "Reasons"."""

    WITHDRAWN = 1
    DUPLICATE = 2
    FAKE = 3
    OTHER = 4


_REASONS = {reason.value: reason for reason in Reason}  # a quarter of what calling Reason costs


@dataclass(frozen=True, slots=True)
class Open:
    """The petition opens, under a manifest: always entry 0, and nowhere else."""

    manifest_hash: bytes

    def encode(self) -> bytes:
        """Its 34 bytes. docs/log-format.md "Entries"."""
        return _encode(Type.OPEN, self.manifest_hash)


@dataclass(frozen=True, slots=True)
class Amend:
    """From here on signatures are made under another manifest."""

    manifest_hash: bytes

    def encode(self) -> bytes:
        """Its 34 bytes. docs/log-format.md "Entries"."""
        return _encode(Type.AMEND, self.manifest_hash)


@dataclass(frozen=True, slots=True)
class Sign:
    """Somebody signed; the commitment says who only to those who have the record."""

    commitment: bytes

    def encode(self) -> bytes:
        """Its 34 bytes. docs/log-format.md "Entries"."""
        return _encode(Type.SIGN, self.commitment)


@dataclass(frozen=True, slots=True)
class Revoke:
    """The sign entry at `index` does not count any more."""

    index: int
    reason: Reason

    def encode(self) -> bytes:
        """Its 34 bytes. docs/log-format.md "Entries"."""
        if not 0 <= self.index <= MAX_SIZE:
            raise TlogError(f"No log has an entry {self.index}.")
        return _encode(Type.REVOKE, _REVOCATION.pack(self.index, Reason(self.reason)))


@dataclass(frozen=True, slots=True)
class Close:
    """The petition is closed; nothing but revocations follows."""

    def encode(self) -> bytes:
        """Its 34 bytes. docs/log-format.md "Entries"."""
        return _encode(Type.CLOSE, _ZEROS)


Entry: TypeAlias = Open | Amend | Sign | Revoke | Close


def parse(data: bytes) -> Entry:
    """Read one entry, its padding too; raises Malformed. docs/log-format.md "Entries"."""
    if len(data) != ENTRY_BYTES or data[0] != VERSION:
        raise Malformed(f"An entry has {ENTRY_BYTES} bytes, of which the first is 01.")
    body = data[2:]
    match data[1]:
        case Type.OPEN:
            return Open(body)
        case Type.AMEND:
            return Amend(body)
        case Type.SIGN:
            return Sign(body)
        case Type.REVOKE:
            index, reason = _REVOCATION.unpack(body)
            if 1 <= reason <= len(Reason) and index <= MAX_SIZE and body.endswith(_PADDING):
                return Revoke(index, _REASONS[reason])
            raise Malformed("A revocation has a reason from 1 to 4, and ends in zeros.")
        case Type.CLOSE:
            if body == _ZEROS:
                return Close()
            raise Malformed("What closes a log holds nothing but zeros.")
        case other:
            raise Malformed(f"There are no entries of type {other:02x}.")


def _encode(kind: Type, body: bytes) -> bytes:
    if len(body) != HASH_BYTES:
        raise TlogError(f"A hash in an entry has {HASH_BYTES} bytes, not {len(body)}.")
    return bytes((VERSION, kind)) + body
