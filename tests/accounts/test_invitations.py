"""Links that let people in: once, for a while, for one address."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from desk_clients import PASSWORD, has_second_factor, person
from sabal.accounts.acts import TeamRole
from sabal.accounts.invitations import LASTS, SHELL_LASTS, accept, find, invite
from sabal.accounts.models import AuditEntry, Invitation, Membership, Organisation, User
from sabal.refusal import Refusal
from sites import SiteOfTests

CAROL = "carol@example.org"


def now() -> datetime:
    return datetime.now(UTC)


def sent(browser: Client, token: str, password: str = PASSWORD, **more: str) -> int:
    form = {"name": "Carol", "password1": password, "password2": password, **more}
    return browser.post(f"/welcome/{token}", form).status_code


def test_the_first_owner_comes_in_with_the_link_from_the_shell(site: SiteOfTests) -> None:
    token = invite(CAROL, TeamRole.OWNER, now(), invited_by=None)
    browser = Client()
    assert browser.get(f"/welcome/{token}").status_code == 200
    assert not User.objects.exists(), "opening the link changed something"
    assert sent(browser, token) == 302
    assert browser.get("/").status_code == 200
    assert Membership.objects.get().role == TeamRole.OWNER
    assert list(AuditEntry.objects.order_by("pk").values_list("what", flat=True)) == [
        "link-made",
        "joined",
        "signed-in",
    ]


def test_a_link_works_once(site: SiteOfTests) -> None:
    token = invite(CAROL, TeamRole.OWNER, now(), invited_by=None)
    assert sent(Client(), token) == 302
    assert Client().get(f"/welcome/{token}").status_code == 410
    assert sent(Client(), token, "another password here") == 410
    assert User.objects.get().check_password(PASSWORD)


def test_two_uses_at_the_same_moment_let_one_in(site: SiteOfTests) -> None:
    token = invite(CAROL, TeamRole.OWNER, now(), invited_by=None)
    first, second = find(token, now()), find(token, now())
    accept(first, now(), expected=None, name="Carol", password=PASSWORD)
    with pytest.raises(Refusal):
        accept(second, now(), expected=None, name="Eve", password="evil evil evil evil")
    assert User.objects.get().check_password(PASSWORD)


@pytest.mark.parametrize(("by_shell", "lasts"), [(True, SHELL_LASTS), (False, LASTS)])
def test_a_link_expires(site: SiteOfTests, by_shell: bool, lasts: timedelta) -> None:
    olga = person("olga@example.org", TeamRole.OWNER).user
    token = invite(CAROL, TeamRole.EDITOR, now(), invited_by=None if by_shell else olga)
    find(token, now() + lasts - timedelta(minutes=1))
    with pytest.raises(Refusal):
        find(token, now() + lasts + timedelta(minutes=1))


@pytest.mark.parametrize("token", ["x", "A" * 43, "é", "%00", "a" * 500])
def test_a_token_that_was_never_made_is_refused_like_a_used_one(site: SiteOfTests, token: str) -> None:
    used = invite(CAROL, TeamRole.OWNER, now(), invited_by=None)
    assert sent(Client(), used) == 302
    answers = [Client().get(f"/welcome/{one}") for one in (used, token)]
    assert [answer.status_code for answer in answers] == [410, 410]
    assert (
        answers[0].content.partition(b"<main")[2].partition(b"</main>")[0]
        == (answers[1].content.partition(b"<main")[2].partition(b"</main>")[0])
    )


def test_a_newer_link_replaces_an_older_one(site: SiteOfTests) -> None:
    old = invite(CAROL, TeamRole.OWNER, now(), invited_by=None)
    new = invite(CAROL.upper(), TeamRole.OWNER, now(), invited_by=None)
    assert Client().get(f"/welcome/{old}").status_code == 410
    assert Client().get(f"/welcome/{new}").status_code == 200


def test_the_database_has_no_token(site: SiteOfTests) -> None:
    token = invite(CAROL, TeamRole.OWNER, now(), invited_by=None)
    row = Invitation.objects.values().get()
    assert token not in str(row) and token.encode() not in bytes(row["token_hash"])


def test_a_link_from_the_shell_lets_a_person_back_in(site: SiteOfTests) -> None:
    """They have lost the password and the phone: both are replaced."""
    carol = person(CAROL, TeamRole.OWNER).user
    assert has_second_factor(carol)
    token = invite(CAROL, TeamRole.OWNER, now(), invited_by=None)
    assert sent(Client(), token, "another password here") == 302
    carol.refresh_from_db()
    assert carol.check_password("another password here") and not has_second_factor(carol)


def test_an_invitation_changes_no_password(site: SiteOfTests) -> None:
    """A colleague who may invite must not be able to take over an account."""
    carol = person(CAROL, TeamRole.VIEWER)
    ours = Organisation.objects.create(key="ours", name="Ours")
    olga = person("olga@example.org", TeamRole.OWNER)
    token = invite(CAROL, TeamRole.EDITOR, now(), invited_by=olga.user, organisation=ours)

    eve = Client()
    assert sent(eve, token, "evil evil evil evil") == 200  # it asks to sign in as Carol
    assert b"Sign in" in eve.get(f"/welcome/{token}").content
    assert sent(olga.browser, token) == 200
    assert has_second_factor(carol.user) and not Membership.objects.filter(organisation=ours).exists()

    assert carol.browser.get(f"/welcome/{token}").status_code == 200
    assert carol.browser.post(f"/welcome/{token}").status_code == 302
    assert Membership.objects.get(organisation=ours).user == carol.user


@pytest.mark.parametrize(
    ("password", "again", "error"),
    [
        ("short", "short", "too short"),
        ("blue river seven chairs", "blue river seven chair", "differ"),
        ("carol@example.org", "carol@example.org", "too similar"),
        ("", "", "required"),
    ],
)
def test_a_weak_password_is_refused_and_nothing_is_lost(
    site: SiteOfTests, password: str, again: str, error: str
) -> None:
    token = invite(CAROL, TeamRole.OWNER, now(), invited_by=None)
    browser = Client()
    answer = browser.post(
        f"/welcome/{token}", {"name": "Carol Lee", "password1": password, "password2": again}
    )
    if error:
        assert answer.status_code == 422 and error in answer.content.decode()
        assert 'value="Carol Lee"' in answer.content.decode() and not User.objects.exists()
        assert sent(browser, token) == 302, "the link was used up"
    else:
        assert answer.status_code == 302


def test_fields_of_no_form_are_not_taken(site: SiteOfTests) -> None:
    token = invite(CAROL, TeamRole.VIEWER, now(), invited_by=None)
    assert sent(Client(), token, role="owner", email="eve@example.org", is_active="0", resets="1") == 302
    assert User.objects.get().email == CAROL and Membership.objects.get().role == TeamRole.VIEWER


def test_an_invitation_ends_with_the_right_to_invite(site: SiteOfTests) -> None:
    """An owner who is removed, or has less now, cannot come back with an invitation of their own."""
    olga, max_ = (person(f"{name}@example.org", TeamRole.OWNER) for name in ("olga", "max"))
    token = invite("max2@example.org", TeamRole.OWNER, now(), invited_by=max_.user)
    find(token, now())
    Membership.objects.filter(user=max_.user).update(role=TeamRole.EDITOR, rights=["invite"])
    with pytest.raises(Refusal):
        find(token, now())
    Membership.objects.filter(user=max_.user).update(role=TeamRole.OWNER)
    membership = Membership.objects.get(user=max_.user)
    assert olga.browser.post(f"/people/{membership.pk}/remove").status_code == 302
    assert Client().get(f"/welcome/{token}").status_code == 410 and not Invitation.objects.exists()


def test_an_account_that_was_made_meanwhile_is_not_entered(site: SiteOfTests) -> None:
    """Eve holds a link to Carol's address. While she sends the form, Carol joins with a link of her own."""
    olga = person("olga@example.org", TeamRole.OWNER).user
    theirs = Organisation.objects.create(key="theirs", name="Theirs")
    held = find(invite(CAROL, TeamRole.VIEWER, now(), invited_by=olga, organisation=theirs), now())
    own = find(invite(CAROL, TeamRole.EDITOR, now(), invited_by=olga), now())
    accept(own, now(), expected=None, name="Carol", password=PASSWORD)
    with pytest.raises(Refusal):
        accept(held, now(), expected=None, name="Eve", password="evil evil evil evil")
    assert User.objects.get(email=CAROL).check_password(PASSWORD)


