"""No changed bit gives a report that is OK with other content. The check also has a minimum speed."""

import json
import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tlog
from checking import made
from sabal.checking.check import check
from sabal.checking.copy import LogCopy
from tlog.entry import Open, Reason, Revoke

pytestmark = pytest.mark.slow  # every bit of a bundle

LOG = made.log(40, amend=20, close=True)
SAMPLE = {
    "seed": "7",
    "wanted": 50,
    "of": len(LOG.signers),
    "size": 40,
    "root": LOG.root.hex(),
    "indexes": LOG.signers,
}
COPY = LOG.copy(show=LOG.signers, sample=SAMPLE)
REPORT = check(COPY, now=0)


def flipped(data: bytes, bit: int) -> bytes:
    spoilt = bytearray(data)
    spoilt[bit // 8] ^= 1 << bit % 8
    return bytes(spoilt)


def parsed_records(copy: LogCopy) -> list[object]:
    """Return the parsed records, which are the same for every form of their JSON."""
    return [json.loads(line) for line in (copy.records or b"").splitlines()]


def bits(data: bytes | None) -> st.SearchStrategy[int]:
    assert data
    return st.integers(0, len(data) * 8 - 1)


def test_the_unchanged_copy_is_ok() -> None:
    assert REPORT.ok and REPORT.sample and REPORT.matched == len(LOG.signers) and REPORT.closed


def test_no_bit_of_the_checkpoint_changes_the_report() -> None:
    bare = LOG.copy()
    report = check(bare, now=0)
    for bit in range(len(bare.checkpoint) * 8):
        found = check(replace(bare, checkpoint=flipped(bare.checkpoint, bit)), now=0)
        assert report.ok and (not found.ok or found == report)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(bits(COPY.entries))
def test_no_bit_of_the_entries_may_change(bit: int) -> None:
    assert not check(replace(COPY, entries=flipped(COPY.entries, bit)), now=0).ok


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.sampled_from(sorted(COPY.manifests)), st.data())
def test_no_bit_of_a_manifest_may_change(hash_: bytes, data: st.DataObject) -> None:
    changed = flipped(COPY.manifests[hash_], data.draw(bits(COPY.manifests[hash_])))
    assert not check(replace(COPY, manifests={**COPY.manifests, hash_: changed}), now=0).ok


@settings(max_examples=500, deadline=None, derandomize=True)
@given(bits(COPY.records))
def test_no_bit_of_the_records_changes_the_report(bit: int) -> None:
    copy = replace(COPY, records=flipped(COPY.records or b"", bit))
    report = check(copy, now=0)
    assert not report.ok or (report == REPORT and parsed_records(copy) == parsed_records(COPY))


@settings(max_examples=300, deadline=None, derandomize=True)
@given(bits(COPY.sample))
def test_no_bit_of_the_sample_changes_more_than_the_seed(bit: int) -> None:
    report = check(replace(COPY, sample=flipped(COPY.sample or b"", bit)), now=0)
    # Here all signatures are chosen, so another seed chooses the same ones. Then the report has the other seed.
    assert not report.ok or replace(report, sample=REPORT.sample) == REPORT


@settings(max_examples=200, deadline=None, derandomize=True)
@given(bits(COPY.policy))
def test_no_bit_of_the_policy_changes_the_key_or_the_count(bit: int) -> None:
    report = check(replace(COPY, policy=flipped(COPY.policy, bit)), now=0)
    assert not report.ok or (report.log_key, report.counted) == (REPORT.log_key, REPORT.counted)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.binary(), st.binary(), st.binary(), st.binary())
def test_any_bytes_are_refused_without_an_error(a: bytes, b: bytes, c: bytes, d: bytes) -> None:
    assert not check(LogCopy(a, b, c, {bytes(32): d}, d, d), now=0).ok


@pytest.mark.slow
def test_a_check_reads_a_hundred_thousand_entries_a_second() -> None:
    """The limit is a third of the required speed, so that a busy machine does not fail the test."""
    size = 300_000
    hash_ = LOG.manifest_at(0)
    entries = [Open(hash_).encode()]
    for index in range(1, size):
        sign = b"\1\1" + index.to_bytes(32)
        entries.append(Revoke(index - 1, Reason.FAKE).encode() if index % 10 == 9 else sign)
    signed = made.signed(tlog.Checkpoint(made.ORIGIN, size, tlog.root_of_entries(entries)), made.FIRST)
    copy = LogCopy(signed, made.ONE_WITNESS, b"".join(entries), {hash_: LOG.manifests[hash_]})
    start = time.process_time()
    assert check(copy, now=0).counted == size - 1 - 2 * (size // 10)
    assert size / (time.process_time() - start) > 100_000
