"""Zips in which two readers could find two different logs, built byte by byte by APPNOTE.TXT."""

import io
import shutil
import struct
import subprocess
import tempfile
import zipfile
import zlib
from pathlib import Path

from carried import bundles
from carried.bundles import Files


class _Pipe(io.RawIOBase):
    """A file that cannot seek, so that `zipfile` writes the sizes after the bytes."""

    def __init__(self) -> None:
        self.data = b""

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self.data += bytes(data)
        return len(data)


def streamed(files: Files, method: int = zipfile.ZIP_STORED) -> bytes:
    """Return an honest zip, written to a pipe."""
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return pipe.data


def member(name: str, data: bytes, extra: bytes = b"") -> bytes:
    head = (b"PK\3\4", 20, 0, 0, 0, 33, zlib.crc32(data), len(data), len(data), len(name), len(extra))
    return struct.pack("<4sHHHHHLLLHH", *head) + name.encode() + extra + data


def listed(name: str, data: bytes, offset: int, extra: bytes = b"", comment: int = 0) -> bytes:
    sizes = (zlib.crc32(data), len(data), len(data), len(name), len(extra), comment, 0, 0, 0, offset)
    return struct.pack("<4sHHHHHHLLLHHHHHLL", b"PK\1\2", 20, 20, 0, 0, 0, 33, *sizes) + name.encode() + extra


def end(count: int, size: int, offset: int, comment: bytes = b"") -> bytes:
    return struct.pack("<4sHHHHLLH", b"PK\5\6", 0, 0, count, count, size, offset, len(comment)) + comment


