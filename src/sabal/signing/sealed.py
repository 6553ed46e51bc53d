"""Write the sealed records of a petition as an export (records/export.py), which the organiser opens elsewhere."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager

from sabal.database import Database, connect, leading
from sabal.keys.keystore import open_keystore
from sabal.petitions.lookup import petition as find_petition
from sabal.records.export import FORMAT, Commitments, Header
from sabal.refusal import Refusal
from sabal.signing.writer.rows import OF_PETITION, SAME_COMMITMENT

CHUNK = 500
PATIENCE = 20.0  # seconds to wait for a worker that is tidying


def write_sealed(
    database: Database, petition_id: int, header: Header, exported: Commitments | None = None
) -> Iterator[str]:
    """Yield the lines of an export: every confirmed signature of a petition, sealed as it is stored.

    Add the commitment of each to `exported`. Raises Refusal if the worker is tidying.
    """
    first = {
        "format": FORMAT,
        "petition": header.petition,
        "origin": header.origin,
        "checkpoint": header.checkpoint,
        "size": header.size,
        "revoked": list(header.revoked),
        "code": header.code,
    }
    yield json.dumps(first, ensure_ascii=False) + "\n"
    # Meanwhile the worker must replace no hash: a row whose key changes between two reads could be left out.
    with leading(database, "tidy", PATIENCE) as leads:
        if not leads:
            raise Refusal("The worker is tidying. Try again in a minute.")
        yield from _records(
            database, petition_id, header.size, Commitments() if exported is None else exported
        )


def _records(database: Database, petition_id: int, size: int, exported: Commitments) -> Iterator[str]:
    last = b""
    while True:
        # Ordered by the hash of the link, which is a random order.
        rows = database.query(
            "SELECT s.token_hash, s.commitment, e.body, p.idx FROM signing_signature s"
            " JOIN signing_sealed e ON e.id = s.sealed_id"
            f" LEFT JOIN signing_log_index p ON {SAME_COMMITMENT} WHERE {OF_PETITION} AND s.token_hash > ?"
            f" ORDER BY s.token_hash LIMIT {CHUNK}",
            (petition_id, last),
        )
        for _, commitment, body, index in rows:
            # Entries that are published meanwhile are not in the checkpoint of the first line.
            known = index if index is not None and index < size else None
            line = {
                "index": known,
                "commitment": bytes(commitment).hex(),
                "record": base64.b64encode(bytes(body)).decode(),
            }
            exported.add(bytes(commitment))
            yield json.dumps(line) + "\n"
        if len(rows) < CHUNK:
            return
        last = bytes(rows[-1][0])


@contextmanager
def local_export(slug: str) -> Iterator[Iterator[str]]:
    """Open an export of a petition of this server, as an iterator over its lines.

    Raises Refusal if there is no such petition.
    """
    database = connect()
    try:
        petition = find_petition(database, open_keystore(), slug)
        yield write_sealed(database, petition.id, Header(petition.slug))
    finally:
        database.close()
