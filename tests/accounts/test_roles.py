"""What each role may do, where."""

import pytest
from django.db import IntegrityError, transaction

from desk_clients import person
from sabal.accounts import roles
from sabal.accounts.acts import NAMES, OF_ROLE, RIGHTS, Act, TeamRole, acts_of
from sabal.accounts.models import Membership, Organisation, Ownership
from sabal.petitions.models import Petition
from sites import SiteOfTests


def test_the_table_of_roles() -> None:
    """Written out again, so that a change of the table is seen twice."""
    assert {role.value: sorted(acts) for role, acts in OF_ROLE.items()} == {
        "owner": sorted(Act),
        "editor": ["edit", "read", "translate", "view"],
        "translator": ["read", "translate"],
        "moderator": ["moderate", "read", "view"],
        "viewer": ["read", "view"],
    }
    assert set(NAMES) == set(TeamRole)


@pytest.mark.parametrize("role", TeamRole)
def test_rights_add_only_what_can_be_added(role: TeamRole) -> None:
    everything = acts_of(role, [*(act.value for act in Act), "everything", ""])
    added = frozenset() if role == TeamRole.TRANSLATOR else frozenset(RIGHTS)
    assert everything == OF_ROLE[role] | added


def test_a_role_counts_only_in_its_place(site: SiteOfTests) -> None:
    ours, theirs = (Organisation.objects.create(key=key, name=key) for key in ("ours", "theirs"))
    first, second, free = (Petition.objects.create(slug=slug) for slug in ("first", "second", "free"))
    Ownership.objects.create(petition=first, organisation=ours)
    Ownership.objects.create(petition=second, organisation=theirs)

    owner = person("olga@example.org", TeamRole.OWNER).user
    editor = person("ed@example.org", TeamRole.EDITOR, organisation=ours).user
    translator = person("tara@example.org", TeamRole.TRANSLATOR, petition=second).user
    stranger = person("eve@example.org").user

    assert list(roles.petitions(owner)) == [free, second, first]
    assert list(roles.petitions(editor)) == [first]
    assert list(roles.petitions(translator)) == [second]
    assert list(roles.petitions(stranger)) == []
    assert roles.in_petition(editor, first) == OF_ROLE[TeamRole.EDITOR]
    assert roles.in_petition(editor, second) == roles.in_petition(editor, free) == frozenset()
    assert roles.in_organisation(translator, theirs) == frozenset()
    assert roles.anywhere(stranger) == frozenset()


def test_roles_in_several_places_add_up(site: SiteOfTests) -> None:
    ours = Organisation.objects.create(key="ours", name="Ours")
    petition = Petition.objects.create(slug="first")
    Ownership.objects.create(petition=petition, organisation=ours)
    user = person("max@example.org", TeamRole.VIEWER, organisation=ours).user
    Membership.objects.create(user=user, petition=petition, role=TeamRole.MODERATOR, rights=["publish"])
    assert roles.in_petition(user, petition) == {Act.READ, Act.VIEW, Act.MODERATE, Act.PUBLISH}
    assert roles.in_organisation(user, ours) == {Act.READ, Act.VIEW}


def test_who_was_made_inactive_may_nothing(site: SiteOfTests) -> None:
    user = person("olga@example.org", TeamRole.OWNER).user
    user.is_active = False
    user.save()
    assert roles.in_site(user) == roles.anywhere(user) == frozenset()
    assert list(roles.petitions(user)) == []


@pytest.mark.parametrize("place", ["site", "organisation", "petition"])
def test_one_role_in_a_place(site: SiteOfTests, place: str) -> None:
    where = {
        "site": {},
        "organisation": {"organisation": Organisation.objects.create(key="ours", name="Ours")},
        "petition": {"petition": Petition.objects.create(slug="first")},
    }[place]
    user = person("ed@example.org", TeamRole.EDITOR, **where).user
    with pytest.raises(IntegrityError), transaction.atomic():
        Membership.objects.create(user=user, role=TeamRole.OWNER, **where)


@pytest.mark.parametrize("role", TeamRole)
@pytest.mark.parametrize("place", ["site", "organisation", "petition", "nowhere"])
def test_all_places_at_once_are_those_found_one_by_one(site: SiteOfTests, role: TeamRole, place: str) -> None:
    ours, theirs = (Organisation.objects.create(key=key, name=key) for key in ("ours", "theirs"))
    first, second, _ = (Petition.objects.create(slug=slug) for slug in ("first", "second", "free"))
    Ownership.objects.create(petition=first, organisation=ours)
    Ownership.objects.create(petition=second, organisation=theirs)
    where = {"organisation": {"organisation": ours}, "petition": {"petition": second}}.get(place, {})
    user = person(
        "olga@example.org", None if place == "nowhere" else role, rights=(Act.INVITE,), **where
    ).user  # type: ignore[arg-type]
    for act in Act:
        assert roles.organisations_where(user, act) == [
            one for one in roles.organisations(user) if act in roles.in_organisation(user, one)
        ]
        assert roles.petitions_where(user, act) == [
            one for one in roles.petitions(user) if act in roles.in_petition(user, one)
        ]


def test_a_long_list_of_people_has_pages(site: SiteOfTests) -> None:
    olga = person("olga@example.org", TeamRole.OWNER)
    ours = Organisation.objects.create(key="ours", name="ours")
    for n in range(60):
        person(f"max{n}@example.org", TeamRole.VIEWER, organisation=ours)
    first, second = (olga.browser.get(f"/people?page={n}").content.decode() for n in (1, 2))
    assert first.count("/people/") >= 50 and "max59@" not in first and "max59@" in second
