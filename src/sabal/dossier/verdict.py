"""The sentence that check.html says about a bundle of the numbers in a letter, in the reader's language.

check.html speaks fewer languages than letters are written in. For the others it is in English, as the page says it.
The words are those of check.html; a test compares them.
"""

import tomllib
from datetime import UTC, datetime
from functools import cache
from importlib import resources

from sabal.checking.report import plain
from sabal.dossier.languages import Node, PaperWords, part, words_in
from sabal.ledger.policy import witnessed
from sabal.petitions.snapshot import PetitionSnapshot

SPOKEN = {"en": "en", "ko": "ko", "zh-hans": "zh-Hans", "ja": "ja"}
"""The languages of check.html, by ours."""


def verdict(petition: PetitionSnapshot, words: PaperWords) -> Node:
    """Return the sentence. The day of the check is left open."""
    language = words.language if words.language in SPOKEN else "en"
    say, definition = _sentences(language), petition.definition
    title = plain(" ".join(definition.texts[definition.authoritative].title.split()))
    organiser = plain(" ".join(definition.organiser[definition.authoritative].split()))
    subject = say["of"].format(title=title, organiser=organiser, day="…")
    parts = [_count(petition, say), say["text"].format(sha=_short(petition.manifest_hash.hex()))]
    parts.append(_witnesses(petition, say, words_in(language)))
    sentence = f"{say['ok']}{say['colon']}{subject}{say['colon']}{say['join'].join(parts)}{say['end']}"
    return {"t": "spoken", "part": part(language), "c": [sentence]}


def _count(petition: PetitionSnapshot, say: dict[str, str]) -> str:
    counts = petition.counts
    kinds = [
        say[key].format(n=f"{n:,}")
        for key, n in (
            ("confirmed", counts.confirmed),
            ("withdrawn", counts.withdrawn),
            ("invalidated", counts.invalidated),
        )
        if n or key == "confirmed"
    ]
    key = "count_one" if counts.counted == 1 and "count_one" in say else "count"
    return say[key].format(counted=f"{counts.counted:,}", kinds=say["list"].join(kinds))


def _witnesses(petition: PetitionSnapshot, say: dict[str, str], words: PaperWords) -> str:

    found = witnessed(petition)
    if not found.by:
        return say["noWitness"]
    by_day: dict[str, list[str]] = {}
    for name, time in found.by:
        by_day.setdefault(words.day(datetime.fromtimestamp(time, UTC).date()), []).append(plain(name))
    seen = []
    for when, names in by_day.items():
        joined = say["last"].join(filter(None, (say["list"].join(names[:-1]), names[-1])))
        seen.append(say["seen"].format(names=joined, day=when))
    return say["witnessed"].format(seen=say["next_day"].join(seen))


def _short(sha: str) -> str:
    return f"{sha[:8]}…{sha[-4:]}"


@cache
def _sentences(language: str) -> dict[str, str]:
    file = resources.files("sabal.dossier") / "verdict.toml"
    found: dict[str, dict[str, str]] = tomllib.loads(file.read_text(encoding="utf-8"))
    return found[language]
