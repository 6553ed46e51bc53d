"""Keep a mirror: a static copy of a petition and its log for any web server. Its log only grows.

The whole log is read and verified before anything is written. The checkpoint is written last. If the log does not
continue from the copy, the copy stays unchanged, and the new checkpoint is stored beside it as evidence.
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
from sabal.checking.mirrorwitnesses import WitnessState, compare_witnesses
from sabal.checking.report import plain
from sabal.checking.tiled import Get, read_tiled
from sabal.checking.web import files_at, find_log
from sabal.counted import counted, some_entries
from sabal.public import put_if_changed
from tlog import Checkpoint, Policy, Verifier
from tlog.tiles import WIDTH, Tile

STATE = "mirror.json"
_ENTRIES_AT_ONCE = WIDTH * WIDTH
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)


class WrongLog(Exception):
    """The log was read, and the copy must not continue with it. The text is a sentence for the operator."""


@dataclass(frozen=True)
class Mirrored:
    """The result of one run."""

    slug: str
    new: int  # new entries
    size: int
    counted: int
    pages: int  # new or changed files that are not part of the log
    witnesses: WitnessState

    def __str__(self) -> str:
        news = [counted(self.new, "new entry", "new entries")] if self.new else []
        news += [counted(self.pages, "changed file", "changed files") + " beside"] if self.pages else []
        count = counted(self.counted, "signature counts", "signatures count")
        missing = f"; {self.witnesses.missing}" if self.witnesses.missing else ""
        return f"{self.slug}: {', '.join(news) or 'nothing new'}; {count} in a log of {self.size:,}{missing}."


def mirror(url: str, folder: Path, now: datetime) -> Mirrored:
    """Update the copy of a petition in `folder`. `url` is the address of its page or of its log.

    Raise `WrongLog` if the log forks, shrinks, has another key or does not lead to its checkpoint; `CannotCheck` if it
    cannot be read; `OSError` if the copy cannot be written.
    """
    prefix = find_log(url)
    base, slug = _base_and_slug(prefix)
    with _locked(folder):
        log_folder = folder / slug / "log"
        state = _read_state(folder / slug / STATE)
        new, size, counted, witnesses = _copy_log(files_at(prefix), log_folder, state, now)
        # Store the log's key now: copying the pages may fail.
        put_if_changed(folder / slug / STATE, json.dumps(state, indent=1, sort_keys=True).encode() + b"\n")
        try:
            pages = copy_pages(files_at(base), base, slug, folder, state, now.date())
        except (CannotCheck, OSError) as error:
            if witnesses.changed:
                raise WrongLog(f"{witnesses.changed} {plain(str(error))}") from None
            raise
        # Store the witnesses last: after an interrupted run the next one reports the change again.
        state["witnesses"] = list(witnesses.lines)
        put_if_changed(folder / slug / STATE, json.dumps(state, indent=1, sort_keys=True).encode() + b"\n")
    return Mirrored(slug, new, size, counted, pages, witnesses)


def _base_and_slug(prefix: str) -> tuple[str, str]:
    """Return the site's address and the petition's slug, from the address of the log."""
    parts = [part for part in urlsplit(prefix).path.split("/") if part]
    if len(parts) < 2 or parts[-1] != "log" or not _SLUG.fullmatch(parts[-2]):
        raise CannotCheck(f"{prefix} is not the log of a petition. Give the address of the petition's page.")
    return prefix.removesuffix(f"/{parts[-2]}/log"), parts[-2]


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    _refuse_other_files(folder)
    lock = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if not locks.take(lock):
            raise CannotCheck(f"Another run is writing into {folder}. Wait until it ends.")
        yield
    finally:
        os.close(lock)


def _refuse_other_files(folder: Path) -> None:
    """Raise `CannotCheck` if the folder has files but no mirror: their pages could have the names of ours."""
    begun = (folder / ".lock").exists() or any(folder.glob(f"*/{STATE}"))
    if not begun and any(folder.iterdir()):
        raise CannotCheck(
            f"{folder} holds other files, which a mirror could overwrite. Name a folder that is new or empty, or"
            " that holds a mirror."
        )


def _read_state(path: Path) -> dict[str, Any]:
    """Return the notes of earlier runs: the log's first key, its witnesses and the hashes of the copied pages."""
    try:
        state = strict.parse(path.read_bytes())
        Verifier.parse(state["log_key"])
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError, tlog.TlogError):
        raise CannotCheck(f"{path} is damaged. Start again in another folder, and keep this one.") from None
    return dict(state)


def _copy_log(
    get: Get, log_folder: Path, state: dict[str, Any], now: datetime
) -> tuple[int, int, int, WitnessState]:
    """Copy the log. Return the number of new entries, of all entries, of signatures that count, and the witnesses."""
    previous = _previous_checkpoint(log_folder, state)
    old = previous.size if previous else 0
    copy = read_tiled(_reusing_files(get, log_folder), _no_progress)
    key, claim = _open_checkpoint(copy, state, log_folder, now)
    if claim.size < old:
        raise _keep_evidence(
            log_folder,
            copy.checkpoint,
            now,
            f"shrank from {some_entries(old)} to {claim.size:,}",
        )
    walked, trusted = walk(copy.entries, [claim.size, old], ()), old
    if walked.roots.get(claim.size) != claim.root:
        # Either the files here are damaged or this is another log. Read everything again to find out.
        copy, trusted = (
            replace(read_tiled(get, _no_progress), checkpoint=copy.checkpoint, policy=copy.policy),
            0,
        )
        walked = walk(copy.entries, [claim.size, old], ())
    if copy.flaws or walked.roots.get(claim.size) != claim.root:
        raise _keep_evidence(
            log_folder, copy.checkpoint, now, "shows entries that do not lead to its own checkpoint"
        )
    if previous and walked.roots.get(old) != previous.root:
        raise _keep_evidence(
            log_folder,
            copy.checkpoint,
            now,
            f"forked: its first {counted(old, 'entry differs', 'entries differ')} from before",
        )
    if walked.disorder:
        raise _keep_evidence(log_folder, copy.checkpoint, now, f"breaks its own rules. {walked.disorder}")
    witnesses = compare_witnesses(copy, key, log_folder, state, now)
    _write_log(copy, log_folder, trusted)
    state["log_key"] = str(key)
    return claim.size - old, claim.size, walked.tally.counted, witnesses


