"""The sequencer: what was confirmed enters the log in batches, and pages, files and log say the same."""

import os
import secrets
from pathlib import Path

import pytest

import tlog
from houses import NOW, HouseOfTests
from ledger.reading import Read, read
from sabal.ledger import tables
from sabal.ledger.publication import publication
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.publishing import states
from sabal.signing import held, operations
from signing.steps import SUZIE, ask, confirmation, confirmed

HOUR, DAY, WEEK = 3_600, 86_400, 604_800


def shown(house: HouseOfTests, petition: PetitionSnapshot) -> Read:
    """The published files, held against the numbers that the petition's pages show."""
    found = read(publication(petition).folder, publication(petition).key)
    counts = house.petition(petition.slug).counts
    assert (publication(petition).folder / "checkpoint").read_bytes() == counts.checkpoint
    assert found.checkpoint.size == counts.log_size
    assert found.tally.signed == counts.confirmed
    assert found.tally.revoked[tlog.entry.Reason.WITHDRAWN] == counts.withdrawn
    assert found.tally.counted == counts.counted
    assert found.tally.manifest_hash == house.petition(petition.slug).manifest_hash
    return found


def leave(house: HouseOfTests, *signers: object) -> None:
    clicks = [operations.Withdraw(one.t, one.digest) for one in signers]  # type: ignore[attr-defined]
    assert house.writer.commit(house.database, clicks) == [operations.Outcome.DONE] * len(clicks)


def test_publishing_opens_the_log_with_the_manifest(house: HouseOfTests) -> None:
    petition = house.publish()
    house.sequence(petition, NOW)
    found = shown(house, petition)
    assert found.entries == [tlog.entry.Open(petition.manifest_hash).encode()]
    assert found.checkpoint.origin == petition.origin and petition.origin.endswith("/log")


def test_through_sign_withdraw_invalidate_amend_and_close_all_say_the_same(house: HouseOfTests) -> None:
    petition = house.publish(profile='"open"')
    signers = [confirmed(house, petition, f"suzie{n}@example.org") for n in range(5)]
    leave(house, signers[4])  # before it was sequenced
    house.sequence(petition, NOW + 20)
    assert shown(house, petition).tally.counted == 4
    leave(house, signers[0])
    assert shown(house, petition).tally.counted == 4  # withdrawals come with a batch
    confirmed(house, petition, "max@example.org")
    house.sequence(petition, NOW + 40)
    assert shown(house, petition).tally.counted == 4
    confirmed(house, petition, "eve@example.org", held=held.ROBOT)
    held.drop(house.database, petition.id, held.REASONS["automated"])
    confirmed(house, petition, "carol@example.org")
    house.sequence(petition, NOW + 60)
    found = shown(house, petition)
    assert found.tally.revoked[tlog.entry.Reason.FAKE] == 1 and found.tally.counted == 5
    amended = amend(house, petition)
    house.sequence(amended, NOW + 80)
    found = shown(house, amended)
    assert found.entries[-1] == tlog.entry.Amend(amended.manifest_hash).encode()
    confirmed(house, amended, "later@example.org")
    house.close(amended, NOW + 100)
    found = shown(house, amended)
    assert found.tally.closed and found.tally.counted == 6
    leave(house, signers[1])
    house.sequence(house.petition(), NOW + 120)
    assert shown(house, amended).tally.counted == 5


def amend(house: HouseOfTests, petition: PetitionSnapshot) -> PetitionSnapshot:
    """The petition with a key changed, as its organiser would: paused, keys, key check, published."""
    states.pause(petition.slug)
    return house.publish_again(petition.slug)


def test_a_batch_is_sorted_by_commitment(house: HouseOfTests) -> None:
    petition = house.publish()
    signers = [confirmed(house, petition, f"suzie{n}@example.org") for n in range(40)]
    leave(house, *signers[:7])
    house.sequence(petition, NOW + WEEK)
    found = shown(house, petition)
    signs = found.entries[1:41]
    assert signs == sorted(signs) and {s[1] for s in signs} == {tlog.entry.Type.SIGN}
    assert {e[1] for e in found.entries[41:]} == {tlog.entry.Type.REVOKE} and len(found.entries) == 48


