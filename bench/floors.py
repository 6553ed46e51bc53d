"""Measure the machine's limits: a server that does nothing, the bare crypto, the bare inserts, the bare flush."""

import json
import os
import subprocess
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from http.client import HTTPConnection
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

import agefile
from bench import rows
from bench.server import ROOT, Server, free_port
from sabal import database as raw
from sabal import token
from sabal.keys.keystore import seal
from sabal.mail.address import EmailAddress
from sabal.newsletter.subscription import address_hash
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.records import record
from sabal.serve import ending_with, environ, public_command
from sabal.signing import dedupe, pending_payload

BATCH = 64
NOT_OURS = {"content-length", "date", "connection", "transfer-encoding"}  # granian's own, or the connection's


def limit(*rates: float) -> float:
    """Return the rate of requests that each need all of these one after the other."""
    return 1 / sum(1 / rate for rate in rates)


# ---- http ---------------------------------------------------------------------------------------------------


@contextmanager
def noop(server: Server, get: str = "", workers: int = 1) -> Iterator[str]:
    """Yield the address of a server that gives the same bytes as `server` for a GET and a sign form, without work.

    The GET is of the path `get`, by default of the petition's page.
    """
    path = server.page_path()
    form = f"name=Suzie&email=suzie%40mail.example.org&consent=1&version={server.version()}"
    answers = {
        "GET": answer_of(server, "GET", get or path, "", {"Accept-Encoding": "br"}),
        "POST": answer_of(
            server, "POST", f"{path}/sign", form, {"Content-Type": "application/x-www-form-urlencoded"}
        ),
    }
    if answers["POST"]["status"] != 303:
        raise RuntimeError(f"signing is answered with {answers['POST']['status']}: nothing can be measured")
    file, port = server.data / "answers.json", free_port()
    file.write_text(json.dumps(answers))
    command = public_command("127.0.0.1", port, workers)
    process = subprocess.Popen(
        [*command[:-1], "bench.noop:application"],
        env=environ(os.environ, dev=False, workers=workers)
        | {"SABAL_BENCH_ANSWERS": str(file), "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        process_group=0,
        preexec_fn=ending_with(os.getpid()),
    )
    try:
        _wait_for(port)
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.terminate()
        process.wait(20)


def answer_of(
    server: Server, method: str, path: str, body: str, headers: dict[str, str]
) -> dict[str, object]:
    """Return a server's answer to one request: its status, headers and body (base64), for JSON."""
    connection = HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.request(method, path, body or None, headers)
    answer = connection.getresponse()
    copied = [(k.lower(), v) for k, v in answer.getheaders() if k.lower() not in NOT_OURS]
    content = answer.read()
    connection.close()
    copied.append(("content-length", str(len(content))))
    return {"status": answer.status, "headers": copied, "body": b64encode(content).decode()}


def _wait_for(port: int, within: float = 20.0) -> None:
    end = time.monotonic() + within
    while True:
        try:
            connection = HTTPConnection("127.0.0.1", port, timeout=2)
            connection.request("GET", "/")
            connection.getresponse().read()
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        finally:
            connection.close()


# ---- crypto -------------------------------------------------------------------------------------------------


def seal_once(petition: PetitionSnapshot, mail_key: bytes) -> Callable[[], None]:
    """Return a function that does the bare crypto of one signature. Its input is made here, beforehand."""
    address = EmailAddress.parse("suzie@mail.example.org")
    fields = {"name": "Suzie Kim", "email": address.typed, "place": "KR", "comment": ""}
    fields |= {"consent": "0123456789abcdef", "day": date(2026, 11, 24).isoformat()}
    plain, payload, email = bytes(record.RECORD_BYTES), bytes(pending_payload.PAYLOAD_BYTES), bytes(100)
    pepper, nonce = petition.pepper or bytes(32), bytes(12)

    def once() -> None:
        t, w = token.new(), os.urandom(32)
        token.digest(t)
        dedupe.dedupe_tag(pepper, address)
        dedupe.suppression(pepper, petition.id, address)
        record.commitment(petition.manifest_hash, record.seed(t, w), fields)
        agefile.encrypt(plain, petition.organiser_keys)
        ChaCha20Poly1305(pending_payload._payload_key(t)).encrypt(nonce, payload, None)
        pending_payload.seal_mailbox(t, address_hash(mail_key, address))
        seal(mail_key, email, b"letter")

    return once


def open_once() -> Callable[[], None]:
    """Return a function that does the bare crypto of one confirmation: hash the link's token, open the payload."""
    t, nonce = token.new(), bytes(12)
    text = token.encode(t)
    payload = ChaCha20Poly1305(pending_payload._payload_key(t)).encrypt(
        nonce, bytes(pending_payload.PAYLOAD_BYTES), None
    )

    def once() -> None:
        found = token.decode(text)
        assert found is not None
        token.digest(found)
        ChaCha20Poly1305(pending_payload._payload_key(found)).decrypt(nonce, payload, None)

    return once


def rate_of(once: Callable[[], None], seconds: float) -> float:
    """Return how often a second the function runs, one call after the other."""
    done, start = 0, time.perf_counter()
    while (passed := time.perf_counter() - start) < seconds:
        for _ in range(20):
            once()
        done += 20
    return done / passed


# ---- database and disk --------------------------------------------------------------------------------------


def inserts(url: str, seconds: float) -> float:
    """Return signatures a second by bare inserts in flushed batches of 64. Making the rows is not measured."""

    def batch(database: raw.Database) -> float:
        waiting, sealed, emails = rows.pending(BATCH)
        start = time.perf_counter()
        with database.transaction():
            database.insert("signing_sealed", rows.SEALED, sealed)
            database.insert("signing_pending", rows.PENDING, waiting)
            database.insert("mail_email", rows.EMAIL, emails)
        return time.perf_counter() - start

    return _batches(url, seconds, batch)


def moves(url: str, seconds: float) -> float:
    """Return confirmations a second by bare statements (two inserts, one delete) in flushed batches of 64."""

    def batch(database: raw.Database) -> float:
        waiting, _, _ = rows.pending(BATCH)
        with database.transaction():
            database.insert("signing_pending", rows.PENDING, waiting)
        where, params = database.among("token_hash", [row[0] for row in waiting])
        signatures, waits = rows.confirmed(waiting)
        start = time.perf_counter()
        with database.transaction():
            database.insert("signing_signature", rows.SIGNATURE, signatures)
            database.insert("signing_waiting", rows.WAITING, waits)
            database.execute(f"DELETE FROM signing_pending WHERE {where}", params)
        return time.perf_counter() - start

    return _batches(url, seconds, batch)


def _batches(url: str, seconds: float, batch: Callable[[raw.Database], float]) -> float:
    database = raw.connect(url)
    try:
        batch(database)
        spent, done, end = 0.0, 0, time.monotonic() + 4 * seconds
        while spent < seconds and time.monotonic() < end:
            spent += batch(database)
            done += BATCH
    finally:
        database.close()
    return done / spent


def flush(folder: Path, times: int = 500) -> list[float]:
    """Append a page that many times. Return the milliseconds until each was on disk, sorted."""
    file = os.open(folder / "flush", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    page, took = os.urandom(8192), []
    try:
        for _ in range(times):
            start = time.perf_counter()
            os.write(file, page)
            os.fdatasync(file)
            took.append((time.perf_counter() - start) * 1e3)
            time.sleep(0.001)
    finally:
        os.close(file)
    return sorted(took)
