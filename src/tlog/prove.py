"""Proofs that an entry is in a tree, and that a tree continues an older one. RFC 6962 §2.1, RFC 9162 §2.1.

The functions that make proofs trust the hashes they are given. The functions that verify proofs trust only the roots.
"""

from collections.abc import Sequence

from tlog.errors import TlogError, Unproven
from tlog.merkle import EMPTY_ROOT, GetHash, node_hash, subtree_hash
from tlog.wire import HASH_BYTES, MAX_SIZE

MAX_PROOF = 63
"""The most hashes of a proof that is sent or stored. c2sp.org/tlog-witness "add-checkpoint". Real trees need fewer."""


def inclusion_proof(index: int, size: int, get_hash: GetHash) -> tuple[bytes, ...]:
    """Return the path from entry `index` to the root of the tree of `size` leaves.

    The first hash is the entry's sibling, the last one is a child of the root. Reads at most 63 + 63 hashes.
    RFC 6962 §2.1.1, RFC 9162 §2.1.3.1.
    """
    if not 0 <= index < size <= MAX_SIZE:
        raise TlogError(f"A tree of size {size} has no entry {index}.")
    path = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(subtree_hash(middle, end, get_hash))
            end = middle
        else:
            path.append(subtree_hash(start, middle, get_hash))
            start = middle
    return tuple(reversed(path))


def consistency_proof(old: int, new: int, get_hash: GetHash) -> tuple[bytes, ...]:
    """Return the proof that the tree of `new` leaves begins with the tree of `old` leaves.

    The proof is empty if `old` is 0 or `new`.
    RFC 6962 §2.1.2, RFC 9162 §2.1.4.1; for an empty old tree, c2sp.org/tlog-witness "add-checkpoint".
    """
    if not 0 <= old <= new <= MAX_SIZE:
        raise TlogError(f"A tree of size {new} cannot continue from one of size {old}.")
    if old in (0, new):
        return ()
    path = []
    start, end = 0, new
    while end != old:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(subtree_hash(middle, end, get_hash))
            end = middle
        else:
            path.append(subtree_hash(start, middle, get_hash))
            start = middle
    if start:  # otherwise the last subtree is the old tree, and the verifier has its root
        path.append(subtree_hash(start, end, get_hash))
    return tuple(reversed(path))


def verify_inclusion(proof: Sequence[bytes], index: int, size: int, leaf: bytes, root: bytes) -> None:
    """Raise Unproven unless `leaf` is the leaf hash at `index` under the root of `size` leaves. RFC 9162 §2.1.3.2."""
    if not 0 <= index < size <= MAX_SIZE:
        raise Unproven(f"A tree of size {size} has no entry {index}.")
    _check_lengths(*proof, leaf, root)
    position, last, result = index, size - 1, leaf
    for hash_ in proof:
        if last == 0:
            raise Unproven("This proof of inclusion is longer than the tree is high.")
        if position & 1 or position == last:
            result = node_hash(hash_, result)
            position, last = _up_to_odd(position, last)
        else:
            result = node_hash(result, hash_)
        position, last = position >> 1, last >> 1
    if last:
        raise Unproven("This proof of inclusion is too short for the tree.")
    if result != root:
        raise Unproven(f"The proof does not lead from entry {index} to the root of size {size}.")


def verify_consistency(proof: Sequence[bytes], old: int, new: int, old_root: bytes, new_root: bytes) -> None:
    """Raise Unproven unless the tree of `new` leaves continues the tree of `old` leaves. RFC 9162 §2.1.4.2.

    Every tree continues the empty tree, without a proof. c2sp.org/tlog-witness "add-checkpoint".
    """
    if not 0 <= old <= new <= MAX_SIZE:
        raise Unproven(f"A tree of size {new} cannot continue from one of size {old}.")
    _check_lengths(*proof, old_root, new_root)
    if any(size == 0 and root != EMPTY_ROOT for size, root in ((old, old_root), (new, new_root))):
        raise Unproven("A tree without entries has one root only, and this is another.")
    if old == new and old_root != new_root:
        raise Unproven(f"Two different trees of size {old}: this log has forked.")
    if old in (0, new):
        if proof:
            raise Unproven("No proof is needed here, but one was given.")
        return
    if _roots(proof, old, new, old_root) != (old_root, new_root):
        raise Unproven(f"The tree of size {new} does not continue from the tree of size {old}.")


def _roots(proof: Sequence[bytes], old: int, new: int, old_root: bytes) -> tuple[bytes, bytes]:
    """Return the old root and the new root that a proof leads to. RFC 9162 §2.1.4.2, steps 2 to 6."""
    rest = list(proof) if old & (old - 1) else [old_root, *proof]
    if not rest:
        raise Unproven("This proof of consistency is empty.")
    position, last = old - 1, new - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    first = second = rest.pop(0)
    for hash_ in rest:
        if last == 0:
            raise Unproven("This proof of consistency is longer than the tree is high.")
        if position & 1 or position == last:
            first, second = node_hash(hash_, first), node_hash(hash_, second)
            position, last = _up_to_odd(position, last)
        else:
            second = node_hash(second, hash_)
        position, last = position >> 1, last >> 1
    if last:
        raise Unproven("This proof of consistency is too short for the tree.")
    return first, second


def _split(size: int) -> int:
    """Return the largest power of two below `size`, which is at least 2. RFC 6962 §2.1."""
    return 1 << (size - 1).bit_length() - 1


def _up_to_odd(position: int, last: int) -> tuple[int, int]:
    """Go up until the node is a right child or the root. A node without a sibling is its own parent."""
    while position and not position & 1:
        position, last = position >> 1, last >> 1
    return position, last


def _check_lengths(*hashes: bytes) -> None:
    if any(len(hash_) != HASH_BYTES for hash_ in hashes):
        raise Unproven("A hash of this proof has a wrong length.")
