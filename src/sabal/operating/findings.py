"""The result of a check, for the doctor and for `serve`."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from sabal import settings

GROUPS = {
    "D1": "Data folder and keys",
    "D2": "Database",
    "D3": "Email",
    "D4": "Clock",
    "D5": "Addresses",
    "D6": "Languages",
    "D7": "Disk",
    "D8": "Settings",
    "D9": "Not examined",
    "S1": "What `serve` would refuse",
}


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    `level` is "ok", "warning" or "wrong". `hint` is the next step; lines before it give details.
    """

    level: str
    id: str
    sentence: str
    hint: str = ""

    @property
    def group(self) -> str:
        """Return the heading under which the finding is printed."""
        return GROUPS[self.id[:2]]

    def __str__(self) -> str:
        return f"{self.id}: {self.sentence}\n      {self.hint}"


def is_development() -> bool:
    """Return whether this is a development site, where only a warning is given for what a public site needs."""
    return settings.DEV or urlsplit(settings.BASE_URL).hostname in ("localhost", "127.0.0.1", "::1")
