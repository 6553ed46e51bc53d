"""kill -9 at any moment under load, and an auditor who was told "303" and holds the house to it."""

import asyncio
import contextlib
import random
import secrets
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count, islice
from urllib.parse import unquote

import uvloop

from bench import client
from bench.letters import Folder, Outbox
from bench.server import LANGUAGE, Server
from bench.stage import Stage
from bench.table import Line
from sabal import token
from sabal.database import Database
from sabal.records import export

SIGNERS, CONFIRMERS = 32, 4
OPENED = 200  # sealed records that are opened with the organiser's key at each audit
LOOK_EVERY = 0.1  # seconds between two looks into the mailboxes


def kill(stage: Stage) -> list[Line]:
    """Kills a house again and again; what it had promised must be there each time."""
    stage.rest()
    server = stage.place.new_server("killed")
    auditor, plan = Auditor(server), stage.plan
    server.start(mail=True)
    found = Audit()
    for turn in range(plan.kills):
        auditor.load_and_kill(random.uniform(0.3, 1.0) * plan.seconds)
        server.start(mail=True, workers=1 + turn % 2)
        found = auditor.audit()
        if not found.good:
            break
    server.stop()
    lost = f"{len(found.signatures)} signatures, {len(found.letters)} letters, {len(found.confirmations)} confirmations"
    beside = f"{plan.kills} kills; {auditor.promised}; {found.repeated} letters repeated"
    if not (auditor.signed and auditor.confirmed):
        raise RuntimeError("nothing was answered with 303 before the kill: nothing was audited")
    return [
        Line("lost by kill -9 under load", "nothing; at most a repeated letter", lost, beside, found.good)
    ]


@dataclass
class Audit:
    """What the auditor misses, by address, row or token; and what came twice, which is allowed."""

    signatures: list[str] = field(default_factory=list)  # addresses that were told 303
    letters: list[bytes] = field(default_factory=list)  # pending rows whose letter neither waits nor was sent
    confirmations: list[str] = field(default_factory=list)  # tokens that were told 303
    repeated: int = 0

    @property
    def good(self) -> bool:
        return not (self.signatures or self.letters or self.confirmations)


