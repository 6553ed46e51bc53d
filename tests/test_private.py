"""Private files: never readable by others, whole or not at all, and never written through a link."""

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sabal import private

VERBS = (private.create, private.replace)


@pytest.fixture(autouse=True)
def open_umask() -> Iterator[None]:
    """Let everybody read a new file, unless the code sets another mode."""
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return path.lstat().st_mode & 0o777


@pytest.fixture(params=VERBS, ids=lambda verb: verb.__name__)
def write(request: pytest.FixtureRequest) -> Callable[..., int]:
    verb: Callable[..., int] = request.param
    return verb


def test_the_file_is_private_at_every_moment(write: Callable[..., int], tmp_path: Path) -> None:
    seen: list[int] = []

    def pieces() -> Iterator[bytes]:
        for piece in (b"one\n", b"two\n"):
            seen.extend(mode(path) for path in tmp_path.iterdir())
            assert not (tmp_path / "list.csv").exists()  # no half file with its name
            yield piece

    assert write(tmp_path / "list.csv", pieces()) == 2
    assert seen == [0o600, 0o600]
    assert (tmp_path / "list.csv").read_bytes() == b"one\ntwo\n"
    assert mode(tmp_path / "list.csv") == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["list.csv"]


def test_an_empty_file_is_written_and_private(write: Callable[..., int], tmp_path: Path) -> None:
    assert write(tmp_path / "empty", ()) == 0
    assert (tmp_path / "empty").read_bytes() == b"" and mode(tmp_path / "empty") == 0o600


def test_a_failure_leaves_nothing(write: Callable[..., int], tmp_path: Path) -> None:
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


def test_file_and_folder_are_flushed(
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


def test_the_error_names_the_file_not_the_draft(write: Callable[..., int], tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as said:
        write(tmp_path / "nowhere" / "list.csv", [b"text"])
    assert said.value.filename == str(tmp_path / "nowhere" / "list.csv")


def test_create_overwrites_nothing(tmp_path: Path) -> None:
    older = tmp_path / "key"
    older.write_bytes(b"an older one")
    with pytest.raises(FileExistsError) as said:
        private.create(older, [b"a new one"])
    assert said.value.filename == str(older)
    assert older.read_bytes() == b"an older one" and list(tmp_path.iterdir()) == [older]


def test_create_follows_no_link(tmp_path: Path) -> None:
    (tmp_path / "key").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        private.create(tmp_path / "key", [b"text"])
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


@pytest.mark.parametrize("number", [errno.EPERM, errno.EOPNOTSUPP, errno.EINVAL])
def test_create_works_without_hard_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """A memory stick has no hard links, and systems report this with different errors."""

    def unknown(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", unknown)
    key = tmp_path / "key"
    private.create(key, [b"text"])
    assert key.read_bytes() == b"text" and mode(key) == 0o600
    with pytest.raises(FileExistsError):
        private.create(key, [b"another"])
    assert key.read_bytes() == b"text" and list(tmp_path.iterdir()) == [key]


def test_replace_keeps_the_older_file_until_the_new_one_is_whole(tmp_path: Path) -> None:
    out = tmp_path / "list.csv"
    out.write_bytes(b"an older one")

    def pieces() -> Iterator[bytes]:
        yield b"a new one"
        assert out.read_bytes() == b"an older one"

    private.replace(out, pieces())
    assert out.read_bytes() == b"a new one" and mode(out) == 0o600


def test_replace_keeps_the_older_file_if_the_new_one_fails(tmp_path: Path) -> None:
    out = tmp_path / "list.csv"
    out.write_bytes(b"an older one")
    with pytest.raises(ZeroDivisionError):
        private.replace(out, (bytes(1 // n) for n in (1, 0)))
    assert out.read_bytes() == b"an older one" and list(tmp_path.iterdir()) == [out]


def test_replace_replaces_only_plain_files(tmp_path: Path) -> None:
    """A link could point to a folder that others read; a pipe or a device would be lost."""
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
    assert asked == []  # no secret was decrypted before the check


def test_append_adds_whole_lines_to_a_private_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = tmp_path / "journal"
    private.append(journal, b"one\n")
    private.append(journal, b"two\n")
    assert journal.read_bytes() == b"one\ntwo\n" and mode(journal) == 0o600
    monkeypatch.setattr(os, "write", lambda *_: 2)
    with pytest.raises(OSError, match="No space"):
        private.append(journal, b"three\n")
