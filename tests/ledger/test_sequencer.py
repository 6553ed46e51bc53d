"""The sequencer: what was confirmed enters the log in batches, and pages, files and log say the same."""

import os
import secrets
from pathlib import Path

import pytest

import tlog
from ledger.reading import Read, read
from sabal.ledger import tables
from sabal.ledger.publication import publication
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.publishing import states
from sabal.signing import held, operations
from signing.steps import SUZIE, ask, confirmation, confirmed
from sites import NOW, SiteOfTests

HOUR, DAY, WEEK = 3_600, 86_400, 604_800


def shown(site: SiteOfTests, petition: PetitionSnapshot) -> Read:
    """The published files, held against the numbers that the petition's pages show."""
    found = read(publication(petition).folder, publication(petition).key)
    counts = site.petition(petition.slug).counts
    assert (publication(petition).folder / "checkpoint").read_bytes() == counts.checkpoint
    assert found.checkpoint.size == counts.log_size
    assert found.tally.signed == counts.confirmed
    assert found.tally.revoked[tlog.entry.Reason.WITHDRAWN] == counts.withdrawn
    assert found.tally.counted == counts.counted
    assert found.tally.manifest_hash == site.petition(petition.slug).manifest_hash
    return found


def leave(site: SiteOfTests, *signers: object) -> None:
    clicks = [operations.Withdraw(one.t, one.digest) for one in signers]  # type: ignore[attr-defined]
    assert site.writer.commit(site.database, clicks) == [operations.Outcome.DONE] * len(clicks)


def test_publishing_opens_the_log_with_the_manifest(site: SiteOfTests) -> None:
    petition = site.publish()
    site.sequence(petition, NOW)
    found = shown(site, petition)
    assert found.entries == [tlog.entry.Open(petition.manifest_hash).encode()]
    assert found.checkpoint.origin == petition.origin and petition.origin.endswith("/log")


def test_through_sign_withdraw_invalidate_amend_and_close_all_say_the_same(site: SiteOfTests) -> None:
    petition = site.publish(profile='"open"')
    signers = [confirmed(site, petition, f"suzie{n}@example.org") for n in range(5)]
    leave(site, signers[4])  # before it was sequenced
    site.sequence(petition, NOW + 20)
    assert shown(site, petition).tally.counted == 4
    leave(site, signers[0])
    assert shown(site, petition).tally.counted == 4  # withdrawals come with a batch
    confirmed(site, petition, "max@example.org")
    site.sequence(petition, NOW + 40)
    assert shown(site, petition).tally.counted == 4
    confirmed(site, petition, "eve@example.org", held=held.ROBOT)
    held.drop(site.database, petition.id, held.REASONS["automated"])
    confirmed(site, petition, "carol@example.org")
    site.sequence(petition, NOW + 60)
    found = shown(site, petition)
    assert found.tally.revoked[tlog.entry.Reason.FAKE] == 1 and found.tally.counted == 5
    amended = amend(site, petition)
    site.sequence(amended, NOW + 80)
    found = shown(site, amended)
    assert found.entries[-1] == tlog.entry.Amend(amended.manifest_hash).encode()
    confirmed(site, amended, "later@example.org")
    site.close(amended, NOW + 100)
    found = shown(site, amended)
    assert found.tally.closed and found.tally.counted == 6
    leave(site, signers[1])
    site.sequence(site.petition(), NOW + 120)
    assert shown(site, amended).tally.counted == 5


def amend(site: SiteOfTests, petition: PetitionSnapshot) -> PetitionSnapshot:
    """The petition with a key changed, as its organiser would: paused, keys, key check, published."""
    states.pause(petition.slug)
    return site.publish_again(petition.slug)


def test_a_batch_is_sorted_by_commitment(site: SiteOfTests) -> None:
    petition = site.publish()
    signers = [confirmed(site, petition, f"suzie{n}@example.org") for n in range(40)]
    leave(site, *signers[:7])
    site.sequence(petition, NOW + WEEK)
    found = shown(site, petition)
    signs = found.entries[1:41]
    assert signs == sorted(signs) and {s[1] for s in signs} == {tlog.entry.Type.SIGN}
    assert {e[1] for e in found.entries[41:]} == {tlog.entry.Type.REVOKE} and len(found.entries) == 48


