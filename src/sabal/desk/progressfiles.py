"""What happened to a petition as files of its exported folder: `progress/record.json`, and the public proofs.

They are a copy for people and programs. An import leaves them out: they belong to the petition as it was published.
"""

import json
from contextlib import closing

from sabal import database as raw
from sabal.api.record import record
from sabal.desk.recorded import recorded
from sabal.petitions.deliveries import proof_data
from sabal.petitions.models import Petition

FOLDER = "progress"
MOST_PROOFS = 4_000_000  # bytes of all together; an exported folder with more could not be imported again


def progress_files(petition: Petition) -> dict[str, bytes]:
    """Return the files by path; none if nothing was recorded. The same rows give the same bytes."""
    found = recorded(petition)
    if found is None or not found.snapshot.progress.deliveries:
        return {}
    document = json.dumps(record(found.snapshot), ensure_ascii=False, indent=1)
    proofs = {one.name: one for step in found.snapshot.progress.deliveries.steps for one in step.proofs}
    files = {f"{FOLDER}/record.json": f"{document}\n".encode()}
    if sum(one.size for one in proofs.values()) > MOST_PROOFS:
        return files
    with closing(raw.connect()) as database:
        for name, one in proofs.items():
            if data := proof_data(database, petition.pk, one.digest):
                files[f"{FOLDER}/proofs/{name}"] = data
    return files
