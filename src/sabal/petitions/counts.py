"""The numbers of each petition that pages show: those of its last whole batch."""

import json
from dataclasses import dataclass

from sabal.database import Database


@dataclass(frozen=True)
class Counts:
    """The numbers of the last whole batch, and the checkpoint to check them against."""

    confirmed: int = 0
    withdrawn: int = 0
    invalidated: int = 0
    invalidated_by: tuple[
        tuple[int, int], ...
    ] = ()  # the number for each reason (docs/log-format.md "Reasons")
    countries: tuple[tuple[str, int], ...] = ()  # empty: none is shown
    no_longer_known: int = 0  # signatures that no longer count, but are still in `countries` and `elsewhere`
    names: tuple[str, ...] = ()  # names of signers who chose so; profile "open" only
    log_size: int = 0  # entries in the checkpoint; 0 until there is one
    checkpoint: bytes = b""  # the signed note, with cosignatures
    witnesses: str = ""  # the log's witnesses, as lines of a policy

    @property
    def counted(self) -> int:
        """Return the number in the headline: confirmed minus withdrawn and invalidated."""
        return self.confirmed - self.withdrawn - self.invalidated

    @property
    def elsewhere(self) -> int:
        """Return the number of signatures that `countries` does not list: small, rounded off, or not known.

        `counted` is the sum of `countries` and this number, without `no_longer_known`.
        """
        return self.counted + self.no_longer_known - sum(n for _, n in self.countries)


def all_counts(database: Database) -> dict[int, Counts]:
    """Return the numbers of every petition, by its id."""
    rows = database.query(
        "SELECT t.petition_id, published_confirmed, published_withdrawn, published_invalidated, published_countries,"
        " published_names, published_no_longer_known, published_size, published, witnesses,"
        " published_invalidated_by FROM signing_total t"
        " LEFT JOIN ledger_log l ON l.petition_id = t.petition_id"
    )
    return {
        row[0]: Counts(
            confirmed=row[1],
            withdrawn=row[2],
            invalidated=row[3],
            countries=tuple((code, n) for code, n in json.loads(row[4])),
            names=tuple(json.loads(row[5])),
            no_longer_known=row[6],
            log_size=row[7] or 0,
            checkpoint=bytes(row[8] or b""),
            witnesses=row[9] or "",
            invalidated_by=tuple((int(reason), n) for reason, n in json.loads(row[10]).items()),
        )
        for row in rows
    }
