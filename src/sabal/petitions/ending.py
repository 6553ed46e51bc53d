"""How a petition ended, in its organiser's words."""

import json
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Ending:
    """Whether what was asked for was achieved, and closing words: for every language of the petition, or for none."""

    achieved: bool
    words: Mapping[str, str]

    def as_json(self) -> str:
        """Return it as the database has it."""
        return json.dumps({"achieved": self.achieved, "words": dict(self.words)}, ensure_ascii=False)


def parse_ending(stored: str) -> Ending | None:
    """Return what `as_json` returned; None for an empty text."""
    if not stored:
        return None
    found = json.loads(stored)
    return Ending(found["achieved"], found["words"])
