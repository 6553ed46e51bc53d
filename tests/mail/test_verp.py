"""The envelope senders of emails to lists. Eve makes some up, changes them, and looks for an address in them."""

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as some

from sabal.configuration.bounce_address import TOKEN, BounceAddress, parse_bounce_address
from sabal.configuration.errors import SettingError
from sabal.mail.verp import Sent, Verp

VERP = Verp.of(parse_bounce_address("bounces@petition.example"), bytes(range(32)))
SUZIES = Sent(subscription=7_431_812, occasion=12, day=20_781)


@pytest.mark.parametrize(
    "setting",
    [
        "bounces@petition.example",
        "*@bounces.petition.example",
        "b-*-x@petition.example",
        "B@PETITION.example",
    ],
)
@given(some.integers(0, 2**63 - 1), some.integers(0, 2**32 - 1), some.integers(0, 2**16 - 1))
def test_a_sender_leads_back_to_its_email(setting: str, subscription: int, occasion: int, day: int) -> None:
    verp, sent = Verp.of(parse_bounce_address(setting), b"k" * 32), Sent(subscription, occasion, day)
    sender = verp.sender(sent)
    assert verp.open(sender) == sent == verp.open(f" {sender.upper()} ")
    assert len(sender.rpartition("@")[0]) <= 64 and sender.isascii()


def test_it_reveals_nothing_and_is_the_same_each_time() -> None:
    sender = VERP.sender(SUZIES)
    assert sender == VERP.sender(SUZIES) and "suzie" not in sender and "7431812" not in sender
    one, other = (VERP.sender(Sent(row, 12, 20_781)).split("+")[1] for row in (1, 2))
    assert sum(a == b for a, b in zip(one[:TOKEN], other, strict=False)) < 30  # neighbours do not look alike


def test_eve_cannot_make_or_change_one() -> None:
    sender = VERP.sender(SUZIES)
    local, _, domain = sender.rpartition("@")
    for at in range(len("bounces+"), len(local)):
        for letter in "a7":
            changed = f"{local[:at]}{letter}{local[at + 1 :]}@{domain}"
            assert VERP.open(changed) is None or changed == sender
    for _ in range(1_000):
        invented = "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz234567") for _ in range(TOKEN))
        assert VERP.open(f"bounces+{invented}@petition.example") is None
    assert Verp.of(VERP.address, bytes(32)).open(sender) is None  # the key of another server


@given(some.text(max_size=120))
def test_other_addresses_are_of_no_email(address: str) -> None:
    assert VERP.open(address) is None
    assert VERP.open(f"bounces+{address}@petition.example") is None


def test_the_address_must_be_ours() -> None:
    local = VERP.sender(SUZIES).rpartition("@")[0]
    assert VERP.open(f"{local}@evil.example") is None
    assert VERP.open(f"x{local}@petition.example") is None
    assert VERP.open(local) is None


@pytest.mark.parametrize(
    "text",
    [
        "bounces",
        "Bounces <bounces@petition.example>",
        "a*b*@petition.example",
        "a-name-too-long-@petition.example",
    ],
)
def test_a_wrong_setting_is_refused_with_the_next_step(text: str) -> None:
    with pytest.raises(SettingError, match="SABAL_BOUNCE_ADDRESS"):
        parse_bounce_address(text)


def test_an_unset_address_takes_nothing() -> None:
    assert not BounceAddress() and BounceAddress().token_in("a" * TOKEN + "@") is None
