"""Surges: networks and small email domains from which very many try to sign within one hour. They are never stored.

Public processes keep them in memory for a day. A network is in clear only from the attempt on that makes it a surge;
before, it is counted under a keyed hash like all others. The desk asks each process over a socket in the folder of the
running server, which no other user may enter.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sabal.limits.networks import HOUR

HOURS = 24
MOST = 200  # surges that a process remembers of one hour
MOST_BYTES = 1 << 20  # of the answer of one process
SECONDS = 0.5  # within which a process must answer
NETWORK, DOMAIN = "network", "domain"


@dataclass(frozen=True, order=True)
class Surge:
    """At least `number` attempts to sign one petition within the hour that began at `hour` (Unix time, seconds)."""

    hour: int
    number: int
    kind: str
    value: str


class Surges:
    """The surges that one process noticed."""

    def __init__(self) -> None:
        self._hours: deque[tuple[int, Counter[tuple[str, str, str]]]] = deque(maxlen=HOURS)

    def note(self, slug: str, kind: str, value: str, now: float, since: int) -> None:
        """Count one attempt that is part of a surge. The `since` attempts before it were counted under a hash."""
        hour = int(now) // HOUR * HOUR
        if not self._hours or self._hours[-1][0] < hour:
            self._hours.append((hour, Counter()))
        counts, key = self._hours[-1][1], (slug, kind, value)
        if key in counts or len(counts) < MOST:
            counts[key] = counts.get(key, since) + 1

    def as_json(self, now: float) -> bytes:
        """Return the surges of the last day."""
        found = [
            (slug, hour, number, kind, value)
            for hour, counts in self._hours
            if hour > now - HOURS * HOUR
            for (slug, kind, value), number in counts.items()
        ]
        return json.dumps(found).encode()


async def answer(folder: Path, surges: Surges, clock: Callable[[], float]) -> asyncio.Server | None:
    """Serve the surges on a new socket in that folder. Return None if there is no such folder."""

    async def tell(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            writer.write(surges.as_json(clock()))
            await writer.drain()
            writer.close()

    with suppress(OSError), _short(folder) as short:
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(f"{short}/surges-{os.getpid()}")
        return await asyncio.start_unix_server(tell, sock=listening)
    return None


def ask(folder: Path, slug: str) -> list[Surge] | None:
    """Return the surges of a petition that the processes of this machine noticed, the newest first.

    None: no process can be asked, as the desk runs as another user or on another machine.
    """
    total: Counter[tuple[int, str, str]] = Counter()
    asked = False
    with suppress(OSError), _short(folder) as short:
        for file in sorted(folder.glob("surges-*")):
            with suppress(OSError, ValueError, TypeError):  # one that was killed leaves its socket
                for of, hour, number, kind, value in json.loads(_read(f"{short}/{file.name}")):
                    if of == slug:
                        total[int(hour), str(kind), str(value)] += int(number)
                asked = True
    found = (Surge(hour, number, kind, value) for (hour, kind, value), number in total.items())
    return sorted(found, reverse=True) if asked else None


def _read(path: str) -> bytes:
    with socket.socket(socket.AF_UNIX) as asking:
        asking.settimeout(SECONDS)
        asking.connect(path)
        data = b""
        while len(data) < MOST_BYTES and (piece := asking.recv(65_536)):
            data += piece
        return data


@contextmanager
def _short(folder: Path) -> Iterator[str]:
    """Yield another name of a folder, as the path of a socket may have 107 bytes only."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        here = Path(f"/proc/self/fd/{opened}")
        yield str(here if here.is_dir() else folder)
    finally:
        os.close(opened)
