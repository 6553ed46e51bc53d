"""Transports: parsing of the URL, the meaning of a server's answers, and sending to real servers and folders."""

import datetime as dt
import ipaddress
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as some

from mail.world import NOON, SITE, Sink, definition
from sabal.configuration.mail_url import MailUrl
from sabal.mail import emails, kinds, session
from sabal.mail.address import EmailAddress
from sabal.mail.answers import PERMANENT, SENDER_REFUSED, TEMPORARY, Answer, SendOutcome, Trouble, judge
from sabal.mail.folder import FolderTransport, list_emails
from sabal.mail.message import Message
from sabal.mail.smtp import SmtpTransport
from sabal.mail.transport import open_transport

Sinks = Callable[..., Sink]


def a_message(to: str = "suzie@example.org", language: str = "ko") -> Message:
    return kinds.render(
        emails.Email(1, 1, EmailAddress.parse(to), language, "a" * 26), definition("open"), SITE, NOON
    )


def send(transport: SmtpTransport, to: str = "suzie@example.org") -> Answer:
    return transport.send(a_message(to), EmailAddress.parse(to).wire)


@pytest.mark.parametrize(
    ("code", "text", "outcome", "trouble"),
    [
        (550, "5.1.1 no such user", SendOutcome.NEVER, Trouble.NONE),
        (550, "No such user", SendOutcome.NEVER, Trouble.NONE),
        (553, "", SendOutcome.NEVER, Trouble.NONE),
        (554, "no", SendOutcome.NEVER, Trouble.NONE),
        (552, "5.2.2 over quota", SendOutcome.LATER, Trouble.NONE),
        (450, "4.2.1 greylisted", SendOutcome.LATER, Trouble.NONE),
        (451, "", SendOutcome.LATER, Trouble.NONE),
        (499, "9.9.9", SendOutcome.LATER, Trouble.NONE),
        (599, "", SendOutcome.NEVER, Trouble.NONE),
        (550, "5.7.1 blocked", SendOutcome.LATER, Trouble.REFUSED),
        (554, "5.7.1 spam", SendOutcome.LATER, Trouble.REFUSED),
        (550, "5.7.26 unauthenticated", SendOutcome.LATER, Trouble.REFUSED),
        (550, "5.7.606 banned", SendOutcome.LATER, Trouble.REFUSED),
        (530, "5.7.0 log in", SendOutcome.LATER, Trouble.REFUSED),
        (500, "what?", SendOutcome.LATER, Trouble.REFUSED),
        (550, "5.1.10 null MX", SendOutcome.NEVER, Trouble.NONE),
    ],
)
def test_the_meaning_of_an_answer(code: int, text: str, outcome: SendOutcome, trouble: Trouble) -> None:
    answer = judge(code, text.encode())
    assert (answer.outcome, answer.trouble) == (outcome, trouble)


@pytest.mark.parametrize("code", [500, 521, 550, 553, 554])
def test_before_a_recipient_is_named_a_refusal_is_about_us(code: int) -> None:
    assert judge(code, b"5.1.1 whatever", named=False).trouble is Trouble.REFUSED


@given(some.integers(400, 599), some.binary(max_size=40))
def test_every_answer_has_a_reason_in_our_own_words(code: int, text: bytes) -> None:
    answer = judge(code, text)
    assert answer.outcome in (SendOutcome.LATER, SendOutcome.NEVER)
    assert answer.reason.startswith("the server") or answer.reason in {
        *PERMANENT.values(), *TEMPORARY.values(), *SENDER_REFUSED.values()
    }  # fmt: skip


def test_the_three_lists_do_not_overlap() -> None:
    assert not (
        set(PERMANENT) & set(TEMPORARY)
        or set(PERMANENT) & set(SENDER_REFUSED)
        or set(TEMPORARY) & set(SENDER_REFUSED)
    )


