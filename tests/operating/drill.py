"""A site with a backup and a newer mirror, for the tests of adopting."""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import tlog
from ledger.reading import Read, read
from operating.test_restore import empty_database
from sabal import database as raw
from sabal.cli import main
from sabal.ledger import tables
from sabal.ledger.log import Log
from sabal.ledger.publication import publication
from sabal.operating.backup import backup
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.petitions.snapshots import Snapshots
from sabal.publishing import states
from sabal.signing import held, operations
from sabal.signing.count import check_sums
from sabal.signing.writer.rows import SAME_COMMITMENT
from signing.steps import Signed, confirmed
from sites import NOW, SiteOfTests
from tlog.entry import Reason, Sign, Type

WEEK = 604_800


class Drill:
    """A site with a backup, with later batches and withdrawals, and with a mirror of its newest log."""

    def __init__(
        self, site: SiteOfTests, tmp_path: Path, request: pytest.FixtureRequest, patch: pytest.MonkeyPatch
    ) -> None:
        self.site, self.patch, self.request = site, patch, request
        self.copy, self.mirror, self.now = tmp_path / "copy", tmp_path / "mirror", NOW
        self.petition = site.publish()
        self.seen: list[tlog.Checkpoint] = []

    def batch(self) -> None:
        """Publish the next batch, a week later."""
        self.now += WEEK
        self.site.sequence(self.petition, self.now)
        self.check_published()

    def check_published(self) -> Read:
        """Read the public folder, and check that it continues every checkpoint that was published before."""
        files = publication(self.petition)
        found = read(files.folder, files.key)
        for older in self.seen:
            assert tlog.root_of_entries(found.entries[: older.size]) == older.root
        self.seen.append(found.checkpoint)
        return found

    def leave(self, *signers: Signed) -> None:
        clicks = [operations.Withdraw(one.t, one.digest) for one in signers]
        assert self.site.writer.commit(self.site.database, clicks) == [operations.Outcome.DONE] * len(clicks)

    def sign(self, *names: str, held: int = 0) -> list[Signed]:
        return [confirmed(self.site, self.petition, f"{name}@example.org", held=held) for name in names]

    def backup(self) -> None:
        backup(self.copy)

    def take_mirror(self, to: Path | None = None) -> Path:
        shutil.copytree(publication(self.petition).folder, to or self.mirror)
        return to or self.mirror

    def lose(self, *, folder: bool = True, journal: bool = False) -> None:
        """Lose the database and, if asked for, the public folder and the erasure journal."""
        empty_database(self.site, self.request, self.patch)
        if folder:
            shutil.rmtree(
                self.site.data / "public", ignore_errors=True
            )  # missing before the first publication
        if journal:
            (self.site.data / "erasure-journal.jsonl").unlink()

    def restore(self, *options: str | Path) -> Result:
        return self.sabal("restore", self.copy, *options)

    def sabal(self, *words: str | Path) -> Result:
        result = CliRunner().invoke(main, [str(word) for word in words])
        assert "Traceback" not in result.output, result.output
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
        self.site.database = raw.connect()
        self.site.snapshots = Snapshots()
        self.petition = self.site.petition()
        return result

    def log(self) -> Log:
        log = tables.find(self.site.database, self.petition.id)
        assert log is not None
        return log

    def check_whole(self) -> Read:
        """Check that files, log, totals and pages agree, and that each row has its index in the log."""
        found = self.check_published()
        counts = self.site.petition().counts
        tally = found.tally
        assert (counts.confirmed, counts.counted, counts.log_size) == (
            tally.signed, tally.counted, found.checkpoint.size,
        )  # fmt: skip
        assert counts.withdrawn == tally.revoked[Reason.WITHDRAWN]
        assert check_sums(self.site.database, self.petition.id) == (True, 0)
        assert (publication(self.petition).folder / "checkpoint").read_bytes() == counts.checkpoint
        rows = self.site.database.query(
            f"SELECT p.idx, s.commitment FROM signing_signature s JOIN signing_log_index p ON {SAME_COMMITMENT}"
        )
        for index, commitment in rows:
            assert found.entries[index] == Sign(bytes(commitment)).encode()
        revoked = {int.from_bytes(e[2:10]) for e in found.entries if e[1] == Type.REVOKE}
        assert not revoked & {row[0] for row in rows}
        lost = {row[0] for row in self.site.database.query("SELECT idx FROM ledger_lost")}
        leaving = self.site.database.query(
            f"SELECT p.idx FROM signing_withdrawal s JOIN signing_log_index p ON {SAME_COMMITMENT} WHERE s.revoked = 0"
        )
        assert len(lost) + len(rows) + len(leaving) == tally.counted and not lost & (
            revoked | {row[0] for row in rows}
        )
        return found


def make_history(drill: Drill) -> dict[str, list[Signed]]:
    """Make all kinds of changes before and after a backup, then a mirror, then changes that are not in the mirror."""
    early = drill.sign(*(f"early{n}" for n in range(6)))
    drill.batch()
    drill.leave(early[0])
    drill.batch()
    drill.leave(early[1])  # withdrawn before the backup, in the log after it
    waiting = drill.sign(*(f"waiting{n}" for n in range(4)))
    drill.leave(waiting[0])  # before any batch
    held_back = drill.sign("robot", "fake", held=held.ROBOT)
    drill.backup()
    late = drill.sign(*(f"late{n}" for n in range(5)))
    drill.leave(early[2], waiting[1])
    drill.batch()
    held.drop(drill.site.database, drill.petition.id, held.REASONS["automated"])
    drill.petition = amend(drill)
    late += drill.sign("amended")
    drill.batch()
    drill.leave(early[3], late[0])
    drill.batch()
    drill.take_mirror()
    drill.leave(early[4], late[1])  # in the erasure journal, but not in the log yet
    drill.sign("unpublished")
    return {"early": early, "waiting": waiting, "held": held_back, "late": late}


def amend(drill: Drill) -> PetitionSnapshot:
    states.pause(drill.petition.slug)
    return drill.site.publish_again(drill.petition.slug)
