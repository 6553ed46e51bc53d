"""Write and read a bundle: a copy of a log in one zip, or in the folder that it was unzipped to.

An untrusted zip is read strictly (`strictzip.py`). Its members have the names of a bundle, each once, and none may grow
beyond a limit when it is unpacked.

A bundle may be packed again by another program. So its files may be in one folder, and there may be entries for
folders, and what file managers add.
docs/decisions/0016-a-bundle-packed-again.md
"""

import os
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from sabal.checking.copy import (
    MOST_ENTRIES,
    MOST_MANIFEST,
    MOST_NOTE,
    MOST_RECORDS,
    MOST_SAMPLE,
    CannotCheck,
    LogCopy,
    manifest_path,
    named_manifests,
)
from sabal.checking.report import plain
from sabal.checking.strictzip import ENCRYPTED, FETCH_AGAIN, INVALID_LIST, check_headers, check_list, content
from tlog.entry import ENTRY_BYTES

README, CARRIED = "README.txt", ("verify.py", "check.html")
LIMITS = {
    README: MOST_NOTE,
    "checkpoint": MOST_NOTE,
    "policy": MOST_NOTE,
    "entries": MOST_ENTRIES * ENTRY_BYTES,
    "records.jsonl": MOST_RECORDS,
    "sample.json": MOST_SAMPLE,
} | dict.fromkeys(CARRIED, 1 << 22)
"""The most bytes of each file in a bundle. For a manifest it is `MOST_MANIFEST`."""

MOST_GROWTH = 200
"""The most bytes that deflate may make of one byte. Records of few characters reach 30; a zip bomb reaches 1,000."""

_MANIFEST = re.compile(r"manifests/([0-9a-f]{64})\.json", re.ASCII)
_DATE = (1980, 1, 1, 0, 0, 0)

_ADDED = re.compile(r"__MACOSX/.*|(.*/)?(\._[^/]*|\.DS_Store|Thumbs\.db|desktop\.ini)", re.DOTALL)
"""Files that the file managers of macOS and Windows add."""
_ASTRAY = re.compile(r"(^|/)(\.\.?(/|\Z)|/)|^\Z|[\\\0]")
"""Names that unpacking may put elsewhere than they say, such as `__MACOSX/../policy`."""
_MOST_LISTED = 4_096


def write_bundle(to: Path | BinaryIO, copy: LogCopy, extras: Mapping[str, bytes]) -> None:
    """Write a copy as a bundle. The same copy gives the same bytes.

    `extras` are the files that go with it: README.txt, verify.py and check.html, as far as given. A path must not exist
    yet; the file is readable by its owner alone. Raise `OSError`, and `CannotCheck` if `extras` has another name or the
    copy is not complete.
    """
    members = list(_members(copy, extras))
    if isinstance(to, Path):
        descriptor = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                write_bundle(file, copy, extras)
        except OSError:
            to.unlink()  # leave no incomplete bundle
            raise
        return
    with zipfile.ZipFile(to, "w", zipfile.ZIP_STORED) as archive:
        for name, data in members:
            info = zipfile.ZipInfo(name, _DATE)
            info.create_system, info.external_attr = 3, 0o100644 << 16
            archive.writestr(info, data)


