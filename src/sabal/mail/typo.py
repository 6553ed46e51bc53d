"""Suggestions for mistyped domains."""

from functools import lru_cache

from sabal.mail.providers import COMMON, is_listed
from sabal.petitions.countries import countries

ENDINGS = frozenset(code.lower() for code, _ in countries("en")) | {"uk", "eu"}  # of countries
SHORT = 4  # letters; so short a name is one letter from many real ones


@lru_cache(maxsize=4096)
def common_domain(domain: str) -> str | None:
    """Return the common domain that differs from `domain` by one typing mistake; None if there is none."""
    if is_listed(domain):
        return None
    return next((c for c in COMMON if _one_mistake(domain, c) and not _is_likely(domain, c)), None)


def _is_likely(domain: str, common: str) -> bool:
    """Return whether a domain that resembles a common one is probably real: another country's, or of a short name."""
    (name, _, ending), (own_name, _, own_ending) = domain.rpartition("."), common.rpartition(".")
    if name == own_name:
        return ending in ENDINGS and len(ending) == len(
            own_ending
        )  # "co" and "ne" for "com" and "net" are mistakes
    return len(own_name) <= SHORT


def _one_mistake(typed: str, common: str) -> bool:
    """Return whether the only difference is one letter too many, missing or wrong, or two letters swapped."""
    if abs(len(typed) - len(common)) > 1 or typed == common:
        return False
    start = next(
        (i for i, (a, b) in enumerate(zip(typed, common, strict=False)) if a != b),
        min(len(typed), len(common)),
    )
    a, b = typed[start:], common[start:]
    swapped = len(a) > 1 and len(a) == len(b) and a[0] == b[1] and a[1] == b[0] and a[2:] == b[2:]
    return swapped or a[1:] == b[1:] or a[1:] == b or a == b[1:]
