"""Retention: after the promised day no record, link or name of a petition is left, and the numbers stay."""

from datetime import date, timedelta

import pytest

from sabal.ledger.sequencer import Sequencer
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.publishing import states
from sabal.refusal import Refusal
from sabal.signing import operations, retention, tidy
from signing.steps import confirmed, signed
from sites import NOW, SiteOfTests

LAST = date(2028, 11, 30)  # the retention day of the example petition
AFTER = LAST + timedelta(days=1)
LATER = NOW + (AFTER - date(2026, 11, 24)).days * 86_400
GONE = ("signing_signature", "signing_sealed", "signing_pending", "signing_access")


def end(site: SiteOfTests, petition: PetitionSnapshot) -> int:
    """Do the worker's work after the retention day."""
    retention.erase_records(site.database, petition.id)
    assert site.rows("signing_sealed") == site.rows("signing_pending") == 0
    Sequencer(site.keystore).sequence_all(site.database, petition, LATER)
    return retention.erase_signers(site.database, site.keystore, petition)


def test_after_the_promised_day_only_the_numbers_are_left(site: SiteOfTests) -> None:
    petition = site.publish()
    for i in range(230):
        confirmed(site, petition, f"suzie{i}@example.org")
    confirmed(site, petition, "suzie1@example.org")  # a second link to one of them
    signed(site, petition, "max@example.org")
    site.sequence(petition, NOW + 1, every=1.0)
    assert not retention.is_over(site.database, petition, LAST)
    assert site.rows("signing_sealed") == 231 and site.rows("signing_access") == 1
    assert retention.is_over(site.database, petition, AFTER)
    assert end(site, petition) == 230
    assert [site.rows(table) for table in GONE] == [0] * len(GONE)
    assert site.petition().counts.counted == 230
    assert not retention.is_over(site.database, petition, AFTER)


def test_confirmed_signatures_are_counted_before_they_are_deleted(site: SiteOfTests) -> None:
    petition = site.publish()
    confirmed(site, petition)
    confirmed(site, petition, "max@example.org", held=1)
    left = confirmed(site, petition, "carol@example.org")
    site.writer.commit(site.database, [operations.Withdraw(left.t, left.digest)])
    end(site, petition)
    counts = site.petition().counts
    assert (counts.confirmed, counts.withdrawn, counts.counted) == (3, 1, 2)


def test_if_the_log_does_not_move_only_the_commitment_waits(site: SiteOfTests) -> None:
    petition = site.publish()
    confirmed(site, petition)
    confirmed(site, petition)  # a second link
    retention.erase_records(site.database, petition.id)
    assert retention.erase_signers(site.database, site.keystore, petition) == 1
    assert [site.rows(table) for table in GONE] == [0] * len(GONE)
    assert site.database.query("SELECT bucket FROM signing_waiting") == [(None,)]
    Sequencer(site.keystore).sequence_all(site.database, petition, LATER)
    assert site.petition().counts.counted == 1


def test_published_names_are_deleted_too(site: SiteOfTests) -> None:
    petition = site.publish(profile='"open"', show_names=True)
    confirmed(site, petition, display="Suzie")
    site.sequence(petition, NOW + 20)
    assert site.petition().counts.names == ("Suzie",)
    end(site, petition)
    assert site.petition().counts.names == ()


def test_signing_ends_a_week_earlier_so_that_every_email_can_be_confirmed(site: SiteOfTests) -> None:
    petition = site.publish()
    last = LAST - timedelta(days=7)
    assert petition.takes_signatures(last) and not petition.takes_signatures(last + timedelta(days=1))
    assert not tidy.close_due(site.database, petition, last)
    assert tidy.close_due(site.database, petition, last + timedelta(days=1))
    assert site.petition().closed_on == last
    with pytest.raises(Refusal, match="last day for signing"):
        states.resume(petition.slug, last + timedelta(days=1))
