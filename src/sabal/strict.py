"""JSON that reads the same for everyone. docs/log-format.md "Bundle"; RFC 8259 §4, §6, §8.1, §9."""

import json
import re
from typing import Any

_HEX = re.compile(r"(?:[0-9a-f]{2})*", re.ASCII)


MOST_NESTED, MOST_DIGITS = 100, 18


def parse(data: bytes) -> Any:
    """The value; raises ValueError where different readers could see different ones."""
    text = data.decode()
    try:
        value = _decoder.decode(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if text.count("[") + text.count("{") > MOST_NESTED:
        _refuse_deep(value, MOST_NESTED)
    if "\\u" in text:  # else there is no way to write half a character
        json.dumps(value, ensure_ascii=False).encode()
    return value


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
        raise ValueError("a name appears twice in one object")
    return found


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is not a number")


def _integer(digits: str) -> int:
    if len(digits.removeprefix("-")) > MOST_DIGITS:
        raise ValueError("an integer with too many digits")
    return int(digits)


def _refuse_deep(value: Any, room: int) -> None:
    if isinstance(value, dict | list):
        if not room:
            raise ValueError("nested too deeply")
        for inner in value.values() if isinstance(value, dict) else value:
            _refuse_deep(inner, room - 1)


_decoder = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_number, parse_int=_integer)
