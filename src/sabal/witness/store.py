"""The store of a witness: its key, and the newest checkpoint that it cosigned of each log.

The store is a text file, which the operator can read. It is written to a second file, flushed and moved into place
before the answer is sent (`sabal.private`). A witness has few logs and one writer, so a database would be one more
dependency without a benefit. Each checkpoint has the signatures of the log and of the witness, so a damaged one does
not verify. The lock is on the key file, which is never replaced, so only one process signs with a key.
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
    """The newest checkpoint of a log, its note with the log's signature and ours, and the time of ours."""

    checkpoint: Checkpoint
    note: bytes
    time: int


class Store:
    """An opened store. `close` releases its key for another process. Do not use it from two threads at once."""

    def __init__(self, path: Path, witness: Cosigner, seen: dict[str, Seen], lock: int) -> None:
        self.witness = witness
        self._path, self._seen, self._lock = path, seen, lock
        self.written = True
        """True if everything in memory is on disk."""

    @classmethod
    def create(cls, path: Path, key: Path, name: str) -> Self:
        """Create a key and an empty store. Raises Refusal if one of the files exists, and OSError."""
        for file in (path, key):
            if os.path.lexists(file):
                raise Refusal(f"{file} exists already. --new is for the first start only. Leave it out now.")
        seed = secrets.token_bytes(SEED_BYTES)
        witness = _cosigner(name, seed)
        # Create the key first. A crash after it leaves a key that has signed nothing, and `open` refuses it.
        private.create(key, [seed.hex().encode() + b"\n"])
        private.create(path, [_encode(witness, {})])
        return cls(path, witness, {}, _lock(key))

    @classmethod
    def open(cls, path: Path, key: Path) -> Self:
        """Open the store and its key. Raises Refusal if one of them is damaged or missing, and OSError."""
        if not key.exists():
            raise Refusal(f"There is no key at {key}. A witness's first start needs --new and --name.")
        lock = _lock(key)
        try:
            witness, seen = _read(path, _seed(key))
        except BaseException:
            os.close(lock)
            raise
        return cls(path, witness, seen, lock)

    def seen(self, origin: str) -> Seen | None:
        """Return the newest checkpoint of a log. It was stored, or may have been stored before an error."""
        return self._seen.get(origin)

    def put(self, origin: str, seen: Seen) -> None:
        """Store a log's newest checkpoint. It is on disk when this returns. Raises OSError.

        After an error the disk may have the old or the new checkpoint. So the new one counts: a checkpoint that does
        not continue it is refused. If the log asks again, the new one is stored again.
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
    """Parse one log's note. Raises TlogError, and ValueError if the note is of another log."""
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


def _lock(key: Path) -> int:
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
