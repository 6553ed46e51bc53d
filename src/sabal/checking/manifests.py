"""Check the manifests that a log names: each is in the copy, unchanged, and belongs to this log.

docs/log-format.md "Entries".
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import tlog
from sabal import strict
from sabal.checking.checkpoint import SignedCheckpoint
from sabal.checking.copy import LogCopy, named_manifests
from sabal.checking.records import AddProblem, ManifestTerms
from tlog import Verifier


def check_manifests(copy: LogCopy, checkpoint: SignedCheckpoint, add_problem: AddProblem) -> ManifestTerms:
    """Check each manifest that an *open* or *amend* entry names. Return the terms of each unchanged, readable one.

    Only the terms that a checker needs are read. Unknown terms are not an error.
    """
    terms: dict[bytes, Mapping[str, Any]] = {}
    first = {hash_: index for index, hash_ in reversed(named_manifests(copy.entries))}
    for hash_, index in sorted(first.items(), key=lambda item: item[1]):
        name = f"The manifest of entry {index:,} ({hash_.hex()[:8]}…)"
        data = copy.manifests.get(hash_)
        if data is None:
            add_problem(f"{name} is not here.")
        elif sha256(data).digest() != hash_:
            add_problem(f"{name} was changed: its hash is not the one that the log names.")
        elif (found := _terms(data)) is None:
            add_problem(f"{name} is not written as a manifest is.")
        else:
            terms[hash_] = found
            _check_log(name, found["log"], checkpoint, add_problem)
    return terms


def _terms(data: bytes) -> Mapping[str, Any] | None:
    try:
        document = strict.parse(data)
    except ValueError:
        return None
    terms = document.get("terms") if isinstance(document, dict) else None
    return terms if isinstance(terms, dict) and isinstance(terms.get("log"), dict) else None


def _check_log(
    name: str, log: Mapping[str, Any], checkpoint: SignedCheckpoint, add_problem: AddProblem
) -> None:
    if checkpoint.claim and log.get("origin") != checkpoint.claim.origin:
        add_problem(f"{name} belongs to another log than this checkpoint.")
    if checkpoint.policy.logs and log.get("key") not in [str(key) for key in checkpoint.policy.logs]:
        add_problem(f"{name} names a key for its log that is not in the policy.")


def promise_keys(terms: ManifestTerms) -> list[Verifier]:
    """Return the keys that the manifests name for promises. docs/log-format.md "Promise".

    A key that cannot be read is skipped.
    """
    keys = []
    for vkey in {str(one["log"].get("promise_key")): None for one in terms.values()}:
        try:
            keys.append(Verifier.parse(vkey))
        except tlog.TlogError:
            continue
    return keys