def test_an_email_arrives(sink: Sinks) -> None:
    server = sink()
    transport = server.transport()
    assert send(transport).outcome is SendOutcome.ACCEPTED
    transport.close()
    (line,), (email,) = server.lines(), server.emails()
    assert line["mail_options"] == line["rcpt_options"] == []
    assert email["Subject"].endswith("푸른 강을 지켜 주십시오")


def test_a_server_with_dsn_is_asked_to_send_no_bounces(sink: Sinks) -> None:
    server = sink("dsn")
    transport = server.transport()
    assert send(transport).outcome is SendOutcome.ACCEPTED
    transport.close()
    (line,) = server.lines()
    assert "RET=HDRS" in line["mail_options"] and line["rcpt_options"] == ["NOTIFY=NEVER"]


def test_an_international_address_is_sent_with_smtputf8(sink: Sinks) -> None:
    server = sink("utf8")
    transport = server.transport()
    assert send(transport, "사발@예시.example").outcome is SendOutcome.ACCEPTED
    assert send(transport, "suzie@example.org").outcome is SendOutcome.ACCEPTED
    transport.close()
    first, second = server.lines()
    assert first["to"] == ["사발@예시.example"] and {"SMTPUTF8", "BODY=8BITMIME"} <= set(
        first["mail_options"]
    )
    assert second["mail_options"] == []
    assert server.emails()[0]["To"] == "사발@예시.example"


def test_an_international_address_needs_a_server_with_smtputf8(sink: Sinks) -> None:
    server = sink()
    transport = server.transport()
    answer = send(transport, "사발@예시.example")
    assert answer == Answer(SendOutcome.NEVER, "the server cannot send to an international address")
    assert send(transport, "suzie@bücher.example").outcome is SendOutcome.ACCEPTED, (
        "an international domain alone does not need it"
    )
    transport.close()
    assert server.lines()[0]["to"] == ["suzie@xn--bcher-kva.example"]


def test_the_connection_is_used_again_after_a_refusal(sink: Sinks) -> None:
    server = sink("greylist")
    transport = server.transport()
    assert send(transport).outcome is SendOutcome.LATER
    assert send(transport).outcome is SendOutcome.ACCEPTED
    transport.close()
    assert server.lines()[0]["connection"] == 1


def test_a_connection_that_the_server_closes_is_made_again(sink: Sinks) -> None:

    server = sink("three-each")
    transport = server.transport()
    for _ in range(7):
        assert send(transport).outcome is SendOutcome.ACCEPTED
        time.sleep(0.05)
    transport.close()
    assert [line["connection"] for line in server.lines()] == [1, 1, 1, 2, 2, 2, 3]


def test_an_idle_connection_is_checked_before_use(sink: Sinks) -> None:
    server, now = sink(), [0.0]
    transport = SmtpTransport(
        MailUrl("smtp", "127.0.0.1", server.port), "petition.example", clock=lambda: now[0]
    )
    assert send(transport).outcome is SendOutcome.ACCEPTED
    now[0] += 60
    transport._smtp.sock.shutdown(2)  # type: ignore[union-attr]
    assert send(transport).outcome is SendOutcome.ACCEPTED
    transport.close()
    assert [line["connection"] for line in server.lines()] == [1, 2]


def test_a_refused_sender_is_not_a_refused_mailbox(sink: Sinks) -> None:
    transport = sink("sender").transport()
    answer = send(transport)
    transport.close()
    assert (answer.outcome, answer.trouble) == (SendOutcome.LATER, Trouble.REFUSED)


def test_a_server_that_is_busy_after_the_email_gets_it_later(sink: Sinks) -> None:
    transport = sink("busy").transport()
    answer = send(transport)
    transport.close()
    assert answer.outcome is SendOutcome.LATER and answer.trouble is Trouble.NONE


def test_a_server_that_cannot_be_reached() -> None:
    answer = send(SmtpTransport(MailUrl("smtp", "127.0.0.1", 1), "petition.example", timeout=2))
    assert (answer.outcome, answer.trouble) == (SendOutcome.UNSENT, Trouble.DOWN)


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Make a certificate for 127.0.0.1 that this process trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sink.example")])
    now = dt.datetime.now(dt.UTC)

    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "certificate.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + signed.public_bytes(serialization.Encoding.PEM)
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    return str(file)


