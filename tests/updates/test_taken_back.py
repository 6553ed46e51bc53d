"""An update that is taken back leaves its email: who has it has it, the others get it without that update, or none."""

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from django.db import connection, transaction

from desk_clients import person
from mail.conftest import sink
from mail.world import Sink
from mailings.test_kill import start
from mailings.world import Post as Sending
from mailings.world import numbers, subscribe, text_of
from sabal.accounts.acts import TeamRole
from sabal.accounts.models import Organisation, Ownership, User
from sabal.mailings.models import Mailing
from sabal.mailings.states import State
from sabal.petitions.models import Petition
from sabal.updates import emailing, writing
from sabal.updates.emailing import email_due
from sabal.updates.models import Post
from sites import NOW, SiteOfTests
from updates.test_emailing import published

__all__ = ["sink"]
READERS = 400
Sinks = Callable[..., Sink]


@pytest.fixture
def carol(site: SiteOfTests) -> User:
    site.publish(profile='"open"')
    ours = Organisation.objects.create(key="ours", name="Ours")
    Ownership.objects.create(petition=Petition.objects.get(), organisation=ours)
    return person("carol@example.org", TeamRole.OWNER, organisation=ours).user


@pytest.fixture
def petition(carol: User) -> Petition:
    return Petition.objects.get()


def gathered(petition: Petition, carol: User, *titles: str) -> list[Post]:
    """Publish posts, and make one email of them."""
    posts = [published(petition, carol, title) for title in titles]
    assert email_due(NOW) == 1
    return [Post.objects.get(pk=post.pk) for post in posts]


def take_back(post: Post, carol: User) -> None:
    post.refresh_from_db()
    assert writing.unpublish(post, revision=post.revision, user=carol, now=NOW + 1)


@pytest.fixture
def sending(site: SiteOfTests, sink: Sinks) -> Iterator[tuple[Sending, Sink]]:
    server = sink()
    post = Sending(site, [server.transport()])
    yield post, server
    post.close()


@pytest.mark.parametrize("which", [0, 1])
def test_who_does_not_have_the_email_gets_it_without(
    site: SiteOfTests, petition: Petition, carol: User, sending: tuple[Sending, Sink], which: int
) -> None:
    people = [f"reader{n}@example.org" for n in range(30)]
    subscribe(site, *people, petition=petition.pk)
    posts = gathered(petition, carol, "Alpha", "Beta")
    worker, server = sending
    worker.round()
    before = server.emails()
    assert 0 < len(before) < 30
    take_back(posts[which], carol)
    worker.until_idle()
    after = server.emails()[len(before) :]
    stays, goes = ("Beta", "Alpha") if which == 0 else ("Alpha", "Beta")
    assert all("Text of Alpha" in text_of(one) and "Text of Beta" in text_of(one) for one in before)
    for one in after:
        everything = text_of(one) + text_of(one, "html") + str(one["Subject"])
        assert f"Text of {stays}" in everything and goes not in everything
    assert Counter(str(one["To"]) for one in server.emails()) == dict.fromkeys(people, 1)
    assert numbers(site, Mailing.objects.get()) == {State.ACCEPTED: 30}


def test_of_two_that_are_taken_back_the_email_stops(
    site: SiteOfTests, petition: Petition, carol: User, sending: tuple[Sending, Sink]
) -> None:
    subscribe(site, *[f"reader{n}@example.org" for n in range(30)], petition=petition.pk)
    posts = gathered(petition, carol, "Alpha", "Beta")
    worker, server = sending
    worker.round()
    sent = len(server.emails())
    for post in posts:
        take_back(post, carol)
    worker.until_idle()
    assert len(server.emails()) == sent and Mailing.objects.get().state == "cancelled"


@pytest.mark.parametrize("cancelled", [False, True])
def test_one_that_was_taken_back_and_planned_anew_is_not_in_the_email_again(
    site: SiteOfTests, petition: Petition, carol: User, sending: tuple[Sending, Sink], cancelled: bool
) -> None:
    subscribe(site, *[f"reader{n}@example.org" for n in range(30)], petition=petition.pk)
    alpha, beta = gathered(petition, carol, "Alpha", "Beta")
    worker, server = sending
    worker.round()
    sent = len(server.emails())
    take_back(alpha, carol)
    alpha.refresh_from_db()
    assert writing.publish(
        alpha, revision=alpha.revision, user=carol, now=NOW + 2, at=NOW + 30 * 86_400, zone="UTC"
    )
    if cancelled:
        take_back(alpha, carol)
    take_back(beta, carol)
    worker.until_idle()
    assert len(server.emails()) == sent and Mailing.objects.get().state == "cancelled"


def test_the_desk_says_what_has_gone_and_what_stops(
    site: SiteOfTests, petition: Petition, carol: User, sending: tuple[Sending, Sink]
) -> None:
    olga = person("olga@example.org", TeamRole.OWNER, organisation=Organisation.objects.get())
    subscribe(site, *[f"reader{n}@example.org" for n in range(30)], petition=petition.pk)

    def page(post: Post) -> str:
        return olga.browser.get(
            f"/petitions/{petition.slug}/updates/{post.number}/take-back"
        ).content.decode()

    waiting = published(petition, carol, "Alpha")
    assert "It was not emailed yet, and will not be." in page(waiting)
    alpha, beta = gathered(petition, carol, "Beta")[0], waiting
    worker, server = sending
    worker.round()
    sent = len(server.emails())
    assert f"{sent} readers have its email already." in page(alpha)
    assert "The others get the email without this update" in page(alpha)
    take_back(alpha, carol)
    assert "The email stops: the others get none." in page(beta)
    worker.until_idle()
    assert "30 readers have its email already. Everybody who gets it has it." in page(beta)


def test_no_email_is_made_of_a_post_while_it_is_taken_back(
    site: SiteOfTests, petition: Petition, carol: User
) -> None:
    """The two wait for each other, whichever is first."""
    post = published(petition, carol, "Alpha")
    made: list[int] = []

    def make() -> None:
        try:
            made.append(email_due(NOW))
        finally:
            connection.close()

    with transaction.atomic():
        assert writing.unpublish(post, revision=post.revision, user=carol, now=NOW)
        thread = threading.Thread(target=make)
        thread.start()
        time.sleep(0.5)
    thread.join(30)
    assert made == [0] and not Mailing.objects.exists()


def test_kill_9_between_changes_all_or_nothing(
    site: SiteOfTests, petition: Petition, carol: User, sink: Sinks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The desk dies before the commit, and the worker in the middle of sending."""
    people = [f"reader{n}@example.org" for n in range(READERS)]
    subscribe(site, *people, petition=petition.pk)
    alpha, _ = gathered(petition, carol, "Alpha", "Beta")

    def dies(*_: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(writing, "_changed", dies)  # the last step before the commit
        take_back(alpha, carol)
    alpha.refresh_from_db()
    assert alpha.withdrawn_at is None
    assert "Text of Alpha" in Mailing.objects.get().texts.get(language="en").body

    server = sink()
    process = start(site, server.port)
    deadline = time.monotonic() + 60
    while len(server.lines()) < READERS // 4 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)
    before = len(server.emails())
    assert before < READERS
    take_back(alpha, carol)
    last = start(site, server.port)
    assert last.wait(120) == 0
    emails = server.emails()
    assert {str(one["To"]) for one in emails} == set(people)
    assert len(emails) <= READERS + 4  # one of each connection may come twice
    assert all("Text of Beta" in text_of(one) and "Alpha" not in text_of(one) for one in emails[before:])
    assert emailing.email_with(Post.objects.get(pk=alpha.pk), NOW + 1) is not None
