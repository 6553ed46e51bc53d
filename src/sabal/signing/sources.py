"""Words in addresses of a petition, such as `?from=flyer`, by which an organiser sees which links bring forms.

The page is the same with every word, so caches keep one copy. A browser names the address of the page when it sends
the form (`Referer`, RFC 9110 §10.1.3), and only a number of forms for each word is kept. A word that nobody chose on
the desk is not counted, and a guarded petition has none.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sabal.database import Database
from sabal.refusal import Refusal

MOST = 100  # words of one petition, with those that are no longer counted
LONGEST = 30  # characters of a word
WORD = re.compile(rf"[a-z0-9](?:[a-z0-9-]{{0,{LONGEST - 2}}}[a-z0-9])?")
# Links are pasted with the punctuation of the sentence that they end.
_IN_ADDRESS = re.compile(rb"[?&]from=([A-Za-z0-9-]{1,%d})[.,;:!?'\")\]>]*(?:%%20)*(?=[&#]|\Z)" % LONGEST)


class TooManySources(Refusal):
    """A petition has the most words that it may have."""


@dataclass(frozen=True)
class FormSource:
    """A word that was chosen, how many forms came with it, and whether they are still counted."""

    word: str
    forms: int
    counted: bool


def word_in(address: bytes) -> str:
    """Return the word of an address, or of "?" and a query; empty if it has none."""
    found = _IN_ADDRESS.search(address)
    return normalised(found[1].decode()) if found else ""


def normalised(word: str) -> str:
    """Return a word in lower case; empty if it has other characters, is too long, or has a hyphen at an end."""
    word = word.lower()
    return word if WORD.fullmatch(word) else ""


def with_word(path: str, query: bytes) -> str:
    """Return the path of a redirect with the word of the query that led there."""
    word = word_in(b"?" + query)
    return f"{path}?from={word}" if word else path


def of_petition(database: Database, petition_id: int) -> list[FormSource]:
    """Return the words of a petition, those with the most forms first."""
    rows = database.query(
        "SELECT word, n, counted FROM signing_source WHERE petition_id = ? ORDER BY counted DESC, n DESC, word",
        (petition_id,),
    )
    return [FormSource(str(word), int(n), bool(counted)) for word, n, counted in rows]


def start_counting(database: Database, petition_id: int, word: str) -> None:
    """Count the forms with a word. One that was counted before goes on from its number. Raises TooManySources."""
    with database.transaction():
        database.insert(
            "signing_source",
            ("petition_id", "word", "n", "counted"),
            [(petition_id, word, 0, 1)],
            on_conflict="(petition_id, word) DO UPDATE SET counted = 1",
        )
        rows = database.query("SELECT COUNT(*) FROM signing_source WHERE petition_id = ?", (petition_id,))
        if rows[0][0] > MOST:
            raise TooManySources(f"A petition has at most {MOST:,} links.")


def stop_counting(database: Database, petition_id: int, word: str) -> bool:
    """Stop counting the forms with a word. Its number stays. Return whether it was counted."""
    return bool(
        database.execute(
            "UPDATE signing_source SET counted = 0 WHERE petition_id = ? AND word = ? AND counted = 1",
            (petition_id, word),
        )
    )


def forget(database: Database, petition_id: int, word: str) -> bool:
    """Delete a word that is no longer counted. Its forms then came by other ways. Return whether there was one."""
    return bool(
        database.execute(
            "DELETE FROM signing_source WHERE petition_id = ? AND word = ? AND counted = 0",
            (petition_id, word),
        )
    )


def add_forms(database: Database, new: Mapping[tuple[int, str], int]) -> None:
    """Add forms by petition and word, within the caller's transaction. Words that nobody chose are ignored."""
    for (petition_id, word), n in sorted(new.items()):
        database.execute(
            "UPDATE signing_source SET n = n + ? WHERE petition_id = ? AND word = ? AND counted = 1",
            (n, petition_id, word),
        )
