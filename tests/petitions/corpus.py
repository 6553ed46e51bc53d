"""Letters with what they should be read as.

Each line of a file is "role |text", and a line without | is layout. Lines at the top that begin with = tell what the
draft should have: "=title", "=recipients" with ¦ between them, and "=demands" with the number of parts of each.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "letters"
MORE = Path(__file__).parent / "moreletters"


@dataclass(frozen=True)
class CorpusLetter:
    """A letter: its file's name, which begins with its language, its text, the role of each line, and its draft."""

    name: str
    text: str
    roles: tuple[str, ...]
    draft: Mapping[str, str]

    @property
    def language(self) -> str:
        return next(code for code in ("zh-hans", "zh-hant", self.name[:2]) if self.name.startswith(code))

    def lines(self) -> list[tuple[str, str]]:
        return list(zip(self.roles, self.text.split("\n"), strict=True))


def corpus(folder: Path = FOLDER) -> list[CorpusLetter]:
    return [_letter(path) for path in sorted(folder.glob("*.txt"))]


def _letter(path: Path) -> CorpusLetter:
    written = path.read_text("utf-8").rstrip("\n").split("\n")
    draft = dict(line[1:].partition(" ")[::2] for line in written if line.startswith("="))
    lines = [line.partition("|") for line in written if not line.startswith("=")]
    text = "\n".join(after if divider else before for before, divider, after in lines)
    roles = tuple(before.strip() if divider else "layout" for before, divider, _ in lines)
    return CorpusLetter(path.stem, text, roles, draft)
