"""Copies that are refused, each with its sentence: the log stays read-only, and no entry is adopted."""

import os
import shutil
import signal
from pathlib import Path

import pytest
from click.testing import CliRunner

import tlog
from operating.drill import WEEK, Drill, make_history
from sabal import database as raw
from sabal.cli import main
from sabal.keys.keystore import open_keystore
from sabal.ledger import adopt as adopting
from sabal.ledger import tables
from sabal.ledger.log import ReadOnly
from sabal.ledger.publication import WouldFork, publication
from sabal.operating import restore as restoring
from sabal.operating import startup
from tlog.entry import Sign

pytestmark = pytest.mark.slow  # whole drills


def refused(drill: Drill, *options: str | Path, because: str, code: int = 1) -> None:
    """Check that adopting says the sentence, the log is read-only, and no entry was adopted."""
    before = drill.log().size
    result = drill.sabal("restore", "--adopt", *options)
    assert result.exit_code == code, result.output
    assert because in result.output
    assert drill.log().read_only and drill.log().size == before
    with pytest.raises(ReadOnly):
        drill.site.sequence(drill.petition, drill.now + WEEK)


def restored(drill: Drill) -> None:
    make_history(drill)
    drill.lose()
    assert drill.restore().exit_code == 1


def resign(drill: Drill, folder: Path, entries: list[bytes], key: tlog.Signer | None = None) -> None:
    """Publish these entries in `folder`, whole and signed, as anyone with the log's key could."""
    shutil.rmtree(folder / "tile")
    for bundle in tlog.new_bundles(0, len(entries)):
        path = folder / bundle.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(tlog.encode_bundle(entries[bundle.index * 256 :][: bundle.width]))
    key = key or tables.key_of(drill.site.database, open_keystore(), drill.petition.id, drill.petition.origin)
    note = tlog.Checkpoint(key.verifier.name, len(entries), tlog.root_of_entries(entries)).sign(key)
    (folder / "checkpoint").write_bytes(note)


def entries_of(folder: Path) -> list[bytes]:
    size = tlog.checkpoint.peek((folder / "checkpoint").read_bytes()).size
    found: list[bytes] = []
    for tile in tlog.new_bundles(0, size):
        found += tlog.decode_bundle((folder / tile.path).read_bytes(), tile.width)
    return found


def test_the_mirror_of_another_log_is_refused(drill: Drill) -> None:
    restored(drill)
    stranger = tlog.Signer("petition.example/c/other/log", bytes(32))
    resign(drill, drill.mirror, entries_of(drill.mirror), stranger)
    refused(drill, "--copy", drill.mirror, because="petition.example/c/other/log", code=2)
    eve = tlog.Signer(drill.petition.origin, bytes(32))
    resign(drill, drill.mirror, entries_of(drill.mirror), eve)
    refused(drill, "--copy", drill.mirror, because="not of this log")


def test_a_forked_mirror_is_refused(drill: Drill) -> None:
    restored(drill)
    entries = entries_of(drill.mirror)
    resign(
        drill, drill.mirror, [entries[0], *(Sign(bytes([n]) * 32).encode() for n in range(1, len(entries)))]
    )
    refused(drill, "--copy", drill.mirror, because="is another log than the")


def test_a_mirror_that_contradicts_an_email_is_refused(drill: Drill) -> None:
    """The mirror continues the backup, but differs from the checkpoint in an email."""
    restored(drill)
    email = drill.mirror.with_name("email.txt")
    shutil.copy(drill.mirror / "checkpoint", email)
    resign(drill, drill.mirror, [*entries_of(drill.mirror)[:-1], Sign(b"x" * 32).encode()])
    refused(drill, "--copy", drill.mirror, "--checkpoint", email, because="Two histories were published")


def test_a_changed_entry_is_refused(drill: Drill) -> None:
    restored(drill)
    bundles = [path for path in (drill.mirror / "tile" / "entries").rglob("*") if path.is_file()]
    for bundle in bundles:
        data = bytearray(bundle.read_bytes())
        data[-1] ^= 1
        bundle.write_bytes(data)
    refused(drill, "--copy", drill.mirror, because="do not lead to its checkpoint")
    for bundle in bundles:
        bundle.write_bytes(b"")
    refused(drill, "--copy", drill.mirror, because="is not a whole log")


def test_an_invalid_order_is_refused(drill: Drill) -> None:
    restored(drill)
    resign(drill, drill.mirror, [*entries_of(drill.mirror), tlog.entry.Open(b"m" * 32).encode()])
    refused(drill, "--copy", drill.mirror, because="its order is not valid")


def test_a_mirror_that_is_older_than_the_backup_is_refused(drill: Drill) -> None:
    drill.sign("suzie")
    drill.batch()
    old = drill.take_mirror(drill.mirror.with_name("old"))
    drill.sign("max")
    drill.batch()
    drill.backup()
    drill.lose()
    result = drill.restore("--copy", old)
    assert result.exit_code == 1 and "older copy" in result.output and drill.log().read_only
    # With its checkpoint the operator confirms that no newer one was published.
    assert drill.sabal("restore", "--adopt", "--checkpoint", old / "checkpoint").exit_code == 0
    drill.sign("carol")
    drill.batch()
    drill.check_whole()


