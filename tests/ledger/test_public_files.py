"""The public files: what is missing, spoiled or newer than the database."""

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
    """A petition with 300 entries in its log."""
    petition = site.publish()
    confirmed(site, petition)
    site.sequence(petition, NOW + WEEK)
    grow(site, petition, 300)
    return site.petition()


def grow(site: SiteOfTests, petition: PetitionSnapshot, size: int) -> None:
    """Let the log have that many entries, as if so many had signed."""
    log = tables.find(site.database, petition.id)
    assert log is not None
    key = tables.key_of(site.database, site.keystore, petition.id, petition.origin)
    with site.database.transaction():
        new = [tlog.entry.Sign(n.to_bytes(32)).encode() for n in range(log.size, size)]
        tables.sign(site.database, tables.append(site.database, log, new), key, 20_000)
    site.sequence(petition, NOW + WEEK)


@pytest.mark.parametrize("spoil", [Path.unlink, lambda p: p.write_bytes(p.read_bytes()[:-1] + b"x")])
def test_every_file_that_is_missing_or_changed_is_made_again(
    site: SiteOfTests, petition: PetitionSnapshot, spoil: object
) -> None:
    place, sequencer = publication(petition), Sequencer(site.keystore)
    sequencer.repair(site.database, petition)  # older partial tiles go
    before = {name: (place.folder / name).read_bytes() for name in files(place.folder)}
    for name in before:
        spoil(place.folder / name)  # type: ignore[operator]
        assert sequencer.repair(site.database, petition) == [name]
        assert read(place.folder, place.key).checkpoint.size == 300
        assert (place.folder / name).read_bytes() == before[name]


def test_the_whole_folder_is_made_again(site: SiteOfTests, petition: PetitionSnapshot) -> None:
    place = publication(petition)
    shutil.rmtree(place.folder)
    Sequencer(site.keystore).publish_here(site.database, petition)
    assert read(place.folder, place.key).checkpoint.size == 300


def test_partial_tiles_go_when_the_full_one_stands(site: SiteOfTests, petition: PetitionSnapshot) -> None:
    place = publication(petition)
    assert any(".p/" in name and name.startswith("tile/0/000") for name in files(place.folder))
    Sequencer(site.keystore).repair(site.database, petition)
    left = [name for name in files(place.folder) if ".p/" in name]
    assert sorted(left) == ["tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/001.p/44"]


def test_a_restored_database_that_is_older_than_what_was_shown_stands_still(
    site: SiteOfTests, petition: PetitionSnapshot
) -> None:
    """Going on would sign a second history."""
    old = tables.find(site.database, petition.id)
    assert old is not None
    grow(site, petition, 310)
    newest = (publication(petition).folder / "checkpoint").read_bytes()
    site.database.execute(
        "UPDATE ledger_log SET size = ?, edge = ?, signed = ?, signed_size = ?, published = ?, published_size = ?",
        (old.size, b"".join(old.edge), old.signed, old.signed_size, old.published, old.published_size),
    )
    confirmed(site, petition, "max@example.org")
    with pytest.raises(WouldFork, match="310 entries"):
        Sequencer(site.keystore).sequence(site.database, petition, NOW + 3 * WEEK)
    with pytest.raises(WouldFork):
        Sequencer(site.keystore).publish_here(site.database, petition)
    after = tables.find(site.database, petition.id)
    assert after is not None and after.size == 300
    assert (publication(petition).folder / "checkpoint").read_bytes() == newest


def test_a_database_with_another_history_stands_still(site: SiteOfTests, petition: PetitionSnapshot) -> None:
    site.database.execute("UPDATE ledger_bundle SET entries = ? WHERE number = 0", (b"\1\1" + b"x" * 8_702,))
    site.database.execute("UPDATE ledger_log SET signed = ?, published = ?", (b"", b""))
    log = tables.find(site.database, petition.id)
    assert log is not None
    with pytest.raises(WouldFork, match="another history"):
        publication(petition).refuse_ahead(site.database, log)


def test_a_clock_that_goes_back_shows_nothing_older(site: SiteOfTests, petition: PetitionSnapshot) -> None:
    confirmed(site, petition, "max@example.org")
    site.sequence(petition, NOW - 10 * WEEK)
    assert read(publication(petition).folder, publication(petition).key).checkpoint.size == 301
