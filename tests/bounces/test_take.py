"""What comes of a bounce. Eve forges some, sends some twice, and sends those of others."""

from collections import Counter

import pytest

from bounces.messages import arf, dsn, out_of_office, qmail
from sabal import token
from sabal.bounces import totals
from sabal.bounces.reasons import Reason
from sabal.bounces.report import read
from sabal.bounces.take import BOUNCES_FOR, FORGET_AFTER, SOFT_DAYS, Taken, forget, refused, take
from sabal.configuration.bounce_address import parse_bounce_address
from sabal.mail.address import EmailAddress
from sabal.mail.verp import CONFIRMATION, Sent, Verp
from sabal.newsletter import subscription as rows
from sabal.newsletter.lists import MailingList
from sites import DAY_NUMBER, SiteOfTests

CAROLS, MAXS = MailingList("carol"), MailingList("max")


class Mailings:
    """Carol's and Max's newsletters, to which Suzie and Eve are subscribed."""

    def __init__(self, site: SiteOfTests) -> None:
        site.refresh()
        assert site.keyring.subscribers
        self.site, self.database, self.key = site, site.database, site.keyring.subscribers
        self.verp = Verp.of(parse_bounce_address("bounces@petition.example"), self.key)
        self.suzie, self.eve = self.subscribe("suzie@example.org"), self.subscribe("eve@example.org")
        self.subscribe("suzie@example.org", MAXS)

    def subscribe(self, address: str, of: MailingList = CAROLS) -> int:
        row = rows.subscription(self.key, of, EmailAddress.parse(address), "en", "Email me.")
        with self.database.transaction():
            rows.confirm_with_signature(self.database, [row])
        return row.id

    def sender(self, of: int, occasion: int = 1, day: int = DAY_NUMBER) -> str:
        return self.verp.sender(Sent(of, occasion, day))

    def take(self, raw: bytes, today: int = DAY_NUMBER) -> Taken:
        return take(self.database, self.verp, self.key, read(raw), today)

    def subscribed(self) -> set[str]:
        names = {
            rows.address_hash(self.key, EmailAddress.parse(f"{n}@example.org")): n for n in ("suzie", "eve")
        }
        found = self.database.query("SELECT address_hash FROM newsletter_subscription WHERE state = 2")
        return {names[bytes(row[0])] for row in found}


@pytest.fixture
def mailings(site: SiteOfTests) -> Mailings:
    return Mailings(site)


BOTH = {"suzie", "eve"}


def test_a_forged_bounce_unsubscribes_nobody(mailings: Mailings) -> None:
    """Eve knows Suzie's address, the form of a report, and the envelope of an email of her own."""
    eves = mailings.sender(mailings.eve)
    local, _, domain = eves.rpartition("@")
    other_key = Verp.of(mailings.verp.address, bytes(32)).sender(Sent(mailings.suzie, 1, DAY_NUMBER))
    for to in (
        "bounces@petition.example", "bounces+suzie@petition.example", "suzie@example.org", other_key,
        f"{local[:-1]}{'a' if local[-1] != 'a' else 'b'}@{domain}", f"{local}@evil.example", "",
    ):  # fmt: skip
        assert mailings.take(dsn(to)) is Taken.FORGED, to
        assert mailings.take(qmail(to)) is Taken.FORGED
        assert mailings.take(arf(f"Return-Path: <{to}>\n")) is Taken.FORGED
    assert mailings.subscribed() == BOTH and mailings.site.rows("bounces_bounce") == 0


def test_eves_own_envelope_ends_her_own_subscription_alone(mailings: Mailings) -> None:
    assert mailings.take(dsn(mailings.sender(mailings.eve), about="suzie@example.org")) is Taken.ENDED
    assert mailings.subscribed() == {"suzie"}


def test_a_collection_of_envelopes_is_about_nobody(mailings: Mailings) -> None:
    both = f"{mailings.sender(mailings.eve)}, {mailings.sender(mailings.suzie)}"
    assert mailings.take(dsn(both)) is Taken.FORGED and mailings.subscribed() == BOTH


def test_no_mailbox_ends_every_list_at_once(mailings: Mailings) -> None:
    assert mailings.take(dsn(mailings.sender(mailings.suzie))) is Taken.ENDED
    assert mailings.subscribed() == {"eve"}
    assert mailings.take(dsn(mailings.sender(mailings.suzie))) is Taken.GONE
    assert totals.of_mailing(mailings.database, 1) == Counter({Reason.NO_MAILBOX: 1})
    assert totals.of_organisation(mailings.database, "carol") == Counter({Reason.NO_MAILBOX: 1})
    assert totals.of_organisation(mailings.database, "max") == Counter()


@pytest.mark.parametrize("day", [DAY_NUMBER - BOUNCES_FOR - 1, DAY_NUMBER + 2, 0])
def test_a_bounce_must_be_fresh(mailings: Mailings, day: int) -> None:
    assert mailings.take(dsn(mailings.sender(mailings.suzie, day=day))) is Taken.OLD
    assert mailings.subscribed() == BOTH


def test_the_same_bounce_many_times_counts_once(mailings: Mailings) -> None:
    full = dsn(mailings.sender(mailings.suzie), "5.2.2")
    ends = [mailings.take(full, DAY_NUMBER + n) for n in range(10)]
    assert Counter(ends) == {Taken.COUNTED: 1, Taken.AGAIN: 9} and mailings.subscribed() == BOTH


def test_many_mailings_on_one_day_are_one_day(mailings: Mailings) -> None:
    for occasion in range(1, 20):
        mailings.take(dsn(mailings.sender(mailings.suzie, occasion), "5.2.2"))
    assert mailings.subscribed() == BOTH


