"""The doctor's checks over the network: a mail server that is sent nothing, DNS, proxies, hosts, the onion service."""

import http.server
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from sabal import settings
from sabal.configuration.mail_url import parse_mail_url
from sabal.configuration.sender import Sender, parse_sender
from sabal.mail import dns_records
from sabal.operating import reach
from sabal.operating.findings import Finding

# The mail server of these tests accepts a password without TLS on loopback on purpose.
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH")

RECORDS = {
    "example.org": ["google-site-verification=1", "v=spf1 a:mail.example.org -all"],
    "_dmarc.example.org": ["v=DMARC1; p=none"],
}


@pytest.fixture(autouse=True)
def public(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Set up a public site, with a table in place of a name server."""
    monkeypatch.setattr(settings, "BASE_URL", "https://petition.example.org")
    monkeypatch.setattr(settings, "SERVED_AT", tmp_path / "served-at")
    monkeypatch.setattr(settings, "MAIL_FROM", Sender("Petitions", "petition@example.org"))
    monkeypatch.setattr(settings, "TRUSTED_HOPS", 1)
    monkeypatch.setattr(reach, "_look_up", lambda name: RECORDS.get(name, []))


def by_id(findings: Iterator[Finding]) -> dict[str, Finding]:
    return {finding.id: finding for finding in findings}


class Counting:
    """The handler of a mail server that counts emails. It should get none."""

    def __init__(self) -> None:
        self.emails = 0

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.emails += 1
        return "250 taken"


@contextmanager
def mail_server(handler: Counting, password: str = "right") -> Iterator[int]:
    def authenticate(*given: object) -> AuthResult:
        data = given[-1]
        assert isinstance(data, LoginPassword)
        return AuthResult(success=(data.login, data.password) == (b"sabal", password.encode()), handled=False)

    controller = Controller(
        handler,
        "127.0.0.1",
        free_port(),
        authenticator=authenticate,
        auth_required=True,
        auth_require_tls=False,
    )
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_mail_server_is_greeted_and_sent_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    handler = Counting()
    with mail_server(handler) as port:
        monkeypatch.setattr(
            settings, "MAIL_URL", parse_mail_url(f"smtp://sabal:right@127.0.0.1:{port}?tls=none")
        )
        found = by_id(reach.mail())
    assert found["D301"].level == "ok" and "knows us" in found["D301"].sentence
    assert [found[i].level for i in ("D302", "D303", "D304", "D306", "D307")] == ["ok"] * 5
    assert "petition@example.org" in found["D306"].sentence and "SMTPUTF8" in found["D307"].sentence
    assert handler.emails == 0


class Strict(Counting):
    """A mail server that accepts one sender only."""

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address != "petition@xn--bcher-kva.example":
            return "553 5.1.8 <" + address + "> is not yours"
        envelope.mail_from = address
        return "250 ok"


@pytest.mark.parametrize(
    ("sender", "level"),
    [
        ("Bücher, Verein <petition@bücher.example>", "ok"),
        ("Smith, Jones & Co. <petition@example.org>", "wrong"),
    ],
)
def test_the_sender_of_every_email_is_tried(sender: str, level: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "MAIL_FROM", parse_sender(sender))
    with mail_server(Strict()) as port:
        monkeypatch.setattr(
            settings, "MAIL_URL", parse_mail_url(f"smtp://sabal:right@127.0.0.1:{port}?tls=none")
        )
        found = by_id(reach.mail())
    assert found["D301"].level == "ok" and found["D306"].level == level
    domain = parse_sender(sender).domain
    assert domain in found["D303"].sentence and "Smith" not in found["D302"].hint


def test_a_password_that_is_not_ascii_logs_in(monkeypatch: pytest.MonkeyPatch) -> None:
    with mail_server(Counting(), password="pässwörd") as port:
        monkeypatch.setattr(
            settings, "MAIL_URL", parse_mail_url(f"smtp://sabal:pässwörd@127.0.0.1:{port}?tls=none")
        )
        assert by_id(reach.mail())["D301"].level == "ok"


def test_a_wrong_password_is_reported_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    with mail_server(Counting()) as port:
        monkeypatch.setattr(
            settings, "MAIL_URL", parse_mail_url(f"smtp://sabal:sesame@127.0.0.1:{port}?tls=none")
        )
        found = by_id(reach.mail())["D301"]
    assert found.level == "wrong" and "password" in found.hint
    assert "sesame" not in found.sentence + found.hint


def test_a_mail_server_without_starttls_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    with mail_server(Counting()) as port:
        monkeypatch.setattr(settings, "MAIL_URL", parse_mail_url(f"smtp://127.0.0.1:{port}?tls=starttls"))
        found = by_id(reach.mail())["D301"]
    assert found.level == "wrong" and "tls=implicit" in found.hint


def test_a_mail_server_that_hangs_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "WAIT", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        monkeypatch.setattr(settings, "MAIL_URL", parse_mail_url(f"smtp://127.0.0.1:{port}?tls=none"))
        started = time.monotonic()
        assert by_id(reach.mail())["D301"].level == "wrong"
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    ("host", "sender"),
    [
        ("mail.example.net", "a:mail.example.net"),
        ("127.0.0.1", "a:petition.example.org"),
        ("localhost", "a:petition.example.org"),
        ("192.0.2.7", "ip4:192.0.2.7"),
        ("[2001:db8::7]", "ip6:2001:db8::7"),
    ],
)
def test_the_spf_record_names_the_sending_machine(host: str, sender: str) -> None:
    assert reach._sending_host(parse_mail_url(f"smtp://{host}:25?tls=none")) == sender


@pytest.mark.parametrize(
    ("records", "level"),
    [
        ([], "warning"),
        (None, "warning"),
        (["v=spf1 a -all", "v=spf1 mx -all"], "wrong"),
        (["V=SPF1 a -all"], "ok"),
    ],
)
def test_the_level_of_spf_records(
    records: list[str] | None, level: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reach, "_look_up", lambda name: records)
    found = reach._record("D302", "example.org", "v=spf1", "SPF", '"v=spf1 a:mail.example.org -all"')
    assert found.level == level
    if level != "ok":
        assert 'Set: example.org. TXT "v=spf1 a:mail.example.org -all"' in found.hint
        assert "dig +short TXT example.org" in found.hint


def test_without_a_sender_dns_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "MAIL_FROM", Sender())
    monkeypatch.setattr(settings, "MAIL_URL", parse_mail_url(f"smtp://127.0.0.1:{free_port()}?tls=none"))
    monkeypatch.setattr(reach, "_look_up", lambda name: pytest.fail(f"{name} was asked for"))
    assert by_id(reach.mail())["D302"].level == "wrong"


@pytest.mark.parametrize(
    ("status", "body", "level"),
    [(200, "ok\n", "ok"), (503, "busy\n", "warning"), (200, "<html>", "warning"), (404, "ok", "warning")],
)
def test_the_answer_of_the_server_on_this_machine(status: int, body: str, level: str) -> None:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/healthz" else 500)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        assert reach._running(server.server_port).level == level
        thread.join()


def test_a_program_that_does_not_speak_http_is_not_sabal() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:

        def greet() -> None:
            peer, _ = other.accept()
            with peer:
                peer.recv(1000)
                peer.sendall(b"220 mail.example.org ESMTP\r\n")

        thread = threading.Thread(target=greet)
        thread.start()
        assert reach._running(other.getsockname()[1]).level == "warning"
        thread.join()


def test_trusted_hops(monkeypatch: pytest.MonkeyPatch) -> None:
    assert reach._hops("https").level == "ok"
    monkeypatch.setattr(settings, "TRUSTED_HOPS", 0)
    assert reach._hops("http").level == "ok"
    found = reach._hops("https")
    assert found.level == "warning" and "SABAL_TRUSTED_HOPS" in found.hint


@pytest.mark.parametrize(
    ("name", "value", "id_", "level"),
    [
        ("BASE_URL", "https://petition.example.org", "D501", "ok"),
        ("HOSTS", ("www.example.org",), "D504", "ok"),
        ("ONION", f"http://{'a' * 56}.onion", "D505", "ok"),
    ],
)
def test_addresses(name: str, value: object, id_: str, level: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "PORT", free_port())
    monkeypatch.setattr(settings, name, value)
    assert by_id(reach.addresses())[id_].level == level


def test_a_server_is_looked_for_where_it_was_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """`script/server --port 8931` in one window, `sabal doctor` in another one that knows nothing of it."""
    monkeypatch.delenv("SABAL_BASE_URL", raising=False)
    settings.SERVED_AT.write_text(f"http://127.0.0.1:{free_port()}")
    found = by_id(reach.addresses())
    assert settings.SERVED_AT.read_text() in found["D501"].sentence
    assert settings.SERVED_AT.read_text().rpartition(":")[2] in found["D502"].sentence
    monkeypatch.setenv("SABAL_BASE_URL", "https://petition.example.org")
    assert "https://petition.example.org" in by_id(reach.addresses())["D501"].sentence


@pytest.mark.parametrize(
    ("onion", "base", "hops", "said"),
    [
        (f"http://{'a' * 56}.onion", "https://petition.example.org", 1, True),
        ("", f"http://{'a' * 56}.onion", 1, True),
        ("", f"http://{'a' * 56}.onion", 0, False),
        ("", "https://petition.example.org", 1, False),
    ],
)
def test_an_onion_service_with_a_trusted_proxy_gives_a_reminder(
    onion: str, base: str, hops: int, said: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If Tor led to the server's own port, a client could choose Host and address. The server cannot see this."""
    monkeypatch.setattr(reach, "PORT", free_port())
    for name, value in {"ONION": onion, "BASE_URL": base, "TRUSTED_HOPS": hops}.items():
        monkeypatch.setattr(settings, name, value)
    found = by_id(reach.addresses()).get("D506")
    assert (found is not None) is said
    assert not found or (found.level == "warning" and "HiddenServicePort" in found.hint)


@pytest.mark.parametrize(
    ("records", "level"),
    [
        (["v=DKIM1; k=rsa; p=MIIB IjAN"], "ok"),
        (["p=MIIB"], "ok"),  # v is optional (RFC 6376, section 3.6.1)
        (["v=DKIM1; p="], "warning"),  # revoked
        (["v=DKIM2; p=MIIB"], "warning"),
        (["v=spf1 -all"], "warning"),
        (["p=a", "p=b"], "wrong"),
        ([], "warning"),
        (None, "warning"),
    ],
)
def test_the_key_of_dkim_is_looked_up(
    records: list[str] | None, level: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(settings, "DKIM_SELECTOR", "mail")
    monkeypatch.setattr(dns_records, "look_up", lambda name: asked.append(name) or records)
    found = reach._dkim("example.org")
    assert asked == ["mail._domainkey.example.org"] and found.level == level
    assert level == "ok" or "Set: mail._domainkey.example.org. TXT" in found.hint


def test_without_a_selector_the_doctor_says_how_to_name_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dns_records, "look_up", lambda name: pytest.fail(f"{name} was asked for"))
    found = reach._dkim("example.org")
    assert found.level == "ok" and "SABAL_DKIM_SELECTOR" in found.hint
    assert dns_records.dkim_state("example.org", "") == ""
