"""Every address of the desk, as every role, as a stranger, and with foreign ids."""

import re
from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from desk_clients import Person, forget_second_factor, person
from sabal.accounts import audit, roles
from sabal.accounts.acts import NEED_SECOND_FACTOR, Act, TeamRole, acts_of
from sabal.accounts.models import Membership, Organisation, Ownership
from sabal.petitions.models import Petition
from served import SLUG
from sites import SiteOfTests

OPEN_TO_ALL = {"welcome", "language", "style", "favicon"}  # without signing in
UNKNOWN = "00000000-0000-4000-8000-000000000000"
OF_ALLAUTH = ("account_", "mfa_", "usersessions_")


def patterns(found: list[URLPattern | URLResolver] | None = None) -> Iterator[URLPattern]:
    for one in get_resolver("sabal.desk.urls").url_patterns if found is None else found:
        if isinstance(one, URLResolver):
            yield from patterns(one.url_patterns)
        else:
            yield one


GUARDED = {
    one.name: one.callback.act  # type: ignore[attr-defined]
    for one in patterns()
    if one.name and hasattr(one.callback, "act")
}


def test_every_view_names_its_act() -> None:
    """A view without one is open to all, or allauth's own."""
    for one in patterns():
        assert one.name in GUARDED or one.name in OPEN_TO_ALL or (one.name or "").startswith(OF_ALLAUTH), (
            one.name
        )


OF_NO_PLACE = {
    "/",
    "/components",
    "/new",
    "/newsletters",
    "/organisations",
    "/subscribers",
    "/people",
    "/people/invite",
    "/history",
    "/history.csv",
    "/organiser.html",
}
"""Addresses without an id: they show what is of the user's own places."""


