"""Addresses that are not ASCII before the @: the mail server's greeting decides whether the forms take them."""

from collections.abc import Callable

import pytest

from front_end import open_client
from mail.test_worker import wait_for, working
from mail.world import Sink
from newsletter.asking import ask
from sabal.configuration.mail_url import MailUrl
from sabal.mail import relay
from sabal.mail.smtp import SmtpTransport
from sabal.worker import Worker
from signing.steps import signed
from signing.test_over_http import SLUG, form
from sites import NOW, SiteOfTests

SUZIE, MAX = "수지@example.org", "max@bücher.example"
REFUSED = "Our mail server cannot send to an address with such letters before the @."


@pytest.mark.parametrize(("behaviour", "takes"), [("utf8", True), ("accept", False)])
def test_the_worker_learns_it_from_the_greeting_before_any_email(
    site: SiteOfTests, sink: Callable[..., Sink], behaviour: str, takes: bool
) -> None:
    site.publish()
    relay.remember(site.database, not takes)
    with working(site, sink(behaviour).transport()):
        wait_for(lambda: relay.takes_international(site.database) is takes)


def test_an_unknown_mail_server_is_trusted(site: SiteOfTests) -> None:
    assert relay.takes_international(site.database)


def test_a_mail_server_that_is_down_at_first_is_asked_later(
    site: SiteOfTests, sink: Callable[..., Sink], monkeypatch: pytest.MonkeyPatch
) -> None:
    petition, server = site.publish(), sink("accept")
    transport = server.transport()
    monkeypatch.setattr(transport, "greet", lambda: None)  # no answer at the start
    with working(site, transport):
        signed(site, petition)
        wait_for(lambda: not relay.takes_international(site.database))


def test_a_mail_server_that_is_down_is_asked_once_a_minute(site: SiteOfTests) -> None:
    """Not at every look for emails, twice a second."""
    transport, ticks, asked = (
        SmtpTransport(MailUrl("smtp", "127.0.0.1", 1), "localhost"),
        [0.0],
        list[float](),
    )
    worker = Worker(site.keystore, transport, clock=lambda: NOW, ticks=lambda: ticks[0])
    transport.greet = lambda: asked.append(ticks[0])  # type: ignore[method-assign]
    for second in range(150):
        ticks[0] = second
        worker._send(site.database, site.snapshots)
    assert asked == [0, 60, 120]


@pytest.mark.parametrize("takes", [True, False])
def test_the_form_says_so_at_the_address(
    site: SiteOfTests, takes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.publish()
    relay.remember(site.database, takes)
    with open_client(site, monkeypatch) as client:
        answer = client.post(f"/en/{SLUG}/sign", form(site, SUZIE))
        page = answer.body.decode()
        assert (answer.status, REFUSED in page) == ((303, False) if takes else (422, True))
        assert takes or (f'value="{SUZIE}"' in page and 'href="#email"' in page)
        assert client.post(f"/en/{SLUG}/sign", form(site, MAX)).status == 303, (
            "the domain alone needs nothing"
        )
        answer = ask(client, SUZIE)
        assert (answer.status, REFUSED in answer.body.decode()) == ((303, False) if takes else (422, True))
    assert site.rows("mail_email") == (3 if takes else 1)
