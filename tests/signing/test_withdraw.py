"""Withdraw: everything about the signer goes, C stays, and the count follows with a batch."""

import pytest

from houses import NOW, HouseOfTests
from sabal import erasure_journal, settings, token
from sabal.mail.address import EmailAddress
from sabal.newsletter.subscription import address_hash
from sabal.signing import held, operations, pending_payload
from sabal.signing.operations import Outcome
from sabal.signing.writer.find import find
from signing.steps import confirmation, confirmed, signed

WEEK = 7 * 86_400


def test_suzie_withdraws(house: HouseOfTests) -> None:
    petition = house.publish()
    suzie = confirmed(house, petition)
    assert house.writer.commit(house.database, [operations.Withdraw(suzie.t, suzie.digest)]) == [Outcome.DONE]
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
    invented = token.new()
    eve = operations.Withdraw(invented, token.digest(invented))
    house.writer.commit(house.database, [operations.Withdraw(suzie.t, suzie.digest)])
    assert house.writer.commit(house.database, [operations.Withdraw(suzie.t, suzie.digest), eve]) == [
        Outcome.GONE,
        Outcome.GONE,
    ]
    assert house.rows("signing_withdrawal") == 1


def test_a_pending_signature_cannot_be_withdrawn_by_its_link(house: HouseOfTests) -> None:
    petition = house.publish()
    suzie = signed(house, petition)
    assert house.writer.commit(house.database, [operations.Withdraw(suzie.t, suzie.digest)]) == [Outcome.GONE]
    assert house.rows("signing_pending") == 1


def test_who_withdrew_can_sign_again(house: HouseOfTests) -> None:
    petition = house.publish()
    suzie = confirmed(house, petition)
    house.writer.commit(house.database, [operations.Withdraw(suzie.t, suzie.digest)])
    confirmed(house, petition)
    assert house.rows("signing_signature") == 1


def test_the_count_goes_up_and_down_again(house: HouseOfTests) -> None:
    petition = house.publish()
    suzie = confirmed(house, petition)
    confirmed(house, petition, "max@example.org")
    assert house.sequence(petition, NOW + WEEK) == 2
    assert house.petition().counts.counted == 2
    house.writer.commit(house.database, [operations.Withdraw(suzie.t, suzie.digest)])
    assert house.petition().counts.counted == 2  # not before the next batch
    confirmed(house, petition, "carol@example.org")
    assert house.sequence(petition, NOW + 2 * WEEK) == 1
    counts = house.petition().counts
    assert (counts.confirmed, counts.withdrawn, counts.counted) == (3, 1, 2)


def test_withdrawn_before_its_batch_is_confirmed_and_withdrawn_at_once(house: HouseOfTests) -> None:
    petition = house.publish()
    suzie = confirmed(house, petition)
    confirmed(house, petition, "max@example.org")
    house.writer.commit(house.database, [operations.Withdraw(suzie.t, suzie.digest)])
    house.sequence(petition, NOW + WEEK)
    counts = house.petition().counts
    assert (counts.confirmed, counts.withdrawn, counts.counted) == (2, 1, 1)
    assert house.database.query("SELECT revoked FROM signing_withdrawal") == [(1,)]
    assert house.rows("signing_waiting") == 0  # and with it her country and language


def lists(house: HouseOfTests) -> list[int]:
    rows = house.database.query("SELECT petition_id FROM newsletter_subscription ORDER BY petition_id")
    return [row[0] for row in rows]


def test_withdrawing_leaves_no_row_that_names_the_petition(house: HouseOfTests) -> None:
    petition = house.publish()
    suzie = confirmed(house, petition, subscribe=("updates", "newsletter"))
    confirmed(house, petition, "max@example.org", subscribe=("updates",))
    assert lists(house) == [0, petition.id, petition.id]
    assert house.writer.commit(house.database, [operations.Withdraw(suzie.t, suzie.digest)]) == [Outcome.DONE]
    # Max's updates go on, and Suzie's newsletter of the house, which names no petition.
    assert lists(house) == [0, petition.id]
    kept = [(entry.kind, entry.petition_id) for entry in erasure_journal.read()]
    # A restored backup must neither bring her back nor write to her again.
    assert kept == [(erasure_journal.WITHDRAWN, petition.id), (erasure_journal.UNSUBSCRIBED, petition.id)]