class Team:
    """An organisation with a petition, and another organisation with its own."""

    def __init__(self) -> None:
        self.ours, self.theirs = (
            Organisation.objects.create(key=key, name=key) for key in ("ours", "theirs")
        )
        self.petition, self.foreign = (
            Petition.objects.get_or_create(slug=slug)[0] for slug in (SLUG, "second")
        )
        Ownership.objects.create(petition=self.petition, organisation=self.ours)
        Ownership.objects.create(petition=self.foreign, organisation=self.theirs)

    def member(self, role: TeamRole, rights: tuple[str, ...] = ()) -> Person:
        return person(f"{role.value}@example.org", role, organisation=self.ours, rights=rights)

    def paths(self, petition: Petition, organisation: Organisation) -> dict[str, str]:
        member = Membership.objects.filter(organisation=organisation).first()
        pk = member.pk if member else 0
        return {
            "home": "/",
            "new": "/new",
            "new-blank": "/new/blank",
            "new-folder": "/new/folder",
            "new-copy": "/new/copy",
            "new-elsewhere": "/new/elsewhere",
            "folder-zip": f"/petitions/{petition.slug}/folder.zip",
            "picture": f"/petitions/{petition.slug}/picture",
            "picture-now": f"/petitions/{petition.slug}/picture.webp",
            "terms": f"/petitions/{petition.slug}/terms",
            "text": f"/petitions/{petition.slug}/text/en",
            "text-start": f"/petitions/{petition.slug}/text",
            "recipients": f"/petitions/{petition.slug}/recipients",
            "languages": f"/petitions/{petition.slug}/languages",
            "add-language": f"/petitions/{petition.slug}/languages/add",
            "translate": f"/petitions/{petition.slug}/languages/ko",
            "remove-language": f"/petitions/{petition.slug}/languages/zh-hans/remove",
            "leave-out-language": f"/petitions/{petition.slug}/languages/zh-hans/leave-out",
            "language-table": f"/petitions/{petition.slug}/languages/ko/table",
            "language-table-file": f"/petitions/{petition.slug}/languages/ko/table.csv",
            "drafts": f"/petitions/{petition.slug}/revisions",
            "draft": f"/petitions/{petition.slug}/revisions/1",
            "restore-draft": f"/petitions/{petition.slug}/revisions/1/restore",
            "discard": f"/petitions/{petition.slug}/discard",
            "amendment": f"/petitions/{petition.slug}/amendment",
            "amend": f"/petitions/{petition.slug}/amendment/publish",
            "agree": f"/petitions/{petition.slug}/jobs/{UNKNOWN}/agree",
            "key": f"/petitions/{petition.slug}/key",
            "check-file": f"/petitions/{petition.slug}/key/check-file",
            "check-code": f"/petitions/{petition.slug}/key/code",
            "publish": f"/petitions/{petition.slug}/publish",
            "sending": f"/petitions/{petition.slug}/sending",
            "job": f"/petitions/{petition.slug}/jobs/{UNKNOWN}",
            "cancel-job": f"/petitions/{petition.slug}/jobs/{UNKNOWN}/cancel",
            "petition": f"/petitions/{petition.slug}",
            "names": f"/petitions/{petition.slug}/names",
            "names-file": f"/petitions/{petition.slug}/names/file",
            "names-delete": f"/petitions/{petition.slug}/names/delete",
            "names-keep": f"/petitions/{petition.slug}/names/keep",
            "held": f"/petitions/{petition.slug}/held",
            "held-release": f"/petitions/{petition.slug}/held/1/release",
            "held-drop": f"/petitions/{petition.slug}/held/1/drop",
            "limits": f"/petitions/{petition.slug}/limits",
            "limits-remove": f"/petitions/{petition.slug}/limits/remove",
            "limits-strictness": f"/petitions/{petition.slug}/limits/strictness",
            "revocations": f"/petitions/{petition.slug}/revocations",
            "moderation": f"/petitions/{petition.slug}/revocations/0",
            "moderation-begin": f"/petitions/{petition.slug}/revocations/0/begin",
            "moderation-stop": f"/petitions/{petition.slug}/revocations/0/stop",
            "emails": f"/petitions/{petition.slug}/emails",
            "email-html": f"/petitions/{petition.slug}/emails/html",
            "email-test": f"/petitions/{petition.slug}/emails/test",
            "contacts": f"/petitions/{petition.slug}/delivery",
            "contact": f"/petitions/{petition.slug}/delivery/to/unhcr",
            "contact-members": f"/petitions/{petition.slug}/delivery/to/unhcr/file",
            "contact-members-file": f"/petitions/{petition.slug}/delivery/to/unhcr/members.toml",
            "contact-member-add": f"/petitions/{petition.slug}/delivery/to/unhcr/add",
            "contact-member": f"/petitions/{petition.slug}/delivery/to/unhcr/members/france",
            "sendings": f"/petitions/{petition.slug}/delivery/sent",
            "send": f"/petitions/{petition.slug}/delivery/send",
            "sending-rules": f"/petitions/{petition.slug}/delivery/numbers",
            "letter-preview": f"/petitions/{petition.slug}/delivery/letters/unhcr.pdf",
            "letter-preview-member": f"/petitions/{petition.slug}/delivery/letters/unhcr/france.pdf",
            "dispatch": f"/petitions/{petition.slug}/delivery/sent/0",
            "dispatch-file": f"/petitions/{petition.slug}/delivery/sent/0/letter.pdf",
            "occasion-cancel": f"/petitions/{petition.slug}/delivery/cancel/0",
            "members-example": f"/petitions/{petition.slug}/delivery/examples/un-security-council.toml",
            "answers": f"/petitions/{petition.slug}/answers",
            "answers-earlier": f"/petitions/{petition.slug}/answers/earlier",
            "recipient-record": f"/petitions/{petition.slug}/answers/to/unhcr",
            "step-add": f"/petitions/{petition.slug}/answers/to/unhcr/add/delivered",
            "demands-state": f"/petitions/{petition.slug}/answers/to/unhcr/demands",
            "step-correct": f"/petitions/{petition.slug}/answers/steps/0",
            "proof-add": f"/petitions/{petition.slug}/answers/steps/0/proof",
            "statement-correct": f"/petitions/{petition.slug}/answers/demands/0",
            "proof": f"/petitions/{petition.slug}/answers/proofs/0",
            "proof-show": f"/petitions/{petition.slug}/answers/proofs/0/show",
            "log-file": f"/petitions/{petition.slug}/log.zip",
            "papers": f"/petitions/{petition.slug}/papers",
            "letter": f"/petitions/{petition.slug}/papers/to/unhcr",
            "letter-look": f"/petitions/{petition.slug}/papers/to/unhcr/look.png",
            "letter-all": f"/petitions/{petition.slug}/papers/to/unhcr/all.zip",
            "letter-file": f"/petitions/{petition.slug}/papers/to/unhcr/cover.pdf",
            "press-file": f"/petitions/{petition.slug}/papers/press-en.pdf",
            "sheets-file": f"/petitions/{petition.slug}/papers/sheets.pdf",
            "updates": f"/petitions/{petition.slug}/updates",
            "update-new": f"/petitions/{petition.slug}/updates/new",
            "updates-pace": f"/petitions/{petition.slug}/updates/pace",
            "update": f"/petitions/{petition.slug}/updates/1",
            "update-review": f"/petitions/{petition.slug}/updates/1/review",
            "update-publish": f"/petitions/{petition.slug}/updates/1/publish",
            "update-take-back": f"/petitions/{petition.slug}/updates/1/take-back",
            "update-discard": f"/petitions/{petition.slug}/updates/1/discard",
            "update-picture": f"/petitions/{petition.slug}/updates/1/picture.webp",
            "update-preview": f"/petitions/{petition.slug}/updates/1/preview/en",
            "pause": f"/petitions/{petition.slug}/pause",
            "resume": f"/petitions/{petition.slug}/resume",
            "close": f"/petitions/{petition.slug}/close",
            "ending": f"/petitions/{petition.slug}/ending",
            "finalise": f"/petitions/{petition.slug}/finalise",
            "assign": f"/petitions/{petition.slug}/organisation",
            "preview": f"/petitions/{petition.slug}/preview",
            "preview-page": f"/en/{petition.slug}",
            "elsewhere": f"/petitions/{petition.slug}/elsewhere",
            "count-enter": f"/petitions/{petition.slug}/elsewhere/enter",
            "count-decide": f"/petitions/{petition.slug}/elsewhere/0/decide",
            "count-correct": f"/petitions/{petition.slug}/elsewhere/0/correct",
            "people-elsewhere": f"/petitions/{petition.slug}/elsewhere/people",
            "invitation": f"/petitions/{petition.slug}/elsewhere/invitations/0",
            "invitation-html": f"/petitions/{petition.slug}/elsewhere/invitations/0/email",
            "invitation-test": f"/petitions/{petition.slug}/elsewhere/invitations/0/test",
            "invitation-begin": f"/petitions/{petition.slug}/elsewhere/invitations/0/begin",
            "invitation-stop": f"/petitions/{petition.slug}/elsewhere/invitations/0/stop",
            "material-delete": f"/petitions/{petition.slug}/elsewhere/materials/0/delete",
            "count-take-back": f"/petitions/{petition.slug}/elsewhere/0/take-back",
            "numbers": f"/petitions/{petition.slug}/numbers",
            "sources": f"/petitions/{petition.slug}/numbers/links",
            "source-start": f"/petitions/{petition.slug}/numbers/links/start",
            "source-stop": f"/petitions/{petition.slug}/numbers/links/stop",
            "source-delete": f"/petitions/{petition.slug}/numbers/links/delete",
            "source-code": f"/petitions/{petition.slug}/numbers/links/flyer.svg",
            "numbers-csv": f"/petitions/{petition.slug}/numbers/growth.csv",
            "components": "/components",
            "email": "/email",
            "email-csv": "/email.csv",
            "organisations": "/organisations",
            "organisation": f"/organisations/{organisation.key}",
            "logo": f"/organisations/{organisation.key}/logo.webp",
            "newsletters": "/newsletters",
            "newsletter": f"/newsletters/{organisation.key}",
            "newsletter-about": f"/newsletters/{organisation.key}/about",
            "mailing-new": f"/newsletters/{organisation.key}/new",
            "mailing": f"/newsletters/{organisation.key}/1",
            "mailing-text": f"/newsletters/{organisation.key}/1/text/en",
            "mailing-html": f"/newsletters/{organisation.key}/1/html",
            "mailing-test": f"/newsletters/{organisation.key}/1/test",
            "mailing-send": f"/newsletters/{organisation.key}/1/send",
            "mailing-step": f"/newsletters/{organisation.key}/1/pause",
            "subscribers-choose": "/subscribers",
            "subscribers": f"/organisations/{organisation.key}/subscribers",
            "subscribers-import": f"/organisations/{organisation.key}/subscribers/import",
            "subscribers-export": f"/organisations/{organisation.key}/subscribers/export",
            "transfer": f"/organisations/{organisation.key}/subscribers/files/0",
            "transfer-begin": f"/organisations/{organisation.key}/subscribers/files/0/begin",
            "transfer-stop": f"/organisations/{organisation.key}/subscribers/files/0/stop",
            "transfer-file": f"/organisations/{organisation.key}/subscribers/files/0/file",
            "people": "/people",
            "invite": "/people/invite",
            "withdraw-invitation": "/people/invitations/0/withdraw",
            "member": f"/people/{pk}",
            "remove-member": f"/people/{pk}/remove",
            "history": "/history",
            "history-csv": "/history.csv",
            "organiser-page": "/organiser.html",
        }


