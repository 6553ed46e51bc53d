"""A log gives the same copy from a folder, a bundle and the web. Anything else is refused with a sentence."""

import threading
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import tlog
from checking import made
from checking.verdicts import LONG, refused
from checking.web import Web, answer
from sabal.checking import web as over_http
from sabal.checking.check import check
from sabal.checking.copy import CannotCheck
from sabal.checking.reading import read

SIZES = (1, 2, 255, 256, 257, 65_536, 65_537)


@pytest.fixture(scope="module")
def logs() -> dict[int, made.Made]:
    whole = made.log(SIZES[-1])
    return {size: made.Made(whole.entries[:size], whole.manifests) for size in SIZES}


@pytest.mark.parametrize("size", SIZES)
def test_a_folder_a_bundle_and_the_web_give_the_same_copy(
    size: int, logs: dict[int, made.Made], tmp_path: Path, served: Web
) -> None:
    copy = logs[size].copy()
    folder = logs[size].write_tiles(tmp_path / "log")
    (tmp_path / "bundle.zip").write_bytes(made.bundle(copy))
    served.serve("/trees/log", folder)
    assert read(str(folder)) == read(str(tmp_path / "bundle.zip")) == read(f"{served.url}/en/trees") == copy
    report = check(copy, now=0)
    assert report.ok, report.problems
    assert (report.size, report.root, report.counted) == (size, logs[size].root, len(logs[size].signers))


def test_a_bundle_that_was_unzipped_is_read(tmp_path: Path) -> None:
    copy = LONG.copy(show=LONG.signers[:3], sample={"seed": "x"})
    (tmp_path / "manifests").mkdir()
    for hash_, data in copy.manifests.items():
        (tmp_path / f"manifests/{hash_.hex()}.json").write_bytes(data)
    files = {
        "entries": copy.entries,
        "records.jsonl": copy.records,
        "sample.json": copy.sample,
        "notes": b"mine",
    }
    for name, data in {**files, "checkpoint": copy.checkpoint, "policy": copy.policy}.items():
        (tmp_path / name).write_bytes(data or b"")
    assert read(str(tmp_path)) == copy


def test_tiles_of_hashes_are_not_read(mirror: Path) -> None:
    for path in (mirror / "tile" / "0").rglob("*"):
        if path.is_file():
            path.write_bytes(b"wrong")
    assert read(str(mirror)) == LONG.copy()


@pytest.mark.parametrize(
    "page",
    [
        "/trees",
        "/en/trees",
        "/zh-hans/trees",
        "/trees/log",
        "/trees/log/",
        "/en/trees/?from=letter#form",
        "//trees//",
    ],
)
def test_a_page_leads_to_its_log(page: str, mirror: Path, served: Web) -> None:
    served.serve("/trees/log", mirror)
    assert read(served.url + page) == LONG.copy()


@pytest.mark.parametrize("prefix", ["", "/mirrors/of/trees", "/log", "/log/log"])
def test_a_log_may_have_any_prefix(prefix: str, mirror: Path, served: Web) -> None:
    served.serve(prefix, mirror)
    assert read(served.url + prefix) == LONG.copy()


@pytest.mark.parametrize("language", ["ko", "es-419", "zh-hant-tw", "de-1996"])
def test_the_likeliest_address_is_requested_first(language: str) -> None:
    prefixes = [
        p.removeprefix("https://h.example")
        for p in over_http.candidates(urlsplit(f"https://h.example/{language}/trees"))
    ]
    assert prefixes == ["/trees/log", f"/{language}/trees/log", f"/{language}/trees"]


def test_a_page_at_the_address_of_a_checkpoint_is_not_a_log(mirror: Path, served: Web) -> None:
    served.files["/trees/log/checkpoint"] = b"<!doctype html>"
    served.serve("/en/trees/log", mirror)
    assert read(f"{served.url}/en/trees") == LONG.copy()


