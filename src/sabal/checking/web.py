"""A log from the web: by https, without a single redirect, each answer bounded in length and time."""

import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException, HTTPResponse
from ipaddress import ip_address
from typing import Any, TypeVar
from urllib.parse import SplitResult, urlsplit

import tlog
from sabal.checking.copy import MOST_NOTE, CannotCheck, LogCopy, Progress
from sabal.checking.tiled import Get, read_tiled

AT_ONCE = 8
SILENCE, PATIENCE = 20.0, 120.0
"""Seconds until an answer's next byte, and until its last."""

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z]{2,8})?", re.ASCII)
_CHUNK = 1 << 14
_In = TypeVar("_In")
_Out = TypeVar("_Out")


def read_url(url: str, progress: Progress) -> LogCopy:
    """Read the log at `url`, which is the petition's page or the log's own prefix. Raises CannotCheck."""
    address = _address(url)
    opener = _opener(address)
    tried = candidates(address)
    refused: list[_Refused] = []
    for prefix in tried:
        get = _getter(opener, prefix)
        try:
            if _has_log(get):
                return _read_at_once(get, progress)
        except _Refused as error:
            refused.append(error)  # it may stand at the next place, and else this is the best there is to say
    if refused:
        raise refused[0]
    places = ", ".join(f"{prefix}/checkpoint" for prefix in tried)
    raise CannotCheck(f"No log was found there; tried {places}. Give the address of the petition's page.")


def _read_at_once(get: Get, progress: Progress) -> LogCopy:
    with ThreadPoolExecutor(AT_ONCE) as pool:

        def each(function: Callable[[_In], _Out], items: Iterable[_In]) -> Iterator[_Out]:
            return pool.map(function, items)

        try:
            return read_tiled(get, progress, each)
        finally:
            pool.shutdown(cancel_futures=True)


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
        raise CannotCheck("This is no web address that can be asked: it should read https://host/petition.")
    if address.scheme != "https" and not (address.scheme == "http" and _needs_no_tls(host)):
        raise CannotCheck("A log is read by https: begin the address with https://.")
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
            if error.code in (404, 410):
                return None
            elsewhere = (
                ", which leads elsewhere: give the address that it leads to" if error.code // 100 == 3 else ""
            )
            raise _Refused(f"{url} was answered with status {error.code}{elsewhere}.") from None
        except (OSError, HTTPException, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            raise CannotCheck(f"{url} could not be read ({reason}). Try again later.") from None

    return get


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
