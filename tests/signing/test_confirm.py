"""Confirm: the first click of an address makes the signature, and its later links open the same one."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

import agefile
from sabal import token
from sabal.newsletter.subscription import ASKED_HERE
from sabal.petitions.snapshots import Snapshots
from sabal.publishing import states
from sabal.records.record import seed
from sabal.signing import operations
from sabal.signing.operations import Outcome
from sabal.signing.sign import NotReady
from sabal.signing.writer import Writer
from sabal.signing.writer.find import Found, find
from signing.steps import ask, confirmation, confirmed, signed
from sites import DAY_NUMBER, TODAY, SiteOfTests


def test_suzie_signs_and_confirms(site: SiteOfTests) -> None:
    petition = site.publish()
    suzie = signed(site, petition)
    assert (site.rows("signing_pending"), site.rows("mail_email"), site.rows("signing_signature")) == (
        1,
        1,
        0,
    )
    assert site.writer.commit(site.database, [confirmation(suzie)]) == [Outcome.DONE]
    assert (site.rows("signing_pending"), site.rows("signing_signature"), site.rows("signing_sealed")) == (
        0,
        1,
        1,
    )
    found = find(site.database, [suzie.digest])[0]
    assert found and found.mailbox  # the address in the lists, which only the link opens
    assert replace(found, mailbox=b"") == Found(
        petition.id, commitment=suzie.operation.commitment, w=suzie.operation.w
    )


def test_carols_key_opens_the_record_and_it_matches_the_commitment(site: SiteOfTests) -> None:
    petition = site.publish()
    suzie = confirmed(site, petition)
    body, w, commitment = site.database.query(
        "SELECT e.body, s.w, s.commitment FROM signing_signature s JOIN signing_sealed e ON e.id = s.sealed_id"
    )[0]
    plain = agefile.decrypt(bytes(body), [site.identity])
    assert len(plain) == 1024
    record = json.loads(plain)
    assert record["fields"]["name"] == "Suzie" and record["fields"]["place"] == "KR"
    assert record["manifest"] == petition.manifest_hash.hex()
    assert bytes.fromhex(record["seed"]) == seed(suzie.t, bytes(w))
    from sabal.records import record as format_

    assert format_.commitment(
        petition.manifest_hash, bytes.fromhex(record["seed"]), record["fields"]
    ) == bytes(commitment)


def test_confirming_twice_is_harmless(site: SiteOfTests) -> None:
    petition = site.publish()
    suzie = signed(site, petition)
    click = confirmation(suzie)
    assert site.writer.commit(site.database, [click, click]) == [Outcome.DONE, Outcome.DONE]
    assert site.writer.commit(site.database, [click]) == [Outcome.DONE]
    assert site.rows("signing_signature") == 1


def test_the_second_email_of_an_address_leads_to_the_same_signature(site: SiteOfTests) -> None:
    petition = site.publish()
    first, second = signed(site, petition), signed(site, petition, "Suzie@Example.org")
    site.writer.commit(site.database, [confirmation(first)])
    # The other pending row was deleted, and its link opens the signature.
    assert (site.rows("signing_pending"), site.rows("signing_signature"), site.rows("signing_sealed")) == (
        0,
        1,
        1,
    )
    found = find(site.database, [first.digest, second.digest])
    mine = first.operation
    assert [one and replace(one, mailbox=b"") for one in found] == [
        Found(petition.id, commitment=mine.commitment, w=mine.w),
        Found(petition.id),
    ]


def test_signing_again_later_opens_the_same_signature(site: SiteOfTests) -> None:
    petition = site.publish()
    first = confirmed(site, petition)
    again = confirmed(site, petition)
    assert (site.rows("signing_signature"), site.rows("signing_access"), site.rows("signing_sealed")) == (
        1,
        1,
        1,
    )
    assert site.writer.commit(site.database, [operations.Withdraw(again.t, again.digest)]) == [Outcome.DONE]
    assert find(site.database, [first.digest, again.digest]) == [None, None]
    assert site.rows("signing_access") == 0


def test_200_confirmations_of_one_address_in_one_batch(site: SiteOfTests) -> None:
    petition = site.publish()
    asked = [signed(site, petition) for _ in range(3)]
    clicks = [confirmation(asked[i % 3]) for i in range(200)]
    assert set(site.writer.commit(site.database, clicks)) == {Outcome.DONE}
    assert (site.rows("signing_signature"), site.rows("signing_access"), site.rows("signing_pending")) == (
        1,
        2,
        0,
    )


def test_an_invented_token_confirms_nothing(site: SiteOfTests) -> None:
    site.publish()
    t = token.new()
    click = operations.Confirm(t, token.digest(t), DAY_NUMBER)
    assert site.writer.commit(site.database, [click]) == [Outcome.GONE]


def test_without_tags_every_confirmation_makes_a_signature(site: SiteOfTests) -> None:
    petition = site.publish(dedupe='"offline"')
    confirmed(site, petition)
    confirmed(site, petition)
    assert site.rows("signing_signature") == 2
    assert site.database.query("SELECT COUNT(*) FROM signing_signature WHERE dedupe_tag IS NOT NULL") == [
        (0,)
    ]


@pytest.mark.parametrize(("days", "outcome"), [(7, Outcome.DONE), (8, Outcome.GONE)])
def test_emails_sent_before_the_close_can_be_confirmed_for_seven_days(
    site: SiteOfTests, days: int, outcome: Outcome
) -> None:
    petition = site.publish()
    suzie = signed(site, petition)
    states.close(petition.slug, TODAY)
    late = confirmation(suzie, TODAY + timedelta(days=days))
    assert site.writer.commit(site.database, [late]) == [outcome]


def test_ticked_subscriptions_are_confirmed_with_the_signature(site: SiteOfTests) -> None:
    petition = site.publish()
    confirmed(site, petition, subscribe=("updates", "newsletter"))
    rows = site.database.query(
        "SELECT petition_id, state, language FROM newsletter_subscription ORDER BY petition_id"
    )
    assert rows == [(0, 2, "ko"), (petition.id, 2, "ko")]
    confirmed(site, petition, subscribe=("newsletter",))
    assert site.rows("newsletter_subscription") == 2


def test_a_subscription_does_not_tell_that_a_guarded_petition_was_signed(site: SiteOfTests) -> None:
    confirmed(site, site.publish(), subscribe=("updates", "newsletter"))
    rows = site.database.query("SELECT origin, since FROM newsletter_subscription")
    assert rows == [(ASKED_HERE, None)] * 2


def test_a_link_that_was_never_stored_leads_to_nothing(site: SiteOfTests) -> None:
    petition = site.publish()
    other = ask(site, petition)
    assert find(site.database, [other.digest]) == [None]


def test_ticked_subscriptions_need_a_process_that_knows_the_petition(site: SiteOfTests) -> None:
    suzie = signed(site, site.publish(), subscribe=("updates",))
    with pytest.raises(NotReady):
        Writer(Snapshots(), site.keyring).commit(site.database, [confirmation(suzie)])
    assert (site.rows("signing_pending"), site.rows("newsletter_subscription")) == (1, 0)
    assert site.writer.commit(site.database, [confirmation(suzie)]) == [Outcome.DONE]
    assert (site.rows("signing_pending"), site.rows("newsletter_subscription")) == (0, 1)
