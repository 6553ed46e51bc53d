"""Draw a sample by a seed from an outsider, so that the organiser cannot choose it. docs/delivery.md "Sample"."""

import json
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass

from sabal import typed
from sabal.checking.sample import MOST_SEED, choose
from sabal.organiser.matched import CheckedLog
from sabal.refusal import Refusal

LEAST_SEED = 6
"""Characters. If short seeds were allowed, the organiser could try all of them and pick the sample that suits."""
USUAL_NUMBER = 300
"""If 300 of 300 are real, then with 95 % confidence less than one in a hundred of all is not (rule of three)."""


@dataclass(frozen=True)
class Sample:
    """The indexes that a seed chose among the signatures that count, in ascending order."""

    seed: str
    wanted: int
    indexes: tuple[int, ...]


def draw(log: CheckedLog, seed: str, wanted: int) -> Sample:
    """Choose `wanted` of the signatures that count in this tree, or all if there are fewer.

    Raise `Refusal` if the seed is unsuitable or no signature counts.
    """
    if len(seed) > MOST_SEED:
        raise Refusal(f"A seed has at most {MOST_SEED:,} characters.")
    seed = unicodedata.normalize("NFC", seed)
    if len(seed) < LEAST_SEED:
        raise Refusal(
            f"A seed has at least {LEAST_SEED} characters and comes from outside: lottery numbers or a drand round"
            " that were announced before the draw."
        )
    if not typed.is_showable_line(seed) or seed != seed.strip():
        raise Refusal(
            "A seed is one line of plain text, without spaces around it, so that others can type it."
        )
    root = log.report.root
    if root is None or not log.walked.signers:
        raise Refusal("No signature counts in this log, so there is nothing to draw.")
    return Sample(seed, wanted, tuple(choose(root, seed, wanted, log.walked.signers)))


def as_json(sample: Sample, log: CheckedLog, opened: Collection[int]) -> bytes:
    """Return the bundle's `sample.json`. It lists the chosen signatures that cannot be shown as unopened."""
    document = {
        "seed": sample.seed,
        "wanted": sample.wanted,
        "of": len(log.walked.signers),
        "size": log.report.size,
        "root": log.report.root.hex() if log.report.root else "",
        "indexes": list(sample.indexes),
        "unopened": [index for index in sample.indexes if index not in opened],
    }
    if not document["unopened"]:
        del document["unopened"]
    return json.dumps(document, ensure_ascii=False).encode() + b"\n"
