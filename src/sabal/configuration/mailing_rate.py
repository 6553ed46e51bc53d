"""SABAL_MAILING_RATE: how many emails of mailings leave in a minute."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from sabal.configuration.errors import SettingError

_NAME = "SABAL_MAILING_RATE"
_WORD = re.compile(r"(?:(?P<provider>[a-z][a-z-]{0,15})=)?(?P<rate>[1-9][0-9]{0,6})", re.ASCII)


def parse_mailing_rate(text: str) -> Mapping[str, int]:
    """Return the most emails a minute by provider; under "" those of the whole site. Raises SettingError.

    The text has a number for the site, and `provider=number` for some providers.
    """
    found: dict[str, int] = {}
    for word in text.replace(",", " ").split():
        part = _WORD.fullmatch(word)
        if part is None or (part["provider"] or "") in found:
            raise SettingError(
                f"{_NAME} is no list of numbers.",
                "Write emails a minute, for the site and for providers, like: 6000 gmail=600 other=60",
            )
        found[part["provider"] or ""] = int(part["rate"])
    return MappingProxyType(found)
