"""The site offers its own source: every file of the program, and none of the server's."""

import io
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from front_end import open_client
from sabal import settings, source
from sites import SiteOfTests

ROOT = Path(__file__).parents[2]


def contents(data: bytes) -> dict[str, bytes]:
    """Return the files of an archive by name, without the folder around all of them."""
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as tar:
        members = tar.getmembers()
        assert all(
            one.isfile() and (one.uid, one.mtime, one.mode, one.uname) == (0, 0, 0o644, "") for one in members
        )
        tops = {one.name.partition("/")[0] for one in members}
        assert len(tops) == 1 and not any(".." in one.name.split("/") for one in members)
        return {one.name.partition("/")[2]: tar.extractfile(one).read() for one in members}  # type: ignore[union-attr]


@pytest.fixture
def fresh() -> Iterator[None]:
    source.archive.cache_clear()
    yield
    source.archive.cache_clear()


def test_the_archive_has_every_file_of_the_program() -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "src", "organiser-page"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    found = contents(source.archive())
    assert set(tracked) <= set(found), set(tracked) - set(found)
    assert all(found[name] == (ROOT / name).read_bytes() for name in tracked)
    assert {"LICENSE", "README.md", "pyproject.toml"} <= set(found)
    more = {name for name in found if name.startswith("src/")} - set(tracked)
    assert all(name.endswith((".mo", "/organiser.html")) for name in more), more  # what is built of it


@pytest.mark.usefixtures("fresh")
def test_the_archive_has_nothing_of_the_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even if the data folder is inside the package, and keys lie beside the code."""
    package = tmp_path / "installed" / "sabal"
    data = package / "var"
    for name in (
        "a.py",
        "locale/ko/django.po",
        ".hidden.py",
        "__pycache__/a.py",
        "server.key",
        "sabal.env",
        "a.py.orig",
    ):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(name)
    for name in ("erasure-journal.jsonl", "notes.txt", "mail/one.html", "public/x.py"):
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_text("SECRET")
    (package / "link.py").symlink_to(data / "public" / "x.py")
    monkeypatch.setattr(source, "_PACKAGE", package)
    monkeypatch.setattr(source, "_ROOT", tmp_path / "nowhere")
    monkeypatch.setattr(settings, "DATA", data)
    found = contents(source.archive())
    assert {name for name in found if name.startswith("src/")} == {
        "src/sabal/a.py",
        "src/sabal/locale/ko/django.po",
    }
    assert b"SECRET" not in b"".join(found.values())
    source.archive.cache_clear()
    monkeypatch.setattr(settings, "DATA", tmp_path)  # the program is inside the data folder
    assert "src/sabal/a.py" in contents(source.archive())


@pytest.mark.usefixtures("fresh")
def test_the_archive_is_the_same_bytes_for_the_same_source() -> None:
    first = source.archive()
    source.archive.cache_clear()
    assert source.archive() == first and first[4:8] == bytes(4)  # no time in it


def test_the_site_gives_the_archive_with_an_etag(site: SiteOfTests, monkeypatch: pytest.MonkeyPatch) -> None:
    site.publish()
    with open_client(site, monkeypatch) as client:
        answer = client.get("/source.tar.gz")
        assert answer.status == 200 and answer["content-type"] == "application/gzip" and answer["etag"]
        assert answer.body == source.archive() and answer["content-encoding"] is None
        again = client.get("/source.tar.gz", (b"if-none-match", answer["etag"].encode()))
        assert again.status == 304 and again.body == b""
        page = client.get("/en").body.decode()
        assert 'href="/source.tar.gz"' in page


def test_a_site_whose_source_is_elsewhere_gives_none(
    site: SiteOfTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "SOURCE_URL", "https://code.example.org/sabal")
    with open_client(site, monkeypatch) as client:
        assert client.get("/source.tar.gz").status == 404
