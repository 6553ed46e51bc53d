"""Connections to witnesses: the certificate must be for the name, and the name is looked up once."""

import os
import socket
import time
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509

import logs
from sabal.witness.ask import Cosigned, ask
from sabal.witness.network import NetworkSettings
from witnesses import (
    HERE,
    NOW,
    BadServer,
    asked,
    certificate,
    conflict,
    consistency,
    drip,
    failed,
    http,
    line,
    read_request,
    says,
    witness,
)

SIZE = 257
NAME = x509.DNSName("witness.example")


def at_loopback(network: NetworkSettings) -> NetworkSettings:
    return replace(network, allow_private=True, resolve=lambda host, port: ["127.0.0.1"])


def test_tls_verifies_the_name_at_the_first_address(tmp_path: Path) -> None:
    theirs, ours = certificate(tmp_path, NAME)
    names: list[str | None] = []
    theirs.sni_callback = lambda _socket, name, _context: names.append(name)
    looked_up: list[str] = []

    def resolve(host: str, port: int) -> list[str]:
        """Return loopback the first time, then the address of the cloud's metadata service."""
        looked_up.append(host)
        return ["127.0.0.1"] if len(looked_up) == 1 else ["169.254.169.254"]

    with BadServer(says(conflict(2), http(200, line(SIZE))), theirs) as server:
        network = NetworkSettings(allow_private=True, resolve=resolve, tls=ours)
        answer = asked(f"https://witness.example:{server.port}/", known=255, network=network)
    assert isinstance(answer, Cosigned)
    assert looked_up == ["witness.example"] and names == ["witness.example"] * 2
    assert f"Host: witness.example:{server.port}".encode() in server.requests[0]


def test_a_wrong_or_missing_certificate_is_refused(tmp_path: Path) -> None:
    theirs, ours = certificate(tmp_path, x509.DNSName("evil.example"))
    for tls, context in ((theirs, ours), (certificate(tmp_path, NAME)[0], NetworkSettings().tls)):
        with BadServer(says(http(200, line(SIZE))), tls) as server:
            url = f"https://witness.example:{server.port}/"
            assert "certificate" in failed(asked(url, network=at_loopback(NetworkSettings(tls=context))))
        assert server.requests == []
    with BadServer(says(http(200, line(SIZE)))) as server:  # a server without TLS receives nothing
        failed(asked(f"https://witness.example:{server.port}/", network=at_loopback(HERE), timeout=1))
    assert not any(logs.ORIGIN.encode() in sent for sent in server.requests)


def test_a_slow_handshake_times_out(tmp_path: Path) -> None:
    start = time.monotonic()
    with BadServer(drip, read=False) as server:
        failed(asked(f"https://witness.example:{server.port}/", network=at_loopback(HERE), timeout=1))
    assert time.monotonic() - start < 2


def test_the_next_address_is_tried_if_one_is_dead(tmp_path: Path) -> None:
    theirs, ours = certificate(tmp_path, NAME)
    network = NetworkSettings(True, resolve=lambda *_: ["127.0.0.99", "127.0.0.1"], tls=ours)
    with BadServer(says(http(200, line(SIZE))), theirs) as server:
        assert isinstance(asked(f"https://witness.example:{server.port}/", network=network), Cosigned)


def test_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    with BadServer(says(b"")) as proxy, BadServer(says(http(200, line(SIZE)))) as server:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        assert isinstance(asked(server.url), Cosigned)
    assert proxy.connections == 0 and os.environ["http_proxy"] == proxy.url


def test_no_connection_is_made_to_a_private_address() -> None:
    with BadServer(says(http(200, line(SIZE)))) as server:
        for host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]"):
            failed(asked(f"https://{host}:{server.port}/", network=NetworkSettings()))
            failed(asked(f"http://{host}:{server.port}/", network=NetworkSettings()))
    assert server.connections == 0


def test_the_second_request_uses_the_connection_of_the_first(tmp_path: Path) -> None:
    """A witness that closes it is asked again over a new one, and its answer is as good."""

    def keeps_open(connection: socket.socket) -> None:
        connection.sendall(conflict(2))
        server.requests.append(read_request(connection))
        connection.sendall(http(200, line(SIZE)))

    for behave, connections in ((keeps_open, 1), (says(conflict(2), http(200, line(SIZE))), 2)):
        with BadServer(behave) as server:
            assert isinstance(asked(server.url, known=255), Cosigned)
            assert (server.connections, len(server.requests)) == (connections, 2)
    with witness(tmp_path) as (service, server_):
        url = f"http://127.0.0.1:{server_.server_address[1]}"
        for size, known in ((3, 0), (SIZE, 2)):  # it knows 3 the second time
            answer = ask(url, service.witness, logs.checkpoint(size), consistency(size), known, network=HERE,
                         clock=lambda: NOW)  # fmt: skip
            assert isinstance(answer, Cosigned)
