"""Email addresses: two spellings of one address have one normalised form, and other addresses have other forms."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sabal.mail.address import EmailAddress

parse, stored = EmailAddress.parse, EmailAddress.stored


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("suzie@example.org", " Suzie@EXAMPLE.org "), ("s.u.zie+a@gmail.com", "suzie@googlemail.com"),
        ("suzie@예시.한국", "suzie@xn--vv4b11d.xn--3e0b707e"),
        ("zoe\u0308@example.org", "zoë@example.org"), ("a@b.org.", "a@b.org"),
        ("ｓｕｚｉｅ＠ｅｘａｍｐｌｅ．ｏｒｇ", "suzie@example.org"), ("suzie@example。org", "suzie@example.org"),
        ("suzie﹫example.org", "suzie@example.org"), ("Ｓ．ｕｚｉｅ＋ａ＠gmail。com", "suzie@gmail.com"),
        ("\u202asuzie@example.org\u202c\u200b", "suzie@example.org"),
        ("su\u00adzie@exam\u200bple.org", "suzie@example.org"),
        ("\u2068수지@예시.한국\u2069", "수지@예시.한국"),
    ],
)  # fmt: skip
def test_spellings_of_one_address_are_equal(one: str, other: str) -> None:
    assert stored(one).normalised == stored(other).normalised


@pytest.mark.parametrize(
    "around", "\u00ad\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2069\ufeff\u3000"
)
def test_what_was_pasted_around_an_address_is_not_sent(around: str) -> None:
    assert parse(f"{around}suzie＠example.org{around}").wire == "suzie@example.org"


@pytest.mark.parametrize(
    "text",
    ["suzie\u202e@example.org", "e" + "\u0301" * 20 + "@example.org", "a\ufdd0@example.org", "＠example.org"],
)
def test_an_address_that_cannot_be_written_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [("su.zie@example.org", "suzie@example.org"), ("suzie+a@example.org", "suzie@example.org")],
)
def test_at_other_domains_dots_and_plus_make_other_addresses_with_one_limit(one: str, other: str) -> None:
    assert parse(one).normalised != parse(other).normalised
    assert parse(one).mailbox == parse(other).mailbox


def test_email_is_sent_to_the_address_as_typed() -> None:
    address = parse("  Su.Zie+a@GoogleMail.com ")
    assert (address.typed, address.wire) == ("Su.Zie+a@GoogleMail.com", "Su.Zie+a@GoogleMail.com")
    assert (address.local, address.domain) == ("su.zie+a", "googlemail.com")
    assert (address.normalised, address.mailbox) == ("suzie@gmail.com", "suzie@googlemail.com")
    assert address.provider == "gmail"


def test_the_repr_of_an_address_does_not_contain_it() -> None:
    text = repr(parse("suzie@example.org"))
    assert "suzie" not in text and "example" not in text


@given(st.text(max_size=80))
def test_normalising_is_stable_or_refuses(text: str) -> None:
    try:
        once = stored(text).normalised
    except ValueError:  # idna errors are ValueErrors too
        return
    assert stored(once).normalised == once


@given(st.text(alphabet="aB.+ë가@-_ \u0308", max_size=20) | st.text(max_size=80))
def test_a_parsed_address_is_the_same_after_storing(text: str) -> None:
    try:
        address = parse(f"{text}@example.org")
    except ValueError:
        return
    assert stored(address.typed) == address and parse(address.typed) == address and address.wire
