"""Roots: the fast code gives the same roots as the definition."""

import hashlib
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import logs
import tlog
from tlog import Frontier, TlogError

sizes = st.integers(0, logs.LARGEST) | st.sampled_from(logs.SIZES)


def leaves(start: int, end: int) -> list[bytes]:
    return [logs.mth(index, index + 1) for index in range(start, end)]


def test_the_empty_tree() -> None:
    assert tlog.EMPTY_ROOT == hashlib.sha256(b"").digest() == tlog.root([]) == Frontier().root()
    assert tlog.root_of_entries([]) == tlog.tree_root(0, logs.get_hash) == tlog.EMPTY_ROOT


@pytest.mark.parametrize("size", logs.SIZES)
def test_the_root_is_that_of_the_definition(size: int) -> None:
    entries = [logs.entry(index) for index in range(size)]
    assert tlog.root_of_entries(iter(entries)) == logs.mth(0, size)
    assert tlog.root(tlog.leaf_hashes(entries)) == logs.mth(0, size)
    assert tlog.tree_root(size, logs.get_hash) == logs.mth(0, size)


def test_every_small_size_appended_in_two_steps() -> None:
    for size in range(40):
        for middle in range(size + 1):
            frontier = Frontier()
            frontier.extend(leaves(0, middle))
            assert frontier.root() == logs.mth(0, middle)
            frontier.extend(leaves(middle, size))
            assert (frontier.size, frontier.root()) == (size, logs.mth(0, size))


@given(st.lists(st.integers(0, 3000), max_size=8), sizes)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_appending_in_any_steps_to_any_tree(steps: list[int], start: int) -> None:
    """Start in the middle of a log, as after a restart, from the compact range alone."""
    steps = list(itertools.accumulate([start, *steps]))
    frontier = Frontier.read(start, logs.get_hash)
    for size, new in itertools.pairwise(steps):
        frontier.extend(leaves(size, new))
        frontier = Frontier(frontier.size, frontier.compact_range)
    assert frontier.size == steps[-1]
    assert frontier.root() == logs.mth(0, steps[-1])


@given(sizes)
@settings(max_examples=100, deadline=None, derandomize=True)
def test_the_compact_range_has_a_hash_for_each_bit_of_the_size(size: int) -> None:
    frontier = Frontier.read(size, logs.get_hash)
    assert len(frontier.compact_range) == f"{size:b}".count("1")
    assert frontier.root() == logs.mth(0, size)


def test_a_compact_range_that_does_not_fit_its_size_is_refused() -> None:
    for size, compact_range in (
        (1, []),
        (0, [bytes(32)]),
        (3, [bytes(32)]),
        (-1, []),
        (2**63, [bytes(32)]),
        (1, [b"short"]),
    ):
        with pytest.raises(TlogError):
            Frontier(size, compact_range)
