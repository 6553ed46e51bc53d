"""A mailing is sent once to each subscriber, whatever the mail server, the clock, a crash or a second worker do."""

import logging
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from mail.world import SITE, Sink
from mailings.world import CAROLS, ENGLISH, Post, Recorder, begun, numbers, subscribe, text_of, write
from sabal import token
from sabal.days import number_at
from sabal.keys.keystore import mail_key_name
from sabal.mail.answers import PERMANENT, TEMPORARY, Answer, SendOutcome, Trouble
from sabal.mail.ids import NORMAL, email_id
from sabal.mail.verp import Verp
from sabal.mailings import audience, claims, control, forgetting, pace, report, sending
from sabal.mailings.journal import Journal
from sabal.mailings.models import Mailing
from sabal.mailings.rendering import MailingWords
from sabal.mailings.states import State
from sabal.newsletter import leaving, subscription
from sites import DAY_NUMBER, NOW, SiteOfTests

Sinks = Callable[..., Sink]
PEOPLE = ["suzie@example.org", "max@example.net", "수지@example.org", "eve@gmail.com"]


@pytest.fixture
def post(site: SiteOfTests) -> Iterator[Callable[..., Post]]:
    """Return a function that makes the mailings thread of a worker."""
    site.publish()
    made: list[Post] = []

    def make(*transports: object, **options: object) -> Post:
        made.append(Post(site, list(transports) or [Recorder()], **options))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for one in made:
        one.close()


def refused(reason: str) -> Answer:
    return Answer(SendOutcome.LATER, reason)


