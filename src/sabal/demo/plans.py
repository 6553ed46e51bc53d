"""What happens to each invented petition: when it begins, who signs on which day, and how it ends."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random


@dataclass(frozen=True)
class Plan:
    """One petition. Days are counted from its publication. A country, language or link listed twice is likelier."""

    slug: str
    days: int  # so many days ago it was published
    signers: int
    countries: Sequence[str]
    languages: Sequence[str]
    second_wave: int  # the day of a second wave, as after a report in a newspaper
    closed_on: int | None = None
    audited_on: int | None = None  # the day on which an audit revokes some
    robots_on: int | None = None  # the day on which a program fills in the form
    # The words of counted links (signing/sources.py); "" is an address without one.
    links: Sequence[str] = ()

    def per_day(self, chance: Random) -> list[int]:
        """Return how many sign on each day: many at first, then fewer, and a second wave; few on Sundays."""
        last = self.days if self.closed_on is None else self.closed_on
        weights = [_weight(day, self.second_wave) * (0.5 if day % 7 == 6 else 1) for day in range(last)]
        noisy = [weight * chance.uniform(0.7, 1.3) for weight in weights]
        whole = sum(noisy)
        return [round(self.signers * weight / whole) for weight in noisy]


def _weight(day: int, second_wave: int) -> float:
    first = 8 * 0.72**day
    second = 6 * 0.6 ** (day - second_wave) if day >= second_wave else 0.0
    return float(1 + first + second)


@dataclass
class Life:
    """How far a plan is, while its history is made."""

    plan: Plan
    per_day: list[int]
    links: list[bytes] = field(default_factory=list)  # of emails that nobody has opened yet
    signed: list[bytes] = field(default_factory=list)  # links of confirmed signatures
    people: list[int] = field(default_factory=list)  # the numbers of those who signed


PLANS = (
    Plan(
        "demo-old-orchard",
        days=48,
        signers=230,
        countries=["GB"] * 6 + ["FR", "FR", "CN", ""],
        languages=["en"] * 6 + ["zh-hans"],
        second_wave=20,
        closed_on=43,
    ),
    Plan(
        "demo-night-bus",
        days=34,
        signers=620,
        countries=["GB"] * 9 + ["KR"] * 4 + ["DE", "DE", "US", "FJ", "", ""],
        languages=["en"] * 5 + ["ko"] * 2,
        second_wave=22,
        audited_on=25,
        robots_on=31,
        links=["bus-stop"] * 3 + ["flyer", "town-hall"] + [""] * 5,
    ),
    Plan(
        "demo-river-water",
        days=26,
        signers=340,
        countries=["KR"] * 8 + ["GB"] * 3 + ["CN", "CN", "JP", ""],
        languages=["ko"] * 6 + ["en"] * 2 + ["zh-hans"],
        second_wave=12,
    ),
)
