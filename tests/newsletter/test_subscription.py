"""Subscriptions: asked for, confirmed, ended; nobody is subscribed by another's hand, and no mailbox is flooded."""

import pytest

from houses import DAY_NUMBER, HouseOfTests
from sabal import erasure_journal, private, token
from sabal.erasure_journal import Erasure
from sabal.mail.address import EmailAddress
from sabal.newsletter import consent
from sabal.newsletter import subscription as rows
from signing.steps import confirmed

WEEK = DAY_NUMBER + 8


def ask(house: HouseOfTests, address: str = "suzie@example.org") -> tuple[bytes, bool]:
    """Ask for the newsletter of the house; the token of the letter, and whether one may go out."""
    house.refresh()
    assert house.ring.subscribers
    t = token.new()
    row = rows.subscription(
        house.ring.subscribers, rows.HOUSE, EmailAddress.parse(address), "ko", "Carol's people"
    )
    with house.database.transaction():
        return t, rows.ask(house.database, row, rows.confirm_hash(t), WEEK)


def confirm(house: HouseOfTests, t: bytes) -> bool:
    return rows.confirm(house.database, rows.confirm_hash(t))


def states(house: HouseOfTests) -> list[int]:
    return [row[0] for row in house.database.query("SELECT state FROM newsletter_subscription")]


def test_suzie_asks_and_confirms(house: HouseOfTests) -> None:
    t, letter = ask(house)
    assert letter and states(house) == [rows.ASKED]
    assert confirm(house, t) and states(house) == [rows.CONFIRMED]
    assert confirm(house, t)  # twice is harmless
    version, sentence = house.database.query("SELECT version, sentence FROM newsletter_consent")[0]
    assert version == consent.version(sentence) and "Carol's people" in sentence


def test_an_invented_link_confirms_nothing(house: HouseOfTests) -> None:
    ask(house)
    assert not confirm(house, token.new()) and states(house) == [rows.ASKED]


def test_asked_for_again_the_last_link_works_and_a_fourth_letter_does_not_go(house: HouseOfTests) -> None:
    first, *others = [ask(house) for _ in range(5)]
    assert [first[1], *(letter for _, letter in others)] == [True, True, True, False, False]
    assert len(states(house)) == 1
    assert not confirm(house, first[0]) and confirm(house, others[1][0])


def test_who_is_in_the_list_gets_no_letter(house: HouseOfTests) -> None:
    t, _ = ask(house)
    confirm(house, t)
    assert ask(house, "SUZIE@example.org")[1] is False
    assert states(house) == [rows.CONFIRMED]


def test_signing_confirms_what_was_asked_for_before(house: HouseOfTests) -> None:
    petition = house.publish()
    ask(house)
    confirmed(house, petition, subscribe=("newsletter",))
    assert states(house) == [rows.CONFIRMED]


def test_signers_of_one_commit_are_confirmed_by_one_statement_and_the_first_of_a_mailbox_stands(
    house: HouseOfTests,
) -> None:
    ask(house, "suzie@example.org")
    t, _ = ask(house, "max@example.org")
    confirm(house, t)
    key = house.ring.subscribers
    assert key
    before = house.database.query("SELECT id, sealed_address FROM newsletter_subscription ORDER BY id")
    batch = [
        rows.subscription(key, rows.HOUSE, EmailAddress.parse(address), language, "Carol's people")
        for address in ("suzie@example.org", "max@example.org", "carol@example.org", "Carol@example.org")
        for language in ("en", "ko")
    ]
    with house.database.transaction():
        rows.confirm_with_signature(house.database, batch)
    found = house.database.query("SELECT id, state, language, consent, expires FROM newsletter_subscription")
    assert {row[1] for row in found} == {rows.CONFIRMED} and {row[4] for row in found} == {None}
    english, korean = consent.version(batch[0].sentence), consent.version(batch[1].sentence)
    # Suzie's waited: the language of her letter, the sentence she ticked last. Max was in the list already.
    assert sorted(row[2:4] for row in found) == sorted([("ko", english), ("ko", korean), ("en", english)])
    kept = dict(house.database.query("SELECT id, sealed_address FROM newsletter_subscription"))
    assert all(kept[row_id] == sealed for row_id, sealed in before)


def test_what_is_not_confirmed_goes_after_its_day(house: HouseOfTests) -> None:
    ask(house)
    assert rows.expire(house.database, WEEK) == 0
    assert rows.expire(house.database, WEEK + 1) == 1 and states(house) == []


def test_unsubscribing_deletes_and_is_remembered_outside_the_database(house: HouseOfTests) -> None:
    t, _ = ask(house)
    confirm(house, t)
    row_id = house.database.query("SELECT id FROM newsletter_subscription")[0][0]
    assert house.ring.subscribers
    link = rows.unsubscribe_token(house.ring.subscribers, row_id)
    assert rows.row_of(house.ring.subscribers, link) == row_id
    assert rows.unsubscribe(house.database, row_id) and states(house) == []
    assert not rows.unsubscribe(house.database, row_id)
    (line,) = erasure_journal.read()
    assert (line.kind, line.petition_id) == (erasure_journal.UNSUBSCRIBED, rows.HOUSE)
    assert b"suzie" not in (house.data / "erasure-journal.jsonl").read_bytes()


@pytest.mark.parametrize("place", [0, 7, 8, 15])
def test_a_changed_unsubscribe_link_is_nobodys(place: int) -> None:
    link = bytearray(rows.unsubscribe_token(b"k" * 32, 12345))
    link[place] ^= 1
    assert rows.row_of(b"k" * 32, bytes(link)) is None


def test_several_wishes_are_one_write_and_one_flush(
    house: HouseOfTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes = []
    monkeypatch.setattr(private, "append", lambda path, lines: writes.append(lines))
    erasure_journal.append([])
    erasure_journal.append([Erasure(erasure_journal.NOT_ME, bytes([n]) * 16, n) for n in range(3)])
    assert [lines.count(b"not-me") for lines in writes] == [3]


def test_half_a_line_of_the_suppression_file_is_passed_over(house: HouseOfTests) -> None:
    erasure_journal.append([Erasure(erasure_journal.NOT_ME, b"\x01" * 16, 3)])
    with (house.data / "erasure-journal.jsonl").open("a") as file:
        file.write('{"kind": "not-me", "ha')
    assert [entry.petition_id for entry in erasure_journal.read()] == [3]


def test_a_line_after_half_a_line_is_not_lost(house: HouseOfTests) -> None:
    (house.data / "erasure-journal.jsonl").write_text('{"kind": "not-me", "ha')
    erasure_journal.append([Erasure(erasure_journal.NOT_ME, b"\x02" * 16, 4)])
    assert [entry.petition_id for entry in erasure_journal.read()] == [4]


def test_who_refused_to_be_asked_can_still_tick_the_box_when_signing(house: HouseOfTests) -> None:
    petition = house.publish()
    ask(house)
    assert rows.unsubscribe(
        house.database, house.database.query("SELECT id FROM newsletter_subscription")[0][0]
    )
    assert ask(house)[1] is False and states(house) == []
    confirmed(house, petition, subscribe=("newsletter",))
    assert states(house) == [rows.CONFIRMED]
