"""Proofs of inclusion and consistency for any size. Refuse a flipped bit, and one hash more or less."""

from collections.abc import Sequence
from functools import cache

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import logs
import tlog
from tlog import TlogError, Unproven

MAX = 2**63 - 1
sizes = st.integers(1, logs.LARGEST) | st.sampled_from(logs.SIZES)
parts = st.floats(0, 1, exclude_max=True)  # a fraction of a size: an index or an older size


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


@pytest.mark.parametrize("size", logs.SIZES)
def test_first_and_last_entries_are_proven(size: int) -> None:
    for index in {0, size // 2, max(0, size - 2), size - 1}:
        proof = tlog.inclusion_proof(index, size, logs.get_hash)
        assert list(proof) == logs.path(index, 0, size)
        tlog.verify_inclusion(proof, index, size, logs.mth(index, index + 1), logs.mth(0, size))


@given(sizes, parts)
@settings(max_examples=150, deadline=None, derandomize=True)
def test_inclusion_at_any_size(size: int, part: float) -> None:
    index = int(part * size)
    proof = tlog.inclusion_proof(index, size, logs.get_hash)
    assert list(proof) == logs.path(index, 0, size)
    tlog.verify_inclusion(proof, index, size, logs.mth(index, index + 1), logs.mth(0, size))


@given(sizes, parts)
@settings(max_examples=150, deadline=None, derandomize=True)
@example(70_000, 0.0)
def test_consistency_at_any_size(size: int, part: float) -> None:
    for old in {int(part * size), 0, 1, size - 1, size}:
        proof = tlog.consistency_proof(old, size, logs.get_hash)
        assert list(proof) == logs.proof(old, size)
        tlog.verify_consistency(proof, old, size, logs.mth(0, old), logs.mth(0, size))


def test_all_pairs_of_small_sizes() -> None:
    for size in range(1, 34):
        for other in range(size):
            path = tlog.inclusion_proof(other, size, logs.get_hash)
            assert list(path) == logs.path(other, 0, size)
            tlog.verify_inclusion(path, other, size, logs.mth(other, other + 1), logs.mth(0, size))
            proof = tlog.consistency_proof(other, size, logs.get_hash)
            assert list(proof) == logs.proof(other, size)
            tlog.verify_consistency(proof, other, size, logs.mth(0, other), logs.mth(0, size))


@given(sizes, parts, st.data())
@settings(max_examples=150, deadline=None, derandomize=True)
def test_eve_changes_a_proof_of_inclusion(size: int, part: float, data: st.DataObject) -> None:
    index = int(part * size)
    leaf, root = logs.mth(index, index + 1), logs.mth(0, size)
    proof = logs.path(index, 0, size)

    def refused(
        proof: Sequence[bytes], index: int, size: int, leaf: bytes = leaf, root: bytes = root
    ) -> None:
        with pytest.raises(Unproven):
            tlog.verify_inclusion(proof, index, size, leaf, root)

    bit = data.draw(st.integers(0, 255))
    refused(proof, index, size, leaf=flipped(leaf, bit))
    refused(proof, index, size, root=flipped(root, bit))
    refused([*proof, bytes(32)], index, size)
    refused([leaf, *proof], index, size)
    refused(proof, index + 1, size)
    refused(proof, -1, size)
    refused(proof, size, size)
    if proof:
        at = data.draw(st.integers(0, len(proof) - 1))
        refused([*proof[:at], flipped(proof[at], bit), *proof[at + 1 :]], index, size)
        refused([*proof[:at], proof[at][:-1], *proof[at + 1 :]], index, size)
        refused(proof[:-1], index, size)
        refused(proof[1:], index, size)
        refused(proof, index ^ 1, size)


@given(sizes.filter(lambda size: size > 1), parts, st.data())
@settings(max_examples=150, deadline=None, derandomize=True)
def test_eve_changes_a_proof_of_consistency(size: int, part: float, data: st.DataObject) -> None:
    old = 1 + int(part * (size - 1))
    old_root, root = logs.mth(0, old), logs.mth(0, size)
    proof = logs.proof(old, size)

    def refused(proof: Sequence[bytes], old_root: bytes = old_root, root: bytes = root) -> None:
        with pytest.raises(Unproven):
            tlog.verify_consistency(proof, old, size, old_root, root)

    bit = data.draw(st.integers(0, 255))
    at = data.draw(st.integers(0, len(proof) - 1))
    refused([*proof[:at], flipped(proof[at], bit), *proof[at + 1 :]])
    refused([*proof[:at], proof[at] + b"x", *proof[at + 1 :]])
    refused(proof, old_root=flipped(old_root, bit))
    refused(proof, root=flipped(root, bit))
    refused(proof[:-1])
    refused(proof[1:])
    refused([*proof, bytes(32)])
    refused([old_root, *proof])
    refused([])


def test_proofs_of_a_wrong_length_are_refused_even_if_they_lead_to_the_root() -> None:
    """Use roots that fit the proof, so that only the number of hashes is wrong."""
    node, (a, b, c, d, e) = tlog.merkle.node_hash, (bytes([n]) * 32 for n in range(5))
    for proof, index, size, root, why in (
        ([], 0, 2, a, "too short"),
        ([b], 0, 3, node(a, b), "too short"),
        ([b], 0, 1, node(b, a), "longer"),
        ([b, c], 1, 2, node(c, node(b, a)), "longer"),
        ([b"31 bytes"], 0, 2, node(a, b"31 bytes"), "wrong length"),
    ):
        with pytest.raises(Unproven, match=why):
            tlog.verify_inclusion(proof, index, size, a, root)
    for proof, old, new, old_root, root, why in (
        ([], 1, 2, a, a, "too short"),
        ([b], 1, 4, a, node(a, b), "too short"),
        ([a, b, c, d], 3, 4, node(d, node(c, a)), node(d, node(c, node(a, b))), "longer"),
        ([a], 3, 4, a, a, "too short"),
        ([], 3, 4, a, a, "empty"),
        ([b"31 bytes"], 1, 2, a, node(a, b"31 bytes"), "wrong length"),
        ([e], 1, 2, a[:31], node(a[:31], e), "wrong length"),
    ):
        with pytest.raises(Unproven, match=why):
            tlog.verify_consistency(proof, old, new, old_root, root)


def test_a_forked_log_is_detected() -> None:
    forked = tlog.root([*map(tlog.leaf_hash, [logs.entry(0), b"another entry", logs.entry(2)])])
    with pytest.raises(Unproven, match="forked"):
        tlog.verify_consistency([], 3, 3, logs.mth(0, 3), forked)
    for proof in ([], logs.proof(2, 3)):
        with pytest.raises(Unproven):
            tlog.verify_consistency(proof, 2, 3, logs.mth(0, 2), forked)


def test_the_empty_tree_begins_every_tree_and_has_one_root() -> None:
    empty = tlog.EMPTY_ROOT
    tlog.verify_consistency([], 0, 0, empty, empty)
    tlog.verify_consistency([], 0, 3, empty, logs.mth(0, 3))
    for proof, old, new, old_root, root in (
        ([], 0, 3, bytes(32), logs.mth(0, 3)),
        ([], 0, 0, bytes(32), bytes(32)),
        ([], 0, 0, empty, bytes(32)),
        ([bytes(32)], 0, 3, empty, logs.mth(0, 3)),
        ([bytes(32)], 3, 3, logs.mth(0, 3), logs.mth(0, 3)),
        ([], 3, 2, logs.mth(0, 3), logs.mth(0, 2)),
        ([], -1, 2, logs.mth(0, 3), logs.mth(0, 2)),
    ):
        with pytest.raises(Unproven):
            tlog.verify_consistency(proof, old, new, old_root, root)


def test_impossible_proofs_are_not_made() -> None:
    for index, size in ((0, 0), (3, 3), (-1, 3), (0, 2**63)):
        with pytest.raises(TlogError):
            tlog.inclusion_proof(index, size, logs.get_hash)
    for old, new in ((4, 3), (-1, 3), (0, 2**63)):
        with pytest.raises(TlogError):
            tlog.consistency_proof(old, new, logs.get_hash)


@cache
def alike(level: int, index: int) -> bytes:
    """Return a hash in a tree of equal leaves. There are too many leaves to hash them one by one."""
    return bytes(32) if level == 0 else tlog.merkle.node_hash(alike(level - 1, 0), alike(level - 1, 0))


def test_the_largest_possible_tree() -> None:
    root = tlog.tree_root(MAX, alike)
    for index in (0, 1, 2**62 - 1, 2**62, MAX - 1):
        proof = tlog.inclusion_proof(index, MAX, alike)
        assert len(proof) <= 63
        tlog.verify_inclusion(proof, index, MAX, bytes(32), root)
    for old in (1, 2**62 - 1, 2**62, 2**62 + 1, MAX - 1):
        proof = tlog.consistency_proof(old, MAX, alike)
        tlog.verify_consistency(proof, old, MAX, tlog.tree_root(old, alike), root)
