"""A mirror: a static copy of a petition and its log that any web server can show, and that only ever grows.

Everything is read and verified before anything is written; the checkpoint is written last. A log that does not go on
from the copy that is here leaves that copy as it was, and its checkpoint beside it as evidence.
"""

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import tlog
from sabal import locks, private, strict
from sabal.checking.copy import CannotCheck, LogCopy, batches, manifest_path
from sabal.checking.entries import walk
from sabal.checking.mirrorpages import copy_pages
from sabal.checking.mirrorwitnesses import Watched, watch
from sabal.checking.report import plain
from sabal.checking.tiled import Get, read_tiled
from sabal.checking.web import files_at, find_log
from sabal.public import put_if_changed
from tlog import Checkpoint, Policy, Verifier
from tlog.tiles import WIDTH, Tile

STATE = "mirror.json"
_PIECE = WIDTH * WIDTH
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)


class Wrong(Exception):
    """The log was read, and is not what a copy of it may go on with. A loud sentence."""


@dataclass(frozen=True)
class Mirrored:
    """What a run has brought."""

    slug: str
    new: int
    size: int
    counted: int
    pages: int  # files beside the log that are new or changed
    watched: Watched

    def __str__(self) -> str:
        news = [_number(self.new, "new entry", "new entries")] if self.new else []
        news += [_number(self.pages, "changed file", "changed files") + " beside"] if self.pages else []
        count = _number(self.counted, "signature counts", "signatures count")
        missing = f"; {self.watched.missing}" if self.watched.missing else ""
        return f"{self.slug}: {', '.join(news) or 'nothing new'}; {count} in a log of {self.size:,}{missing}."


def mirror(url: str, folder: Path, now: datetime) -> Mirrored:
    """Bring the copy of a petition in `folder` up to date; `url` is its page, or its log.

    Raises Wrong where the log forks, shrinks, is another's or does not add up; CannotCheck where it cannot be read;
    OSError where it cannot be written.
    """
    prefix = find_log(url)
    base, slug = _place(prefix)
    with _alone(folder):
        here = folder / slug / "log"
        state = _state(folder / slug / STATE)
        new, size, counted, watched = _copy_log(files_at(prefix), here, state, now)
        # From here on it is said whose log this is, whatever becomes of the pages.
        put_if_changed(folder / slug / STATE, json.dumps(state, indent=1, sort_keys=True).encode() + b"\n")
        try:
            pages = copy_pages(files_at(base), base, slug, folder, state, now.date())
        except (CannotCheck, OSError) as error:
            if watched.changed:
                raise Wrong(f"{watched.changed} {plain(str(error))}") from None
            raise
        state["witnesses"] = list(watched.lines)  # last of all: a run that is cut short says it again
        put_if_changed(folder / slug / STATE, json.dumps(state, indent=1, sort_keys=True).encode() + b"\n")
    return Mirrored(slug, new, size, counted, pages, watched)


def _number(n: int, one: str, more: str) -> str:
    return f"{n:,} {one if n == 1 else more}"


def _place(prefix: str) -> tuple[str, str]:
    """The house's address and the petition's slug, of where its log is."""
    parts = [part for part in urlsplit(prefix).path.split("/") if part]
    if len(parts) < 2 or parts[-1] != "log" or not _SLUG.fullmatch(parts[-2]):
        raise CannotCheck(f"{prefix} is not the log of a petition. Give the address of the petition's page.")
    return prefix.removesuffix(f"/{parts[-2]}/log"), parts[-2]


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    lock = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if not locks.take(lock):
            raise CannotCheck(f"Another run is writing into {folder}. Wait until it ends.")
        yield
    finally:
        os.close(lock)


def _state(path: Path) -> dict[str, Any]:
    """What earlier runs have noted: the key that the log had at first, and hashes of what pages were made of."""
    try:
        state = strict.parse(path.read_bytes())
        Verifier.parse(state["log_key"])
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError, tlog.TlogError):
        raise CannotCheck(f"{path} is damaged. Start again in another folder, and keep this one.") from None
    return dict(state)


def _copy_log(get: Get, here: Path, state: dict[str, Any], now: datetime) -> tuple[int, int, int, Watched]:
    """The entries that are new, all that there are, the signatures that count, and what is with the witnesses."""
    held = _held(here, state)
    old = held.size if held else 0
    copy = read_tiled(_reusing(get, here), _silent)
    key, claim = _opened(copy, state, here, now)
    if claim.size < old:
        raise _evidence(here, copy.checkpoint, now, f"shrank from {old:,} entries to {claim.size:,}")
    walked, trusted = walk(copy.entries, [claim.size, old], ()), old
    if walked.roots.get(claim.size) != claim.root:
        # What lies here is damaged, or what was read is another log: all of it anew can tell.
        copy, trusted = replace(read_tiled(get, _silent), checkpoint=copy.checkpoint, policy=copy.policy), 0
        walked = walk(copy.entries, [claim.size, old], ())
    if copy.flaws or walked.roots.get(claim.size) != claim.root:
        raise _evidence(here, copy.checkpoint, now, "shows entries that do not lead to its own checkpoint")
    if held and walked.roots.get(old) != held.root:
        raise _evidence(here, copy.checkpoint, now, f"forked: its first {old:,} entries differ from before")
    if walked.disorder:
        raise _evidence(here, copy.checkpoint, now, f"breaks its own rules. {walked.disorder}")
    watched = watch(copy, key, here, state, now)
    _write(copy, here, trusted)
    state["log_key"] = str(key)
    return claim.size - old, claim.size, walked.tally.counted, watched