@dataclass
class Auditor:
    """Signs, confirms by the letters that come, writes down every 303, and looks for each of them afterwards."""

    server: Server
    signed: set[str] = field(default_factory=set)  # addresses
    confirmed: set[str] = field(default_factory=set)  # tokens
    mailed: dict[str, list[tuple[str, str]]] = field(default_factory=dict)  # address → (token, Message-ID)
    tokens: dict[str, set[bytes]] = field(
        default_factory=dict
    )  # address → token hashes, as of the last audit
    _folder: Folder | None = None

    @property
    def promised(self) -> str:
        return f"{len(self.signed):,} signatures and {len(self.confirmed):,} confirmations were answered with 303"

    # ---- load -----------------------------------------------------------------------------------------------------

    def load_and_kill(self, after: float) -> None:
        """Loads the house until, `after` seconds, all its processes are killed at once."""
        uvloop.run(self._load_and_kill(after))

    async def _load_and_kill(self, after: float) -> None:
        links: asyncio.Queue[str] = asyncio.Queue()
        path, version = self.server.page_path(), self.server.version()
        tasks = [asyncio.create_task(self._sign(path, version)) for _ in range(SIGNERS)]
        tasks += [asyncio.create_task(self._confirm(links)) for _ in range(CONFIRMERS)]
        tasks.append(asyncio.create_task(self._open_mail(links)))
        await asyncio.sleep(after)
        await asyncio.to_thread(self.server.kill)
        await asyncio.sleep(0.2)  # what was answered before the end is still being read
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _sign(self, path: str, version: str) -> None:
        prefix = secrets.token_hex(6)
        connection = await client.connect(self.server.port)
        for number in count():
            address = f"suzie.{prefix}.{number}@mail.example.org"
            status, _, _ = await connection.get(client.form(path, version, address))
            if status == 303:
                self.signed.add(address)
            if not connection.reusable:
                return

    async def _confirm(self, links: "asyncio.Queue[str]") -> None:
        connection = await client.connect(self.server.port)
        while connection.reusable:
            link = await links.get()
            status, head, _ = await connection.get(client.post(f"/{LANGUAGE}/confirm/{link}"))
            if status == 303 and f"/signature/{link}" in unquote(head.decode("latin-1")):
                self.confirmed.add(link)

    async def _open_mail(self, links: "asyncio.Queue[str]") -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY)
            for address, link in self._read_mail(100):
                if hash(address) % 2:  # the others stay pending
                    links.put_nowait(link)

    def _read_mail(self, most: int | None = None) -> list[tuple[str, str]]:
        """(address, token) of letters that have come since the last time."""
        self._folder = self._folder or Folder(self.server.data / "mail")
        found = []
        for address, link, message_id in islice(self._folder.fresh(), most):
            self.mailed.setdefault(address, []).append((link, message_id))
            found.append((address, link))
        return found

    # ---- audit ----------------------------------------------------------------------------------------------------

    def audit(self) -> Audit:
        """Looks for everything that was promised. The house may run meanwhile, with nobody signing."""
        database = self.server.connect()
        try:
            pending, signatures = _hashes(database, "signing_pending"), _hashes(database, "signing_signature")
            kept = pending | signatures | _hashes(database, "signing_access")
            # The outbox before the mailboxes: a letter is sent first and its row goes after, so none slips through.
            waiting = Outbox(database, self.server.keys()).read()
            with contextlib.suppress(FileNotFoundError):
                self._read_mail()
            tokens = self.tokens = self._tokens(waiting)
            known = {h for hashes in tokens.values() for h in hashes}
            return Audit(
                signatures=sorted(a for a in self.signed if not tokens.get(a, set()) & kept)
                + self._wrongly_sealed(database, tokens),
                letters=sorted(pending - known),
                confirmations=sorted(t for t in self.confirmed if _hash(t) not in signatures),
                repeated=self._repeated(waiting),
            )
        finally:
            database.close()

    def _tokens(self, waiting: Iterable[tuple[str, str]]) -> dict[str, set[bytes]]:
        found: dict[str, set[bytes]] = {}
        for address, link in waiting:
            found.setdefault(address, set()).add(_hash(link))
        for address, letters in self.mailed.items():
            found.setdefault(address, set()).update(_hash(link) for link, _ in letters)
        return found

    def _wrongly_sealed(self, database: Database, tokens: dict[str, set[bytes]]) -> list[str]:
        """Of some who were told 303: those whose sealed record is gone, or is not theirs."""
        identity, wrong = [self.server.identity()], []
        for address in random.sample(sorted(self.signed), min(OPENED, len(self.signed))):
            opened = [
                export.open_record(sealed, commitment, identity)
                for commitment, sealed in _records(database, tokens.get(address, set()))
            ]
            if not any(one.checked and one.fields["email"] == address for one in opened):
                wrong.append(address)
        return wrong

    def _repeated(self, waiting: Iterable[tuple[str, str]]) -> int:
        """Letters that came twice, and those that will: sent already, and their row still there."""
        sent = Counter(message_id for letters in self.mailed.values() for _, message_id in letters)
        here = {link for letters in self.mailed.values() for link, _ in letters}
        return sum(n - 1 for n in sent.values()) + sum(1 for _, link in waiting if link in here)


def _hashes(database: Database, table: str) -> set[bytes]:
    return {bytes(row[0]) for row in database.query(f"SELECT token_hash FROM {table}")}


def _records(database: Database, hashes: set[bytes]) -> list[tuple[bytes, bytes]]:
    """The sealed records behind these token hashes, each after its commitment."""
    if not hashes:
        return []
    where, params = database.among("s.token_hash", sorted(hashes))
    rows = [
        row
        for table in ("signing_pending", "signing_signature")
        for row in database.query(
            f"SELECT s.commitment, e.body FROM {table} s JOIN signing_sealed e ON e.id = s.sealed_id WHERE {where}",
            params,
        )
    ]
    return [(bytes(commitment), bytes(body)) for commitment, body in rows]


def _hash(link: str) -> bytes:
    t = token.decode(link)
    if t is None:
        raise ValueError("no token")
    return token.digest(t)
