"""Adopt a newer log after restoring a backup. The log never contradicts a checkpoint that was published before."""

import hashlib
import json
from pathlib import Path

import pytest

from checking.web import web
from operating.drill import Drill, make_history
from sabal import erasure_journal
from sabal.ledger import tables
from sabal.ledger.log import ReadOnly
from sabal.ledger.publication import publication
from sabal.ledger.sequencer import Sequencer
from sabal.operating import ready, stores
from sabal.petitions.models import Petition
from sabal.publishing import drafts, states, versions
from sites import NOW, TODAY
from tlog.entry import Reason, Type

pytestmark = pytest.mark.slow  # whole drills


def test_the_drill(drill: Drill) -> None:
    people = make_history(drill)
    newest = drill.seen[-1]
    lines = list(erasure_journal.read())
    drill.lose()
    result = drill.restore("--copy", drill.mirror)
    assert result.exit_code == 0, result.output
    log = drill.log()
    assert (log.size, log.published_size, log.root) == (newest.size, newest.size, newest.root)
    assert not log.read_only and log.published == (drill.mirror / "checkpoint").read_bytes()
    Sequencer(drill.site.keystore).publish_here(drill.site.database, drill.petition)
    found = drill.check_whole()
    assert found.checkpoint == newest
    # Six signed after the backup. One withdrew in the log, and one only in the erasure journal.
    assert "4 signatures count, but the records of these were lost" in result.output
    assert tables.lost(drill.site.database, drill.petition.id) == 4
    gone = [people["early"][n] for n in range(5)] + people["waiting"][:2]
    hashes = {bytes(row[0]) for row in drill.site.database.query("SELECT token_hash FROM signing_signature")}
    assert not hashes & {one.digest for one in gone}
    assert people["early"][5].digest in hashes and people["waiting"][2].digest in hashes
    assert list(erasure_journal.read()) == lines
    # The site continues: withdrawals from the journal are revoked, new signatures count, under the published key.
    assert str(drill.site.identity.recipient) in map(str, drill.petition.organiser_keys)
    drill.sign("new")
    drill.batch()
    found = drill.check_whole()
    assert found.tally.revoked[Reason.WITHDRAWN] == 9 and found.entries[newest.size][1] == Type.SIGN
    assert [e[1] for e in found.entries[newest.size :]] == [Type.SIGN, Type.REVOKE, Type.REVOKE]


def test_the_public_folder_is_enough_and_adopting_twice_changes_nothing(drill: Drill) -> None:
    make_history(drill)
    drill.lose(folder=False)
    assert drill.restore().exit_code == 0
    before = (drill.log(), drill.site.petition().counts)
    for options in ((), ("--copy", drill.mirror), ("--checkpoint", drill.mirror / "checkpoint")):
        again = drill.sabal("restore", "--adopt", *options)
        assert again.exit_code == 0, again.output
        after = drill.log()
        assert (after.size, after.published, drill.site.petition().counts) == (
            before[0].size, before[0].published, before[1],
        )  # fmt: skip
    drill.batch()
    drill.check_whole()


def test_without_an_erasure_journal_the_log_tells_withdrawals(drill: Drill) -> None:
    people = make_history(drill)
    drill.lose(journal=True)
    assert drill.restore("--copy", drill.mirror).exit_code == 0
    drill.batch()
    drill.check_whole()
    hashes = {bytes(row[0]) for row in drill.site.database.query("SELECT token_hash FROM signing_signature")}
    assert not hashes & {people["early"][n].digest for n in (0, 1, 2, 3)}
    known = [one.hash for one in erasure_journal.read()]
    commitments = [people["early"][n].operation.commitment for n in (2, 3)]
    assert all(known.count(c) == 1 for c in commitments)  # for the next restore


def test_without_a_copy_the_log_is_read_only_until_a_checkpoint_is_given(drill: Drill) -> None:
    drill.sign("suzie")
    drill.batch()
    drill.backup()
    email = drill.copy.with_name("email.eml")
    email.write_bytes(b"Subject: x\n\nYours\n\n> " + drill.log().published.replace(b"\n", b"\n> "))
    drill.lose()
    result = drill.restore()
    assert result.exit_code == 1 and "--copy FOLDER or ADDRESS" in result.output
    drill.sign("max")
    size, files = drill.log().size, publication(drill.petition).folder
    with pytest.raises(ReadOnly, match="sabal restore --adopt"):
        drill.batch()
    with pytest.raises(ReadOnly):
        drill.site.close(drill.petition, drill.now)
    states.pause(drill.petition.slug)
    with pytest.raises(ReadOnly):
        drill.site.publish_again(drill.petition.slug)
    # The files of an old log would look new, to readers and to the next `--adopt`.
    assert not Sequencer(drill.site.keystore).repair(drill.site.database, drill.petition)
    assert drill.log().size == size and not files.exists()
    assert [f.id for f in stores.database_and_keys() if f.level == "wrong" and f.id == "D206"]
    assert any("read-only" in step.sentence for step in ready.steps())
    assert drill.sabal("restore", "--adopt").exit_code == 1  # nothing new was given
    assert drill.log().read_only

    result = drill.sabal("restore", "--adopt", drill.petition.slug, "--checkpoint", email)
    assert result.exit_code == 0 and "nothing newer is known" in result.output
    drill.batch()
    assert drill.check_whole().tally.counted == 2
    assert not [f.id for f in stores.database_and_keys() if f.id == "D206"]


