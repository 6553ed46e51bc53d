"""Suggestions for mistyped domains."""

from functools import lru_cache

from sabal.mail.providers import COMMON, is_listed
from sabal.petitions.countries import countries

ENDINGS = frozenset(code.lower() for code, _ in countries("en")) | {"uk", "eu"}  # of countries
# Endings that do not exist, and that are one mistake from one that most people type.
MISTYPED = dict.fromkeys(("con", "cmo", "ocm", "vom", "xom", "cpm", "comm", "coom", "conm"), "com")
MISTYPED |= {"ney": "net", "nte": "net", "ogr": "org", "orgg": "org", "rog": "org"}
_BY_LENGTH: dict[int, list[str]] = {}
for _common in COMMON:
    _BY_LENGTH.setdefault(len(_common), []).append(_common)
SHORT = 4  # letters; so short a name is one letter from many real ones


@lru_cache(maxsize=4096)
def common_domain(domain: str) -> str | None:
    """Return the domain that was probably meant: a common one, or one whose ending exists; None if nothing is wrong."""
    if is_listed(domain):
        return None
    similar = (c for length in range(len(domain) - 1, len(domain) + 2) for c in _BY_LENGTH.get(length, ()))
    close = next((c for c in similar if _one_mistake(domain, c) and not _is_likely(domain, c)), None)
    name, _, ending = domain.rpartition(".")
    if close or ending not in MISTYPED:
        return close
    corrected = f"{name}.{MISTYPED[ending]}"  # the name before it may have a mistake of its own
    return common_domain(corrected) or corrected


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
