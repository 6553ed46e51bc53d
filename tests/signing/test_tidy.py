"""What time takes away."""

import pytest

from houses import DAY_NUMBER, HouseOfTests
from sabal.keys.house import KeyMissing, pepper_name
from sabal.signing import tidy, writer
from sabal.signing.operations import Outcome
from signing.steps import confirmation, confirmed, signed


def test_pending_signatures_expire_with_their_records(house: HouseOfTests) -> None:
    petition = house.publish()
    for i in range(250):
        signed(house, petition, f"suzie{i}@example.org")
    confirmed(house, petition)
    assert tidy.expire(house.database, DAY_NUMBER + 14) == 0
    assert tidy.expire(house.database, DAY_NUMBER + 15) == 250
    assert (house.rows("signing_pending"), house.rows("signing_sealed")) == (0, 1)


def test_after_thirty_days_a_guarded_pepper_goes_and_its_tags_with_it(house: HouseOfTests) -> None:
    petition = house.publish()
    first, waiting = confirmed(house, petition), signed(house, petition, "max@example.org")
    assert not tidy.renew_era(house.database, house.house, petition, DAY_NUMBER + 29)
    assert tidy.renew_era(house.database, house.house, petition, DAY_NUMBER + 30)
    assert house.database.query("SELECT tag FROM signing_signature") == [(None,)]
    with pytest.raises(KeyMissing):
        house.house.find(house.database, pepper_name(petition.id, petition.era))
    renewed = house.petition()
    assert renewed.era == petition.era + 1 and renewed.pepper not in (None, petition.pepper)
    # Links of the old era still work, and the same mailbox is another signature now: `audit` finds it offline.
    assert writer.commit(house.database, [confirmation(house, renewed, waiting)]) == [Outcome.DONE]
    confirmed(house, renewed)
    assert house.rows("signing_signature") == 3 and first


def test_what_was_sealed_for_the_old_era_is_refused_inside_the_commit(house: HouseOfTests) -> None:
    from signing.steps import ask

    petition = house.publish()
    late = ask(house, petition)
    tidy.renew_era(house.database, house.house, petition, DAY_NUMBER + 30)
    assert writer.commit(house.database, [late.operation]) == [Outcome.STALE]


def test_an_open_petition_has_one_era(house: HouseOfTests) -> None:
    petition = house.publish(profile='"open"')
    assert not tidy.renew_era(house.database, house.house, petition, DAY_NUMBER + 4000)
