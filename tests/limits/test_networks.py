"""The limits of one network, one mailbox and one domain, and the address that counts."""

import hashlib
import ipaddress
import logging
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sabal.limits.networks import (
    LOOPBACK,
    UNKNOWN,
    Clients,
    CountMinSketch,
    Limits,
    Network,
    Verdict,
    bare,
    prefixes,
)

NOON = 20_000 * 86_400 + 43_200.0
KEY = b"k" * 32


def limits(**more: object) -> Limits:
    return Limits(draw_key=lambda: KEY, **more)  # type: ignore[arg-type]


def sign(counts: Limits, address: str, now: float = NOON) -> Verdict:
    return counts.sign(counts.network(address, now), now)


def test_a_network_may_sign_60_times_a_minute_then_is_held_then_refused() -> None:
    counts = limits()
    verdicts = [sign(counts, "192.0.2.1") for _ in range(700)]
    assert verdicts[:60] == [Verdict.FREE] * 60
    assert verdicts[60:600] == [Verdict.SOFT] * 540
    assert verdicts[600:] == [Verdict.HARD] * 100
    assert sign(counts, "192.0.2.1", NOON + 60) is Verdict.FREE


def test_a_thousand_signatures_an_hour_are_free() -> None:
    counts = limits()
    verdicts = [sign(counts, "192.0.2.1", NOON + 60 * (n // 50)) for n in range(1_010)]
    assert verdicts[:1_000] == [Verdict.FREE] * 1_000 and set(verdicts[1_000:]) == {Verdict.SOFT}


def test_newsletter_requests_and_signatures_have_separate_limits() -> None:
    counts = limits()
    eve = counts.network("192.0.2.1", NOON)
    assert [counts.ask(eve, NOON) for _ in range(700)][-1] is Verdict.HARD
    assert counts.sign(eve, NOON) is Verdict.FREE
    max_ = counts.network("192.0.3.1", NOON)
    assert [counts.sign(max_, NOON) for _ in range(700)][-1] is Verdict.HARD
    assert [counts.ask(max_, NOON) for _ in range(61)] == [Verdict.FREE] * 60 + [Verdict.SOFT]


def test_a_slash_24_and_a_slash_64_are_one_network_each() -> None:
    counts = limits()
    for n in range(60):
        assert sign(counts, f"192.0.2.{n}") is Verdict.FREE
        assert sign(counts, f"2001:db8:0:1::{n:x}") is Verdict.FREE
    assert sign(counts, "192.0.2.200") is Verdict.SOFT
    assert sign(counts, "2001:db8:0:1:ffff::1") is Verdict.SOFT
    assert sign(counts, "192.0.3.1") is Verdict.FREE
    assert sign(counts, "2001:db8:0:2::1") is Verdict.FREE


def test_a_slash_48_may_do_ten_times_as_much_as_a_slash_64() -> None:
    counts = limits()
    verdicts = [sign(counts, f"2001:db8:7:{n:x}::1") for n in range(700)]
    assert verdicts[:600] == [Verdict.FREE] * 600 and verdicts[600:] == [Verdict.SOFT] * 100


def test_an_ipv4_address_mapped_into_ipv6_is_the_same_network() -> None:
    counts = limits()
    assert counts.network("::ffff:192.0.2.9", NOON) == counts.network("192.0.2.1", NOON)


def test_onion_and_tor_exits_are_one_network_each() -> None:
    counts = limits(tor_exits=["198.51.100.7", "203.0.113.9"])
    tor = counts.network("198.51.100.7", NOON)
    assert tor == counts.network("203.0.113.9", NOON) != counts.network("198.51.100.8", NOON)
    onion = counts.network("127.0.0.1", NOON, onion=True)
    assert onion not in (None, tor, counts.network("127.0.0.1", NOON))
    # Eve sends the onion's name in her Host header, and stays in her own network.
    assert counts.network("192.0.2.1", NOON, onion=True) == counts.network("192.0.2.1", NOON)


def test_invalid_addresses_are_counted_as_one_network() -> None:
    counts = limits()
    assert counts.network("", NOON) == counts.network("unknown", NOON) == counts.network("x" * 500, NOON)
    for _ in range(60):
        sign(counts, "garbage")
    assert sign(counts, "other garbage") is Verdict.SOFT


def test_loopback_is_free_in_development_only() -> None:
    assert limits(unlimited_loopback=True).network("127.0.0.1", NOON) is None
    assert limits(unlimited_loopback=True).network("::1", NOON) is None
    assert limits(unlimited_loopback=True).network("192.0.2.1", NOON) is not None
    counts = limits()
    assert [sign(counts, "127.0.0.1") for _ in range(61)][-1] is Verdict.SOFT


def test_limits_are_divided_by_the_number_of_processes() -> None:
    counts = limits(workers=4)
    verdicts = [sign(counts, "192.0.2.1") for _ in range(16)]
    assert verdicts[14] is Verdict.FREE and verdicts[15] is Verdict.SOFT


def test_a_mailbox_gets_three_emails_a_day() -> None:
    # This limit is not divided by the processes. The database bounds the emails that wait for one mailbox.
    for counts in (limits(), limits(workers=64)):
        left = []
        for _ in range(5):
            left.append(counts.emails_left(b"suzie@example.org", NOON))
            counts.count_email(b"suzie@example.org", NOON)
        assert left == [True, True, True, False, False]
        assert counts.emails_left(b"carol@example.org", NOON)
        assert counts.emails_left(b"suzie@example.org", NOON + 86_400)


def test_reading_a_count_does_not_change_it() -> None:
    counts = limits()
    assert all(counts.emails_left(b"suzie@example.org", NOON) for _ in range(10))


def test_after_50_emails_an_hour_a_small_domain_uses_the_slow_lane() -> None:
    counts = limits()
    assert [counts.small_domain(b"example.org", NOON) for _ in range(51)] == [True] * 50 + [False]
    assert counts.small_domain(b"example.org", NOON + 3_600)


def test_each_day_has_a_new_key() -> None:
    keys = iter([b"a" * 32, b"b" * 32])
    counts = Limits(draw_key=lambda: next(keys))
    today = counts.network("192.0.2.1", NOON)
    assert today == counts.network("192.0.2.1", NOON + 3_600)
    assert today != counts.network("192.0.2.1", NOON + 86_400)


def test_a_clock_that_is_set_back_resets_no_count() -> None:
    counts = limits()
    for _ in range(61):
        sign(counts, "192.0.2.1")
    assert sign(counts, "192.0.2.1", NOON - 86_400 * 3) is Verdict.SOFT


def test_requests_from_many_networks_remove_no_count() -> None:
    counts = limits()
    for _ in range(601):
        sign(counts, "192.0.2.1")
    for n in range(60_000):
        sign(counts, f"10.{n >> 8 & 255}.{n & 255}.1")
    assert sign(counts, "192.0.2.1") is Verdict.HARD


def test_a_flood_from_many_networks_leaves_other_networks_free() -> None:
    counts = limits()
    for n in range(60_000):
        sign(counts, f"10.{n >> 8 & 255}.{n & 255}.1")
    assert [sign(counts, f"192.0.{n}.1") for n in range(200)].count(Verdict.FREE) == 200


def test_memory_does_not_grow_with_the_number_of_keys() -> None:
    sketch = CountMinSketch(60)
    sketch.add(bytes(16), NOON)
    tracemalloc.start()
    for n in range(20_000):
        sketch.add(n.to_bytes(16, "big"), NOON)
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert grown < 100_000


@given(st.lists(st.binary(min_size=16, max_size=16), max_size=60))
def test_a_count_is_never_too_low(keys: list[bytes]) -> None:
    sketch = CountMinSketch(60, width=16)
    seen: dict[bytes, int] = {}
    for key in keys:
        seen[key] = seen.get(key, 0) + 1
        assert sketch.add(key, NOON) >= seen[key]


def test_a_full_cell_stays_full() -> None:
    sketch = CountMinSketch(3_600, width=1)
    last = 0
    for _ in range(65_600):
        last = sketch.add(bytes(16), NOON)
    assert last == 65_535


# ---- the client's address ----


@pytest.mark.parametrize(
    ("hops", "forwarded", "address"),
    [
        (0, None, "10.0.0.1"),
        (0, b"203.0.113.5", "10.0.0.1"),  # any client can send it
        (1, b"203.0.113.5", "203.0.113.5"),
        (1, b"198.51.100.1, 203.0.113.5", "203.0.113.5"),  # the client sent the left one
        (2, b"6.6.6.6, 203.0.113.5, 198.51.100.1", "203.0.113.5"),
        (2, b"203.0.113.5", "203.0.113.5"),  # the client connected to the inner proxy
        (1, None, "10.0.0.1"),
        (1, b"203.0.113.5:4711", "203.0.113.5"),
        (1, b"[2001:db8::1]:4711", "2001:db8::1"),
        (1, b"2001:db8::1", "2001:db8::1"),
        (1, b"127.0.0.1,203.0.113.5", "203.0.113.5"),
        (1, b"203.0.113.5,", ""),
    ],
)
def test_the_address_is_counted_from_the_right(hops: int, forwarded: bytes | None, address: str) -> None:
    assert Clients(hops).address("10.0.0.1", forwarded) == address


def test_addresses_that_eve_adds_on_the_left_do_not_change_her_network() -> None:
    clients, counts = Clients(1), limits()
    seen = {
        counts.network(clients.address("10.0.0.1", b"%d.1.1.1, 203.0.113.5" % n), NOON) for n in range(1, 200)
    }
    assert len(seen) == 1


def test_an_unknown_proxy_on_this_machine_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    clients = Clients(0)
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            clients.notice("127.0.0.1", b"203.0.113.5")
    assert len(caplog.records) == 1
    assert "SABAL_TRUSTED_HOPS" in caplog.text and "203.0.113.5" not in caplog.text


def test_forwarded_addresses_from_other_clients_are_not_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    Clients(0).notice("192.0.2.1", b"203.0.113.5")
    Clients(0).notice("127.0.0.1", None)
    Clients(1).notice("127.0.0.1", b"203.0.113.5")
    assert not caplog.records


@given(st.text(max_size=60))
def test_any_text_gives_a_network(text: str) -> None:
    near, wide = prefixes(bare(text))
    assert near and (wide is None or len(wide) == 6)


def test_a_network_does_not_contain_the_address() -> None:
    network = limits().network("192.0.2.1", NOON)
    assert isinstance(network, Network) and b"\xc0\x00\x02" not in network.near


def test_a_petition_has_a_daily_limit_of_held_signatures() -> None:
    counts = limits()
    assert all(counts.held(1, b"", NOON) for _ in range(5_000))
    assert not counts.held(1, b"", NOON)
    assert counts.held(2, b"", NOON) and counts.held(1, b"", NOON + 86_400)


def test_a_network_has_a_daily_limit_of_held_signatures() -> None:
    counts = Limits()
    flood, others = b"n" * 16, b"o" * 16
    assert all(counts.held(1, flood, NOON) for _ in range(1_000))
    assert not any(counts.held(1, flood, NOON) for _ in range(9_000))
    assert counts.held(1, others, NOON)


def test_3_000_signatures_a_day_are_free() -> None:
    counts = Limits()
    network = counts.network("192.0.2.1", NOON)
    hours = [NOON + hour * 3_600 for hour in range(5)]
    verdicts = [counts.sign(network, hour + i) for hour in hours for i in range(0, 3_600, 4)]
    assert verdicts[:3_000] == [Verdict.FREE] * 3_000 and set(verdicts[3_000:]) == {Verdict.SOFT}


ADDRESSES = st.one_of(
    st.ip_addresses().map(str),
    st.ip_addresses(v=4).map(lambda address: f"::ffff:{address}"),
    st.sampled_from(
        ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "::", "fe80::1%eth0", "0:0::1", "01.2.3.4"]
    ),
    st.text("0123456789abcdef:.% ", max_size=45),
    st.text(max_size=20),
)


@given(ADDRESSES)
def test_networks_are_those_of_the_standard_library(text: str) -> None:
    """The definition is in terms of `ipaddress`, which takes ten times as long."""
    assert prefixes(text) == by_ipaddress(text)


def by_ipaddress(text: str) -> tuple[bytes, bytes | None]:
    try:
        ip = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return UNKNOWN, None
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    if ip.is_loopback:
        return LOOPBACK, None
    return (ip.packed[:3], None) if ip.version == 4 else (ip.packed[:8], ip.packed[:6])


def test_counts_are_exact_while_the_tables_have_room() -> None:
    sketch = CountMinSketch(60)
    keys = [hashlib.blake2b(bytes([n]), digest_size=16).digest() for n in range(100)]
    assert [sketch.add(key, NOON) for key in keys * 3] == [1] * 100 + [2] * 100 + [3] * 100
