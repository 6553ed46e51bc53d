"""What the doctor found: the words in which every look answers."""

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
    """One thing that was looked at. `level` is "ok", "warning" or "wrong"; `hint` is the next step, and lines
    before it tell more."""

    level: str
    id: str
    sentence: str
    hint: str = ""

    @property
    def group(self) -> str:
        """The heading it stands under."""
        return GROUPS[self.id[:2]]


def at_home() -> bool:
    """Whether this is a development house: what only a public one needs is then a warning and not wrong."""
    return settings.DEV or urlsplit(settings.BASE_URL).hostname in ("localhost", "127.0.0.1", "::1")
