"""The headers and the envelope of emails to lists: of every kind of list, and of no other email."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from mail.world import NOON, SITE, Sink, definition
from sabal import token
from sabal.configuration.bounce_address import parse_bounce_address
from sabal.mail import emails, kinds, lists
from sabal.mail.address import EmailAddress
from sabal.mail.ids import ALREADY_SIGNED, CONFIRM_NEWSLETTER, CONFIRM_SIGNATURE
from sabal.mail.verp import CONFIRMATION, Sent, Verp
from sabal.newsletter.subscription import unsubscribe_token
from sabal.petitions.definition import Definition

VERP = Verp.of(parse_bounce_address("bounces@petition.example"), b"k" * 32)
READS_BOUNCES = replace(SITE, verp=VERP)
UNSUBSCRIBE = token.encode(unsubscribe_token(b"k" * 32, 4_711))


def email(kind: int) -> emails.Email:
    to = EmailAddress.parse("suzie@example.org")
    return emails.Email(
        1, kind, to, "en", "a" * 26, unsubscribe=UNSUBSCRIBE if kind == CONFIRM_NEWSLETTER else ""
    )


@pytest.mark.parametrize("petition", [None, definition("open"), definition("guarded")])
def test_a_bounce_of_an_email_to_a_list_comes_back_to_its_subscription(petition: Definition | None) -> None:
    message = kinds.render(email(CONFIRM_NEWSLETTER), petition, READS_BOUNCES, NOON)
    assert VERP.open(message.bounces_to) == Sent(4_711, CONFIRMATION, int(NOON // 86_400))
    assert message.sender == SITE.sender.address and message.bounces_to.encode() not in message.content
    assert kinds.render(email(CONFIRM_NEWSLETTER), petition, SITE, NOON).bounces_to == ""


@pytest.mark.parametrize("profile", ["open", "guarded"])
def test_emails_about_signatures_have_one_envelope_on_every_site(profile: str) -> None:
    """An envelope of its own for open petitions would say which of the others are guarded."""
    for kind in (CONFIRM_SIGNATURE, ALREADY_SIGNED):
        assert kinds.render(email(kind), definition(profile), READS_BOUNCES, NOON).bounces_to == ""


def test_a_server_with_dsn_is_asked_to_report_failures_to_the_envelope(sink: Callable[..., Sink]) -> None:
    server = sink("dsn")
    transport = server.transport()
    message = kinds.render(email(CONFIRM_NEWSLETTER), None, READS_BOUNCES, NOON)
    transport.send(message, "suzie@example.org")
    transport.close()
    (line,) = server.lines()
    assert line["from"] == message.bounces_to
    assert "RET=HDRS" in line["mail_options"] and line["rcpt_options"] == ["NOTIFY=FAILURE"]


def test_the_headers_of_a_mailing() -> None:
    found = lists.mailing_headers("carol", None, "petition.example", 12)
    assert found["Precedence"] == "bulk"
    assert re.fullmatch(r"<[0-9a-f]{8}\.newsletter\.petition\.example>", found["List-Id"])
    assert re.fullmatch(r"12:[0-9a-f]{8}:newsletter:[0-9a-f]{8}", found["Feedback-ID"])
    updates = lists.mailing_headers("carol", definition("open"), "petition.example", 13)
    assert updates["List-Id"] == "<save-the-blue-river.updates.petition.example>"
    assert updates["Feedback-ID"].split(":")[1::2] == found["Feedback-ID"].split(":")[1::2]


def test_the_headers_about_a_guarded_petition_are_the_same_for_all_of_them() -> None:
    one = lists.mailing_headers("carol", definition("guarded"), "petition.example", 12)
    other = lists.mailing_headers("max", replace(definition("guarded"), slug="bus"), "petition.example", 12)
    assert one == other and "river" not in str(one)


def test_the_button_of_an_email_program() -> None:
    assert lists.unsubscribe_headers("https://petition.example/x") == {
        "List-Unsubscribe": "<https://petition.example/x>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
