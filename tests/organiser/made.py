"""A small petition with signers, its log and its sealed exports, made with real keys and commitments.

made.petition([made.person("Suzie"), made.person("Max")])     entries: open, then a signature each, in this order
petition.revoke(1)                                            one more entry
petition.copy(), petition.export(identity.recipient)
"""

import base64
import hashlib
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import agefile
import tlog
from sabal.checking.copy import LogCopy
from sabal.records import export, record
from sabal.records.record import RECORD_FIELDS
from tlog.entry import Amend, Open, Reason, Revoke, Sign

ORIGIN = "petition.example/k3v9mqzt/log"
LOG = tlog.Signer(ORIGIN, bytes(range(32)))
PROMISES = tlog.promise_key(ORIGIN, b"p" * 32)
WITNESS = tlog.Cosigner("witness.example/w1", b"w" * 32)
NOW = 1_795_500_000  # 24 November 2026
POLICY = f"log {LOG.verifier}\nwitness first {WITNESS.verifier}\nquorum first\n".encode()
CAROL = agefile.generate(post_quantum=False)  # quicker than the default, and as much an age key


@dataclass(frozen=True)
class Person:
    """A signer: the fields, the seed and the risk signs of the record."""

    fields: dict[str, str]
    seed: bytes
    risk: dict[str, object] = field(default_factory=dict)


def person(
    name: str,
    email: str = "",
    *,
    country: str = "KR",
    comment: str = "",
    day: str = "2026-11-23",
    risk: dict[str, object] | None = None,
) -> Person:
    email = email or f"{name.lower().replace(' ', '.')}@example.org"
    values = (name, email, country, comment, "0123456789abcdef", day)
    seed = hashlib.sha256("\0".join(values).encode()).digest()
    return Person(dict(zip(RECORD_FIELDS, values, strict=True)), seed, risk or {})


def manifest(**terms: Any) -> bytes:
    """Return a manifest with the parts that are read here, as `petitions/manifest.py` makes it."""
    log = {"origin": ORIGIN, "key": str(LOG.verifier), "promise_key": str(PROMISES.verifier)}
    promised = {"recipients_get": "count", "sample_audit": False, "retention": "2027-12-31"}
    document = {"v": 1, "terms": {"fields": list(RECORD_FIELDS), "log": log, **promised, **terms}}
    return json.dumps(document, sort_keys=True).encode()


@dataclass
class Petition:
    """A log that grows, with the signers of its entries."""

    manifest: bytes
    entries: list[bytes] = field(default_factory=list)
    people: dict[int, Person] = field(default_factory=dict)
    manifests: dict[bytes, bytes] = field(default_factory=dict)
    under: dict[int, bytes] = field(default_factory=dict)  # the manifest hash of each signature
    origin: str = ORIGIN

    def sign(self, person: Person) -> int:
        index = len(self.entries)
        self.under[index] = self.hash
        self.people[index] = person
        self.entries.append(Sign(self.commitment(index)).encode())
        return index

    def revoke(self, index: int, reason: Reason = Reason.WITHDRAWN) -> None:
        self.entries.append(Revoke(index, reason).encode())

    def amend(self, manifest: bytes) -> None:
        self.manifest = manifest
        self.manifests[self.hash] = manifest
        self.entries.append(Amend(self.hash).encode())

    @property
    def hash(self) -> bytes:
        return hashlib.sha256(self.manifest).digest()

    @property
    def revoked(self) -> list[int]:
        return sorted(int.from_bytes(entry[2:10]) for entry in self.entries if entry[1] == 2)

    @property
    def counted(self) -> list[int]:
        return [index for index in self.people if index not in self.revoked]

    def commitment(self, index: int) -> bytes:
        return record.commitment(self.under[index], self.people[index].seed, self.people[index].fields)

    def checkpoint(self) -> bytes:
        checkpoint = tlog.Checkpoint(self.origin, len(self.entries), tlog.root_of_entries(self.entries))
        log = tlog.Signer(self.origin, bytes(range(32)))
        return tlog.note.append(checkpoint.sign(log), [tlog.cosign(checkpoint, WITNESS, NOW)])

    def copy(self) -> LogCopy:
        return LogCopy(self.checkpoint(), POLICY, b"".join(self.entries), dict(self.manifests))

    def header(self, **changes: Any) -> dict[str, Any]:
        return {
            "format": export.FORMAT,
            "petition": "trees",
            "origin": self.origin,
            "checkpoint": self.checkpoint().decode(),
            "size": len(self.entries),
            "revoked": self.revoked,
            "code": None,
        } | changes

    def line(self, index: int, to: Sequence[agefile.Recipient] = (CAROL.recipient,)) -> dict[str, Any]:
        one = self.people[index]
        plain = record.sealed_json(self.under[index], one.seed, one.fields, "en", one.risk)
        return {
            "index": index,
            "commitment": self.commitment(index).hex(),
            "record": base64.b64encode(agefile.encrypt(plain, to)).decode(),
        }

    def export(self, indexes: Collection[int] | None = None, **changes: Any) -> list[str]:
        """Return the lines of an export as the server would write it now."""
        chosen = self.counted if indexes is None else indexes
        return lines(self.header(**changes), *map(self.line, chosen))

    def write(self, path: Path, written: Iterable[str] | None = None) -> str:
        path.write_text("".join(self.export() if written is None else written), encoding="utf-8")
        return str(path)


def petition(people: Iterable[Person] = (), *, origin: str = ORIGIN, **terms: Any) -> Petition:
    made = Petition(manifest(**terms), origin=origin)
    made.manifests[made.hash] = made.manifest
    made.entries.append(Open(made.hash).encode())
    for one in people:
        made.sign(one)
    return made


def lines(*objects: dict[str, Any]) -> list[str]:
    return [json.dumps(one) + "\n" for one in objects]
