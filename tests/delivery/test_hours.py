"""Office hours: the clocks of the place decide, also in the nights in which they are set."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sabal.delivery.hours import DAYS, OfficeHours, in_order

WORK = frozenset(DAYS[:5])


def at(text: str, zone: str = "UTC") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


@pytest.mark.parametrize(
    ("moment", "zone", "there"),
    [
        ("2026-11-30T09:00", "UTC", True),  # a Monday, on the minute
        ("2026-11-30T08:59", "UTC", False),
        ("2026-11-30T17:00", "UTC", False),  # closed on the minute
        ("2026-11-30T00:30", "Asia/Tokyo", True),  # 09:30 there
        ("2026-11-29T23:59", "Asia/Tokyo", False),
        ("2026-11-29T12:00", "UTC", False),  # a Sunday
        ("2026-11-27T23:30", "Pacific/Auckland", False),  # Friday here, Saturday there
        ("2026-11-29T20:30", "Pacific/Auckland", True),  # Sunday here, Monday there
    ],
)
def test_the_clocks_of_the_office_decide(moment: str, zone: str, there: bool) -> None:
    assert OfficeHours(WORK, time(9), time(17), zone).are_at(at(moment)) is there


def test_the_same_office_hour_is_another_moment_after_the_clocks_are_set() -> None:
    hours = OfficeHours(WORK, time(9), time(17), "America/New_York")
    before, after = at("2026-10-30T12:59"), at("2026-11-02T13:59")
    assert hours.next_from(before) == at("2026-10-30T13:00")  # 09:00 in summer time
    assert hours.next_from(after) == at("2026-11-02T14:00")  # 09:00 in winter time


def test_an_opening_that_the_clocks_skip_is_the_moment_after() -> None:
    hours = OfficeHours(frozenset({"sun"}), time(2, 30), time(5), "America/New_York")
    assert hours.next_from(at("2026-03-08T00:00", "America/New_York")) == at(
        "2026-03-08T03:30", "America/New_York"
    )


def test_an_hour_that_comes_twice_is_an_office_hour_twice() -> None:
    hours = OfficeHours(frozenset({"sun"}), time(1), time(2), "America/New_York")
    first = at("2026-11-01T05:30")
    assert hours.are_at(first) and hours.are_at(first + timedelta(hours=1))
    assert not hours.are_at(first + timedelta(hours=2))


def test_without_a_day_nobody_is_ever_there() -> None:
    assert OfficeHours(frozenset(), time(9), time(17), "UTC").next_from(at("2026-11-30T09:00")) is None


ZONES = st.sampled_from(
    [
        "UTC",
        "Asia/Seoul",
        "America/New_York",
        "Europe/Paris",
        "Australia/Lord_Howe",
        "Pacific/Apia",
        "Asia/Kathmandu",
    ]
)
MINUTES = st.integers(0, 23 * 60 + 58)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.datetimes(datetime(2011, 1, 1), datetime(2035, 1, 1)),
    ZONES,
    MINUTES,
    MINUTES,
    st.frozensets(st.sampled_from(DAYS), min_size=1),
)
def test_the_next_office_hour_is_one_and_within_a_week(
    moment: datetime, zone: str, one: int, other: int, days: frozenset[str]
) -> None:
    opens, closes = sorted((one, other + 1 if other == one else other))
    hours = OfficeHours(days, time(opens // 60, opens % 60), time(closes // 60, closes % 60), zone)
    now = moment.replace(tzinfo=UTC)
    found = hours.next_from(now)
    if found is None:  # a short office hour that falls into a night in which the clocks are set forward
        assert closes - opens <= 60
        return
    assert found >= now and hours.are_at(found)
    assert found - now <= timedelta(days=8)


def test_days_are_stored_in_the_order_of_the_week() -> None:
    assert in_order(["fri", "mon", "nonsense", "mon"]) == "mon fri"
