"""Subscriptions: ask, confirm, unsubscribe. Eve cannot subscribe other people or flood a mailbox."""

import pytest

from sabal import erasure_journal, private, token
from sabal.erasure_journal import Erasure
from sabal.mail.address import EmailAddress
from sabal.newsletter import consent, leaving
from sabal.newsletter import subscription as rows
from signing.steps import confirmed
from sites import DAY_NUMBER, SiteOfTests

CAROLS = rows.MailingList("stop-forced-repatriation")
SENTENCE = "Email me the newsletter of Carol's people."
WEEK = DAY_NUMBER + 8


def ask(site: SiteOfTests, address: str = "suzie@example.org") -> tuple[bytes, bool]:
    """Ask for the newsletter of Carol's people. Return the token of the email, and whether it may be sent."""
    site.refresh()
    assert site.keyring.subscribers
    t = token.new()
    row = rows.subscription(
        site.keyring.subscribers, CAROLS, EmailAddress.parse(address), "ko", f"{SENTENCE} (ko)"
    )
    with site.database.transaction():
        return t, rows.ask(site.database, row, rows.confirm_hash(t), WEEK)


def confirm(site: SiteOfTests, t: bytes) -> rows.MailingList | None:
    return rows.confirm(site.database, rows.confirm_hash(t))


def states(site: SiteOfTests) -> list[int]:
    return [row[0] for row in site.database.query("SELECT state FROM newsletter_subscription")]


def test_suzie_asks_and_confirms(site: SiteOfTests) -> None:
    t, may_email = ask(site)
    assert may_email and states(site) == [rows.ASKED]
    assert confirm(site, t) == CAROLS and states(site) == [rows.CONFIRMED]
    assert confirm(site, t)  # confirming twice is harmless
    version, sentence = site.database.query("SELECT version, sentence FROM newsletter_consent")[0]
    assert version == consent.version(sentence) and "Carol's people" in sentence


def test_an_invented_link_confirms_nothing(site: SiteOfTests) -> None:
    ask(site)
    assert not confirm(site, token.new()) and states(site) == [rows.ASKED]


def test_only_the_last_link_works_and_a_fourth_email_is_not_sent(site: SiteOfTests) -> None:
    first, *others = [ask(site) for _ in range(5)]
    assert [first[1], *(may_email for _, may_email in others)] == [True, True, True, False, False]
    assert len(states(site)) == 1
    assert not confirm(site, first[0]) and confirm(site, others[1][0])


def test_a_subscriber_who_asks_again_gets_no_email(site: SiteOfTests) -> None:
    t, _ = ask(site)
    confirm(site, t)
    assert ask(site, "SUZIE@example.org")[1] is False
    assert states(site) == [rows.CONFIRMED]


def test_signing_with_the_box_ticked_confirms_an_earlier_request(site: SiteOfTests) -> None:
    petition = site.publish()
    ask(site)
    confirmed(site, petition, subscribe=("newsletter",))
    assert states(site) == [rows.CONFIRMED]


def test_subscriptions_of_one_commit_keep_the_first_of_each_address(site: SiteOfTests) -> None:
    ask(site, "suzie@example.org")
    t, _ = ask(site, "max@example.org")
    confirm(site, t)
    key = site.keyring.subscribers
    assert key
    before = site.database.query("SELECT id, sealed_address FROM newsletter_subscription ORDER BY id")
    batch = [
        rows.subscription(key, CAROLS, EmailAddress.parse(address), language, f"{SENTENCE} ({language})")
        for address in ("suzie@example.org", "max@example.org", "carol@example.org", "Carol@example.org")
        for language in ("en", "ko")
    ]
    with site.database.transaction():
        rows.confirm_with_signature(site.database, batch)
    found = site.database.query("SELECT id, state, language, consent, expires FROM newsletter_subscription")
    assert {row[1] for row in found} == {rows.CONFIRMED} and {row[4] for row in found} == {None}
    english, korean = consent.version(batch[0].sentence), consent.version(batch[1].sentence)
    # Suzie's was not confirmed: it keeps the language of her email and gets the sentence she ticked last.
    # Max was in the list already.
    assert sorted(row[2:4] for row in found) == sorted([("ko", english), ("ko", korean), ("en", english)])
    stored = dict(site.database.query("SELECT id, sealed_address FROM newsletter_subscription"))
    assert all(stored[row_id] == sealed for row_id, sealed in before)


def test_an_unconfirmed_subscription_is_deleted_after_its_day(site: SiteOfTests) -> None:
    ask(site)
    assert rows.expire(site.database, WEEK) == 0
    assert rows.expire(site.database, WEEK + 1) == 1 and states(site) == []


def test_unsubscribing_deletes_the_row_and_writes_to_the_erasure_journal(site: SiteOfTests) -> None:
    t, _ = ask(site)
    confirm(site, t)
    row_id = site.database.query("SELECT id FROM newsletter_subscription")[0][0]
    assert site.keyring.subscribers
    link = rows.unsubscribe_token(site.keyring.subscribers, row_id)
    assert rows.row_of(site.keyring.subscribers, link) == row_id
    assert leaving.unsubscribe(site.database, row_id) and states(site) == []
    assert not leaving.unsubscribe(site.database, row_id)
    (line,) = erasure_journal.read()
    assert (line.kind, line.petition_id, line.organisation) == (
        erasure_journal.UNSUBSCRIBED,
        0,
        CAROLS.organisation,
    )
    assert b"suzie" not in (site.data / "erasure-journal.jsonl").read_bytes()


@pytest.mark.parametrize("position", [0, 7, 8, 15])
def test_a_changed_unsubscribe_link_is_invalid(position: int) -> None:
    link = bytearray(rows.unsubscribe_token(b"k" * 32, 12345))
    link[position] ^= 1
    assert rows.row_of(b"k" * 32, bytes(link)) is None


def test_several_erasures_are_one_write_to_the_journal(
    site: SiteOfTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes = []
    monkeypatch.setattr(private, "append", lambda path, lines: writes.append(lines))
    erasure_journal.append([])
    erasure_journal.append([Erasure(erasure_journal.NOT_ME, bytes([n]) * 16, n) for n in range(3)])
    assert [lines.count(b"not-me") for lines in writes] == [3]


def test_half_a_line_of_the_erasure_journal_is_ignored(site: SiteOfTests) -> None:
    erasure_journal.append([Erasure(erasure_journal.NOT_ME, b"\x01" * 16, 3)])
    with (site.data / "erasure-journal.jsonl").open("a") as file:
        file.write('{"kind": "not-me", "ha')
    assert [entry.petition_id for entry in erasure_journal.read()] == [3]


def test_a_line_after_half_a_line_is_not_lost(site: SiteOfTests) -> None:
    (site.data / "erasure-journal.jsonl").write_text('{"kind": "not-me", "ha')
    erasure_journal.append([Erasure(erasure_journal.NOT_ME, b"\x02" * 16, 4)])
    assert [entry.petition_id for entry in erasure_journal.read()] == [4]


def test_after_not_me_an_address_can_still_subscribe_when_signing(site: SiteOfTests) -> None:
    petition = site.publish()
    ask(site)
    assert leaving.unsubscribe(
        site.database, site.database.query("SELECT id FROM newsletter_subscription")[0][0]
    )
    assert ask(site)[1] is False and states(site) == []
    confirmed(site, petition, subscribe=("newsletter",))
    assert states(site) == [rows.CONFIRMED]