def test_a_full_bundle_replaces_a_missing_partial_one(mirror: Path, served: Web) -> None:
    served.serve("/trees/log", mirror)
    longer = made.log(800, amend=300)
    del served.files["/trees/log/tile/entries/002.p/88"]
    served.files["/trees/log/tile/entries/002"] = tlog.encode_bundle(longer.entries[512:768])
    assert read(f"{served.url}/trees") == LONG.copy()
    (mirror / "tile/entries/002.p/88").unlink()
    (mirror / "tile/entries/002").write_bytes(tlog.encode_bundle(longer.entries[512:768]))
    assert read(str(mirror)) == LONG.copy()


def test_progress_ends_at_the_whole_log(mirror: Path) -> None:
    seen: list[tuple[int, int]] = []
    read(str(mirror), lambda done, of: seen.append((done, of)))
    assert seen == [(256, 600), (512, 600), (600, 600)]


def test_bundles_are_fetched_in_parallel(mirror: Path, served: Web) -> None:
    served.serve("/trees/log", mirror)
    both = threading.Barrier(2, timeout=10)

    def together(name: str) -> None:
        path = f"/trees/log/tile/entries/{name}"
        body = served.files.pop(path)
        served.answers[path] = lambda request: (both.wait(), answer(request, 200, body))[1]  # type: ignore[func-returns-value]

    together("000")
    together("001")
    assert read(f"{served.url}/trees") == LONG.copy()


# Damaged files


def test_a_damaged_bundle_of_entries_is_a_flaw(mirror: Path) -> None:
    path = mirror / "tile/entries/001"
    whole = path.read_bytes()
    longer = tlog.encode_bundle([*LONG.entries[256:511], LONG.entries[511] + b"x"])
    for spoilt in (
        b"",
        whole[:-1],
        whole + b"x",
        b"\0\x21" + whole[2:],
        longer,
        whole * 2,
        bytes(len(whole)),
    ):
        path.write_bytes(spoilt)
        copy = read(str(mirror))
        assert copy.size == 256 and "tile/entries/001" in copy.flaws[0]
        assert ": The file tile/entries/001" in check(copy, now=0).sentence


def test_a_damaged_checkpoint_is_reported_by_the_check(mirror: Path) -> None:
    (mirror / "checkpoint").write_bytes(b"x" + LONG.checkpoint()[1:-1])
    assert "The checkpoint does not hold" in check(read(str(mirror)), now=0).sentence


def test_a_log_that_is_too_large_is_refused(mirror: Path) -> None:
    (mirror / "checkpoint").write_bytes(made.signed(tlog.Checkpoint(made.ORIGIN, 2**62, bytes(32))))
    assert "more than can be checked" in refused(str(mirror))
    (mirror / "checkpoint").write_bytes(b"x" * 65_537)
    assert "longer than a" in refused(str(mirror))


def test_for_other_files_the_sentence_names_the_right_command(tmp_path: Path) -> None:
    files = {
        "b.zip.age": (b"age-encryption.org/v1\n", "age -d -i KEYFILE -o b.zip"),
        "armored": (b"-----BEGIN AGE ENCRYPTED FILE-----\n", "age -d -i KEYFILE -o bundle.zip"),
        "x.tlog-proof": (LONG.proof(3), "--proof"),
        "email.txt": (LONG.checkpoint(), "--checkpoint"),
        "empty": (b"", "is not a bundle"),
    }
    for name, (data, said) in files.items():
        (tmp_path / name).write_bytes(data)
        assert said in refused(str(tmp_path / name))
    assert "`checkpoint` is missing" in refused(str(tmp_path))
    assert "There is no" in refused(str(tmp_path / "nothing"))
    with pytest.raises(CannotCheck, match="no name of a file"):
        read("a\0b")


def test_an_empty_name_is_not_the_folder_that_one_is_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As from an empty shell variable."""
    LONG.write_tiles(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert read(".") == LONG.copy()
    with pytest.raises(CannotCheck, match="Nothing was named"):
        read("")
