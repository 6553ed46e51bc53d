"""Bundles by public link: a letter offers the bundle that it names, and the worker of each machine makes its file.

What a crash means: before the folder of a bundle has its name, the next round makes it again.
"""

import hashlib
import logging
import os
import secrets
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

from sabal import days, private
from sabal.checking.copy import CannotCheck
from sabal.counted import counted
from sabal.database import Database
from sabal.dossier.bundle import BundleFile, bundle_of, name_of, write_at
from sabal.keys.keyring import was_up
from sabal.ledger import offers
from sabal.ledger.offers import Offer
from sabal.limits.capacity import disk_has_room
from sabal.logs import where
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.petitions.snapshots import Snapshots

KEPT = timedelta(days=365)  # from the day of the newest letter that names it
# Seconds since a file was made until it is deleted, if no row offers it: as long as a letter can promise, and a month.
# After a restore of an older backup, letters that were sent since name files without a row.
WITHOUT_ROW = 396 * 86_400
DRAFT_AFTER = 3_600  # seconds until an unfinished file is one that a crash left
LOOK_EVERY, TIDY_EVERY = 2.0, 3_600.0  # seconds

logger = logging.getLogger(__name__)


def offered_bundle(
    database: Database, petition: PetitionSnapshot, day: date, *, preview: bool = False
) -> BundleFile | None:
    """Return the bundle that a letter of that day names, with its link if it can have one, and offer it.

    A preview has the same link, and offers nothing yet.
    """
    bundle = bundle_of(database, petition)
    if bundle is None:
        return None
    until = day + KEPT
    if preview:
        there = offers.can_offer(database, petition, bundle.sha256)
    else:
        there = offers.offer(database, petition, bundle.sha256, until)
    return replace(bundle, url=offers.address(petition, bundle.sha256), until=until) if there else bundle


class Offering:
    """The files of the bundles on this machine. The worker of each machine has one."""

    def __init__(
        self, ticks: Callable[[], float] = time.monotonic, clock: Callable[[], float] = time.time
    ) -> None:
        self._ticks, self._clock = ticks, clock
        self._next = self._next_tidy = float("-inf")
        # The files that are there, or failed, since the last tidying.
        self._seen: set[tuple[int, str]] = set()

    def work(self, database: Database, snapshots: Snapshots) -> None:
        """Make the files that are missing, and once an hour delete the old ones. Raises the drivers' errors."""
        if (ticks := self._ticks()) < self._next:
            return
        self._next = ticks + LOOK_EVERY
        if ticks >= self._next_tidy:
            self._next_tidy = ticks + TIDY_EVERY
            self._seen.clear()
            # A clock that is far ahead would delete everything. A server that was down waits a day.
            if was_up(database, (today := days.number_at(self._clock())) - 1):
                offers.forget_old(database, today)
                self._tidy({sha256 for _, sha256 in offers.offers(database)})
        for number, sha256 in offers.offers(database):
            petition = snapshots.by_id(number)
            if (number, sha256) in self._seen or petition is None or petition.state == "draft":
                continue
            one = None if offers.find(petition, sha256) else offers.read(database, number, sha256)
            if one is not None:
                self._try(database, petition, one)
            self._seen.add((number, sha256))

    def _try(self, database: Database, petition: PetitionSnapshot, one: Offer) -> None:
        """Make one file. One that cannot be made is tried again within an hour."""
        try:
            if make(database, petition, one):
                return
            reason = "the programs in it have changed since"
        except (OSError, CannotCheck) as error:
            reason = where(error)
        logger.error("a bundle of petition %d cannot be offered: %s", petition.id, reason)

    def _tidy(self, offered: set[str]) -> None:
        """Delete the files that no row offers any more, and what a crash has left."""
        gone = 0
        for path in offers.folder_of("").glob("*/*"):
            age = self._clock() - path.stat().st_mtime
            if age > (DRAFT_AFTER if path.name.startswith(".") else WITHOUT_ROW) and path.name not in offered:
                shutil.rmtree(path)
                gone += 1
        if gone:
            logger.info("deleted: %s that no letter offers any more", counted(gone, "bundle"))


def make(database: Database, petition: PetitionSnapshot, one: Offer) -> bool:
    """Make the file of an offer, whole or not at all. Return False if it would have another SHA-256.

    Raises OSError, also if the disk is nearly full: signing comes first. Raises CannotCheck if the log is not whole.
    """
    final = offers.folder_of(petition.slug, one.sha256)
    final.parent.mkdir(parents=True, exist_ok=True)
    if not disk_has_room(final.parent):
        raise OSError("the disk has no room")
    draft = final.with_name(f".{one.sha256}.{secrets.token_hex(4)}")
    draft.mkdir()
    try:
        path = draft / name_of(petition, one.checkpoint)
        with path.open("wb") as file:
            write_at(database, petition.id, one.checkpoint, one.policy, file)
            file.flush()
            os.fsync(file.fileno())
        if _sha256(path) != one.sha256:
            return False
        private.flush(draft)
        draft.rename(final)
        private.flush(final.parent)
        return True
    except OSError:
        if final.is_dir():  # another worker of this machine was first
            return True
        raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
