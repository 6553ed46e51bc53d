"""Invitations to sign here: with a stated ground, once, sealed until they are sent, with a way out for ever."""

import io
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from desk_clients import Person, person
from front_end import Client, open_client
from mail.world import Sink
from sabal import erasure_journal, token
from sabal.accounts.acts import TeamRole
from sabal.accounts.models import AuditEntry, Membership, Organisation, Ownership
from sabal.desk import tasks
from sabal.desk.models import Job
from sabal.elsewhere import inviting, sealing
from sabal.elsewhere.models import InvitationList, InvitationPart, Invited
from sabal.keys.keyring import SUBSCRIBERS
from sabal.mail import outbox
from sabal.mail.address import EmailAddress
from sabal.newsletter import suppression
from sabal.newsletter.subscription import address_hash
from sabal.operating.erasures import apply_journal
from sabal.petitions.models import Petition
from sabal.signing import reminder
from served import SLUG
from sites import NOW, SiteOfTests

URL = f"/petitions/{SLUG}/elsewhere"
GROUND = {
    "what": "invite",
    "platform": "Change.org",
    "title": "Stop the returns",
    "ground": "consent",
    "ground_text": "“Yes, write to me”, on the page of the petition, since 2020.",
    "language": "en",
}


@pytest.fixture
def olga(site: SiteOfTests) -> Person:
    """Return the owner of an organisation with an open petition."""
    site.publish(profile='"open"')
    sealing.publish_recipient(site.database, site.keystore)
    ours = Organisation.objects.create(key="ours", name="Ours")
    Ownership.objects.create(petition=Petition.objects.get(), organisation=ours)
    return person("olga@example.org", TeamRole.OWNER, organisation=ours)


def table(n: int, first: int = 0, languages: bool = False) -> bytes:
    rows = [
        f"Suzie {i},suzie{i}@example.org,{'ko' if languages and i % 2 else 'xx'}"
        for i in range(first, first + n)
    ]
    return "\n".join(["name,email,language", *rows]).encode()


def upload(who: Person, content: bytes, **changes: str) -> Any:
    file = io.BytesIO(content)
    file.name = "list.csv"
    return who.browser.post(f"{URL}/people", {**GROUND, **changes, "file": file})


def made(who: Person, content: bytes, **changes: str) -> InvitationList:
    answer = upload(who, content, **changes)
    assert answer.status_code == 302, answer.content.decode()
    return InvitationList.objects.latest("pk")


def begin(who: Person, one: InvitationList) -> int:
    return who.browser.post(f"{URL}/invitations/{one.pk}/begin").status_code


def queue_all(site: SiteOfTests, now: float = NOW, rounds: int = 40) -> int:
    """Queue every part of every list, on a clock that runs."""
    site.refresh()
    return sum(
        inviting.queue_due(site.database, site.keystore, site.snapshots, now + n * inviting.PAUSE)
        for n in range(rounds)
    )


def send(site: SiteOfTests, sink: Sink) -> None:
    outbox.send_due(
        site.database,
        site.keystore,
        sink.transport(),
        lambda: NOW + 60.0,
        petitions=site.snapshots,
        accepted=reminder.note_accepted,
        slow_limit=500,
    )


def words(email: EmailMessage) -> str:
    """Return the plain text of an email."""
    part = email.get_body(("plain",))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def test_each_gets_one_email_in_their_language(
    site: SiteOfTests, olga: Person, sink: Callable[..., Sink]
) -> None:
    one = made(olga, table(120, languages=True))
    assert queue_all(site) == 0, "nothing goes before it is begun"
    assert begin(olga, one) == 302
    site.refresh()
    assert inviting.queue_due(site.database, site.keystore, site.snapshots, NOW) == inviting.PART
    assert inviting.queue_due(site.database, site.keystore, site.snapshots, NOW + 1) == 0, "it is paced"
    assert queue_all(site, NOW + inviting.PAUSE) == 120 - inviting.PART
    server = sink()
    send(site, server)
    emails = server.emails()
    assert sorted(str(email["To"]) for email in emails) == sorted(f"suzie{i}@example.org" for i in range(120))
    english = next(email for email in emails if str(email["To"]) == "suzie0@example.org")
    text = words(english)
    assert "You signed “Stop the returns” on Change.org." in text and f"/en/{SLUG}\n" in text
    assert "Authors of this petition" in text and "You get this email once." in text
    never = re.search(r"http\S+/en/invitation/[a-z2-7]{26}", text)
    assert never and str(english["List-Unsubscribe"]) == f"<{never[0]}>"
    assert str(english["List-Unsubscribe-Post"]) == "List-Unsubscribe=One-Click"
    korean = next(email for email in emails if str(email["To"]) == "suzie1@example.org")
    assert str(korean["Content-Language"]) == "ko" and f"/ko/{SLUG}\n" in words(korean)
    one.refresh_from_db()
    assert one.ended_at and not one.stopped and (one.queued, one.left_out) == (120, 0)
    assert not InvitationPart.objects.exists()
    assert [e.what for e in AuditEntry.objects.order_by("pk")][-2:] == [
        "invitations-made",
        "invitations-started",
    ]


