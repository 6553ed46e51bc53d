"""SABAL_DKIM_SELECTOR: under which name the key is found by which the mail server signs emails."""

import re

from sabal.configuration.errors import SettingError

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?"
_SELECTOR = re.compile(rf"{_LABEL}(?:\.{_LABEL})*", re.ASCII)


def parse_selector(text: str) -> str:
    """Return a selector (RFC 6376, section 3.1) in lower case. Raises SettingError."""
    found = text.strip().removesuffix(".").lower()
    found = found.partition("._domainkey")[0]  # the whole name of the record, as mail servers print it
    if len(found) > 180 or not _SELECTOR.fullmatch(found):
        raise SettingError(
            "SABAL_DKIM_SELECTOR is not a selector.",
            "It is the part before ._domainkey in the name of the DNS record, such as mail or s2026.",
        )
    return found
