"""Signatures that were counted on paper and on other platforms. They are never added to the count of the log."""

from dataclasses import dataclass
from datetime import date

from sabal import days
from sabal.database import Database


@dataclass(frozen=True)
class PublicOtherCount:
    """A count that two people of the organisation agreed to. `kind` is "paper" or "platform".

    `link` is evidence that everybody can look at, or empty. `corrects` is the id of the count that it replaced.
    """

    id: int
    kind: str
    place: str
    signatures: int
    day: date
    link: str = ""
    corrects: int | None = None


@dataclass(frozen=True)
class OtherCounts:
    """All counts of a petition, the oldest first, with those that were corrected."""

    all: tuple[PublicOtherCount, ...] = ()

    @property
    def valid(self) -> tuple[PublicOtherCount, ...]:
        """Return those that no other one corrects. Without those of 0, which were taken back."""
        corrected = {one.corrects for one in self.all}
        return tuple(one for one in self.all if one.id not in corrected and one.signatures)

    @property
    def total(self) -> int:
        """Return the sum of the valid counts."""
        return sum(one.signatures for one in self.valid)

    def before(self, count: PublicOtherCount) -> tuple[PublicOtherCount, ...]:
        """Return the counts that this one replaced, the newest first."""
        by_id = {one.id: one for one in self.all}
        found: list[PublicOtherCount] = []
        while count.corrects is not None and count.corrects in by_id:
            count = by_id[count.corrects]
            found.append(count)
        return tuple(found)


NONE = OtherCounts()


def other_counts(database: Database, petition_id: int) -> OtherCounts:
    """Read the confirmed counts of a petition."""
    rows = database.query(
        "SELECT id, kind, place, signatures, day, link, corrects_id FROM elsewhere_othercount"
        " WHERE petition_id = ? AND confirmed ORDER BY id",
        (petition_id,),
    )
    return OtherCounts(
        tuple(
            PublicOtherCount(
                row[0], row[1], row[2], row[3], days.from_column(row[4]) or date.min, row[5], row[6]
            )
            for row in rows
        )
    )
