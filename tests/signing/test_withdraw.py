"""Withdraw: all data of the signer is deleted, the commitment stays, and the count follows with a batch."""

import pytest

from sabal import erasure_journal, settings, token
from sabal.mail.address import EmailAddress
from sabal.newsletter.subscription import address_hash
from sabal.signing import held, operations, pending_payload
from sabal.signing.operations import Outcome
from sabal.signing.writer.find import find
from signing.steps import confirmation, confirmed, signed
from sites import NOW, SiteOfTests

WEEK = 7 * 86_400


def test_suzie_withdraws(site: SiteOfTests) -> None:
    petition = site.publish()
    suzie = confirmed(site, petition)
    assert site.writer.commit(site.database, [operations.Withdraw(suzie.t, suzie.digest)]) == [Outcome.DONE]
    assert (site.rows("signing_signature"), site.rows("signing_sealed"), site.rows("signing_access")) == (
        0,
        0,
        0,
    )
    assert site.database.query("SELECT commitment, reason FROM signing_withdrawal") == [
        (suzie.operation.commitment, 1)
    ]
    assert find(site.database, [suzie.digest]) == [None]


def test_withdrawing_twice_or_with_an_invented_link_changes_nothing(site: SiteOfTests) -> None:
    petition = site.publish()
    suzie = confirmed(site, petition)
    invented = token.new()
    eve = operations.Withdraw(invented, token.digest(invented))
    site.writer.commit(site.database, [operations.Withdraw(suzie.t, suzie.digest)])
    assert site.writer.commit(site.database, [operations.Withdraw(suzie.t, suzie.digest), eve]) == [
        Outcome.GONE,
        Outcome.GONE,
    ]
    assert site.rows("signing_withdrawal") == 1


def test_a_pending_signature_cannot_be_withdrawn_by_its_link(site: SiteOfTests) -> None:
    petition = site.publish()
    suzie = signed(site, petition)
    assert site.writer.commit(site.database, [operations.Withdraw(suzie.t, suzie.digest)]) == [Outcome.GONE]
    assert site.rows("signing_pending") == 1


def test_a_signer_can_sign_again_after_withdrawing(site: SiteOfTests) -> None:
    petition = site.publish()
    suzie = confirmed(site, petition)
    site.writer.commit(site.database, [operations.Withdraw(suzie.t, suzie.digest)])
    confirmed(site, petition)
    assert site.rows("signing_signature") == 1


def test_the_count_goes_up_and_down(site: SiteOfTests) -> None:
    petition = site.publish()
    suzie = confirmed(site, petition)
    confirmed(site, petition, "max@example.org")
    assert site.sequence(petition, NOW + WEEK) == 2
    assert site.petition().counts.counted == 2
    site.writer.commit(site.database, [operations.Withdraw(suzie.t, suzie.digest)])
    assert site.petition().counts.counted == 2  # not before the next batch
    confirmed(site, petition, "carol@example.org")
    assert site.sequence(petition, NOW + 2 * WEEK) == 1
    counts = site.petition().counts
    assert (counts.confirmed, counts.withdrawn, counts.counted) == (3, 1, 2)


def test_a_signature_withdrawn_before_its_batch_is_counted_as_confirmed_and_withdrawn(
    site: SiteOfTests,
) -> None:
    petition = site.publish()
    suzie = confirmed(site, petition)
    confirmed(site, petition, "max@example.org")
    site.writer.commit(site.database, [operations.Withdraw(suzie.t, suzie.digest)])
    site.sequence(petition, NOW + WEEK)
    counts = site.petition().counts
    assert (counts.confirmed, counts.withdrawn, counts.counted) == (2, 1, 1)
    assert site.database.query("SELECT revoked FROM signing_withdrawal") == [(1,)]
    assert site.rows("signing_waiting") == 0  # so her country and language are deleted too


def lists(site: SiteOfTests) -> list[int]:
    rows = site.database.query("SELECT petition_id FROM newsletter_subscription ORDER BY petition_id")
    return [row[0] for row in rows]


