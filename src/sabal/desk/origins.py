"""Which row of a form is which of the saved ones, also after the form was saved without its page being loaded again.

Each row has an id for as long as its page is open. The hidden field `order` has the ids in the order of what was saved,
and a digest of it. So a row that was moved and saved by the script is not taken for the one that was there before.
"""

import hashlib
import re
from collections.abc import Sequence

# An id ends only at a space: else there would be more ways to read a row of digits than can be tried.
_ORDER = re.compile(r"((?:(?:[0-9]{1,6}|-)(?: (?:[0-9]{1,6}|-)){0,399})?)/([0-9a-f]{16})")
UNKNOWN = "-"


def as_order(ids: Sequence[int | None], saved: Sequence[str]) -> str:
    """Return the hidden field: the id of each saved row, and a digest of what identifies the rows."""
    shown = " ".join(UNKNOWN if one is None else str(one) for one in ids)
    return f"{shown}/{_digest(saved)}"


def places(
    order: str, ids: Sequence[int | None], rows: Sequence[str], saved: Sequence[str]
) -> list[int | None]:
    """Return for each row its place among the saved ones; None for a new one.

    If `order` is of another state than `saved`, as after an answer that was lost, rows are found by what they say.
    """
    found = _ORDER.fullmatch(order)
    if found is None or found[2] != _digest(saved):
        return _by_words(rows, saved)
    known = {int(one): place for place, one in enumerate(found[1].split()) if one != UNKNOWN}
    taken: set[int] = set()
    result: list[int | None] = []
    for one in ids:
        place = known.get(one) if one is not None else None
        if place is None or place >= len(saved) or place in taken:
            result.append(None)
        else:
            taken.add(place)
            result.append(place)
    return result


def next_id(order: str, ids: Sequence[int | None]) -> int:
    """Return an id that no row has or had."""
    had = [int(one) for one in re.findall(r"[0-9]{1,6}", order.partition("/")[0])]
    return 1 + max([-1, *had, *(one for one in ids if one is not None)])


def number(value: object) -> int | None:
    """Return the id in a field, or None if there is none."""
    text = str(value)
    return int(text) if re.fullmatch(r"[0-9]{1,6}", text) else None


def _by_words(rows: Sequence[str], saved: Sequence[str]) -> list[int | None]:
    left = list(range(len(saved)))
    result: list[int | None] = []
    for row in rows:
        place = next((one for one in left if saved[one] == row), None)
        if place is not None:
            left.remove(place)
        result.append(place)
    if len(left) == result.count(None):  # those that were changed, in their order
        result = [left.pop(0) if place is None else place for place in result]
    return result


def _digest(saved: Sequence[str]) -> str:
    return hashlib.sha256("\0".join(saved).encode()).hexdigest()[:16]
