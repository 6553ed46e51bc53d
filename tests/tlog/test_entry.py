"""Entries: their 34 bytes, their allowed order, and counting."""

import itertools
import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import logs
from tlog import Malformed, OutOfOrder, Tally, TlogError, entry, first_repeat
from tlog.entry import Amend, Close, Entry, Open, Reason, Revoke, Sign

HASH = bytes(range(32))
OPEN, AMEND, SIGN, CLOSE = (made.encode() for made in (Open(HASH), Amend(HASH[::-1]), Sign(HASH), Close()))

hashes = st.binary(min_size=32, max_size=32)
entries = (
    st.builds(Open, hashes)
    | st.builds(Amend, hashes)
    | st.builds(Sign, hashes)
    | st.builds(Revoke, st.integers(0, 2**63 - 1), st.sampled_from(Reason))
    | st.just(Close())
)


def revoke(index: int, reason: Reason = Reason.WITHDRAWN) -> bytes:
    return Revoke(index, reason).encode()


def test_the_bytes_of_each_type() -> None:
    assert OPEN == b"\x01\x00" + HASH
    assert SIGN == b"\x01\x01" + HASH
    assert revoke(258, Reason.FAKE) == bytes.fromhex("0102 0000000000000102 03" + "00" * 23)
    assert b"\x01\x03" + HASH[::-1] == AMEND
    assert b"\x01\x04" + bytes(32) == CLOSE


@given(entries)
@settings(max_examples=200, deadline=None, derandomize=True)
def test_an_entry_is_read_back(made: Entry) -> None:
    assert len(made.encode()) == 34
    assert entry.parse(made.encode()) == made
    assert type(entry.parse(made.encode())) is type(made)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        SIGN[:-1],
        SIGN + b"\0",
        b"\0" + SIGN[1:],
        b"\2" + SIGN[1:],
        b"\1\5" + bytes(32),
        b"\1\xff" + bytes(32),
        CLOSE[:-1] + b"\1",
        b"\1\4\1" + bytes(31),
        revoke(1)[:-1] + b"\1",
        revoke(1)[:11] + b"\1" + bytes(22),
        revoke(1)[:10] + b"\0" + bytes(23),
        revoke(1)[:10] + b"\5" + bytes(23),
        b"\1\2\x80" + revoke(1)[3:],
    ],
)
def test_invalid_entries_are_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        entry.parse(data)
    tally = Tally()
    tally.extend([OPEN, SIGN, SIGN])
    with pytest.raises(Malformed, match="Entry 3"):
        tally.extend([data, SIGN])
    with pytest.raises(Malformed, match="Entry 4"):
        tally.extend([SIGN, data])
    assert (tally.size, tally.counted) == (4, 3)


@given(st.binary(max_size=40) | st.binary(min_size=33, max_size=33).map(lambda data: b"\1" + data))
@settings(max_examples=300, deadline=None, derandomize=True)
@example(b"\1\2" + bytes(32))
def test_arbitrary_bytes_are_an_entry_or_refused(data: bytes) -> None:
    try:
        read = entry.parse(data)
    except Malformed:
        return
    assert read.encode() == data


@given(st.lists(hashes))
def test_many_sign_entries_are_encoded_like_single_ones(commitments: list[bytes]) -> None:
    assert entry.sign_entries(commitments) == [Sign(commitment).encode() for commitment in commitments]
    with pytest.raises(TlogError):
        entry.sign_entries([*commitments, HASH[1:]])


def test_impossible_entries_are_not_written() -> None:
    for make in (Open, Amend, Sign):
        with pytest.raises(TlogError):
            make(b"short").encode()
    for index in (-1, 2**63):
        with pytest.raises(TlogError):
            revoke(index)


def test_a_petition_from_open_to_close() -> None:
    tally = Tally()
    tally.extend([OPEN, SIGN, SIGN, SIGN])
    assert (tally.size, tally.signed, tally.counted, tally.manifest_hash) == (4, 3, 3, HASH)
    tally.extend([revoke(2), AMEND, SIGN, revoke(6, Reason.DUPLICATE)])
    assert (tally.signed, tally.counted, tally.manifest_hash) == (4, 2, HASH[::-1])
    tally.extend([CLOSE, revoke(1, Reason.FAKE)])
    assert tally.closed and tally.counted == 1
    assert tally.revoked == {Reason.WITHDRAWN: 1, Reason.DUPLICATE: 1, Reason.FAKE: 1, Reason.OTHER: 0}