def _silent(done: int, of: int) -> None:
    """By cron there is nobody to whom progress could be said."""


def _held(here: Path, state: dict[str, Any]) -> Checkpoint | None:
    """The checkpoint of the copy that is here."""
    path = here / "checkpoint"
    if not path.exists():
        return None
    try:
        return tlog.checkpoint.open(path.read_bytes(), [Verifier.parse(state["log_key"])]).checkpoint
    except (KeyError, tlog.TlogError):
        raise CannotCheck(f"{path} is damaged. Start again in another folder, and keep this one.") from None


def _reusing(get: Get, here: Path) -> Get:
    """Full bundles and manifests never change: those that are here are not asked for again."""

    def reuse(path: str, limit: int) -> bytes | None:
        place = here / path
        if path.startswith(("tile/entries/", "manifests/")) and ".p/" not in path and place.is_file():
            return place.read_bytes()[: limit + 1]
        return get(path, limit)

    return reuse


def _opened(copy: LogCopy, state: dict[str, Any], here: Path, now: datetime) -> tuple[Verifier, Checkpoint]:
    """The log's key, which is that of the first run, and what it signed."""
    try:
        logs = Policy.parse(copy.policy).logs
        keys = [Verifier.parse(state["log_key"])] if "log_key" in state else list(logs)
        opened = tlog.checkpoint.open(copy.checkpoint, keys)
        claim = opened.checkpoint
        key = next(k for k in keys if k.name == claim.origin and _signed(k, opened))
    except tlog.TlogError as error:
        if "log_key" not in state:
            raise Wrong(
                f"The log's checkpoint is not signed by a key of its policy. {plain(str(error))}"
            ) from None
        raise _evidence(here, copy.checkpoint, now, "is signed by another key than before") from None
    if str(key) not in map(str, logs):
        raise _evidence(here, copy.checkpoint, now, "names another key than before in its policy")
    return key, claim


def _signed(key: Verifier, opened: tlog.checkpoint.OpenedCheckpoint) -> bool:
    return any((one.name, one.key_id) == (key.name, key.key_id) for one in opened.note.verified)


def _evidence(here: Path, note: bytes, now: datetime, what: str) -> Wrong:
    """Keep what was shown, once, beside the copy that stays; and say so."""
    old = here / "checkpoint"
    if not old.exists():
        return Wrong(f"THE LOG {plain(what)}. Nothing was copied.")
    path = next((one for one in sorted(here.glob("fork-*.txt")) if one.read_bytes().endswith(note)), None)
    if path is None:
        day = now.astimezone(UTC)
        path = here / f"fork-{day:%Y%m%dT%H%M%SZ}.txt"
        said = f"On {day:%Y-%m-%d %H:%M} UTC this log {plain(what)}.\n\nIt had shown:\n\n".encode()
        put_if_changed(path, said + old.read_bytes() + b"\nIt showed then:\n\n" + note)
    return Wrong(
        f"THE LOG {plain(what)}. The copy in {here} stays as it was, and {path.name} holds the evidence: tell others."
    )


def _write(copy: LogCopy, here: Path, old: int) -> None:
    """Tiles that are new, what they name, and last of all the checkpoint."""
    folders = {here}
    for tile, data in _tiles(copy, here, old):
        put_if_changed(here / tile.path, data)
        folders.add((here / tile.path).parent)
    for digest, data in copy.manifests.items():
        put_if_changed(here / manifest_path(digest), data)
    put_if_changed(here / "policy", copy.policy)
    for folder in sorted(folders):
        private.flush(folder)
    if put_if_changed(here / "checkpoint", copy.checkpoint):
        private.flush(here)


def _tiles(copy: LogCopy, here: Path, old: int) -> Iterator[tuple[Tile, bytes]]:
    """Bundles and tiles behind the first `old` entries, made of the entries that were verified; each is put at once."""
    start = old // WIDTH * WIDTH
    while start < copy.size:
        # Up to a full tile of the level above, so that few partial ones are made on the way.
        end = min(copy.size, start // _PIECE * _PIECE + _PIECE)
        entries = [entry for batch in batches(copy.entries, start, end) for entry in batch]
        for bundle in tlog.new_bundles(start, end):
            yield bundle, tlog.encode_bundle(entries[bundle.index * WIDTH - start :][: bundle.width])
        yield from tlog.grow(start, tlog.leaf_hashes(entries), lambda tile: (here / tile.path).read_bytes())
        start = end
