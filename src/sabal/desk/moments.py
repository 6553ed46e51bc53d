"""A day and time on the clocks of a named time zone, as the moment that it is."""

from datetime import UTC, date, datetime, time
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from django.utils.translation import gettext

from sabal.refusal import Refusal


@cache
def zones() -> tuple[str, ...]:
    """Return the names of the time zones that people know: UTC, then those of a region and a city."""
    own = ("Etc/", "SystemV/", "posix/", "right/", "US/")
    cities = (name for name in available_timezones() if "/" in name and not name.startswith(own))
    return ("UTC", *sorted(cities))


def moment(day: date, at: time, zone: str) -> datetime:
    """Return the moment in UTC. Raises Refusal if the clocks of the zone never show this time, or show it twice."""
    local, clocks = datetime.combine(day, at), ZoneInfo(zone)
    first, second = (local.replace(tzinfo=clocks, fold=fold) for fold in (0, 1))
    if first.utcoffset() != second.utcoffset():
        back = first.astimezone(UTC).astimezone(clocks).replace(tzinfo=None)
        if back == local:
            raise Refusal(
                gettext(
                    "In that night the clocks are set back, so this time comes twice. Choose another time."
                )
            )
        raise Refusal(
            gettext(
                "In that night the clocks are set forward, so this time does not exist. Choose another time."
            )
        )
    return first.astimezone(UTC)


def on_clocks(when: datetime, zone: str) -> datetime:
    """Return what the clocks of a zone show at a moment, without the zone."""
    return when.astimezone(ZoneInfo(zone if zone in zones() else "UTC")).replace(tzinfo=None)