def test_a_checkpoint_ahead_of_the_mirror_is_refused_and_remembered(drill: Drill) -> None:
    drill.sign("suzie")
    drill.batch()
    drill.backup()
    drill.sign("max")
    drill.batch()
    behind = drill.take_mirror(drill.mirror.with_name("behind"))
    drill.sign("carol")
    drill.batch()
    email = drill.mirror.with_name("email.txt")
    email.write_bytes(b"Dear Carol,\n\n" + drill.log().published + b"\n")
    whole = drill.take_mirror()
    drill.lose()
    result = drill.restore("--copy", behind, "--checkpoint", email)
    assert result.exit_code == 1 and "the entries themselves are needed" in result.output
    # Its size is remembered, also if the email is left out the second time.
    refused(drill, "--copy", behind, because="older copy")
    refused(drill, "--checkpoint", behind / "checkpoint", because="entries themselves are needed")
    refused(drill, "--checkpoint", email, because="entries themselves are needed")
    assert drill.sabal("restore", "--adopt", "--copy", whole, "--checkpoint", email).exit_code == 0
    drill.batch()
    assert drill.check_whole().tally.counted == 3


@pytest.mark.parametrize("newer", [False, True])
def test_the_checkpoint_of_a_damaged_public_folder_counts(drill: Drill, newer: bool) -> None:
    drill.sign("suzie")
    drill.batch()
    drill.backup()
    if newer:
        drill.sign("max")
        drill.batch()
    whole = drill.take_mirror()
    shutil.rmtree(publication(drill.petition).folder / "tile")
    drill.lose(folder=False)
    result = drill.restore()
    assert result.exit_code == newer and ("the entries themselves are needed" in result.output) == newer
    if newer:
        assert drill.sabal("restore", "--adopt", "--copy", whole).exit_code == 0
    drill.sign("carol")
    drill.batch()
    assert drill.check_whole().tally.counted == 2 + newer


def test_an_unreadable_file_is_reported_before_anything_is_restored(drill: Drill) -> None:
    drill.sign("suzie")
    drill.batch()
    drill.backup()
    drill.lose()
    for options in (("--copy", "nowhere"), ("--checkpoint", "nowhere"), ("--folder", "nowhere")):
        result = CliRunner().invoke(main, ["restore", str(drill.copy), *options])
        assert result.exit_code == 2 and "nowhere" in result.output
    both = CliRunner().invoke(main, ["restore", str(drill.copy), "--adopt"])
    assert both.exit_code == 2 and "Name the backup's folder" in both.output
    assert drill.restore().exit_code == 1  # the database is still empty


def test_adopting_continues_after_a_kill(drill: Drill) -> None:
    """The process is killed after one transaction, then after every three more. Each has four entries."""
    make_history(drill)
    drill.lose()
    drill.patch.setattr("sabal.ledger.adopt.CHUNK", 4)
    assert drill.restore().exit_code == 1
    began, at = drill.log().size, 1
    while kill_after(drill, at):
        drill.site.database = raw.connect()
        assert drill.log().read_only and drill.log().size >= began
        with pytest.raises(ReadOnly):
            drill.site.sequence(drill.petition, drill.now + WEEK)
        # A half adopted log must not continue from there.
        refused(drill, "--checkpoint", drill.mirror / "checkpoint", because="entries themselves are needed")
        at = 3
    drill.site.database = raw.connect()
    assert drill.sabal("restore", "--adopt", "--copy", drill.mirror).exit_code == 0
    drill.batch()
    drill.check_whole()


def kill_after(drill: Drill, transactions: int) -> bool:
    """Adopt in another process, kill it after this number of transactions, and return whether it got so far."""
    drill.site.database.close()
    pid = os.fork()
    if not pid:
        try:
            take, done = adopting._take, 0

            def counted(*arguments: object) -> int:
                nonlocal done
                taken = take(*arguments)  # type: ignore[arg-type]
                done += 1
                if done == transactions:
                    os.kill(os.getpid(), signal.SIGKILL)
                return taken

            adopting._take = counted
            CliRunner().invoke(main, ["restore", "--adopt", "--copy", str(drill.mirror)])
            os._exit(0)
        finally:
            os._exit(1)
    _, status = os.waitpid(pid, 0)
    return os.WIFSIGNALED(status)


def test_serve_refuses_a_database_that_is_older_than_its_public_folder(drill: Drill) -> None:
    """The old database was put back by hand, without a restore, so its log is not read-only."""
    drill.sign("suzie")
    drill.batch()
    drill.backup()
    drill.sign("max")
    drill.batch()
    drill.lose(folder=False)
    drill.patch.setattr(restoring, "make_all_read_only", lambda database: None)
    restoring.restore(drill.copy)
    drill.site.database = raw.connect()
    drill.petition = drill.site.petition()
    (finding,) = [f for f in startup.refusals() if f.id == "S109"]
    assert finding.hint.endswith(f"sabal restore --adopt {drill.petition.slug}")
    drill.sign("carol")
    with pytest.raises((WouldFork, ReadOnly)):  # PostgreSQL notices that it is another database
        drill.site.sequence(drill.petition, drill.now + WEEK)
    assert drill.sabal("restore", "--adopt", drill.petition.slug).exit_code == 0
    assert not [f for f in startup.refusals() if f.id == "S109"]
    drill.batch()
    assert drill.check_whole().tally.counted == 3
