"""The numbers of petitions: those that public pages show, read from the same rows."""

from sabal import database as raw
from sabal.petitions.counts import Counts, all_counts


def counts_by_petition() -> dict[int, Counts]:
    """Return the published numbers of every petition, by its id."""
    database = raw.connect()
    try:
        return all_counts(database)
    finally:
        database.close()
