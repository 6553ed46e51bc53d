"""A petition's log as its row in the database says it: how far it is, and whether it may be continued."""

from dataclasses import dataclass, fields

from sabal.database import Row
from sabal.refusal import Refusal
from tlog import Frontier

HASH_BYTES = 32
ALL = b"\xff" * HASH_BYTES  # as `reached`: the current batch has taken every signature


class Incomplete(Refusal):
    """The database lacks a part of the log."""


class Overtaken(Refusal):
    """Another process changed the log meanwhile: roll this transaction back, and read the log again."""


class ReadOnly(Refusal):
    """The log was restored from a backup, or its database failed over or was copied.

    Nothing may be appended, because later entries may have been published.
    """


@dataclass(frozen=True, slots=True)
class Log:
    """The row of a log in the database, as it was read. Its fields are the columns of `ledger_log`, but for `here`."""

    petition_id: int
    size: int
    compact_range: tuple[bytes, ...]
    manifest_hash: bytes  # of the manifest in force
    closed: bool
    reached: bytes  # the last commitment that the current batch has taken; empty between batches
    signed: bytes
    signed_size: int
    published: bytes  # empty until the first checkpoint was published
    published_size: int
    batch: int
    witnesses: str  # lines of a policy (c2sp.org/tlog-policy): witness, group, quorum
    read_only: bool = False  # after a restore (ledger/adopt.py)
    seen_size: int = 0  # of the largest checkpoint seen elsewhere since the restore
    written_in: str = ""  # the identity of the database in which the log may continue
    here: str = ""  # the identity of the database from which this row was read

    @property
    def root(self) -> bytes:
        """Return the root over all sequenced entries."""
        return Frontier(self.size, self.compact_range).root()

    @property
    def moved(self) -> bool:
        """Return whether this is another database than the one in which the log was written last."""
        return self.written_in != self.here

    @property
    def writable(self) -> bool:
        """Return whether entries may be appended."""
        return not (self.read_only or self.moved)

    @property
    def why_read_only(self) -> str:
        """Return a clause that says why nothing may be appended."""
        if self.read_only:
            return "since the restore, because it is not known here what was published after the backup"
        return (
            "because its database failed over to a standby, or was copied or moved, and may lack entries that were"
            f" published (the log was written in {self.written_in or 'an unknown database'}; this is {self.here})"
        )

    def refuse_read_only(self) -> None:
        """Raise ReadOnly if nothing may be appended."""
        if not self.writable:
            raise ReadOnly(
                f"The log of petition {self.petition_id} is read-only {self.why_read_only}. Next: sabal restore --adopt"
                f"{' --copy MIRROR' if self.read_only else ''}"
            )


COLUMNS = tuple(field.name for field in fields(Log) if field.name != "here")
_BYTES = ("manifest_hash", "reached", "signed", "published")


def from_row(row: Row) -> Log:
    """Return the log of a row, whose columns are in the order of the fields; the database's identity is the last."""
    values = dict(zip((*COLUMNS, "here"), row, strict=True))
    hashes = bytes(values["compact_range"])
    values |= {name: bytes(values[name]) for name in _BYTES}
    values |= {name: bool(values[name]) for name in ("closed", "read_only")}
    values["compact_range"] = tuple(hashes[at : at + HASH_BYTES] for at in range(0, len(hashes), HASH_BYTES))
    return Log(**values)


def to_row(log: Log) -> list[object]:
    """Return the row of a log, with its columns in the order of the fields."""
    return [
        b"".join(log.compact_range) if name == "compact_range" else getattr(log, name) for name in COLUMNS
    ]
