"""Complete, honest logs to check: as a copy in memory, a folder of tiles or a bundle. Tests then damage them.

made.log(257)                                    entry 0 opens, each seventh is a revocation, the rest signatures
made.log(20, close=True, amend=9)                another manifest from entry 9 on, and closed at the end
made.log(20).copy(show=made.log(20).signers)     with opened records
"""

import hashlib
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import tlog
from sabal.checking.bundle import write_bundle
from sabal.checking.copy import LogCopy
from tlog.entry import Amend, Close, Open, Reason, Revoke, Sign

ORIGIN = "petition.example/c/k3v9/log"
CAROL = tlog.Signer(ORIGIN, bytes(range(32)))
PROMISER = tlog.promise_key(ORIGIN, b"p" * 32)
FIRST = tlog.Cosigner("witness.example/w1", b"1" * 32)
SECOND = tlog.Cosigner("witness.example/w2", b"2" * 32)
EVE = tlog.Signer(ORIGIN, b"e" * 32)  # another key under the log's name
WITNESSED = 1_795_500_000  # 24 November 2026
FIELDS = ("name", "email", "place", "comment", "consent", "day")
EXTRAS = {"README.txt": b"Read me.\n", "verify.py": b"print()\n", "check.html": b"<p>\n"}

ONE_WITNESS = f"log {CAROL.verifier}\nwitness first {FIRST.verifier}\nquorum first\n".encode()
TWO_WITNESSES = (
    f"log {CAROL.verifier}\nwitness first {FIRST.verifier}\nwitness second {SECOND.verifier}\n"
    "group both all first second\nquorum both\n"
).encode()
NO_WITNESS = f"log {CAROL.verifier}\nquorum none\n".encode()


def manifest(text: str = "Plant trees.", **terms: Any) -> bytes:
    """Return a manifest with the parts that a check reads, as `petitions/manifest.py` makes it."""
    log = {"origin": ORIGIN, "key": str(CAROL.verifier), "promise_key": str(PROMISER.verifier)}
    return json.dumps({"v": 1, "terms": {"text": text, "fields": list(FIELDS), "log": log} | terms}).encode()


FIRST_MANIFEST, SECOND_MANIFEST = manifest(), manifest("Plant many trees.")


@dataclass(frozen=True)
class Made:
    """The entries, manifests and policy of a log, from which its checkpoints, records and proofs are made."""

    entries: tuple[bytes, ...]
    manifests: Mapping[bytes, bytes]
    policy: bytes = ONE_WITNESS

    @cached_property
    def root(self) -> bytes:
        return tlog.root_of_entries(self.entries)

    @cached_property
    def signers(self) -> list[int]:
        """Return the indexes of the signatures that count."""
        revoked = {int.from_bytes(entry[2:10]) for entry in self.entries if entry[1] == 2}
        return [index for index, entry in enumerate(self.entries) if entry[1] == 1 and index not in revoked]

    def checkpoint(self, size: int | None = None, *, time: int = WITNESSED) -> bytes:
        """Return the checkpoint of the first `size` entries, signed, and cosigned by the first witness."""
        entries = self.entries[:size]
        return signed(tlog.Checkpoint(ORIGIN, len(entries), tlog.root_of_entries(entries)), FIRST, time=time)

    def copy(self, show: Iterable[int] = (), sample: Mapping[str, Any] | None = None) -> LogCopy:
        """Return an honest copy, with the opened records of `show` and a `sample.json`."""
        records = "".join(json.dumps(self.record(index)) + "\n" for index in show).encode()
        return LogCopy(
            self.checkpoint(),
            self.policy,
            b"".join(self.entries),
            self.manifests,
            records or None,
            None if sample is None else json.dumps(sample).encode(),
        )

    def record(self, index: int, open_: Sequence[str] = ("name", "place")) -> dict[str, Any]:
        """Return the record of a *sign* entry as in `records.jsonl`, with some fields open and the others closed."""
        hash_, fields = self.manifest_at(index), {}
        for name in FIELDS:
            value, salt = value_of(name, index), salt_of(name, index)
            fields[name] = (
                {"value": value, "salt": salt.hex()}
                if name in open_
                else {"digest": digest(name, index).hex()}
            )
        return {"index": index, "manifest": hash_.hex(), "fields": fields}

    def manifest_at(self, index: int) -> bytes:
        """Return the hash of the manifest in force at an entry."""
        return [entry[2:] for entry in self.entries[: index + 1] if entry[1] in (0, 3)][-1]

    def promise(self, index: int, include_by: int = WITNESSED) -> bytes:
        return tlog.Promise(ORIGIN, tlog.leaf_hash(self.entries[index]), include_by).sign(PROMISER)

    def proof(self, index: int, size: int | None = None) -> bytes:
        """Return a `.tlog-proof` of an entry in the tree of the first `size` entries."""
        entries = self.entries[:size]
        leaves = tlog.leaf_hashes(entries)
        path = tlog.inclusion_proof(
            index, len(leaves), lambda level, at: tlog.root(leaves[at << level : (at + 1) << level])
        )
        return tlog.Proof(index, path, self.checkpoint(size)).encode()

    def without(self, index: int) -> "Made":
        """Return a log without one of the entries."""
        return replace(self, entries=(*self.entries[:index], *self.entries[index + 1 :]))

    def with_entries(self, *more: bytes) -> "Made":
        return replace(self, entries=(*self.entries, *more))

    def write_tiles(self, folder: Path) -> Path:
        """Write the log in the layout of servers and mirrors."""
        files = {f"manifests/{hash_.hex()}.json": data for hash_, data in self.manifests.items()}
        files |= {"checkpoint": self.checkpoint(), "policy": self.policy}
        for tile, data in tlog.grow(0, tlog.leaf_hashes(self.entries), {}.__getitem__):
            files[tile.path] = data
        for tile in tlog.new_bundles(0, len(self.entries)):
            files[tile.path] = tlog.encode_bundle(self.entries[tile.index * 256 :][: tile.width])
        for name, data in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
        return folder