@pytest.mark.parametrize("ticked_at", range(3))
@pytest.mark.parametrize("by", range(3))
def test_every_link_of_the_mailbox_ends_its_updates(house: HouseOfTests, ticked_at: int, by: int) -> None:
    """The click's own, an email that waited beside it, and one of later; whichever of them was ticked."""
    petition = house.publish()

    def boxes(n: int) -> tuple[str, ...]:
        return ("updates",) if n == ticked_at else ()

    first, beside = (signed(house, petition, subscribe=boxes(n)) for n in range(2))
    chosen = beside if ticked_at == 1 else first
    house.writer.commit(house.database, [confirmation(chosen)])
    later = confirmed(house, petition, subscribe=boxes(2))
    assert lists(house) == [petition.id]
    link = (first, beside, later)[by]
    assert house.writer.commit(house.database, [operations.Withdraw(link.t, link.digest)]) == [Outcome.DONE]
    assert lists(house) == [] and house.rows("signing_access") == 0


def test_what_a_link_keeps_of_its_mailbox_tells_nothing(house: HouseOfTests) -> None:
    petition = house.publish()
    suzie = confirmed(house, petition, subscribe=("updates",))
    confirmed(house, petition)
    confirmed(house, petition, "a.much.longer.address@example.org")
    kept = house.database.query(
        "SELECT mailbox FROM signing_signature UNION ALL SELECT mailbox FROM signing_access"
    )
    assert len({bytes(box) for (box,) in kept}) == 3 and {len(box) for (box,) in kept} == {32}
    assert house.ring.subscribers
    listed = address_hash(house.ring.subscribers, EmailAddress.parse("suzie@example.org"))
    assert pending_payload.open_mailbox(suzie.t, suzie.operation.mailbox) == listed
    with pytest.raises(ValueError):
        pending_payload.open_mailbox(token.new(), suzie.operation.mailbox)


def test_a_link_that_keeps_no_mailbox_withdraws_all_the_same(house: HouseOfTests) -> None:
    petition = house.publish()
    suzie, max_ = confirmed(house, petition), confirmed(house, petition, "max@example.org")
    house.database.execute(
        "UPDATE signing_signature SET mailbox = NULL WHERE token_hash = ?", (suzie.digest,)
    )
    house.database.execute(
        "UPDATE signing_signature SET mailbox = ? WHERE token_hash = ?", (bytes(32), max_.digest)
    )
    both = [operations.Withdraw(of.t, of.digest) for of in (suzie, max_)]
    assert house.writer.commit(house.database, both) == [Outcome.DONE] * 2
    assert house.rows("signing_signature") == 0


def test_a_restored_backup_will_know_who_withdrew(house: HouseOfTests) -> None:
    petition = house.publish()
    suzie, max_ = confirmed(house, petition), confirmed(house, petition, "max@example.org", held=held.ROBOT)
    house.writer.commit(
        house.database,
        [operations.Withdraw(suzie.t, suzie.digest), operations.Withdraw(suzie.t, suzie.digest)],
    )
    assert held.drop(house.database, petition.id, held.REASONS["automated"]) == 1
    assert list(erasure_journal.read()) == [
        erasure_journal.Erasure("withdrawn", suzie.operation.commitment, petition.id),
        erasure_journal.Erasure("automated", max_.operation.commitment, petition.id),
    ]


def test_what_cannot_be_remembered_is_not_withdrawn(
    house: HouseOfTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the signature would be back with the next restore, after an answer that said it is gone."""
    suzie = confirmed(house, house.publish())
    with monkeypatch.context() as patched:
        patched.setattr(settings, "DATA", house.data / "not there")
        with pytest.raises(OSError):
            house.writer.commit(house.database, [operations.Withdraw(suzie.t, suzie.digest)])
    assert (house.rows("signing_signature"), house.rows("signing_withdrawal")) == (1, 0)
