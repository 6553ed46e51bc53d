"""Check that the rate limits are on, and that a measurement does not meet them."""

import asyncio
import secrets

from bench import client
from bench.server import Server
from sabal.limits.networks import HARD, SOFT_MINUTE
from sabal.mail.ids import SLOW, lane_range

ONE_NETWORK = "203.0.113.7"
MOST = (
    2 * HARD * SOFT_MINUTE + 1
)  # forms of one network: as many are allowed in two minutes, if one ends meanwhile


def check_on(server: Server) -> None:
    """Send forms from one network until it is refused. Raise RuntimeError if it is not, or if another network is."""
    asyncio.run(_flood(server))


def check_unused(server: Server) -> None:
    """Raise RuntimeError if a limit changed what was stored: if signatures are held, or emails use the slow lane."""
    database = server.connect()
    try:
        held = database.query("SELECT COUNT(*) FROM signing_pending WHERE held <> 0")[0][0]
        slow = database.query("SELECT COUNT(*) FROM mail_email WHERE id >= ?", (lane_range(SLOW)[0],))[0][0]
    finally:
        database.close()
    if held or slow:
        raise RuntimeError(
            f"the load met the rate limits: {held} signatures held, {slow} emails in the slow lane"
        )


async def _flood(server: Server) -> None:
    path, version, prefix = server.page_path(), server.version(), secrets.token_hex(4)
    connection = await client.connect(server.port)

    async def sign(number: int, of: str = "") -> int:
        nonlocal connection
        if not connection.reusable:  # a 429 closes it
            connection = await client.connect(server.port)
        form = client.form(path, version, client.email_address(prefix, number), of=of)
        return (await connection.get(form))[0]

    for number in range(MOST):
        status = await sign(number, ONE_NETWORK)
        if status == 429:
            break
        if status != 303:
            raise RuntimeError(f"signing was answered with {status}")
    else:
        raise RuntimeError(f"{MOST} forms of one network were taken: the rate limits are off")
    if (status := await sign(MOST)) != 303:
        raise RuntimeError(f"a form of another network was answered with {status}")
    connection.close()
