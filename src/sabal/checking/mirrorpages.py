"""Copy the pages of a petition for a mirror, without forms and scripts, and with a notice that they are copies.

The pages are untrusted. `copiedpage` decides what of them is kept.
"""

import re
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

from sabal import strict
from sabal.checking import mirrorpictures, mirrorproofs, mirrorupdates
from sabal.checking.copiedpage import CopiedPage
from sabal.checking.copy import MOST_MANIFEST, CannotCheck
from sabal.checking.tiled import Get
from sabal.public import put_if_changed

MOST_PAGE, MOST_LANGUAGES = 4 << 20, 60

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8}){0,3}", re.ASCII)
_PNG = b"\x89PNG\r\n\x1a\n"


def copy_pages(get: Get, base: str, slug: str, folder: Path, state: dict[str, Any], day: date) -> int:
    """Copy the files beside the log. Return how many are new or changed. Raise `CannotCheck` and `OSError`.

    `state` keeps the hash of each original page, so that a copy whose date alone is new does not count as changed.
    """
    document = _needed(get, f"{slug}.json", MOST_PAGE)
    languages = _languages(document)
    updates = mirrorupdates.listed(document)
    pages = (slug, f"{slug}/progress", f"{slug}/elsewhere", "verify", *updates.pages(slug))
    paths = [f"{language}/{page}" for language in languages for page in pages]
    changed = int(put_if_changed(folder / f"{slug}.json", document))
    for name in ("count.json", "manifest.json"):
        changed += put_if_changed(folder / slug / name, _needed(get, f"{slug}/{name}", MOST_MANIFEST))
    hashes: dict[str, str] = dict(state.get("pages", {}))
    found = {path: data for path in paths if (data := get(path, MOST_PAGE)) is not None}
    proofs = mirrorproofs.listed(document, slug)
    changed += mirrorproofs.copy(get, proofs, folder / slug / "proofs")
    shown = [f"{one}/{slug}/picture.webp" for one in languages]
    shown += [f"{slug}/pictures/{name}" for name in updates.pictures]
    pictures, new = mirrorpictures.copy(get, shown, folder)
    files = pictures.union(proofs)
    changed += new + mirrorupdates.remove_old(folder, slug, languages, updates)
    for path, data in found.items():
        if len(data) > MOST_PAGE:
            raise CannotCheck(f"{base}/{path} is longer than a page can be.")
        try:
            page = CopiedPage(base, path, frozenset(found), f"{slug}/log/", day, files).of(data)
        except ValueError:
            raise CannotCheck(
                f"The log was copied. {base}/{path} was not copied, because it cannot be read as a page."
            ) from None
        digest = sha256(data).hexdigest()
        changed += hashes.get(path) != digest or not (folder / path / "index.html").is_file()
        put_if_changed(folder / path / "index.html", page)
        hashes[path] = digest
    state["pages"] = hashes
    for path in (f"{language}/{slug}/card.png" for language in languages):
        card = get(path, MOST_PAGE)
        if card is not None and card.startswith(_PNG) and len(card) <= MOST_PAGE:
            changed += put_if_changed(folder / path, card)
    return changed + put_if_changed(folder / "index.html", _index(languages, slug))


def _needed(get: Get, path: str, limit: int) -> bytes:
    data = get(path, limit)
    if data is None or len(data) > limit:
        raise CannotCheck(
            f"The log was copied, but its page was not: {path} is missing or too long. Try again later."
        )
    return data


def _languages(document: bytes) -> list[str]:
    try:
        found = list(strict.parse(document)["data"]["attributes"]["languages"])
    except (ValueError, KeyError, TypeError):
        raise CannotCheck("The log was copied, but its page was not: its .json names no languages.") from None
    return [one for one in found if isinstance(one, str) and _LANGUAGE.fullmatch(one)][:MOST_LANGUAGES]


def _index(languages: list[str], slug: str) -> bytes:
    """Return the start page of the mirror: a list of links, one for each language."""
    links = "".join(f'<li><a lang="{code}" href="{code}/{slug}/">{code}</a>\n' for code in languages)
    policy = "default-src 'none'; form-action 'none'; base-uri 'none'"
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f'<meta charset="utf-8">\n<title>{slug}</title>\n</head>\n<body>\n<ul>\n{links}</ul>\n</body>\n</html>\n'
    ).encode()
