"""The corpus of letters: each line of a file is "role |text", and a line without | is layout."""

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "letters"


@dataclass(frozen=True)
class CorpusLetter:
    """A letter of the corpus: its file's name, which begins with its language, its text, and the role of each line."""

    name: str
    text: str
    roles: tuple[str, ...]

    @property
    def language(self) -> str:
        return next(code for code in ("zh-hans", "zh-hant", self.name[:2]) if self.name.startswith(code))


def corpus() -> list[CorpusLetter]:
    return [_letter(path) for path in sorted(FOLDER.glob("*.txt"))]


def _letter(path: Path) -> CorpusLetter:
    lines = [line.partition("|") for line in path.read_text("utf-8").rstrip("\n").split("\n")]
    text = "\n".join(after if divider else before for before, divider, after in lines)
    return CorpusLetter(
        path.stem, text, tuple(before.strip() if divider else "layout" for before, divider, _ in lines)
    )
