"""Imports and exports of subscribers: what the desk asks for, and what the worker does, as it has the server key.

A crash at any point repeats the task: a check begins again, an import adds nobody twice, an export is written anew. So
does an error that passes by itself, such as a database that is busy: the transfer stays at work, and `resume` asks for
its task again. Nothing else asks for it after a restore, as backups have no tasks.
"""

import contextlib
import logging
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from django import db
from django_tasks import task
from django_tasks_db.models import DBTaskResult

from sabal import database as raw
from sabal import days, private
from sabal.accounts import audit, listowners, roles
from sabal.accounts.acts import Act
from sabal.accounts.models import Organisation, User
from sabal.database import Database, OperationalError
from sabal.desk import listfile, uploads
from sabal.desk.workbook import NotATable
from sabal.keys.keyring import SUBSCRIBERS
from sabal.keys.keystore import KeyMissing, open_keystore
from sabal.logs import where
from sabal.newsletter import exporting, importing, transfers
from sabal.newsletter.importing import ListGone
from sabal.newsletter.importrows import Defaults
from sabal.newsletter.transfers import ConsentProof, Transfer, TransferKind, TransferState
from sabal.settings import SITE_LANGUAGES

QUEUE = "lists"  # of tasks that may take minutes: a publication does not wait for them
KEPT = 7 * 86_400  # seconds for which a file is kept
NOTED_EVERY = 0.5  # seconds between two notes of the progress
PASSING = (*OperationalError, db.OperationalError, db.InterfaceError, db.InternalError)
"""Errors of the database that end by themselves, or when the operator has mended it."""
logger = logging.getLogger(__name__)


def file_of(transfer_id: int, what: str) -> Path:
    """Return the path of a file: the `list` as it came, the `good` rows, the `rest`, the `export`."""
    return uploads.folder() / f"{transfer_id}.{what}"


def ask_import(user: User, key: str, upload: uploads.ListFile, language: str, proof: ConsentProof) -> int:
    """Keep an uploaded list, and let the worker check it. Return the id of the import. Nobody is imported yet.

    `key` is that of the newsletter, which the caller knows to be of an organisation where the user may export.
    """
    name = (upload.name or "")[-200:]
    with closing(raw.connect()) as database, database.transaction():
        transfer_id = transfers.begin_import(database, key, user.pk, _today(), name, language, proof)
        upload.keep(file_of(transfer_id, "list"))  # before the commit: `resume` may see the row at once
    check.enqueue(str(transfer_id))
    return transfer_id


def ask_export(user: User, organisation: Organisation, key: str) -> int:
    """Let the worker write the subscribers of one newsletter to a file. Return the id of the export."""
    with closing(raw.connect()) as database, database.transaction():
        transfer_id = transfers.begin_export(database, key, user.pk, _today())
    audit.record(user, "list-exported", organisation=organisation)
    work.enqueue(str(transfer_id))
    return transfer_id


def begin(transfer: Transfer) -> None:
    """Let the worker import what was checked. Asked twice, it is done once."""
    with closing(raw.connect()) as database:
        if transfers.move(database, transfer.id, TransferState.CHECKED, TransferState.WORKING):
            work.enqueue(str(transfer.id))


def stop(transfer: Transfer) -> None:
    """Stop what runs, and forget what has not begun. What was imported stays."""
    with closing(raw.connect()) as database:
        transfers.ask_to_stop(database, transfer.id)
        for state in (TransferState.CHECKING, TransferState.CHECKED):
            if transfers.move(database, transfer.id, state, TransferState.STOPPED):
                _forget(transfer.id)


@task(queue_name=QUEUE)
def check(transfer_id: str) -> None:
    """Check a list. Only the worker runs this."""
    _do(int(transfer_id), TransferState.CHECKING, TransferState.CHECKED, _check)


@task(queue_name=QUEUE)
def work(transfer_id: str) -> None:
    """Import what was checked, or write an export. Only the worker runs this."""
    _do(int(transfer_id), TransferState.WORKING, TransferState.DONE, _work)


def resume(database: Database) -> None:
    """Ask again for the tasks of transfers that are at work and have none. The worker calls this every 15 seconds.

    A task that is asked for twice is done once, so it does no harm if another process asks at the same time.
    """
    if not (waiting := transfers.at_work(database)):
        return
    db.close_old_connections()
    tasks = DBTaskResult.objects.filter(queue_name=QUEUE)
    if tasks.running().exists() or tasks.ready().exists():
        return  # one of them may be the task of such a transfer
    for transfer in waiting:
        logger.warning("a transfer without a task is queued again")
        (check if transfer.state == TransferState.CHECKING else work).enqueue(str(transfer.id))


def has_good_rows(transfer: Transfer) -> bool:
    """Return whether the good rows of a checked import are still there."""
    return file_of(transfer.id, "good").exists()


def forget_old() -> None:
    """Delete files that nobody needs any more: what an import left out, and what a crash left."""
    for path in uploads.folder().iterdir():
        with contextlib.suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > KEPT:
                path.unlink()


