"""A signer's receipt: the promise that the log will have the signature, and later the proof that it has it."""

from sabal import days
from sabal.ledger.log import Incomplete
from sabal.ledger.publication import publication
from sabal.petitions.profile import Profile
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.signing.writer.confirm import HELD_DAYS
from tlog import HashReader, Promise, Proof, entry, inclusion_proof, leaf_hash

SPARE_DAYS = 2  # one for the current day, and one in case the server is down


class NoPromise(Exception):
    """The key that signs promises is missing."""


def include_by(profile: Profile, today: int) -> int:
    """Return the midnight by which the log has the signatures that are confirmed on the day `today`.

    `today` is in days since 1970; the result is Unix time (seconds). It is the same for every signature of a petition,
    held or not. A held signature waits seven days, and then for a batch like every other.
    """
    wait = -(-profile.longest_wait // days.SECONDS)
    return (today + HELD_DAYS + wait + SPARE_DAYS) * days.SECONDS


def promise(petition: PetitionSnapshot, commitment: bytes, today: int) -> bytes:
    """Return a signed promise of the entry with this commitment. docs/log-format.md "Promise". Raises NoPromise."""
    if petition.promise_key is None:
        raise NoPromise
    leaf = leaf_hash(entry.Sign(commitment).encode())
    by = include_by(petition.profile, today)
    return Promise(petition.origin, leaf, by).sign(petition.promise_key)


def proof(petition: PetitionSnapshot, index: int, w: bytes) -> bytes:
    """Return the proof file of the entry at `index` under the published checkpoint. c2sp.org/tlog-proof.

    With w (`extra`) and the emailed link, a signer can show that the entry is theirs. Tiles whose files are missing
    are made from the database. Raises Incomplete if the checkpoint does not reach the entry.
    """
    size = petition.counts.log_size
    if not index < size:
        raise Incomplete(f"the log of petition {petition.id} does not reach entry {index} yet")
    path = inclusion_proof(index, size, HashReader(size, publication(petition).fetch))
    return Proof(index, tuple(path), petition.counts.checkpoint, w or None).encode()
