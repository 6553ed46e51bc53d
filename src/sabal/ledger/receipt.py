"""What a signer holds: the promise that the log will have the signature, and later the proof that it does."""

from sabal import days
from sabal.ledger.publication import publication
from sabal.ledger.tables import Incomplete
from sabal.petitions.profile import Profile
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.signing.writer.confirm import HELD_DAYS
from tlog import HashReader, Promise, Proof, entry, inclusion_proof, leaf_hash

SPARE_DAYS = 2  # the day that has begun, and one for a house that stood still


class NoPromise(Exception):
    """The key that signs promises is missing."""


def include_by(profile: Profile, today: int) -> int:
    """The moment (POSIX seconds, a midnight) by which the log has what is confirmed today (days since 1970).

    The same for every signature of a petition: held ones wait for seven days, and every one for a batch.
    """
    wait = -(-profile.longest_wait // days.SECONDS)
    return (today + HELD_DAYS + wait + SPARE_DAYS) * days.SECONDS


def promise(petition: PetitionSnapshot, commitment: bytes, today: int) -> bytes:
    """The signed promise of an entry with this commitment. docs/log-format.md "Promise". Raises NoPromise."""
    if petition.promise_key is None:
        raise NoPromise
    leaf = leaf_hash(entry.Sign(commitment).encode())
    by = include_by(petition.profile, today)
    return Promise(petition.origin, leaf, by).sign(petition.promise_key)


def proof(petition: PetitionSnapshot, index: int, w: bytes) -> bytes:
    """The proof file of the entry at `index`, under the checkpoint that is shown. c2sp.org/tlog-proof.

    With w (`extra`) and the mailed link it can be shown whose entry it is. Tiles that are missing as files are made
    from the database. Raises Incomplete where the checkpoint does not reach as far.
    """
    size = petition.counts.log_size
    if not index < size:
        raise Incomplete(f"the log of petition {petition.id} does not reach entry {index} yet")
    path = inclusion_proof(index, size, HashReader(size, publication(petition).fetch))
    return Proof(index, tuple(path), petition.counts.checkpoint, w or None).encode()
