"""The way to Django: a WSGI application on a few long-lived threads, with a bounded wait.

Nothing of the client reaches Django but the canonical path, the method and a form's body: the environ is made
here, from the base URL. So a view cannot by mistake show one reader's cookie, query or language to the next.
The application comes in as an argument, because the door itself never imports Django.
"""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from sabal.http import Response

THREADS = 8
WAITING = 64  # pages beside those at work; who comes when so many wait already is told so at once
# Forms each hold a place of the door (app.IN_FLIGHT) meanwhile: those for Django must leave most to signing.
POSTS = 6  # at work; fewer than threads, for they may wait for the database and pages must not wait for them
AGAIN = 16  # refused forms, shown again: at work or waiting, and soon done
WAIT = 2.0  # seconds for a free thread
LONGEST = 30.0  # seconds for an answer; the thread stays taken until its view ends

Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


class Busy(Exception):
    """No thread came free in time, or the view took too long."""


@dataclass(slots=True)
class Lane:
    """How many of one kind are here, at work or waiting, and how many may be."""

    most: int
    taken: int = 0


class Django:
    """One WSGI application behind a bounded pool. One per process."""

    def __init__(
        self,
        application: Application,
        base_url: str,
        *,
        threads: int = THREADS,
        wait: float = WAIT,
        longest: float = LONGEST,
        waiting: int = WAITING,
    ) -> None:
        self._application = application
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="django")
        self._free = asyncio.Semaphore(threads)
        self._wait, self._longest = wait, longest
        self._pages, self._posts, self._again = Lane(threads + waiting), Lane(POSTS), Lane(AGAIN)
        self._common = common_environ(base_url)

    async def render(
        self,
        path: str,
        *,
        method: str = "GET",
        body: bytes = b"",
        content_type: str | None = None,
        extra: Mapping[str, object] | None = None,
    ) -> Response:
        """The answer of Django's view for ``path``, whole; raises Busy, and whatever the application raises.

        ``extra`` is merged into the environ: its objects stand in ``request.META`` ("sabal.form", …).
        """
        lane = self._posts if method == "POST" else self._again if extra else self._pages
        await self._enter(lane)
        environ = self._environ(path, method, body, content_type)
        environ.update(extra or {})
        try:
            call = asyncio.get_running_loop().run_in_executor(self._threads, self._call, environ)
        except BaseException:
            self._leave(lane)
            raise
        # Not before the view has ended: a thread still working is not free, whoever has stopped listening.
        call.add_done_callback(lambda _: self._leave(lane))
        try:
            async with asyncio.timeout(self._longest):
                found = await asyncio.shield(call)
        except TimeoutError:
            raise Busy from None
        if isinstance(found, Exception):
            raise found
        return found

    async def _enter(self, lane: Lane) -> None:
        if lane.taken >= lane.most:
            raise Busy
        lane.taken += 1
        try:
            async with asyncio.timeout(self._wait):
                await self._free.acquire()
        except BaseException as error:
            lane.taken -= 1
            if isinstance(error, TimeoutError):
                raise Busy from None
            raise

    def _leave(self, lane: Lane) -> None:
        lane.taken -= 1
        self._free.release()

    def _environ(self, path: str, method: str, body: bytes, content_type: str | None) -> Environ:
        environ = dict(self._common)
        environ["REQUEST_METHOD"] = method
        environ["PATH_INFO"] = path.encode().decode("latin-1")
        environ["wsgi.input"] = io.BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body))
        if content_type is not None:
            environ["CONTENT_TYPE"] = content_type
        return environ

    def _call(self, environ: Environ) -> Response | Exception:
        try:
            return self._answer(environ)
        except Exception as error:
            # As a value: an exception in a future that nobody asks for is printed by asyncio, text and all.
            return error

    def _answer(self, environ: Environ) -> Response:
        status = 500
        headers: list[tuple[bytes, bytes]] = []

        def start_response(
            line: str,
            given: list[tuple[str, str]],
            exc_info: tuple[type[BaseException], BaseException, TracebackType] | None = None,
        ) -> Callable[[bytes], None]:
            nonlocal status, headers
            status = int(line[:3])
            headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in given]
            return written.append

        written: list[bytes] = []
        answer = self._application(environ, start_response)
        try:
            written.extend(answer)
        finally:
            # Django's request_finished is sent by close(): it is what returns or drops database connections.
            close = getattr(answer, "close", None)
            if close is not None:
                close()
        return Response(status, headers, b"".join(written))

    def close(self) -> None:
        """Lets the threads end; nothing more is taken."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def common_environ(base_url: str) -> Environ:
    """The part of a WSGI environ (PEP 3333) that is the same for all requests: the house's own address."""
    base = urlsplit(base_url)
    port = base.port or (443 if base.scheme == "https" else 80)
    return {
        "SCRIPT_NAME": "",
        "QUERY_STRING": "",
        "SERVER_NAME": base.hostname or "localhost",
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": base.netloc,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": base.scheme,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }


_django: Django | None = None


def install(django: Django | None) -> None:
    """Makes it the process's one way to Django."""
    global _django
    _django = django


async def render(
    path: str,
    *,
    method: str = "GET",
    body: bytes = b"",
    content_type: str | None = None,
    extra: Mapping[str, object] | None = None,
) -> Response:
    """`Django.render` of the process's one."""
    if _django is None:
        raise RuntimeError("no way to Django has been installed in this process")
    return await _django.render(path, method=method, body=body, content_type=content_type, extra=extra)