def _members(copy: LogCopy, extras: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """Yield the names and bytes in the order of a bundle."""
    if not {README, *CARRIED}.issuperset(extras):
        raise CannotCheck(f"A bundle carries {README} and {' and '.join(CARRIED)}, and nothing else.")
    manifests = list(dict.fromkeys(hash_ for _, hash_ in named_manifests(copy.entries)))
    if copy.flaws or any(hash_ not in copy.manifests for hash_ in manifests):
        raise CannotCheck(
            "This copy of the log is not whole, so no bundle is made from it. Check the copy first."
        )
    if README in extras:
        yield README, extras[README]
    yield "checkpoint", copy.checkpoint
    yield "policy", copy.policy
    yield "entries", copy.entries
    for hash_ in manifests:
        yield manifest_path(hash_), copy.manifests[hash_]
    if copy.records is not None:
        yield "records.jsonl", copy.records
    if copy.sample is not None:
        yield "sample.json", copy.sample
    for name in CARRIED:
        if name in extras:
            yield name, extras[name]


def read_bundle(file: BinaryIO) -> LogCopy:
    """Read the copy in a bundle's zip. Raise `CannotCheck` if the zip does not follow the rules for bundles.

    APPNOTE.TXT 4.3.
    """
    try:
        listed = check_list(file)
        with zipfile.ZipFile(file) as archive:
            infos = archive.infolist()
            if len(infos) != listed:
                raise CannotCheck(INVALID_LIST)
            names = _names(infos)
            _check_members(names)
            check_headers(file, infos, archive.start_dir)
            files = {name: content(file, info, name) for name, info in names.items()}
    except (zipfile.BadZipFile, zlib.error, struct.error, ValueError, NotImplementedError, OverflowError):
        raise CannotCheck("This is not a zip file, or it is damaged. Fetch it again.") from None
    return copy_of(files)


def copy_of(files: Mapping[str, bytes]) -> LogCopy:
    """Return the copy from the files of a bundle. Raise `CannotCheck` if a required file is missing."""
    for name in ("checkpoint", "policy", "entries"):
        if name not in files:
            raise CannotCheck(f"This is not a bundle of a log: it holds no file `{name}`.")
    found = ((_MANIFEST.fullmatch(name), data) for name, data in files.items())
    entries = files["entries"]
    over = len(entries) % ENTRY_BYTES
    flaws = (f"The entries are not 34 bytes each. {over} bytes are left over at the end.",) if over else ()
    return LogCopy(
        files["checkpoint"],
        files["policy"],
        entries,
        {bytes.fromhex(match[1]): data for match, data in found if match},
        files.get("records.jsonl"),
        files.get("sample.json"),
        flaws,
    )


def _names(infos: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    """Return the members by their name in a bundle, without folders, what file managers add, and one outer folder."""
    if len(infos) > _MOST_LISTED:
        raise CannotCheck("This zip holds more files than a bundle has. Fetch the bundle again.")
    if len({info.filename for info in infos}) != len(infos):
        raise CannotCheck(
            "This zip holds two files of one name, so different programs would read different logs. Fetch the"
            " bundle again."
        )
    for info in infos:
        if _ASTRAY.search(info.orig_filename):
            raise CannotCheck(
                f"This zip holds `{plain(info.orig_filename[:80])}`, which may be unpacked over another file."
                + FETCH_AGAIN
            )
    found = {
        info.filename: info
        for info in infos
        if not (info.filename.endswith("/") and not info.file_size) and not _ADDED.fullmatch(info.filename)
    }
    outer = {name.partition("/")[0] for name in found if "/" in name}
    if "checkpoint" not in found and len(outer) == 1 and all("/" in name for name in found):
        return {name.partition("/")[2]: info for name, info in found.items()}
    return found


def _check_members(names: Mapping[str, zipfile.ZipInfo]) -> None:
    for name, info in names.items():
        limit = MOST_MANIFEST if _MANIFEST.fullmatch(name) else LIMITS.get(name)
        # zipfile changes some names (it cuts at a zero byte and replaces backslashes). No bundle has such names.
        if limit is None or info.orig_filename != info.filename:
            raise CannotCheck(f"This zip holds `{plain(name[:80])}`, a file that no bundle has.{FETCH_AGAIN}")
        if info.flag_bits & ENCRYPTED or info.compress_type not in (
            zipfile.ZIP_STORED,
            zipfile.ZIP_DEFLATED,
        ):
            how = (
                "encrypted" if info.flag_bits & ENCRYPTED else "packed in a way that not every program reads"
            )
            raise CannotCheck(f"In this zip `{name}` is {how}.{FETCH_AGAIN}")
        if info.file_size > limit or info.file_size > max(info.compress_size, 64) * MOST_GROWTH:
            raise CannotCheck(f"In this zip `{name}` is larger than the limit. It was not unpacked.")
