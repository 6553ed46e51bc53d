"""Rules against floods on the desk: what Max types becomes a rule, or is refused with the line."""

import re

import pytest
from django.test import Client

from desk_clients import Person, person
from sabal.accounts.acts import TeamRole
from sabal.accounts.models import AuditEntry, Organisation, Ownership
from sabal.desk.views import limits as views
from sabal.limits import rules
from sabal.limits.rules import DOMAIN, NETWORK
from sabal.limits.surges import Surge
from sabal.petitions.models import Petition
from sabal.petitions.snapshot import PetitionSnapshot
from served import SLUG
from sites import SiteOfTests

PAGE = f"/petitions/{SLUG}/limits"


@pytest.fixture
def petition(site: SiteOfTests) -> PetitionSnapshot:
    petition = site.publish()
    organisation = Organisation.objects.create(key="ours", name="Ours")
    Ownership.objects.create(petition_id=petition.id, organisation=organisation)
    return petition


@pytest.fixture
def max_(petition: PetitionSnapshot) -> Person:
    return person("max@example.org", TeamRole.MODERATOR, organisation=Organisation.objects.get(key="ours"))


def test_rules_are_added_shown_and_removed(
    site: SiteOfTests, petition: PetitionSnapshot, max_: Person
) -> None:
    assert b"There is no rule yet" in max_.browser.get(PAGE).content
    form = {"values": "*.Mail.Example\n@b\u00fccher.example  203.0.113.9\n2001:db8::1", "effect": "refuse"}
    assert max_.browser.post(PAGE, form).status_code == 302
    assert rules.rules(site.database, petition.id) == [
        (DOMAIN, "mail.example", "refuse"),
        (DOMAIN, "xn--bcher-kva.example", "refuse"),
        (NETWORK, "2001:db8::/64", "refuse"),
        (NETWORK, "203.0.113.0/24", "refuse"),
    ]
    assert AuditEntry.objects.get().what == "rule-refuse"
    assert max_.browser.get(PAGE).content.count(b">Refuse<") == 4
    gone = {"kind": DOMAIN, "value": "mail.example"}
    for _ in range(2):
        assert max_.browser.post(f"{PAGE}/remove", gone).status_code == 302
    assert AuditEntry.objects.filter(what="rule-removed", details="mail.example").count() == 1
    assert len(rules.rules(site.database, petition.id)) == 3


def test_strictness_is_chosen(site: SiteOfTests, petition: PetitionSnapshot, max_: Person) -> None:
    assert max_.browser.post(f"{PAGE}/strictness", {"strictness": "10.0"}).status_code == 302
    assert rules.strictness(site.database, petition.id) == 10.0
    shown = max_.browser.get(PAGE).content.decode()
    assert re.findall(r'value="([\d.]+)"[^>]* checked', shown) == ["10.0"]
    for bad in ("0", "nan", "1e9", ""):
        assert max_.browser.post(f"{PAGE}/strictness", {"strictness": bad}).status_code == 422
    assert rules.strictness(site.database, petition.id) == 10.0


@pytest.mark.parametrize(
    ("values", "effect", "said"),
    [
        ("nonsense", "hold", "nonsense is neither an email domain nor a network"),
        ("suzie@mail.example", "hold", "neither an email domain nor a network"),
        ("0.0.0.0/0", "refuse", "0.0.0.0/0 is no network, or too wide"),
        ("10.0.0.0/33", "hold", "is no network, or too wide"),
        ("mail.example/24", "hold", "is no network, or too wide"),
        ("gmail.com", "refuse", "Thousands of people have an address of gmail.com"),
        ("a.example " * 1, "delete", "Select a valid choice"),
        ("\n".join(f"d{n}.example" for n in range(201)), "hold", "at most 200 at once"),
        ("<script>alert(1)</script>.example", "hold", "neither an email domain nor a network"),
        ("", "hold", "required"),
        (":" * 40_000 + "!", "hold", "neither an email domain nor a network"),  # refused at once
    ],
)
def test_what_is_no_rule_is_refused_and_stays_in_the_form(
    site: SiteOfTests, petition: PetitionSnapshot, max_: Person, values: str, effect: str, said: str
) -> None:
    answer = max_.browser.post(PAGE, {"values": values, "effect": effect})
    page = answer.content.decode()
    assert answer.status_code == 422 and said in page and "<script>alert" not in page
    assert not rules.rules(site.database, petition.id) and not AuditEntry.objects.exists()


def test_the_most_rules_are_said(
    site: SiteOfTests, petition: PetitionSnapshot, max_: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "MOST", 1)
    answer = max_.browser.post(PAGE, {"values": "a.example b.example", "effect": "hold"})
    assert answer.status_code == 422 and b"at most 1 rules" in answer.content
    assert not rules.rules(site.database, petition.id)


def test_a_surge_becomes_a_rule_with_one_click(
    site: SiteOfTests, petition: PetitionSnapshot, max_: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [
        Surge(1_795_000_000, 150, "network", "203.0.113.0/24"),
        Surge(1_795_000_000, 90, "network", "tor"),
    ]
    monkeypatch.setattr(views.surges, "ask", lambda folder, slug: found if slug == SLUG else [])
    page = max_.browser.get(PAGE).content.decode()
    assert "150" in page and page.count('name="effect" value="hold"') == 2, "the form, and one surge"
    max_.browser.post(PAGE, {"values": "203.0.113.0/24", "effect": "hold"})
    assert rules.rules(site.database, petition.id) == [(NETWORK, "203.0.113.0/24", "hold")]


@pytest.mark.parametrize("role", [TeamRole.VIEWER, TeamRole.EDITOR, TeamRole.TRANSLATOR])
def test_another_role_and_another_website_change_nothing(
    site: SiteOfTests, petition: PetitionSnapshot, max_: Person, role: TeamRole
) -> None:
    eve = person("eve@example.org", role, organisation=Organisation.objects.get(key="ours"))
    other = Client(enforce_csrf_checks=True)
    other.cookies = max_.browser.cookies
    for browser in (eve.browser, other):
        assert browser.post(PAGE, {"values": "a.example", "effect": "hold"}).status_code == 403
        assert browser.post(f"{PAGE}/strictness", {"strictness": "10.0"}).status_code == 403
        assert browser.post(f"{PAGE}/remove", {"kind": DOMAIN, "value": "a.example"}).status_code == 403
    assert not rules.rules(site.database, petition.id)


def test_the_rules_of_another_petition_are_out_of_reach(
    site: SiteOfTests, petition: PetitionSnapshot, max_: Person
) -> None:
    other = Petition.objects.create(slug="second", state="open")
    Ownership.objects.create(petition=other, organisation=Organisation.objects.create(key="theirs", name="T"))
    rules.add(site.database, other.pk, DOMAIN, ["a.example"], rules.Effect.HOLD)
    max_.browser.post(f"{PAGE}/remove", {"kind": DOMAIN, "value": "a.example"})
    assert (
        max_.browser.post(
            "/petitions/second/limits/remove", {"kind": DOMAIN, "value": "a.example"}
        ).status_code
        == 404
    )
    assert len(rules.rules(site.database, other.pk)) == 1
