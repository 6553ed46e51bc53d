"""Bech32 (BIP 173) without its length limit. age spec, "Conventions used in this document"."""

from collections.abc import Iterable

from agefile.errors import AgeError

_CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_VALUE = {character: value for value, character in enumerate(_CHARSET)}
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CHECKSUM = 6
_LONGEST = 4096  # about twice the longest key; the time to read grows with the square of the length


def encode(prefix: str, data: bytes) -> str:
    """Return `data` as Bech32, in upper case if `prefix` is. The checksum is over the lower-case text."""
    low = prefix.lower()
    values = _fives(data)
    state = _polymod([*_expand(low), *values, *[0] * _CHECKSUM]) ^ 1
    checksum = [state >> 5 * (_CHECKSUM - 1 - index) & 31 for index in range(_CHECKSUM)]
    text = low + "1" + "".join(_CHARSET[value] for value in [*values, *checksum])
    return text if prefix == low else text.upper()


def decode(text: str) -> tuple[str, bytes]:
    """Return the prefix in lower case, and the data. Raises AgeError, whose message quotes nothing of `text`."""
    if len(text) > _LONGEST:
        raise AgeError("This is too long to be a key.")
    if not text.isascii() or text not in (text.lower(), text.upper()):
        raise AgeError(
            "A key is written in lower case throughout or in capitals throughout, and has no other characters."
        )
    prefix, separator, rest = text.lower().rpartition("1")
    if not separator or not prefix or len(rest) < _CHECKSUM or not all("!" <= sign <= "~" for sign in prefix):
        raise AgeError("This is not a key, or not the whole key.")
    if not all(character in _VALUE for character in rest):
        raise AgeError("This key holds a character that no key has. Was it copied whole and unbroken?")
    values = [_VALUE[character] for character in rest]
    if _polymod([*_expand(prefix), *values]) != 1:
        raise AgeError("This key's checksum is wrong. A character was lost or changed.")
    return prefix, _bytes(values[:-_CHECKSUM])


def _polymod(values: Iterable[int]) -> int:
    """Return the BCH checksum over GF(32). BIP 173, "Checksum"."""
    state = 1
    for value in values:
        top = state >> 25
        state = (state & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate(_GENERATOR):
            if top >> bit & 1:
                state ^= generator
    return state


def _expand(prefix: str) -> list[int]:
    return [*(ord(sign) >> 5 for sign in prefix), 0, *(ord(sign) & 31 for sign in prefix)]


def _fives(data: bytes) -> list[int]:
    """Return the bits of `data` in groups of five. The last group is filled with zeros."""
    count = -(-len(data) * 8 // 5)
    bits = int.from_bytes(data) << count * 5 - len(data) * 8
    return [bits >> 5 * (count - 1 - index) & 31 for index in range(count)]


def _bytes(values: list[int]) -> bytes:
    """Return the bytes in groups of five bits. The filling of the last group must be under five bits, all zero."""
    fill = len(values) * 5 % 8
    bits = 0
    for value in values:
        bits = bits << 5 | value
    if fill > 4 or bits & (1 << fill) - 1:
        raise AgeError("This key has stray bits at its end. No age program wrote it.")
    return (bits >> fill).to_bytes(len(values) * 5 // 8)
