"""The newsletter through the real front end, from the form to unsubscribing: rows, emails and answers."""

import re
import time
from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path
from urllib.parse import urlencode

import pytest

from front.visitor import FORM
from front_end import Client, open_client
from newsletter.asking import NEWSLETTER, PAGE, ask, filled
from sabal import erasure_journal, settings, token
from sabal.configuration.sender import Sender
from sabal.keys.keystore import unseal
from sabal.mail import outbox
from sabal.mail.emails import Site
from sabal.mail.folder import FolderTransport
from sabal.mail.ids import SLOW, lane_range
from sabal.newsletter import subscription as rows
from sabal.signing import reminder
from signing.steps import confirmed
from sites import SiteOfTests

SUZIE, EVE = "suzie@example.org", "eve@example.org"
KOREAN = PAGE.replace("/en/", "/ko/")
ONE_CLICK = b"List-Unsubscribe=One-Click"
TABLES = ("newsletter_subscription", "mail_email", "signing_suppression")


@pytest.fixture
def client(site: SiteOfTests, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    site.publish()
    with open_client(site, monkeypatch) as opened:
        yield opened


def contents(site: SiteOfTests) -> list[object]:
    """Return all data that asking, confirming and unsubscribing could change."""
    file = site.data / "erasure-journal.jsonl"
    tables = [site.database.query(f"SELECT * FROM {table} ORDER BY 1") for table in TABLES]
    return [*tables, file.read_bytes() if file.exists() else b""]


def sent_emails(site: SiteOfTests) -> list[tuple[str, dict[str, str]]]:
    """Send the emails that are due. Return every email in the folder as (to, links by verb)."""
    site.refresh()
    folder: Path = site.data / "mail"
    outbox.send_due(
        site.database,
        site.keystore,
        FolderTransport(folder),
        time.time,
        petitions=site.snapshots,
        accepted=reminder.note_accepted,
        site=Site("http://127.0.0.1:8000", Sender("", "petition@localhost")),
    )
    found = []
    for path in sorted(folder.glob("[0-9]*.eml")):
        message = message_from_bytes(path.read_bytes(), policy=policy.default)
        links = re.findall(r"http://127\.0\.0\.1:8000(/en/newsletter/(\w+)/\w{26})", message.as_string())
        assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        found.append((str(message["To"]), {verb: path for path, verb in links}))
    return found


def states(site: SiteOfTests) -> list[int]:
    return [row[0] for row in site.database.query("SELECT state FROM newsletter_subscription")]


def test_suzie_asks_confirms_and_unsubscribes(site: SiteOfTests, client: Client) -> None:
    answer = ask(client, SUZIE)
    assert answer.status == 303 and answer["location"] == f"{PAGE}/asked"
    assert client.get(f"{PAGE}/asked").status == 200
    ((to, links),) = sent_emails(site)
    assert to == SUZIE and states(site) == [rows.ASKED]
    for _ in range(2):
        answer = client.post(links["confirm"])
        assert answer.status == 200 and b"You are subscribed" in answer.body
        # She can leave at once, and need not wait for the first newsletter.
        assert f'href="{links["unsubscribe"]}"'.encode() in answer.body
        assert states(site) == [rows.CONFIRMED]
    for _ in range(2):
        answer = client.post(links["unsubscribe"])
        assert answer.status == 200 and b"You are unsubscribed" in answer.body
        assert states(site) == []
    assert client.post(links["confirm"]).status == 404
    assert [entry.kind for entry in erasure_journal.read()] == [erasure_journal.UNSUBSCRIBED]


def test_links_opened_again_say_how_things_are(site: SiteOfTests, client: Client) -> None:
    ask(client, SUZIE)
    ((_, links),) = sent_emails(site)
    confirm, leave = links["confirm"], links["unsubscribe"]
    assert b"Subscribe?" in client.get(confirm).body and b"Unsubscribe?" in client.get(leave).body
    client.post(confirm)
    for _ in range(2):
        again = client.get(confirm)
        assert again.status == 200 and b"You are subscribed" in again.body and b"<form" not in again.body
        assert f'href="{leave}"'.encode() in again.body and again["cache-control"] == "no-store"
        assert b"Unsubscribe?" in client.get(leave).body
    client.post(leave)
    for _ in range(2):
        again = client.get(leave)
        assert again.status == 200 and b"You are unsubscribed" in again.body and b"<form" not in again.body
        gone = client.get(confirm)
        assert gone.status == 404 and b"your address is deleted" in gone.body and b"<form" not in gone.body


def test_the_link_of_a_request_shows_a_subscription_that_was_confirmed_with_a_signature(
    site: SiteOfTests, client: Client
) -> None:
    ask(client, SUZIE)
    ((_, links),) = sent_emails(site)
    confirmed(site, site.petition(), SUZIE, subscribe=("newsletter",))
    assert states(site) == [rows.CONFIRMED]
    for answer in (client.get(links["confirm"]), client.post(links["confirm"])):
        assert answer.status == 200 and b"You are subscribed" in answer.body


def test_links_show_their_button_while_the_database_cannot_be_asked(
    site: SiteOfTests, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(client, SUZIE)
    ((_, links),) = sent_emails(site)
    monkeypatch.setattr(settings, "DATABASE_URL", "postgresql://sabal@127.0.0.1:1/nothing")
    for path in links.values():
        answer = client.get(path)
        assert answer.status == 200 and b'<form method="post"><button>' in answer.body


def test_opening_links_changes_nothing(site: SiteOfTests, client: Client) -> None:
    ask(client, SUZIE)
    ((_, links),) = sent_emails(site)
    assert set(links) == {"confirm", "unsubscribe"}
    for state in (rows.ASKED, rows.CONFIRMED):
        assert states(site) == [state]
        before = contents(site)
        for path in (*links.values(), NEWSLETTER, PAGE, f"{PAGE}/asked"):
            assert client.get(path).status == 200
        assert contents(site) == before
        client.post(links["confirm"])


def test_a_token_works_only_in_its_own_kind_of_link(site: SiteOfTests, client: Client) -> None:
    ask(client, SUZIE)
    ((_, links),) = sent_emails(site)
    confirm, leave = (links[verb].rsplit("/", 1)[1] for verb in ("confirm", "unsubscribe"))
    before = contents(site)
    for path in (
        f"{NEWSLETTER}/confirm/{leave}",
        f"{NEWSLETTER}/unsubscribe/{confirm}",
        f"{NEWSLETTER}/confirm/{'a' * 26}",
    ):
        assert client.post(path).status == 404
    assert contents(site) == before


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/x-www-form-urlencoded", ONE_CLICK),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n',
        ),
    ],
)
def test_a_mail_program_unsubscribes_with_one_post_from_another_site(
    site: SiteOfTests, client: Client, kind: str, body: bytes
) -> None:
    ask(client, SUZIE)
    ((_, links),) = sent_emails(site)
    client.post(links["confirm"])
    foreign = (b"sec-fetch-site", b"cross-site")
    for _ in range(2):  # it may try again
        answer = client.post_raw(links["unsubscribe"], body, (b"content-type", kind.encode()), foreign)
        assert answer.status == 200 and answer["location"] is None
    assert states(site) == []


