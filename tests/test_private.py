"""Private files: nobody else's eyes at any moment, whole or not at all, and nothing written through a link."""

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sabal import private

VERBS = (private.create, private.replace)


@pytest.fixture(autouse=True)
def open_umask() -> Iterator[None]:
    """Everybody may read what a process makes, unless it says otherwise."""
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return path.lstat().st_mode & 0o777


@pytest.fixture(params=VERBS, ids=lambda verb: verb.__name__)
def write(request: pytest.FixtureRequest) -> Callable[..., int]:
    verb: Callable[..., int] = request.param
    return verb


def test_for_its_owners_eyes_at_every_moment(write: Callable[..., int], tmp_path: Path) -> None:
    seen: list[int] = []

    def pieces() -> Iterator[bytes]:
        for piece in (b"one\n", b"two\n"):
            seen.extend(mode(path) for path in tmp_path.iterdir())
            assert not (tmp_path / "list.csv").exists()  # no half a file under its name
            yield piece

    assert write(tmp_path / "list.csv", pieces()) == 2
    assert seen == [0o600, 0o600]
    assert (tmp_path / "list.csv").read_bytes() == b"one\ntwo\n"
    assert mode(tmp_path / "list.csv") == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["list.csv"]


def test_a_file_without_a_piece_is_there_and_private(write: Callable[..., int], tmp_path: Path) -> None:
    assert write(tmp_path / "empty", ()) == 0
    assert (tmp_path / "empty").read_bytes() == b"" and mode(tmp_path / "empty") == 0o600


def test_what_fails_on_the_way_leaves_nothing(write: Callable[..., int], tmp_path: Path) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"half"
        raise KeyError

    with pytest.raises(KeyError):
        write(tmp_path / "list.csv", pieces())
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_nothing(
    write: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write(tmp_path / "list.csv", [b"text"])
    assert list(tmp_path.iterdir()) == []


def test_file_and_name_are_flushed(
    write: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[str] = []
    fsync = os.fsync

    def note(descriptor: int) -> None:
        flushed.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    write(tmp_path / "list.csv", [b"text"])
    assert flushed[0].startswith(".list.csv.") and flushed[1:] == [tmp_path.name]


def test_the_complaint_names_the_file_that_was_meant(write: Callable[..., int], tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as said:
        write(tmp_path / "nowhere" / "list.csv", [b"text"])
    assert said.value.filename == str(tmp_path / "nowhere" / "list.csv")


def test_create_writes_over_nothing(tmp_path: Path) -> None:
    there = tmp_path / "key"
    there.write_bytes(b"an older one")
    with pytest.raises(FileExistsError) as said:
        private.create(there, [b"a new one"])
    assert said.value.filename == str(there)
    assert there.read_bytes() == b"an older one" and list(tmp_path.iterdir()) == [there]


def test_create_follows_no_link(tmp_path: Path) -> None:
    (tmp_path / "key").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        private.create(tmp_path / "key", [b"text"])
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


@pytest.mark.parametrize("number", [errno.EPERM, errno.EOPNOTSUPP, errno.EINVAL])
def test_create_where_files_have_one_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """A memory stick knows no hard links, and systems say so in different ways."""

    def unknown(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", unknown)
    key = tmp_path / "key"
    private.create(key, [b"text"])
    assert key.read_bytes() == b"text" and mode(key) == 0o600
    with pytest.raises(FileExistsError):
        private.create(key, [b"another"])
    assert key.read_bytes() == b"text" and list(tmp_path.iterdir()) == [key]


def test_replace_takes_the_place_of_an_older_file_when_the_new_one_is_whole(tmp_path: Path) -> None:
    out = tmp_path / "list.csv"
    out.write_bytes(b"an older one")

    def pieces() -> Iterator[bytes]:
        yield b"a new one"
        assert out.read_bytes() == b"an older one"

    private.replace(out, pieces())
    assert out.read_bytes() == b"a new one" and mode(out) == 0o600


def test_replace_keeps_the_older_file_where_the_new_one_fails(tmp_path: Path) -> None:
    out = tmp_path / "list.csv"
    out.write_bytes(b"an older one")
    with pytest.raises(ZeroDivisionError):
        private.replace(out, (bytes(1 // n) for n in (1, 0)))
    assert out.read_bytes() == b"an older one" and list(tmp_path.iterdir()) == [out]


def test_replace_takes_the_place_of_plain_files_alone(tmp_path: Path) -> None:
    """A link could lead to where others read; a pipe or a device would be gone."""
    target = tmp_path / "target"
    target.write_bytes(b"text")
    (tmp_path / "link").symlink_to(target)
    (tmp_path / "lost").symlink_to(tmp_path / "nowhere")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    before = sorted(tmp_path.iterdir())
    asked: list[None] = []

    def pieces() -> Iterator[bytes]:
        asked.append(None)
        yield b"secret"

    for name in ("link", "lost", "folder", "pipe"):
        with pytest.raises(OSError, match="not a plain file"):
            private.replace(tmp_path / name, pieces())
    assert sorted(tmp_path.iterdir()) == before and target.read_bytes() == b"text"
    assert asked == []  # nothing secret was opened for it


def test_append_adds_whole_lines_to_a_private_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "log"
    private.append(log, b"one\n")
    private.append(log, b"two\n")
    assert log.read_bytes() == b"one\ntwo\n" and mode(log) == 0o600
    monkeypatch.setattr(os, "write", lambda *_: 2)
    with pytest.raises(OSError, match="No space"):
        private.append(log, b"three\n")
