"""Shared by tests of witnesses: badly behaved servers on loopback, certificates, and a real witness."""

import contextlib
import datetime
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

import logs
import tlog
from sabal.witness.ask import NoCosignature, WitnessAnswer, ask
from sabal.witness.network import NetworkSettings
from sabal.witness.serve import WitnessServer
from sabal.witness.service import WitnessService
from sabal.witness.store import Store

NOW = 1_795_500_000
WANDA = tlog.Cosigner("witness.example/w1", b"w" * 32)
MALLORY = tlog.Cosigner("witness.example/w1", b"m" * 32)  # with Wanda's name
HERE = NetworkSettings(allow_private=True)
Behave = Callable[[socket.socket], object]


def checkpoint(size: int) -> tlog.Checkpoint:
    return tlog.Checkpoint(logs.ORIGIN, size, logs.mth(0, size))


def fork(size: int) -> tlog.Checkpoint:
    """Return the checkpoint of another tree of this size, as if the log had signed both."""
    return tlog.Checkpoint(logs.ORIGIN, size, bytes([size % 256]) * 32)


def line(size: int, at: int = NOW, by: tlog.Cosigner = WANDA) -> bytes:
    return tlog.cosign(checkpoint(size), by, at).encode()


def request(old: int, size: int) -> bytes:
    return tlog.AddCheckpoint(old, tuple(logs.proof(old, size)), logs.checkpoint(size)).encode()


def consistency(size: int) -> Callable[[int], list[bytes]]:
    return lambda old: logs.proof(old, size)


def http(status: int, body: bytes, kind: str = "text/plain", more: str = "") -> bytes:
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    return head.encode() + body


def conflict(size: int) -> bytes:
    return http(409, b"%d\n" % size, "text/x.tlog.size")


def read_request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65_536)
        if not piece:
            return data
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(65_536)
    return head + b"\r\n\r\n" + body


class BadServer:
    """A server on loopback. It reads a request, then calls `behave` with the connection. It runs during the `with`."""

    def __init__(self, behave: Behave, tls: ssl.SSLContext | None = None, *, read: bool = True) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self._behave, self._tls, self._read = behave, tls, read
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/"

    def __enter__(self) -> "BadServer":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection = self._listener.accept()[0]
                self.connections += 1
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(15)
        with contextlib.suppress(OSError), contextlib.closing(connection):
            if self._tls:
                connection = self._tls.wrap_socket(connection, server_side=True)
            if self._read:
                self.requests.append(read_request(connection))
            self._behave(connection)
            connection.close()


def says(*answers: bytes) -> Behave:
    """Give one answer to each connection, and repeat the last one."""
    rest = list(answers)
    return lambda connection: connection.sendall(rest.pop(0) if len(rest) > 1 else rest[0])


def asked(
    url: str, size: int = 257, known: int = 0, timeout: float = 5, network: NetworkSettings = HERE
) -> WitnessAnswer:
    return ask(
        url,
        WANDA.verifier,
        logs.checkpoint(size),
        consistency(size),
        known,
        network=network,
        timeout=timeout,
        clock=lambda: NOW,
    )


def drip(connection: socket.socket) -> None:
    """Send a good answer one byte at a time."""
    for byte in http(200, line(257)):
        connection.sendall(bytes([byte]))
        time.sleep(0.2)


def failed(answer: WitnessAnswer) -> str:
    assert isinstance(answer, NoCosignature)
    assert len(answer.sentence) < 200 and answer.sentence.isprintable() and "evil" not in answer.sentence
    return answer.sentence


def certificate(folder: Path, *names: x509.GeneralName) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return a server context with a certificate for these names, and a client context that trusts only it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    today = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - datetime.timedelta(days=1))
        .not_valid_after(today + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "certificate.pem"
    pem = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + pem)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    return server, ssl.create_default_context(cadata=pem.decode())


@contextlib.contextmanager
def witness(
    folder: Path, complain: Callable[[str], object] = print
) -> Iterator[tuple[WitnessService, WitnessServer]]:
    """Run a real witness on loopback that knows Carol's log."""
    store = Store.create(folder / "store", folder / "key", WANDA.verifier.name)
    service = WitnessService(store, [logs.CAROL.verifier], clock=lambda: NOW, complain=complain)
    server = WitnessServer(service, "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield service, server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        store.close()
