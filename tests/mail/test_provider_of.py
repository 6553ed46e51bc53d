"""Totals name large providers only."""

import re

import pytest

from sabal.mail.address import EmailAddress
from sabal.mail.providers import OTHER, PROVIDERS, is_large, provider_of


@pytest.mark.parametrize(
    ("address", "provider"),
    [
        ("suzie@gmail.com", "gmail"),
        ("Suzie@GoogleMail.com", "gmail"),
        ("suzie@naver.com.", "naver"),
        ("suzie@hanmail.net", "kakao"),
        ("suzie@163.com", "netease"),
        ("suzie@notgmail.com", "other"),
        ("suzie@gmail.com.example.org", "other"),
        ("suzie@mail.gmail.com", "other"),
        ("suzie@mail.de", "other"),
        ("suzie@QQ.com", "tencent"),
    ],
)
def test_the_provider_of_an_address(address: str, provider: str) -> None:
    assert EmailAddress.stored(address).provider == provider


def test_large_and_small_domains() -> None:
    assert is_large("gmail.com") and is_large("qq.com") and not is_large("petition.example")


def test_the_list_is_consistent() -> None:
    domains = [domain for many in PROVIDERS.values() for domain in many]
    assert len(domains) == len(set(domains)) and len(PROVIDERS) >= 50
    assert all(re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", domain) for domain in domains)
    assert all(re.fullmatch(r"[a-z-]{2,32}", name) and name != "unknown" for name in PROVIDERS)
    assert all((provider_of(domain) == OTHER) == (domain in PROVIDERS[OTHER]) for domain in domains)