@pytest.mark.parametrize("size", [254, 255, 256, 512])
def test_bundles_and_tiles_at_their_edges(house: HouseOfTests, size: int) -> None:
    petition = house.publish()
    house.sequence(petition, NOW)
    log = tables.find(house.database, petition.id)
    assert log is not None
    key = tables.key_of(house.database, house.house, petition.id, petition.origin)
    for end in (size, size + 1, size + 3):
        with house.database.transaction():
            new = [tlog.entry.Sign(n.to_bytes(32)).encode() for n in range(log.size, end)]
            log = tables.sign(house.database, tables.append(house.database, log, new), key, 20_000)
        files = publication(petition)
        files.write_tiles(house.database, log.size)
        files.write_checkpoint(log.signed)
        assert len(read(files.folder, files.key).entries) == end


def test_the_first_signature_after_a_quiet_time_does_not_show_its_moment(house: HouseOfTests) -> None:
    petition = house.publish()
    for week in range(1, 4):
        house.sequence(petition, NOW + week * WEEK)
    confirmed(house, petition)
    assert house.sequence(petition, NOW + 3 * WEEK + HOUR) == 0
    assert house.sequence(petition, NOW + 4 * WEEK - 1) == 0
    assert house.sequence(petition, NOW + 4 * WEEK) == 1


def test_two_signatures_of_one_mailbox_are_one_entry(house: HouseOfTests) -> None:
    petition = house.publish()
    confirmed(house, petition)
    confirmed(house, petition, SUZIE)
    house.sequence(petition, NOW + WEEK)
    assert shown(house, petition).tally.signed == 1


def test_what_keeps_a_commitment_from_standing_twice(
    house: HouseOfTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Randomness makes each another, of the link or of w alone; and one row, by its primary key, becomes one entry."""
    petition = house.publish()
    signers = [ask(house, petition, "carol@example.org") for _ in range(50)]
    with monkeypatch.context() as broken:
        broken.setattr(secrets, "token_bytes", lambda n: b"w" * n if n == 32 else os.urandom(n))
        signers += [ask(house, petition, "carol@example.org") for _ in range(50)]
    assert len({one.operation.commitment for one in signers}) == 100

    suzie = confirmed(house, petition)

    def click_again() -> None:
        house.writer.commit(house.database, [confirmation(suzie)])
        house.sequence(house.petition(), NOW + next(weeks) * WEEK)
        found = shown(house, petition)
        assert found.tally.signed == 1 and tlog.first_repeat(b"".join(found.entries)) is None

    weeks = iter(range(1, 9))
    click_again()
    click_again()
    with pytest.raises(Exception, match=r"(?i)unique"):  # the very same form, as if it were stored once more
        house.writer.commit(house.database, [suzie.operation])
    click_again()
    leave(house, suzie)
    click_again()
    assert shown(house, petition).tally.counted == 0


def test_two_writers_never_fork_a_log(house: HouseOfTests) -> None:
    petition = house.publish()
    log = tables.find(house.database, petition.id)
    assert log is not None
    one = [tlog.entry.Sign(b"1" * 32).encode()]
    with house.database.transaction():
        tables.append(house.database, log, one)
    with pytest.raises(tables.Overtaken), house.database.transaction():
        tables.append(house.database, log, [tlog.entry.Sign(b"2" * 32).encode()])
    assert b"".join(tables.entries(house.database, petition.id, 1, 2)) == one[0]


def test_files_are_readable_by_a_web_server(house: HouseOfTests, tmp_path: Path) -> None:
    petition = house.publish()
    house.sequence(petition, NOW)
    folder = publication(petition).folder
    assert folder.is_relative_to(tmp_path / "public")
    for file in folder.rglob("*"):
        if file.is_file() and file.name != ".lock":
            assert file.stat().st_mode & 0o444 == 0o444
