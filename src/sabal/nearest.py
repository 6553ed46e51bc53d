"""The name that was perhaps meant, as the sentence of an error."""

import difflib
from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str], quoted: str = "{}") -> str:
    """Return "Did you mean …?" with the name among `known` that is nearest to `name`; empty if none is near.

    `quoted` says how a name is written in the sentence.
    """
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"Did you mean {quoted.format(near[0])}?" if near else ""
