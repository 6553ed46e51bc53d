"""A copy from a folder, a bundle and the web is the same copy; what is no log is refused with a sentence."""

import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import tlog
from checking import made
from checking.web import Web, answer, cut_off, endless, redirect, web
from sabal.checking import web as over_http
from sabal.checking.check import check
from sabal.checking.copy import CannotCheck
from sabal.checking.reading import read

SIZES = (1, 2, 255, 256, 257, 65_536, 65_537)
LOG = made.log(600, amend=300)


@pytest.fixture(scope="module")
def logs() -> dict[int, made.Made]:
    whole = made.log(SIZES[-1])
    return {size: made.Made(whole.entries[:size], whole.manifests) for size in SIZES}


@pytest.fixture
def served() -> Iterator[Web]:
    with web() as one:
        yield one


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    return LOG.write_tiles(tmp_path / "mirror")


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
    copy = LOG.copy(show=LOG.signers[:3], sample={"seed": "x"})
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


def test_tiles_of_hashes_are_not_believed_for_they_are_not_read(mirror: Path) -> None:
    for path in (mirror / "tile" / "0").rglob("*"):
        if path.is_file():
            path.write_bytes(b"wrong")
    assert read(str(mirror)) == LOG.copy()


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
    assert read(served.url + page) == LOG.copy()


@pytest.mark.parametrize("prefix", ["", "/mirrors/of/trees", "/log", "/log/log"])
def test_a_log_may_lie_at_any_prefix(prefix: str, mirror: Path, served: Web) -> None:
    served.serve(prefix, mirror)
    assert read(served.url + prefix) == LOG.copy()


def test_the_likeliest_place_is_asked_first() -> None:
    places = [
        p.removeprefix("https://h.example")
        for p in over_http.candidates(urlsplit("https://h.example/ko/trees"))
    ]
    assert places == ["/trees/log", "/ko/trees/log", "/ko/trees"]


def test_a_page_that_answers_everything_is_no_log(mirror: Path, served: Web) -> None:
    served.files["/trees/log/checkpoint"] = b"<!doctype html>"
    served.serve("/en/trees/log", mirror)
    assert read(f"{served.url}/en/trees") == LOG.copy()


def test_the_full_bundle_serves_for_a_partial_one(mirror: Path, served: Web) -> None:
    served.serve("/trees/log", mirror)
    longer = made.log(800, amend=300)
    del served.files["/trees/log/tile/entries/002.p/88"]
    served.files["/trees/log/tile/entries/002"] = tlog.encode_bundle(longer.entries[512:768])
    assert read(f"{served.url}/trees") == LOG.copy()
    (mirror / "tile/entries/002.p/88").unlink()
    (mirror / "tile/entries/002").write_bytes(tlog.encode_bundle(longer.entries[512:768]))
    assert read(str(mirror)) == LOG.copy()


def test_progress_ends_at_the_whole_log(mirror: Path) -> None:
    seen: list[tuple[int, int]] = []
    read(str(mirror), lambda done, of: seen.append((done, of)))
    assert seen == [(256, 600), (512, 600), (600, 600)]


def test_bundles_are_fetched_at_once(mirror: Path, served: Web) -> None:
    served.serve("/trees/log", mirror)
    both = threading.Barrier(2, timeout=10)

    def together(name: str) -> None:
        path = f"/trees/log/tile/entries/{name}"
        body = served.files.pop(path)
        served.answers[path] = lambda request: (both.wait(), answer(request, 200, body))[1]  # type: ignore[func-returns-value]

    together("000")
    together("001")
    assert read(f"{served.url}/trees") == LOG.copy()


# What a server may do wrong


def refused(url: str) -> str:
    with pytest.raises(CannotCheck) as error:
        read(url)
    sentence = str(error.value)
    assert "\n" not in sentence
    return sentence


def test_no_redirect_is_followed(mirror: Path, served: Web) -> None:
    served.serve("/trees/log", mirror)
    served.serve("/elsewhere/log", mirror)
    for path in ("checkpoint", "policy", "tile/entries/001"):
        served.answers = {f"/trees/log/{path}": redirect(f"{served.url}/elsewhere/log/{path}")}
        assert "status 302, which leads elsewhere" in refused(f"{served.url}/trees")
    assert not any(path.startswith("/elsewhere") for path in served.asked)


@pytest.mark.parametrize("path", ["checkpoint", "policy"])
def test_an_endless_answer_is_not_read(path: str, mirror: Path, served: Web) -> None:
    served.serve("/trees/log", mirror)
    served.answers[f"/trees/log/{path}"] = endless
    refused(f"{served.url}/trees")


@pytest.mark.parametrize("path", ["tile/entries/001", "tile/entries/002.p/88"])
def test_an_endless_bundle_is_said_to_be_none(path: str, mirror: Path, served: Web) -> None:
    served.serve("/trees/log", mirror)
    served.answers[f"/trees/log/{path}"] = endless
    copy = read(f"{served.url}/trees")
    assert path in copy.flaws[0] and check(copy, now=0).problems[0] == copy.flaws[0]