def _do(
    transfer_id: int,
    before: TransferState,
    after: TransferState,
    do: Callable[[Database, bytes, Transfer], None],
) -> None:
    try:
        with closing(raw.connect()) as database:
            transfer = transfers.get(database, transfer_id)
            if transfer is not None and transfer.state == before:
                # One that a person stopped ends even if its work meets the same error each time.
                refusal = "" if transfer.stop else _attempt(database, transfer, do)
                _end(database, transfer, after, refusal)
            # Only now, as a task that is repeated needs its file. Repeated after this, it deletes what a crash left.
            file_of(transfer_id, "list").unlink(missing_ok=True)  # it has addresses in clear text
            if after is TransferState.DONE:
                file_of(transfer_id, "good").unlink(missing_ok=True)
    except (*PASSING, KeyMissing) as error:
        logger.error("a transfer is interrupted, and tried again: %s", where(error))


def _attempt(database: Database, transfer: Transfer, do: Callable[[Database, bytes, Transfer], None]) -> str:
    """Do the work. Return the key of REFUSED that says why it cannot be done, or "". Raises PASSING and KeyMissing."""
    user = User.objects.filter(pk=transfer.user_id).first()
    organisation = listowners.owner_of(transfer.organisation)  # it may be another's, or of two, meanwhile
    if user is None or organisation is None or Act.EXPORT not in roles.in_organisation(user, organisation):
        return "right"
    subscribers = open_keystore().find(database, SUBSCRIBERS)
    try:
        do(database, subscribers, transfer)
    except NotATable as error:
        return error.code
    except ListGone:
        return "gone"
    except PASSING:
        raise
    except Exception as error:  # else the page would say for ever that the server is at work
        logger.error("a transfer failed: %s", where(error))
        return "failed"
    return ""


def _end(database: Database, transfer: Transfer, after: TransferState, refusal: str) -> None:
    """Store how a transfer ended, and in the history whom it brought: also if that was before an interruption."""
    added = importing.imported(database, transfer.id) if transfer.state is TransferState.WORKING else 0
    if refusal:
        transfers.note(database, transfer.id, 0, 0, {"why": refusal, "added": added})
        after = TransferState.REFUSED
    elif _is_stopped(database, transfer.id):
        after = TransferState.STOPPED
    if transfer.kind is TransferKind.IMPORT and (added or after is TransferState.DONE):
        user, owner = (
            User.objects.filter(pk=transfer.user_id).first(),
            listowners.owner_of(transfer.organisation),
        )
        audit.record(user, "list-imported", organisation=owner, details=str(added))
    if not transfers.move(database, transfer.id, transfer.state, after) or refusal:
        _forget(transfer.id)  # refused, or stopped meanwhile by the person


def _check(database: Database, subscribers: bytes, transfer: Transfer) -> None:
    path = file_of(transfer.id, "list")
    if not path.exists():
        raise ListGone
    columns, lines = listfile.read(path, uploads.folder())
    defaults = Defaults(SITE_LANGUAGES, transfer.language, transfer.consented or _today(), _today())
    paced = _Paced(database, transfer.id)
    found = importing.check(
        database,
        subscribers,
        transfer.organisation,
        lines,
        columns,
        defaults,
        file_of(transfer.id, "good"),
        file_of(transfer.id, "rest"),
        lambda line, numbers: paced.go_on(line, 0, numbers),
    )
    transfers.note(database, transfer.id, found["good"], found["good"], dict(found))


def _work(database: Database, subscribers: bytes, transfer: Transfer) -> None:
    paced = _Paced(database, transfer.id)
    if transfer.kind is TransferKind.EXPORT:
        total = exporting.count(database, transfer.organisation)
        lacks_days = exporting.lacks_days(database, transfer.organisation)
        rows = exporting.table(
            database,
            subscribers,
            transfer.organisation,
            lambda done: paced.go_on(done, total),
            hides_days=lacks_days,
        )
        private.replace(file_of(transfer.id, "export"), (row.encode() for row in rows))
        transfers.note(database, transfer.id, total, total, {"lacks_days": int(lacks_days)})
        return
    sentence = transfers.sentence_of(database, transfer.consent)
    total = int(str(transfer.numbers.get("good", 0)))
    importing.load(
        database,
        transfer.organisation,
        transfer.id,
        sentence,
        file_of(transfer.id, "good"),
        transfer.numbers,
        lambda done, _added: paced.go_on(done, total),
    )
    added = importing.imported(database, transfer.id)
    transfers.note(database, transfer.id, total, total, transfer.numbers | {"added": added})


class _Paced:
    """Notes the progress now and then, and looks whether to stop."""

    def __init__(self, database: Database, transfer_id: int) -> None:
        self._database, self._id = database, transfer_id
        self._noted, self._goes_on = float("-inf"), True

    def go_on(self, done: int, total: int, numbers: Counter[str] | None = None) -> bool:
        """Return whether to continue."""
        if time.monotonic() - self._noted >= NOTED_EVERY:
            self._noted = time.monotonic()
            self._goes_on = transfers.note(
                self._database, self._id, done, total, None if numbers is None else dict(numbers)
            )
        return self._goes_on


def _is_stopped(database: Database, transfer_id: int) -> bool:
    found = transfers.get(database, transfer_id)
    return found is None or found.stop


def _forget(transfer_id: int) -> None:
    for what in ("list", "good", "rest", "export"):
        file_of(transfer_id, what).unlink(missing_ok=True)


def _today() -> int:
    return days.number_at(time.time())
