"""Adopt: yesterday's backup, today's mirror. What is shown after contradicts no checkpoint that was ever shown."""

import hashlib
import json
import os
import shutil
import signal
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import tlog
from checking.web import web
from houses import NOW, TODAY, HouseOfTests
from ledger.reading import Read, read
from operating.test_restore import empty_database
from sabal import checks, suppression
from sabal import database as raw
from sabal.cli import main
from sabal.keys.house import open_house
from sabal.ledger import adopt as adopting
from sabal.ledger import log as logs
from sabal.ledger.log import ReadOnly
from sabal.ledger.publication import Ahead, publication
from sabal.ledger.sequencer import Sequencer
from sabal.operating import ready, stores
from sabal.operating import restore as restoring
from sabal.operating.backup import backup
from sabal.petitions import publishing
from sabal.petitions.models import Petition
from sabal.petitions.snapshot import PetitionSnapshot, Snapshots
from sabal.signing import held, operations, writer
from signing.steps import Signed, confirmed
from tlog.entry import Reason, Sign, Type

WEEK = 604_800


class Drill:
    """A house with a history: a backup of yesterday, batches and withdrawals since, and a mirror of today."""

    def __init__(
        self, house: HouseOfTests, tmp_path: Path, request: pytest.FixtureRequest, patch: pytest.MonkeyPatch
    ) -> None:
        self.house, self.patch, self.request = house, patch, request
        self.copy, self.mirror, self.now = tmp_path / "copy", tmp_path / "mirror", NOW
        self.petition = house.publish()
        self.seen: list[tlog.Checkpoint] = []

    def batch(self) -> None:
        """A week later: all that waits is counted and shown."""
        self.now += WEEK
        self.house.sequence(self.petition, self.now)
        self.see()

    def see(self) -> Read:
        """What the public folder shows goes on from all that was shown before."""
        files = publication(self.petition)
        found = read(files.folder, files.key)
        for older in self.seen:
            assert tlog.root_of_entries(found.entries[: older.size]) == older.root
        self.seen.append(found.checkpoint)
        return found

    def leave(self, *signers: Signed) -> None:
        clicks = [operations.Withdraw(one.t, one.digest) for one in signers]
        assert writer.commit(self.house.database, clicks) == [operations.Outcome.DONE] * len(clicks)

    def sign(self, *names: str, held: int = 0) -> list[Signed]:
        return [confirmed(self.house, self.petition, f"{name}@example.org", held=held) for name in names]

    def backup(self) -> None:
        backup(self.copy)

    def take_mirror(self, to: Path | None = None) -> Path:
        shutil.copytree(publication(self.petition).folder, to or self.mirror)
        return to or self.mirror

    def lose(self, *, folder: bool = True, suppression: bool = False) -> None:
        """The database is gone, and with it the public folder, if that is said."""
        empty_database(self.house, self.request, self.patch)
        if folder:
            shutil.rmtree(self.house.data / "public")
        if suppression:
            (self.house.data / "suppression.log").unlink()

    def restore(self, *options: str | Path) -> Result:
        return self.sabal("restore", self.copy, *options)

    def sabal(self, *words: str | Path) -> Result:
        result = CliRunner().invoke(main, [str(word) for word in words])
        assert "Traceback" not in result.output, result.output
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
        self.house.database = raw.connect()
        self.house.snapshots = Snapshots()
        self.petition = self.house.petition()
        return result

    def log(self) -> logs.Log:
        log = logs.find(self.house.database, self.petition.id)
        assert log is not None
        return log

    def hold_whole(self) -> Read:
        """Files, log, totals and what pages show say the same, and every row stands where the log has it."""
        found = self.see()
        counts = self.house.petition().counts
        tally = found.tally
        assert (counts.confirmed, counts.counted, counts.log_size) == (
            tally.signed, tally.counted, found.checkpoint.size,
        )  # fmt: skip
        assert counts.withdrawn == tally.revoked[Reason.WITHDRAWN]
        assert (publication(self.petition).folder / "checkpoint").read_bytes() == counts.checkpoint
        rows = self.house.database.query("SELECT idx, commitment FROM signing_signature WHERE state = 2")
        for index, commitment in rows:
            assert found.entries[index] == Sign(bytes(commitment)).encode()
        revoked = {int.from_bytes(e[2:10]) for e in found.entries if e[1] == Type.REVOKE}
        assert not revoked & {row[0] for row in rows}
        lost = {row[0] for row in self.house.database.query("SELECT idx FROM ledger_lost")}
        leaving = self.house.database.query("SELECT idx FROM signing_withdrawal WHERE state = 2")
        assert len(lost) + len(rows) + len(leaving) == tally.counted and not lost & (
            revoked | {row[0] for row in rows}
        )
        return found


