"""A petition that is given away leaves its lists with the organisation to which people subscribed."""

import importlib
from datetime import UTC, datetime

import pytest
from django.apps import apps
from django.db import connection
from pytest_django import DjangoAssertNumQueries

from desk_clients import Person, person
from mailings.world import CAROLS, Post, Recorder, begun, subscribe
from sabal.accounts import listowners
from sabal.accounts.acts import TeamRole
from sabal.accounts.models import AuditEntry, ListOwner, Membership, Organisation, Ownership
from sabal.mailings import control
from sabal.mailings.models import Mailing
from sabal.petitions.models import Petition
from sabal.updates.emailing import email_due
from sites import NOW, SiteOfTests
from updates.test_emailing import published


class Given:
    """Olga's organisation has a petition with a newsletter and updates; Max owns another organisation."""

    def __init__(self, site: SiteOfTests) -> None:
        site.publish(profile='"open"')
        self.site, self.petition = site, Petition.objects.get()
        self.ours = Organisation.objects.create(key="ours", name="Ours")
        self.theirs = Organisation.objects.create(key="theirs", name="Theirs")
        Ownership.objects.create(petition=self.petition, organisation=self.ours)
        self.olga = person("olga@example.org", TeamRole.OWNER, organisation=self.ours)
        self.max = person("max@example.org", TeamRole.OWNER, organisation=self.theirs)
        # Who gives it must own both.
        Membership.objects.create(user=self.olga.user, organisation=self.theirs, role=TeamRole.OWNER)
        subscribe(site, "suzie@example.org")
        subscribe(site, "carol@example.org", petition=self.petition.pk)

    def give(self, to: Organisation) -> None:
        answer = self.olga.browser.post(f"/petitions/{CAROLS}/organisation", {"organisation": to.key})
        assert answer.status_code == 302
        self.petition.refresh_from_db()
        assert Ownership.objects.get(petition=self.petition).organisation == to

    def write(self, audience: str) -> list[str]:
        """Let Olga's organisation write to one of its lists, and return who gets it."""
        form = {"audience": audience, "language": "en"}
        answer = self.olga.browser.post("/newsletters/ours/new", form)
        assert answer.status_code == 302, answer.content.decode()
        mailing = Mailing.objects.latest("pk")
        text = {"subject": "News", "body": "From Ours.", "revision": mailing.revision}
        address = answer["Location"].removesuffix("/text/en")
        assert self.olga.browser.post(f"{address}/text/en", text).status_code == 302
        mailing.refresh_from_db()
        assert control.begin(mailing, NOW, self.olga.user.pk)
        return self.sent()

    def sent(self) -> list[str]:
        recorder = Recorder()
        worker = Post(self.site, [recorder])
        worker.until_idle()
        worker.close()
        return recorder.readers


@pytest.fixture
def given(site: SiteOfTests) -> Given:
    return Given(site)


def may_write_to(who: Person, organisation: Organisation) -> list[str]:
    page = who.browser.get(f"/newsletters/{organisation.key}/new")
    return [one for one in (f"newsletter:{CAROLS}", f"updates:{CAROLS}") if one in page.content.decode()]


def test_the_old_owner_keeps_its_lists_and_the_new_one_gets_nobody(given: Given) -> None:
    assert may_write_to(given.olga, given.ours) == [f"newsletter:{CAROLS}", f"updates:{CAROLS}"]
    given.give(given.theirs)
    assert may_write_to(given.olga, given.ours) == [f"newsletter:{CAROLS}", f"updates:{CAROLS}"]
    assert may_write_to(given.max, given.theirs) == []
    assert listowners.keys_of(given.theirs) == [] and listowners.owner_of(CAROLS) == given.ours
    for path in ("", "/export", "/import"):
        page = given.max.browser.post if path == "/export" else given.max.browser.get
        answer = page(f"/organisations/theirs/subscribers{path}", {"list": CAROLS})
        assert answer.status_code == 404, path
    assert "Get the newsletter" in given.olga.browser.get("/organisations/ours/subscribers").content.decode()
    assert given.write(f"newsletter:{CAROLS}") == ["suzie@example.org"]
    assert given.write(f"updates:{CAROLS}") == ["carol@example.org"]


