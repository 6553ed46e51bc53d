"""Measure whole journeys: the page, the form, the link of the email, the button, the receipt."""

import asyncio
import secrets
import threading
from collections import Counter
from dataclasses import dataclass, field

import uvloop

from bench import client
from bench.emails import Outbox
from bench.server import LANGUAGE, Server
from bench.stage import Stage
from bench.table import Line

SIGNERS = 64  # at a time
POLL_EVERY = 0.02  # seconds between two reads of the outbox


def journeys(stage: Stage) -> list[Line]:
    """Measure journeys a second. The emails are read from the outbox and deleted, as the worker would."""
    server = stage.server()
    found = stage.median_of_runs(lambda: rate(server, 2 * stage.plan.seconds))
    beside = f"{SIGNERS} signers at a time, 5 requests each; emails read from the outbox"
    return [
        Line(
            "journeys (page → sign → confirm page → confirm → receipt)",
            "≥ 500/s",
            f"{found:,.0f}/s",
            beside,
            found >= 500,
        )
    ]


def rate(server: Server, seconds: float) -> float:
    """Return journeys a second on an emptied server. Raise RuntimeError if one ended early."""
    server.empty()
    crowd = _Crowd(server, seconds)
    uvloop.run(crowd.run())
    if crowd.lost:
        raise RuntimeError(f"journeys that ended early: {dict(crowd.lost)}")
    return crowd.arrived / seconds


@dataclass
class _Crowd:
    """Signers that repeat the journey until the time is over."""

    server: Server
    seconds: float
    arrived: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    links: dict[str, "asyncio.Future[str]"] = field(default_factory=dict)

    async def run(self) -> None:
        self.path, self.version, self.prefix = (
            self.server.page_path(),
            self.server.version(),
            secrets.token_hex(4),
        )
        stop = threading.Event()
        reader = threading.Thread(target=self._read, args=(stop, asyncio.get_running_loop()), daemon=True)
        reader.start()
        signers = [asyncio.create_task(self._sign_on(number)) for number in range(SIGNERS)]
        await asyncio.sleep(self.seconds)
        for signer in signers:
            signer.cancel()
        await asyncio.gather(*signers, return_exceptions=True)
        stop.set()
        await asyncio.to_thread(reader.join, 10)

    async def _sign_on(self, number: int) -> None:
        connection = await client.connect(self.server.port)
        for turn in range(1_000_000):
            if wrong := await self._journey(connection, client.email_address(self.prefix, number, turn)):
                self.lost[wrong] += 1
                return
            self.arrived += 1

    async def _journey(self, connection: client.Connection, address: str) -> str:
        """Make one journey. Return the step that failed, or an empty text."""
        status, _, _ = await connection.get(client.get(self.path))
        if status != 200:
            return f"page {status}"
        link = self.links[address] = asyncio.get_running_loop().create_future()
        status, _, _ = await connection.get(client.form(self.path, self.version, address))
        if status != 303:
            return f"sign {status}"
        # Not `wait_for`: in Python 3.11 it loses a cancellation that comes together with the link, and never ends.
        async with asyncio.timeout(10):
            token = await link
        del self.links[address]
        for request, expected in (
            (client.get(f"/{LANGUAGE}/confirm/{token}"), 200),
            (client.post(f"/{LANGUAGE}/confirm/{token}"), 303),
            (client.get(f"/{LANGUAGE}/signature/{token}"), 200),
        ):
            status, _, _ = await connection.get(request)
            if status != expected:
                return f"{request.split(b'/')[2].decode()} {status}"
        return ""

    def _read(self, stop: threading.Event, loop: asyncio.AbstractEventLoop) -> None:
        database = self.server.connect()
        outbox = Outbox(database, self.server.keys())
        try:
            while not stop.wait(POLL_EVERY):
                if found := outbox.read(500, take=True):
                    loop.call_soon_threadsafe(self._deliver, found)
        finally:
            database.close()

    def _deliver(self, emails: list[tuple[str, str]]) -> None:
        for address, token in emails:
            link = self.links.get(address)
            if link is not None and not link.done():
                link.set_result(token)