def zip64(count: int, size: int, offset: int, at: int) -> bytes:
    """Return ZIP64's end record, which will be at offset `at`, and its locator."""
    record = struct.pack("<4sQHHLLQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, offset)
    return record + struct.pack("<4sLQL", b"PK\6\7", 0, at, 1)


def two_lists(one: Files, other: Files) -> bytes:
    """Return a zip with two lists. The end record points to the list of `one`.

    The ZIP64 record, hidden in the last comment of that list, points to the list of `other`.
    """
    body, offsets = b"", []
    for name, data in [*other.items(), *one.items()]:
        offsets.append(len(body))
        body += member(name, data)
    hidden = b"".join(listed(*item, offset) for item, offset in zip(other.items(), offsets, strict=False))
    ours = list(zip(one.items(), offsets[len(other) :], strict=True))
    (last_name, last_data), last_offset = ours[-1]
    first = b"".join(listed(*item, offset) for item, offset in ours[:-1])
    first += listed(last_name, last_data, last_offset, comment=len(hidden) + 76)
    at = len(body) + len(first)
    record = zip64(len(other), len(hidden), at, at + len(hidden))
    list_size = len(first) + len(hidden) + len(record)
    return body + first + hidden + record + end(len(one), list_size, len(body))


def plain(
    files: Files,
    *,
    extra: bytes = b"",
    list_extra: bytes = b"",
    gap: bytes = b"",
    before: bytes = b"",
    after: bytes = b"",
    comment: bytes = b"",
    locator: bool = False,
    member_comment: bytes = b"",
) -> bytes:
    """Return a zip with additional data in places where a bundle has none. Without these the zip is valid."""
    body, list_ = before, b""
    for name, data in files.items():
        list_ += listed(name, data, len(body), list_extra, len(member_comment)) + member_comment
        body += member(name, data, extra) + gap
    rest = zip64(len(files), len(list_), len(body), len(body) + len(list_)) if locator else after
    return body + list_ + rest + end(len(files), len(list_), len(body), comment)


NESTED_MAIL = b"Content-Type: message/rfc822\n\n" * 1_500
"""Nested more deeply than Python's email parser can read."""


def locked(whole: bytes) -> bytes:
    """Return the zip with the flag of a password at its first member."""
    data = bytearray(whole)
    data[6] |= 1
    data[whole.index(b"PK\1\2") + 8] |= 1
    return bytes(data)


def packed_again(files: Files) -> dict[str, bytes]:
    """Return honest zips of a bundle as other programs pack it, by what they do. Every checker reads each."""
    time, owner = struct.pack("<HHBL", 0x5455, 5, 1, 0), struct.pack("<HHBBLBL", 0x7875, 11, 1, 4, 0, 4, 0)
    ntfs = struct.pack("<HHLHHQQQ", 0x000A, 32, 0, 1, 24, 1, 2, 3)
    around = {f"trees/{name}": data for name, data in files.items()}
    mac = {
        "trees/": b"",
        "trees/.DS_Store": b"\0\0\0\1Bud1",
        **around,
        "__MACOSX/trees/._checkpoint": b"\0\5\x16\7",
    }
    found = {
        "stored": plain(files),
        "in another order": plain(dict(sorted(files.items(), reverse=True))),
        "to a pipe": streamed(files),
        "deflated to a pipe": streamed(files, zipfile.ZIP_DEFLATED),
        "times and owners": plain(files, extra=time + owner, list_extra=time + owner[:4] + owner[4:]),
        "NTFS times": plain(files, list_extra=ntfs),
        "folders": plain({"manifests/": b"", **files}),
        "one folder around": plain({"trees/": b"", "trees/manifests/": b"", **around}),
        "one folder around, deflated": bundles.zipped(around, method=zipfile.ZIP_DEFLATED),
        "a Mac": plain(mac, extra=time),
        "Windows": plain({**files, "Thumbs.db": b"x", "manifests/desktop.ini": b"x"}),
    }
    if shutil.which("zip"):
        found |= {f"zip {options}": by_zip(files, options) for options in ("-r", "-rX", "-rD", "-r0", "-ry9")}
    return found


def by_zip(files: Files, options: str) -> bytes:
    """Return what Info-ZIP's `zip` makes of the unpacked bundle in a folder."""
    with tempfile.TemporaryDirectory() as folder:
        for name, data in files.items():
            path = Path(folder, "bundle", name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        subprocess.run(["zip", "-q", options, "again.zip", "bundle"], cwd=folder, check=True)
        return Path(folder, "again.zip").read_bytes()


def bombs(files: Files) -> dict[str, bytes]:
    """Return zip bombs by the member that is too large, in itself or compared with its compressed size."""
    large = {"policy": files["policy"] + b"#" * (100 << 20) + b"\n", "entries": bytes(34 << 20)}
    large |= {f"manifests/{'0' * 64}.json": b" " * ((1 << 20) + 1), "sample.json": b" " * (1 << 20)}
    packed = {
        name: bundles.zipped({**files, name: data}, method=zipfile.ZIP_DEFLATED)
        for name, data in large.items()
    }
    return {**packed, "stored": bundles.zipped({**files, "README.txt": bytes((1 << 16) + 1)})}


def strange(files: Files) -> dict[str, bytes]:
    """Return invalid zips by their defect. Every checker refuses each."""
    whole, another_name = plain(files), struct.pack("<HHBL", 0x7075, 11, 1, 0) + b"policy"
    return {
        "two lists": two_lists(files, bundles.good()["size 2"]),
        "a ZIP64 record": plain(files, locator=True),
        "a comment": plain(files, comment=b"Hello"),
        "an end in a comment": plain(files, comment=end(0, 0, 0)),
        "another name in an extra": plain(files, extra=another_name),
        "another name in an extra of the list": plain(files, list_extra=another_name),
        "sizes in an extra": plain(files, extra=struct.pack("<HHQQ", 1, 16, 1, 1)),
        "an extra of an unknown kind": plain(files, list_extra=struct.pack("<HHL", 0xCAFE, 4, 0)),
        "half an extra": plain(files, extra=struct.pack("<HHL", 0x5455, 5, 0)),
        "a comment of a file": plain(files, member_comment=b"Hello"),
        "two outer folders": plain(
            {f"{'ab'[at % 2]}/{name}": data for at, (name, data) in enumerate(files.items())}
        ),
        "an outer folder beside them": plain({**files, "a/checkpoint": files["checkpoint"]}),
        "a file that no bundle has": plain({**files, "signatures.csv": b"a,b"}),
        "a second log above a folder that is ignored": plain({**files, "__MACOSX/../policy": b"log x\n"}),
        "a second log behind backslashes": plain({**files, "__MACOSX/..\\policy": b"log x\n"}),
        "a second log behind a zero": plain({**files, "policy\0/.DS_Store": b"log x\n"}),
        **{
            f"{what} as outer folder": plain({f"{name}/{rest}": data for rest, data in files.items()})
            for what, name in (("nothing", ""), ("the folder above", ".."), ("the folder itself", "."))
        },
        "two slashes": plain({f"trees//{name}": data for name, data in files.items()}),
        "a password": locked(whole),
        "gaps": plain(files, gap=b"gap"),
        "something before it, counted": plain(files, before=b"#!/bin/sh\n"),
        "data before it": b"#!/bin/sh\n" + whole,
        "something after the list": plain(files, after=b"rest"),
        "something after the end": whole + b"\0",
        "a list that is not counted": whole[:-10] + struct.pack("<LLH", 46, whole.index(b"PK\1\2"), 0),
        "one file less": whole[:-14] + struct.pack("<HH", len(files) - 1, len(files) - 1) + whole[-10:],
        "no files": end(0, 0, 0),
    }
