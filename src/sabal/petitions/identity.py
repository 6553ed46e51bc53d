"""How an organisation looks on its petitions' pages: logo, colour, website and imprint. Read with raw SQL.

The desk stores it (`accounts`). Public processes load no code of the desk.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from sabal.database import Database


@dataclass(frozen=True)
class Identity:
    """The identity of one organisation. `accent` is "#rrggbb" or "", `logo` a WebP or b"".

    `names` and `imprint` have the languages that were written.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    imprint: Mapping[str, str] = field(default_factory=dict)
    website: str = ""
    accent: str = ""
    logo: bytes = field(default=b"", repr=False)
    logo_size: tuple[int, int] = (0, 0)


_QUERY = (
    "SELECT a.names, a.imprint, a.website, a.accent, a.logo, a.logo_width, a.logo_height"
    " FROM accounts_ownership o JOIN accounts_organisation a ON a.id = o.organisation_id WHERE o.petition_id = ?"
)


def identity_of(database: Database, petition_id: int) -> Identity | None:
    """Return the identity of the organisation that owns a petition; None if none does."""
    for names, imprint, website, accent, logo, width, height in database.query(_QUERY, (petition_id,)):
        return Identity(_texts(names), _texts(imprint), website, accent, bytes(logo), (width, height))
    return None


def _texts(column: object) -> dict[str, str]:
    found: dict[str, str] = json.loads(column) if isinstance(column, str) else column  # type: ignore[assignment]
    return found