@pytest.fixture
def drill(
    house: HouseOfTests, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Drill:
    return Drill(house, tmp_path, request, monkeypatch)


def today(drill: Drill) -> dict[str, list[Signed]]:
    """All that can have happened before and after a backup; it ends with what the mirror has."""
    early = drill.sign(*(f"early{n}" for n in range(6)))
    drill.batch()
    drill.leave(early[0])
    drill.batch()
    drill.leave(early[1])  # withdrawn before the backup, in the log after it
    waiting = drill.sign(*(f"waiting{n}" for n in range(4)))
    drill.leave(waiting[0])  # before any batch
    kept_back = drill.sign("robot", "fake", held=held.ROBOT)
    drill.backup()
    late = drill.sign(*(f"late{n}" for n in range(5)))
    drill.leave(early[2], waiting[1])
    drill.batch()
    held.drop(drill.house.database, drill.petition.id, held.REASONS["automated"])
    drill.petition = amend(drill)
    late += drill.sign("amended")
    drill.batch()
    drill.leave(early[3], late[0])
    drill.batch()
    drill.take_mirror()
    drill.leave(early[4], late[1])  # the suppression file knows, the log not yet
    drill.sign("unpublished")
    return {"early": early, "waiting": waiting, "held": kept_back, "late": late}


def amend(drill: Drill) -> PetitionSnapshot:
    publishing.pause(drill.petition.slug)
    return drill.house.publish_again(drill.petition.slug)


def test_the_drill(drill: Drill) -> None:
    people = today(drill)
    shown = drill.seen[-1]
    lines = list(suppression.read())
    drill.lose()
    result = drill.restore("--log", drill.mirror)
    assert result.exit_code == 0, result.output
    log = drill.log()
    assert (log.size, log.published_size, log.root) == (shown.size, shown.size, shown.root)
    assert not log.read_only and log.published == (drill.mirror / "checkpoint").read_bytes()
    Sequencer(drill.house.house).publish_here(drill.house.database, drill.petition)
    found = drill.hold_whole()
    assert found.checkpoint == shown
    # Of six who came late one withdrew in the log, and one whom the suppression file alone knows.
    assert "4 signatures count whose records were lost" in result.output
    assert logs.lost(drill.house.database, drill.petition.id) == 4
    gone = [people["early"][n] for n in range(5)] + people["waiting"][:2]
    hashes = {bytes(row[0]) for row in drill.house.database.query("SELECT token_hash FROM signing_signature")}
    assert not hashes & {one.digest for one in gone}
    assert people["early"][5].digest in hashes and people["waiting"][2].digest in hashes
    assert list(suppression.read()) == lines
    # Life goes on: those whom the file knows are revoked, new ones are counted, under the key that was published.
    assert str(drill.house.identity.recipient) in map(str, drill.petition.organiser_keys)
    drill.sign("new")
    drill.batch()
    found = drill.hold_whole()
    assert found.tally.revoked[Reason.WITHDRAWN] == 9 and found.entries[shown.size][1] == Type.SIGN
    assert [e[1] for e in found.entries[shown.size :]] == [Type.SIGN, Type.REVOKE, Type.REVOKE]


def test_the_public_folder_alone_is_enough_and_nothing_is_done_twice(drill: Drill) -> None:
    today(drill)
    drill.lose(folder=False)
    assert drill.restore().exit_code == 0
    before = (drill.log(), drill.house.petition().counts)
    for options in ((), ("--log", drill.mirror), ("--checkpoint", drill.mirror / "checkpoint")):
        again = drill.sabal("restore", "--adopt", *options)
        assert again.exit_code == 0, again.output
        after = drill.log()
        assert (after.size, after.published, drill.house.petition().counts) == (
            before[0].size, before[0].published, before[1],
        )  # fmt: skip
    drill.batch()
    drill.hold_whole()


def test_the_log_tells_who_withdrew_where_the_suppression_file_is_lost(drill: Drill) -> None:
    people = today(drill)
    drill.lose(suppression=True)
    assert drill.restore("--log", drill.mirror).exit_code == 0
    drill.batch()
    drill.hold_whole()
    hashes = {bytes(row[0]) for row in drill.house.database.query("SELECT token_hash FROM signing_signature")}
    assert not hashes & {people["early"][n].digest for n in (0, 1, 2, 3)}
    known = [one.hash for one in suppression.read()]
    commitments = [people["early"][n].operation.commitment for n in (2, 3)]
    assert all(known.count(c) == 1 for c in commitments)  # for the next restore


def test_without_a_published_log_it_stays_read_only_until_a_checkpoint_is_brought(drill: Drill) -> None:
    drill.sign("suzie")
    drill.batch()
    drill.backup()
    letter = drill.copy.with_name("letter.eml")
    letter.write_bytes(b"Subject: x\n\nYours\n\n> " + drill.log().published.replace(b"\n", b"\n> "))
    drill.lose()
    result = drill.restore()
    assert result.exit_code == 1 and "--log FOLDER or ADDRESS" in result.output
    drill.sign("max")
    size, files = drill.log().size, publication(drill.petition).folder
    with pytest.raises(ReadOnly, match="sabal restore --adopt"):
        drill.batch()
    with pytest.raises(ReadOnly):
        drill.house.close(drill.petition, drill.now)
    publishing.pause(drill.petition.slug)
    with pytest.raises(ReadOnly):
        drill.house.publish_again(drill.petition.slug)
    assert drill.log().size == size and not files.exists()
    assert [f.id for f in stores.database_and_keys() if f.level == "wrong" and f.id == "D206"]
    assert any("read-only" in step.sentence for step in ready.steps())
    assert drill.sabal("restore", "--adopt").exit_code == 1  # nothing new was brought
    assert drill.log().read_only

    result = drill.sabal("restore", "--adopt", drill.petition.slug, "--checkpoint", letter)
    assert result.exit_code == 0 and "nothing newer is known" in result.output
    drill.batch()
    assert drill.hold_whole().tally.counted == 2
    assert not [f.id for f in stores.database_and_keys() if f.id == "D206"]


def refused(drill: Drill, *options: str | Path, because: str, code: int = 1) -> None:
    """The sentence is said, the log is held, and not one entry of it was taken."""
    size = None if code == 2 else json.loads((drill.copy / "backup.json").read_text())["rows"]
    result = drill.sabal("restore", "--adopt", *options)
    assert result.exit_code == code, result.output
    assert because in result.output
    assert (drill.log().read_only and size is not None) or code == 2
    with pytest.raises(ReadOnly):
        drill.house.sequence(drill.petition, drill.now + WEEK)


def restored(drill: Drill) -> None:
    today(drill)
    drill.lose()
    assert drill.restore().exit_code == 1


def resign(drill: Drill, folder: Path, entries: list[bytes], key: tlog.Signer | None = None) -> None:
    """What somebody who has the log's key could publish: these entries, whole and signed."""
    shutil.rmtree(folder / "tile")
    for bundle in tlog.new_bundles(0, len(entries)):
        path = folder / bundle.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(tlog.encode_bundle(entries[bundle.index * 256 :][: bundle.width]))
    key = key or logs.key_of(drill.house.database, open_house(), drill.petition.id, drill.petition.origin)
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
    refused(drill, "--log", drill.mirror, because="petition.example/c/other/log", code=2)
    eve = tlog.Signer(drill.petition.origin, bytes(32))
    resign(drill, drill.mirror, entries_of(drill.mirror), eve)
    refused(drill, "--log", drill.mirror, because="not of this log")


def test_a_forked_mirror_is_refused(drill: Drill) -> None:
    restored(drill)
    entries = entries_of(drill.mirror)
    resign(
        drill, drill.mirror, [entries[0], *(Sign(bytes([n]) * 32).encode() for n in range(1, len(entries)))]
    )
    refused(drill, "--log", drill.mirror, because="is another log than the")


def test_a_fork_behind_the_backup_is_refused_by_a_letter(drill: Drill) -> None:
    """The mirror goes on from the backup, and otherwise than the letter that somebody has."""
    restored(drill)
    letter = drill.mirror.with_name("letter.txt")
    shutil.copy(drill.mirror / "checkpoint", letter)
    resign(drill, drill.mirror, [*entries_of(drill.mirror)[:-1], Sign(b"x" * 32).encode()])
    refused(drill, "--log", drill.mirror, "--checkpoint", letter, because="Two histories were published")


def test_a_changed_entry_is_refused(drill: Drill) -> None:
    restored(drill)
    bundles = [path for path in (drill.mirror / "tile" / "entries").rglob("*") if path.is_file()]
    for bundle in bundles:
        data = bytearray(bundle.read_bytes())
        data[-1] ^= 1
        bundle.write_bytes(data)
    refused(drill, "--log", drill.mirror, because="do not lead to its checkpoint")
    for bundle in bundles:
        bundle.write_bytes(b"")
    refused(drill, "--log", drill.mirror, because="is no whole log")


def test_an_order_that_cannot_be_is_refused(drill: Drill) -> None:
    restored(drill)
    resign(drill, drill.mirror, [*entries_of(drill.mirror), tlog.entry.Open(b"m" * 32).encode()])
    refused(drill, "--log", drill.mirror, because="in no order that counts")


def test_a_mirror_that_is_older_than_the_backup_is_refused(drill: Drill) -> None:
    drill.sign("suzie")
    drill.batch()
    old = drill.take_mirror(drill.mirror.with_name("old"))
    drill.sign("max")
    drill.batch()
    drill.backup()
    drill.lose()
    result = drill.restore("--log", old)
    assert result.exit_code == 1 and "older copy" in result.output and drill.log().read_only
    # Its checkpoint is the operator's word that nobody has seen more.
    assert drill.sabal("restore", "--adopt", "--checkpoint", old / "checkpoint").exit_code == 0
    drill.sign("carol")
    drill.batch()
    drill.hold_whole()


def test_a_checkpoint_ahead_of_the_mirror_is_refused_and_remembered(drill: Drill) -> None:
    drill.sign("suzie")
    drill.batch()
    drill.backup()
    drill.sign("max")
    drill.batch()
    behind = drill.take_mirror(drill.mirror.with_name("behind"))
    drill.sign("carol")
    drill.batch()
    letter = drill.mirror.with_name("letter.txt")
    letter.write_bytes(b"Dear Carol,\n\n" + drill.log().published + b"\n")
    whole = drill.take_mirror()
    drill.lose()
    result = drill.restore("--log", behind, "--checkpoint", letter)
    assert result.exit_code == 1 and "the entries themselves are needed" in result.output
    # Whoever leaves the letter out the second time does not get away with it.
    refused(drill, "--log", behind, because="older copy")
    refused(drill, "--checkpoint", behind / "checkpoint", because="entries themselves are needed")
    refused(drill, "--checkpoint", letter, because="entries themselves are needed")
    assert drill.sabal("restore", "--adopt", "--log", whole, "--checkpoint", letter).exit_code == 0
    drill.batch()
    assert drill.hold_whole().tally.counted == 3


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_copies_the_newer_is_adopted(drill: Drill, order: int) -> None:
    drill.sign("suzie")
    drill.batch()
    drill.backup()
    drill.sign("max")
    drill.batch()
    behind = drill.take_mirror(drill.mirror.with_name("behind"))
    drill.sign("carol")
    drill.batch()
    copies = [behind, drill.take_mirror()][::order]
    drill.lose()
    result = drill.restore("--log", copies[0], "--log", copies[1])
    assert result.exit_code == 0, result.output
    assert drill.log().size == drill.seen[-1].size
    drill.batch()
    drill.hold_whole()


@pytest.mark.parametrize("how", ["address", "whole mirror"])
def test_a_copy_may_be_an_address_or_a_whole_mirror(drill: Drill, how: str, tmp_path: Path) -> None:
    drill.sign("suzie")
    drill.batch()
    drill.backup()
    drill.sign("max")
    drill.batch()
    root = tmp_path / "partner"
    drill.take_mirror(root / drill.petition.slug / "log")
    drill.lose()
    if how == "whole mirror":
        assert drill.restore("--log", root).exit_code == 0
    else:
        with web() as site:
            site.serve("", root)
            assert drill.restore("--log", f"{site.url}/en/{drill.petition.slug}").exit_code == 0
    drill.batch()
    assert drill.hold_whole().tally.counted == 2


def test_of_a_damaged_public_folder_the_checkpoint_still_counts(drill: Drill) -> None:
    drill.sign("suzie")
    drill.batch()
    drill.backup()
    folder = publication(drill.petition).folder
    shutil.rmtree(folder / "tile")
    drill.lose(folder=False)
    assert drill.restore().exit_code == 0  # nothing newer was published
    publication(drill.petition).repair(drill.house.database, drill.log().published_size)
    drill.sign("max")
    drill.batch()
    whole = drill.take_mirror()
    shutil.rmtree(folder / "tile")
    drill.lose(folder=False)
    result = drill.restore()
    assert result.exit_code == 1 and "the entries themselves are needed" in result.output
    assert drill.sabal("restore", "--adopt", "--log", whole).exit_code == 0
    publication(drill.petition).repair(drill.house.database, drill.log().published_size)
    drill.sign("carol")
    drill.batch()
    assert drill.hold_whole().tally.counted == 3


def test_what_cannot_be_read_is_said_before_anything_is_restored(drill: Drill) -> None:
    drill.sign("suzie")
    drill.batch()
    drill.backup()
    drill.lose()
    for options in (("--log", "nowhere"), ("--checkpoint", "nowhere"), ("--folder", "nowhere")):
        result = CliRunner().invoke(main, ["restore", str(drill.copy), *options])
        assert result.exit_code == 2 and "nowhere" in result.output
    both = CliRunner().invoke(main, ["restore", str(drill.copy), "--adopt"])
    assert both.exit_code == 2 and "Name the backup's folder" in both.output
    assert drill.restore().exit_code == 1  # the database is as empty as it was


def test_a_text_that_the_backup_cannot_make_leaves_the_petition_paused(drill: Drill) -> None:
    drill.sign("suzie")
    drill.batch()
    folder = drill.mirror.with_name("folder")
    folder.mkdir()
    newest = Petition.objects.get().versions.order_by("-number")[0]
    files: dict[str, str] = json.loads(newest.files)
    drill.backup()
    # A house of tomorrow, which can change a text: the English summary.
    changed = {**files, "en.md": files["en.md"].replace("summary: ", "summary: Now. ", 1)}
    publishing.pause(drill.petition.slug)
    publishing.use_keys(drill.petition.slug, (str(drill.house.identity.recipient),))
    draft = Petition.objects.get().versions.order_by("-number")[0]
    draft.files = json.dumps(changed)
    draft.save()
    for name, text in changed.items():
        (folder / name).write_text(text)
    Petition.objects.update(canary_answered=True)
    publishing.publish(drill.petition.slug, drill.house.house, TODAY, NOW)
    drill.petition = drill.house.petition()
    drill.batch()
    published = drill.petition.manifest
    drill.take_mirror()
    drill.lose()
    result = drill.restore("--log", drill.mirror)
    assert result.exit_code == 1
    assert f"manifests/{hashlib.sha256(published).hexdigest()}.json" in result.output
    assert drill.petition.state == "paused" and drill.log().read_only
    result = drill.sabal("restore", "--adopt", "--log", drill.mirror, "--folder", folder)
    assert result.exit_code == 0, result.output
    assert drill.petition.manifest == published and drill.petition.state == "paused"
    publishing.resume(drill.petition.slug, TODAY)
    drill.petition = drill.house.petition()
    drill.sign("max")
    drill.batch()
    drill.hold_whole()


def test_a_log_that_was_closed_is_closed(drill: Drill) -> None:
    drill.sign("suzie")
    drill.batch()
    drill.sign("max")
    drill.backup()
    drill.house.close(drill.petition, drill.now + 1)
    drill.see()
    drill.take_mirror()
    drill.lose()
    assert drill.restore("--log", drill.mirror).exit_code == 0
    assert drill.log().closed and drill.petition.state == "closed"
    drill.house.sequence(drill.petition, drill.now + 2)
    found = drill.hold_whole()
    assert found.tally.closed and found.tally.counted == 2


def test_a_kill_in_the_middle_is_gone_on_from(drill: Drill) -> None:
    """After every transaction of the adoption, with four entries in each."""
    today(drill)
    drill.lose()
    drill.patch.setattr("sabal.signing.count.CHUNK", 4)
    assert drill.restore().exit_code == 1
    began, at = drill.log().size, 1
    while kill_after(drill, at):
        drill.house.database = raw.connect()
        assert drill.log().read_only and drill.log().size >= began
        with pytest.raises(ReadOnly):
            drill.house.sequence(drill.petition, drill.now + WEEK)
        # Half of it taken is no reason to go on from there.
        refused(drill, "--checkpoint", drill.mirror / "checkpoint", because="entries themselves are needed")
        at = 3
    drill.house.database = raw.connect()
    assert drill.sabal("restore", "--adopt", "--log", drill.mirror).exit_code == 0
    drill.batch()
    drill.hold_whole()


def kill_after(drill: Drill, transactions: int) -> bool:
    """A process of its own that adopts, and is killed after so many transactions; whether it came so far."""
    drill.house.database.close()
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
            CliRunner().invoke(main, ["restore", "--adopt", "--log", str(drill.mirror)])
            os._exit(0)
        finally:
            os._exit(1)
    _, status = os.waitpid(pid, 0)
    return os.WIFSIGNALED(status)


def test_serve_refuses_a_database_that_is_older_than_its_public_folder(drill: Drill) -> None:
    """Somebody put yesterday's database back by hand: no restore has said so."""
    drill.sign("suzie")
    drill.batch()
    drill.backup()
    drill.sign("max")
    drill.batch()
    drill.lose(folder=False)
    drill.patch.setattr(restoring, "hold_all", lambda database: None)
    restoring.restore(drill.copy)
    drill.house.database = raw.connect()
    drill.petition = drill.house.petition()
    (complaint,) = [c for c in checks.refusals() if c.id == "S109"]
    assert complaint.hint.endswith(f"sabal restore --adopt {drill.petition.slug}")
    drill.sign("carol")
    with pytest.raises(Ahead):
        drill.house.sequence(drill.petition, drill.now + WEEK)
    assert drill.sabal("restore", "--adopt", drill.petition.slug).exit_code == 0
    assert not [c for c in checks.refusals() if c.id == "S109"]
    drill.batch()
    assert drill.hold_whole().tally.counted == 3
