"""JSON that reads the same for everyone: UTF-8, no name twice in an object. RFC 8259 §4, §8.1."""

import json
import re
from typing import Any

_HEX = re.compile(r"(?:[0-9a-f]{2})*", re.ASCII)


def parse(data: bytes) -> Any:
    """The value; raises ValueError where different readers could see different ones."""
    try:
        return _decoder.decode(data.decode())
    except RecursionError:
        raise ValueError("nested too deeply") from None


def hex_of(value: object, length: int) -> bytes | None:
    """The `length` bytes of a string in lower-case hex; None where the value is anything else."""
    if isinstance(value, str) and len(value) == 2 * length and _HEX.fullmatch(value):
        return bytes.fromhex(value)
    return None


def is_count(value: object) -> bool:
    """Whether this is a whole number from 0 on; true and false are none."""
    return type(value) is int and value >= 0


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return found


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no number")


_decoder = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_number)