@pytest.fixture
def team(site: SiteOfTests) -> Team:
    site.publish()
    return Team()


def test_the_test_knows_every_address(team: Team) -> None:
    assert set(team.paths(team.petition, team.ours)) == set(GUARDED)


@pytest.mark.parametrize("role", TeamRole)
def test_a_role_opens_what_it_may_and_nothing_else(team: Team, role: TeamRole) -> None:
    member = team.member(role)
    may = acts_of(role)
    for name, path in team.paths(team.petition, team.ours).items():
        for method in ("get", "post"):
            answer = getattr(member.browser, method)(path)
            answer.close()  # a download takes a place until then
            status = answer.status_code
            if GUARDED[name] not in may:
                assert status in (403, 405), (name, method)
            else:
                assert status not in (401, 403, 500), (name, method)
                assert name == "login" or "/account/" not in answer.get("Location", ""), (name, method)
    assert Petition.objects.get(pk=team.petition.pk).state in ("open", "closed")


@pytest.mark.parametrize("role", TeamRole)
def test_what_belongs_to_others_does_not_exist(team: Team, role: TeamRole) -> None:
    """An unknown id is answered with the same page, so that it cannot be told from a foreign one."""
    other = person("other@example.org", TeamRole.OWNER, organisation=team.theirs)
    member = team.member(role, ("publish", "invite", "export", "send"))
    before = list(Membership.objects.order_by("pk").values())
    unknown = member.browser.get("/petitions/unknown").content
    for name, path in team.paths(team.foreign, team.theirs).items():
        if name == "organiser-page":
            continue  # a file that is the same for all
        if path in OF_NO_PLACE or path == "/new" or path.startswith("/new/"):
            assert b"theirs" not in member.browser.get(path).content, name
            continue
        for method in ("get", "post"):
            answer = getattr(member.browser, method)(path)
            refused = (403, 404, 405) if path.startswith(("/people/", "/email")) else (404, 405)
            assert answer.status_code in refused, (name, method)
            if answer.status_code == 404 and method == "get":
                assert bare(answer.content) == bare(unknown), name
    assert list(Membership.objects.order_by("pk").values()) == before
    assert roles.in_organisation(other.user, team.theirs)


