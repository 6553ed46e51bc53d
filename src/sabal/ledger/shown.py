"""What public processes have shown of each log: they never show a smaller checkpoint, even if the database has one.

A standby that takes over, or an older database that is put back, may lack entries that people have seen. Until the log
has adopted them, pages show the last numbers and the checkpoint that belongs to them. They are also kept in a file, so
that they survive a restart and tell `sabal restore --adopt` what was shown.
"""

import json
import logging
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from sabal import locks, private, settings
from sabal.ledger.policy import log_key
from sabal.logs import where
from sabal.petitions.counts import Counts
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.petitions.snapshots import Snapshots
from tlog import TlogError, Verifier, checkpoint

logger = logging.getLogger(__name__)
REPORT_EVERY = 60.0  # seconds


class ShownSnapshots(Snapshots):
    """The snapshots of a public process. The numbers and the checkpoint of a log never go back."""

    def __init__(self, ticks: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._logs: dict[bytes, _Shown] = {}  # by the hash of the manifest, which names the log's key
        self._ticks = ticks

    def know(self, petitions: Iterable[PetitionSnapshot]) -> None:
        """Replace all snapshots with these; where a log went back, keep what was shown of it."""
        super().know([self._largest(petition) for petition in petitions])

    def _largest(self, petition: PetitionSnapshot) -> PetitionSnapshot:
        if not petition.origin:  # a draft has no log
            return petition
        log = self._logs.get(petition.manifest_hash)
        if log is None:
            key = log_key(petition.manifest)
            # The same log may be known by an older manifest.
            log = next((one for one in self._logs.values() if one.key == key), None) or _Shown(
                key, _load(key)
            )
            self._logs[petition.manifest_hash] = log
        return replace(petition, counts=log.largest(petition, self._ticks()))


@dataclass
class _Shown:
    key: Verifier
    counts: Counts
    reported_at: float = field(default=float("-inf"))

    def largest(self, petition: PetitionSnapshot, now: float) -> Counts:
        """Return the numbers to show: the petition's, or the ones that were shown if the log went back since."""
        new, shown = petition.counts, self.counts
        if _goes_back(new, shown):
            if now >= self.reported_at + REPORT_EVERY:
                self.reported_at = now
                logger.critical(
                    "the database has %d of the entries of the log of petition %d, and %d were shown: pages show these"
                    " until the log adopts them. Next: sabal restore --adopt",
                    new.log_size, petition.id, shown.log_size,
                )  # fmt: skip
            # Names that were withdrawn since must not be shown.
            names = tuple(name for name in shown.names if name in new.names)
            return replace(shown, names=names, witnesses=new.witnesses)
        self.counts = new
        if new.checkpoint != shown.checkpoint:
            _save(self.key, new)
        return new


def shown_checkpoint(key: Verifier) -> bytes | None:
    """Return the largest checkpoint of this log that a public process of this machine has shown; None if unknown."""
    return _load(key).checkpoint or None


def _goes_back(new: Counts, shown: Counts) -> bool:
    """Return whether the new checkpoint has fewer entries than the shown one, or others."""
    if new.log_size != shown.log_size or not new.checkpoint or new.checkpoint == shown.checkpoint:
        return new.log_size < shown.log_size
    return checkpoint.peek(new.checkpoint).root != checkpoint.peek(shown.checkpoint).root


def _file(key: Verifier) -> Path:
    return settings.DATA / "shown" / f"{key.key_id.hex()}.json"


def _load(key: Verifier) -> Counts:
    """Read what was shown; nothing if there is no whole file of this log."""
    try:
        saved = json.loads(_file(key).read_bytes())
        note = saved.pop("checkpoint").encode()
        opened = checkpoint.open(note, [key]).checkpoint
        saved["countries"] = tuple((code, int(n)) for code, n in saved["countries"])
        reasons = saved.get("invalidated_by", ())  # a file of an older version has none
        saved["invalidated_by"] = tuple((int(reason), int(n)) for reason, n in reasons)
        return Counts(**saved, names=(), log_size=opened.size, checkpoint=note)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, TlogError):
        return Counts()


def _save(key: Verifier, counts: Counts) -> None:
    """Write what is shown, unless another process has shown more. Names are not written."""
    path = _file(key)
    values = asdict(counts) | {"checkpoint": counts.checkpoint.decode()}
    del values["names"], values["log_size"]
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            locks.take(lock, wait=True)
            if not _goes_back(counts, _load(key)):
                private.replace(path, [json.dumps(values).encode()])
        finally:
            os.close(lock)
    except OSError as error:  # pages do not wait for a disk; the next checkpoint is written again
        logger.error("what is shown of a log could not be written: %s", where(error))
