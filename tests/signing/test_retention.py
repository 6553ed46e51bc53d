"""Retention: after the promised day no record, link or letter of the petition is left, and the numbers stay."""

from datetime import date, timedelta

import pytest

from houses import NOW, HouseOfTests
from sabal.petitions import publishing
from sabal.petitions.definition import Refusal
from sabal.signing import count, retention, tidy
from signing.steps import confirmed, signed

LAST = date(2028, 11, 30)  # as the example petition promises
GONE = ("signing_signature", "signing_sealed", "signing_pending", "signing_access", "mail_letter")


def test_after_the_promised_day_the_numbers_are_all_that_is_left(house: HouseOfTests) -> None:
    petition = house.publish()
    for i in range(230):
        confirmed(house, petition, f"suzie{i}@example.org")
    signed(house, petition, "max@example.org")
    count.count(house.database, petition, NOW + 1, every=1.0)
    assert retention.end(house.database, petition, LAST) == 0
    assert house.rows("signing_sealed") == 231
    assert retention.end(house.database, petition, LAST + timedelta(days=1)) == 231
    assert [house.rows(table) for table in GONE] == [0] * len(GONE)
    assert house.petition().counts.counted == 230
    assert retention.end(house.database, petition, LAST + timedelta(days=2)) == 0


def test_signing_ends_a_week_before_so_that_every_letter_can_still_be_confirmed(house: HouseOfTests) -> None:
    petition = house.publish()
    last = LAST - timedelta(days=7)
    assert not tidy.close_due(house.database, petition, last)
    assert tidy.close_due(house.database, petition, last + timedelta(days=1))
    assert house.petition().closed_on == last
    with pytest.raises(Refusal, match="last day for signing"):
        publishing.resume(petition.slug, last + timedelta(days=1))
