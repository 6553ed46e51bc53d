"""Offers: bundles that anyone can download, because a letter to a recipient names them by their SHA-256.

An offer is a row, which backups have. The file is made from the database by the worker of each machine
(dossier/offering.py), in a folder that is named by its SHA-256 and has the one file under the name in the letter.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from sabal import days, settings
from sabal.database import Database
from sabal.ledger.policy import policy_of
from sabal.petitions.snapshot import PetitionSnapshot
from tlog import checkpoint

MOST, MOST_BYTES = 1_000, 2_000_000_000
"""The most offers of one petition, and the most bytes of their files together. With a million signatures, each has
35 MB."""
_CARRIED_BYTES, _ENTRY_BYTES = 250_000, 36  # what a file has at most without entries, and for each of them


@dataclass(frozen=True)
class Offer:
    """One row. `checkpoint` and `policy` are those of the bundle."""

    petition_id: int
    sha256: str
    checkpoint: bytes
    policy: bytes


def address(petition: PetitionSnapshot, sha256: str) -> str:
    """Return the address at which anyone can download a bundle that is offered."""
    return f"{settings.BASE_URL}/{petition.slug}/bundles/{sha256}.zip"


def folder_of(slug: str, sha256: str = "") -> Path:
    """Return the folder of one bundle on this machine, or that of all bundles of a petition."""
    return settings.DATA / "bundles" / slug / sha256


def find(petition: PetitionSnapshot, sha256: str) -> Path | None:
    """Return the file of a bundle on this machine. `sha256` is 64 hexadecimal digits; no others reach a file system."""
    with suppress(OSError):
        return next((one for one in folder_of(petition.slug, sha256).iterdir() if one.is_file()), None)
    return None


def can_offer(database: Database, petition: PetitionSnapshot, sha256: str) -> bool:
    """Return whether a bundle is offered, or can be. While first signatures are gathered, none is."""
    if petition.gathering:
        return False
    rows = database.query("SELECT sha256, checkpoint FROM ledger_offer WHERE petition_id = ?", (petition.id,))
    mine = {one: bytes(note) for one, note in rows}
    if sha256 in mine:
        return True
    files = [*mine.values(), petition.counts.checkpoint]
    together = sum(_CARRIED_BYTES + _ENTRY_BYTES * checkpoint.peek(note).size for note in files)
    return len(files) <= MOST and together <= MOST_BYTES


def offer(database: Database, petition: PetitionSnapshot, sha256: str, until: date) -> bool:
    """Offer the bundle of the checkpoint that pages show, at least until that day. Return whether it is offered.

    An offer of a bundle that is offered already is prolonged, and never shortened: the letter before names its day.
    """
    if not can_offer(database, petition, sha256):
        return False
    row = (petition.id, sha256, petition.counts.checkpoint, policy_of(petition), days.number(until))
    columns = ("petition_id", "sha256", "checkpoint", "policy", "until")
    if not database.insert("ledger_offer", columns, [row], ignore=True):
        database.execute(
            "UPDATE ledger_offer SET until = ? WHERE petition_id = ? AND sha256 = ? AND until < ?",
            (days.number(until), petition.id, sha256, days.number(until)),
        )
    return True


def offers(database: Database) -> list[tuple[int, str]]:
    """Return petition and SHA-256 of all offers."""
    return [
        (int(number), str(sha256))
        for number, sha256 in database.query("SELECT petition_id, sha256 FROM ledger_offer")
    ]


def read(database: Database, petition_id: int, sha256: str) -> Offer | None:
    """Return one offer; None if it was deleted."""
    rows = database.query(
        "SELECT checkpoint, policy FROM ledger_offer WHERE petition_id = ? AND sha256 = ?",
        (petition_id, sha256),
    )
    return next((Offer(petition_id, sha256, bytes(note), bytes(policy)) for note, policy in rows), None)


def forget_old(database: Database, today: int) -> int:
    """Delete the offers whose last day has passed, and return their number. `today` is in days since 1970."""
    return database.execute("DELETE FROM ledger_offer WHERE until < ?", (today,))