@pytest.mark.parametrize(("behaviour", "tls"), [("tls", "starttls"), ("implicit", "implicit")])
def test_an_email_is_sent_with_tls_and_a_password(
    sink: Sinks, certificate: str, behaviour: str, tls: str
) -> None:
    server = sink(behaviour, certificate)
    transport = server.transport(tls=tls, user="carol", password="p@ss/word")
    assert send(transport).outcome is SendOutcome.ACCEPTED
    transport.close()
    (line,) = server.lines()
    assert line["tls"] or behaviour == "implicit"
    assert line["user"] == "carol"


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5"])
def test_a_password_is_sent_as_utf8(
    sink: Sinks, certificate: str, mechanism: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RFC 4616. The standard library takes ASCII only."""
    server = sink("unicode-password", certificate)
    monkeypatch.setattr(session, "MECHANISMS", (mechanism,))
    transport = server.transport(tls="starttls", user="cärol", password="pässwörd 비밀")
    assert send(transport).outcome is SendOutcome.ACCEPTED
    transport.close()
    assert server.lines()[0]["user"] == "cärol"


def test_a_wrong_password_is_a_refusal(sink: Sinks, certificate: str) -> None:
    answer = send(sink("tls", certificate).transport(tls="starttls", user="carol", password="wrong"))
    assert answer == Answer(SendOutcome.UNSENT, SENDER_REFUSED["5.7.8"], Trouble.REFUSED)


@pytest.mark.parametrize(("behaviour", "tls"), [("tls", "starttls"), ("implicit", "implicit")])
def test_an_untrusted_certificate_is_refused(
    sink: Sinks, certificate: str, behaviour: str, tls: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    answer = send(sink(behaviour, certificate).transport(tls=tls, user="carol", password="p@ss/word"))
    assert (
        answer.outcome is SendOutcome.UNSENT
        and answer.reason == "the server's certificate or TLS cannot be accepted"
    )


def test_a_server_without_tls_gets_no_email(sink: Sinks) -> None:
    server = sink()
    answer = send(server.transport(tls="starttls"))
    assert (
        answer.outcome is SendOutcome.UNSENT
        and "does not offer the TLS" in answer.reason
        and server.lines() == []
    )


def test_emails_are_written_to_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "var" / "mail"
    assert list_emails(folder) == []
    transport = open_transport(MailUrl("folder"), folder=folder, helo="petition.example")
    for to in ("suzie@example.org", "max@example.org", "사발@예시.example"):
        assert transport.send(a_message(to), EmailAddress.parse(to).wire).outcome is SendOutcome.ACCEPTED
    transport.close()
    stored = list_emails(folder)
    assert [email.to for email in stored] == ["사발@예시.example", "max@example.org", "suzie@example.org"]
    assert stored[0].subject.endswith("푸른 강을 지켜 주십시오") and "/ko/confirm/aaaa" in stored[0].text
    assert abs((dt.datetime.now(dt.UTC) - stored[0].sent).total_seconds()) < 60
    assert len(list_emails(folder, limit=2)) == 2
    names = sorted(path.name for path in folder.iterdir())
    assert all(name.endswith(".eml") for name in names) and names == [
        email.name for email in reversed(stored)
    ]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert all(stat.S_IMODE((folder / name).stat().st_mode) == 0o600 for name in names)


def test_a_folder_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mail").write_text("a file and not a folder")
    assert (
        FolderTransport(tmp_path / "mail").send(a_message(), "suzie@example.org").outcome
        is SendOutcome.UNSENT
    )

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "rename", full)
    answer = FolderTransport(tmp_path / "other").send(a_message(), "suzie@example.org")
    assert (answer.outcome, answer.trouble) == (SendOutcome.UNSENT, Trouble.DOWN)
    assert list((tmp_path / "other").iterdir()) == [], "no part of an email is left"
