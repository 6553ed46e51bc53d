"""The updates about a petition in a mirror: which pages and pictures there are, and deleting those taken back."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sabal import strict

MOST_UPDATES = 500

_PICTURE = re.compile(r"[0-9a-f]{64}\.webp", re.ASCII)


@dataclass(frozen=True)
class Updates:
    """The numbers of the updates, and the names of their pictures."""

    numbers: tuple[int, ...] = ()
    pictures: tuple[str, ...] = ()

    def pages(self, slug: str) -> list[str]:
        """Return the paths of their pages below a language."""
        return [f"{slug}/updates", *(f"{slug}/updates/{number}" for number in self.numbers)]


def listed(document: bytes) -> Updates:
    """Return the updates that a petition's JSON lists. What it lists wrongly is left out."""
    try:
        rows = strict.parse(document)["data"]["attributes"]["updates"][:MOST_UPDATES]
        numbers = [row["number"] for row in rows]
        names = [str(row["picture"]).rpartition("/")[2] for row in rows if row["picture"]]
    except (ValueError, KeyError, TypeError):
        return Updates()
    good = (one for one in numbers if type(one) is int and 0 < one < 1_000_000)
    return Updates(tuple(dict.fromkeys(good)), tuple(dict.fromkeys(filter(_PICTURE.fullmatch, names))))


def remove_old(folder: Path, slug: str, languages: Iterable[str], updates: Updates) -> int:
    """Delete the copies of updates and pictures that the site has no longer. Return how many there were."""
    removed = 0
    for language in languages:
        here = folder / language / slug / "updates"
        for page in here.glob("*/index.html"):
            number = page.parent.name
            if number.isdecimal() and int(number) not in updates.numbers:
                page.unlink()
                removed += 1
    for picture in (folder / slug / "pictures").glob("*.webp"):
        if _PICTURE.fullmatch(picture.name) and picture.name not in updates.pictures:
            picture.unlink()
            removed += 1
    return removed