def test_an_endless_manifest_is_said_to_be_another(mirror: Path, served: Web) -> None:
    served.serve("/trees/log", mirror)
    hash_ = list(LOG.manifests)[1]
    served.answers[f"/trees/log/manifests/{hash_.hex()}.json"] = endless
    assert "was changed" in check(read(f"{served.url}/trees"), now=0).problems[0]


def test_an_answer_that_was_cut_off_is_no_answer(mirror: Path, served: Web) -> None:
    served.serve("/trees/log", mirror)
    served.answers["/trees/log/tile/entries/001"] = cut_off(b"half")
    assert "cut off" in refused(f"{served.url}/trees")


def test_an_answer_that_drips_is_given_up(mirror: Path, served: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(over_http, "PATIENCE", 0.0)
    served.serve("/trees/log", mirror)
    assert "too long" in refused(f"{served.url}/trees")


@pytest.mark.parametrize("status", [204, 206, 403, 500, 503])
def test_any_other_status_is_said(status: int, mirror: Path, served: Web) -> None:
    served.serve("/trees/log", mirror)
    served.answers["/trees/log/tile/entries/001"] = lambda request: answer(request, status, b"")
    assert f"status {status}" in refused(f"{served.url}/trees")


def test_a_missing_manifest_is_for_the_check_to_say_and_a_missing_bundle_is_not(
    mirror: Path, served: Web
) -> None:
    served.serve("/trees/log", mirror)
    hash_ = list(LOG.manifests)[1]
    del served.files[f"/trees/log/manifests/{hash_.hex()}.json"]
    assert hash_ not in read(f"{served.url}/trees").manifests
    del served.files["/trees/log/tile/entries/001"]
    assert "tile/entries/001 is missing" in refused(f"{served.url}/trees")


def test_nobody_there(served: Web) -> None:
    assert "No log was found" in refused(f"{served.url}/en/trees")
    assert "could not be read" in refused("http://127.0.0.1:9/trees")


@pytest.mark.parametrize(
    "url",
    ["http://petition.example/trees", "ftp://petition.example/", "file:///etc/passwd", "https://", "https://a@b.example/",
     "https://b.example:99999/", "https://b.example/a b", "https://b.example/a\r\nHost: c", "https://b.éxample/", "://x",
     "http://127.0.0.1.example/x", "http://localhost.example/x", "https://[::1/x", "http://x.onion.example/"],
)  # fmt: skip
def test_addresses_that_are_not_asked(url: str) -> None:
    refused(url)


@pytest.mark.parametrize(
    "url", ["http://abc.onion/trees", "http://localhost/x", "http://[::1]:8000/x", "https://h.example"]
)
def test_addresses_that_may_be_asked(url: str) -> None:
    assert over_http._address(url).geturl() == url


# What may be wrong with files


def test_a_bundle_of_entries_that_is_none_is_a_flaw(mirror: Path) -> None:
    place = mirror / "tile/entries/001"
    whole = place.read_bytes()
    longer = tlog.encode_bundle([*LOG.entries[256:511], LOG.entries[511] + b"x"])
    for spoilt in (
        b"",
        whole[:-1],
        whole + b"x",
        b"\0\x21" + whole[2:],
        longer,
        whole * 2,
        bytes(len(whole)),
    ):
        place.write_bytes(spoilt)
        copy = read(str(mirror))
        assert copy.size == 256 and "tile/entries/001" in copy.flaws[0]
        assert check(copy, now=0).sentence.startswith("NOT OK: The file tile/entries/001")


def test_a_spoilt_checkpoint_of_a_mirror_is_for_the_check_to_say(mirror: Path) -> None:
    (mirror / "checkpoint").write_bytes(b"x" + LOG.checkpoint()[1:-1])
    assert "The checkpoint does not hold" in check(read(str(mirror)), now=0).sentence


def test_a_log_beyond_measure_is_refused(mirror: Path) -> None:
    (mirror / "checkpoint").write_bytes(made.signed(tlog.Checkpoint(made.ORIGIN, 2**62, bytes(32))))
    assert "more than can be checked" in refused(str(mirror))
    (mirror / "checkpoint").write_bytes(b"x" * 65_537)
    assert "longer than any" in refused(str(mirror))


def test_what_is_no_log_says_what_to_do(tmp_path: Path) -> None:
    files = {
        "b.zip.age": (b"age-encryption.org/v1\n", "age -d -i KEYFILE -o b.zip"),
        "armored": (b"-----BEGIN AGE ENCRYPTED FILE-----\n", "age -d -i KEYFILE -o bundle.zip"),
        "x.tlog-proof": (LOG.proof(3), "--proof"),
        "letter.txt": (LOG.checkpoint(), "--checkpoint"),
        "empty": (b"", "no bundle"),
    }
    for name, (data, said) in files.items():
        (tmp_path / name).write_bytes(data)
        assert said in refused(str(tmp_path / name))
    assert "`checkpoint` is missing" in refused(str(tmp_path))
    assert "There is no" in refused(str(tmp_path / "nothing"))
    refused("a\0b")
