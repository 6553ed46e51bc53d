"""The doctor's checks of one petition: its keys, its numbers, its log, what is kept and held, its languages."""

from collections.abc import Iterator
from datetime import UTC, datetime

from sabal import settings
from sabal.counted import counted, some_entries
from sabal.database import Database
from sabal.keys.keystore import bucket_key_name
from sabal.ledger import tables
from sabal.ledger.log import Log
from sabal.ledger.publication import WouldFork, publication
from sabal.operating.findings import Finding
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.signing import count, held
from sabal.signing.retention import holds_records

RETENTION_SOON = 60  # days


def examine(connection: Database, petition: PetitionSnapshot) -> Iterator[Finding]:
    """Examine a published petition."""
    yield from _pepper(petition)
    yield from _sums(connection, petition)
    yield from _log(connection, petition)
    yield from _retention(connection, petition)
    yield from _held(connection, petition)
    yield _languages(petition)


def _pepper(petition: PetitionSnapshot) -> Iterator[Finding]:
    if petition.state != "open":
        return
    if petition.ready_to_sign:
        yield Finding("ok", "D107", f"{petition.slug} has the keys that signing needs.")
    else:
        yield Finding(
            "wrong",
            "D107",
            f"{petition.slug} takes no signatures: its dedupe key is missing.",
            f"Nothing is lost. Restore the key from a backup, or: sabal keys renew-pepper {petition.slug}",
        )


def _sums(connection: Database, petition: PetitionSnapshot) -> Iterator[Finding]:
    slug, ended = petition.slug, petition.state == "finalised"
    if petition.bucket_key is None and not ended:
        yield Finding(
            "wrong",
            "D108",
            f"{slug}: its numbers by country and language are no longer kept up, because a key is missing.",
            f"Everything else is counted. Restore the key {bucket_key_name(petition.id)} from a backup.",
        )
    log = tables.find(connection, petition.id)
    if log is None or log.read_only:  # until it has adopted what was published, they are incomplete
        return
    fit, unopened = count.check_sums(connection, petition.id)
    if not fit:
        yield Finding(
            "wrong",
            "D212",
            f"The numbers of {slug} by day, country and language do not sum up to its count.",
            "The database was changed by another program, or is damaged. The log has the true count: sabal verify",
        )
    if unopened and not ended:
        yield Finding(
            "wrong",
            "D213",
            f"{counted(unopened, 'signature')} left {slug}, but it could not be read in which country.",
            "The page says so. A key was missing (D108), or the database was changed by another program.",
        )


def _log(connection: Database, petition: PetitionSnapshot) -> Iterator[Finding]:
    log, slug = tables.find(connection, petition.id), petition.slug
    if log is None:
        return
    if not log.writable:
        yield _read_only(log, slug)
    yield from _fork(connection, petition, log)
    if log.signed_size > log.published_size:
        ahead = log.signed_size - log.published_size
        are = "is" if ahead == 1 else "are"
        sentence = f"{some_entries(ahead)} of {slug}'s log {are} signed but not published yet."
        hint = (
            "They will be within seconds. If this stays, the worker's messages say why (journalctl -u sabal)."
        )
        yield Finding("warning", "D209", sentence, hint)
    if log.closed and (late := count.count_waiting(connection, petition.id)):
        yield Finding(
            "wrong",
            "D210",
            f"{counted(late, 'signature')} of {slug} can never enter its log, which was closed too early.",
            (
                "They were taken while the log was read-only after a restore. Their promises will be broken. Say so in"
                " public."
            ),
        )
    if lost := tables.lost(connection, petition.id):
        count_ = "counts, but its record was" if lost == 1 else "count, but their records were"
        sentence = f"{counted(lost, 'signature')} of {slug} {count_} lost before a restore."
        yield Finding("ok", "D207", sentence)


def _read_only(log: Log, slug: str) -> Finding:
    adopt = f"sabal restore --adopt {slug}"
    if log.read_only:
        hint = f"Nothing is counted until you bring a copy of it: {adopt} --copy FOLDER or ADDRESS"
    else:
        hint = (
            f"Nothing is counted until it is compared with what was published, where a worker runs: {adopt}\n"
            "If that machine lacks what was published, add: --copy FOLDER or ADDRESS\n"
            "If nothing can be compared, and the database is complete (a synchronous standby took over, or it was"
            " moved after a clean stop), add: --nothing-lost"
        )
    return Finding("wrong", "D206", f"{slug}'s log is read-only {log.why_read_only}.", hint)


def _fork(connection: Database, petition: PetitionSnapshot, log: Log) -> Iterator[Finding]:
    try:
        if log.writable:
            publication(petition).refuse_unknown(connection, log)
        publication(petition).refuse_ahead(connection, log)
    except WouldFork as fork:
        sentence = f"The log of {petition.slug} has stopped, and nothing is counted. {fork.found}"
        yield Finding("wrong", "D208", sentence, fork.next_step)


def _retention(connection: Database, petition: PetitionSnapshot) -> Iterator[Finding]:
    day = petition.definition.retention
    left = (day - datetime.now(UTC).date()).days
    if left > RETENTION_SOON or not holds_records(connection, petition.id):
        return
    if left >= -1:
        sentence = f"{petition.slug}: after {day} the server deletes the records that are left, as promised."
        hint = f"Fetch them while they are still here: sabal sealed {petition.slug} --out FILE"
        yield Finding("warning", "D205", sentence, hint)
    else:
        sentence = f"{petition.slug} holds records past {day}, the day by which signers were promised their deletion."
        yield Finding("wrong", "D205", sentence, "The worker deletes them. Is it running? sabal worker")


def _held(connection: Database, petition: PetitionSnapshot) -> Iterator[Finding]:
    found = [(why, number) for why, number in held.overview(connection, petition.id) if number]
    for why, number in found:
        sentence = f"{petition.slug}: {counted(number, 'signature is', 'signatures are')} {why}."
        hint = f"Look at the pattern, then count or drop them: sabal held {petition.slug}. After 7 days they count."
        yield Finding("warning", "D211", sentence, hint)
    if not found:
        yield Finding("ok", "D211", f"No signature of {petition.slug} is held for review.")


def _languages(petition: PetitionSnapshot) -> Finding:
    definition = petition.definition
    without_text = [language for language in definition.languages if language not in definition.texts]
    english_page = [language for language in definition.languages if language not in settings.SITE_LANGUAGES]
    if without_text:
        hint = f"Export it, write the missing {without_text[0]}.md, import it again."
        sentence = f"{petition.slug} has no text in {', '.join(without_text)}."
        return Finding("wrong", "D601", sentence, hint)
    if english_page:
        hint = "Its text is shown. The words of the page around it are English."
        sentence = f"{petition.slug}: Sabal has no translation into {', '.join(english_page)}."
        return Finding("warning", "D601", sentence, hint)
    return Finding("ok", "D601", f"{petition.slug} is complete in {', '.join(definition.languages)}.")