def test_each_subscriber_gets_it_once_in_their_language(site: SiteOfTests, post: Callable[..., Post]) -> None:
    recorder = Recorder()
    ids = subscribe(site, "suzie@example.org")
    subscribe(site, "max@example.net", language="ko")
    subscribe(site, "carol@example.net", language="zh-hans")
    subscribe(site, "eve@example.net", organisation="another")
    mailing = begun()
    post(recorder).until_idle()
    found = {to: message_from_bytes(m.content, policy=policy.default) for to, m in recorder.sent}
    assert len(recorder.sent) == 3
    assert {to: m["Subject"] for to, m in found.items()} == {
        "suzie@example.org": "News from Carol",
        "max@example.net": "캐럴의 소식",
        "carol@example.net": "News from Carol",
    }
    suzies = found["suzie@example.org"]
    assert suzies[
        "From"
    ] == "Friends of the tests <mail@petition.example>" or "<mail@petition.example>" in str(suzies["From"])
    assert site.keyring.subscribers
    link = token.encode(subscription.unsubscribe_token(site.keyring.subscribers, ids[0]))
    assert f"/en/newsletter/unsubscribe/{link}>" in suzies["List-Unsubscribe"]
    assert suzies["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert suzies["Precedence"] == "bulk" and str(suzies["Feedback-ID"]).startswith(f"{mailing.pk}:")
    for subtype in ("plain", "html"):
        assert text_of(suzies, subtype).count(link) == 1  # type: ignore[arg-type]
    assert "의회를 만났습니다." in text_of(found["max@example.net"])  # type: ignore[arg-type]
    assert "council" in text_of(suzies)  # type: ignore[arg-type]
    assert ", Street and number, Postcode, city, country" in text_of(suzies)  # type: ignore[arg-type]
    assert numbers(site, mailing) == {State.ACCEPTED: 3}
    mailing.refresh_from_db()
    assert mailing.state == "sent" and mailing.number == 1 and mailing.queued == 3


def test_it_goes_through_a_real_mail_server(
    site: SiteOfTests, post: Callable[..., Post], sink: Sinks
) -> None:
    people = [f"reader{n}@example.org" for n in range(60)]
    subscribe(site, *people)
    mailing, server = begun(), sink()
    post(*(server.transport() for _ in range(4))).until_idle()
    assert Counter(to for line in server.lines() for to in line["to"]) == Counter(people)
    assert len({m["Message-ID"] for m in server.emails()}) == 60
    assert numbers(site, mailing) == {State.ACCEPTED: 60}


def test_nothing_is_sent_before_it_begins_or_while_it_is_paused(
    site: SiteOfTests, post: Callable[..., Post]
) -> None:
    recorder = Recorder()
    subscribe(site, *PEOPLE)
    mailing, thread = write(), post(recorder)
    thread.until_idle()
    control.begin(mailing, NOW, None)
    assert control.pause(mailing, NOW) and not control.pause(mailing, NOW)
    thread.until_idle()
    assert recorder.sent == []
    assert control.resume(mailing)
    thread.until_idle()
    assert len(recorder.sent) == len(PEOPLE)


def test_a_mailing_that_waits_says_so_once_a_minute(
    site: SiteOfTests, post: Callable[..., Post], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR, "sabal.mailings")
    subscribe(site, "suzie@example.org")
    subscribe(site, "sam@example.org", organisation="gone")
    recorder = Recorder()
    first, second, other = begun(organisation="gone"), begun(organisation="gone"), begun()
    thread = post(recorder)

    def said() -> list[str]:
        found = [one.getMessage().split(":")[0] for one in caplog.records]
        caplog.clear()
        return found

    both = [f"mailing {one.pk} waits" for one in (first, second)]
    for _ in range(30):
        thread.round()
        thread.now += 0.5
    assert said() == both and recorder.readers == ["suzie@example.org"]
    thread.now += 60
    thread.round()
    thread.round()
    assert said() == both
    thread.now -= 3_600  # a clock that was set back silences nothing
    thread.round()
    assert said() == both
    other.refresh_from_db()
    assert other.state == "sent"


def test_a_cancelled_mailing_sends_no_more_and_its_numbers_add_up(
    site: SiteOfTests, post: Callable[..., Post], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "FEWEST", 3)
    monkeypatch.setattr(sending, "MOST", 3)
    recorder = Recorder()
    subscribe(site, *(f"reader{n}@example.org" for n in range(10)))
    mailing, thread = begun(), post(recorder)
    thread.sender._most = 3
    thread.round()
    assert control.cancel(mailing, NOW)
    thread.until_idle()
    assert len(recorder.sent) == 3
    assert numbers(site, mailing) == {State.ACCEPTED: 3, State.CANCELLED: 7}
    assert not control.resume(mailing) and not control.begin(mailing, NOW, None)


def test_who_unsubscribes_while_it_is_queued_gets_nothing(
    site: SiteOfTests, post: Callable[..., Post]
) -> None:
    recorder = Recorder()
    ids = subscribe(site, *PEOPLE)
    mailing, thread = begun(), post(recorder)
    assert site.keyring.subscribers
    key = site.keyring.subscribers
    assert audience.queue(site.database, control.audience_of(mailing), key, NOW)
    assert numbers(site, mailing) == {State.WAITING: 4}
    leaving.unsubscribe(site.database, ids[0])
    thread.until_idle()
    assert PEOPLE[0] not in recorder.readers and len(recorder.sent) == 3
    assert numbers(site, mailing) == {State.ACCEPTED: 3, State.LEFT: 1}


def test_a_subscription_is_read_again_if_the_server_is_slow(
    site: SiteOfTests, post: Callable[..., Post], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody unsubscribes while an earlier email of the same claim takes its time."""
    from sabal.mailings import delivering

    monkeypatch.setattr(delivering, "STALE", 0.0)
    ids = subscribe(site, *PEOPLE)
    mailing = begun()
    recorder = Recorder()
    thread = post(recorder)
    thread.sender._most = 4
    thread.round()  # everything is stale at once, so nothing is sent
    assert recorder.sent == [] and numbers(site, mailing) == {State.WAITING: 4}
    monkeypatch.setattr(delivering, "STALE", 60.0)
    leaving.unsubscribe(site.database, ids[3])
    thread.until_idle()
    assert len(recorder.sent) == 3 and "eve@gmail.com" not in recorder.readers


def test_the_same_text_is_not_sent_again_to_the_same_person(
    site: SiteOfTests, post: Callable[..., Post]
) -> None:
    recorder = Recorder()
    subscribe(site, "suzie@example.org", "max@example.net")
    thread = post(recorder)
    begun()
    thread.until_idle()
    subscribe(site, "carol@example.org")
    again = begun()
    thread.until_idle()
    assert Counter(recorder.readers) == Counter(["suzie@example.org", "max@example.net", "carol@example.org"])
    assert numbers(site, again) == {State.ACCEPTED: 1}
    begun({"en": MailingWords("en", "A correction", ENGLISH.body)})
    thread.until_idle()
    assert len(recorder.sent) == 6


def test_two_workers_share_one_mailing(
    site: SiteOfTests, post: Callable[..., Post], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audience, "CHUNK", 20)
    people = [f"reader{n}@example.org" for n in range(300)]
    subscribe(site, *people)
    mailing, first, second = begun(), Recorder(), Recorder()
    threads = [threading.Thread(target=post(one).until_idle) for one in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    post(Recorder()).until_idle()
    assert Counter(first.readers + second.readers) == Counter(people)
    assert numbers(site, mailing) == {State.ACCEPTED: 300}
    mailing.refresh_from_db()
    assert mailing.state == "sent" and mailing.queued == 300


def test_greylisting_and_refusals_are_told_apart(site: SiteOfTests, post: Callable[..., Post]) -> None:
    answers = {
        "suzie@example.org": refused(TEMPORARY["4.7.1"]),
        "max@example.net": Answer(SendOutcome.NEVER, "there is no such mailbox"),
    }
    recorder = Recorder(lambda to: answers.get(to, Answer(SendOutcome.ACCEPTED)))
    subscribe(site, *PEOPLE)
    mailing, thread = begun(), post(recorder)
    thread.until_idle()
    assert numbers(site, mailing) == {State.ACCEPTED: 2, State.DEFERRED: 1, State.REFUSED: 1}
    mailing.refresh_from_db()
    assert mailing.state == "sending"
    thread.now += 30
    thread.until_idle()
    assert recorder.tried["suzie@example.org"] == 1  # not before a minute
    answers.clear()
    thread.now += 60
    thread.until_idle()
    assert numbers(site, mailing) == {State.ACCEPTED: 3, State.REFUSED: 1}


def test_a_mailbox_that_is_gone_is_emailed_no_more(site: SiteOfTests, post: Callable[..., Post]) -> None:
    recorder = Recorder(lambda _: Answer(SendOutcome.NEVER, PERMANENT["5.1.1"]))
    subscribe(site, "suzie@example.org")
    mailing, thread = begun(), post(recorder)
    thread.until_idle()
    assert numbers(site, mailing) == {State.REFUSED: 1}
    assert site.rows("newsletter_subscription") == 0 and site.rows("newsletter_suppression") == 1


@pytest.mark.parametrize("part", [1, 3, 500])
def test_rows_of_those_who_left_are_deleted_and_counted(
    site: SiteOfTests, post: Callable[..., Post], monkeypatch: pytest.MonkeyPatch, part: int
) -> None:
    """In parts, and while another process holds the locks of counting and tidying."""
    ids = subscribe(site, *PEOPLE)
    first, thread = begun(), post(Recorder())
    thread.until_idle()
    second = begun({"en": MailingWords("en", "The second", "More.")})
    thread.until_idle()
    leaving.unsubscribe(site.database, ids[0])
    assert [report.of(site.database, one.pk).left for one in (first, second)] == [0, 1]
    monkeypatch.setattr(forgetting, "CHUNK", part)
    with site.database.leader("ledger") as counts, site.database.leader("tidy") as tidies:
        assert counts and tidies
        thread.now += forgetting.EVERY
        up_yesterday(thread)
        thread.until_idle()
    assert [report.of(site.database, one.pk).left for one in (first, second)] == [0, 1]
    assert report.of(site.database, second.pk).accepted == 4 == report.of(site.database, first.pk).accepted
    assert site.rows("mailings_recipient") == 6
    thread.now += forgetting.KEPT
    thread.until_idle()
    assert site.rows("mailings_recipient") == 6  # the server was not running yesterday, or its clock is wrong
    thread.now += forgetting.EVERY
    up_yesterday(thread)
    thread.until_idle()
    assert report.of(site.database, second.pk).accepted == 4 and site.rows("mailings_recipient") == 0
    first.refresh_from_db()
    assert first.forgotten_at == thread.now


def up_yesterday(thread: Post) -> None:
    """Record that the server was running the day before."""
    thread.site.keystore.make(thread.site.database, mail_key_name(number_at(thread.now) - 1))


def test_an_address_that_is_put_off_for_days_is_given_up(
    site: SiteOfTests, post: Callable[..., Post]
) -> None:
    recorder = Recorder(lambda _: refused("the mailbox is full"))
    subscribe(site, "suzie@example.org")
    mailing, thread = begun(), post(recorder)
    for _ in range(claims.GIVE_UP):
        thread.until_idle()
        thread.now += claims.LONGEST_WAIT * 1.3
    assert numbers(site, mailing) == {State.GIVEN_UP: 1}
    assert recorder.tried["suzie@example.org"] == claims.GIVE_UP
    thread.until_idle()
    mailing.refresh_from_db()
    assert mailing.state == "sent"


def test_a_mail_server_that_is_down_loses_and_repeats_nothing(
    site: SiteOfTests, post: Callable[..., Post]
) -> None:
    up = False
    down = Answer(SendOutcome.UNSENT, "the server cannot be reached", Trouble.DOWN)
    recorder = Recorder(lambda _: Answer(SendOutcome.ACCEPTED) if up else down)
    subscribe(site, *PEOPLE)
    mailing, thread = begun(), post(recorder)
    for _ in range(5):
        assert thread.round() == sending.REST
    assert numbers(site, mailing) == {State.WAITING: 4}
    assert site.database.query("SELECT MAX(attempts), MAX(due) FROM mailings_recipient") == [(0, 0)]
    up = True
    thread.until_idle()
    assert numbers(site, mailing) == {State.ACCEPTED: 4} and len(recorder.sent) == 4


def test_421_in_the_middle_of_a_mailing(site: SiteOfTests, post: Callable[..., Post], sink: Sinks) -> None:
    """The server closes connections, also while an email is on its way: that one comes twice, as the same email."""
    people = [f"reader{n}@example.org" for n in range(20)]
    subscribe(site, *people)
    mailing, server = begun(), sink("three-each")
    thread = post(server.transport(), server.transport())
    thread.until_idle()
    for _ in range(3):
        thread.now += 90
        thread.until_idle()
    emails = server.emails()
    assert Counter(to for to, _ in {(str(one["To"]), one["Message-ID"]) for one in emails}) == Counter(people)
    assert len(emails) < 30
    assert numbers(site, mailing) == {State.ACCEPTED: 20}


def test_a_provider_that_takes_ten_a_minute_delays_no_other(
    site: SiteOfTests, post: Callable[..., Post]
) -> None:
    taken: list[float] = []
    thread: Post

    def slow(to: str) -> Answer:
        if not to.endswith("@gmail.com"):
            return Answer(SendOutcome.ACCEPTED)
        if sum(one > thread.now - 60 for one in taken) >= 10:
            return refused(TEMPORARY["4.7.0"])
        taken.append(thread.now)
        return Answer(SendOutcome.ACCEPTED)

    recorder = Recorder(slow)
    subscribe(site, *(f"reader{n}@gmail.com" for n in range(40)))
    subscribe(site, *(f"reader{n}@example.org" for n in range(40)))
    mailing = begun()
    thread = post(recorder)
    thread.until_idle()
    assert sum(one.endswith("@example.org") for one in recorder.readers) == 40
    minutes = 0
    while numbers(site, mailing) != {State.ACCEPTED: 80}:
        thread.now += 1
        thread.until_idle()
        minutes = (thread.now - NOW) / 60
        assert minutes < 60, numbers(site, mailing)
    assert len(recorder.sent) == 80
    assert sum(recorder.tried.values()) < 2.5 * 80  # it is not asked again and again


def test_the_operators_limits_are_kept(site: SiteOfTests, post: Callable[..., Post]) -> None:
    recorder = Recorder()
    subscribe(site, *(f"reader{n}@gmail.com" for n in range(30)))
    subscribe(site, *(f"reader{n}@example.org" for n in range(100)))
    begun()
    thread = post(recorder, limits={pace.SITE: 60, "gmail": 6})
    sent: list[tuple[float, str]] = []
    while len(sent) < 130:
        thread.until_idle()
        sent += [(thread.now, to) for to, _ in recorder.sent[len(sent) :]]
        thread.now += 1
        assert thread.now < NOW + 1_200
    for start in range(0, 600, 10):
        within = [to for at, to in sent if NOW + start <= at < NOW + start + 60]
        assert len(within) <= 62
        assert sum(to.endswith("@gmail.com") for to in within) <= 7
    assert sent[-1][0] < NOW + 330  # thirty at gmail take five minutes, and the others go meanwhile


@pytest.mark.parametrize("jump", [-7 * 86_400, 7 * 86_400])
def test_a_clock_that_jumps_stops_nothing(site: SiteOfTests, post: Callable[..., Post], jump: int) -> None:
    busy = True
    recorder = Recorder(lambda _: refused("greylisted") if busy else Answer(SendOutcome.ACCEPTED))
    subscribe(site, *PEOPLE)
    mailing, thread = begun(), post(recorder)
    thread.until_idle()
    assert numbers(site, mailing) == {State.DEFERRED: 4}
    busy = False
    thread.now += jump
    for _ in range(20):
        thread.until_idle()
        thread.now += 60
    assert numbers(site, mailing) == {State.ACCEPTED: 4} and len(recorder.sent) == 4


def test_confirmations_come_first(
    site: SiteOfTests, post: Callable[..., Post], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "BACKLOG", 2)
    monkeypatch.setattr(sending, "_BACKLOG", sending._BACKLOG.replace("301", "3"))
    subscribe(site, *PEOPLE)
    begun()
    rows = [(email_id(NORMAL, DAY_NUMBER), None, 1, DAY_NUMBER, b"", 0) for _ in range(3)]
    columns = ("id", "petition_id", "kind", "mail_key", "sealed", "network")
    site.database.insert("mail_email", columns, rows)
    recorder = Recorder()
    thread = post(recorder)
    thread.until_idle()
    assert recorder.sent == []
    site.database.execute("UPDATE mail_email SET attempts = 1")  # these wait for their own servers
    thread.until_idle()
    assert len(recorder.sent) == len(PEOPLE)


def test_what_was_accepted_when_the_process_died_is_not_sent_again(
    site: SiteOfTests, post: Callable[..., Post], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database takes no result; the process is killed; the next one reads its journal."""
    recorder = Recorder()
    subscribe(site, *PEOPLE)
    mailing, first = begun(), post(recorder)

    def broken(*_: object, **__: object) -> None:
        raise OSError("the database is gone")

    with monkeypatch.context() as patch:
        patch.setattr(claims, "settle", broken)
        with pytest.raises(OSError, match="gone"):
            first.until_idle()
    assert len(recorder.sent) == 4 and numbers(site, mailing) == {State.WAITING: 4}
    import os

    os.close(first.sender._journal._file)  # type: ignore[union-attr]  # as the kernel does when a process ends
    first.sender._journal = None
    second = post(recorder)
    second.now += 10 * claims.CLAIM
    second.until_idle()
    assert len(recorder.sent) == 4 and numbers(site, mailing) == {State.ACCEPTED: 4}
    assert list((site.data / "mailings").glob("*.sent")) != []  # its own


def test_a_database_that_fails_for_a_moment_repeats_nothing(
    site: SiteOfTests, post: Callable[..., Post], monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder()
    subscribe(site, *PEOPLE)
    mailing, thread = begun(), post(recorder)
    settle, failures = claims.settle, [3]

    def sometimes(*arguments: object) -> None:
        failures[0] -= 1
        if failures[0] >= 0:
            raise OSError("the database is gone")
        settle(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(claims, "settle", sometimes)
    for _ in range(3):
        with pytest.raises(OSError, match="gone"):
            thread.until_idle()
    thread.until_idle()
    assert len(recorder.sent) == 4 and numbers(site, mailing) == {State.ACCEPTED: 4}


def test_a_journal_on_a_full_disk_repeats_nothing(
    site: SiteOfTests, post: Callable[..., Post], monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder()
    subscribe(site, *PEOPLE)
    mailing, thread = begun(), post(recorder)
    with Path("/dev/full").open("wb", buffering=0) as full:
        monkeypatch.setattr(Journal, "write", lambda journal, recipient: full.write(b"recipient"))
        for n in range(1, 5):
            assert thread.round() == sending.REST and len(recorder.sent) == n
            thread.now += 7_200
        thread.until_idle()
    assert max(recorder.tried.values()) == 1 and numbers(site, mailing) == {State.ACCEPTED: 4}


def test_only_the_chosen_languages_get_it(site: SiteOfTests, post: Callable[..., Post]) -> None:
    recorder = Recorder()
    subscribe(site, "suzie@example.org")
    subscribe(site, "max@example.net", language="ko")
    mailing = write(readers=["ko"])
    assert control.readers(mailing) == {"ko": 1}
    control.begin(mailing, NOW, None)
    post(recorder).until_idle()
    assert recorder.readers == ["max@example.net"]


def test_updates_are_announced_once_for_an_occasion(site: SiteOfTests, post: Callable[..., Post]) -> None:
    from sabal.petitions.models import Petition

    petition = Petition.objects.get()
    recorder = Recorder()
    subscribe(site, "suzie@example.org", petition=petition.pk)
    subscribe(site, "max@example.org")
    texts = {
        "en": MailingWords(
            "en", "They answered: no forced returns", "Forced repatriation, they say, has ended."
        )
    }
    thread = post(recorder)
    for _ in range(2):
        control.announce(petition, "post-1", texts, now=NOW)
        thread.until_idle()
    assert recorder.readers == ["suzie@example.org"] and Mailing.objects.count() == 1
    control.announce(petition, "post-2", texts, now=NOW)
    thread.until_idle()
    assert len(recorder.sent) == 2


def test_updates_about_a_guarded_petition_name_only_its_word(
    site: SiteOfTests, post: Callable[..., Post]
) -> None:
    from sabal.petitions.models import Petition

    petition, snapshot = Petition.objects.get(), site.petition()
    assert snapshot.definition.profile == "guarded"
    recorder = Recorder()
    subscribe(site, "suzie@example.org", petition=petition.pk, language="ko")
    secret = "They answered the refugees"
    texts = {
        "en": MailingWords("en", secret, secret),
        "ko": MailingWords("ko", "답이 왔습니다 난민", secret, "https://x.example"),
    }
    control.announce(petition, "post-1", texts, now=NOW)
    post(recorder).until_idle()
    ((_, message),) = recorder.sent
    parsed = message_from_bytes(message.content, policy=policy.default)
    everything = "\n".join([str(parsed), *(text_of(parsed, part) for part in ("plain", "html"))])  # type: ignore[arg-type]
    assert snapshot.definition.hint in everything
    definition = snapshot.definition
    names = [text.title for text in definition.texts.values()] + [*definition.organiser.values()]
    for name in (petition.slug, CAROLS, secret, "난민", "x.example", *names):
        assert name not in everything
    assert re.search(r"/ko/newsletter/news/[a-z2-7]{26}\b", everything)


def test_no_email_goes_to_a_suppressed_address(site: SiteOfTests, post: Callable[..., Post]) -> None:
    """Also if it is suppressed while it waits."""
    recorder = Recorder()
    subscribe(site, *PEOPLE)
    columns = ("address_hash", "organisation", "petition_id", "reason", "day")
    hashes = site.database.query("SELECT address_hash FROM newsletter_subscription ORDER BY address_hash")
    site.database.insert("newsletter_suppression", columns, [(bytes(hashes[0][0]), "", 0, 3, 0)])
    mailing, thread = begun(), post(recorder)
    assert site.keyring.subscribers
    audience.queue(site.database, control.audience_of(mailing), site.keyring.subscribers, NOW)
    site.database.insert("newsletter_suppression", columns, [(bytes(hashes[1][0]), "", 0, 1, 0)])
    thread.until_idle()
    assert len(recorder.sent) == 2
    assert numbers(site, mailing) == {State.ACCEPTED: 2, State.LEFT: 1}


def test_a_bounce_comes_back_to_an_address_of_its_own(
    site: SiteOfTests, post: Callable[..., Post], sink: Sinks
) -> None:
    from sabal.configuration.bounce_address import parse_bounce_address

    (subscriber,) = subscribe(site, "suzie@example.org")
    mailing, server, thread = begun(), sink(), post()
    assert site.keyring.subscribers
    verp = Verp.of(parse_bounce_address("bounces@petition.example"), site.keyring.subscribers)
    thread.sender.transports = [server.transport()]
    thread.until_idle(site=replace(SITE, verp=verp))
    ((line,), found) = server.lines(), verp.open(server.lines()[0]["from"])
    assert found is not None and (found.subscription, found.occasion) == (subscriber, mailing.pk)
    assert "suzie" not in line["from"]


def test_a_header_cannot_be_added_by_a_subject(site: SiteOfTests, post: Callable[..., Post]) -> None:
    recorder = Recorder()
    subscribe(site, "suzie@example.org")
    begun({"en": MailingWords("en", "News\r\nBcc: eve@example.org\r\n\r\nfoo", "Body")})
    post(recorder).until_idle()
    ((_, message),) = recorder.sent
    parsed = message_from_bytes(message.content, policy=policy.default)
    assert parsed["Bcc"] is None and parsed["Subject"] == "News Bcc: eve@example.org foo"
