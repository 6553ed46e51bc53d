"""The choice of a language for a reader."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sabal.front.codings import quality

LONGEST_TAG = 48  # RFC 5646 asks for 35; longer tags only cost time
TRADITIONAL = frozenset(("tw", "hk", "mo", "hant"))


def best_language(accept: bytes | None, offered: Iterable[str], otherwise: str) -> str:
    """Return the offered language that an Accept-Language prefers (RFC 4647 lookup; Chinese by script)."""
    known = tuple(offered)
    wanted: list[tuple[float, int, str]] = []
    for position, item in enumerate((accept or b"").decode("latin-1").lower().split(",")[:32]):
        tag, *parameters = (part.strip() for part in item.split(";", 8))
        q = quality(parameters)
        if q > 0 and len(tag) <= LONGEST_TAG:
            wanted.append((-q, position, tag))
    for _, _, tag in sorted(wanted):
        for candidate in fallbacks(tag):
            if candidate in known:
                return candidate
    return otherwise if otherwise in known or not known else known[0]


def fallbacks(tag: str) -> Iterator[str]:
    """Yield a language tag, then its nearest scripts if it is Chinese, then its shorter forms."""
    yield tag
    parts = tag.split("-")
    if parts[0] == "zh":
        yield from ("zh-hant", "zh-hans") if TRADITIONAL & set(parts) else ("zh-hans", "zh-hant")
    for end in range(len(parts) - 1, 0, -1):
        yield "-".join(parts[:end])