@pytest.mark.parametrize("message", [lambda to: dsn(to, "5.2.2"), lambda to: dsn(to, "4.4.1"), qmail])
def test_an_address_is_given_up_after_some_days(mailings: Mailings, message) -> None:  # type: ignore[no-untyped-def]
    for n in range(1, SOFT_DAYS + 1):
        assert mailings.subscribed() == BOTH
        day = DAY_NUMBER + 7 * n
        mailings.take(message(mailings.sender(mailings.suzie, n, day)), day)
    assert mailings.subscribed() == {"eve"}
    assert mailings.database.query("SELECT reason FROM newsletter_suppression") == [(2,)]


def test_bounces_of_long_ago_are_forgotten(mailings: Mailings) -> None:
    for n in range(1, SOFT_DAYS + 3):
        day = DAY_NUMBER + 30 * n
        mailings.take(dsn(mailings.sender(mailings.suzie, n, day), "5.2.2"), day)
    assert mailings.subscribed() == BOTH
    assert forget(mailings.database, day + FORGET_AFTER + 1) == SOFT_DAYS + 2
    assert totals.of_organisation(mailings.database, "carol").total() == SOFT_DAYS + 2


def test_a_refusal_of_us_says_nothing_about_the_reader(mailings: Mailings) -> None:
    for n in range(1, 20):
        mailings.take(dsn(mailings.sender(mailings.suzie, n, DAY_NUMBER + n), "5.7.1"), DAY_NUMBER + n)
    assert mailings.subscribed() == BOTH
    assert totals.of_organisation(mailings.database, "carol") == Counter({Reason.REFUSED_US: 19})


def test_replies_and_delays_change_nothing(mailings: Mailings) -> None:
    to = mailings.sender(mailings.suzie)
    for raw in (
        out_of_office(to),
        dsn(to, "4.4.1", action="delayed"),
        b"",
        b"\0" * 10_000,
        f"To: {to}\n\nhello".encode(),
    ):
        assert mailings.take(raw) is Taken.NOTHING
    assert mailings.subscribed() == BOTH


def test_a_complaint_ends_all_and_for_ever(mailings: Mailings) -> None:
    late = DAY_NUMBER + 60  # people find old emails
    assert mailings.take(arf(f"Return-Path: <{mailings.sender(mailings.suzie)}>\n"), late) is Taken.ENDED
    mailings.subscribe("suzie@example.org")
    assert mailings.subscribed() == {"eve"}


def test_a_complaint_is_known_by_the_unsubscribe_link_too(mailings: Mailings) -> None:
    t = token.encode(rows.unsubscribe_token(mailings.key, mailings.suzie))
    link = f"List-Unsubscribe: <https://petition.example/en/newsletter/unsubscribe/{t}>\n"
    invented = link.replace(t[:4], "aaaa")
    assert mailings.take(arf(invented)) is Taken.FORGED and mailings.subscribed() == BOTH
    assert mailings.take(arf(link)) is Taken.ENDED and mailings.subscribed() == {"eve"}


def test_a_complaint_after_a_bounce_is_a_complaint(mailings: Mailings) -> None:
    mailings.take(dsn(mailings.sender(mailings.suzie), "5.2.2"))
    assert mailings.take(arf(f"Return-Path: <{mailings.sender(mailings.suzie)}>\n")) is Taken.ENDED


def asked(mailings: Mailings) -> int:
    row = rows.subscription(mailings.key, CAROLS, EmailAddress.parse("max@example.org"), "en", "Email me.")
    with mailings.database.transaction():
        assert rows.ask(mailings.database, row, b"h" * 32, DAY_NUMBER + 8)
    return row.id


def test_an_email_that_asks_to_confirm_and_bounces_is_not_sent_again(mailings: Mailings) -> None:
    row_id = asked(mailings)
    assert mailings.take(dsn(mailings.sender(row_id, CONFIRMATION))) is Taken.COUNTED
    again = rows.subscription(mailings.key, CAROLS, EmailAddress.parse("max@example.org"), "en", "Email me.")
    with mailings.database.transaction():
        assert not rows.ask(mailings.database, again, b"i" * 32, DAY_NUMBER + 8)
    assert mailings.site.rows("newsletter_suppression") == 0  # who typed it wrongly can still type it rightly


def test_the_bounce_of_a_request_ends_no_confirmed_subscription(mailings: Mailings) -> None:
    row_id = asked(mailings)
    with mailings.database.transaction():
        rows.confirm(mailings.database, b"h" * 32)
    assert mailings.take(dsn(mailings.sender(row_id, CONFIRMATION))) is Taken.COUNTED
    assert mailings.database.query("SELECT state FROM newsletter_subscription WHERE id = ?", (row_id,)) == [
        (2,)
    ]


def test_a_complaint_about_a_request_is_final(mailings: Mailings) -> None:
    row_id = asked(mailings)
    mailings.take(arf(f"Return-Path: <{mailings.sender(row_id, CONFIRMATION)}>\n"))
    assert mailings.database.query("SELECT reason FROM newsletter_suppression") == [(3,)]


def test_a_refusal_while_sending_is_taken_like_a_bounce(mailings: Mailings) -> None:
    with mailings.database.transaction():
        assert refused(mailings.database, mailings.suzie, 3, Reason.NO_MAILBOX, DAY_NUMBER) is Taken.ENDED
    assert mailings.take(dsn(mailings.sender(mailings.suzie, 3))) is Taken.GONE
    assert totals.of_mailing(mailings.database, 3) == Counter({Reason.NO_MAILBOX: 1})
