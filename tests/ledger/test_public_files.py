"""Public files that are missing, damaged or newer than the database."""

import shutil
from pathlib import Path

import pytest

import tlog
from ledger.reading import files, read
from sabal.ledger import tables
from sabal.ledger.publication import WouldFork, publication
from sabal.ledger.sequencer import Sequencer
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


def test_a_deleted_folder_is_written_again(site: SiteOfTests, petition: PetitionSnapshot) -> None:
    files_of_log = publication(petition)
    shutil.rmtree(files_of_log.folder)
    Sequencer(site.keystore).publish_here(site.database, petition)
    assert read(files_of_log.folder, files_of_log.key).checkpoint.size == 300


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
