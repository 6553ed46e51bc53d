"""Which of the languages on offer a reader gets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

LONGEST_TAG = 48  # RFC 5646 asks for 35; what is longer only costs time
TRADITIONAL = frozenset(("tw", "hk", "mo", "hant"))


def best_language(accept: bytes | None, offered: Iterable[str], otherwise: str) -> str:
    """The offered language that an Accept-Language asks for most (RFC 4647 lookup; Chinese by script)."""
    known = tuple(offered)
    wanted: list[tuple[float, int, str]] = []
    for place, item in enumerate((accept or b"").decode("latin-1").lower().split(",")[:32]):
        tag, _, weight = item.strip().partition(";q=")
        try:
            q = float(weight) if weight else 1.0
        except ValueError:
            q = 0.0
        if q > 0 and len(item) <= LONGEST_TAG:
            wanted.append((-q, place, tag.strip()))
    for _, _, tag in sorted(wanted):
        for candidate in fallbacks(tag):
            if candidate in known:
                return candidate
    return otherwise if otherwise in known or not known else known[0]


def fallbacks(tag: str) -> Iterator[str]:
    """A language tag, then what is nearest to it, then shorter forms of it."""
    yield tag
    parts = tag.split("-")
    if parts[0] == "zh":
        yield from ("zh-hant", "zh-hans") if TRADITIONAL & set(parts) else ("zh-hans", "zh-hant")
    for end in range(len(parts) - 1, 0, -1):
        yield "-".join(parts[:end])
