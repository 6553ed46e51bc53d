"""Revoke signatures that an organiser's audit found to be duplicates or fakes. The public log shows it."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sabal.database import Database
from sabal.ledger import bundles, tables
from sabal.ledger.log import Incomplete, Log
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.records.revocations import Revocation, Revocations, check
from sabal.signing.writer.rows import SAME_COMMITMENT, owners_of
from sabal.signing.writer.withdraw import erase_entries, erase_owned, record_withdrawals
from tlog import entry
from tlog.entry import ENTRY_BYTES, Reason, Type
from tlog.tiles import WIDTH

CHUNK = 200


@dataclass(frozen=True)
class Effect:
    """What a proposal does to a log: the signatures that would no longer count, and how many already do not."""

    items: tuple[Revocation, ...]
    before: int

    @property
    def by_reason(self) -> Mapping[Reason, int]:
        """Return the number of signatures for each reason."""
        return Counter(item.reason for item in self.items)


@dataclass(frozen=True)
class Done:
    """The number of signatures that were revoked now, and of those that already did not count."""

    revoked: int
    before: int


def effect(database: Database, petition_id: int, origin: str, proposed: Revocations) -> Effect:
    """Return what a proposal does. Raises ReadOnly, and RevocationsError if the file does not fit the log."""
    log = tables.get(database, petition_id)
    log.refuse_read_only()
    leaving = _leaving(database, petition_id, log)
    items = tuple(item for item in proposed.items if item.index not in leaving)
    signs = set(_signs_among(database, log, {item.index for item in items}))
    check(replace(proposed, items=items), origin, log.size, signs)
    return Effect(items, len(proposed.items) - len(items))


def revoke(
    database: Database,
    petition: PetitionSnapshot,
    proposed: Revocations,
    go_on: Callable[[int, int], bool] = lambda done, of: True,
) -> Done:
    """Erase the signatures of a proposal. The next batch writes each revocation into the log.

    Signatures that already do not count are skipped, so the same file can be used again after a crash. Runs in
    transactions of 200. Before each, `go_on` gets the number that is done, and of how many; if it returns False, the
    rest stays as it is. Raises ReadOnly, and RevocationsError if the file does not fit the log.
    """
    found = effect(database, petition.id, petition.origin, proposed)
    commitments = {item.index: _commitment(database, petition.id, item.index) for item in found.items}
    # Found before, because looking for a commitment reads all signatures, and signing would wait for that.
    owners = owners_of(database, petition.id, set(commitments.values()))
    done = 0
    for reason in sorted(found.by_reason):
        same = [commitments[item.index] for item in found.items if item.reason == reason]
        for start in range(0, len(same), CHUNK):
            if not go_on(done, len(found.items)):
                return Done(done, found.before)
            done += _revoke(database, petition, same[start : start + CHUNK], owners, int(reason))
    go_on(done, len(found.items))
    return Done(done, found.before)


def _revoke(
    database: Database,
    petition: PetitionSnapshot,
    commitments: Sequence[bytes],
    owners: Mapping[bytes, bytes],
    reason: int,
) -> int:
    with database.transaction():
        erased = erase_owned(database, [owners[c] for c in commitments if c in owners], reason)
        # The others were withdrawn meanwhile, have another token hash since they became late, or their records were
        # lost before a restore, and they are known only from the log.
        others = [c for c in commitments if c not in erased]
        lost = set(others) - erase_entries(database, others, reason)
        record_withdrawals(database, petition.id, petition.version_id, sorted(lost), reason)
    return len(commitments)


def _leaving(database: Database, petition_id: int, log: Log) -> set[int]:
    """Return the indexes of sign entries that are revoked or will be with the next batch."""
    waiting = database.query(
        "SELECT p.idx FROM signing_withdrawal s CROSS JOIN signing_log_index p"
        f" WHERE {SAME_COMMITMENT} AND s.petition_id = ?",
        (petition_id,),
    )
    return {row[0] for row in waiting} | set(bundles.revoked(database, petition_id, log.size))


def _signs_among(database: Database, log: Log, indexes: set[int]) -> Iterator[int]:
    """Yield those of the indexes whose entry is a signature."""
    asked: dict[int, list[int]] = defaultdict(list)
    for index in indexes:
        asked[index // WIDTH].append(index)
    for number, data in enumerate(bundles.entries(database, log.petition_id, 0, log.size)):
        for index in asked.get(number, ()):
            at = index % WIDTH * ENTRY_BYTES
            if data[at + 1 : at + 2] == bytes([Type.SIGN]):
                yield index


def _commitment(database: Database, petition_id: int, index: int) -> bytes:
    found = entry.parse(b"".join(bundles.entries(database, petition_id, index, index + 1)))
    if not isinstance(found, entry.Sign):
        raise Incomplete(f"entry {index} of petition {petition_id}'s log is not a signature")
    return found.commitment