def test_no_address_is_stored_in_clear(site: SiteOfTests, olga: Person, tmp_path: Path) -> None:
    one = made(olga, table(60))
    begin(olga, one)
    queue_all(site, rounds=1)
    tables = [row[0] for row in site.database.query(
        "SELECT name FROM sqlite_master WHERE type = 'table'" if site.vendor == "sqlite"
        else "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
    )]  # fmt: skip
    assert "elsewhere_invitationpart" in tables and InvitationPart.objects.count() == 1
    for name in tables:
        for row in site.database.query(f'SELECT * FROM "{name}"'):
            for value in row:
                raw = bytes(value) if isinstance(value, memoryview | bytes) else str(value).encode()
                assert b"suzie" not in raw.lower(), name
    for file in tmp_path.rglob("*"):
        if file.is_file() and file.suffix != ".py":
            assert b"suzie59@" not in file.read_bytes(), file


def test_nobody_is_invited_twice_by_an_organisation(site: SiteOfTests, olga: Person) -> None:
    begin(olga, made(olga, table(30)))
    assert queue_all(site) == 30
    second = made(olga, table(40) + b"\nx,SUZIE3@EXAMPLE.ORG,en")
    begin(olga, second)
    assert queue_all(site, NOW + 10_000) == 10
    page = olga.browser.get(f"{URL}/invitations/{second.pk}").content.decode()
    assert "all 40 addresses" in page and ">30<" not in page, (
        "how many were left out would tell who was invited"
    )


