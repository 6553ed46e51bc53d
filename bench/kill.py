"""Kill a loaded server with kill -9 at random moments, and audit that everything answered with 303 is still there."""

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
from bench.emails import Folder, Outbox
from bench.server import LANGUAGE, Server
from bench.stage import Stage
from bench.table import Line
from sabal import token
from sabal.database import Database
from sabal.records import export

SIGNERS, CONFIRMERS = 32, 4
OPENED = 200  # sealed records to open with the organiser's key at each audit
POLL_EVERY = 0.1  # seconds between two reads of the folder of emails
WAIT_FOR_ENOUGH = 300  # tenths of a second, in which a busy machine confirms as many as asked for


def kill(stage: Stage) -> list[Line]:
    """Kill a server several times. After each kill everything that it promised must be there."""
    stage.stop()
    server = stage.workspace.new_server("killed")
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
    lost = f"{len(found.signatures)} signatures, {len(found.emails)} emails, {len(found.confirmations)} confirmations"
    beside = f"{plan.kills} kills; {auditor.promised}; {found.repeated} emails repeated"
    if not (auditor.signed and auditor.confirmed):
        raise RuntimeError("nothing was answered with 303 before the kill: nothing was audited")
    return [Line("lost by kill -9 under load", "nothing; at most a repeated email", lost, beside, found.good)]


@dataclass
class Audit:
    """The losses, by email address, row or token; and the number of repeated emails, which are allowed."""

    signatures: list[str] = field(default_factory=list)  # email addresses whose form was answered with 303
    emails: list[bytes] = field(default_factory=list)  # pending rows whose email neither waits nor was sent
    confirmations: list[str] = field(default_factory=list)  # tokens that were answered with 303
    repeated: int = 0

    @property
    def good(self) -> bool:
        return not (self.signatures or self.emails or self.confirmations)


@dataclass
class Auditor:
    """Sign, confirm by the emails, note every 303, and look for each of them afterwards."""

    server: Server
    signed: set[str] = field(default_factory=set)  # email addresses
    confirmed: set[str] = field(default_factory=set)  # tokens
    mailed: dict[str, list[tuple[str, str]]] = field(default_factory=dict)  # address → (token, Message-ID)
    tokens: dict[str, set[bytes]] = field(default_factory=dict)  # address → token hashes at the last audit
    _folder: Folder | None = None

    @property
    def promised(self) -> str:
        return f"{len(self.signed):,} signatures and {len(self.confirmed):,} confirmations were answered with 303"

    # ---- load -----------------------------------------------------------------------------------------------------

    def load_and_kill(self, after: float, enough: int = 0) -> None:
        """Load the server, then kill all its processes at once, after `after` seconds and `enough` confirmations."""
        uvloop.run(self._load_and_kill(after, enough))

    async def _load_and_kill(self, after: float, enough: int) -> None:
        links: asyncio.Queue[str] = asyncio.Queue()
        path, version = self.server.page_path(), self.server.version()
        tasks = [asyncio.create_task(self._sign(path, version)) for _ in range(SIGNERS)]
        tasks += [asyncio.create_task(self._confirm(links)) for _ in range(CONFIRMERS)]
        tasks.append(asyncio.create_task(self._open_mail(links)))
        await asyncio.sleep(after)
        for _ in range(WAIT_FOR_ENOUGH):
            if len(self.confirmed) >= enough:
                break
            await asyncio.sleep(0.1)
        await asyncio.to_thread(self.server.kill)
        await asyncio.sleep(0.2)  # answers sent before the kill are still being read
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _sign(self, path: str, version: str) -> None:
        prefix = secrets.token_hex(6)
        connection = await client.connect(self.server.port)
        for number in count():
            address = client.email_address(prefix, number)
            status, _, _ = await connection.get(client.form(path, version, address))
            if status == 303:
                self.signed.add(address)
            if not connection.reusable:
                return

    async def _confirm(self, links: "asyncio.Queue[str]") -> None:
        connection = await client.connect(self.server.port)
        while connection.reusable:
            link = await links.get()
            status, headers, _ = await connection.get(client.post(f"/{LANGUAGE}/confirm/{link}"))
            if status == 303 and f"/signature/{link}" in unquote(headers.decode("latin-1")):
                self.confirmed.add(link)

    async def _open_mail(self, links: "asyncio.Queue[str]") -> None:
        while True:
            await asyncio.sleep(POLL_EVERY)
            for address, link in self._read_mail(100):
                if hash(address) % 2:  # the others stay pending
                    links.put_nowait(link)

    def _read_mail(self, most: int | None = None) -> list[tuple[str, str]]:
        """Return (address, token) of the emails that arrived since the last call."""
        self._folder = self._folder or Folder(self.server.data / "mail")
        found = []
        for address, link, message_id in islice(self._folder.fresh(), most):
            self.mailed.setdefault(address, []).append((link, message_id))
            found.append((address, link))
        return found

    # ---- audit ----------------------------------------------------------------------------------------------------

    def audit(self) -> Audit:
        """Look for everything that was promised. The server may run, but nobody may sign."""
        database = self.server.connect()
        try:
            pending, signatures = _hashes(database, "signing_pending"), _hashes(database, "signing_signature")
            stored = pending | signatures | _hashes(database, "signing_access")
            # Read the outbox before the folder: an email is sent before its row is deleted, so none is missed.
            waiting = Outbox(database, self.server.keys()).read()
            with contextlib.suppress(FileNotFoundError):
                self._read_mail()
            tokens = self.tokens = self._tokens(waiting)
            known = {h for hashes in tokens.values() for h in hashes}
            return Audit(
                signatures=sorted(a for a in self.signed if not tokens.get(a, set()) & stored)
                + self._wrongly_sealed(database, tokens),
                emails=sorted(pending - known),
                confirmations=sorted(t for t in self.confirmed if _hash(t) not in signatures),
                repeated=self._repeated(waiting),
            )
        finally:
            database.close()

    def _tokens(self, waiting: Iterable[tuple[str, str]]) -> dict[str, set[bytes]]:
        found: dict[str, set[bytes]] = {}
        for address, link in waiting:
            found.setdefault(address, set()).add(_hash(link))
        for address, emails in self.mailed.items():
            found.setdefault(address, set()).update(_hash(link) for link, _ in emails)
        return found

    def _wrongly_sealed(self, database: Database, tokens: dict[str, set[bytes]]) -> list[str]:
        """Open some of the signed records. Return the addresses whose record is missing or is another's."""
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
        """Return how many emails were sent twice, or will be: they were sent, but their row is still there."""
        sent = Counter(message_id for emails in self.mailed.values() for _, message_id in emails)
        links = {link for emails in self.mailed.values() for link, _ in emails}
        return sum(n - 1 for n in sent.values()) + sum(1 for _, link in waiting if link in links)


def _hashes(database: Database, table: str) -> set[bytes]:
    return {bytes(row[0]) for row in database.query(f"SELECT token_hash FROM {table}")}


def _records(database: Database, hashes: set[bytes]) -> list[tuple[bytes, bytes]]:
    """Return (commitment, sealed record) of these token hashes."""
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
