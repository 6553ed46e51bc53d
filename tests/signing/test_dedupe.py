"""Dedupe tags: all spellings of one address have one tag, and other addresses have other tags."""

import pytest

from sabal.mail.address import EmailAddress
from sabal.newsletter.subscription import address_hash
from sabal.signing.dedupe import dedupe_tag, suppression

KEY = bytes(range(32))
SUZIE = EmailAddress.parse("suzie@example.org")


@pytest.mark.parametrize(
    ("typed", "of_petition", "not_me", "listed"),
    [
        ("Suzie@EXAMPLE.org", "c9cfe3dc08bfbe6fcb4e3b92ec4ae33e", "32977734d7e74c120305e9cdbf81b6e1",
         "c2f03877f41bacb24fcedfd461be631d"),
        ("s.u.zie+a@GoogleMail.com", "dc36df55c2242925a0c933f99e269bc6", "1b626cc0a920825ef2e1ac2b2c19cc9b",
         "c81dac2aedee95c73b699a280e3bae31"),
        ("su.zie+a@naver.com", "6f6103301bfe86f08ca8515a33ff9800", "f096be1707fc51adc85a392cb282cc21",
         "fb84ac6352453972cfcccbc0edbf0ca6"),
        ("suzie@예시.한국", "3dde129154ccddb121d56f20eb340073", "a6d5164bbdf6f4c5af254fe0ef821616",
         "60bed426ab7cdbe3338ea9bdd1b4d649"),
        ("Zoe\u0308@bücher.example", "05f1cabf7d92b54701c3cebcfddff819", "171054110424cada9f1f3f94c802cef5",
         "7bafd298a6fc8b1dd0f50c26fc4a0ddc"),
    ],
)  # fmt: skip
def test_stored_hashes_do_not_change(typed: str, of_petition: str, not_me: str, listed: str) -> None:
    address = EmailAddress.parse(typed)
    assert dedupe_tag(KEY, address).hex() == of_petition
    assert suppression(KEY, 7, address).hex() == not_me
    assert address_hash(KEY, address).hex() == listed


@pytest.mark.parametrize(
    "typed",
    [
        "ｓｕｚｉｅ＠ｅｘａｍｐｌｅ．ｏｒｇ",
        "suzie@example。org",
        "\u2068suzie@example.org\u2069",
        "su\u00adzie@example.org\u200b",
    ],
)
def test_an_address_has_the_same_tag_however_it_was_typed(typed: str) -> None:
    assert dedupe_tag(KEY, EmailAddress.parse(typed)) == dedupe_tag(KEY, SUZIE)
    assert address_hash(KEY, EmailAddress.parse(typed)) == address_hash(KEY, SUZIE)


@pytest.mark.parametrize("other", ["su.zie@example.org", "suzie+a@example.org", "suzie@example.com"])
def test_another_address_has_another_tag(other: str) -> None:
    assert dedupe_tag(KEY, SUZIE) != dedupe_tag(KEY, EmailAddress.parse(other))


def test_pepper_and_petition_separate_tags() -> None:
    assert dedupe_tag(b"a" * 32, SUZIE) != dedupe_tag(b"b" * 32, SUZIE)
    assert suppression(b"a" * 32, 1, SUZIE) != suppression(b"a" * 32, 2, SUZIE)
