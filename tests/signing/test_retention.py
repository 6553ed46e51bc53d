"""Retention: after the promised day no record, link or name of the petition is left, and the numbers stay."""

from datetime import date, timedelta

import pytest

from houses import NOW, HouseOfTests
from sabal.ledger.sequencer import Sequencer
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.publishing import states
from sabal.refusal import Refusal
from sabal.signing import operations, retention, tidy
from signing.steps import confirmed, signed

LAST = date(2028, 11, 30)  # as the example petition promises
AFTER = LAST + timedelta(days=1)
LATER = NOW + (AFTER - date(2026, 11, 24)).days * 86_400
GONE = ("signing_signature", "signing_sealed", "signing_pending", "signing_access")


def end(house: HouseOfTests, petition: PetitionSnapshot) -> int:
    """What the worker does after the retention day."""
    retention.erase_records(house.database, petition.id)
    assert house.rows("signing_sealed") == house.rows("signing_pending") == 0
    Sequencer(house.house).sequence_all(house.database, petition, LATER)
    return retention.end(house.database, petition)


def test_after_the_promised_day_the_numbers_are_all_that_is_left(house: HouseOfTests) -> None:
    petition = house.publish()
    for i in range(230):
        confirmed(house, petition, f"suzie{i}@example.org")
    confirmed(house, petition, "suzie1@example.org")  # a second link to one of them
    signed(house, petition, "max@example.org")
    house.sequence(petition, NOW + 1, every=1.0)
    assert not retention.is_over(house.database, petition, LAST)
    assert house.rows("signing_sealed") == 231 and house.rows("signing_access") == 1
    assert retention.is_over(house.database, petition, AFTER)
    assert end(house, petition) == 230
    assert [house.rows(table) for table in GONE] == [0] * len(GONE)
    assert house.petition().counts.counted == 230
    assert not retention.is_over(house.database, petition, AFTER)


def test_what_was_confirmed_and_never_counted_is_counted_first(house: HouseOfTests) -> None:
    petition = house.publish()
    confirmed(house, petition)
    confirmed(house, petition, "max@example.org", held=1)
    left = confirmed(house, petition, "carol@example.org")
    house.writer.commit(house.database, [operations.Withdraw(left.t, left.digest)])
    end(house, petition)
    counts = house.petition().counts
    assert (counts.confirmed, counts.withdrawn, counts.counted) == (3, 1, 2)


def test_where_the_log_stands_still_the_commitment_alone_waits_on(house: HouseOfTests) -> None:
    petition = house.publish()
    confirmed(house, petition)
    confirmed(house, petition)  # a second link
    retention.erase_records(house.database, petition.id)
    assert retention.end(house.database, petition) == 1
    assert [house.rows(table) for table in GONE] == [0] * len(GONE)
    assert house.database.query("SELECT country, language FROM signing_waiting") == [(None, None)]
    Sequencer(house.house).sequence_all(house.database, petition, LATER)
    assert house.petition().counts.counted == 1


def test_names_that_were_shown_go_too(house: HouseOfTests) -> None:
    petition = house.publish(profile='"open"', show_names=True)
    confirmed(house, petition, display="Suzie")
    house.sequence(petition, NOW + 20)
    assert house.petition().counts.names == ("Suzie",)
    end(house, petition)
    assert house.petition().counts.names == ()


def test_signing_ends_a_week_before_so_that_every_email_can_still_be_confirmed(house: HouseOfTests) -> None:
    petition = house.publish()
    last = LAST - timedelta(days=7)
    assert petition.takes_signatures(last) and not petition.takes_signatures(last + timedelta(days=1))
    assert not tidy.close_due(house.database, petition, last)
    assert tidy.close_due(house.database, petition, last + timedelta(days=1))
    assert house.petition().closed_on == last
    with pytest.raises(Refusal, match="last day for signing"):
        states.resume(petition.slug, last + timedelta(days=1))
