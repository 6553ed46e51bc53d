"""The sequencer: confirmed signatures enter the log in batches, and pages, files and log agree."""

import os
import secrets
from pathlib import Path

import pytest

import tlog
from ledger.reading import Read, read
from sabal.ledger import bundles, tables
from sabal.ledger.log import Overtaken
from sabal.ledger.publication import publication
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.publishing import states
from sabal.signing import held, operations
from signing.steps import SUZIE, ask, confirmation, confirmed
from sites import NOW, SiteOfTests

HOUR, DAY, WEEK = 3_600, 86_400, 604_800


def published(site: SiteOfTests, petition: PetitionSnapshot) -> Read:
    """Read the published files, and compare them with the numbers on the petition's pages."""
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
    found = published(site, petition)
    assert found.entries == [tlog.entry.Open(petition.manifest_hash).encode()]
    assert found.checkpoint.origin == petition.origin and petition.origin.endswith("/log")


def test_log_and_pages_agree_after_each_kind_of_change(site: SiteOfTests) -> None:
    petition = site.publish(profile='"open"')
    signers = [confirmed(site, petition, f"suzie{n}@example.org") for n in range(5)]
    leave(site, signers[4])  # before it was sequenced
    site.sequence(petition, NOW + 20)
    assert published(site, petition).tally.counted == 4
    leave(site, signers[0])
    assert published(site, petition).tally.counted == 4  # withdrawals come with a batch
    confirmed(site, petition, "max@example.org")
    site.sequence(petition, NOW + 40)
    assert published(site, petition).tally.counted == 4
    confirmed(site, petition, "eve@example.org", held=held.ROBOT)
    held.drop(site.database, petition.id, held.REASONS["automated"])
    confirmed(site, petition, "carol@example.org")
    site.sequence(petition, NOW + 60)
    found = published(site, petition)
    assert found.tally.revoked[tlog.entry.Reason.FAKE] == 1 and found.tally.counted == 5
    amended = amend(site, petition)
    site.sequence(amended, NOW + 80)
    found = published(site, amended)
    assert found.entries[-1] == tlog.entry.Amend(amended.manifest_hash).encode()
    confirmed(site, amended, "later@example.org")
    site.close(amended, NOW + 100)
    found = published(site, amended)
    assert found.tally.closed and found.tally.counted == 6
    leave(site, signers[1])
    site.sequence(site.petition(), NOW + 120)
    assert published(site, amended).tally.counted == 5


def amend(site: SiteOfTests, petition: PetitionSnapshot) -> PetitionSnapshot:
    """Change the petition's key as its organiser does: pause, keys, key check, publish."""
    states.pause(petition.slug)
    return site.publish_again(petition.slug)


def test_a_batch_is_sorted_by_commitment(site: SiteOfTests) -> None:
    petition = site.publish()
    signers = [confirmed(site, petition, f"suzie{n}@example.org") for n in range(40)]
    leave(site, *signers[:7])
    site.sequence(petition, NOW + WEEK)
    found = published(site, petition)
    signs = found.entries[1:41]
    assert signs == sorted(signs) and {s[1] for s in signs} == {tlog.entry.Type.SIGN}
    assert {e[1] for e in found.entries[41:]} == {tlog.entry.Type.REVOKE} and len(found.entries) == 48


@pytest.mark.parametrize("size", [254, 255, 256, 512])
def test_files_at_the_sizes_where_a_bundle_is_full(site: SiteOfTests, size: int) -> None:
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


def test_the_first_signature_after_a_quiet_time_waits_too(site: SiteOfTests) -> None:
    petition = site.publish()
    for week in range(1, 4):
        site.sequence(petition, NOW + week * WEEK)
    confirmed(site, petition)
    assert site.sequence(petition, NOW + 3 * WEEK + HOUR) == 0
    assert site.sequence(petition, NOW + 4 * WEEK - 1) == 0
    assert site.sequence(petition, NOW + 4 * WEEK) == 1


def test_two_signatures_of_one_email_address_are_one_entry(site: SiteOfTests) -> None:
    petition = site.publish()
    confirmed(site, petition)
    confirmed(site, petition, SUZIE)
    site.sequence(petition, NOW + WEEK)
    assert published(site, petition).tally.signed == 1


def test_a_commitment_enters_the_log_only_once(site: SiteOfTests, monkeypatch: pytest.MonkeyPatch) -> None:
    """The randomness of the link, or of w alone, makes each commitment different. One row becomes one entry."""
    petition = site.publish()
    signers = [ask(site, petition, "carol@example.org") for _ in range(50)]
    with monkeypatch.context() as broken:
        broken.setattr(secrets, "token_bytes", lambda n: b"w" * n if n == 32 else os.urandom(n))
        signers += [ask(site, petition, "carol@example.org") for _ in range(50)]
    assert len({one.operation.commitment for one in signers}) == 100

    suzie = confirmed(site, petition)

    def confirm_again() -> None:
        site.writer.commit(site.database, [confirmation(suzie)])
        site.sequence(site.petition(), NOW + next(weeks) * WEEK)
        found = published(site, petition)
        assert found.tally.signed == 1 and tlog.first_repeat(b"".join(found.entries)) is None

    weeks = iter(range(1, 9))
    confirm_again()
    confirm_again()
    with pytest.raises(Exception, match=r"(?i)unique"):  # the same form, stored a second time
        site.writer.commit(site.database, [suzie.operation])
    confirm_again()
    leave(site, suzie)
    confirm_again()
    assert published(site, petition).tally.counted == 0


def test_of_two_writers_one_fails(site: SiteOfTests) -> None:
    petition = site.publish()
    log = tables.find(site.database, petition.id)
    assert log is not None
    one = [tlog.entry.Sign(b"1" * 32).encode()]
    with site.database.transaction():
        tables.append(site.database, log, one)
    with pytest.raises(Overtaken), site.database.transaction():
        tables.append(site.database, log, [tlog.entry.Sign(b"2" * 32).encode()])
    assert b"".join(bundles.entries(site.database, petition.id, 1, 2)) == one[0]


def test_files_are_readable_by_a_web_server(site: SiteOfTests, tmp_path: Path) -> None:
    petition = site.publish()
    site.sequence(petition, NOW)
    folder = publication(petition).folder
    assert folder.is_relative_to(tmp_path / "public")
    for file in folder.rglob("*"):
        if file.is_file() and file.name != ".lock":
            assert file.stat().st_mode & 0o444 == 0o444
