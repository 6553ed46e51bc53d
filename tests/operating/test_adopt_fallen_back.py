"""A database that was set back without a restore (a machine's snapshot, an old standby) adopts its own log.

Unlike a restored backup, it has the pending signatures of that time, and lacks later withdrawals.
"""

import shutil
from pathlib import Path

import pytest

from operating.drill import Drill
from sabal import database as raw
from sabal.signing.operations import Outcome
from sabal.signing.writer.find import find
from signing.steps import confirmation, signed
from sites import SiteOfTests, point_django_at
from tlog.entry import Reason

pytestmark = pytest.mark.slow  # whole drills


@pytest.fixture
def drill(
    site: SiteOfTests, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Drill:
    if site.vendor != "sqlite":
        pytest.skip("a copied file is the simplest snapshot")
    return Drill(site, tmp_path, request, monkeypatch)


def snapshot(drill: Drill) -> Path:
    drill.site.database.wal_checkpoint(truncate=True)
    return Path(shutil.copy(drill.site.data / "sabal.sqlite3", drill.site.data / "snapshot"))


def fall_back(drill: Drill, to: Path) -> None:
    drill.site.database.close()
    for path in drill.site.data.glob("sabal.sqlite3*"):
        path.unlink()
    shutil.copy(to, drill.site.data / "sabal.sqlite3")
    point_django_at(drill.site.url)
    drill.site.database = raw.connect()
    result = drill.sabal("restore", "--adopt")
    assert result.exit_code == 0, result.output


def test_a_signature_that_was_pending_in_the_snapshot_gets_its_entry_in_the_log(drill: Drill) -> None:
    suzie = signed(drill.site, drill.petition)
    before = snapshot(drill)
    drill.site.writer.commit(drill.site.database, [confirmation(suzie)])
    drill.batch()
    fall_back(drill, before)
    assert (drill.site.rows("signing_signature"), drill.site.rows("signing_sealed")) == (1, 1)
    assert not drill.site.database.query("SELECT 1 FROM ledger_lost")
    found = find(drill.site.database, [suzie.digest])[0]
    assert found and found.entered and found.entered.index == 1
    # Suzie confirms again: her signature stays, and does not enter the log a second time.
    assert drill.site.writer.commit(drill.site.database, [confirmation(suzie)]) == [Outcome.DONE]
    drill.sign("max")
    drill.batch()
    assert drill.check_whole().tally.counted == 2
    drill.leave(suzie)
    drill.batch()
    assert drill.check_whole().tally.revoked[Reason.WITHDRAWN] == 1


@pytest.mark.parametrize("confirmed_before", [False, True])
@pytest.mark.parametrize("revoked", [False, True])
def test_withdrawals_after_the_snapshot_are_applied(
    drill: Drill, confirmed_before: bool, revoked: bool
) -> None:
    suzie = signed(drill.site, drill.petition)
    click = confirmation(suzie)
    if confirmed_before:
        drill.site.writer.commit(drill.site.database, [click])
    before = snapshot(drill)
    if not confirmed_before:
        drill.site.writer.commit(drill.site.database, [click])
    drill.batch()
    drill.leave(suzie)
    if revoked:
        drill.batch()
    fall_back(drill, before)
    tables = ("signing_pending", "signing_signature", "signing_sealed")
    assert [drill.site.rows(table) for table in tables] == [0, 0, 0]
    assert drill.site.writer.commit(drill.site.database, [click]) == [Outcome.GONE]
    drill.sign("max")
    drill.batch()
    tally = drill.check_whole().tally
    assert (tally.counted, tally.revoked[Reason.WITHDRAWN]) == (1, 1)
