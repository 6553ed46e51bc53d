"""Public files that are missing, damaged or newer than the database."""

from pathlib import Path

import pytest

import tlog
from ledger.reading import files, read
from sabal import database as raw
from sabal import settings
from sabal.ledger import tables
from sabal.ledger.publication import NoCopy, Publication, WouldFork, publication
from sabal.ledger.sequencer import Sequencer
from sabal.operating import stores
from sabal.operating.adopt import adopt_published
from sabal.operating.given import Given
from sabal.petitions.snapshot import PetitionSnapshot
from signing.steps import confirmed
from sites import NOW, SiteOfTests

WEEK = 604_800


@pytest.fixture
def petition(site: SiteOfTests) -> PetitionSnapshot:
    """Return a petition with 300 entries in its log."""
    petition = site.publish()
    confirmed(site, petition)
    site.sequence(petition, NOW + WEEK)
    grow(site, petition, 300)
    return site.petition()


def grow(site: SiteOfTests, petition: PetitionSnapshot, size: int) -> None:
    """Append sign entries to the log until it has `size` entries."""
    log = tables.find(site.database, petition.id)
    assert log is not None
    key = tables.key_of(site.database, site.keystore, petition.id, petition.origin)
    with site.database.transaction():
        new = [tlog.entry.Sign(n.to_bytes(32)).encode() for n in range(log.size, size)]
        tables.sign(site.database, tables.append(site.database, log, new), key, 20_000)
    site.sequence(petition, NOW + WEEK)


@pytest.mark.parametrize("spoil", [Path.unlink, lambda p: p.write_bytes(p.read_bytes()[:-1] + b"x")])
def test_each_missing_or_changed_file_is_repaired(
    site: SiteOfTests, petition: PetitionSnapshot, spoil: object
) -> None:
    files_of_log, sequencer = publication(petition), Sequencer(site.keystore)
    sequencer.repair(site.database, petition)  # deletes older partial tiles
    before = {name: (files_of_log.folder / name).read_bytes() for name in files(files_of_log.folder)}
    for name in before:
        spoil(files_of_log.folder / name)  # type: ignore[operator]
        assert sequencer.repair(site.database, petition) == [name]
        assert read(files_of_log.folder, files_of_log.key).checkpoint.size == 300
        assert (files_of_log.folder / name).read_bytes() == before[name]


def test_a_machine_without_a_copy_does_not_continue_the_log(
    site: SiteOfTests, petition: PetitionSnapshot
) -> None:
    """It cannot know whether the database is the newest: an older one may have been put back."""
    files, size = publication(petition), 300
    files.folder.rename(site.data / "kept")
    site.database.close()  # the worker that had the copy
    site.database = site.connect()
    confirmed(site, petition, "max@example.org")
    for use in (sequence, close, Sequencer.publish_here, Sequencer.repair):
        with pytest.raises(NoCopy, match=f"sabal restore --adopt {petition.slug}"):
            use(Sequencer(site.keystore), site.database, petition)
    assert not files.folder.exists() and site.petition().counts.log_size == size
    assert [f.level for f in stores.database_and_keys() if f.id == "D208"] == ["wrong"]
    assert adopt_published(Given(), None, NOW)[0].refused
    assert [one.refused for one in adopt_published(Given(nothing_lost=True), None, NOW)] == [""]
    assert site.sequence(petition, NOW + 3 * WEEK) == 1
    assert read(files.folder, files.key).checkpoint.size == size + 1
    assert not [f for f in stores.database_and_keys() if f.id == "D208"]


