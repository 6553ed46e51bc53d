"""What the worker does once an hour: delete and close what is due, and restore public files that are missing.

It runs in the thread that counts, because finalising and the end of a retention write to the logs. The record of who
got which mailing is deleted in the thread of the mailings (`mailings/forgetting.py`).
"""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager

from sabal import days
from sabal.bounces import take
from sabal.counted import counted
from sabal.database import Database
from sabal.keys.keyring import is_first_day, was_up
from sabal.keys.keystore import KeyStore
from sabal.ledger.finalise import finalise_due
from sabal.ledger.sequencer import Sequencer
from sabal.mail.tidy import tidy_keys
from sabal.newsletter import subscription
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.petitions.snapshots import Snapshots
from sabal.signing import drain, epochs, late, reminder, retention, tidy

logger = logging.getLogger("sabal.worker")


class Tidying:
    """The hourly tidying of one worker.

    `forget_old` deletes what the desk keeps for a time. `isolated` keeps an error of one petition's log from stopping
    the others.
    """

    def __init__(
        self,
        keystore: KeyStore,
        sequencer: Sequencer,
        forget_old: Callable[[], None],
        isolated: Callable[[PetitionSnapshot], AbstractContextManager[None]],
    ) -> None:
        self._keystore, self._sequencer = keystore, sequencer
        self._forget_old, self._isolated = forget_old, isolated
        self._rekeyed_on: dict[int, int] = {}  # the day (since 1970) by petition

    def round(self, database: Database, snapshots: Snapshots, now: float) -> bool:
        """Do all that is due at `now` (Unix time in seconds). Return False if it is to be tried again in a minute."""
        self._repair(database, snapshots)
        return self._tidy(database, snapshots, now)

    def _repair(self, database: Database, snapshots: Snapshots) -> None:
        """Restore the public files of this machine that are missing or changed."""
        for petition in snapshots.published():
            with self._isolated(petition):
                if restored := self._sequencer.repair(database, petition):
                    logger.error(
                        "missing or wrong, and made again: %s of a log", counted(len(restored), "public file")
                    )

    def _tidy(self, database: Database, snapshots: Snapshots, now: float) -> bool:
        """Delete and close what is due today, in one process of all. Return False if another process writes a batch."""
        today = days.number_at(now)
        with database.leader("tidy") as leads, database.leader("ledger") as counts:
            if not leads:
                return True
            if not counts:  # finalising writes to the logs, which only one process may do at a time
                return False
            if not was_up(database, today - 1):
                # A clock that is far ahead would delete every signature. A server that was down waits a day.
                if not is_first_day(database, today):
                    logger.info(
                        "nothing is deleted today, because this server was not running yesterday (or its clock says so)"
                    )
                return True
            expired = tidy.expire(database, today)
            subscription.expire(database, today)
            take.forget(database, today)
            for petition in snapshots.published():
                self._tidy_petition(database, petition, now)
            reminder.forget(database, snapshots, today)
            self._forget_old()
            gone = tidy_keys(database, self._keystore, today, reminder.mail_days(database))
            logger.info("tidied: %d pending expired, destroyed: %s", expired, counted(len(gone), "mail key"))
            return True

    def _tidy_petition(self, database: Database, petition: PetitionSnapshot, now: float) -> None:
        today = days.number_at(now)
        day = days.date_of(today)
        if tidy.close_due(database, petition, day):
            logger.info("a petition's last day has passed: it is closed")
        self._end_retention(database, petition, now)
        with self._isolated(petition):
            if finalise_due(database, self._keystore, self._sequencer, petition, day, now):
                logger.info("a petition is finalised: its log is closed; its keys, tags and w are deleted")
        self._rekey_late_links(database, petition, today)
        if drained := drain.drain(database, petition.id, day):
            logger.info("deleted because the organiser holds them: %s", counted(drained, "sealed record"))
        if epochs.forget_old_epochs(database, self._keystore, petition):
            logger.info("an old dedupe key that a crash had left is deleted")
        if epochs.renew_epoch(database, self._keystore, petition, today):
            logger.info("a new dedupe period began: the old dedupe key and its tags are deleted")

    def _end_retention(self, database: Database, petition: PetitionSnapshot, now: float) -> None:
        if retention.is_over(database, petition, days.date_of(days.number_at(now))):
            erased = retention.erase_records(database, petition.id)
            logger.info("a petition's retention day has passed. Deleted: %s", counted(erased, "record"))
            with self._isolated(petition):
                self._sequencer.sequence_all(database, petition, now)
            # Also if that failed: the day was promised, and the log can continue with C alone.
            retention.erase_signers(database, self._keystore, petition)

    def _rekey_late_links(self, database: Database, petition: PetitionSnapshot, today: int) -> None:
        """Search once a day: links become late with the day, and the search reads all signatures."""
        if self._rekeyed_on.get(petition.id) == today:
            return
        if rekeyed := late.rekey(database, petition, today):
            logger.info(
                "late, and now only for withdrawing: %s of a guarded petition", counted(rekeyed, "link")
            )
        self._rekeyed_on[petition.id] = today
