"""What a witness must never forget: its key, and the newest checkpoint that it cosigned of each log.

A text file, written aside and moved into place, flushed before anything is answered (`sabal.private`). A witness has a
handful of logs and one writer, so a database would bring nothing but a library; and its operator can read this with
`less`. Each checkpoint stands there with the log's signature and our own, so a damaged one does not verify. The lock is
on the key's file, which is never replaced: whoever signs with this key, signs alone.
"""

import contextlib
import json
import os
import secrets
import stat
from pathlib import Path
from typing import NamedTuple, Self

from sabal import locks, private
from sabal.refusal import Refusal
from tlog import Checkpoint, Cosigner, TlogError, cosigned_at, note

FORMAT = "sabal witness store, version 1"
SEED_BYTES = 32

NEW_ONE = (
    "A witness without its store would sign anything, so do not continue with this key. Make a new one with --new"
    " under other file names, and give its line to the organisers in place of the old one."
)


class Seen(NamedTuple):
    """The newest checkpoint of a log, the note with the log's signature and ours, and our signature's time."""

    checkpoint: Checkpoint
    note: bytes
    time: int


class Store:
    """An opened store; `close` frees its key for another process. Not for two threads at once."""

    def __init__(self, path: Path, witness: Cosigner, seen: dict[str, Seen], lock: int) -> None:
        self.witness = witness
        self._path, self._seen, self._lock = path, seen, lock
        self.written = True
        """Whether the disk holds all that `seen` tells."""

    @classmethod
    def create(cls, path: Path, key: Path, name: str) -> Self:
        """A fresh key and an empty store, where neither is; raises Refusal and OSError."""
        for file in (path, key):
            if os.path.lexists(file):
                raise Refusal(f"{file} exists already. --new is for the first start only. Leave it out now.")
        seed = secrets.token_bytes(SEED_BYTES)
        witness = _cosigner(name, seed)
        # The key first: a crash in between leaves a key that has signed nothing, and that is refused.
        private.create(key, [seed.hex().encode() + b"\n"])
        private.create(path, [_encode(witness, {})])
        return cls(path, witness, {}, _locked(key))

    @classmethod
    def open(cls, path: Path, key: Path) -> Self:
        """The store and the key that it was kept with; raises Refusal on anything that is not whole, and OSError."""
        if not key.exists():
            raise Refusal(f"There is no key at {key}. A witness's first start needs --new and --name.")
        lock = _locked(key)
        try:
            witness, seen = _read(path, _seed(key))
        except BaseException:
            os.close(lock)
            raise
        return cls(path, witness, seen, lock)

    def seen(self, origin: str) -> Seen | None:
        """The newest checkpoint of a log that was, or may have been, stored."""
        return self._seen.get(origin)

    def put(self, origin: str, seen: Seen) -> None:
        """Keep a log's newest checkpoint, on disk when this returns; raises OSError.

        After an error the disk may hold the old or the new one, so the new one counts: what does not go on from it is
        refused, and the log that asks again has it stored again.
        """
        self._seen[origin], self.written = seen, False
        private.replace(self._path, [_encode(self.witness, self._seen)])
        self.written = True

    def close(self) -> None:
        os.close(self._lock)


def _encode(witness: Cosigner, seen: dict[str, Seen]) -> bytes:
    logs = {origin: one.note.decode() for origin, one in sorted(seen.items())}
    whole = {"format": FORMAT, "witness": str(witness.verifier), "logs": logs}
    return json.dumps(whole, ensure_ascii=False, indent=1).encode() + b"\n"


def _read(path: Path, seed: bytes) -> tuple[Cosigner, dict[str, Seen]]:
    try:
        whole = json.loads(path.read_bytes())
        if whole["format"] != FORMAT or whole.keys() != {"format", "witness", "logs"}:
            raise ValueError
        vkey = whole["witness"]
        witness = _cosigner(vkey.partition("+")[0], seed)
        if vkey != str(witness.verifier):
            raise Refusal(f"{path} was kept with another key than this one. Name the key that belongs to it.")
        return witness, {origin: _seen(origin, text, witness) for origin, text in whole["logs"].items()}
    except FileNotFoundError:
        raise Refusal(f"There is a key, but no store at {path}. {NEW_ONE}") from None
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError, TlogError):
        raise Refusal(f"The store {path} is damaged. {NEW_ONE}") from None


def _seen(origin: str, text: str, witness: Cosigner) -> Seen:
    """One log's line of the store; raises TlogError, and ValueError where it stands under another's name."""
    opened = note.open(text.encode(), [witness.verifier])
    checkpoint = Checkpoint.parse(opened.text)
    if checkpoint.origin != origin:
        raise ValueError
    return Seen(checkpoint, text.encode(), cosigned_at(opened.verified[0].value))


def _cosigner(name: str, seed: bytes) -> Cosigner:
    try:
        return Cosigner(name, seed)
    except TlogError as error:
        raise Refusal(str(error)) from None


def _locked(key: Path) -> int:
    descriptor = os.open(key, os.O_RDONLY)
    if not locks.take(descriptor):
        os.close(descriptor)
        raise Refusal(
            f"Another witness is running with the key {key}. One key may be used by one process only."
        )
    return descriptor


def _seed(key: Path) -> bytes:
    if private.POSIX and stat.S_IMODE(key.stat().st_mode) & 0o077:
        raise Refusal(
            f"Others may read the key {key}. Run chmod 600 {key}, and consider who may have a copy."
        )
    seed = b""
    with contextlib.suppress(ValueError):
        seed = bytes.fromhex(key.read_text(encoding="ascii").strip())
    if len(seed) != SEED_BYTES:
        raise Refusal(f"{key} is not a witness's key: it should hold {2 * SEED_BYTES} hexadecimal digits.")
    return seed