def log(
    size: int,
    *,
    amend: int | None = None,
    close: bool = False,
    revoke_each: int = 7,
    manifests: tuple[bytes, bytes] = (FIRST_MANIFEST, SECOND_MANIFEST),
    policy: bytes = ONE_WITNESS,
) -> Made:
    """Return an honest log of `size` entries. Entry `amend` names the second manifest; the last may close the log."""
    hashes = [hashlib.sha256(data).digest() for data in manifests]
    entries = [Open(hashes[0]).encode()]
    current, counting = hashes[0], []
    for index in range(1, size):
        if close and index == size - 1:
            entries.append(Close().encode())
        elif index == amend:
            current = hashes[1]
            entries.append(Amend(current).encode())
        elif revoke_each and index % revoke_each == revoke_each - 1 and counting:
            entries.append(Revoke(counting.pop(), Reason(index // revoke_each % 4 + 1)).encode())
        else:
            counting.append(index)
            entries.append(Sign(commitment(current, index)).encode())
    named = dict(zip(hashes, manifests, strict=True)) if amend else {hashes[0]: manifests[0]}
    return Made(tuple(entries), named, policy)


def signed(
    checkpoint: tlog.Checkpoint, *witnesses: tlog.Cosigner, by: tlog.Signer = CAROL, time: int = WITNESSED
) -> bytes:
    """Return a checkpoint with the signature of its log and with cosignatures."""
    lines = [tlog.cosign(checkpoint, witness, time) for witness in witnesses]
    return tlog.note.append(checkpoint.sign(by), lines)


def bundle(copy: LogCopy, extras: Mapping[str, bytes] = EXTRAS) -> bytes:
    """Return the bytes of a bundle's zip."""
    file = io.BytesIO()
    write_bundle(file, copy, extras)
    return file.getvalue()


def value_of(field: str, index: int) -> str:
    return {"name": f"이름 {index}", "place": "KR", "day": "2026-11-23", "comment": "", "consent": "1"}.get(
        field, f"s{index}@example.org"
    )


def salt_of(field: str, index: int) -> bytes:
    return hashlib.sha256(f"{field} {index}".encode()).digest()[:16]


def digest(field: str, index: int) -> bytes:
    return hashlib.sha256(b"\2" + salt_of(field, index) + value_of(field, index).encode()).digest()


def commitment(manifest_hash: bytes, index: int) -> bytes:
    digests = b"".join(digest(field, index) for field in FIELDS)
    return hashlib.sha256(b"petition/1 commit\n" + manifest_hash + digests).digest()