def test_a_second_machine_begins_beside_a_healthy_one(
    site: SiteOfTests, petition: PetitionSnapshot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The healthy one may end a moment later, as when a server moves."""
    if site.vendor == "sqlite":
        pytest.skip("SQLite has one machine")
    beside = site.connect()
    Sequencer(site.keystore).publish_here(beside, petition)
    monkeypatch.setattr(settings, "DATA", tmp_path / "second")
    assert not [f for f in stores.database_and_keys() if f.id == "D208"]
    Sequencer(site.keystore).publish_here(site.database, petition)
    beside.close()
    confirmed(site, petition, "max@example.org")
    assert site.sequence(petition, NOW + 3 * WEEK) == 1
    assert read(publication(petition).folder, publication(petition).key).checkpoint.size == 301


def test_no_machine_vouches_after_its_end_or_for_another_log(
    site: SiteOfTests, petition: PetitionSnapshot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside = site.connect()
    beside.vouch("published/999")
    Sequencer(site.keystore).publish_here(site.database, petition)  # its own word does not count
    if site.vendor == "postgresql":
        beside.vouch(publication(petition).voucher)
    beside.close()
    monkeypatch.setattr(settings, "DATA", tmp_path / "second")
    with pytest.raises(NoCopy):
        Sequencer(site.keystore).publish_here(site.database, petition)


def test_a_crash_before_the_first_checkpoint_file_is_no_lost_copy(site: SiteOfTests) -> None:
    petition = site.publish()
    confirmed(site, petition)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Publication, "write_checkpoint", crash)
        with pytest.raises(OSError, match="power cut"):
            Sequencer(site.keystore).sequence(site.database, petition, NOW + WEEK)
    assert not (publication(petition).folder / "checkpoint").exists()
    confirmed(site, petition, "max@example.org")
    assert site.sequence(petition, NOW + 3 * WEEK) == 1
    assert read(publication(petition).folder, publication(petition).key).tally.signed == 2


def crash(*_: object) -> None:
    raise OSError("power cut")


def sequence(sequencer: Sequencer, database: raw.Database, petition: PetitionSnapshot) -> None:
    sequencer.sequence(database, petition, NOW + 3 * WEEK)


def close(sequencer: Sequencer, database: raw.Database, petition: PetitionSnapshot) -> None:
    sequencer.close(database, petition, NOW + 3 * WEEK)


def test_partial_tiles_are_deleted_once_the_full_tile_exists(
    site: SiteOfTests, petition: PetitionSnapshot
) -> None:
    files_of_log = publication(petition)
    assert any(".p/" in name and name.startswith("tile/0/000") for name in files(files_of_log.folder))
    Sequencer(site.keystore).repair(site.database, petition)
    left = [name for name in files(files_of_log.folder) if ".p/" in name]
    assert sorted(left) == ["tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/001.p/44"]


def test_a_database_older_than_the_published_log_stops_the_log(
    site: SiteOfTests, petition: PetitionSnapshot
) -> None:
    """Continuing would sign a second history."""
    old = tables.find(site.database, petition.id)
    assert old is not None
    grow(site, petition, 310)
    newest = (publication(petition).folder / "checkpoint").read_bytes()
    site.database.execute(
        "UPDATE ledger_log SET size = ?, compact_range = ?, signed = ?, signed_size = ?, published = ?,"
        " published_size = ?",
        (
            old.size,
            b"".join(old.compact_range),
            old.signed,
            old.signed_size,
            old.published,
            old.published_size,
        ),
    )
    confirmed(site, petition, "max@example.org")
    with pytest.raises(WouldFork, match="310 entries"):
        Sequencer(site.keystore).sequence(site.database, petition, NOW + 3 * WEEK)
    with pytest.raises(WouldFork):
        Sequencer(site.keystore).publish_here(site.database, petition)
    after = tables.find(site.database, petition.id)
    assert after is not None and after.size == 300
    assert (publication(petition).folder / "checkpoint").read_bytes() == newest


def test_a_database_with_another_history_is_refused(site: SiteOfTests, petition: PetitionSnapshot) -> None:
    site.database.execute("UPDATE ledger_bundle SET entries = ? WHERE number = 0", (b"\1\1" + b"x" * 8_702,))
    site.database.execute("UPDATE ledger_log SET signed = ?, published = ?", (b"", b""))
    log = tables.find(site.database, petition.id)
    assert log is not None
    with pytest.raises(WouldFork, match="another history"):
        publication(petition).refuse_ahead(site.database, log)


def test_a_clock_that_is_set_back_publishes_the_newest_checkpoint(
    site: SiteOfTests, petition: PetitionSnapshot
) -> None:
    confirmed(site, petition, "max@example.org")
    site.sequence(petition, NOW - 10 * WEEK)
    assert read(publication(petition).folder, publication(petition).key).checkpoint.size == 301