@pytest.mark.parametrize("size", [254, 255, 256, 512])
def test_bundles_and_tiles_at_their_edges(site: SiteOfTests, size: int) -> None:
    petition = site.publish()
    site.sequence(petition, NOW)
    log = tables.find(site.database, petition.id)
    assert log is not None
    key = tables.key_of(site.database, site.keystore, petition.id, petition.origin)
    for end in (size, size + 1, size + 3):
        with site.database.transaction():
            new = [tlog.entry.Sign(n.to_bytes(32)).encode() for n in range(log.size, end)]
            log = tables.sign(site.database, tables.append(site.database, log, new), key, 20_000)
        files = publication(petition)
        files.write_tiles(site.database, log.size)
        files.write_checkpoint(log.signed)
        assert len(read(files.folder, files.key).entries) == end


def test_the_first_signature_after_a_quiet_time_does_not_show_its_moment(site: SiteOfTests) -> None:
    petition = site.publish()
    for week in range(1, 4):
        site.sequence(petition, NOW + week * WEEK)
    confirmed(site, petition)
    assert site.sequence(petition, NOW + 3 * WEEK + HOUR) == 0
    assert site.sequence(petition, NOW + 4 * WEEK - 1) == 0
    assert site.sequence(petition, NOW + 4 * WEEK) == 1


def test_two_signatures_of_one_mailbox_are_one_entry(site: SiteOfTests) -> None:
    petition = site.publish()
    confirmed(site, petition)
    confirmed(site, petition, SUZIE)
    site.sequence(petition, NOW + WEEK)
    assert shown(site, petition).tally.signed == 1


def test_what_keeps_a_commitment_from_standing_twice(
    site: SiteOfTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Randomness makes each another, of the link or of w alone; and one row, by its primary key, becomes one entry."""
    petition = site.publish()
    signers = [ask(site, petition, "carol@example.org") for _ in range(50)]
    with monkeypatch.context() as broken:
        broken.setattr(secrets, "token_bytes", lambda n: b"w" * n if n == 32 else os.urandom(n))
        signers += [ask(site, petition, "carol@example.org") for _ in range(50)]
    assert len({one.operation.commitment for one in signers}) == 100

    suzie = confirmed(site, petition)

    def click_again() -> None:
        site.writer.commit(site.database, [confirmation(suzie)])
        site.sequence(site.petition(), NOW + next(weeks) * WEEK)
        found = shown(site, petition)
        assert found.tally.signed == 1 and tlog.first_repeat(b"".join(found.entries)) is None

    weeks = iter(range(1, 9))
    click_again()
    click_again()
    with pytest.raises(Exception, match=r"(?i)unique"):  # the very same form, as if it were stored once more
        site.writer.commit(site.database, [suzie.operation])
    click_again()
    leave(site, suzie)
    click_again()
    assert shown(site, petition).tally.counted == 0


def test_two_writers_never_fork_a_log(site: SiteOfTests) -> None:
    petition = site.publish()
    log = tables.find(site.database, petition.id)
    assert log is not None
    one = [tlog.entry.Sign(b"1" * 32).encode()]
    with site.database.transaction():
        tables.append(site.database, log, one)
    with pytest.raises(tables.Overtaken), site.database.transaction():
        tables.append(site.database, log, [tlog.entry.Sign(b"2" * 32).encode()])
    assert b"".join(tables.entries(site.database, petition.id, 1, 2)) == one[0]


def test_files_are_readable_by_a_web_server(site: SiteOfTests, tmp_path: Path) -> None:
    petition = site.publish()
    site.sequence(petition, NOW)
    folder = publication(petition).folder
    assert folder.is_relative_to(tmp_path / "public")
    for file in folder.rglob("*"):
        if file.is_file() and file.name != ".lock":
            assert file.stat().st_mode & 0o444 == 0o444
