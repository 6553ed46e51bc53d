"""Receipts: the promise at once, the proof after the batch. Both are checked without the server."""

import json

import pytest

import tlog
from sabal.ledger import receipt
from sabal.ledger.policy import policy_of
from sabal.petitions.consent import consent_version
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.records.record import commitment, seed
from sabal.signing.writer.find import find
from signing.steps import confirmed
from sites import DAY_NUMBER, NOW, SiteOfTests

HOUR, DAY, WEEK = 3_600, 86_400, 604_800


def promise_key(petition: PetitionSnapshot) -> tlog.Verifier:
    return tlog.Verifier.parse(json.loads(petition.manifest)["terms"]["log"]["promise_key"])


def policy(petition: PetitionSnapshot) -> tlog.Policy:
    return tlog.Policy.parse(policy_of(petition))


@pytest.mark.slow
def test_the_promise_is_kept_for_a_held_signature_too(site: SiteOfTests) -> None:
    petition = site.publish()
    suzie = confirmed(site, petition, held=1)
    found = find(site.database, [suzie.digest])[0]
    assert found is not None and found.entered is None
    note = receipt.promise(petition, found.commitment, DAY_NUMBER)
    promised = tlog.Promise.open(note, promise_key(petition))
    assert promised.origin == petition.origin
    assert promised.leaf == tlog.leaf_hash(tlog.entry.Sign(suzie.operation.commitment).encode())
    # A worker that runs once an hour, with batches at the latest times.
    now = float(NOW)
    while site.petition().counts.confirmed == 0:
        now += HOUR
        site.sequence(petition, now)
    assert now <= promised.include_by - DAY


@pytest.mark.parametrize("profile", ["guarded", "open"])
def test_all_signatures_of_a_day_are_promised_the_same_day(site: SiteOfTests, profile: str) -> None:
    petition = site.publish(profile=f'"{profile}"')
    held = confirmed(site, petition, held=1)
    other = confirmed(site, petition, "max@example.org")
    days = {
        tlog.Promise.open(
            receipt.promise(petition, one.operation.commitment, DAY_NUMBER), promise_key(petition)
        ).include_by
        for one in (held, other)
    }
    assert len(days) == 1 and not next(iter(days)) % DAY


@pytest.mark.parametrize("others", [0, 1, 255, 300])
def test_the_proof_is_valid_and_w_leads_from_the_emailed_link_to_the_entry(
    site: SiteOfTests, others: int
) -> None:
    petition = site.publish()
    suzie = confirmed(site, petition)
    for n in range(others):
        confirmed(site, petition, f"max{n}@example.org")
    site.sequence(petition, NOW + WEEK)
    petition = site.petition()
    found = find(site.database, [suzie.digest])[0]
    assert found is not None and found.entered is not None
    assert (found.entered.batch, found.entered.day) == (1, DAY_NUMBER + 7)
    proof = tlog.Proof.parse(receipt.proof(petition, found.entered.index, found.w))
    fields = {
        "name": "Suzie", "email": "suzie@example.org", "place": "KR", "comment": "",
        "consent": consent_version(petition.consent["ko"]), "day": "2026-11-24",
    }  # fmt: skip
    assert proof.extra is not None
    mine = commitment(petition.manifest_hash, seed(suzie.t, proof.extra), fields)
    assert proof.verify(tlog.leaf_hash(tlog.entry.Sign(mine).encode()), policy(petition)).size == others + 2
    with pytest.raises(tlog.Unproven):
        proof.verify(tlog.leaf_hash(tlog.entry.Sign(b"x" * 32).encode()), policy(petition))


def test_a_second_link_shows_the_batch_after_its_own_confirmation(site: SiteOfTests) -> None:
    """Otherwise a person with access to a mailbox could sign again to learn whether its address had signed before."""
    petition = site.publish()
    confirmed(site, petition)
    site.sequence(petition, NOW + WEEK)
    again = confirmed(site, petition)
    found = find(site.database, [again.digest])[0]
    assert found is not None and found.entered is None
    for n in range(3):
        confirmed(site, petition, f"max{n}@example.org")
    site.sequence(petition, NOW + 2 * WEEK)
    found = find(site.database, [again.digest])[0]
    assert found is not None and found.entered is not None
    assert (found.entered.batch, found.entered.day) == (2, DAY_NUMBER + 14)


def test_a_proof_is_made_also_if_tiles_are_missing(site: SiteOfTests) -> None:
    petition = site.publish()
    suzie = confirmed(site, petition)
    site.sequence(petition, NOW + WEEK)
    petition = site.petition()
    for file in (site.data / "public").rglob("*"):
        if file.is_file() and "tile" in file.parts:
            file.unlink()
    found = find(site.database, [suzie.digest])[0]
    assert found is not None and found.entered is not None
    proof = tlog.Proof.parse(receipt.proof(petition, found.entered.index, found.w))
    leaf = tlog.leaf_hash(tlog.entry.Sign(suzie.operation.commitment).encode())
    assert proof.verify(leaf, policy(petition))
