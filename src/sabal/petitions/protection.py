"""Read the settings of petition.toml that protect readers: the profile, whom to warn, and where not to share."""

from sabal.petitions.countries import countries
from sabal.petitions.definition import TO_COMPLETE
from sabal.petitions.profile import PROFILES
from sabal.petitions.sharing import SERVICES
from sabal.petitions.tomltable import Table

PROFILE_QUESTION = (
    'Could anyone be harmed if it became known that they signed? If so it is "guarded", otherwise "open".'
)


def profile(top: Table) -> tuple[str, bool]:
    """Return the profile, and whether somebody has chosen it. A draft that was not asked yet counts as guarded."""
    value = top.data.get("profile")
    if isinstance(value, str) and TO_COMPLETE in value:
        return "guarded", False
    return top.word("profile", tuple(PROFILES)), True


def warn_residents(top: Table) -> tuple[str, ...]:
    """Return the places whose residents are warned before they sign, as ISO 3166-1 codes."""
    codes, known = top.texts("warn_residents", required=False), dict(countries("en"))
    for code in codes:
        if code and code not in known:
            top.problem(
                "warn_residents", f"`warn_residents`: “{code[:80]}” is no country code. {_meant(code, known)}"
            )
    return tuple(code for code in codes if code in known)


def share_without(top: Table) -> tuple[str, ...]:
    """Return the keys of the share services that pages leave out."""
    keys = top.texts("share_without", required=False)
    for key in keys:
        if key and key not in SERVICES:
            top.problem(
                "share_without",
                f"`share_without`: “{key[:80]}” is no known service. Known here: {', '.join(SERVICES)}.",
            )
    return tuple(key for key in keys if key in SERVICES)


def _meant(code: str, known: dict[str, str]) -> str:
    """Return what to write instead of a code that does not exist."""
    names = {name.casefold(): known_code for known_code, name in known.items()}
    if found := names.get(code.casefold()) or (code.upper() if code.upper() in known else None):
        return f"For {known[found]} write “{found}”."
    return "Write the two capital letters of ISO 3166-1."
