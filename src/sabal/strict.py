"""Parse JSON so that every parser reads the same value. docs/log-format.md "Bundle"; RFC 8259 §4, §6, §8.1, §9."""

import json
import re
from typing import Any

_HEX = re.compile(r"(?:[0-9a-f]{2})*", re.ASCII)
MOST_NESTED, MOST_DIGITS = 100, 18


def parse(data: bytes) -> Any:
    """Return the value. Raise ValueError if different parsers could read different values."""
    text = data.decode()
    try:
        value = _decoder.decode(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if text.count("[") + text.count("{") > MOST_NESTED:
        _refuse_deep(value, MOST_NESTED)
    if "\\u" in text:  # the only way to write half a surrogate pair, which encode() refuses
        json.dumps(value, ensure_ascii=False).encode()
    return value


def hex_of(value: object, length: int) -> bytes | None:
    """Return the `length` bytes of a string of lower-case hex; None if the value is anything else."""
    if isinstance(value, str) and len(value) == 2 * length and _HEX.fullmatch(value):
        return bytes.fromhex(value)
    return None


def is_count(value: object) -> bool:
    """Return whether this is a whole number of at least 0; `true` and `false` are not."""
    return type(value) is int and value >= 0


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name appears twice in one object")
    return found


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is not a number")


def _integer(digits: str) -> int:
    if len(digits.removeprefix("-")) > MOST_DIGITS:
        raise ValueError("an integer with too many digits")
    return int(digits)


def _refuse_deep(value: Any, levels_left: int) -> None:
    if isinstance(value, dict | list):
        if not levels_left:
            raise ValueError("nested too deeply")
        for inner in value.values() if isinstance(value, dict) else value:
            _refuse_deep(inner, levels_left - 1)


_decoder = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_number, parse_int=_integer)
