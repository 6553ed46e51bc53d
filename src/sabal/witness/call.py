"""One HTTP request to one address, within a time and a size that the other side cannot stretch."""

import contextlib
import http.client
import io
import socket
import ssl
from typing import NamedTuple, cast

from sabal.witness.network import Deadline, IPAddress, Network, Place, Unreachable

MAX_ANSWER = 64 * 1024
"""Bytes of an answer, its headers and whatever frames it included."""


class Answered(NamedTuple):
    """What came back, believed in nothing."""

    status: int
    kind: str
    """The media type, in lower case and without parameters."""
    body: bytes


def post(place: Place, path: str, body: bytes, network: Network, deadline: Deadline) -> Answered:
    """POST to the first of the place's addresses that takes the connection; no redirect is followed, no proxy asked.

    Raises Unreachable with a sentence, also where the deadline passes.
    """
    host = f"[{place.host}]" if ":" in place.host else place.host
    usual = place.port == (443 if place.secure else 80)
    head = (
        f"POST {place.path}{path} HTTP/1.1\r\nHost: {host}{'' if usual else f':{place.port}'}\r\n"
        f"Content-Type: text/plain; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
        "Accept-Encoding: identity\r\nUser-Agent: sabal\r\nConnection: close\r\n\r\n"
    )
    try:
        with contextlib.closing(_connect(place, network, deadline)) as connection:
            _send(connection, head.encode("ascii") + body, deadline)
            return _receive(connection, deadline)
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


def _connect(place: Place, network: Network, deadline: Deadline) -> socket.socket:
    """To an address that was looked up and judged before: the name is used for TLS and not asked for again."""
    rest = len(place.addresses)
    while True:
        try:
            connection = _open(place.addresses[-rest], place.port, deadline.left() / rest)
            break
        except OSError:
            rest -= 1
            if not rest:
                raise
    if not place.secure:
        return connection
    try:
        connection = network.tls.wrap_socket(
            connection, do_handshake_on_connect=False, suppress_ragged_eofs=False, server_hostname=place.host
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
    """Piece by piece: `sendall` over TLS would give each piece the whole time anew."""
    rest = memoryview(data)
    while rest:
        connection.settimeout(deadline.left())
        rest = rest[connection.send(rest) :]


def _receive(connection: socket.socket, deadline: Deadline) -> Answered:
    # http.client asks a socket for nothing but a file to read from.
    response = http.client.HTTPResponse(cast(socket.socket, _Readable(connection, deadline)), method="POST")
    with contextlib.closing(response):
        response.begin()
        # With a bound, or a length that the witness invents would be set aside in memory first.
        body = response.read(MAX_ANSWER)
        kind = (response.getheader("Content-Type") or "").partition(";")[0].strip().lower()
        return Answered(response.status, kind, body)


class _Readable:
    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        self._raw = _Bounded(connection, deadline)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self._raw)


class _Bounded(io.RawIOBase):
    """Reads until the deadline, not from one byte to the next, and no more than may come in all."""

    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        self._connection, self._deadline, self._room = connection, deadline, MAX_ANSWER

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if not self._room:
            raise Unreachable(f"The witness answered more than {MAX_ANSWER // 1024} kB.")
        self._connection.settimeout(self._deadline.left())
        number = self._connection.recv_into(buffer, min(len(buffer), self._room))
        self._room -= number
        return number
