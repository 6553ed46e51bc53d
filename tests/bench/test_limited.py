"""The benchmark measures with the rate limits on, and its load does not meet them."""

import asyncio
import re
import secrets
import sys
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2]))  # the benchmark is not installed

from bench.server import Server
from bench.workspace import open_workspace

from bench import client, idlers, limited, throughput, wrk
from sabal.limits.networks import LOOPBACK, prefixes

PEER = re.compile(rb"\r\nX-Forwarded-For: ([0-9a-f.:]+)\r\n")


@pytest.fixture
def server() -> Iterator[Server]:
    with open_workspace("sqlite") as workspace:
        found = workspace.new_server("limited")
        yield found


@pytest.mark.slow
def test_a_measured_server_refuses_one_network_and_takes_the_load_of_many(server: Server) -> None:
    server.start()
    limited.check_on(server)
    server.empty()
    asyncio.run(sign(server, 200))
    limited.check_unused(server)
    if wrk.missing():
        pytest.skip("NO WRK: its load is not tried (Debian: apt install wrk)")
    assert throughput.signatures(server, 1).refused == 0


@pytest.mark.slow
def test_a_server_without_limits_is_not_measured(server: Server) -> None:
    server.start(trusted_hops="0")  # as it was measured once: loopback has no limits in development
    with pytest.raises(RuntimeError, match="the rate limits are off"):
        limited.check_on(server)


@pytest.mark.slow
def test_a_load_that_meets_the_limits_is_not_measured(server: Server) -> None:
    server.start()
    asyncio.run(sign(server, 80, of=limited.ONE_NETWORK))
    with pytest.raises(RuntimeError, match="20 signatures held, 20 emails in the slow lane"):
        limited.check_unused(server)


def test_requests_come_from_many_networks_and_none_from_this_machine() -> None:
    requests = [client.form("/en/bowl", "0", "suzie@example.org") for _ in range(5_000)]
    requests += [client.get("/en/bowl"), *(idlers.half_form("/en/bowl") for _ in range(5_000))]
    found = [prefixes(match[1].decode()) for request in requests if (match := PEER.search(request))]
    assert len(found) == len(requests) == len(set(found))
    assert LOOPBACK not in {near for near, _ in found}
    assert {ip_address(client.visitor(n)).version for n in range(2)} == {4, 6}


def test_emails_go_to_many_domains_and_each_is_another_mailbox() -> None:
    addresses = {client.email_address("f00d", n, turn) for n in range(100) for turn in range(100)}
    assert len({address.replace(".", "") for address in addresses}) == 10_000
    assert len({address.partition("@")[2] for address in addresses}) > 3_000


async def sign(server: Server, number: int, *, of: str = "") -> None:
    path, version, prefix = server.page_path(), server.version(), secrets.token_hex(4)
    connection = await client.connect(server.port)
    for n in range(number):
        form = client.form(path, version, client.email_address(prefix, n), of=of)
        assert (await connection.get(form))[0] == 303
    connection.close()