def test_a_log_without_a_checkpoint_in_the_backup_is_read_only_too(drill: Drill) -> None:
    """Its first checkpoint may have been published after the backup. Only the operator knows."""
    drill.sign("suzie")
    drill.backup()
    drill.lose()
    result = drill.restore()
    assert result.exit_code == 1 and "--never-shown" in result.output
    with pytest.raises(ReadOnly):
        drill.batch()
    assert drill.sabal("restore", "--adopt", "--never-shown").exit_code == 2  # the slug is missing
    assert drill.log().read_only
    result = drill.sabal("restore", "--adopt", drill.petition.slug, "--never-shown")
    assert result.exit_code == 0, result.output
    drill.batch()
    assert drill.check_whole().tally.counted == 1


def test_never_shown_is_refused_if_the_backup_has_a_checkpoint(drill: Drill) -> None:
    drill.sign("suzie")
    drill.batch()
    drill.backup()
    drill.lose()
    result = drill.restore()
    assert result.exit_code == 1 and "--never-shown" not in result.output
    assert drill.sabal("restore", "--adopt", drill.petition.slug, "--never-shown").exit_code == 1
    assert drill.log().read_only


def test_a_first_checkpoint_published_after_the_backup_is_adopted(drill: Drill) -> None:
    drill.sign("suzie")
    drill.backup()
    drill.sign("max")
    drill.batch()
    drill.take_mirror()
    drill.lose()
    assert drill.restore("--copy", drill.mirror).exit_code == 0
    drill.batch()
    assert drill.check_whole().tally.counted == 2


@pytest.mark.parametrize("order", [1, -1])
def test_the_newer_of_two_copies_is_adopted(drill: Drill, order: int) -> None:
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
    result = drill.restore("--copy", copies[0], "--copy", copies[1])
    assert result.exit_code == 0, result.output
    assert drill.log().size == drill.seen[-1].size
    drill.batch()
    drill.check_whole()


@pytest.mark.parametrize("how", ["address", "whole mirror"])
def test_a_copy_may_be_a_url_or_a_whole_mirror(drill: Drill, how: str, tmp_path: Path) -> None:
    drill.sign("suzie")
    drill.batch()
    drill.backup()
    drill.sign("max")
    drill.batch()
    root = tmp_path / "partner"
    drill.take_mirror(root / drill.petition.slug / "log")
    drill.lose()
    if how == "whole mirror":
        assert drill.restore("--copy", root).exit_code == 0
    else:
        with web() as server:
            server.serve("", root)
            assert drill.restore("--copy", f"{server.url}/en/{drill.petition.slug}").exit_code == 0
    drill.batch()
    assert drill.check_whole().tally.counted == 2


def test_a_text_that_is_not_in_the_backup_leaves_the_petition_paused(drill: Drill) -> None:
    drill.sign("suzie")
    drill.batch()
    folder = drill.mirror.with_name("folder")
    folder.mkdir()
    newest = Petition.objects.get().versions.order_by("-number")[0]
    files: dict[str, str] = json.loads(newest.files)
    drill.backup()
    # A later version of Sabal can change a text, here the English summary.
    changed = {**files, "en.md": files["en.md"].replace("summary: ", "summary: Now. ", 1)}
    states.pause(drill.petition.slug)
    drafts.import_files(changed)
    for name, text in changed.items():
        (folder / name).write_text(text)
    Petition.objects.update(key_check_answered=True)
    versions.publish(drill.petition.slug, drill.site.keystore, TODAY, NOW)
    drill.petition = drill.site.petition()
    drill.batch()
    published = drill.petition.manifest
    drill.take_mirror()
    drill.lose()
    result = drill.restore("--copy", drill.mirror)
    assert result.exit_code == 1
    assert f"manifests/{hashlib.sha256(published).hexdigest()}.json" in result.output
    assert drill.petition.state == "paused" and drill.log().read_only
    result = drill.sabal("restore", "--adopt", "--copy", drill.mirror, "--folder", folder)
    assert result.exit_code == 0, result.output
    assert drill.petition.manifest == published and drill.petition.state == "paused"
    states.resume(drill.petition.slug, TODAY)
    drill.petition = drill.site.petition()
    drill.sign("max")
    drill.batch()
    drill.check_whole()


def test_a_log_that_was_closed_after_the_backup_is_closed_again(drill: Drill) -> None:
    drill.sign("suzie")
    drill.batch()
    drill.sign("max")
    drill.backup()
    drill.site.close(drill.petition, drill.now + 1)
    drill.check_published()
    drill.take_mirror()
    drill.lose()
    assert drill.restore("--copy", drill.mirror).exit_code == 0
    assert drill.log().closed and drill.petition.state == "closed"
    drill.site.sequence(drill.petition, drill.now + 2)
    found = drill.check_whole()
    assert found.tally.closed and found.tally.counted == 2
