"""The record of who got which mailing is deleted on time, whatever fails in sending; and the other way round."""

from collections.abc import Iterator

import pytest

from mailings.test_sending import PEOPLE, up_yesterday
from mailings.world import Post, Recorder, begun, numbers, subscribe
from sabal.keys.keyring import SUBSCRIBERS
from sabal.mailings import control, forgetting, report
from sabal.mailings.models import Mailing, MailingTest
from sabal.mailings.rendering import MailingWords
from sabal.mailings.states import State
from sabal.newsletter import leaving
from sabal.worker import REST, Worker
from sites import SiteOfTests


class Sent:
    """A mailing that Suzie got before she left, and a worker that has just started, when it is due to forget her."""

    def __init__(self, site: SiteOfTests) -> None:
        site.publish()
        ids = subscribe(site, *PEOPLE)
        before = Post(site, [Recorder()])
        self.site, self.mailing = site, begun()
        before.until_idle()
        before.close()
        leaving.unsubscribe(site.database, ids[0])
        self.post = Post(site, [Recorder()], now=before.now + forgetting.EVERY)
        up_yesterday(self.post)
        self.worker = Worker(
            site.keystore, Recorder(), mailings=self.post.sender, clock=lambda: self.post.now
        )

    def another(self) -> Mailing:
        return begun({"en": MailingWords("en", "The second", "More.")}, now=int(self.post.now))

    def round(self) -> float:
        self.site.refresh()
        return self.worker._send_mailings(self.site.database, self.site.snapshots)

    def until_idle(self) -> None:
        while self.round() == 0:
            pass


@pytest.fixture
def sent(site: SiteOfTests) -> Iterator[Sent]:
    made = Sent(site)
    yield made
    made.post.close()


def test_people_who_left_are_forgotten_without_the_key_of_the_subscribers(
    sent: Sent, caplog: pytest.LogCaptureFixture
) -> None:
    sent.site.keystore.destroy(sent.site.database, SUBSCRIBERS)
    assert sent.round() == REST
    assert sent.site.rows("mailings_recipient") == 3
    assert report.of(sent.site.database, sent.mailing.pk).left == 1
    assert "mailings have failed and are tried again" in caplog.text


def test_a_cancelled_mailing_ends_without_the_key_of_the_subscribers(sent: Sent) -> None:
    second = sent.another()
    assert control.cancel(second, int(sent.post.now))
    sent.site.keystore.destroy(sent.site.database, SUBSCRIBERS)
    sent.round()
    second.refresh_from_db()
    assert second.ended_at is not None


def test_a_test_to_an_address_that_cannot_be_used_stops_nothing(sent: Sent) -> None:
    """The framework of the desk lets people sign in with domains that no email can be sent to."""
    test = MailingTest.objects.create(
        mailing=sent.mailing, email="olga@☃.example", asked_at=int(sent.post.now)
    )
    second = sent.another()
    sent.until_idle()
    test.refresh_from_db()
    assert test.ended_at is not None and test.refusal == "this address cannot be used"
    assert sent.site.rows("mailings_recipient") == 6 and numbers(sent.site, second) == {State.ACCEPTED: 3}


def test_a_deletion_that_fails_stops_no_mailing(
    sent: Sent, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(forgetting.Forgetting, "part", lambda *_: {}["a name: Suzie"])
    second = sent.another()
    sent.until_idle()
    assert numbers(sent.site, second) == {State.ACCEPTED: 3}
    assert "deletions of recipients have failed" in caplog.text and "Suzie" not in caplog.text
