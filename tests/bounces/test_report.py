"""What a message reports. Most of them are hostile, or of no use."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as some

from bounces.messages import arf, dsn, out_of_office, qmail
from sabal.bounces.reasons import Reason, of_code, of_phrase
from sabal.bounces.report import MOST_ADDRESSES, MOST_BYTES, MessageKind, read
from sabal.mail.answers import judge

TO = "bounces+abc@petition.example"


@pytest.mark.parametrize(
    ("status", "diagnostic", "reason"),
    [
        ("5.1.1", "550 5.1.1 no such user", Reason.NO_MAILBOX),
        ("5.0.0", "550 5.1.1 <suzie@example.org>: User unknown", Reason.NO_MAILBOX),
        ("5.0.0", "550 spam", Reason.OTHER),
        ("5.1.10", "556 null MX", Reason.NO_DOMAIN),
        ("5.2.2 (over quota)", "552", Reason.FULL),
        ("4.4.1", "connection timed out", Reason.UNREACHABLE),
        ("5.7.1", "550 5.7.1 spam", Reason.REFUSED_US),
        ("5.7.26", "", Reason.REFUSED_US),
        ("5.0.0", "550 5.7.1 listed at 127.0.0.5.1.1", Reason.REFUSED_US),
        ("", "", Reason.OTHER),
    ],
)
def test_a_bounce_says_why(status: str, diagnostic: str, reason: Reason) -> None:
    report = read(dsn(TO, status, diagnostic=diagnostic))
    assert (report.kind, report.reason, report.senders) == (MessageKind.BOUNCE, reason, (TO,))


@pytest.mark.parametrize("action", ["delayed", "delivered", "relayed", "expanded"])
def test_a_delay_or_a_success_is_no_bounce(action: str) -> None:
    assert read(dsn(TO, "4.4.1", action=action)).kind is MessageKind.NOT_YET


def test_one_of_several_recipients_is_not_all() -> None:
    two = dsn(TO).replace(
        b"\n--b1\nContent-Type: text/rfc822-headers",
        b"\nFinal-Recipient: rfc822; b@example.org\nAction: failed\nStatus: 5.2.2\n\n--b1"
        b"\nContent-Type: text/rfc822-headers",
    )
    assert read(two).reason is Reason.FULL


def test_old_formats_are_known_and_end_nothing_at_once() -> None:
    report = read(qmail(TO))
    assert (report.kind, report.reason, report.senders) == (MessageKind.BOUNCE, Reason.OTHER, (TO,))


@pytest.mark.parametrize(
    "message",
    [
        out_of_office(TO),
        f"From: suzie@example.org\nTo: {TO}\nX-Autoreply: yes\n\nthanks".encode(),
        f"From: suzie@example.org\nTo: {TO}\nPrecedence: auto_reply\n\nthanks".encode(),
    ],
)
def test_an_automatic_reply_is_no_bounce(message: bytes) -> None:
    assert read(message).kind is MessageKind.AUTOMATIC


def test_a_person_who_quotes_a_bounce_is_no_bounce() -> None:
    quoting = qmail(TO).replace(
        b"Return-Path: <>\nFrom: MAILER-DAEMON@mx.example", b"From: suzie@example.org"
    )
    assert read(quoting).kind is MessageKind.UNKNOWN


def test_our_own_email_that_comes_back_is_no_bounce() -> None:
    ours = f"From: mail@petition.example\nTo: {TO}\nAuto-Submitted: auto-generated\nList-Id: <x>\n\nNews"
    assert read(ours.encode()).kind is MessageKind.UNKNOWN


def test_a_complaint_names_the_email() -> None:
    link = "https://petition.example/en/newsletter/unsubscribe/" + "a" * 26
    report = read(arf(f"Return-Path: <{TO}>\nList-Unsubscribe: <{link}>\n"))
    assert (report.kind, report.senders, report.unsubscribe) == (MessageKind.COMPLAINT, (TO,), ("a" * 26,))
    assert read(arf(more=f"Original-Mail-From: <{TO}>\n")).senders == (TO,)
    assert read(arf(kind="not-spam")).kind is MessageKind.UNKNOWN


@given(some.binary(max_size=2_000))
def test_no_bytes_are_an_error(raw: bytes) -> None:
    assert read(raw).kind in MessageKind
    assert read(b"Return-Path: <>\n" + raw).kind in MessageKind
    assert read(dsn(TO)[:300] + raw).kind in MessageKind


@given(some.text(max_size=200), some.text(max_size=200))
def test_no_header_is_an_error(status: str, to: str) -> None:
    raw = dsn("TO", "STATUS").replace(b"STATUS", status.encode("utf-8", "replace"))
    assert read(raw.replace(b"TO", to.encode("utf-8", "replace"))).kind in MessageKind


def bombs() -> dict[str, bytes]:
    """Return messages that are made to take long."""
    head = b"Return-Path: <>\nFrom: MAILER-DAEMON@x\nMIME-Version: 1.0\n"
    nested, deep = head, head
    for n in range(3_000):
        nested += b'Content-Type: multipart/mixed; boundary="%d"\n\n--%d\n' % (n, n)
    for _ in range(9_000):
        deep += b"Content-Type: message/rfc822\n\n"
    return {
        "multiparts in multiparts": nested,
        "messages in messages": deep,
        "folded types": head + b"Content-Type:\n multipart/mixed; boundary=a\n\n--a\n" * 2_000,
        "many parts": head + b'Content-Type: multipart/report; boundary="a"\n\n' + b"--a\n\nx\n" * 30_000,
        "long line": head + b"\n" + b"<a@b.example> " * 1_000_000,
        "many lines": head + b"\n" + b"<suzie@example.org>:\n" * 100_000,
        "many blanks": head + b"\n" + b" " * 10_000_000,
        "many addresses": head + b"To: " + b"a@b.example, " * 20_000 + b"\n\nx",
        "brackets": head + b"To: " + b"(" * 100_000 + b"\n\nx",
        "quotes": head + b'To: "' + b'\\"' * 60_000 + b"\n\nx",
        "many headers": head + b"X: y\n" * 40_000 + b"\nx",
        "zeros": bytes(1_000_000),
        "many blocks": dsn("x").replace(
            b"Final-Recipient", b"Final-Recipient: rfc822; x\n\n" * 20_000 + b"Final-Recipient"
        ),
        "many parameters": head + b"Content-Type: multipart/report; " + b"a=b; " * 40_000 + b"\n\nx",
    }


@pytest.mark.parametrize("name", bombs())
def test_a_bomb_is_soon_done_with(name: str) -> None:
    bomb, began = bombs()[name], time.process_time()
    report = read(bomb)
    assert time.process_time() - began < 2.0, report
    assert report.kind is not MessageKind.COMPLAINT and len(report.senders) <= MOST_ADDRESSES


def test_a_huge_report_is_read_by_its_start() -> None:
    huge = dsn(TO).replace(b"From: mail@", b"X: " + b"x" * (2 * MOST_BYTES) + b"\nFrom: mail@")
    assert read(huge).reason is Reason.NO_MAILBOX


def test_a_refusal_while_sending_has_the_same_reasons() -> None:
    for code, text, reason in (
        (550, b"5.1.1 x", Reason.NO_MAILBOX),
        (550, b"x", Reason.OTHER),  # as often spam as a missing mailbox
        (552, b"5.2.2 x", Reason.FULL),
        (550, b"5.7.1 x", Reason.REFUSED_US),
        (554, b"x", Reason.OTHER),
    ):
        assert of_phrase(judge(code, text).reason) is reason
    assert of_code("5.1.8") is Reason.REFUSED_US
