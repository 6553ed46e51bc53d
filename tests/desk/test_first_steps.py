"""The way to a first petition: each step leads on to the next, and nobody is led elsewhere."""

import re

import pytest
from django.test import Client

from desk_clients import LETTER, PASSWORD, Person, person
from sabal.accounts.acts import TeamRole
from sabal.accounts.models import Organisation, Ownership
from sabal.desk.ownerterms import with_owner
from sabal.petitions import folder
from sabal.petitions.definition import TO_COMPLETE, Definition
from sabal.petitions.models import Petition
from sabal.publishing import drafts
from sites import SiteOfTests

ADDRESS = "Hill Road 1\n1234 Town"


def read(browser: Client, address: str) -> str:
    answer = browser.get(address)
    assert answer.status_code in (200, 403), answer.status_code
    return answer.content.decode()


def test_each_step_leads_on(site: SiteOfTests) -> None:
    olga = person("olga@example.org", TeamRole.OWNER, second_factor=False)
    olga.user.set_password(PASSWORD)
    olga.user.save()
    olga.browser = Client()
    olga.browser.post("/account/login/", {"login": olga.user.email, "password": PASSWORD})
    page = read(olga.browser, "/new")
    assert "three short steps" in page and 'href="/organisations"' in page and "Begin with step 1" in page
    page = read(olga.browser, "/organisations")
    assert "Step 1 of 3" in page
    found = re.search(r'href="(/account/security/totp/activate/[^"]*)"', page)
    assert found and "Step 1 of 3" in read(olga.browser, found[1])
    # The test of the browser makes a passkey; here the rest is looked at.
    max_ = person("max@example.org", TeamRole.OWNER)
    page = read(max_.browser, "/new")
    assert "Go on with step 3" in page
    page = read(max_.browser, "/organisations")
    assert "Step 3 of 3" in page and "Add it, and go on" in page
    form = {"name": "Friends of the night bus", "contact": "bus@example.org", "imprint_here": ADDRESS}
    answer = max_.browser.post("/organisations", form, follow=True)
    assert answer.redirect_chain[-1][0] == "/new"
    assert "Added. Now make a petition." in answer.content.decode()
    assert Organisation.objects.get().imprint == {"en": ADDRESS}
    assert "Step" not in read(max_.browser, "/organisations").partition("<main")[2]


def test_a_person_who_may_add_none_is_told_whom_to_ask(site: SiteOfTests) -> None:
    ed = person("ed@example.org", TeamRole.EDITOR)
    page = read(ed.browser, "/new")
    assert "Ask the person who invited you" in page and "/organisations" not in page.partition("<main")[2]


@pytest.mark.parametrize(
    "evil",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "javascript:alert(1)",
        "http:evil.example",
    ],
)
def test_nobody_is_led_to_another_site(site: SiteOfTests, evil: str) -> None:
    olga = person("olga@example.org", TeamRole.OWNER)
    from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes

    RecoveryCodes.activate(olga.user)
    for page in ("recovery-codes/", "webauthn/add/"):
        answer = olga.browser.get(f"/account/security/{page}", {"next": evil})
        assert answer.status_code == 200
        main = answer.content.decode().partition("<main")[2].partition("</main>")[0]
        assert "evil" not in main and "alert(1)" not in main, page
    back = "/people/invite?place=site"
    assert (
        f'href="{back}"'
        in olga.browser.get("/account/security/recovery-codes/", {"next": back}).content.decode()
    )


def test_a_form_without_a_page_leads_back_to_the_page_it_was_on(site: SiteOfTests) -> None:
    """Its own address takes no GET: the person would come back to an error."""
    olga = person("olga@example.org", TeamRole.OWNER, second_factor=False)
    for referrer, back in (
        ("http://testserver/people/1", "/people/1"),
        ("https://evil.example/x", "/"),
        ("http://testserver//evil.example/", "/"),
        ("", "/"),
    ):
        answer = olga.browser.post("/people/1/remove", headers={"referer": referrer} if referrer else {})
        found = re.search(r"webauthn/add/\?next=([^\"]*)", answer.content.decode())
        assert found and found[1] == back.replace("/", "%2F"), referrer


def made(ed: Person, where: str, form: dict[str, str]) -> Definition:
    before = set(Petition.objects.values_list("pk", flat=True))
    assert ed.browser.post(where, form).status_code == 302
    petition = Petition.objects.exclude(pk__in=before).get()
    return folder.parse(drafts.export_files(petition.slug))


@pytest.mark.parametrize("where", ["/new", "/new/blank"])
def test_a_new_petition_knows_its_organisation(ed: Person, where: str) -> None:
    ours = Organisation.objects.get(key="ours")
    ours.names, ours.imprint, ours.contact = {"en": "Ours for All"}, {"en": ADDRESS}, "us@example.org"
    ours.save()
    letter = {"organisation": "ours", "text": LETTER, "make": "1"}
    blank = {"organisation": "ours", "title": "The night bus must stay", "language": "en"}
    definition = made(ed, where, letter if where == "/new" else blank)
    assert definition.organiser["en"] == definition.controller.name["en"] == "Ours for All"
    assert definition.controller.address["en"] == ADDRESS
    assert definition.controller.privacy_contact == "us@example.org"


def test_what_the_terms_cannot_have_is_left_out(ed: Person) -> None:
    ours = Organisation.objects.get(key="ours")
    ours.imprint, ours.contact = {"en": "x" * 3_900}, "+82 2 123 4567"
    ours.save()
    definition = made(ed, "/new/blank", {"organisation": "ours", "title": "Keep the bus", "language": "en"})
    assert definition.organiser["en"] == "Ours"
    assert TO_COMPLETE in definition.controller.privacy_contact


def test_what_is_written_already_stays(site: SiteOfTests) -> None:
    """Also in a folder, which is taken as it is, and in a copy for the same organisation."""
    theirs = Organisation.objects.create(key="theirs", name="Theirs", contact="they@example.org")
    petition = Petition.objects.get(slug=site.publish().slug)
    Ownership.objects.create(petition=petition, organisation=theirs)
    files = drafts.export_files(petition.slug)
    assert with_owner(files, theirs) == files
