"""Send HTTP requests to one address, with limits of time and size that the other side cannot exceed."""

import contextlib
import http.client
import io
import socket
import ssl
from typing import NamedTuple, cast

from sabal.witness.network import Deadline, Endpoint, IPAddress, NetworkSettings, Unreachable

MAX_ANSWER = 64 * 1024
"""The most bytes of an answer, with headers and framing."""


class HttpAnswer(NamedTuple):
    """An HTTP answer. Nothing in it is verified."""

    status: int
    kind: str
    """The media type, in lower case and without parameters."""
    body: bytes


class Caller:
    """Sends requests to a witness, over one connection while the witness keeps it open. Close it after use.

    c2sp.org/tlog-witness "HTTP Interface".
    """

    def __init__(self, endpoint: Endpoint, network: NetworkSettings) -> None:
        self._endpoint, self._network = endpoint, network
        self._connection: socket.socket | None = None

    def close(self) -> None:
        if self._connection:
            self._connection.close()
        self._connection = None

    def post(self, path: str, body: bytes, deadline: Deadline) -> HttpAnswer:
        """POST to the first address that accepts the connection. Follow no redirect and use no proxy.

        Raises Unreachable with a sentence, also if the deadline passes.
        """
        data = _request(self._endpoint, path, body)
        try:
            if self._connection:
                # The witness may have closed it meanwhile. To the same request it gives the same answer.
                with contextlib.suppress(ConnectionError, http.client.BadStatusLine, ssl.SSLError):
                    return self._exchange(data, deadline)
            return self._exchange(data, deadline)
        except TimeoutError:
            raise Unreachable("The witness did not answer in time.") from None
        except ssl.SSLCertVerificationError as error:
            sentence = (
                f"The witness's certificate does not hold for its name (OpenSSL's code {error.verify_code})."
            )
            raise Unreachable(sentence) from None
        except ssl.SSLError:
            raise Unreachable("No TLS connection to the witness could be made, or it broke off.") from None
        except OSError as error:
            raise Unreachable(f"The witness cannot be reached ({type(error).__name__}).") from None
        except (http.client.HTTPException, ValueError):
            raise Unreachable("The witness's answer is not HTTP.") from None

    def _exchange(self, data: bytes, deadline: Deadline) -> HttpAnswer:
        connection, self._connection = self._connection, None
        connection = connection or _connect(self._endpoint, self._network, deadline)
        keeps = False
        try:
            _send(connection, data, deadline)
            answered, keeps = _receive(connection, deadline)
        finally:
            if not keeps:
                connection.close()
        self._connection = connection if keeps else None
        return answered


def _request(endpoint: Endpoint, path: str, body: bytes) -> bytes:
    host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
    default_port = endpoint.port == (443 if endpoint.secure else 80)
    headers = (
        f"POST {endpoint.path}{path} HTTP/1.1\r\nHost: {host}{'' if default_port else f':{endpoint.port}'}\r\n"
        f"Content-Type: text/plain; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
        "Accept-Encoding: identity\r\nUser-Agent: sabal\r\n\r\n"
    )
    return headers.encode("ascii") + body


def _connect(endpoint: Endpoint, network: NetworkSettings, deadline: Deadline) -> socket.socket:
    """Connect to an address that was looked up and checked before. The host name is used only for TLS."""
    rest = len(endpoint.addresses)
    while True:
        try:
            connection = _open(endpoint.addresses[-rest], endpoint.port, deadline.left() / rest)
            break
        except OSError:
            rest -= 1
            if not rest:
                raise
    if not endpoint.secure:
        return connection
    try:
        connection = network.tls.wrap_socket(
            connection,
            do_handshake_on_connect=False,
            suppress_ragged_eofs=False,
            server_hostname=endpoint.host,
        )
        connection.settimeout(deadline.left())
        connection.do_handshake()
    except BaseException:
        connection.close()
        raise
    return connection


def _open(address: IPAddress, port: int, timeout: float) -> socket.socket:
    connection = socket.socket(socket.AF_INET if address.version == 4 else socket.AF_INET6)
    try:
        connection.settimeout(timeout)
        connection.connect((str(address), port))
    except BaseException:
        connection.close()
        raise
    return connection


def _send(connection: socket.socket, data: bytes, deadline: Deadline) -> None:
    """Send piece by piece. With TLS, `sendall` would restart the timeout for each piece."""
    rest = memoryview(data)
    while rest:
        connection.settimeout(deadline.left())
        rest = rest[connection.send(rest) :]


def _receive(connection: socket.socket, deadline: Deadline) -> tuple[HttpAnswer, bool]:
    """Return the answer, and whether the connection can be used again."""
    # http.client only calls `makefile` on the socket.
    response = http.client.HTTPResponse(cast(socket.socket, _Readable(connection, deadline)), method="POST")
    with contextlib.closing(response):
        response.begin()
        # Without a limit, http.client would allocate memory for any length that the witness claims.
        body = response.read(MAX_ANSWER)
        kind = (response.getheader("Content-Type") or "").partition(";")[0].strip().lower()
        keeps = not response.will_close and response.length == 0
        return HttpAnswer(response.status, kind, body), keeps


class _Readable:
    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        self._raw = _Bounded(connection, deadline)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self._raw)


class _Bounded(io.RawIOBase):
    """Read until the deadline, which does not restart with each byte, and at most MAX_ANSWER bytes."""

    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        self._connection, self._deadline, self._left = connection, deadline, MAX_ANSWER

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if not self._left:
            raise Unreachable(f"The witness answered more than {MAX_ANSWER // 1024} kB.")
        self._connection.settimeout(self._deadline.left())
        number = self._connection.recv_into(buffer, min(len(buffer), self._left))
        self._left -= number
        return number
