"""Seal: what ends a petition for good, once it can no longer be reopened and no letter can be confirmed any more."""

from datetime import date, timedelta

from sabal.database import Database
from sabal.keys.keystore import KeyStore
from sabal.ledger.sequencer import Sequencer
from sabal.petitions.profile import GRACE_DAYS, REOPEN_DAYS
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.signing import epochs, tidy


def finalise_due(
    database: Database,
    keystore: KeyStore,
    sequencer: Sequencer,
    petition: PetitionSnapshot,
    today: date,
    now: float,
) -> bool:
    """Seal a petition whose time has come; whether that was now. Raises what sequencing raises.

    Pepper, tags and w are destroyed: from then on nobody can test an address, and no letter leads to an entry. That
    waits for no log. Then everything that waits enters it, and its last word closes it. Links stay, to withdraw. Each
    step can be done again; the state moves last.
    """
    if not _is_due(petition, today):
        return False
    epochs.forget_epoch(database, keystore, petition.id, petition.pepper_epoch)
    tidy.forget_w(database, petition.id)
    sequencer.close(database, petition, now)
    database.execute(
        "UPDATE petitions_petition SET state = 'finalised', revision = revision + 1 WHERE id = ? AND state = 'closed'",
        (petition.id,),
    )
    return True


def _is_due(petition: PetitionSnapshot, today: date) -> bool:
    if petition.state != "closed" or petition.closed_on is None:
        return False
    # A day more than a click is taken: one that was judged before midnight may be committed after it, or by a clock
    # that is behind.
    confirmable = today <= petition.closed_on + timedelta(days=GRACE_DAYS + 1)
    reopenable = (
        today <= petition.closed_on + timedelta(days=REOPEN_DAYS) and today <= petition.definition.last_day
    )
    return not confirmable and not reopenable
