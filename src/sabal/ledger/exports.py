"""Exports of sealed records. The command and the desk write them, without the server key: nothing is opened."""

import base64
from collections.abc import Iterator
from datetime import date

import agefile
from sabal.database import Database
from sabal.ledger import bundles, tables
from sabal.petitions import manifest
from sabal.petitions.lookup import id_of
from sabal.records.export import Commitments, Header
from sabal.refusal import Refusal
from sabal.signing import drain
from sabal.signing.sealed import write_sealed


class SealedExport:
    """An export of the sealed records of one petition, with a new code for draining.

    Write `pieces` to a file, then call `expect_code`. After a crash between the two, the code in the file is not
    accepted, and a deletion that was planned stays planned.
    """

    def __init__(self, database: Database, slug: str) -> None:
        """Prepare the first line. Raises Refusal if there is no such petition, or it was never published."""
        self._database, self._petition_id = database, id_of(database, slug)
        self._code, self._exported = drain.new_code(), Commitments()
        self.planned: date | None = drain.due(database, self._petition_id)
        """The day of a deletion that this export cancels, because it was planned for an older one."""
        self.header = _header(database, self._petition_id, slug, self._code)

    @property
    def records(self) -> int:
        """Return the number of records that were written."""
        return len(self._exported)

    def pieces(self) -> Iterator[bytes]:
        """Yield the file, line by line. Raises Refusal if the worker is tidying."""
        for line in write_sealed(self._database, self._petition_id, self.header, self._exported):
            yield line.encode()

    def expect_code(self) -> None:
        """Accept from now on the code of this export, and of no earlier one. Call it when the file is complete."""
        drain.expect(self._database, self._petition_id, self.header.size, self._code, self._exported)


def _header(database: Database, petition_id: int, slug: str, code: bytes) -> Header:
    rows = database.query(
        "SELECT p.origin, v.manifest FROM petitions_petition p JOIN petitions_version v ON v.petition_id = p.id"
        " WHERE p.id = ? AND p.state <> 'draft' AND v.published_on IS NOT NULL ORDER BY v.number DESC LIMIT 1",
        (petition_id,),
    )
    if not rows:
        raise Refusal(f"{slug} is a draft. Publish it first: sabal publish {slug}")
    keys = [agefile.parse_recipient(key) for key in manifest.organiser_keys_of(bytes(rows[0][1]))]
    log = tables.find(database, petition_id)
    size = log.published_size if log else 0
    return Header(
        slug,
        origin=rows[0][0],
        checkpoint=log.published.decode() if log else "",
        size=size,
        revoked=tuple(bundles.revoked(database, petition_id, size)),
        code=base64.b64encode(agefile.encrypt(code, keys)).decode(),
    )
