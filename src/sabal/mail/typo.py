"""Suggestions for mistyped domains."""

from functools import lru_cache

from sabal.mail.providers import COMMON, is_listed


@lru_cache(maxsize=4096)
def common_domain(domain: str) -> str | None:
    """Return the common domain that differs from `domain` by one typing mistake; None if there is none."""
    if is_listed(domain):
        return None
    return next((common for common in COMMON if _one_mistake(domain, common)), None)


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
