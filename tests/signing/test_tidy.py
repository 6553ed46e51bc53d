"""Pending signatures expire, epochs end and petitions close after their time."""

from datetime import date, timedelta

import pytest

from sabal import token
from sabal.keys.keystore import KeyMissing, pepper_name
from sabal.refusal import Refusal
from sabal.signing import epochs, operations, tidy, writer
from sabal.signing.operations import Outcome
from sabal.signing.writer import rows
from sabal.signing.writer.find import find
from signing.steps import ask, confirmation, confirmed, signed
from sites import DAY_NUMBER, SiteOfTests


def test_pending_signatures_expire_with_their_records(site: SiteOfTests) -> None:
    petition = site.publish()
    for i in range(250):
        signed(site, petition, f"suzie{i}@example.org")
    confirmed(site, petition)
    assert tidy.expire(site.database, DAY_NUMBER + 8) == 0
    assert tidy.expire(site.database, DAY_NUMBER + 9) == 250
    assert (site.rows("signing_pending"), site.rows("signing_sealed")) == (0, 1)


def test_a_pending_signature_has_seven_whole_days_from_the_acceptance_of_its_email(site: SiteOfTests) -> None:
    petition = site.publish()
    accepted, waiting = signed(site, petition), signed(site, petition, "max@example.org")
    others = [token.encode(token.new()), "not a token"]
    tidy.extend_pending(site.database, [token.encode(accepted.t), *others], DAY_NUMBER + 3)
    assert tidy.expire(site.database, DAY_NUMBER + 9) == 1
    assert find(site.database, [waiting.digest]) == [None]
    assert tidy.expire(site.database, DAY_NUMBER + 11) == 0
    assert tidy.expire(site.database, DAY_NUMBER + 12) == 1


def test_a_guarded_pepper_and_its_tags_are_destroyed_after_thirty_days(site: SiteOfTests) -> None:
    petition = site.publish()
    confirmed(site, petition)
    waiting = signed(site, petition, "max@example.org")
    assert not epochs.renew_epoch(site.database, site.keystore, petition, DAY_NUMBER + 29)
    assert epochs.renew_epoch(site.database, site.keystore, petition, DAY_NUMBER + 30)
    assert site.database.query("SELECT dedupe_tag FROM signing_signature") == [(None,)]
    with pytest.raises(KeyMissing):
        site.keystore.find(site.database, pepper_name(petition.id, petition.pepper_epoch))
    renewed = site.petition()
    assert renewed.pepper_epoch == petition.pepper_epoch + 1 and renewed.pepper not in (None, petition.pepper)
    # Links of the old epoch still work. The same address can now make a second signature; `audit` finds it offline.
    assert site.writer.commit(site.database, [confirmation(waiting)]) == [Outcome.DONE]
    confirmed(site, renewed)
    assert site.rows("signing_signature") == 3


