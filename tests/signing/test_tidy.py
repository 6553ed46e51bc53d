"""What time takes away."""

from datetime import date, timedelta

import pytest

from houses import DAY_NUMBER, HouseOfTests
from sabal import token
from sabal.keys.house import KeyMissing, pepper_name
from sabal.refusal import Refusal
from sabal.signing import epochs, operations, tidy, writer
from sabal.signing.operations import Outcome
from sabal.signing.writer import rows
from sabal.signing.writer.find import find
from signing.steps import ask, confirmation, confirmed, signed


def test_pending_signatures_expire_with_their_records(house: HouseOfTests) -> None:
    petition = house.publish()
    for i in range(250):
        signed(house, petition, f"suzie{i}@example.org")
    confirmed(house, petition)
    assert tidy.expire(house.database, DAY_NUMBER + 8) == 0
    assert tidy.expire(house.database, DAY_NUMBER + 9) == 250
    assert (house.rows("signing_pending"), house.rows("signing_sealed")) == (0, 1)


def test_from_the_acceptance_of_its_email_a_signature_has_seven_whole_days(house: HouseOfTests) -> None:
    petition = house.publish()
    accepted, waiting = signed(house, petition), signed(house, petition, "max@example.org")
    others = [token.encode(token.new()), "not a token"]
    tidy.start_week(house.database, [token.encode(accepted.t), *others], DAY_NUMBER + 3)
    assert tidy.expire(house.database, DAY_NUMBER + 9) == 1
    assert find(house.database, [waiting.digest]) == [None]
    assert tidy.expire(house.database, DAY_NUMBER + 11) == 0
    assert tidy.expire(house.database, DAY_NUMBER + 12) == 1


def test_after_thirty_days_a_guarded_pepper_goes_and_its_tags_with_it(house: HouseOfTests) -> None:
    petition = house.publish()
    confirmed(house, petition)
    waiting = signed(house, petition, "max@example.org")
    assert not epochs.renew_epoch(house.database, house.house, petition, DAY_NUMBER + 29)
    assert epochs.renew_epoch(house.database, house.house, petition, DAY_NUMBER + 30)
    assert house.database.query("SELECT dedupe_tag FROM signing_signature") == [(None,)]
    with pytest.raises(KeyMissing):
        house.house.find(house.database, pepper_name(petition.id, petition.pepper_epoch))
    renewed = house.petition()
    assert renewed.pepper_epoch == petition.pepper_epoch + 1 and renewed.pepper not in (None, petition.pepper)
    # Links of the old epoch still work, and the same mailbox is another signature now: `audit` finds it offline.
    assert house.writer.commit(house.database, [confirmation(waiting)]) == [Outcome.DONE]
    confirmed(house, renewed)
    assert house.rows("signing_signature") == 3


