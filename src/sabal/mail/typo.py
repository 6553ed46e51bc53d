"""The domain that somebody meant to type."""

from functools import lru_cache

from sabal.mail.providers import COMMON, is_listed


@lru_cache(maxsize=4096)
def meant(domain: str) -> str | None:
    """Return the common domain that differs from this one by a single slip; None where there is none."""
    if is_listed(domain):
        return None
    return next((common for common in COMMON if _one_slip(domain, common)), None)


def _one_slip(typed: str, common: str) -> bool:
    """Return whether one letter too many, one missing, one wrong or two exchanged make the difference."""
    if abs(len(typed) - len(common)) > 1 or typed == common:
        return False
    start = next(
        (i for i, (a, b) in enumerate(zip(typed, common, strict=False)) if a != b),
        min(len(typed), len(common)),
    )
    a, b = typed[start:], common[start:]
    swapped = len(a) > 1 and len(a) == len(b) and a[0] == b[1] and a[1] == b[0] and a[2:] == b[2:]
    return swapped or a[1:] == b[1:] or a[1:] == b or a == b[1:]
