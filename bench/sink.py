"""An SMTP server that accepts everything and stores nothing (`python -m bench.sink`). It prints its port."""

import asyncio
import socket
import sys

from aiosmtpd.smtp import SMTP, Envelope, Session


class AcceptAll:
    """Accept every email."""

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        return "250 2.0.0 taken"


async def main() -> None:
    """Accept emails until standard input ends."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(AcceptAll(), hostname="sink.example"), sock=listener)
    print(listener.getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(main())