def test_withdrawing_leaves_no_row_that_names_the_petition(site: SiteOfTests) -> None:
    petition = site.publish()
    suzie = confirmed(site, petition, subscribe=("updates", "newsletter"))
    confirmed(site, petition, "max@example.org", subscribe=("updates",))
    assert lists(site) == [0, petition.id, petition.id]
    assert site.writer.commit(site.database, [operations.Withdraw(suzie.t, suzie.digest)]) == [Outcome.DONE]
    # Max keeps the updates. Suzie keeps the newsletter of the site, which names no petition.
    assert lists(site) == [0, petition.id]
    erased = [(entry.kind, entry.petition_id) for entry in erasure_journal.read()]
    # A restored backup must neither bring her signature back nor email her again.
    assert erased == [(erasure_journal.WITHDRAWN, petition.id), (erasure_journal.UNSUBSCRIBED, petition.id)]


@pytest.mark.parametrize("ticked_at", range(3))
@pytest.mark.parametrize("by", range(3))
def test_every_link_of_an_address_ends_its_updates(site: SiteOfTests, ticked_at: int, by: int) -> None:
    """The box was ticked with the first form, with a second pending one, or with a later one.

    Each of the three links ends the updates.
    """
    petition = site.publish()

    def boxes(n: int) -> tuple[str, ...]:
        return ("updates",) if n == ticked_at else ()

    first, beside = (signed(site, petition, subscribe=boxes(n)) for n in range(2))
    chosen = beside if ticked_at == 1 else first
    site.writer.commit(site.database, [confirmation(chosen)])
    later = confirmed(site, petition, subscribe=boxes(2))
    assert lists(site) == [petition.id]
    link = (first, beside, later)[by]
    assert site.writer.commit(site.database, [operations.Withdraw(link.t, link.digest)]) == [Outcome.DONE]
    assert lists(site) == [] and site.rows("signing_access") == 0


def test_the_sealed_address_hash_of_a_link_reveals_nothing(site: SiteOfTests) -> None:
    petition = site.publish()
    suzie = confirmed(site, petition, subscribe=("updates",))
    confirmed(site, petition)
    confirmed(site, petition, "a.much.longer.address@example.org")
    sealed = site.database.query(
        "SELECT mailbox FROM signing_signature UNION ALL SELECT mailbox FROM signing_access"
    )
    assert len({bytes(box) for (box,) in sealed}) == 3 and {len(box) for (box,) in sealed} == {32}
    assert site.keyring.subscribers
    listed = address_hash(site.keyring.subscribers, EmailAddress.parse("suzie@example.org"))
    assert pending_payload.open_mailbox(suzie.t, suzie.operation.mailbox) == listed
    with pytest.raises(ValueError):
        pending_payload.open_mailbox(token.new(), suzie.operation.mailbox)


def test_a_link_without_an_address_hash_withdraws_too(site: SiteOfTests) -> None:
    petition = site.publish()
    suzie, max_ = confirmed(site, petition), confirmed(site, petition, "max@example.org")
    site.database.execute("UPDATE signing_signature SET mailbox = NULL WHERE token_hash = ?", (suzie.digest,))
    site.database.execute(
        "UPDATE signing_signature SET mailbox = ? WHERE token_hash = ?", (bytes(32), max_.digest)
    )
    both = [operations.Withdraw(of.t, of.digest) for of in (suzie, max_)]
    assert site.writer.commit(site.database, both) == [Outcome.DONE] * 2
    assert site.rows("signing_signature") == 0


def test_withdrawals_are_in_the_erasure_journal_for_a_restored_backup(site: SiteOfTests) -> None:
    petition = site.publish()
    suzie, max_ = confirmed(site, petition), confirmed(site, petition, "max@example.org", held=held.ROBOT)
    site.writer.commit(
        site.database,
        [operations.Withdraw(suzie.t, suzie.digest), operations.Withdraw(suzie.t, suzie.digest)],
    )
    assert held.drop(site.database, petition.id, held.REASONS["automated"]) == 1
    assert list(erasure_journal.read()) == [
        erasure_journal.Erasure("withdrawn", suzie.operation.commitment, petition.id),
        erasure_journal.Erasure("automated", max_.operation.commitment, petition.id),
    ]


def test_a_signature_is_not_withdrawn_if_the_erasure_journal_cannot_be_written(
    site: SiteOfTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise a restore would bring back the signature after an answer that said it is gone."""
    suzie = confirmed(site, site.publish())
    with monkeypatch.context() as patched:
        patched.setattr(settings, "DATA", site.data / "not there")
        with pytest.raises(OSError):
            site.writer.commit(site.database, [operations.Withdraw(suzie.t, suzie.digest)])
    assert (site.rows("signing_signature"), site.rows("signing_withdrawal")) == (1, 0)
