"""The address of a recipient: what would be several, another header, this site itself or a list is refused."""

import time

import pytest

from sabal import settings
from sabal.configuration.sender import Sender
from sabal.delivery import address
from sabal.refusal import Refusal


@pytest.fixture(autouse=True)
def sender(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "MAIL_FROM", Sender("Petitions", "petition@site.example"))


@pytest.mark.parametrize(
    "typed",
    [
        "desk@ministry.example",
        "  Registry@Ministry.Example \n",
        "foi-request@council.example",
        "의회@council.example",
    ],
)
def test_an_address_of_people_is_taken(typed: str) -> None:
    assert address.read(typed).typed == typed.strip()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("a@ministry.example, b@ministry.example", "one address only"),
        ("a@ministry.example;b@ministry.example", "one address only"),
        ("a@ministry.example b@ministry.example", "one address only"),
        ("a@ministry.example\nb@ministry.example", "one address only"),
        ("a@b@ministry.example", "one address only"),
        ("a@ministry.example\r\nBcc: eve@example.org", "one address only"),
        ("Eve <eve@example.org>", "without a name"),
        ("eve@example.org\r\nSubject: hello", "not an email address"),
        ("eve@example.org\x00", "not an email address"),
        ("=?utf-8?q?a?=@ministry.example", "not an email address"),
        ("group: a@ministry.example;", "not an email address"),
        ("a@ministry", "not an email address"),
        ("a\u202e@ministry.example", "not an email address"),
        ("petition@site.example", "this site sends from"),
        ("Petition+suzie@SITE.example", "this site sends from"),
        ("no-reply@ministry.example", "Nobody reads"),
        ("council.noreply@ministry.example", "Nobody reads"),
        ("MAILER-DAEMON@ministry.example", "Nobody reads"),
        ("bounces+x=y.example@ministry.example", "Nobody reads"),
        ("talk-subscribe@ministry.example", "Nobody reads"),
        ("owner-talk@ministry.example", "Nobody reads"),
        ("everybody@lists.ministry.example", "mailing list"),
        ("everybody@googlegroups.com", "mailing list"),
        ("", "not an email address"),
        ("@" * 3_000, "one address only"),
    ],
)
def test_what_could_do_harm_is_refused_with_its_reason(typed: str, said: str) -> None:
    begun = time.monotonic()
    with pytest.raises(Refusal, match=said):
        address.read(typed)
    assert time.monotonic() - begun < 1
