"""Finalise a petition: end it for good, once it cannot be reopened and no emailed link can confirm any more."""

from datetime import date, timedelta

from sabal.database import Database
from sabal.keys.keystore import KeyStore
from sabal.ledger.sequencer import Sequencer
from sabal.petitions.profile import REOPEN_DAYS, first_day
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
    """Finalise a petition if it is due, and return whether that was done. Raises what sequencing raises.

    First the pepper, the dedupe tags and every w are destroyed: then no email address can be tested against the tags,
    and no emailed link leads to an entry. This does not wait for the log. Then everything that waits enters the log,
    and the log is closed. Then the key of countries and languages is destroyed, because nothing is added to these sums
    any more. Links stay valid for withdrawing. Each step can be repeated; the state changes last.
    """
    if not _is_due(petition, today):
        return False
    epochs.forget_epoch(database, keystore, petition.id, petition.pepper_epoch)
    tidy.forget_w(database, petition.id)
    sequencer.close(database, petition, now)
    tidy.forget_buckets(database, keystore, petition.id)
    database.execute(
        "UPDATE petitions_petition SET state = 'finalised', revision = revision + 1 WHERE id = ? AND state = 'closed'",
        (petition.id,),
    )
    return True


def _is_due(petition: PetitionSnapshot, today: date) -> bool:
    if petition.state != "closed" or petition.closed_on is None:
        return False
    reopenable = (
        today <= petition.closed_on + timedelta(days=REOPEN_DAYS)
        and today <= petition.definition.last_day
        and not petition.finalise_early
    )
    return today >= first_day(petition.closed_on) and not reopenable