def bare(page: bytes) -> bytes:
    """Return the page without its form token and its own address."""
    return page.partition(b"<main")[2].partition(b"</main>")[0]


def test_a_stranger_gets_the_sign_in_page(team: Team) -> None:
    for name, path in team.paths(team.petition, team.ours).items():
        for method in ("get", "post"):
            answer = getattr(Client(), method)(path)
            assert answer.status_code == 302 and answer["Location"].startswith("/account/login/"), (
                name,
                method,
            )


def test_a_user_without_a_role_sees_nothing(team: Team) -> None:
    eve = person("eve@example.org")
    for name, path in team.paths(team.petition, team.ours).items():
        assert eve.browser.get(path).status_code in (403, 404, 405), name


@pytest.mark.parametrize("path", ["signup/", "password/reset/", "email/", "password/set/"])
def test_nobody_signs_up_or_resets_a_password_here(site: SiteOfTests, path: str) -> None:
    assert Client().get(f"/account/{path}").status_code in (302, 404)
    assert person("eve@example.org").browser.get(f"/account/{path}").status_code == 404


def test_acts_that_matter_need_a_second_factor(team: Team) -> None:
    owner = team.member(TeamRole.OWNER)
    paths = team.paths(team.petition, team.ours)
    strong = [name for name, act in GUARDED.items() if act in NEED_SECOND_FACTOR]
    assert {"pause", "close", "invite", "history-csv", "assign"} <= set(strong)

    without = person("olga@example.org", TeamRole.OWNER, second_factor=False)
    for name in strong:
        for method in ("get", "post"):
            assert getattr(without.browser, method)(paths[name]).status_code in (403, 405), (name, method)
    forget_second_factor(owner)
    for name in strong:
        answer = owner.browser.post(paths[name])
        if answer.status_code == 405:
            answer = owner.browser.get(paths[name])
        assert answer.status_code == 302 and "/reauthenticate/" in answer["Location"], name
    assert Petition.objects.get(pk=team.petition.pk).state == "open"


