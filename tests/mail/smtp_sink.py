"""An SMTP server for tests, in its own process. The first argument chooses its behaviour.

It prints its port first. It writes every accepted email as one JSON line to the file named by the second argument.
"""

import asyncio
import base64
import hmac
import json
import socket
import ssl
import sys
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session, syntax


class Sink:
    """Accepts or refuses emails, depending on its behaviour."""

    def __init__(self, behaviour: str, file: Path) -> None:
        self.behaviour, self.file = behaviour, file
        self.seen: set[str] = set()
        self.taken = self.connections = 0

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [*responses[:1], "250-DSN", *responses[1:]] if self.behaviour == "dsn" else responses

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        replies = {
            "refuse": "550 5.1.1 <" + address + "> does not live here",
            "policy": "550 5.7.1 Blocked, ask <" + address + ">",
            "full": "552 5.2.2 mailbox full",
        }
        if self.behaviour in replies:
            return replies[self.behaviour]
        if self.behaviour == "greylist" and address not in self.seen:
            self.seen.add(address)
            return "451 4.7.1 come back later"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.behaviour == "hang":
            await asyncio.sleep(600)
        content = envelope.original_content or b""
        if self.behaviour == "drop-after":  # the email is accepted, and the answer is lost
            self.write(server, envelope, content)
            server.transport.abort()
            return "250 never seen"
        if self.behaviour == "busy":
            return "452 4.3.1 no room"
        self.write(server, envelope, content)
        self.taken += 1
        if self.behaviour == "three-each" and self.taken % 3 == 0:
            asyncio.get_running_loop().call_later(0.01, server.transport.close)
        return "250 2.0.0 taken"

    def write(self, server: SMTP, envelope: Envelope, content: bytes) -> None:
        line = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "mail_options": envelope.mail_options,
            "rcpt_options": envelope.rcpt_options,
            "connection": getattr(server, "number", 0),
            "tls": server.session is not None and server.session.ssl is not None,
            "user": server.session.auth_data if server.session else None,
            "content": base64.b64encode(content).decode(),
        }
        with self.file.open("a", encoding="utf-8") as handle:
            handle.write(json.dumps(line) + "\n")


class Server(SMTP):
    """aiosmtpd with DSN, and with the misbehaviour that needs the protocol itself."""

    sink: Sink

    def connection_made(self, transport: Any) -> None:
        self.sink.connections += 1
        self.number = self.sink.connections
        if self.sink.behaviour == "refuses-us":
            transport.write(b"554 5.7.1 we don't talk to you\r\n")
            transport.close()
        elif self.sink.behaviour == "silent":
            return
        else:
            super().connection_made(transport)

    async def auth_CRAM__MD5(self, _server: SMTP, _args: list[str]) -> AuthResult:  # RFC 2195
        challenge = b"<1896.697170952@sink.example>"
        answer = await self.challenge_auth(challenge)
        assert isinstance(answer, bytes)
        login, _, digest = answer.rpartition(b" ")
        right = hmac.new("pässwörd 비밀".encode(), challenge, "md5").hexdigest().encode()
        return AuthResult(success=hmac.compare_digest(right, digest), auth_data=login.decode(), handled=False)

    @syntax("MAIL FROM: <address>", extended=" [SP <mail-parameters>]")
    async def smtp_MAIL(self, arg: str) -> None:
        if self.sink.behaviour == "sender":
            await self.push("553 5.1.8 who are you")
            return
        without_dsn = arg.replace(" RET=HDRS", "")
        await super().smtp_MAIL(without_dsn)
        if without_dsn != arg and self.envelope is not None:
            self.envelope.mail_options.append("RET=HDRS")

    @syntax("RCPT TO: <address>", extended=" [SP <mail-parameters>]")
    async def smtp_RCPT(self, arg: str) -> None:
        without_dsn, _, wanted = arg.partition(" NOTIFY=")
        await super().smtp_RCPT(without_dsn)
        if wanted and self.envelope is not None:
            self.envelope.rcpt_options.append(f"NOTIFY={wanted}")

    @syntax("DATA")
    async def smtp_DATA(self, arg: str) -> None:
        if self.sink.behaviour == "drop":
            await self.push("354 go on")
            await self._reader.read(10)
            self.transport.abort()
            return
        await super().smtp_DATA(arg)


def _authenticate(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
) -> AuthResult:
    assert isinstance(data, LoginPassword)
    known = {(b"carol", b"p@ss/word"), ("cärol".encode(), "pässwörd 비밀".encode())}
    good = (data.login, data.password) in known
    return AuthResult(success=good, auth_data=data.login.decode() if good else None, handled=good)


async def main(behaviour: str, file: Path, certificate: str) -> None:
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    sink = Sink(behaviour, file)
    options: dict[str, Any] = {
        "enable_SMTPUTF8": behaviour == "utf8",
        "hostname": "sink.example",
        "timeout": 60,
    }
    if behaviour in ("tls", "unicode-password"):
        options |= {
            "tls_context": context,
            "require_starttls": True,
            "authenticator": _authenticate,
            "auth_required": True,
        }
    if behaviour == "implicit":
        options |= {"authenticator": _authenticate, "auth_require_tls": False}

    def build() -> Server:
        server = Server(sink, **options)
        server.sink = sink
        return server

    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    loop = asyncio.get_running_loop()
    running = await loop.create_server(build, sock=listener, ssl=context if behaviour == "implicit" else None)
    print(listener.getsockname()[1], flush=True)
    # The server ends with the test that started it, because its standard input is closed then.
    await loop.run_in_executor(None, sys.stdin.read)
    running.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else ""))