def test_an_old_pepper_that_a_crash_left_is_found(
    house: HouseOfTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    petition = house.publish()
    confirmed(house, petition)
    with monkeypatch.context() as patch:
        patch.setattr(epochs, "forget_epoch", lambda *_: None)  # the power goes between the two
        assert epochs.renew_epoch(house.database, house.house, petition, DAY_NUMBER + 30)
    renewed = house.petition()
    assert epochs.forget_old_epochs(house.database, house.house, renewed) == 1
    assert house.database.query("SELECT dedupe_tag FROM signing_signature") == [(None,)]
    with pytest.raises(KeyMissing):
        house.house.find(house.database, pepper_name(petition.id, petition.pepper_epoch))
    assert epochs.forget_old_epochs(house.database, house.house, renewed) == 0


def test_what_was_sealed_for_the_old_era_is_refused_inside_the_commit(house: HouseOfTests) -> None:
    petition = house.publish()
    late = ask(house, petition)
    epochs.renew_epoch(house.database, house.house, petition, DAY_NUMBER + 30)
    assert house.writer.commit(house.database, [late.operation]) == [Outcome.STALE]


def test_an_open_petition_has_one_era(house: HouseOfTests) -> None:
    petition = house.publish(profile='"open"')
    assert not epochs.renew_epoch(house.database, house.house, petition, DAY_NUMBER + 4000)


def test_a_petition_closes_after_its_last_day(house: HouseOfTests) -> None:
    petition = house.publish(closes="2026-12-24")
    last = date(2026, 12, 24)
    assert not tidy.close_due(house.database, petition, last)
    assert tidy.close_due(house.database, petition, last + timedelta(days=1))
    closed = house.petition()
    assert (closed.state, closed.closed_on) == ("closed", last)
    assert not tidy.close_due(house.database, closed, last + timedelta(days=2))


def test_a_petition_whose_dates_have_passed_is_not_published(house: HouseOfTests) -> None:
    with pytest.raises(Refusal):
        house.publish(closes="2026-11-23")


def test_three_emails_of_one_mailbox_count_once_after_a_renewal(house: HouseOfTests) -> None:
    petition = house.publish()
    emails = [signed(house, petition) for _ in range(3)]
    house.database.execute(
        "UPDATE signing_pending SET expires = expires + 1 WHERE token_hash = ?", (emails[1].digest,)
    )
    max_ = signed(house, petition, "max@example.org")
    assert epochs.renew_epoch(house.database, house.house, petition, DAY_NUMBER + 30)
    assert (house.rows("signing_pending"), house.rows("signing_sealed")) == (2, 2)
    house.refresh()
    clicks = [confirmation(of) for of in (*emails, max_)]
    gone, done = Outcome.GONE, Outcome.DONE
    assert house.writer.commit(house.database, clicks) == [
        gone,
        done,
        gone,
        done,
    ]  # what expires last has stayed
    assert (house.rows("signing_signature"), house.rows("signing_sealed")) == (2, 2)


def test_an_email_that_waits_beside_a_signature_leads_to_it_after_a_renewal(house: HouseOfTests) -> None:
    petition = house.publish()
    suzie, again = confirmed(house, petition, subscribe=("updates",)), signed(house, petition)
    assert epochs.renew_epoch(house.database, house.house, petition, DAY_NUMBER + 30)
    # Before the click it looks as one whose mailbox has never signed.
    waiting = find(house.database, [again.digest])[0]
    assert waiting is not None and waiting.pending_payload is not None
    click = confirmation(again)
    assert house.writer.commit(house.database, [click]) == [Outcome.DONE]
    assert (house.rows("signing_pending"), house.rows("signing_sealed")) == (0, 1)
    assert house.rows("signing_signature") == 1
    assert house.writer.commit(house.database, [operations.Withdraw(again.t, again.digest)]) == [Outcome.DONE]
    assert find(house.database, [suzie.digest, again.digest]) == [None, None]
    assert house.rows("newsletter_subscription") == 0


def test_mailboxes_are_told_apart_across_many_transactions(
    house: HouseOfTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    petition = house.publish()
    for box in range(9):
        for _ in range(1 + box % 3):
            signed(house, petition, f"suzie{box}@example.org")
    monkeypatch.setattr(epochs, "CHUNK", 4)
    with monkeypatch.context() as patch:
        patch.setattr(epochs, "delete", power_goes)
        with pytest.raises(RuntimeError):
            epochs.renew_epoch(house.database, house.house, petition, DAY_NUMBER + 30)
    assert (house.rows("signing_pending"), house.rows("signing_access")) == (18, 0)
    assert epochs.forget_old_epochs(house.database, house.house, house.petition()) == 1
    assert (house.rows("signing_pending"), house.rows("signing_sealed")) == (9, 9)
    assert house.database.query("SELECT COUNT(*) FROM signing_pending WHERE dedupe_tag IS NOT NULL") == [(0,)]


@pytest.mark.parametrize("late_click", [False, True])
def test_a_tag_that_comes_after_its_era_goes_with_the_next_look(
    house: HouseOfTests, monkeypatch: pytest.MonkeyPatch, late_click: bool
) -> None:
    petition = house.publish()
    late = ask(house, petition)
    before = rows.petitions(house.database, [petition.id])
    epochs.renew_epoch(house.database, house.house, petition, DAY_NUMBER + 30)
    with monkeypatch.context() as patch:  # judged by what was committed before the renewal
        patch.setattr(writer.sign, "petitions", lambda *_: before)
        assert house.writer.commit(house.database, [late.operation]) == [Outcome.DONE]
    renewed = house.petition()
    if late_click:
        house.writer.commit(house.database, [confirmation(late)])
    table = "signing_signature" if late_click else "signing_pending"
    tagged = f"SELECT COUNT(*) FROM {table} WHERE dedupe_tag IS NOT NULL"
    assert house.database.query(tagged) == [(1,)]
    assert epochs.forget_old_epochs(house.database, house.house, renewed) == 1
    assert house.database.query(tagged) == [(0,)] and house.rows(table) == 1
    assert epochs.forget_old_epochs(house.database, house.house, renewed) == 0


def power_goes(*_: object) -> None:
    raise RuntimeError