def test_the_answer_does_not_reveal_who_is_in_the_list(site: SiteOfTests, client: Client) -> None:
    new = ask(client, SUZIE)
    ((_, links),) = sent_emails(site)
    waiting = ask(client, SUZIE)
    sent_emails(site)
    client.post(links["confirm"])  # no longer works: only the last link does
    assert states(site) == [rows.ASKED]
    client.post(sent_emails(site)[-1][1]["confirm"])
    assert states(site) == [rows.CONFIRMED]
    in_it = ask(client, SUZIE)
    for answer in (waiting, in_it):
        assert (answer.status, answer.headers, answer.body) == (new.status, new.headers, new.body)
    assert site.rows("mail_email") == 0 and len(sent_emails(site)) == 2


def test_a_hidden_field_that_a_password_manager_filled_in_loses_no_request(
    site: SiteOfTests, client: Client
) -> None:
    new, filled_in = ask(client, EVE), ask(client, SUZIE, website="https://petition.example")
    assert (filled_in.status, filled_in.headers, filled_in.body) == (new.status, new.headers, new.body)
    lanes = [row[0] for row in site.database.query("SELECT id FROM mail_email")]
    first, last = lane_range(SLOW)
    assert len(lanes) == 2 and all(first <= one <= last for one in lanes)
    assert SUZIE in [to for to, _ in sent_emails(site)]


def test_a_robot_uses_up_only_its_own_share(
    site: SiteOfTests, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client.app.limits, "_most_held_near", 2)
    answers = [ask(client, f"eve{n}@example.org", website="x") for n in range(4)]
    assert [answer.status for answer in answers] == [303, 303, 429, 429]
    assert answers[-1]["retry-after"] == "3600" and len(states(site)) == 2
    assert ask(client, SUZIE).status == 303 and len(states(site)) == 3