def _no_progress(done: int, of: int) -> None:
    """Report nothing: a mirror usually runs from cron, without a terminal."""


def _previous_checkpoint(log_folder: Path, state: dict[str, Any]) -> Checkpoint | None:
    """Return the checkpoint of the existing copy; None if there is no copy yet."""
    path = log_folder / "checkpoint"
    if not path.exists():
        return None
    try:
        return tlog.checkpoint.open(path.read_bytes(), [Verifier.parse(state["log_key"])]).checkpoint
    except (KeyError, tlog.TlogError):
        raise CannotCheck(f"{path} is damaged. Start again in another folder, and keep this one.") from None


def _reusing_files(get: Get, log_folder: Path) -> Get:
    """Read full bundles and manifests from the copy if they are there, since they never change; fetch the rest."""

    def reuse(path: str, limit: int) -> bytes | None:
        stored = log_folder / path
        if path.startswith(("tile/entries/", "manifests/")) and ".p/" not in path and stored.is_file():
            return stored.read_bytes()[: limit + 1]
        return get(path, limit)

    return reuse


def _open_checkpoint(
    copy: LogCopy, state: dict[str, Any], log_folder: Path, now: datetime
) -> tuple[Verifier, Checkpoint]:
    """Return the log's key and the checkpoint that it signed. The key must be that of the first run."""
    try:
        logs = Policy.parse(copy.policy).logs
        keys = [Verifier.parse(state["log_key"])] if "log_key" in state else list(logs)
        opened = tlog.checkpoint.open(copy.checkpoint, keys)
        claim = opened.checkpoint
        key = next(k for k in keys if k.name == claim.origin and _has_signed(k, opened))
    except tlog.TlogError as error:
        if "log_key" not in state:
            raise WrongLog(
                f"The log's checkpoint is not signed by a key of its policy. {plain(str(error))}"
            ) from None
        raise _keep_evidence(
            log_folder, copy.checkpoint, now, "is signed by another key than before"
        ) from None
    if str(key) not in map(str, logs):
        raise _keep_evidence(log_folder, copy.checkpoint, now, "names another key than before in its policy")
    return key, claim


def _has_signed(key: Verifier, opened: tlog.checkpoint.OpenedCheckpoint) -> bool:
    return any((one.name, one.key_id) == (key.name, key.key_id) for one in opened.note.verified)


def _keep_evidence(log_folder: Path, note: bytes, now: datetime, what: str) -> WrongLog:
    """Store the new checkpoint beside the unchanged copy, once, and return the error to raise."""
    old = log_folder / "checkpoint"
    if not old.exists():
        return WrongLog(f"THE LOG {plain(what)}. Nothing was copied.")
    path = next(
        (one for one in sorted(log_folder.glob("fork-*.txt")) if one.read_bytes().endswith(note)), None
    )
    if path is None:
        day = now.astimezone(UTC)
        path = log_folder / f"fork-{day:%Y%m%dT%H%M%SZ}.txt"
        heading = f"On {day:%Y-%m-%d %H:%M} UTC this log {plain(what)}.\n\nIt had shown:\n\n".encode()
        put_if_changed(path, heading + old.read_bytes() + b"\nIt showed then:\n\n" + note)
    return WrongLog(
        f"THE LOG {plain(what)}. The copy in {log_folder} stays as it was, and {path.name} holds the evidence: tell"
        " others."
    )


def _write_log(copy: LogCopy, log_folder: Path, old: int) -> None:
    """Write the new tiles, the manifests and the policy, flush them, and then write the checkpoint."""
    folders = {log_folder}
    for tile, data in _tiles(copy, log_folder, old):
        put_if_changed(log_folder / tile.path, data)
        folders.add((log_folder / tile.path).parent)
    for digest, data in copy.manifests.items():
        put_if_changed(log_folder / manifest_path(digest), data)
    put_if_changed(log_folder / "policy", copy.policy)
    for folder in sorted(folders):
        private.flush(folder)
    if put_if_changed(log_folder / "checkpoint", copy.checkpoint):
        private.flush(log_folder)


def _tiles(copy: LogCopy, log_folder: Path, old: int) -> Iterator[tuple[Tile, bytes]]:
    """Yield the bundles and tiles after the first `old` entries, made from the verified entries.

    The caller must write each before it takes the next: a tile is made from the ones below it.
    """
    start = old // WIDTH * WIDTH
    while start < copy.size:
        # Go up to a full tile of the level above, so that few partial tiles are written.
        end = min(copy.size, start // _ENTRIES_AT_ONCE * _ENTRIES_AT_ONCE + _ENTRIES_AT_ONCE)
        entries = [entry for batch in batches(copy.entries, start, end) for entry in batch]
        for bundle in tlog.new_bundles(start, end):
            yield bundle, tlog.encode_bundle(entries[bundle.index * WIDTH - start :][: bundle.width])
        yield from tlog.grow(
            start, tlog.leaf_hashes(entries), lambda tile: (log_folder / tile.path).read_bytes()
        )
        start = end
