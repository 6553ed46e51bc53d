"""A subscriber's own page: what is kept, the language, leaving. Eve has links of her own, and invents some."""

from collections.abc import Iterator

import pytest

from front_end import Client, open_client
from sabal import token
from sabal.mail.address import EmailAddress
from sabal.newsletter import exporting
from sabal.newsletter import subscription as rows
from sabal.newsletter.lists import MailingList
from sites import SiteOfTests

SLUG = "stop-forced-repatriation"


@pytest.fixture
def client(site: SiteOfTests, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """Return a client of a site with an open petition."""
    site.publish(profile='"open"')
    with open_client(site, monkeypatch) as opened:
        yield opened


@pytest.fixture
def guarded(site: SiteOfTests, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """Return a client of a site with a guarded petition."""
    site.publish()
    with open_client(site, monkeypatch) as opened:
        yield opened


def subscribe(
    site: SiteOfTests, name: str, of: MailingList, since: int | None = None, origin: int = rows.ASKED_HERE
) -> str:
    """Return the address of the subscriber's own page."""
    assert site.keyring.subscribers
    row = rows.subscription(
        site.keyring.subscribers,
        of,
        EmailAddress.parse(f"{name}@example.org"),
        "ko",
        "Email me the <news>.",
        since=since,
        origin=origin,
    )
    with site.database.transaction():
        rows.confirm_with_signature(site.database, [row])
    return f"/en/newsletter/subscription/{token.encode(rows.unsubscribe_token(site.keyring.subscribers, row.id))}"


def count(site: SiteOfTests) -> int:
    return site.rows("newsletter_subscription")


def test_it_shows_what_is_kept_and_changes_nothing(site: SiteOfTests, client: Client) -> None:
    page = subscribe(site, "suzie", MailingList(SLUG), since=20_000)
    for _ in range(2):
        answer = client.get(page)
        body = answer.body.decode()
        assert (
            answer.status == 200
            and answer["cache-control"] == "no-store"
            and "noindex" in answer["x-robots-tag"]
        )
        assert "s…@example.org" in body and "suzie" not in body and "Email me the &lt;news&gt;." in body
        assert "2024" in body and "on this site" in body and "Leave all" not in body
    assert site.database.query("SELECT language, state FROM newsletter_subscription") == [("ko", 2)]


def test_a_stored_subscription_without_a_day_does_not_tell_of_a_signature(
    site: SiteOfTests, client: Client
) -> None:
    """Earlier versions stored how it was asked also for guarded petitions, whose subscriptions have no day."""
    assert site.keyring.subscribers
    guarded = subscribe(site, "suzie", MailingList(SLUG), origin=rows.WITH_SIGNATURE)
    open_ = subscribe(site, "max", MailingList(SLUG), since=20_000, origin=rows.WITH_SIGNATURE)
    assert "on this site" in (body := client.get(guarded).body.decode()) and "when you signed" not in body
    assert "when you signed" in client.get(open_).body.decode()
    lines = list(
        exporting.table(site.database, site.keyring.subscribers, SLUG, lambda _: True, hides_days=True)
    )
    assert [("suzie" in one, "with a signature" in one) for one in lines[1:]] in (
        [(True, False), (False, True)],
        [(False, True), (True, False)],
    )


def test_who_comes_without_a_day_while_an_export_is_written_is_not_the_only_one_without(
    site: SiteOfTests, client: Client
) -> None:
    assert site.keyring.subscribers
    subscribe(site, "max", MailingList(SLUG), since=20_000)
    hides_days = exporting.lacks_days(site.database, SLUG)
    subscribe(site, "suzie", MailingList(SLUG), origin=rows.WITH_SIGNATURE)
    of = (site.database, site.keyring.subscribers, SLUG, lambda _: True)
    first = "".join(exporting.table(*of, hides_days=hides_days))
    assert "max" in first and "2024-10-04" in first and "suzie" not in first
    again = "".join(exporting.table(*of, hides_days=exporting.lacks_days(site.database, SLUG)))
    assert "max" in again and "suzie" in again and "2024" not in again


def test_the_language_is_changed_by_a_form(site: SiteOfTests, client: Client) -> None:
    page = subscribe(site, "suzie", MailingList(SLUG))
    answer = client.post(page, {"do": "language", "language": "zh-hans"})
    assert answer.status == 303 and answer["location"] == page.replace("/en/", "/zh-hans/") + "#saved"
    assert site.database.query("SELECT language FROM newsletter_subscription") == [("zh-hans",)]
    for wrong in ({"do": "language", "language": "xx"}, {"do": "erase"}, {}):
        assert client.post(page, wrong).status == 400
    assert count(site) == 1


@pytest.mark.parametrize(("do", "left"), [("leave", 3), ("leave-all", 2)])
def test_one_list_or_all_of_the_organisation_are_left(
    site: SiteOfTests, client: Client, do: str, left: int
) -> None:
    page = subscribe(site, "suzie", MailingList(SLUG))
    subscribe(site, "suzie", MailingList(SLUG, 99))
    subscribe(site, "suzie", MailingList("another"))
    subscribe(site, "max", MailingList(SLUG))
    assert "2 lists" in client.get(page).body.decode()
    for _ in range(2):
        answer = client.post(page, {"do": do})
        assert answer.status == 200 and b"You are unsubscribed" in answer.body and count(site) == left
    assert b"You are unsubscribed" in client.get(page).body


def test_an_invented_link_shows_nothing(site: SiteOfTests, client: Client) -> None:
    page = subscribe(site, "suzie", MailingList(SLUG))
    invented = f"/en/newsletter/subscription/{token.encode(bytes(16))}"
    for path in (invented, page[:-6] + "aaaaaa"):
        assert client.get(path).status == 404 and client.post(path, {"do": "leave-all"}).status == 404
    assert count(site) == 1


def test_no_page_tells_who_signed_a_guarded_petition(site: SiteOfTests, guarded: Client) -> None:
    """Whatever is stored, the page is the same for each: with a signature, without one, and with updates too."""
    petition = site.petition(SLUG)
    pages = [
        subscribe(site, "suzie", MailingList(SLUG)),  # as confirming the signature stores it
        subscribe(site, "carol", MailingList(SLUG), origin=rows.WITH_SIGNATURE),
        subscribe(site, "ed", MailingList(SLUG), since=20_000),  # with the form of the newsletter
        subscribe(site, "max", MailingList(SLUG), since=20_001, origin=rows.WITH_SIGNATURE),  # of an open one
        subscribe(site, "eve", MailingList(SLUG), since=20_000),
    ]
    subscribe(site, "eve", MailingList(SLUG, petition.id))
    with site.database.transaction():
        site.database.execute("UPDATE newsletter_consent SET sentence = 'Of one petition.'")
    hidden = [f"{letter}…@example.org" for letter in "sceme"]  # the first letter of each
    shown = [guarded.get(page).body.decode().replace(page, "") for page in pages]
    assert all(address in body for address, body in zip(hidden, shown, strict=True))
    bodies = {body.replace(address, "") for address, body in zip(hidden, shown, strict=True)}
    assert len(bodies) == 1
    body = bodies.pop()
    assert "2024" not in body and "Of one petition." not in body and "2 lists" not in body
    assert "Leave all lists of this organisation" in body
    assert guarded.post(pages[-1], {"do": "leave-all"}).status == 200 and count(site) == 4


def test_updates_do_not_name_a_guarded_petition(site: SiteOfTests, guarded: Client) -> None:
    petition = site.petition(SLUG)
    page = subscribe(site, "suzie", MailingList(SLUG, petition.id))
    body = guarded.get(page).body.decode()
    text = petition.definition.texts["en"]
    assert "These are updates about a petition." in body and text.title not in body
    assert petition.definition.organiser["en"] not in body


def test_the_page_to_unsubscribe_leads_there(site: SiteOfTests, client: Client) -> None:
    page = subscribe(site, "suzie", MailingList(SLUG))
    answer = client.get(page.replace("/subscription/", "/unsubscribe/"))
    assert f'href="{page}"'.encode() in answer.body