def test_unsubscribing_before_confirming_stops_further_emails(site: SiteOfTests, client: Client) -> None:
    first = ask(client, SUZIE)
    ((_, links),) = sent_emails(site)
    client.post_raw(links["unsubscribe"], ONE_CLICK)
    assert states(site) == []
    assert [entry.kind for entry in erasure_journal.read()] == [
        erasure_journal.UNSUBSCRIBED,
        erasure_journal.NOT_ME,
    ]
    again = ask(client, SUZIE)
    assert (again.status, again.headers, again.body) == (first.status, first.headers, first.body)
    assert states(site) == [] and site.rows("mail_email") == 0
    ask(client, EVE)
    assert states(site) == [rows.ASKED]


def test_a_former_subscriber_may_ask_again(site: SiteOfTests, client: Client) -> None:
    ask(client, SUZIE)
    ((_, links),) = sent_emails(site)
    client.post(links["confirm"])
    client.post(links["unsubscribe"])
    ask(client, SUZIE)
    client.post(sent_emails(site)[-1][1]["confirm"])
    assert states(site) == [rows.CONFIRMED]


def test_a_mailbox_gets_three_emails_a_day_for_all_its_spellings(site: SiteOfTests, client: Client) -> None:
    answers = [ask(client, f"su.zie+{n}@example.org") for n in range(6)]
    assert len({(answer.status, answer.body) for answer in answers}) == 1
    assert site.rows("mail_email") == len(states(site)) == 3
    ask(client, EVE)
    assert site.rows("mail_email") == 4


def test_the_address_and_language_typed_last_are_stored(site: SiteOfTests, client: Client) -> None:
    ask(client, SUZIE)
    ask(client, "Suzie@Example.org", KOREAN)
    language, sentence, sealed = site.database.query(
        "SELECT s.language, c.sentence, s.sealed_address FROM newsletter_subscription s"
        " JOIN newsletter_consent c ON c.version = s.consent"
    )[0]
    key = site.keyring.subscribers
    assert key and language == "ko" and "소식지" in sentence
    assert unseal(key, bytes(sealed), b"subscriber") == b"Suzie@Example.org"


@pytest.mark.parametrize(
    ("body", "shown_again"),
    [
        (b"email=", ""),
        (b"", ""),
        (b"email=suzie", 'value="suzie"'),
        (b"email=%3Cscript%3E", 'value="&lt;script&gt;"'),
        (b"email=suzie%00%40example.org", ""),
        (b"email=suzie%0d%0aBcc:eve%40example.org", ""),
        (b"email=" + b"a" * 300 + b"%40example.org", ""),
    ],
)
def test_an_invalid_address_gets_an_error_and_is_shown_again(
    site: SiteOfTests, client: Client, body: bytes, shown_again: str
) -> None:
    answer = client.post_raw(PAGE, body, FORM)
    page = answer.body.decode()
    assert answer.status == 422 and answer["cache-control"] == "no-store"
    assert (
        "<title>Error:" in page and 'role="alert"' in page and 'href="#email"' in page and shown_again in page
    )
    assert states(site) == [] and site.rows("mail_email") == 0


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("hotmial.com", "hotmail.com"), ("gmail.con", "gmail.com"), ("ｇｍｉａｌ．ｃｏｍ", "gmail.com")],
)
def test_a_mistyped_domain_is_questioned_once_as_when_signing(
    site: SiteOfTests, client: Client, typed: str, meant: str
) -> None:
    address = f"suzie@{typed}"
    first = ask(client, address)
    page = first.body.decode()
    assert first.status == 422 and page.count(f"Does your address end in {meant}?") == 2
    assert f'value="{address}"' in page and "checked>" in page and states(site) == []
    sent = dict(re.findall(r'<input type="hidden" name="(\w+)" value="(\w+)">', page))
    assert sent == {"email_checked": "1"} and "email_checked" not in client.get(PAGE).body.decode()
    assert "email_checked" in ask(client, "suzie", **sent).body.decode()  # another mistake in between
    assert ask(client, address, **sent).status == 303 and states(site) == [rows.ASKED]
    signing = client.post(
        "/ko/stop-forced-repatriation/sign",
        {"name": "Suzie", "email": address, "consent": "1", "version": site.petition().version},
    )
    asked = ask(client, address, KOREAN).body.decode()
    (question,) = set(re.findall(r'<p class="error" id="email-error">([^<]+)', asked))
    assert meant in question and question in signing.body.decode()


@pytest.mark.parametrize(
    "body",
    [
        b"email=a%40b.org&email=c%40d.org",
        b"email=%ff%fe%40example.org",
        b"&".join(b"f%d=1" % n for n in range(900)) + b"&email=a%40b.org",
    ],
)
def test_a_damaged_form_gets_an_error_and_nothing_is_stored(
    site: SiteOfTests, client: Client, body: bytes
) -> None:
    answer = client.post_raw(PAGE, body, FORM)
    assert answer.status == 422 and b"<title>Error:" in answer.body and b"arrived damaged" in answer.body
    assert b'href="#form"' not in answer.body and site.rows("mail_email") == 0