def test_an_invitation_takes_nothing_away(site: SiteOfTests) -> None:
    """A person with the right to invite cannot make an owner a viewer by an invitation."""
    olga = person("olga@example.org", TeamRole.OWNER)
    max_ = person("max@example.org", TeamRole.VIEWER, rights=("invite",)).user
    token = invite("olga@example.org", TeamRole.VIEWER, now(), invited_by=max_)
    assert olga.browser.post(f"/welcome/{token}").status_code == 409
    assert Membership.objects.get(user=olga.user).role == TeamRole.OWNER


def test_nobody_ends_the_invitation_of_another_by_inviting_too(site: SiteOfTests) -> None:
    olga = person("olga@example.org", TeamRole.OWNER).user
    max_ = person("max@example.org", TeamRole.VIEWER, rights=("invite",)).user
    of_shell = invite(CAROL, TeamRole.OWNER, now(), invited_by=None)
    of_olga = invite(CAROL, TeamRole.OWNER, now(), invited_by=olga)
    invite(CAROL, TeamRole.VIEWER, now(), invited_by=max_)
    find(of_shell, now())
    find(of_olga, now())


def test_a_removed_person_can_be_invited_again(site: SiteOfTests) -> None:
    olga, carol = person("olga@example.org", TeamRole.OWNER), person(CAROL, TeamRole.EDITOR)
    membership = Membership.objects.get(user=carol.user)
    assert olga.browser.post(f"/people/{membership.pk}/remove").status_code == 302
    token = invite(CAROL, TeamRole.VIEWER, now(), invited_by=olga.user)
    browser = Client()
    assert sent(browser, token, "another password here") == 302
    assert browser.get("/").status_code == 200
    assert Membership.objects.get(user=carol.user).role == TeamRole.VIEWER


def test_a_link_to_sign_in_gives_no_role(site: SiteOfTests) -> None:
    carol = person(CAROL, TeamRole.VIEWER).user
    token = invite(CAROL, "", now(), invited_by=None)
    assert sent(Client(), token, "another password here") == 302
    assert [one.role for one in Membership.objects.filter(user=carol)] == [TeamRole.VIEWER]