def test_a_crash_loses_no_part_and_sends_none_twice(
    site: SiteOfTests, olga: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(olga, made(olga, table(50)))
    site.refresh()

    def fails(*_: object) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(inviting, "store", fails)
        with pytest.raises(OSError, match="disk"):
            inviting.queue_due(site.database, site.keystore, site.snapshots, NOW)
    assert (
        InvitationPart.objects.count() == 1 and not Invited.objects.exists() and site.rows("mail_email") == 0
    )
    assert queue_all(site) == 50 and queue_all(site, NOW + 50_000) == 0
    assert site.rows("mail_email") == 50 == Invited.objects.count()


def test_two_workers_take_a_part_once(site: SiteOfTests, olga: Person) -> None:
    begin(olga, made(olga, table(20)))
    part = InvitationPart.objects.get()
    sealed = bytes(part.sealed)
    assert queue_all(site, rounds=1) == 20
    one = InvitationList.objects.get()
    workers = inviting._Invitations(
        site.database, site.keystore, site.petition(), "ours", inviting.Origin("Change.org", ""), "en"
    )
    people = sealing.unseal(site.database, site.keystore, sealed)
    assert workers.queue(one.pk, part.pk, people, NOW) == 0 and site.rows("mail_email") == 20


def test_others_write_while_a_list_is_sealed(
    site: SiteOfTests, olga: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    seal, written = sealing.seal, 0

    def seal_beside_a_writer(recipient: str, people: Sequence[sealing.Person]) -> bytes:
        nonlocal written
        site.database.execute("UPDATE petitions_petition SET revision = revision + 1")
        written += 1
        return seal(recipient, people)

    monkeypatch.setattr(sealing, "seal", seal_beside_a_writer)
    one = made(olga, table(5 * inviting.PART))
    assert written == 5 == one.parts.count() and one.addresses == 5 * inviting.PART


def test_one_list_that_cannot_be_used_stops_no_other(
    site: SiteOfTests, olga: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    unreadable = Petition.objects.create(slug="later", state="open")
    bad, damaged, good = (made(olga, table(3, first=10 * n)) for n in range(3))
    for one in (bad, damaged, good):
        begin(olga, one)
    InvitationList.objects.filter(pk=bad.pk).update(petition=unreadable)
    raised = 0
    people = sealing.unseal

    def fails(*given: Any) -> list[sealing.Person]:
        opened = people(*given)
        if opened[0][0] == "suzie10@example.org":
            raise ValueError("a fault that nobody foresaw")
        return opened

    monkeypatch.setattr(sealing, "unseal", fails)
    site.refresh()
    queued = 0
    for second in range(5):
        try:
            queued += inviting.queue_due(site.database, site.keystore, site.snapshots, NOW + second)
        except ValueError:
            raised += 1
    assert (queued, raised) == (3, 1)
    assert bad.parts.count() == damaged.parts.count() == 1, "they wait"
    InvitationList.objects.filter(pk=bad.pk).update(petition=good.petition)
    monkeypatch.setattr(sealing, "unseal", people)
    assert queue_all(site, NOW + inviting.PAUSE) == 6


@pytest.fixture
def visitor(site: SiteOfTests, olga: Person, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    with open_client(site, monkeypatch) as client:
        yield client


def refusal(site: SiteOfTests, invited: Invited) -> str:
    key = site.keystore.find(site.database, SUBSCRIBERS)
    return f"/en/invitation/{token.encode(inviting.refusal_token(key, invited.pk))}"


def test_one_link_ends_all_emails_for_ever(site: SiteOfTests, olga: Person, visitor: Client) -> None:
    begin(olga, made(olga, table(2)))
    queue_all(site)
    address = EmailAddress.parse("suzie0@example.org")
    hashed = address_hash(site.keystore.find(site.database, SUBSCRIBERS), address)
    path = refusal(site, Invited.objects.get(address_hash=hashed))
    visitor.refresh()
    shown = visitor.get(path)
    assert shown.status == 200 and b"<form" in shown.body
    assert not suppression.suppressed(site.database, [hashed]), "opening a link changes nothing"
    for _ in range(2):
        answer = visitor.post_raw(
            path, b"List-Unsubscribe=One-Click", (b"content-type", b"application/x-www-form-urlencoded")
        )
        assert answer.status == 200
    assert suppression.suppressed(site.database, [hashed]) == {hashed}
    # Another organisation's list does not reach the address either, and says nothing about it.
    Invited.objects.all().delete()
    begin(olga, made(olga, table(2)))
    assert queue_all(site, NOW + 50_000) == 1
    # A restored backup does not know of it; the erasure journal does.
    site.database.execute("DELETE FROM newsletter_suppression")
    assert any(one.hash == hashed for one in erasure_journal.read())
    with site.database.transaction():
        apply_journal(site.database)
    assert suppression.suppressed(site.database, [hashed]) == {hashed}


def test_an_invented_link_refuses_nothing(site: SiteOfTests, olga: Person, visitor: Client) -> None:
    begin(olga, made(olga, table(1)))
    queue_all(site)
    good = inviting.refusal_token(site.keystore.find(site.database, SUBSCRIBERS), Invited.objects.get().pk)
    for forged in (token.new(), good[:8] + bytes(8), bytes([good[0] ^ 1]) + good[1:]):
        path = f"/en/invitation/{token.encode(forged)}"
        assert visitor.get(path).status == 404 and visitor.post(path, {}).status == 404
    assert site.rows("newsletter_suppression") == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"platform": ""},
        {"ground": ""},
        {"ground": "because"},
        {"ground_text": "  "},
        {"language": "xx"},
        {"platform": "https://evil.example"},
        {"title": "Write to eve@example.org"},
        {"title": "x" * 201},
        {"what": "else"},
    ],
)
def test_without_a_ground_nobody_is_invited(olga: Person, wrong: dict[str, str]) -> None:
    answer = upload(olga, table(3), **wrong)
    assert answer.status_code == 422 and b'role="alert"' in answer.content
    assert not InvitationList.objects.exists() and not InvitationPart.objects.exists()


def test_to_count_is_the_default_and_stores_nothing(olga: Person) -> None:
    page = olga.browser.get(f"{URL}/people").content.decode()
    assert re.search(r'value="count"[^>]*checked', page)
    answer = upload(olga, table(33), what="count", ground="", ground_text="", platform="")
    assert answer.status_code == 200 and b">33<" in answer.content and b"suzie1@" not in answer.content
    assert not InvitationList.objects.exists()
    form = olga.browser.get(f"{URL}/enter?kind=platform&signatures=33&place=Change.org").content.decode()
    assert 'value="33"' in form and 'value="Change.org"' in form


def test_a_guarded_petition_invites_nobody(site: SiteOfTests) -> None:
    """Anyone who sees the mailbox would learn what its owner signed."""
    site.publish()
    sealing.publish_recipient(site.database, site.keystore)
    ours = Organisation.objects.create(key="ours", name="Ours")
    petition = Petition.objects.get()
    Ownership.objects.create(petition=petition, organisation=ours)
    olga = person("olga@example.org", TeamRole.OWNER, organisation=ours)
    page = olga.browser.get(f"{URL}/people").content.decode()
    assert "Nobody can be invited" in page and 'value="invite"' not in page
    assert upload(olga, table(3)).status_code == 200 and not InvitationList.objects.exists()
    forced = InvitationList.objects.create(
        petition=petition,
        user=olga.user,
        organisation="ours",
        platform="X",
        ground="other",
        ground_text="x",
        language="en",
    )
    assert begin(olga, forced) == 409
    InvitationList.objects.update(started_at=datetime.now(UTC))
    InvitationPart.objects.create(list=forced, sealed=b"x")
    assert queue_all(site) == 0 and not InvitationPart.objects.exists() and site.rows("mail_email") == 0


def test_who_may_not_send_only_counts(olga: Person) -> None:
    ed = person(
        "ed@example.org", TeamRole.EDITOR, organisation=Organisation.objects.get(), rights=("publish",)
    )
    assert 'value="invite"' not in ed.browser.get(f"{URL}/people").content.decode()
    assert upload(ed, table(3)).status_code == 200 and not InvitationList.objects.exists()
    one = made(olga, table(3))
    for path in ("", "/email", "/test", "/begin", "/stop"):
        answer = ed.browser.post(f"{URL}/invitations/{one.pk}{path}")
        assert answer.status_code in (403, 405), path
    assert ed.browser.get(f"{URL}/invitations/{one.pk}").status_code == 403


def test_a_list_of_another_petition_does_not_exist(olga: Person) -> None:
    one = made(olga, table(3))
    theirs = Organisation.objects.create(key="theirs", name="Theirs")
    Ownership.objects.create(petition=Petition.objects.create(slug="second"), organisation=theirs)
    eve = person("eve@example.org", TeamRole.OWNER, organisation=theirs)
    assert eve.browser.post(f"/petitions/second/elsewhere/invitations/{one.pk}/begin").status_code in (
        404,
        409,
    )
    one.refresh_from_db()
    assert one.started_at is None


def test_it_stops_when_told_and_when_the_petition_is_paused(site: SiteOfTests, olga: Person) -> None:
    one = made(olga, table(120))
    begin(olga, one)
    assert queue_all(site, rounds=1) == inviting.PART
    assert olga.browser.post(f"{URL}/invitations/{one.pk}/stop").status_code == 302
    assert queue_all(site, NOW + 10_000) == 0 and not InvitationPart.objects.exists()
    second = made(olga, table(120, first=500))
    begin(olga, second)
    olga.browser.post(f"/petitions/{SLUG}/pause")
    assert queue_all(site, NOW + 20_000) == 0
    second.refresh_from_db()
    assert second.stopped and not InvitationPart.objects.exists()


def test_lists_end_when_the_petition_is_given_away(site: SiteOfTests, olga: Person) -> None:
    """People agreed to be emailed by Ours, not by Theirs."""
    running, waiting = made(olga, table(120)), made(olga, table(3, first=500))
    begin(olga, running)
    assert queue_all(site, rounds=1) == inviting.PART
    theirs = Organisation.objects.create(key="theirs", name="Theirs")
    max_ = person("max@example.org", TeamRole.OWNER, organisation=theirs)
    Membership.objects.create(user=olga.user, organisation=theirs, role=TeamRole.OWNER)  # who gives owns both
    assert (
        "Lists of people to invite are not given" in olga.browser.get(f"/petitions/{SLUG}").content.decode()
    )
    # To the organisation that has it: nothing changes.
    assert olga.browser.post(f"/petitions/{SLUG}/organisation", {"organisation": "ours"}).status_code == 302
    assert not InvitationList.objects.exclude(ended_at=None).exists()
    assert olga.browser.post(f"/petitions/{SLUG}/organisation", {"organisation": "theirs"}).status_code == 302
    assert not InvitationPart.objects.exists()
    assert InvitationList.objects.filter(stopped=True).exclude(ended_at=None).count() == 2
    said = AuditEntry.objects.filter(what="invitations-stopped", user=olga.user)
    assert [one.organisation for one in said] == ["ours", "ours"]
    assert queue_all(site, NOW + 10_000) == 0
    assert begin(max_, waiting) == 404
    own = made(max_, table(3, first=900))
    assert begin(max_, own) == 302 and queue_all(site, NOW + 20_000) == 3


def test_a_list_of_the_organisation_that_had_the_petition_does_not_exist(olga: Person) -> None:
    """Such a list is left if it was uploaded at the moment when the petition was given away."""
    one = made(olga, table(3))
    theirs = Organisation.objects.create(key="theirs", name="Theirs")
    Ownership.objects.update(organisation=theirs)
    max_ = person("max@example.org", TeamRole.OWNER, organisation=theirs)
    pages = ["", "/html"]
    found = {max_.browser.get(f"{URL}/invitations/{one.pk}{page}").status_code for page in pages}
    found |= {
        max_.browser.post(f"{URL}/invitations/{one.pk}/{step}").status_code
        for step in ("begin", "test", "stop")
    }
    assert found == {404}
    assert "Change.org" not in max_.browser.get(f"{URL}/people").content.decode()
    one.refresh_from_db()
    assert one.started_at is None and not Job.objects.exists()


def test_a_test_goes_to_oneself_alone(site: SiteOfTests, olga: Person, sink: Callable[..., Sink]) -> None:
    one = made(olga, table(3))
    assert olga.browser.post(f"{URL}/invitations/{one.pk}/test").status_code == 302
    tasks.run.func(str(Job.objects.get().pk))
    assert Job.objects.get().refusal == ""
    server = sink()
    site.refresh()
    send(site, server)
    languages = site.snapshots.published()[0].definition.languages
    assert [str(email["To"]) for email in server.emails()] == ["olga@example.org"] * len(languages)
    assert not Invited.objects.exists()
    page = olga.browser.get(f"{URL}/invitations/{one.pk}").content.decode()
    assert "Send a test to olga@example.org" in page and "Stop the returns" in page
    html = olga.browser.get(f"{URL}/invitations/{one.pk}/email?language=ko")
    assert html["Content-Security-Policy"].startswith("default-src 'none'") and b"Change.org" in html.content


def test_before_anybody_is_written_to_the_page_says_which_columns_were_understood(olga: Person) -> None:
    page = f"{URL}/invitations/{made(olga, table(1)).pk}"
    assert "none. If your list has one" in olga.browser.get(page).content.decode()
    said = b"Name,E-Mail,<b>Opt in</b>,Opt in\nSuzie,s@example.org,1,no\nMax,m@example.org,1,yes\n"
    page = f"{URL}/invitations/{made(olga, said).pk}"
    shown = olga.browser.get(page).content.decode()
    assert "<bdi>E-Mail</bdi>" in shown and "<bdi>Opt in</bdi>" in shown and "<b>Opt in" not in shown
    counted = upload(olga, said, what="count").content.decode()
    assert "<bdi>E-Mail</bdi>" in counted and "<bdi>Opt in</bdi>" in counted
    without = upload(olga, b"first_name,last_name,city\nSuzie,A,B\n", what="count")
    assert "its rows are counted" in without.content.decode()


def test_markup_in_what_the_organisation_wrote_is_text(olga: Person) -> None:
    evil = "<script>alert(1)</script>"
    one = made(olga, table(2), title=evil, ground_text=evil, platform="<b>X</b>")
    for path in ("", "/email"):
        page = olga.browser.get(f"{URL}/invitations/{one.pk}{path}").content
        assert b"<script>alert" not in page and b"<b>X</b>" not in page
    assert b"<b>X</b>" not in olga.browser.get(f"{URL}/people").content