def test_without_the_ticked_box_no_email_is_sent(site: SiteOfTests, client: Client) -> None:
    """Consent is to the sentence beside the box when it was ticked, not to a later one."""
    page = client.get(PAGE).body.decode()
    assert "checked" not in page and "Email me the newsletter of" in page
    for consent in ({}, {"consent": ""}, {"consent": "1"}, {"consent": "0" * 16}):
        answer = client.post(PAGE, {"email": SUZIE, **consent})
        page = answer.body.decode()
        assert answer.status == 422 and "<title>Error:" in page and '<a href="#consent">' in page
        assert page.count("Tick the box to agree") == 2  # in the summary and beside the box
        assert f'value="{SUZIE}"' in page and "checked" not in page
    assert states(site) == [] and site.rows("mail_email") == 0


def test_a_ticked_box_stays_ticked_when_the_address_is_wrong(client: Client) -> None:
    page = ask(client, "suzie").body.decode()
    assert "checked>" in page and "Tick the box" not in page and '<a href="#email">' in page


def test_a_full_width_address_is_the_same_as_the_plain_one(site: SiteOfTests, client: Client) -> None:
    for typed in (SUZIE, "ｓｕｚｉｅ＠ｅｘａｍｐｌｅ．ｏｒｇ", f"\u202a{SUZIE}\u202c", "suzie@example。org"):
        assert ask(client, typed).status == 303
    assert len(states(site)) == 1
    assert {to for to, _ in sent_emails(site)} == {SUZIE}


def test_a_long_address_is_told_so(client: Client) -> None:
    page = ask(client, "수" * 85 + "@example.org")
    assert page.status == 422 and b"254 bytes" in page.body


def test_an_unknown_link_gets_a_page_with_the_next_step(site: SiteOfTests, client: Client) -> None:
    invented = token.encode(token.new())
    gone = client.post(f"{NEWSLETTER}/confirm/{invented}")
    assert gone.status == 404 and b"ask for it again" in gone.body
    assert b'<a class="button" href="/en/newsletter">' in gone.body
    unknown = client.post(f"{NEWSLETTER}/unsubscribe/{invented}")
    assert unknown.status == 404 and b"copy all of it" in unknown.body and b"/en/imprint" in unknown.body


def test_a_form_on_another_site_is_refused(site: SiteOfTests, client: Client) -> None:
    body = urlencode(filled(client.get(PAGE).body.decode(), SUZIE)).encode()
    answer = client.post_raw(PAGE, body, FORM, (b"origin", b"https://eve.example"))
    assert answer.status == 403 and states(site) == []


def test_a_missing_key_is_a_503_and_changes_nothing(site: SiteOfTests, client: Client) -> None:
    ask(client, SUZIE)
    ((_, links),) = sent_emails(site)
    before = contents(site)
    client.app.keyring.subscribers = None
    for answer in (ask(client, EVE), client.post(links["unsubscribe"])):
        assert answer.status == 503 and answer["retry-after"] and answer["cache-control"] == "no-store"
    assert contents(site) == before


def test_unsubscribing_works_in_every_language_of_an_email(site: SiteOfTests, client: Client) -> None:
    for language, word in (("ko", "구독"), ("zh-hans", "退订"), ("ja", "配信")):
        invented = f"/{language}/newsletter/unsubscribe/{token.encode(bytes(16))}"
        assert client.post(invented).status == client.get(invented).status == 404
        ask(client, f"{language}@example.org")
        ((_, links),) = [one for one in sent_emails(site) if one[0].startswith(language)]
        leave = links["unsubscribe"].replace("/en/", f"/{language}/")
        for answer in (client.get(leave), client.post(leave), client.get(leave)):
            assert answer.status == 200 and word in answer.body.decode()
        assert states(site) == []


def test_a_request_without_an_email_writes_to_the_database_too(site: SiteOfTests, client: Client) -> None:
    """A commit that writes nothing is faster. Eve could measure that, and learn who is in the list."""
    if site.vendor != "sqlite":
        pytest.skip("PostgreSQL does not show whether another connection has written")
    ask(client, SUZIE)
    ((_, links),) = sent_emails(site)
    client.post(links["confirm"])
    before = site.database.query("PRAGMA data_version")
    ask(client, SUZIE)  # already in the list: no email
    assert site.rows("mail_email") == 0
    assert site.database.query("PRAGMA data_version") != before
