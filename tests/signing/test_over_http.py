"""Signing through the real front end: everybody gets the same answers, and old links and addresses reveal nothing."""

import sys
import time
from collections.abc import Iterator
from datetime import date

import pytest

from front_end import Client, open_client
from newsletter.asking import ask
from sabal import erasure_journal, token
from sabal.database import Database
from sabal.front import handlers
from sabal.signing import late, operations
from sabal.signing.sign import NotReady
from sabal.signing.writer import Writer
from sabal.signing.writer.find import find
from signing.steps import SUZIE, Signed, confirmed, refusal, signed
from sites import NOW, SiteOfTests

DAY, WEEK = 86_400, 7 * 86_400
SLUG = "stop-forced-repatriation"


@pytest.fixture
def client(site: SiteOfTests, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    site.publish()
    with open_client(site, monkeypatch) as opened:
        yield opened


@pytest.mark.usefixtures("client")
def test_a_busy_event_loop_leaves_the_interpreter_to_the_writer() -> None:
    """Each statement of a commit gives it away. With Python's own 5 ms a commit would take a tenth of a second."""
    assert sys.getswitchinterval() < 0.002


def form(site: SiteOfTests, email: str = SUZIE, **more: str) -> dict[str, str]:
    return {"name": "Suzie", "email": email, "consent": "1", "version": site.petition().version, **more}


def counted(site: SiteOfTests, days_ago: int) -> None:
    """Run a batch, and set its day to `days_ago`."""
    site.sequence(site.petition(), NOW + WEEK)
    today = int(time.time()) // DAY
    site.database.execute("UPDATE ledger_batch SET day = ?", (today - days_ago,))
    site.database.execute("UPDATE signing_access SET counted_on = ?", (today - days_ago,))


def answers(client: Client, t: bytes) -> list[tuple[int, bytes]]:
    """Return the answers of a link on each of its paths, without the token itself."""
    text = token.encode(t)
    paths = (f"/en/confirm/{text}", f"/en/signature/{text}", f"/en/confirm/{text}/not-me")
    found = [client.get(path) for path in paths] + [client.post(paths[0])]
    return [(answer.status, answer.body.replace(text.encode(), b"TOKEN")) for answer in found]


def test_everybody_gets_the_same_answer(site: SiteOfTests, client: Client) -> None:
    confirmed(site, site.petition(), "max@example.org")
    seen = [
        client.post(f"/en/{SLUG}/sign", form(site, e))
        for e in (SUZIE, SUZIE, "max@example.org", SUZIE, SUZIE)
    ]
    assert {(a.status, a.body, tuple(a.headers)) for a in seen} == {(303, b"", tuple(seen[0].headers))}


@pytest.mark.parametrize(("days_ago", "worker_ran"), [(8, True), (9, False)])
def test_an_old_guarded_link_answers_like_an_invented_one(
    site: SiteOfTests, client: Client, days_ago: int, worker_ran: bool
) -> None:
    suzie, again = confirmed(site, site.petition()), confirmed(site, site.petition())
    counted(site, days_ago)
    if worker_ran:
        assert late.rekey(site.database, site.petition(), int(time.time()) // DAY) == 2
    invented = answers(client, token.new())
    assert answers(client, suzie.t) == answers(client, again.t) == invented


def test_not_me_ends_every_email_of_the_address(site: SiteOfTests, client: Client) -> None:
    eves = [signed(site, site.petition(), typed) for typed in (SUZIE, "Suzie@Example.org", SUZIE)]
    max_ = signed(site, site.petition(), "max@example.org")
    assert client.post(f"/en/confirm/{token.encode(eves[1].t)}/not-me").status == 303
    assert (site.rows("signing_pending"), site.rows("signing_sealed")) == (1, 1)
    invented = answers(client, token.new())
    assert [answers(client, of.t) for of in eves] == [invented] * 3
    assert client.post(f"/en/confirm/{token.encode(max_.t)}").status == 303
    assert site.rows("signing_signature") == 1


def test_not_me_without_tags_ends_only_its_own_email(site: SiteOfTests) -> None:
    petition = site.publish(dedupe='"offline"')
    eves, max_ = signed(site, petition), signed(site, petition, "max@example.org")
    assert site.writer.commit(site.database, [refusal(eves, petition)]) == [operations.Outcome.DONE]
    assert find(site.database, [eves.digest]) == [None] and find(site.database, [max_.digest]) != [None]


def test_a_link_shows_the_receipt_for_a_week(site: SiteOfTests, client: Client) -> None:
    suzie = confirmed(site, site.petition())
    counted(site, days_ago=7)
    assert client.get(f"/en/signature/{token.encode(suzie.t)}").status == 200
    assert client.get(f"/en/confirm/{token.encode(suzie.t)}").status == 303


def test_signing_again_does_not_reveal_that_the_address_had_signed(site: SiteOfTests, client: Client) -> None:
    confirmed(site, site.petition())
    counted(site, days_ago=20)

    def receipt(of: Signed) -> tuple[int, bytes]:
        text = token.encode(of.t)
        assert client.post(f"/en/confirm/{text}").status == 303
        answer = client.get(f"/en/signature/{text}")
        return answer.status, answer.body.replace(text.encode(), b"TOKEN")

    again, new = signed(site, site.petition()), signed(site, site.petition(), "max@example.org")
    assert receipt(again) == receipt(new) and receipt(new)[0] == 200
    site.sequence(site.petition(), NOW + 3 * WEEK)
    old, fresh = (find(site.database, [of.digest])[0] for of in (again, new))
    assert old and fresh and old.counted_on == fresh.counted_on
    assert old.entered and fresh.entered
    assert (old.entered.batch, old.entered.day) == (fresh.entered.batch, fresh.entered.day)
    site.refresh()
    assert receipt(again) == receipt(new) and b"public log" in receipt(new)[1]


def test_a_later_link_does_not_prove_the_first_signature(site: SiteOfTests, client: Client) -> None:
    """A person who controls the mailbox later must not be able to show that the address signed, or when."""
    suzie, again = confirmed(site, site.petition()), confirmed(site, site.petition())
    counted(site, 0)
    site.refresh()
    first, later = token.encode(suzie.t), token.encode(again.t)
    for paper in ("promise", "tlog-proof"):
        assert client.get(f"/en/signature/{first}.{paper}").status == 200
        assert client.get(f"/en/signature/{later}.{paper}").status == 404
    found = find(site.database, [again.digest])[0]
    assert found is not None and (found.commitment, found.w) == (b"", b"")
    assert found.entered is None or found.entered.index is None


def test_only_valid_links_are_given_to_the_writer(site: SiteOfTests, monkeypatch: pytest.MonkeyPatch) -> None:
    suzie = confirmed(site, site.publish())
    written: list[operations.Operation] = []

    def commit(
        self: Writer, database: Database, batch: list[operations.Operation]
    ) -> list[operations.Outcome]:
        written.extend(batch)
        return original(self, database, batch)

    original = Writer.commit
    monkeypatch.setattr(Writer, "commit", commit)
    links = (token.encode(token.new()), token.encode(suzie.t), token.encode(suzie.t))
    with open_client(site, monkeypatch) as client:
        seen = [client.post(f"/en/signature/{link}/withdraw") for link in links]
    assert {(a.status, a["location"], a.body) for a in seen} == {(303, "/en/signature/withdrawn", b"")}
    assert len({tuple(a.headers) for a in seen}) == 1
    assert written == [operations.Withdraw(suzie.t, suzie.digest)] and site.rows("signing_signature") == 0


def test_who_withdrew_from_an_open_petition_gets_a_link_to_sign_it_again(
    site: SiteOfTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    petition = site.publish(profile='"open"')
    suzie, max_ = confirmed(site, petition), confirmed(site, petition, "max@example.org")
    with open_client(site, monkeypatch) as client:
        for one, language in ((suzie, "en"), (max_, "ko")):
            gone = client.post(f"/{language}/signature/{token.encode(one.t)}/withdraw")
            assert gone["location"] == f"/{language}/{SLUG}/withdrawn"
            page = client.get(gone["location"]).body.decode()
            assert f'<a href="/{language}/{SLUG}#sign">' in page
        assert site.rows("signing_signature") == 0
        again = client.post(f"/en/signature/{token.encode(suzie.t)}/withdraw")
        assert again["location"] == "/en/signature/withdrawn"  # nobody knows any more whose link it was


def lists(site: SiteOfTests) -> list[tuple[int, str]]:
    return [
        (row[0], row[1])
        for row in site.database.query(
            "SELECT petition_id, organisation FROM newsletter_subscription ORDER BY 1"
        )
    ]


@pytest.mark.parametrize("profile", ["open", "guarded"])
def test_the_newsletter_that_was_ticked_ends_with_the_link_and_the_signature_stays(
    site: SiteOfTests, monkeypatch: pytest.MonkeyPatch, profile: str
) -> None:
    petition = site.publish(profile=f'"{profile}"')
    suzie = confirmed(site, petition, subscribe=("updates", "newsletter"))
    confirmed(site, petition, "max@example.org", subscribe=("newsletter",))
    both, of = [(0, petition.organisation), (petition.id, petition.organisation)], token.encode(suzie.t)
    assert sorted(lists(site)) == sorted([*both, (0, petition.organisation)])
    with open_client(site, monkeypatch) as client:
        for page in (f"/en/signature/{of}", f"/en/signature/{of}/withdraw"):
            assert f'<a href="/en/signature/{of}/newsletter">' in client.get(page).body.decode()
        end, invented = (f"/en/signature/{one}/newsletter" for one in (of, token.encode(token.new())))
        assert b'<form method="post"><button>' in client.get(end).body
        assert len(lists(site)) == 3
        answers = [client.post(path) for path in (invented, end, end)]
        assert {(a.status, a["location"]) for a in answers} == {(303, "/en/signature/newsletter-ended")}
        ended = client.get("/en/signature/newsletter-ended")
        assert ended.status == 200 and b"has ended" in ended.body and of.encode() not in ended.body
        assert client.get(f"/en/signature/{of}").status == 200
    assert sorted(lists(site)) == sorted(both) and site.rows("signing_signature") == 2
    assert [one.kind for one in erasure_journal.read()] == [erasure_journal.UNSUBSCRIBED]


def test_a_late_link_of_a_guarded_petition_ends_no_newsletter(
    site: SiteOfTests, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does the same work as an invented one, so a clock tells nothing."""
    suzie = confirmed(site, site.petition(), subscribe=("newsletter",))
    site.database.execute("UPDATE signing_signature SET token_hash = ?", (token.late(suzie.digest),))
    path = f"/en/signature/{token.encode(suzie.t)}/newsletter"
    called: list[object] = []
    monkeypatch.setattr(client.app.pool, "unsubscribe", called.append)
    assert client.post(path)["location"] == "/en/signature/newsletter-ended"
    assert len(lists(site)) == 1 and not called


SHORTER = {"one letter": -1, "some letters": -5, "most": 9}


@pytest.mark.parametrize("shorter", SHORTER)
def test_a_link_without_its_last_letters_is_incomplete_and_changes_nothing(
    site: SiteOfTests, client: Client, shorter: str
) -> None:
    """It must not say that the link has done its work, and least of all that the signature is withdrawn."""
    suzie, max_ = confirmed(site, site.petition()), signed(site, site.petition(), "max@example.org")
    before = [site.rows(name) for name in ("signing_signature", "signing_pending", "signing_sealed")]
    short, pending = (token.encode(one.t)[: SHORTER[shorter]] for one in (suzie, max_))
    received = [
        client.get(f"/en/signature/{short}{end}") for end in ("", ".promise", ".tlog-proof", ".", "%20")
    ]
    received += [client.get(f"/en/confirm/{pending}{end}") for end in ("", "/not-me")]
    received += [client.post(f"/en/confirm/{pending}{end}") for end in ("", "/not-me")]
    received += [client.post(f"/en/signature/{short}/{verb}") for verb in ("withdraw", "newsletter")]
    received += [client.get(f"/en/newsletter/{verb}/{short}") for verb in ("confirm", "unsubscribe")]
    received += [client.post(f"/en/newsletter/{verb}/{short}") for verb in ("confirm", "unsubscribe")]
    moved = [answer for answer in received if answer.status == 302]
    assert {answer["location"] for answer in moved} == {f"/en/signature/{short}"} and len(moved) == 2
    for answer in (answer for answer in received if answer.status != 302):
        assert answer.status == 404 and b"This link is incomplete" in answer.body
        assert short.encode() not in answer.body
    assert before == [site.rows(name) for name in ("signing_signature", "signing_pending", "signing_sealed")]


def test_a_pasted_link_confirms_and_withdraws(site: SiteOfTests, client: Client) -> None:
    text = token.encode(signed(site, site.petition()).t)
    assert client.get(f"/en/confirm/{text}%E2%80%9D")["location"] == f"/en/confirm/{text}"
    assert client.post(f"/en/confirm/{text}").status == 303
    assert client.get(f"/en/signature/{text}).")["location"] == f"/en/signature/{text}"
    assert b"withdraw" in client.get(f"/en/signature/{text.upper()}").body


def test_a_signature_that_was_not_stored_does_not_use_the_quota(
    site: SiteOfTests, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def not_ready(*_: object) -> None:
        raise NotReady

    with monkeypatch.context() as patch:
        patch.setattr(handlers, "sign", not_ready)
        assert [client.post(f"/en/{SLUG}/sign", form(site)).status for _ in range(5)] == [503] * 5
    assert client.post(f"/en/{SLUG}/sign", form(site)).status == 303
    assert site.rows("signing_pending") == 1


def test_newsletter_emails_do_not_use_the_quota_of_signing(site: SiteOfTests, client: Client) -> None:
    for _ in range(5):
        assert ask(client, SUZIE).status == 303
    assert client.post(f"/en/{SLUG}/sign", form(site)).status == 303
    assert site.rows("signing_pending") == 1


def test_after_three_emails_the_answer_is_the_same_and_nothing_is_stored(
    site: SiteOfTests, client: Client
) -> None:
    spellings = ("suzie@example.org", "su.zie@example.org", "suzie+a@example.org", "suzie+b@example.org")
    seen = [client.post(f"/en/{SLUG}/sign", form(site, spelling)) for spelling in spellings]
    assert len({(a.status, tuple(a.headers)) for a in seen}) == 1
    assert (site.rows("signing_pending"), site.rows("signing_sealed"), site.rows("mail_email")) == (
        3,
        3,
        3,
    )


def test_a_flood_of_robots_is_refused_when_it_fills_its_share(
    site: SiteOfTests, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client.app.limits, "_most_held", 2)
    robots = [
        client.post(f"/en/{SLUG}/sign", form(site, f"eve{i}@example.org", website="x")) for i in range(3)
    ]
    assert [answer.status for answer in robots] == [303, 303, 429]
    assert client.post(f"/en/{SLUG}/sign", form(site)).status == 303
    assert site.rows("signing_pending") == 3


def test_the_confirm_page_shows_everything_that_was_entered(site: SiteOfTests, client: Client) -> None:
    forged = signed(site, site.petition(), name="Suzie <b>", country="KR", subscribe=("newsletter",))
    page = client.get(f"/en/confirm/{token.encode(forged.t)}").body.decode()
    assert "Suzie &lt;b&gt;" in page and "South Korea" in page and "the newsletter" in page
    assert "emails about this petition" not in page and "⟦" not in page
    bare = signed(site, site.petition(), "max@example.org", country="")
    page = client.get(f"/en/confirm/{token.encode(bare.t)}").body.decode()
    assert "Country or place" not in page and "the newsletter" not in page and "⟦" not in page


def test_signing_ends_after_the_last_day_even_if_no_worker_has_closed_the_petition(
    site: SiteOfTests, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(site.petition().definition), "last_day", date(2026, 1, 1))
    assert client.post(f"/en/{SLUG}/sign", form(site)).status == 409
    assert site.rows("signing_pending") == 0
