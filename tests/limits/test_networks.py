"""How much one network, one mailbox and one domain may do, and whose address counts."""

import logging
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sabal.limits.networks import Clients, Limits, Network, Tally, Verdict, bare, prefixes

NOON = 20_000 * 86_400 + 43_200.0
KEY = b"k" * 32


def limits(**more: object) -> Limits:
    return Limits(draw_key=lambda: KEY, **more)  # type: ignore[arg-type]


def sign(counts: Limits, address: str, now: float = NOON) -> Verdict:
    return counts.sign(counts.network(address, now), now)


def test_a_network_may_sign_sixty_times_a_minute_then_is_held_then_refused() -> None:
    counts = limits()
    verdicts = [sign(counts, "192.0.2.1") for _ in range(700)]
    assert verdicts[:60] == [Verdict.FREE] * 60
    assert verdicts[60:600] == [Verdict.SOFT] * 540
    assert verdicts[600:] == [Verdict.HARD] * 100
    assert sign(counts, "192.0.2.1", NOON + 60) is Verdict.FREE


def test_a_thousand_an_hour_are_free() -> None:
    counts = limits()
    verdicts = [sign(counts, "192.0.2.1", NOON + 60 * (n // 50)) for n in range(1_010)]
    assert verdicts[:1_000] == [Verdict.FREE] * 1_000 and set(verdicts[1_000:]) == {Verdict.SOFT}


def test_asking_for_the_newsletter_uses_up_no_signature_and_the_other_way_round() -> None:
    counts = limits()
    eve = counts.network("192.0.2.1", NOON)
    assert [counts.ask(eve, NOON) for _ in range(700)][-1] is Verdict.HARD
    assert counts.sign(eve, NOON) is Verdict.FREE
    max_ = counts.network("192.0.3.1", NOON)
    assert [counts.sign(max_, NOON) for _ in range(700)][-1] is Verdict.HARD
    assert [counts.ask(max_, NOON) for _ in range(61)] == [Verdict.FREE] * 60 + [Verdict.SOFT]


def test_a_24_and_a_64_are_one_network_each() -> None:
    counts = limits()
    for n in range(60):
        assert sign(counts, f"192.0.2.{n}") is Verdict.FREE
        assert sign(counts, f"2001:db8:0:1::{n:x}") is Verdict.FREE
    assert sign(counts, "192.0.2.200") is Verdict.SOFT
    assert sign(counts, "2001:db8:0:1:ffff::1") is Verdict.SOFT
    assert sign(counts, "192.0.3.1") is Verdict.FREE
    assert sign(counts, "2001:db8:0:2::1") is Verdict.FREE


def test_a_48_may_do_ten_times_as_much_and_no_more() -> None:
    counts = limits()
    verdicts = [sign(counts, f"2001:db8:7:{n:x}::1") for n in range(700)]
    assert verdicts[:600] == [Verdict.FREE] * 600 and verdicts[600:] == [Verdict.SOFT] * 100


def test_an_ipv4_address_in_ipv6_clothes_is_the_same_network() -> None:
    counts = limits()
    assert counts.network("::ffff:192.0.2.9", NOON) == counts.network("192.0.2.1", NOON)


def test_onion_and_tor_exits_are_one_network_each() -> None:
    counts = limits(tor_exits=["198.51.100.7", "203.0.113.9"])
    tor = counts.network("198.51.100.7", NOON)
    assert tor == counts.network("203.0.113.9", NOON) != counts.network("198.51.100.8", NOON)
    onion = counts.network("127.0.0.1", NOON, onion=True)
    assert onion not in (None, tor, counts.network("127.0.0.1", NOON))
    # Eve, who writes the onion's name into her Host header, stays in her own network.
    assert counts.network("192.0.2.1", NOON, onion=True) == counts.network("192.0.2.1", NOON)


def test_what_is_no_address_is_counted_too() -> None:
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


def test_three_letters_a_day_go_to_a_mailbox() -> None:
    # However many processes share them, each knows of three: the database bounds what waits for one mailbox.
    for counts in (limits(), limits(workers=64)):
        left = []
        for _ in range(5):
            left.append(counts.letters_left(b"suzie@example.org", NOON))
            counts.letter(b"suzie@example.org", NOON)
        assert left == [True, True, True, False, False]
        assert counts.letters_left(b"carol@example.org", NOON)
        assert counts.letters_left(b"suzie@example.org", NOON + 86_400)


def test_looking_counts_nothing() -> None:
    counts = limits()
    assert all(counts.letters_left(b"suzie@example.org", NOON) for _ in range(10))


def test_fifty_letters_an_hour_go_to_a_small_domain_before_the_slow_lane() -> None:
    counts = limits()
    assert [counts.small_domain(b"example.org", NOON) for _ in range(51)] == [True] * 50 + [False]
    assert counts.small_domain(b"example.org", NOON + 3_600)


def test_each_day_has_a_key_of_its_own() -> None:
    keys = iter([b"a" * 32, b"b" * 32])
    counts = Limits(draw_key=lambda: next(keys))
    today = counts.network("192.0.2.1", NOON)
    assert today == counts.network("192.0.2.1", NOON + 3_600)
    assert today != counts.network("192.0.2.1", NOON + 86_400)


def test_a_clock_that_goes_back_frees_nobody() -> None:
    counts = limits()
    for _ in range(61):
        sign(counts, "192.0.2.1")
    assert sign(counts, "192.0.2.1", NOON - 86_400 * 3) is Verdict.SOFT


def test_nobody_pushes_their_own_count_out_by_coming_from_everywhere() -> None:
    counts = limits()
    for _ in range(601):
        sign(counts, "192.0.2.1")
    for n in range(60_000):
        sign(counts, f"10.{n >> 8 & 255}.{n & 255}.1")
    assert sign(counts, "192.0.2.1") is Verdict.HARD


def test_a_flood_from_everywhere_holds_few_of_the_others() -> None:
    counts = limits()
    for n in range(60_000):
        sign(counts, f"10.{n >> 8 & 255}.{n & 255}.1")
    assert [sign(counts, f"192.0.{n}.1") for n in range(200)].count(Verdict.FREE) == 200


def test_memory_does_not_grow_with_the_crowd() -> None:
    tally = Tally(60)
    tally.add(bytes(16), NOON)
    tracemalloc.start()
    for n in range(20_000):
        tally.add(n.to_bytes(16, "big"), NOON)
    grown, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert grown < 100_000


@given(st.lists(st.binary(min_size=16, max_size=16), max_size=60))
def test_a_count_is_never_too_low(keys: list[bytes]) -> None:
    tally = Tally(60, width=16)
    seen: dict[bytes, int] = {}
    for key in keys:
        seen[key] = seen.get(key, 0) + 1
        assert tally.add(key, NOON) >= seen[key]


def test_a_cell_that_is_full_stays_full() -> None:
    tally = Tally(3_600, width=1)
    last = 0
    for _ in range(65_600):
        last = tally.add(bytes(16), NOON)
    assert last == 65_535


# ---- whose address ----


@pytest.mark.parametrize(
    ("hops", "forwarded", "address"),
    [
        (0, None, "10.0.0.1"),
        (0, b"203.0.113.5", "10.0.0.1"),  # anybody can send it
        (1, b"203.0.113.5", "203.0.113.5"),
        (1, b"198.51.100.1, 203.0.113.5", "203.0.113.5"),  # the left one is what the client claims
        (2, b"6.6.6.6, 203.0.113.5, 198.51.100.1", "203.0.113.5"),
        (2, b"203.0.113.5", "203.0.113.5"),  # came to the inner proxy directly
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


def test_eve_cannot_leave_her_bucket_by_writing_addresses_to_the_left() -> None:
    clients, counts = Clients(1), limits()
    seen = {
        counts.network(clients.address("10.0.0.1", b"%d.1.1.1, 203.0.113.5" % n), NOON) for n in range(1, 200)
    }
    assert len(seen) == 1


def test_a_proxy_that_nobody_told_us_of_is_shouted_about_once(caplog: pytest.LogCaptureFixture) -> None:
    clients = Clients(0)
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            clients.notice("127.0.0.1", b"203.0.113.5")
    assert len(caplog.records) == 1
    assert "SABAL_TRUSTED_HOPS" in caplog.text and "203.0.113.5" not in caplog.text


def test_a_stranger_who_sends_forwarded_addresses_is_not_worth_a_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    Clients(0).notice("192.0.2.1", b"203.0.113.5")
    Clients(0).notice("127.0.0.1", None)
    Clients(1).notice("127.0.0.1", b"203.0.113.5")
    assert not caplog.records


@given(st.text(max_size=60))
def test_no_address_breaks_the_counting(text: str) -> None:
    near, wide = prefixes(bare(text))
    assert near and (wide is None or len(wide) == 6)


def test_a_network_can_be_compared_and_says_no_address() -> None:
    network = limits().network("192.0.2.1", NOON)
    assert isinstance(network, Network) and b"\xc0\x00\x02" not in network.near


def test_what_is_held_takes_a_share_of_the_room_and_no_more() -> None:
    counts = limits()
    assert all(counts.held(1, b"", NOON) for _ in range(5_000))
    assert not counts.held(1, b"", NOON)
    assert counts.held(2, b"", NOON) and counts.held(1, b"", NOON + 86_400)


def test_one_network_takes_no_more_than_a_part_of_what_may_be_held() -> None:
    counts = Limits()
    flood, others = b"n" * 16, b"o" * 16
    assert all(counts.held(1, flood, NOON) for _ in range(1_000))
    assert not any(counts.held(1, flood, NOON) for _ in range(9_000))
    assert counts.held(1, others, NOON)


def test_three_thousand_a_day_are_free_however_slowly_they_come() -> None:
    counts = Limits()
    network = counts.network("192.0.2.1", NOON)
    hours = [NOON + hour * 3_600 for hour in range(5)]
    verdicts = [counts.sign(network, hour + i) for hour in hours for i in range(0, 3_600, 4)]
    assert verdicts[:3_000] == [Verdict.FREE] * 3_000 and set(verdicts[3_000:]) == {Verdict.SOFT}
