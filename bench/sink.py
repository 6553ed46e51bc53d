"""An SMTP server that takes everything and keeps nothing (`python -m bench.sink`). Prints its port."""

import asyncio
import socket
import sys

from aiosmtpd.smtp import SMTP, Envelope, Session


class Taker:
    """Says yes to every letter."""

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        return "250 2.0.0 taken"


async def main() -> None:
    """Takes letters."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Taker(), hostname="sink.example"), sock=listener)
    print(listener.getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(main())