def test_the_petitions_of_an_organisation_are_one_query(
    given: Given, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    given.give(given.theirs)
    with django_assert_num_queries(1):
        assert list(listowners.petitions_with_lists_of(given.ours)) == [given.petition]
    with django_assert_num_queries(1):
        assert list(listowners.petitions_with_lists_of(given.theirs)) == []


def test_updates_of_the_new_owner_reach_nobody_who_subscribed_to_the_old_one(given: Given) -> None:
    given.give(given.theirs)
    published(given.petition, given.max.user, "Ours now")
    assert email_due(NOW) == 0 and given.sent() == []
    page = given.max.browser.get(f"/petitions/{CAROLS}/updates").content.decode()
    assert "Updates are not emailed" in page and "waits" not in page
    # With an amendment that names the new organisation, another key and another list begin.
    Petition.objects.update(organisation="theirs-2")
    given.petition.refresh_from_db()
    subscribe(given.site, "ed@example.org", petition=given.petition.pk, organisation="theirs-2")
    assert listowners.keys_of(given.theirs) == ["theirs-2"] and listowners.keys_of(given.ours) == [CAROLS]
    published(given.petition, given.max.user, "Again")
    assert email_due(NOW) == 1 and given.sent() == ["ed@example.org"]


def test_given_back_and_given_on_everybody_keeps_their_own(given: Given) -> None:
    given.give(given.theirs)
    given.give(given.ours)
    assert listowners.keys_of(given.ours) == [CAROLS] and listowners.lists_belong_to_owner(given.petition)
    given.give(given.theirs)
    Petition.objects.update(organisation="theirs-2")
    given.petition.refresh_from_db()
    third = Organisation.objects.create(key="third", name="Third")
    Membership.objects.create(user=given.olga.user, organisation=third, role=TeamRole.OWNER)
    given.give(third)
    kept = [listowners.keys_of(one) for one in (given.ours, given.theirs, third)]
    assert kept == [[CAROLS], ["theirs-2"], []]


def test_once_the_text_names_the_new_owner_people_subscribe_to_its_own_list(given: Given) -> None:
    """A change of the name alone would go on with the old list if the petition had not been given away."""
    given.give(given.theirs)
    given.site.publish(profile='"open"', goal="5000")
    given.petition.refresh_from_db()
    assert given.petition.organisation == CAROLS, "the page still names the old organisation"
    given.site.publish(profile='"open"', **{"organiser.en": '"Max and friends"'})
    given.petition.refresh_from_db()
    assert given.petition.organisation != CAROLS and not given.petition.given_away
    assert listowners.keys_of(given.ours) == [CAROLS]
    assert listowners.keys_of(given.theirs) == [given.petition.organisation]
    given.site.publish(profile='"open"', **{"organiser.en": '"Max and all friends"'})
    key = given.petition.organisation
    given.petition.refresh_from_db()
    assert given.petition.organisation == key, "from then on an amendment goes on as ever"


def test_a_newsletter_that_loses_its_petition_says_so_and_can_be_cancelled(given: Given) -> None:
    mailing = begun()
    address = f"/newsletters/ours/{mailing.pk}"
    waits = "no published petition belongs to this newsletter any more"
    assert waits not in given.olga.browser.get(address).content.decode()
    given.give(given.theirs)
    given.site.publish(profile='"open"', **{"organiser.en": '"Max and friends"'})
    assert given.sent() == []
    page = given.olga.browser.get(address).content.decode()
    assert waits in page and "Cancel for good" in page and "follows by itself" not in page
    assert given.olga.browser.post(f"{address}/cancel").status_code == 302
    assert given.sent() == []
    page = given.olga.browser.get(address).content.decode()
    assert waits not in page and "Cancelled" in page


def test_an_email_about_a_petition_that_is_not_published_any_more_says_so(given: Given) -> None:
    mailing = begun(petition=given.petition)
    Petition.objects.filter(pk=given.petition.pk).update(state=Petition.State.DRAFT)
    Petition.objects.create(
        slug="second", state=Petition.State.OPEN, organisation=CAROLS, version=given.petition.version
    )
    Ownership.objects.create(petition=Petition.objects.get(slug="second"), organisation=given.ours)
    page = given.olga.browser.get(f"/newsletters/ours/{mailing.pk}").content.decode()
    assert "the petition that it is about is not published any more" in page


def test_a_draft_takes_nothing_along(given: Given) -> None:
    draft = Petition.objects.create(slug="draft")
    Ownership.objects.create(petition=draft, organisation=given.ours)
    listowners.give(draft, given.theirs)
    assert not ListOwner.objects.exists()


def test_what_was_given_away_before_is_read_from_the_history(given: Given) -> None:
    def said(what: str, organisation: str) -> None:
        AuditEntry.objects.create(
            what=what, petition_number=given.petition.pk, organisation=organisation, at=datetime.now(UTC)
        )

    said("published", "ours")
    said("assigned", "theirs")
    Ownership.objects.update(organisation=given.theirs)
    migration = importlib.import_module("sabal.accounts.migrations.0005_list_owners")
    for _ in range(2):
        with connection.schema_editor() as editor:
            migration.note_owners(apps, editor)
        assert listowners.keys_of(given.ours) == [CAROLS] and listowners.keys_of(given.theirs) == []
        assert Petition.objects.get().given_away
