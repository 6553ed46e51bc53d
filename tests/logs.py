"""A log for tests, computed word for word by RFC 6962 §2.1, without code of `tlog`."""

import hashlib
from functools import cache
from pathlib import Path

import tlog
from tlog import Tile

SIZES = (1, 2, 3, 255, 256, 257, 65_536, 65_537, 70_000)
LARGEST = 70_000
ORIGIN = "petition.example/c/k3v9/log"
CAROL = tlog.Signer(ORIGIN, bytes(range(32)))  # her log's key


@cache
def entry(index: int) -> bytes:
    """Return entry `index`: an open entry, then signatures. Every seventh entry revokes the one before it."""
    if index == 0:
        return b"\1\0" + hashlib.sha256(b"manifest").digest()
    if index % 7 == 6:
        return b"\1\2" + (index - 1).to_bytes(8) + bytes([index % 4 + 1]) + bytes(23)
    return b"\1\1" + hashlib.sha256(b"%d" % index).digest()


@cache
def mth(start: int, end: int) -> bytes:
    """Return MTH(D[start:end])."""
    n = end - start
    if n == 0:
        return hashlib.sha256(b"").digest()
    if n == 1:
        return hashlib.sha256(b"\x00" + entry(start)).digest()
    k = split(n)
    return hashlib.sha256(b"\x01" + mth(start, start + k) + mth(start + k, end)).digest()


def split(n: int) -> int:
    """Return k, the largest power of two smaller than n."""
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def path(m: int, start: int, end: int) -> list[bytes]:
    """Return PATH(m, D[start:end]), §2.1.1."""
    n = end - start
    if n == 1:
        return []
    k = split(n)
    if m < k:
        return [*path(m, start, start + k), mth(start + k, end)]
    return [*path(m - k, start + k, end), mth(start, start + k)]


def proof(m: int, n: int) -> list[bytes]:
    """Return PROOF(m, D[n]), §2.1.2. It is empty if one tree is empty or both are equal."""
    return subproof(m, 0, n, True) if 0 < m < n else []


def subproof(m: int, start: int, end: int, known: bool) -> list[bytes]:
    n = end - start
    if m == n:
        return [] if known else [mth(start, end)]
    k = split(n)
    if m <= k:
        return [*subproof(m, start, start + k, known), mth(start + k, end)]
    return [*subproof(m - k, start + k, end, False), mth(start, start + k)]


def get_hash(level: int, index: int) -> bytes:
    return mth(index << level, (index + 1) << level)


def tile_bytes(tile: Tile) -> bytes:
    """Return the bytes of a file, by the definition in c2sp.org/tlog-tiles."""
    first = tile.index * 256
    if tile.level == -1:
        return b"".join(b"\x00\x22" + entry(first + i) for i in range(tile.width))
    span = 256**tile.level
    return b"".join(mth((first + i) * span, (first + i + 1) * span) for i in range(tile.width))


@cache
def checkpoint(size: int) -> bytes:
    return tlog.Checkpoint(ORIGIN, size, mth(0, size)).sign(CAROL)


def write_log(folder: Path, size: int) -> None:
    """Write a published log as files with `tlog`, in two steps, as a sequencer would."""
    files: dict[Tile, bytes] = {}
    old = size * 2 // 3
    for start, end in ((0, old), (old, size)):
        entries = [entry(index) for index in range(start, end)]
        files |= dict(tlog.grow(start, tlog.leaf_hashes(entries), files.__getitem__))
        for bundle in tlog.new_bundles(start, end):
            first = bundle.index * 256
            files[bundle] = tlog.encode_bundle(entry(first + i) for i in range(bundle.width))
    for tile, data in files.items():
        file = folder / tile.path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    (folder / "checkpoint").write_bytes(checkpoint(size))
