"""Kept files with checkpoints, and the result that every checker must give for them."""

from dataclasses import dataclass
from typing import Any

import tlog
from carried import bundles
from carried.bundles import CAROL, ORIGIN, Files

EVE = tlog.Signer(ORIGIN, b"e" * 32)  # another key under the log's name
OTHER = tlog.Signer("other.example/a2b3c4d5/log", b"o" * 32)
LOG = bundles.log(40)
FORKED = [*LOG.entries[:20], *(tlog.entry.Sign(bytes([n]) * 32).encode() for n in range(30))]
TWO_KEYS = f"log {EVE.verifier}\nlog {CAROL.verifier}\nquorum none\n".encode()
ANOTHER_KEY = "signed by another key of the policy than this copy"


@dataclass(frozen=True)
class Case:
    """A bundle, a kept file, the checkpoints that are compared, and some words of the one problem, if any."""

    files: Files
    kept: bytes
    checkpoints: tuple[tuple[int, bool], ...]
    problem: str | None = None

    def agrees_with(self, found: dict[str, Any]) -> bool:
        """Return whether a result is the expected one."""
        compared = tuple((other["size"], other["consistent"]) for other in found["checkpoints"])
        problems = found["problems"]
        as_expected = (
            not problems if self.problem is None else len(problems) == 1 and self.problem in problems[0]
        )
        return found["ok"] == (self.problem is None) and compared == self.checkpoints and as_expected


def by(key: tlog.Signer, size: int, entries: tuple[bytes, ...] = LOG.entries) -> bytes:
    return bundles.signed(tlog.Checkpoint(key.verifier.name, size, bundles.root(entries[:size])), log=key)


def forged(*keys: tlog.Signer) -> Files:
    """Return a longer log with other entries, signed by these keys, under a policy that names two keys."""
    checkpoint = tlog.Checkpoint(ORIGIN, len(FORKED), tlog.root_of_entries(FORKED))
    files = {name: data for name, data in bundles.files(LOG).items() if name != "policy"}
    return {**files, "policy": TWO_KEYS, "entries": b"".join(FORKED),
            "checkpoint": tlog.note.sign(checkpoint.text, *keys)}  # fmt: skip


GOOD = LOG.checkpoint(5)
DAMAGED = GOOD.replace(b"\n5\n", b"\n6\n", 1)
FILES = bundles.files(LOG)
AGREES, FORKS = ((5, True),), ((40, False),)
CASES = {
    "another log's checkpoint before it": Case(FILES, by(OTHER, 3) + b"\n\n" + GOOD, AGREES),
    "another log's checkpoint after it": Case(FILES, GOOD + b"\n" + by(OTHER, 3), AGREES),
    "only other logs' checkpoints": Case(FILES, by(OTHER, 3) + b"\n" + by(OTHER, 4), (), "signed"),
    "a damaged one beside it": Case(FILES, DAMAGED + b"\n" + GOOD, AGREES),
    "one by an unknown key beside it": Case(FILES, GOOD + b"\n" + by(EVE, 7), AGREES),
    "a damaged one alone": Case(FILES, DAMAGED, (), "does not fit"),
    "one by an unknown key alone": Case(FILES, by(EVE, 7), (), "signed"),
    "two damaged ones": Case(FILES, DAMAGED + b"\n" + GOOD.replace(b"\n5\n", b"\n7\n", 1), (), "does not fit"),
    "a dash below it": Case(FILES, GOOD + "— Kim, for the orchard\n".encode(), AGREES),
    "a fork by another key": Case(forged(EVE), by(CAROL, 40), (), ANOTHER_KEY),
    "agreement by another key": Case(forged(EVE), by(CAROL, 20), (), ANOTHER_KEY),
    "a newer one by another key": Case({**FILES, "policy": TWO_KEYS}, by(EVE, 50, tuple(FORKED)), (), ANOTHER_KEY),
    "a fork by one of both keys": Case(forged(EVE, CAROL), by(CAROL, 40), FORKS, "first 40 entries are not those"),
    "a fork by the same key": Case(forged(CAROL), by(CAROL, 40), FORKS, "first 40 entries are not those"),
}  # fmt: skip
