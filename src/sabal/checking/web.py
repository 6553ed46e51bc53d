"""A log from the web: by https, without a single redirect, each answer bounded in length and time."""

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
"""Seconds until an answer's next byte, and until its last."""
PAUSES = (0.5, 3.0)
"""Seconds before a request is made again."""

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z]{2,8})?", re.ASCII)
_ABSENT, _LATER = (404, 410), (429, 500, 502, 503, 504)
_CHUNK = 1 << 14


def read_url(url: str, progress: Progress) -> LogCopy:
    """Read the log at `url`, which is the petition's page or the log's own prefix. Raises CannotCheck."""
    return read_tiled(files_at(find_log(url)), progress)


def find_log(url: str) -> str:
    """The prefix of the log of a petition's page, or of the log itself. Raises CannotCheck."""
    address = _address(url)
    opener = _opener(address)
    tried = candidates(address)
    refused: list[_Refused] = []
    for prefix in tried:
        try:
            if _has_log(_getter(opener, prefix)):
                return prefix
        except _Refused as error:
            refused.append(error)  # it may stand at the next place, and else this is the best there is to say
    if refused:
        raise refused[0]
    places = ", ".join(f"{prefix}/checkpoint" for prefix in tried)
    raise CannotCheck(f"No log was found there. Tried {places}. Give the address of the petition's page.")


def files_at(prefix: str) -> Get:
    """How the files below an address are read, with patience. Raises CannotCheck, as what it gives does."""
    return _patient(_getter(_opener(_address(prefix)), prefix))


def candidates(address: SplitResult) -> list[str]:
    """Where the log of a page can be, likeliest first: a page has its language before the slug, a log has not."""
    base = f"{address.scheme}://{address.netloc}"
    parts = [part for part in address.path.split("/") if part]
    whole = "/".join([base, *parts])
    found = [whole, f"{whole}/log"] if parts and parts[-1] == "log" else [f"{whole}/log", whole]
    if len(parts) > 1 and _LANGUAGE.fullmatch(parts[-2]) and parts[-1] != "log":
        found.insert(0, "/".join([base, *parts[:-2], parts[-1], "log"]))
    return found


def _address(url: str) -> SplitResult:
    """The address in parts. Plain http is for this machine and for onion services, which need no certificate."""
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


class _Refused(CannotCheck):
    """The server answers, and does not give this."""


class _Later(CannotCheck):
    """No answer, or one that says to come back."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Who is sent elsewhere does not go: the answer then is an error as any other."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _opener(address: SplitResult) -> urllib.request.OpenerDirector:
    # The environment's proxies lead out, to Tor for instance; never from here to here.
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
                    raise _Refused(f"{url} was answered with status {response.status}.")
                return _body(response, limit, time.monotonic() + PATIENCE)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code in _ABSENT:
                return None
            raise _refusal(url, error.code) from None
        except (OSError, HTTPException, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            raise _Later(f"{url} could not be read ({plain(str(reason))}). Try again later.") from None

    return get


def _refusal(url: str, status: int) -> CannotCheck:
    if status in _LATER:
        return _Later(f"{url} was answered with status {status}. Try again later.")
    elsewhere = ", which leads elsewhere. Give the address that it leads to" if status // 100 == 3 else ""
    return _Refused(f"{url} was answered with status {status}{elsewhere}.")


def _patient(get: Get) -> Get:
    """Of thousands of requests one may fail by chance, or come too soon after the others."""

    def get_again(path: str, limit: int) -> bytes | None:
        for pause in PAUSES:
            try:
                return get(path, limit)
            except _Later:
                time.sleep(pause)
        return get(path, limit)

    return get_again


def _body(response: HTTPResponse, limit: int, until: float) -> bytes:
    """The answer's bytes, one more than `limit` at most. Raises TimeoutError, and HTTPException on a short one."""
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
    """Whether a checkpoint is served here, rather than a page that says that nothing was found."""
    try:
        data = get("checkpoint", MOST_NOTE)
        tlog.checkpoint.peek(data or b"")
    except tlog.TlogError:
        return False
    return True
