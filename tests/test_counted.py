"""Every number in a sentence has its noun: "1 entry", not "1 entries"."""

import ast
import re
from pathlib import Path

import pytest

from sabal.counted import counted, some_entries

SOURCE = Path(__file__).parents[1] / "src"
NOUNS = (
    "records signatures signers entries files lines subscribers keys witnesses petitions copies emails tiles exports"
    " checkpoints links logs rows steps manifests"
)
# A number, perhaps an adjective, and a plural noun, as they follow a value in an f-string or in a logged line.
PLURAL = re.compile(rf"^(?: [a-z]+)? ({'|'.join(NOUNS.split())})\b")
LOGGED = re.compile(rf"%d(?: [a-z]+)? ({'|'.join(NOUNS.split())})\b")
MANY = {"MOST", "MOST_LINES", "LETTER_LINES", "WIDTH", "MAX_SIGNATURES"}  # constants that are not 1
# Values that are no numbers, or are numbers over a limit.
OTHERS = {
    "petition.slug} holds", "log.petition_id} lacks", "size} entries. That is more than",
    "len(hashes)} manifests, of which",
}  # fmt: skip


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0 entries"), (1, "1 entry"), (2, "2 entries"), (1_000, "1,000 entries")]
)
def test_a_number_has_its_noun(number: int, said: str) -> None:
    assert some_entries(number) == said
    assert counted(number, "key") == said.replace("entries", "keys").replace("entry", "key")
    assert counted(number, "key is", "keys are").endswith("is" if number == 1 else "are")


def mistakes(source: str) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.JoinedStr):
            for value, text in zip(node.values, node.values[1:], strict=False):
                if isinstance(value, ast.FormattedValue) and isinstance(text, ast.Constant):
                    number = ast.unparse(value.value)
                    said = f"{number}}}{text.value}"
                    if (
                        PLURAL.match(str(text.value))
                        and number not in MANY
                        and not said.startswith(tuple(OTHERS))
                    ):
                        found.append(said)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and LOGGED.search(node.value):
            found.append(node.value)
    return found


def test_this_test_finds_such_numbers() -> None:
    assert (
        mistakes('f"{n} sealed records of"') and mistakes('f"{len(a):,} entries"') and mistakes('"%d emails"')
    )
    assert not mistakes('f"{counted(n, 1)} of"') and not mistakes('f"{some(n)}, entries"')


def test_no_sentence_counts_with_a_fixed_plural() -> None:
    found = {
        str(path.relative_to(SOURCE)): wrong
        for path in sorted(SOURCE.rglob("*.py"))
        if (wrong := mistakes(path.read_text(encoding="utf-8")))
    }
    assert found == {}