def test_an_old_pepper_left_by_a_crash_is_destroyed(
    site: SiteOfTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    petition = site.publish()
    confirmed(site, petition)
    with monkeypatch.context() as patch:
        patch.setattr(epochs, "forget_epoch", lambda *_: None)  # a power failure between the two
        assert epochs.renew_epoch(site.database, site.keystore, petition, DAY_NUMBER + 30)
    renewed = site.petition()
    assert epochs.forget_old_epochs(site.database, site.keystore, renewed) == 1
    assert site.database.query("SELECT dedupe_tag FROM signing_signature") == [(None,)]
    with pytest.raises(KeyMissing):
        site.keystore.find(site.database, pepper_name(petition.id, petition.pepper_epoch))
    assert epochs.forget_old_epochs(site.database, site.keystore, renewed) == 0


def test_a_signature_of_the_old_epoch_is_refused_inside_the_commit(site: SiteOfTests) -> None:
    petition = site.publish()
    late = ask(site, petition)
    epochs.renew_epoch(site.database, site.keystore, petition, DAY_NUMBER + 30)
    assert site.writer.commit(site.database, [late.operation]) == [Outcome.STALE]


def test_an_open_petition_has_one_epoch(site: SiteOfTests) -> None:
    petition = site.publish(profile='"open"')
    assert not epochs.renew_epoch(site.database, site.keystore, petition, DAY_NUMBER + 4000)


def test_a_petition_closes_after_its_last_day(site: SiteOfTests) -> None:
    petition = site.publish(closes="2026-12-24")
    last = date(2026, 12, 24)
    assert not tidy.close_due(site.database, petition, last)
    assert tidy.close_due(site.database, petition, last + timedelta(days=1))
    closed = site.petition()
    assert (closed.state, closed.closed_on) == ("closed", last)
    assert not tidy.close_due(site.database, closed, last + timedelta(days=2))


def test_a_petition_is_not_published_after_its_last_day(site: SiteOfTests) -> None:
    with pytest.raises(Refusal):
        site.publish(closes="2026-11-23")


def test_three_emails_of_one_address_count_once_after_a_new_epoch(site: SiteOfTests) -> None:
    petition = site.publish()
    emails = [signed(site, petition) for _ in range(3)]
    site.database.execute(
        "UPDATE signing_pending SET expires = expires + 1 WHERE token_hash = ?", (emails[1].digest,)
    )
    max_ = signed(site, petition, "max@example.org")
    assert epochs.renew_epoch(site.database, site.keystore, petition, DAY_NUMBER + 30)
    assert (site.rows("signing_pending"), site.rows("signing_sealed")) == (2, 2)
    site.refresh()
    clicks = [confirmation(of) for of in (*emails, max_)]
    gone, done = Outcome.GONE, Outcome.DONE
    assert site.writer.commit(site.database, clicks) == [
        gone,
        done,
        gone,
        done,
    ]  # of her three rows, the one that expires last has stayed
    assert (site.rows("signing_signature"), site.rows("signing_sealed")) == (2, 2)


def test_a_pending_email_leads_to_its_signature_after_a_new_epoch(site: SiteOfTests) -> None:
    petition = site.publish()
    suzie, again = confirmed(site, petition, subscribe=("updates",)), signed(site, petition)
    assert epochs.renew_epoch(site.database, site.keystore, petition, DAY_NUMBER + 30)
    # Before the click it looks like that of an address that has never signed.
    waiting = find(site.database, [again.digest])[0]
    assert waiting is not None and waiting.pending_payload is not None
    click = confirmation(again)
    assert site.writer.commit(site.database, [click]) == [Outcome.DONE]
    assert (site.rows("signing_pending"), site.rows("signing_sealed")) == (0, 1)
    assert site.rows("signing_signature") == 1
    assert site.writer.commit(site.database, [operations.Withdraw(again.t, again.digest)]) == [Outcome.DONE]
    assert find(site.database, [suzie.digest, again.digest]) == [None, None]
    assert site.rows("newsletter_subscription") == 0


def test_each_address_keeps_one_pending_row_across_many_transactions(
    site: SiteOfTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    petition = site.publish()
    for box in range(9):
        for _ in range(1 + box % 3):
            signed(site, petition, f"suzie{box}@example.org")
    monkeypatch.setattr(epochs, "CHUNK", 4)
    with monkeypatch.context() as patch:
        patch.setattr(epochs, "delete", power_failure)
        with pytest.raises(RuntimeError):
            epochs.renew_epoch(site.database, site.keystore, petition, DAY_NUMBER + 30)
    assert (site.rows("signing_pending"), site.rows("signing_access")) == (18, 0)
    assert epochs.forget_old_epochs(site.database, site.keystore, site.petition()) == 1
    assert (site.rows("signing_pending"), site.rows("signing_sealed")) == (9, 9)
    assert site.database.query("SELECT COUNT(*) FROM signing_pending WHERE dedupe_tag IS NOT NULL") == [(0,)]


@pytest.mark.parametrize("late_click", [False, True])
def test_a_tag_that_is_stored_after_its_epoch_is_removed_by_the_next_check(
    site: SiteOfTests, monkeypatch: pytest.MonkeyPatch, late_click: bool
) -> None:
    petition = site.publish()
    late = ask(site, petition)
    before = rows.petitions(site.database, [petition.id])
    epochs.renew_epoch(site.database, site.keystore, petition, DAY_NUMBER + 30)
    with monkeypatch.context() as patch:  # checked against the state before the new epoch
        patch.setattr(writer.sign, "petitions", lambda *_: before)
        assert site.writer.commit(site.database, [late.operation]) == [Outcome.DONE]
    renewed = site.petition()
    if late_click:
        site.writer.commit(site.database, [confirmation(late)])
    table = "signing_signature" if late_click else "signing_pending"
    tagged = f"SELECT COUNT(*) FROM {table} WHERE dedupe_tag IS NOT NULL"
    assert site.database.query(tagged) == [(1,)]
    assert epochs.forget_old_epochs(site.database, site.keystore, renewed) == 1
    assert site.database.query(tagged) == [(0,)] and site.rows(table) == 1
    assert epochs.forget_old_epochs(site.database, site.keystore, renewed) == 0


def power_failure(*_: object) -> None:
    raise RuntimeError
