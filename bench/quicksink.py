"""An SMTP server that accepts everything, and takes little of the processor (`python -m bench.quicksink`).

It speaks only as much SMTP as our transport needs. It prints its port, and ends with its standard input.
"""

import asyncio
import socket
import sys


class Quick(asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        self.buffer = b""
        self.in_data = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(b"220 quick.example\r\n")

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while True:
            end = b"\r\n.\r\n" if self.in_data else b"\r\n"
            part, found, rest = self.buffer.partition(end)
            if not found:
                return
            self.buffer = rest
            self._answer(part)

    def _answer(self, line: bytes) -> None:
        if self.in_data:
            self.in_data = False
            self.transport.write(b"250 2.0.0 taken\r\n")
        elif line[:4].upper() == b"DATA":
            self.in_data = True
            self.transport.write(b"354 go on\r\n")
        elif line[:4].upper() == b"QUIT":
            self.transport.write(b"221 bye\r\n")
            self.transport.close()
        else:
            self.transport.write(b"250 ok\r\n")


async def main() -> None:
    """Accept emails until standard input ends."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Quick, sock=listener)
    print(listener.getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(main())
