"""Compare docs/log-format.md with the library: its test vector, its paths and its tables."""

import hashlib
import re
from pathlib import Path

import pytest

import tlog
from tlog import AddCheckpoint, Checkpoint, Policy, Promise, Proof, Verifier, note
from tlog.entry import Open, Reason, Revoke, Sign, Type

PAGE = (Path(__file__).parents[2] / "docs/log-format.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```text\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
TILES, ENTRIES, LEAVES, KEYS, CHECKPOINT, PROOF, REQUEST, PROMISE, POLICY = (
    block.encode() for block in BLOCKS
)

ORIGIN = "petition.example/c/k3v9"
NOW = 1_795_500_000
LOG = tlog.Signer(ORIGIN, bytes(32))
WITNESS = tlog.Cosigner("witness.example/w1", b"\1" * 32)
PROMISES = tlog.promise_key(ORIGIN, b"\2" * 32)
C = bytes.fromhex("fea88db80a4d3226b15164a82e2022c4f31d429ed2d496156f58b9c0c670b74f")

entries = [
    Open(hashlib.sha256(b"manifest").digest()).encode(),
    Sign(C).encode(),
    Revoke(1, Reason.WITHDRAWN).encode(),
]
leaves = tlog.leaf_hashes(entries)
reader = tlog.HashReader(3, lambda tile: b"".join(leaves))
checkpoint = Checkpoint(ORIGIN, 3, tlog.root(leaves))
signed = checkpoint.sign(LOG)
cosigned = note.append(signed, [tlog.cosign(checkpoint, WITNESS, NOW)])


def lines(*of: object) -> bytes:
    return "".join(f"{line}\n" for line in of).encode()


def test_the_library_writes_the_vector() -> None:
    assert lines(*[entry.hex() for entry in entries]) == ENTRIES
    assert lines(*[leaf.hex() for leaf in leaves]) == LEAVES
    assert lines(LOG.verifier, WITNESS.verifier, PROMISES.verifier) == KEYS
    assert cosigned == CHECKPOINT
    assert Proof(1, tlog.inclusion_proof(1, 3, reader), cosigned, bytes(32)).encode() == PROOF
    assert AddCheckpoint(2, tlog.consistency_proof(2, 3, reader), signed).encode() == REQUEST
    assert Promise(ORIGIN, leaves[1], NOW).sign(PROMISES) == PROMISE


def test_the_library_reads_the_vector() -> None:
    log, witness, promises = map(Verifier.parse, KEYS.decode().splitlines())
    policy = Policy.parse(POLICY)
    assert policy.logs == (log,) and list(policy.witnesses.values()) == [witness]
    assert policy.open(CHECKPOINT).checkpoint == checkpoint
    assert Proof.parse(PROOF).verify(leaves[1], policy) == checkpoint
    request = AddCheckpoint.parse(REQUEST)
    tlog.verify_consistency(
        request.proof, 2, 3, tlog.root(leaves[:2]), tlog.checkpoint.peek(request.checkpoint).root
    )
    assert Promise.open(PROMISE, promises).leaf == leaves[1]
    tally = tlog.Tally()
    tally.extend(bytes.fromhex(line) for line in ENTRIES.decode().split())
    assert (tally.signed, tally.counted) == (1, 0)


def test_the_checkpoint_is_the_one_that_other_programs_accepted() -> None:
    """Go's packages and Tessera's fsck accepted it before this library was written."""
    assert signed.decode().splitlines() == [
        "petition.example/c/k3v9",
        "3",
        "5kkTRDL8KyQsUTke1TRZUH85FF3naLX2SHlO283OT4E=",
        "",
        "— petition.example/c/k3v9 "
        "hzdjD/yPSmxNck2ULsbIGww3o10prX4O0eS7wwARAem1KMAe9aVciCZs2ob2QUgq+3Y26kqVj2/az1NPR5NrKIPqTwU=",
    ]


def test_the_files_of_a_log_of_70_000() -> None:
    paths = {tile.path for tile in [*tlog.new_tiles(0, 70_000), *tlog.new_bundles(0, 70_000)]}
    first, last = r"tile/(\w+)/000", r"tile/\1/272"
    named = set(re.findall(r"tile/\w+/[\d./p]+", TILES.decode()))
    for level in re.findall(f"{first} … {last}", TILES.decode()):
        named |= {f"tile/{level}/{n:03}" for n in range(273)}
    assert named == paths


@pytest.mark.parametrize("kind", Type)
def test_every_type_of_entry_is_in_the_table(kind: Type) -> None:
    assert f"| {kind:02x} | {kind.name.lower()} |" in PAGE


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_in_the_documentation(reason: Reason) -> None:
    words = {1: "withdrawn by its signer", 2: "duplicate", 3: "automated or fake", 4: "other"}
    assert f"{reason} {words[reason]}" in PAGE
