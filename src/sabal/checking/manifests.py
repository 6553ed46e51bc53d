"""The manifests that a log names: there, unchanged, and of this log. docs/log-format.md "Entries"."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import tlog
from sabal import strict
from sabal.checking.copy import LogCopy, named_manifests
from sabal.checking.head import Head
from sabal.checking.records import Terms, Wrong
from tlog import Verifier


def check_manifests(copy: LogCopy, head: Head, wrong: Wrong) -> Terms:
    """Check each manifest that an entry opens or amends with; the terms of those that are what was named.

    What else the terms hold is no business of a checker: terms of an unknown kind are no error.
    """
    terms: dict[bytes, Mapping[str, Any]] = {}
    first = {hash_: index for index, hash_ in reversed(named_manifests(copy.entries))}
    for hash_, index in sorted(first.items(), key=lambda item: item[1]):
        name = f"The manifest of entry {index:,} ({hash_.hex()[:8]}…)"
        data = copy.manifests.get(hash_)
        if data is None:
            wrong(f"{name} is not here.")
        elif sha256(data).digest() != hash_:
            wrong(f"{name} was changed: its hash is not the one that the log names.")
        elif (found := _terms(data)) is None:
            wrong(f"{name} is not written as a manifest is.")
        else:
            terms[hash_] = found
            _check_log(name, found["log"], head, wrong)
    return terms


def _terms(data: bytes) -> Mapping[str, Any] | None:
    try:
        document = strict.parse(data)
    except ValueError:
        return None
    terms = document.get("terms") if isinstance(document, dict) else None
    return terms if isinstance(terms, dict) and isinstance(terms.get("log"), dict) else None


def _check_log(name: str, log: Mapping[str, Any], head: Head, wrong: Wrong) -> None:
    if head.claim and log.get("origin") != head.claim.origin:
        wrong(f"{name} belongs to another log than this checkpoint.")
    if head.policy.logs and log.get("key") not in [str(key) for key in head.policy.logs]:
        wrong(f"{name} names a key for its log that is not in the policy.")


def promise_keys(terms: Terms) -> list[Verifier]:
    """The keys by which the manifests say that promises are signed. docs/log-format.md "Promise"."""
    keys = []
    for vkey in {str(one["log"].get("promise_key")): None for one in terms.values()}:
        try:
            keys.append(Verifier.parse(vkey))
        except tlog.TlogError:
            continue
    return keys
