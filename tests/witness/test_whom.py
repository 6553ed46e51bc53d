"""Whom the log speaks to: the name says whose certificate it must be, one look-up says which address is asked."""

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509

import logs
from sabal.witness.ask import Cosigned
from sabal.witness.network import Network
from witnesses import HERE, Badly, asked, certificate, conflict, drip, failed, http, line, says

SIZE = 257
NAME = x509.DNSName("witness.example")


def at_loopback(network: Network) -> Network:
    return replace(network, allow_private=True, resolve=lambda host, port: ["127.0.0.1"])


def test_over_tls_the_name_is_verified_at_the_very_address(tmp_path: Path) -> None:
    theirs, ours = certificate(tmp_path, NAME)
    names: list[str | None] = []
    theirs.sni_callback = lambda _socket, name, _context: names.append(name)
    looked_up: list[str] = []

    def resolve(host: str, port: int) -> list[str]:
        """A name that leads to loopback the first time, and to the machine's metadata from then on."""
        looked_up.append(host)
        return ["127.0.0.1"] if len(looked_up) == 1 else ["169.254.169.254"]

    with Badly(says(conflict(2), http(200, line(SIZE))), theirs) as server:
        network = Network(allow_private=True, resolve=resolve, tls=ours)
        answer = asked(f"https://witness.example:{server.port}/", known=255, network=network)
    assert isinstance(answer, Cosigned)
    assert looked_up == ["witness.example"] and names == ["witness.example"] * 2
    assert f"Host: witness.example:{server.port}".encode() in server.requests[0]


def test_a_certificate_of_another_name_or_issuer_or_none(tmp_path: Path) -> None:
    theirs, ours = certificate(tmp_path, x509.DNSName("evil.example"))
    for tls, context in ((theirs, ours), (certificate(tmp_path, NAME)[0], Network().tls)):
        with Badly(says(http(200, line(SIZE))), tls) as server:
            url = f"https://witness.example:{server.port}/"
            assert "certificate" in failed(asked(url, network=at_loopback(Network(tls=context))))
        assert server.requests == []
    with Badly(says(http(200, line(SIZE)))) as server:  # who speaks no TLS is not told a thing
        failed(asked(f"https://witness.example:{server.port}/", network=at_loopback(HERE), timeout=1))
    assert not any(logs.ORIGIN.encode() in told for told in server.requests)


def test_a_handshake_that_drips_ends_in_time(tmp_path: Path) -> None:
    start = time.monotonic()
    with Badly(drip, read=False) as server:
        failed(asked(f"https://witness.example:{server.port}/", network=at_loopback(HERE), timeout=1))
    assert time.monotonic() - start < 2


def test_the_next_address_is_tried_where_one_is_dead(tmp_path: Path) -> None:
    theirs, ours = certificate(tmp_path, NAME)
    network = Network(True, resolve=lambda *_: ["127.0.0.99", "127.0.0.1"], tls=ours)
    with Badly(says(http(200, line(SIZE))), theirs) as server:
        assert isinstance(asked(f"https://witness.example:{server.port}/", network=network), Cosigned)


def test_no_proxy_of_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with Badly(says(b"")) as proxy, Badly(says(http(200, line(SIZE)))) as server:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        assert isinstance(asked(server.url), Cosigned)
    assert proxy.connections == 0 and os.environ["http_proxy"] == proxy.url


def test_a_private_address_is_not_even_connected_to() -> None:
    with Badly(says(http(200, line(SIZE)))) as server:
        for host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]"):
            failed(asked(f"https://{host}:{server.port}/", network=Network()))
            failed(asked(f"http://{host}:{server.port}/", network=Network()))
    assert server.connections == 0
