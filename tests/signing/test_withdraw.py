"""Withdraw: everything about the signer goes, C stays, and the count follows with a batch."""

from houses import NOW, HouseOfTests
from sabal import token
from sabal.signing import operations, writer
from sabal.signing.count import count
from sabal.signing.operations import Outcome
from sabal.signing.writer.find import find
from signing.steps import confirmed, signed

WEEK = 7 * 86_400


def test_suzie_withdraws(house: HouseOfTests) -> None:
    petition = house.publish()
    suzie = confirmed(house, petition)
    assert writer.commit(house.database, [operations.Withdraw(suzie.digest)]) == [Outcome.DONE]
    assert (house.rows("signing_signature"), house.rows("signing_sealed"), house.rows("signing_access")) == (
        0,
        0,
        0,
    )
    assert house.database.query("SELECT commitment, reason FROM signing_withdrawal") == [
        (suzie.operation.commitment, 1)
    ]
    assert find(house.database, [suzie.digest]) == [None]


def test_withdrawing_twice_or_with_an_invented_link_changes_nothing(house: HouseOfTests) -> None:
    petition = house.publish()
    suzie = confirmed(house, petition)
    eve = operations.Withdraw(token.digest(token.new()))
    writer.commit(house.database, [operations.Withdraw(suzie.digest)])
    assert writer.commit(house.database, [operations.Withdraw(suzie.digest), eve]) == [
        Outcome.GONE,
        Outcome.GONE,
    ]
    assert house.rows("signing_withdrawal") == 1


def test_a_pending_signature_cannot_be_withdrawn_by_its_link(house: HouseOfTests) -> None:
    petition = house.publish()
    suzie = signed(house, petition)
    assert writer.commit(house.database, [operations.Withdraw(suzie.digest)]) == [Outcome.GONE]
    assert house.rows("signing_pending") == 1


def test_who_withdrew_can_sign_again(house: HouseOfTests) -> None:
    petition = house.publish()
    suzie = confirmed(house, petition)
    writer.commit(house.database, [operations.Withdraw(suzie.digest)])
    confirmed(house, petition)
    assert house.rows("signing_signature") == 1


def test_the_count_goes_up_and_down_again(house: HouseOfTests) -> None:
    petition = house.publish()
    suzie, max_ = confirmed(house, petition), confirmed(house, petition, "max@example.org")
    assert count(house.database, petition, NOW + WEEK) == 2
    assert house.petition().counts.counted == 2
    writer.commit(house.database, [operations.Withdraw(suzie.digest)])
    assert house.petition().counts.counted == 2  # not before the next batch
    confirmed(house, petition, "carol@example.org")
    assert count(house.database, petition, NOW + 2 * WEEK) == 1
    counts = house.petition().counts
    assert (counts.confirmed, counts.withdrawn, counts.counted) == (3, 1, 2)
    assert max_


def test_withdrawn_before_its_batch_is_confirmed_and_withdrawn_at_once(house: HouseOfTests) -> None:
    petition = house.publish()
    suzie = confirmed(house, petition)
    confirmed(house, petition, "max@example.org")
    writer.commit(house.database, [operations.Withdraw(suzie.digest)])
    count(house.database, petition, NOW + WEEK)
    counts = house.petition().counts
    assert (counts.confirmed, counts.withdrawn, counts.counted) == (2, 1, 1)
    assert house.database.query("SELECT state, country, language FROM signing_withdrawal") == [
        (3, None, None)
    ]