def test_dangerous_acts_ask_for_the_factor_or_the_password_after_a_while(team: Team) -> None:
    owner = team.member(TeamRole.OWNER)
    session = owner.browser.session
    session["account_authentication_methods"] = [
        {**record, "at": record["at"] - 16 * 60} for record in session["account_authentication_methods"]
    ]
    session.save()
    for path in (f"/petitions/{SLUG}/close", "/people/invite"):
        assert "reauthenticate" in owner.browser.get(path)["Location"]
        answer = owner.browser.post(path, {"email": "max@example.org", "place": "site", "role": "owner"})
        assert answer.status_code == 302 and "reauthenticate" in answer["Location"], path
    assert Petition.objects.get(pk=team.petition.pk).state == "open"
    assert owner.browser.post(f"/petitions/{SLUG}/pause").status_code == 302
    assert Petition.objects.get(pk=team.petition.pk).state == "paused"


def test_a_removed_member_is_out_at_once(team: Team) -> None:
    owner, editor = team.member(TeamRole.OWNER), team.member(TeamRole.EDITOR)
    assert editor.browser.get(f"/petitions/{SLUG}").status_code == 200
    membership = Membership.objects.get(user=editor.user)
    assert owner.browser.post(f"/people/{membership.pk}/remove").status_code == 302
    answer = editor.browser.get(f"/petitions/{SLUG}")
    assert answer.status_code == 302 and answer["Location"].startswith("/account/login/")


def test_the_last_owner_cannot_leave(team: Team) -> None:
    owner = team.member(TeamRole.OWNER)
    membership = Membership.objects.get(user=owner.user)
    assert owner.browser.post(f"/people/{membership.pk}/remove").status_code == 409
    assert owner.browser.post(f"/people/{membership.pk}", {"role": "viewer"}).status_code == 409
    assert Membership.objects.get(user=owner.user).role == TeamRole.OWNER
    person("olga@example.org", TeamRole.OWNER, organisation=team.ours)
    assert owner.browser.post(f"/people/{membership.pk}", {"role": "viewer"}).status_code == 302


@pytest.mark.parametrize(
    "form",
    [
        {"role": "owner"},
        {"role": "editor", "rights": ["publish"]},
        {"role": "viewer", "rights": ["invite", "publish"]},
    ],
)
def test_nobody_gives_more_than_they_have(team: Team, form: dict[str, object]) -> None:
    """A viewer who may invite would else invite themselves as an owner."""
    max_ = team.member(TeamRole.VIEWER, (Act.INVITE,))
    owner = team.member(TeamRole.OWNER)
    answer = max_.browser.post(
        "/people/invite", {"email": "eve@example.org", "place": "organisation:ours", **form}
    )
    assert answer.status_code == 409
    own, owners = (Membership.objects.get(user=one.user) for one in (max_, owner))
    assert max_.browser.post(f"/people/{own.pk}", form).status_code == 409
    assert max_.browser.post(f"/people/{owners.pk}", {"role": "viewer"}).status_code == 409
    assert max_.browser.post(f"/people/{owners.pk}/remove").status_code == 409
    assert list(Membership.objects.order_by("pk").values_list("role", flat=True)) == ["viewer", "owner"]


