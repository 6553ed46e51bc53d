"""The doctor's checks of bounces."""

import os
from collections.abc import Iterator
from pathlib import Path

import dns.resolver
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from sabal import settings
from sabal.configuration.bounce_address import parse_bounce_address
from sabal.configuration.bounces_url import BouncesUrl, parse_bounces_url
from sabal.configuration.mail_url import MailUrl, parse_mail_url
from sabal.operating import returned
from served import free_port


@pytest.fixture(autouse=True)
def reading(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Set up a site that reads bounces, with a table in place of a name server."""
    monkeypatch.setattr(settings, "DATA", tmp_path)
    monkeypatch.setattr(settings, "MAIL_URL", MailUrl("folder"))
    monkeypatch.setattr(settings, "BOUNCE_ADDRESS", parse_bounce_address("bounces@example.org"))
    monkeypatch.setattr(settings, "BOUNCES", BouncesUrl())
    monkeypatch.setattr(dns.resolver, "resolve", resolve)


def resolve(name: str, kind: str, **_options: object) -> None:
    if name != "example.org":
        raise dns.resolver.NXDOMAIN
    if kind == "MX":
        raise dns.resolver.NoAnswer


def levels() -> dict[str, str]:
    return {finding.id: finding.level for finding in returned.bounces()}


def test_a_site_without_lists_needs_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "BOUNCE_ADDRESS", type(settings.BOUNCE_ADDRESS)())
    assert levels() == {"D308": "ok"}
    monkeypatch.setattr(settings, "BOUNCES", parse_bounces_url("maildir:/var/mail/b"))
    assert levels() == {"D308": "wrong"}


def test_a_new_site_has_no_bounce_yet(tmp_path: Path) -> None:
    assert levels() == {"D308": "ok", "D309": "ok", "D310": "warning"}
    new = tmp_path / "bounces" / "new"
    new.mkdir(parents=True)
    assert levels()["D310"] == "ok"
    (new / "1").touch()
    assert levels()["D310"] == "ok"
    os.utime(new / "1", (0, 0))
    assert levels()["D310"] == "wrong"


def test_a_domain_without_a_mail_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "BOUNCE_ADDRESS", parse_bounce_address("bounces@nowhere.example"))
    assert levels()["D309"] == "wrong"


@pytest.mark.parametrize("url", ["maildir:/nowhere", "imap://a:SECRET@127.0.0.1:{port}"])
def test_a_place_that_cannot_be_read(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "BOUNCES", parse_bounces_url(url.format(port=free_port())))
    (finding,) = [one for one in returned.bounces() if one.id == "D310"]
    assert finding.level == "wrong" and "SECRET" not in str(finding)


class Strict:
    """A mail server that takes one sender only."""

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if "+" in address:
            return "553 5.7.1 not yours"
        envelope.mail_from = address
        return "250 ok"


@pytest.fixture
def strict() -> Iterator[int]:
    controller = Controller(Strict(), hostname="127.0.0.1", port=free_port())
    controller.start()
    yield controller.port
    controller.stop()


def test_a_mail_server_that_lets_us_send_from_one_address_alone(
    strict: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "MAIL_URL", parse_mail_url(f"smtp://127.0.0.1:{strict}?tls=none"))
    assert levels()["D308"] == "wrong"
