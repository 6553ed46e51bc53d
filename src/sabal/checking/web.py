"""Read a log over https, without following redirects, with a limit on the length and time of each answer."""

import re
import time
import urllib.error
import urllib.request
from http.client import HTTPException, HTTPResponse
from ipaddress import ip_address
from typing import Any
from urllib.parse import SplitResult, urlsplit

import tlog
from sabal.checking.copy import MOST_NOTE, CannotCheck, LogCopy, Progress
from sabal.checking.report import plain
from sabal.checking.tiled import Get, read_tiled

SILENCE, PATIENCE = 20.0, 120.0
"""The longest wait in seconds for the next byte of an answer, and for its last."""
PAUSES = (0.5, 3.0)
"""Seconds before each retry of a request."""

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8}){0,3}", re.ASCII)
_ABSENT, _TEMPORARY = (404, 410), (429, 500, 502, 503, 504)
_CHUNK = 1 << 14


def read_url(url: str, progress: Progress) -> LogCopy:
    """Read the log at `url`, which is the petition's page or the log's own prefix. Raise `CannotCheck` if it fails."""
    return read_tiled(files_at(find_log(url)), progress)


def find_log(url: str) -> str:
    """Return the prefix of a log. `url` is the log or the petition's page. Raise `CannotCheck` if there is none."""
    address = _address(url)
    opener = _opener(address)
    tried = candidates(address)
    refused: list[_RefusedByServer] = []
    for prefix in tried:
        try:
            if _has_log(_getter(opener, prefix)):
                return prefix
        except _RefusedByServer as error:
            refused.append(error)  # the log may be at the next address; if not, report the first refusal
    if refused:
        raise refused[0]
    urls = ", ".join(f"{prefix}/checkpoint" for prefix in tried)
    raise CannotCheck(f"No log was found there. Tried {urls}. Give the address of the petition's page.")


def files_at(prefix: str) -> Get:
    """Return a function that reads the files below an address, with retries. Both raise `CannotCheck`."""
    return _with_retries(_getter(_opener(_address(prefix)), prefix))


def candidates(address: SplitResult) -> list[str]:
    """Return the possible addresses of the log, likeliest first.

    A page has its language before the slug; a log has not.
    """
    base = f"{address.scheme}://{address.netloc}"
    parts = [part for part in address.path.split("/") if part]
    whole = "/".join([base, *parts])
    found = [whole, f"{whole}/log"] if parts and parts[-1] == "log" else [f"{whole}/log", whole]
    if len(parts) > 1 and _LANGUAGE.fullmatch(parts[-2]) and parts[-1] != "log":
        found.insert(0, "/".join([base, *parts[:-2], parts[-1], "log"]))
    return found


def _address(url: str) -> SplitResult:
    """Return the address in parts. Raise `CannotCheck` if it must not be requested.

    Plain http is allowed for this machine and for onion services, which need no certificate.
    """
    try:
        address = urlsplit(url)
        host = address.hostname or ""
        _ = address.port
    except ValueError:
        host = ""
    if not host or not url.isascii() or any(c <= " " or c == "\x7f" for c in url) or "@" in address.netloc:
        raise CannotCheck("This web address cannot be used. It should read https://host/petition.")
    if address.scheme != "https" and not (address.scheme == "http" and _needs_no_tls(host)):
        raise CannotCheck("A log is read over https. Begin the address with https://.")
    return address


def _needs_no_tls(host: str) -> bool:
    return host.endswith(".onion") or _is_here(host)


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


class _RefusedByServer(CannotCheck):
    """The server answered with a status that is an error and not temporary."""


class _TryLater(CannotCheck):
    """There was no answer, or a temporary error: the request can be repeated."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Do not follow redirects: treat them as errors, like any other status."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _opener(address: SplitResult) -> urllib.request.OpenerDirector:
    # Proxies of the environment, such as Tor, are for other hosts, not for this machine.
    here = [urllib.request.ProxyHandler({})] if _is_here(address.hostname or "") else []
    opener = urllib.request.build_opener(_NoRedirect, *here)
    opener.addheaders = [("User-Agent", "sabal-verify")]
    return opener


def _getter(opener: urllib.request.OpenerDirector, prefix: str) -> Get:
    def get(path: str, limit: int) -> bytes | None:
        url = f"{prefix}/{path}"
        try:
            with opener.open(url, timeout=SILENCE) as response:
                if response.status != 200:
                    raise _RefusedByServer(f"{url} was answered with status {response.status}.")
                return _body(response, limit, time.monotonic() + PATIENCE)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code in _ABSENT:
                return None
            raise _refusal(url, error.code) from None
        except (OSError, HTTPException, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            raise _TryLater(f"{url} could not be read ({plain(str(reason))}). Try again later.") from None

    return get


def _refusal(url: str, status: int) -> CannotCheck:
    if status in _TEMPORARY:
        return _TryLater(f"{url} was answered with status {status}. Try again later.")
    elsewhere = ", which leads elsewhere. Give the address that it leads to" if status // 100 == 3 else ""
    return _RefusedByServer(f"{url} was answered with status {status}{elsewhere}.")


def _with_retries(get: Get) -> Get:
    """Repeat a request after a temporary error. Among thousands, one may fail by chance or exceed a rate limit."""

    def get_again(path: str, limit: int) -> bytes | None:
        for pause in PAUSES:
            try:
                return get(path, limit)
            except _TryLater:
                time.sleep(pause)
        return get(path, limit)

    return get_again


def _body(response: HTTPResponse, limit: int, until: float) -> bytes:
    """Return the answer's bytes, at most `limit` + 1.

    Raise `TimeoutError` after the time `until`, and `HTTPException` if the answer is shorter than it says.
    """
    data = bytearray()
    while len(data) <= limit:
        if time.monotonic() > until:
            raise TimeoutError("it took too long")
        piece = response.read1(min(_CHUNK, limit + 1 - len(data)))
        if not piece:
            break
        data += piece
    if len(data) <= limit and response.length:
        raise HTTPException("the answer was cut off")
    return bytes(data)


def _has_log(get: Get) -> bool:
    """Return whether a checkpoint is served here. Some sites answer unknown paths with a page and status 200."""
    try:
        data = get("checkpoint", MOST_NOTE)
        tlog.checkpoint.peek(data or b"")
    except tlog.TlogError:
        return False
    return True
