"""What happened to a petition after it was published: all that its public pages show beside the text and the numbers.

The desk stores it. Public processes read it with raw SQL, and load no code of the desk. `Petition.progressed` tells
them of a change.
"""

from dataclasses import dataclass, field

from sabal.database import Database
from sabal.petitions.deliveries import Deliveries, deliveries_of
from sabal.petitions.othercounts import NONE, OtherCounts, other_counts
from sabal.petitions.posts import Posts, posts_of


@dataclass(frozen=True)
class Progress:
    """What happened until the change with this number. 0: nothing."""

    number: int = 0
    deliveries: Deliveries = field(default_factory=Deliveries)
    other_counts: OtherCounts = NONE
    posts: Posts = ()


def progress_of(database: Database, petition_id: int, number: int) -> Progress:
    """Read what happened to a petition. `number` is the petition's, read before."""
    return Progress(
        number,
        deliveries=deliveries_of(database, petition_id),
        other_counts=other_counts(database, petition_id),
        posts=posts_of(database, petition_id),
    )
