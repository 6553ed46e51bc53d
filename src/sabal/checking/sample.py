"""A random sample that nobody could choose: by hashes over the log's root and a seed that an outsider gave.

docs/checking.md "What is checked".
"""

import heapq
import unicodedata
from collections.abc import Iterable
from hashlib import sha256


def choose(root: bytes, seed: str, wanted: int, signers: Iterable[int]) -> list[int]:
    """The indexes that are the sample, ascending: the `wanted` of `signers` with the smallest hashes, or all of them.

    `signers` are the indexes of sign entries that are not revoked in the tree of this root.
    """
    begun = sha256(b"petition/1 sample\n" + root + unicodedata.normalize("NFC", seed).encode() + b"\n")

    def lot(index: int) -> bytes:
        drawn = begun.copy()
        drawn.update(index.to_bytes(8))
        return drawn.digest()

    return sorted(heapq.nsmallest(wanted, signers, key=lot))
