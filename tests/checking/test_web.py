"""Whatever a server answers, the check ends with a sentence, and no answer is read without a limit."""

from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from checking.verdicts import LONG, refused
from checking.web import Web, answer, cut_off, endless, redirect
from sabal.checking import web as over_http
from sabal.checking.check import check
from sabal.checking.reading import read


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
def test_an_endless_bundle_is_a_flaw(path: str, mirror: Path, served: Web) -> None:
    served.serve("/trees/log", mirror)
    served.answers[f"/trees/log/{path}"] = endless
    copy = read(f"{served.url}/trees")
    assert path in copy.flaws[0] and check(copy, now=0).problems[0] == copy.flaws[0]


def test_an_endless_manifest_is_not_read_to_its_end(mirror: Path, served: Web) -> None:
    served.serve("/trees/log", mirror)
    hash_ = list(LONG.manifests)[1]
    served.answers[f"/trees/log/manifests/{hash_.hex()}.json"] = endless
    assert "longer than the limit" in refused(f"{served.url}/trees")


def test_a_truncated_answer_is_refused(mirror: Path, served: Web) -> None:
    served.serve("/trees/log", mirror)
    served.answers["/trees/log/tile/entries/001"] = cut_off(b"half")
    assert "cut off" in refused(f"{served.url}/trees")


def test_a_slow_answer_is_abandoned(mirror: Path, served: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(over_http, "PATIENCE", 0.0)
    served.serve("/trees/log", mirror)
    assert "too long" in refused(f"{served.url}/trees")


@pytest.mark.parametrize("status", [204, 206, 403, 500, 503])
def test_any_other_status_is_reported(status: int, mirror: Path, served: Web) -> None:
    served.serve("/trees/log", mirror)
    served.answers["/trees/log/tile/entries/001"] = lambda request: answer(request, status, b"")
    assert f"status {status}" in refused(f"{served.url}/trees")


def test_a_request_is_repeated_after_a_temporary_error(mirror: Path, served: Web) -> None:
    served.serve("/trees/log", mirror)
    path = "/trees/log/tile/entries/001"
    body = served.files[path]

    def late(request: BaseHTTPRequestHandler) -> None:
        first, second = served.asked.count(path) == 1, served.asked.count(path) == 2
        answer(request, 429 if first else 200, body, {"Content-Length": "20000"} if second else None)

    served.answers[path] = late
    assert read(f"{served.url}/trees") == LONG.copy() and served.asked.count(path) == 3


def test_an_answer_that_is_not_http_cannot_control_the_terminal(served: Web) -> None:
    served.answers["/trees/log/checkpoint"] = lambda request: request.wfile.write(b"\x1b[2J OK\r\n\r\n")
    assert "could not be read" in refused(f"{served.url}/trees")


def test_a_missing_bundle_is_refused_but_a_missing_manifest_is_left_to_the_check(
    mirror: Path, served: Web
) -> None:
    served.serve("/trees/log", mirror)
    hash_ = list(LONG.manifests)[1]
    del served.files[f"/trees/log/manifests/{hash_.hex()}.json"]
    assert hash_ not in read(f"{served.url}/trees").manifests
    del served.files["/trees/log/tile/entries/001"]
    assert "tile/entries/001 is missing" in refused(f"{served.url}/trees")


def test_a_missing_log_and_a_missing_server_are_reported(served: Web) -> None:
    assert "No log was found" in refused(f"{served.url}/en/trees")
    assert "could not be read" in refused("http://127.0.0.1:9/trees")


@pytest.mark.parametrize(
    "url",
    ["http://petition.example/trees", "ftp://petition.example/", "file:///etc/passwd", "https://", "https://a@b.example/",
     "https://b.example:99999/", "https://b.example/a b", "https://b.example/a\r\nHost: c", "https://b.éxample/", "://x",
     "http://127.0.0.1.example/x", "http://localhost.example/x", "https://[::1/x", "http://x.onion.example/"],
)  # fmt: skip
def test_unsafe_addresses_are_not_requested(url: str) -> None:
    refused(url)


@pytest.mark.parametrize(
    "url", ["http://abc.onion/trees", "http://localhost/x", "http://[::1]:8000/x", "https://h.example"]
)
def test_safe_addresses_are_requested(url: str) -> None:
    assert over_http._address(url).geturl() == url
