"""Rules of a petition: which domains and networks they match, who reads them when, and how many there may be."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sabal.limits import rules
from sabal.limits.networks import Limits, Verdict
from sabal.limits.rules import DOMAIN, NETWORK, Effect, NoNetwork, RuleBook, Rules, network_of
from sites import SiteOfTests

NOON = 20_000 * 86_400 + 43_200.0
ADDRESSES = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6))


def of(*rows: tuple[str, str, Effect]) -> Rules:
    return Rules(rows=rows)


def test_a_domain_includes_those_below_it_and_the_longest_decides() -> None:
    found = of((DOMAIN, "mail.example", Effect.REFUSE), (DOMAIN, "good.mail.example", Effect.ALLOW))
    assert found.of_domain("mail.example") is Effect.REFUSE
    assert found.of_domain("a.b.mail.example") is Effect.REFUSE
    assert found.of_domain("x.good.mail.example") is Effect.ALLOW
    for other in ("example", "email.example", "mail.example.org", ""):
        assert found.of_domain(other) is None


def test_the_narrowest_network_decides() -> None:
    found = of((NETWORK, "203.0.0.0/8", Effect.REFUSE), (NETWORK, "203.0.113.0/24", Effect.ALLOW))
    assert found.of_address("203.0.113.9") is Effect.ALLOW
    assert found.of_address("::ffff:203.0.113.9") is Effect.ALLOW
    assert found.of_address("203.9.9.9") is Effect.REFUSE
    for other in ("204.0.113.9", "2001:db8::1", "", "no address", "203.0.113.9.9"):
        assert found.of_address(other) is None


@given(ADDRESSES, ADDRESSES, st.integers(8, 24), st.integers(16, 64))
def test_a_network_has_the_addresses_that_python_says(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
    base: ipaddress.IPv4Address | ipaddress.IPv6Address,
    bits4: int,
    bits6: int,
) -> None:
    network = ipaddress.ip_network((str(base), bits4 if base.version == 4 else bits6), strict=False)
    if getattr(address, "ipv4_mapped", None) is None:
        expected = address.version == network.version and address in network
        assert (of((NETWORK, str(network), Effect.HOLD)).of_address(str(address)) is not None) == expected


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("203.0.113.7", "203.0.113.0/24"),
        ("203.0.113.7/32", "203.0.113.0/24"),
        (" 203.0.113.7/20 ", "203.0.112.0/20"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8:1:2:3::/80", "2001:db8:1:2::/64"),
        ("2001:db8::/32", "2001:db8::/32"),
    ],
)
def test_no_rule_has_the_address_of_one_person(typed: str, stored: str) -> None:
    assert network_of(typed) == stored


@pytest.mark.parametrize(
    "typed", ["", "0.0.0.0/0", "::/0", "10.0.0.0/7", "2001::/15", "1.2.3", "x/24", "1.2.3.4/33"]
)
def test_what_is_no_network_or_too_wide_is_refused(typed: str) -> None:
    with pytest.raises(NoNetwork):
        network_of(typed)


def test_a_process_sees_a_change_with_its_next_look(site: SiteOfTests) -> None:
    petition = site.publish()
    book = RuleBook()
    book.refresh(site.database)
    assert book.of(petition.slug).of_domain("mail.example") is None
    rules.add(site.database, petition.id, DOMAIN, ["mail.example"], Effect.HOLD)
    rules.add(site.database, petition.id, NETWORK, ["203.0.113.0/24"], Effect.ALLOW)
    book.refresh(site.database)
    known = book.of(petition.slug)
    assert known.of_domain("mail.example") is Effect.HOLD
    assert known.of_address("203.0.113.7") is Effect.ALLOW and known.strictness == 1.0
    book.refresh(site.database)
    assert book.of(petition.slug) is known, "what did not change is not read again"

    rules.add(site.database, petition.id, DOMAIN, ["mail.example"], Effect.REFUSE)
    rules.set_strictness(site.database, petition.id, 10.0)
    assert rules.remove(site.database, petition.id, NETWORK, "203.0.113.0/24")
    assert not rules.remove(site.database, petition.id, NETWORK, "203.0.113.0/24")
    book.refresh(site.database)
    known = book.of(petition.slug)
    assert known.of_domain("mail.example") is Effect.REFUSE and known.of_address("203.0.113.7") is None
    assert known.strictness == rules.strictness(site.database, petition.id) == 10.0
    assert book.of("another").of_domain("mail.example") is None


def test_there_is_a_most_and_nothing_is_half_added(
    site: SiteOfTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    petition = site.publish()
    monkeypatch.setattr(rules, "MOST", 3)
    rules.add(site.database, petition.id, DOMAIN, ["a.example", "b.example"], Effect.HOLD)
    with pytest.raises(rules.TooManyRules):
        rules.add(site.database, petition.id, DOMAIN, ["c.example", "d.example"], Effect.HOLD)
    assert len(rules.rules(site.database, petition.id)) == 2
    rules.add(site.database, petition.id, DOMAIN, ["b.example", "c.example"], Effect.HOLD)
    assert len(rules.rules(site.database, petition.id)) == 3


def test_a_strict_petition_holds_and_refuses_earlier() -> None:
    limits = Limits()
    network = limits.network("192.0.2.1", NOON)
    verdicts = [limits.sign(network, NOON, 10.0) for _ in range(61)]
    assert verdicts[:6] == [Verdict.FREE] * 6 and verdicts[6:60] == [Verdict.SOFT] * 54
    assert verdicts[60] is Verdict.HARD
    assert limits.sign(network, NOON, 0.1) is Verdict.FREE
