"""Confirm: the first of a mailbox wins, later ones open the same signature, and nothing is lost in between."""

import json
from datetime import timedelta

import pytest

import agefile
from houses import DAY_NUMBER, TODAY, HouseOfTests
from sabal import token
from sabal.petitions.snapshot import Snapshots
from sabal.publishing import states
from sabal.records.record import seed
from sabal.signing import operations
from sabal.signing.operations import Outcome
from sabal.signing.sign import NotReady
from sabal.signing.writer import Writer
from sabal.signing.writer.find import Found, find
from signing.steps import ask, confirmation, confirmed, signed


def test_suzie_signs_and_confirms(house: HouseOfTests) -> None:
    petition = house.publish()
    suzie = signed(house, petition)
    assert (house.rows("signing_pending"), house.rows("mail_email"), house.rows("signing_signature")) == (
        1,
        1,
        0,
    )
    assert house.writer.commit(house.database, [confirmation(suzie)]) == [Outcome.DONE]
    assert (house.rows("signing_pending"), house.rows("signing_signature"), house.rows("signing_sealed")) == (
        0,
        1,
        1,
    )
    found = find(house.database, [suzie.digest])[0]
    assert found == Found(petition.id, commitment=suzie.operation.commitment, w=suzie.operation.w)


def test_what_was_sealed_opens_with_carols_key_and_matches_the_commitment(house: HouseOfTests) -> None:
    petition = house.publish()
    suzie = confirmed(house, petition)
    body, w, commitment = house.database.query(
        "SELECT e.body, s.w, s.commitment FROM signing_signature s JOIN signing_sealed e ON e.id = s.sealed_id"
    )[0]
    plain = agefile.decrypt(bytes(body), [house.identity])
    assert len(plain) == 1024
    record = json.loads(plain)
    assert record["fields"]["name"] == "Suzie" and record["fields"]["place"] == "KR"
    assert record["manifest"] == petition.manifest_hash.hex()
    assert bytes.fromhex(record["seed"]) == seed(suzie.t, bytes(w))
    from sabal.records import record as format_

    assert format_.commitment(
        petition.manifest_hash, bytes.fromhex(record["seed"]), record["fields"]
    ) == bytes(commitment)


def test_pressing_twice_is_harmless(house: HouseOfTests) -> None:
    petition = house.publish()
    suzie = signed(house, petition)
    click = confirmation(suzie)
    assert house.writer.commit(house.database, [click, click]) == [Outcome.DONE, Outcome.DONE]
    assert house.writer.commit(house.database, [click]) == [Outcome.DONE]
    assert house.rows("signing_signature") == 1


def test_the_second_email_of_a_mailbox_leads_to_the_same_signature(house: HouseOfTests) -> None:
    petition = house.publish()
    first, second = signed(house, petition), signed(house, petition, "Suzie@Example.org")
    house.writer.commit(house.database, [confirmation(first)])
    # The other pending row went, and its link opens the signature that stands.
    assert (house.rows("signing_pending"), house.rows("signing_signature"), house.rows("signing_sealed")) == (
        0,
        1,
        1,
    )
    found = find(house.database, [first.digest, second.digest])
    mine = first.operation
    assert found == [Found(petition.id, commitment=mine.commitment, w=mine.w), Found(petition.id)]


def test_signing_again_later_opens_the_same_signature(house: HouseOfTests) -> None:
    petition = house.publish()
    first = confirmed(house, petition)
    again = confirmed(house, petition)
    assert (house.rows("signing_signature"), house.rows("signing_access"), house.rows("signing_sealed")) == (
        1,
        1,
        1,
    )
    assert house.writer.commit(house.database, [operations.Withdraw(again.t, again.digest)]) == [Outcome.DONE]
    assert find(house.database, [first.digest, again.digest]) == [None, None]
    assert house.rows("signing_access") == 0


def test_200_confirmations_of_the_tokens_of_one_mailbox_in_one_batch(house: HouseOfTests) -> None:
    petition = house.publish()
    asked = [signed(house, petition) for _ in range(3)]
    clicks = [confirmation(asked[i % 3]) for i in range(200)]
    assert set(house.writer.commit(house.database, clicks)) == {Outcome.DONE}
    assert (house.rows("signing_signature"), house.rows("signing_access"), house.rows("signing_pending")) == (
        1,
        2,
        0,
    )


def test_an_invented_token_confirms_nothing(house: HouseOfTests) -> None:
    house.publish()
    t = token.new()
    click = operations.Confirm(t, token.digest(t), DAY_NUMBER)
    assert house.writer.commit(house.database, [click]) == [Outcome.GONE]


def test_without_tags_every_confirmation_stands_for_itself(house: HouseOfTests) -> None:
    petition = house.publish(dedupe='"offline"')
    confirmed(house, petition)
    confirmed(house, petition)
    assert house.rows("signing_signature") == 2
    assert house.database.query("SELECT COUNT(*) FROM signing_signature WHERE dedupe_tag IS NOT NULL") == [
        (0,)
    ]


@pytest.mark.parametrize(("days", "outcome"), [(7, Outcome.DONE), (8, Outcome.GONE)])
def test_emails_that_were_out_at_the_close_have_seven_days(
    house: HouseOfTests, days: int, outcome: Outcome
) -> None:
    petition = house.publish()
    suzie = signed(house, petition)
    states.close(petition.slug, TODAY)
    late = confirmation(suzie, TODAY + timedelta(days=days))
    assert house.writer.commit(house.database, [late]) == [outcome]


def test_what_was_ticked_is_confirmed_with_the_signature(house: HouseOfTests) -> None:
    petition = house.publish()
    confirmed(house, petition, subscribe=("updates", "newsletter"))
    rows = house.database.query(
        "SELECT petition_id, state, language FROM newsletter_subscription ORDER BY petition_id"
    )
    assert rows == [(0, 2, "ko"), (petition.id, 2, "ko")]
    confirmed(house, petition, subscribe=("newsletter",))
    assert house.rows("newsletter_subscription") == 2


def test_a_link_that_was_never_stored_stands_for_nothing(house: HouseOfTests) -> None:
    petition = house.publish()
    other = ask(house, petition)
    assert find(house.database, [other.digest]) == [None]


def test_what_was_ticked_waits_for_a_process_that_knows_the_petition(house: HouseOfTests) -> None:
    suzie = signed(house, house.publish(), subscribe=("updates",))
    with pytest.raises(NotReady):
        Writer(Snapshots(), house.ring).commit(house.database, [confirmation(suzie)])
    assert (house.rows("signing_pending"), house.rows("newsletter_subscription")) == (1, 0)
    assert house.writer.commit(house.database, [confirmation(suzie)]) == [Outcome.DONE]
    assert (house.rows("signing_pending"), house.rows("newsletter_subscription")) == (0, 1)
