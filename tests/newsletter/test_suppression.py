"""The suppression list: who is on it gets no email of a list, whatever happens afterwards."""

import pytest

from sabal import erasure_journal
from sabal.mail.address import EmailAddress
from sabal.newsletter import leaving, suppression
from sabal.newsletter import subscription as rows
from sabal.newsletter.lists import MailingList
from sabal.newsletter.suppression import Why
from sabal.operating.erasures import apply_journal
from sites import DAY_NUMBER, SiteOfTests

CAROLS, MAXS, UPDATES = MailingList("carol"), MailingList("max"), MailingList("carol", 7)
SUZIE, MAX = (EmailAddress.parse(f"{name}@example.org") for name in ("suzie", "max"))


def row(site: SiteOfTests, of: MailingList = CAROLS, address: EmailAddress = SUZIE) -> rows.Subscription:
    assert site.keyring.subscribers
    return rows.subscription(site.keyring.subscribers, of, address, "en", "Email me.")


def subscribe(
    site: SiteOfTests, of: MailingList = CAROLS, address: EmailAddress = SUZIE
) -> rows.Subscription:
    made = row(site, of, address)
    with site.database.transaction():
        rows.confirm_with_signature(site.database, [made])
    return made


def suppress(site: SiteOfTests, of: rows.Subscription, why: Why) -> list[MailingList]:
    with site.database.transaction():
        return sorted(suppression.suppress(site.database, of.address_hash, why, DAY_NUMBER))


def reasons(site: SiteOfTests) -> list[tuple[str, int]]:
    return site.database.query("SELECT organisation, reason FROM newsletter_suppression ORDER BY 1, 2")


@pytest.fixture
def suzie(site: SiteOfTests) -> rows.Subscription:
    """Suzie is in two newsletters and one list of updates; Max is in Carol's newsletter."""
    site.refresh()  # loads the keys
    subscribe(site, MAXS)
    subscribe(site, UPDATES)
    subscribe(site, address=MAX)
    return subscribe(site)


@pytest.mark.parametrize("why", [Why.BOUNCED, Why.FULL, Why.COMPLAINED])
def test_it_ends_every_list_of_that_address_alone(
    site: SiteOfTests, suzie: rows.Subscription, why: Why
) -> None:
    assert suppress(site, suzie, why) == [CAROLS, UPDATES, MAXS]
    assert site.rows("newsletter_subscription") == 1
    assert b"suzie" not in b"".join(
        bytes(r[0]) for r in site.database.query("SELECT address_hash FROM newsletter_suppression")
    )


def test_a_click_shows_that_a_mailbox_works_again(site: SiteOfTests, suzie: rows.Subscription) -> None:
    suppress(site, suzie, Why.BOUNCED)
    again = subscribe(site)
    assert reasons(site) == [] and suppression.may_email(site.database, [again.id]) == {again.id}


def test_asking_and_confirming_by_email_lifts_a_bounce(site: SiteOfTests, suzie: rows.Subscription) -> None:
    suppress(site, suzie, Why.FULL)
    with site.database.transaction():
        assert rows.ask(site.database, row(site), b"h" * 32, DAY_NUMBER + 8)
        assert reasons(site) == [("", Why.FULL)]  # asking alone shows nothing: anyone can ask
        assert rows.confirm(site.database, b"h" * 32) == CAROLS
    assert reasons(site) == []


def test_who_complained_is_never_emailed_again(site: SiteOfTests, suzie: rows.Subscription) -> None:
    suppress(site, suzie, Why.COMPLAINED)
    with site.database.transaction():
        assert not rows.ask(site.database, row(site), b"h" * 32, DAY_NUMBER + 8)
    subscribe(site)
    subscribe(site, UPDATES)
    assert site.rows("newsletter_subscription") == 1  # Max's
    suppress(site, suzie, Why.BOUNCED)
    assert reasons(site) == [("", Why.COMPLAINED)]


def test_sending_asks_again(site: SiteOfTests, suzie: rows.Subscription) -> None:
    assert suppression.may_email(site.database, [suzie.id, 4711]) == {suzie.id}
    # A worker that queued her email, and a subscription that came in beside a complaint.
    site.database.execute(
        "INSERT INTO newsletter_suppression VALUES (?, '', 0, ?, 0)",
        (suzie.address_hash, int(Why.COMPLAINED)),
    )
    assert (
        suppression.may_email(site.database, [suzie.id]) == set() == suppression.may_email(site.database, [])
    )


def test_who_left_a_newsletter_is_known_to_that_list_alone(
    site: SiteOfTests, suzie: rows.Subscription
) -> None:
    with site.database.transaction():
        leaving.unsubscribe(site.database, suzie.id)
    assert reasons(site) == [("carol", Why.LEFT)]
    assert site.database.query("SELECT day FROM newsletter_suppression") == [(0,)]
    subscribe(site)
    assert reasons(site) == []


def test_a_restore_keeps_what_was_suppressed(site: SiteOfTests, suzie: rows.Subscription) -> None:
    in_the_backup = site.database.query("SELECT * FROM newsletter_subscription WHERE id = ?", (suzie.id,))[0]
    suppress(site, suzie, Why.COMPLAINED)
    left = subscribe(site, address=EmailAddress.parse("olga@example.org"))
    with site.database.transaction():
        leaving.unsubscribe(site.database, left.id)
    site.database.execute("DELETE FROM newsletter_suppression")
    site.database.execute("DELETE FROM newsletter_subscription")
    marks = ",".join("?" * len(in_the_backup))
    site.database.execute(f"INSERT INTO newsletter_subscription VALUES ({marks})", in_the_backup)
    with site.database.transaction():
        lines, _ = apply_journal(site.database)
    assert lines == 2 and [one.kind for one in erasure_journal.read()] == ["complained", "unsubscribed"]
    assert reasons(site) == [("", Why.COMPLAINED), ("carol", Why.LEFT)]
    assert site.rows("newsletter_subscription") == 0