@pytest.mark.parametrize(
    ("before", "bad", "why"),
    [
        ([], SIGN, "opens the log"),
        ([], AMEND, "opens the log"),
        ([], CLOSE, "opens the log"),
        ([], revoke(0), "before it"),
        ([OPEN], OPEN, "only once"),
        ([OPEN, SIGN], OPEN, "only once"),
        ([OPEN, SIGN], revoke(0), "is not a signature"),
        ([OPEN, SIGN], revoke(2), "before it"),
        ([OPEN, SIGN], revoke(3), "before it"),
        ([OPEN, SIGN], revoke(2**63 - 1), "before it"),
        ([OPEN, SIGN, revoke(1)], revoke(1, Reason.OTHER), "revoked before"),
        ([OPEN, SIGN, revoke(1)], revoke(2), "is not a signature"),
        ([OPEN, AMEND], revoke(1), "is not a signature"),
        ([OPEN, CLOSE], revoke(1), "is not a signature"),
        ([OPEN, CLOSE], SIGN, "was closed"),
        ([OPEN, CLOSE], AMEND, "was closed"),
        ([OPEN, CLOSE], CLOSE, "was closed"),
        ([OPEN, CLOSE], OPEN, "only once"),
        ([OPEN, SIGN, CLOSE, revoke(1)], SIGN, "was closed"),
    ],
)
def test_a_wrong_order_is_refused(before: list[bytes], bad: bytes, why: str) -> None:
    """Test one batch and single-entry batches. The entries before the bad one are counted."""
    for batches in ([[*before, bad, SIGN]], [*[[good] for good in before], [bad]]):
        tally = Tally()
        with pytest.raises(OutOfOrder, match=why) as refusal:
            for batch in batches:
                tally.extend(batch)
        assert refusal.value.index == tally.size == len(before)
        with pytest.raises(OutOfOrder, match=why):
            tally.extend([bad])


def naive(read: list[Entry]) -> int | None:
    """Return the count, or None if the order is wrong. Read entry by entry, as docs/log-format.md says."""
    counted: set[int] = set()
    revoked: set[int] = set()
    closed = False
    for at, made in enumerate(read):
        if isinstance(made, Open) != (at == 0) or (closed and not isinstance(made, Revoke)):
            return None
        if isinstance(made, Sign):
            counted.add(at)
        elif isinstance(made, Close):
            closed = True
        elif isinstance(made, Revoke):
            if made.index not in counted or made.index in revoked:
                return None
            revoked.add(made.index)
    return len(counted - revoked)


short = st.sampled_from([Open(HASH), Amend(HASH), *[Sign(HASH)] * 8, Close()]) | st.builds(
    Revoke, st.integers(0, 8), st.sampled_from(Reason)
)


@given(st.booleans(), st.lists(short, max_size=12), st.lists(st.integers(0, 12), max_size=3))
@settings(max_examples=800, deadline=None, derandomize=True)
def test_any_order_in_any_batches_counts_like_single_entries(
    opened: bool, read: list[Entry], cuts: list[int]
) -> None:
    if opened:
        read = [Open(HASH), *read]
    tally = Tally()
    try:
        for start, end in itertools.pairwise([0, *sorted(cuts), len(read)] if cuts else [0, len(read)]):
            tally.extend(made.encode() for made in read[start:end])
    except OutOfOrder:
        assert naive(read) is None
        assert naive(read[: tally.size]) == tally.counted
    else:
        assert naive(read[: tally.size]) == tally.counted


@given(st.lists(st.integers(0, 40), max_size=30), st.binary(max_size=33))
@settings(max_examples=400, deadline=None, derandomize=True)
def test_the_first_repeated_commitment_is_found(commitments: list[int], rest: bytes) -> None:
    """Compare with a search one by one. Other entries, and a partial entry at the end, may repeat."""
    read = [one for n in commitments for one in (Sign(n.to_bytes(32)).encode(), revoke(1), AMEND)]
    found = first_repeat(b"".join(read) + rest)
    repeats = [at for at, n in enumerate(commitments) if n in commitments[:at]]
    if not repeats:
        assert found is None
    else:
        assert found is not None and found.index == 3 * repeats[0]
        assert f"that of entry {3 * commitments.index(commitments[repeats[0]])}," in str(found)


def test_a_long_log_in_batches() -> None:
    tally, size = Tally(), 0
    for _ in range(200):
        more = random.Random(size).randrange(1, 700)
        tally.extend([logs.entry(index) for index in range(size, size + more)])
        size += more
    kinds = [logs.entry(index)[1] for index in range(size)]
    assert (tally.size, tally.signed) == (size, kinds.count(1))
    assert sum(tally.revoked.values()) == kinds.count(2)
    assert tally.revoked[Reason.FAKE] == sum(logs.entry(i)[10] == 3 for i in range(size) if kinds[i] == 2)
