"""Find: what a mailed link stands for, without touching anything."""

from dataclasses import dataclass

from sabal.database import Database
from sabal.signing.writer.rows import links


@dataclass(frozen=True, slots=True)
class Found:
    """What a token stands for: a pending signature (with its carry) or a confirmed one."""

    petition_id: int
    carry: bytes | None
    counted_on: int | None


def find(database: Database, hashes: list[bytes]) -> list[Found | None]:
    """What each token hash stands for now; None where nothing."""
    where, params = database.among("token_hash", hashes)
    rows = database.query(f"SELECT token_hash, petition_id, carry FROM signing_pending WHERE {where}", params)
    found = {bytes(r[0]): Found(r[1], bytes(r[2]), None) for r in rows}
    found |= {
        t: Found(link.petition_id, None, link.counted_on) for t, link in links(database, hashes).items()
    }
    return [found.get(h) for h in hashes]