def test_a_petition_is_not_taken_away_from_its_organisation(team: Team) -> None:
    """Its owner must also own the organisation that it leaves, and the one that it goes to."""
    eve = person("eve@example.org", TeamRole.OWNER, petition=team.petition)
    Membership.objects.create(user=eve.user, organisation=team.theirs, role=TeamRole.OWNER)
    assert eve.browser.post(f"/petitions/{SLUG}/organisation", {"organisation": "theirs"}).status_code == 404
    owner = team.member(TeamRole.OWNER)
    assert (
        owner.browser.post(f"/petitions/{SLUG}/organisation", {"organisation": "theirs"}).status_code == 404
    )
    assert Ownership.objects.get(petition=team.petition).organisation == team.ours


def test_the_history_of_a_slug_is_not_that_of_its_next_owner(team: Team) -> None:
    audit.record(None, "draft-made", petition=team.foreign, details="theirs alone")
    team.foreign.delete()
    again = Petition.objects.create(slug="second")
    Ownership.objects.create(petition=again, organisation=team.ours)
    assert b"theirs alone" not in team.member(TeamRole.OWNER).browser.get("/history").content


def test_no_invitation_to_a_place_of_others(team: Team) -> None:
    owner = team.member(TeamRole.OWNER)
    for place in ("site", "organisation:theirs", "petition:second", "nowhere"):
        form = {"email": "eve@example.org", "place": place, "role": "viewer"}
        assert owner.browser.post("/people/invite", form).status_code == 422, place


def test_forms_of_other_sites_are_refused(team: Team) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.cookies = team.member(TeamRole.OWNER).browser.cookies
    for path in (
        f"/petitions/{SLUG}/pause",
        f"/petitions/{SLUG}/close",
        "/people/invite",
        "/account/logout/",
    ):
        assert browser.post(path).status_code == 403, path
    assert Petition.objects.get(pk=team.petition.pk).state == "open"


def test_every_page_has_the_headers(team: Team) -> None:
    owner = team.member(TeamRole.OWNER)
    for path in ("/", "/people", "/petitions/nothing", "/account/security/", "/desk.css", "/account/login/"):
        answer = owner.browser.get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert (
            "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
        )
        assert (
            answer.headers["X-Frame-Options"] == "DENY"
            and answer.headers["X-Content-Type-Options"] == "nosniff"
        )


def test_only_the_desk_frames_a_preview(team: Team) -> None:
    answer = team.member(TeamRole.OWNER).browser.get(f"/en/{SLUG}")
    assert answer.status_code == 200
    assert "frame-ancestors 'self'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN" and answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("host", ["evil.example", "petitions.example.org", "127.0.0.1.evil.example"])
def test_another_host_name_is_refused(site: SiteOfTests, host: str) -> None:
    """Another website cannot read the desk of this computer by pointing its own name here."""
    assert Client().get("/account/login/", headers={"host": host}).status_code == 400


@pytest.mark.parametrize("role", TeamRole)
def test_the_menu_of_a_petition_has_what_the_role_opens(team: Team, role: TeamRole) -> None:
    member = team.member(role)
    page = member.browser.get(f"/petitions/{SLUG}/preview").content.decode()
    menu = page.partition('<nav class="menu"')[2].partition("</nav>")[0]
    paths = re.findall(r'href="(/petitions/[^"]+)"', menu)
    assert paths and f"/petitions/{SLUG}/preview" in paths
    for path in paths:
        answer = member.browser.get(path)
        answer.close()
        assert answer.status_code in (200, 302), path
    closed = {"names", "held"} if role in (TeamRole.EDITOR, TeamRole.TRANSLATOR, TeamRole.VIEWER) else set()
    assert not closed & {path.rpartition("/")[2] for path in paths}
