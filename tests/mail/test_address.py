"""Email addresses: two spellings of one address have one normalised form, and other addresses have other forms."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sabal.mail.address import EmailAddress, UnknownDomain

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
    "local",
    [
        # newer than Python's tables
        "\U0002ebf0", "\U00031350\U000323b0", "수지.\U00031350", "\U0001fae9", "\U0001e5d0",
        "👩‍🚀", "می‌خواهم", "क्‍ष", "ሰላም", "葛\U000e0100",  # with joiners and variants
        "é" * 64, "a`b", "o'neil", "x_y{z}",
    ],
)  # fmt: skip
def test_any_letter_may_be_before_the_at(local: str) -> None:
    address = parse(f"{local}@example.org")
    assert address.wire == f"{local}@example.org" and stored(address.typed) == address


@pytest.mark.parametrize(
    "local",
    ["", ".a", "a.", "a..b", "a b", "수\u00a0지", "수\u2003지", '"a b"', "a,b", "a<b", "\u0301a", "a\u3164", "a\ue000",
     "수지\n", "수..지", "수지@b", "é" * 65, "a\U000e0041"],
)  # fmt: skip
def test_what_no_mail_server_has_before_the_at_is_refused(local: str) -> None:
    with pytest.raises(ValueError):
        parse(f"{local}@example.org")


@pytest.mark.parametrize(
    "domain", ["\U00031350.org", "수지😀\U0001fae9.org", "예시\u0378.한국", "a\u05d0.org", "ａ\u0301＿.例"]
)
def test_a_domain_that_the_tables_do_not_have_is_called_that(domain: str) -> None:
    with pytest.raises(UnknownDomain):
        parse(f"suzie@{domain}")


def test_a_domain_newer_than_the_tables_is_taken_in_its_ascii_form() -> None:
    domain = "xn--" + "\U00031350".encode("punycode").decode() + ".xn--3e0b707e"
    assert parse(f"suzie@{domain}").wire == f"suzie@{domain}"


@pytest.mark.parametrize(
    "domain", ["", "example", "한국", "-a.org", "a-.org", "a_b.org", "수_지.한국", "a..org", "a.org.", "127.0.0.1",
               "[::1]", "a" * 64 + ".org", ".".join(["수" * 12] * 12) + ".한국"]
)  # fmt: skip
def test_what_is_no_domain_is_refused(domain: str) -> None:
    with pytest.raises(ValueError):
        parse(f"suzie@{domain}")


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
