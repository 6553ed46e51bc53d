"""Copy the proofs of deliveries for a mirror. Each is known by its SHA-256, so a copy is never another file."""

import re
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from sabal import strict
from sabal.checking.tiled import Get
from sabal.public import put_if_changed

MOST_BYTES, MOST_PROOFS = 10_000_000, 200

_NAME = re.compile(r"([0-9a-f]{64})\.(?:pdf|webp)", re.ASCII)


def listed(document: bytes, slug: str) -> Mapping[str, str]:
    """Return the proofs that a petition's JSON lists: path → SHA-256 in hex. What it lists wrongly is left out."""
    found: dict[str, str] = {}
    try:
        attributes = strict.parse(document)["data"]["attributes"]
        rows = [*attributes.get("deliveries", ()), *attributes.get("responses", ())]
        proofs = [proof for row in rows for one in (row, *row["corrects"]) for proof in one["proofs"]]
        urls = [str(proof["url"]) for proof in proofs]
    except (ValueError, KeyError, TypeError, AttributeError):
        return found
    for url in urls[:MOST_PROOFS]:
        if name := _NAME.fullmatch(url.rpartition("/")[2]):
            found[f"{slug}/proofs/{name[0]}"] = name[1]
    return found


def copy(get: Get, proofs: Mapping[str, str], folder: Path) -> int:
    """Copy the proofs into a folder, and delete those that are no longer listed. Return how many are new or gone.

    A file with another SHA-256 is not copied. Raises `CannotCheck` and `OSError`.
    """
    changed = 0
    wanted = {Path(path).name for path in proofs}
    for old in folder.iterdir() if folder.is_dir() else ():
        if _NAME.fullmatch(old.name) and old.name not in wanted:
            old.unlink()  # its organiser hid it: it may show a person who does not want that
            changed += 1
    for path, digest in proofs.items():
        target = folder / Path(path).name
        if target.is_file():
            continue
        data = get(path, MOST_BYTES)
        if data is not None and len(data) <= MOST_BYTES and sha256(data).hexdigest() == digest:
            changed += put_if_changed(target, data)
    return changed
