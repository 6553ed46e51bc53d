"""Choose a random sample that no side controls: by hashes over the log's root and an outsider's seed.

docs/checking.md "What is checked".
"""

import heapq
import unicodedata
from collections.abc import Iterable
from hashlib import sha256

MOST_SEED = 1_000  # characters; NFC of a long row of marks takes quadratic time


def choose(root: bytes, seed: str, wanted: int, signers: Iterable[int]) -> list[int]:
    """Return the indexes of the sample, ascending: the `wanted` of `signers` with the smallest hashes.

    If there are fewer signers than `wanted`, return all. `signers` are the indexes of *sign* entries that are not
    revoked in the tree of this root.
    """
    prefix = sha256(b"petition/1 sample\n" + root + unicodedata.normalize("NFC", seed).encode() + b"\n")

    def rank(index: int) -> bytes:
        hasher = prefix.copy()
        hasher.update(index.to_bytes(8))
        return hasher.digest()

    return sorted(heapq.nsmallest(wanted, signers, key=rank))
