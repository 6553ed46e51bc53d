"""The history of a draft, and saving while a person writes."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

import agefile
from desk_clients import LETTER, Person, person
from sabal.accounts.acts import TeamRole
from sabal.accounts.models import AuditEntry, Organisation
from sabal.desk import revisions
from sabal.desk.models import Revision
from sabal.petitions import folder
from sabal.petitions.editing import with_terms
from sabal.petitions.models import Petition
from sabal.petitions.pieces import pieces_of, with_pieces
from sabal.publishing import drafts, renaming
from sites import SiteOfTests

TEXT = {"title": "Keep the bus", "summary": "We ask the council.", "body": "## We ask\n\n- Keep it"}
BY_ITSELF = {"x-autosave": "1"}


@pytest.fixture
def carol(site: SiteOfTests) -> Person:
    """Return the editor of an organisation."""
    ours = Organisation.objects.create(key="ours", name="Ours")
    return person("carol@example.org", TeamRole.EDITOR, organisation=ours)


@pytest.fixture
def petition(carol: Person) -> Petition:
    """Return a draft made from a letter."""
    assert (
        carol.browser.post("/new", {"organisation": "ours", "text": LETTER, "make": "1"}).status_code == 302
    )
    return Petition.objects.get()


def write(who: Person, petition: Petition, *, headers: dict[str, str] | None = None, **text: str) -> object:
    petition.refresh_from_db()
    form = {"revision": petition.revision, **TEXT, **text}
    return who.browser.post(f"/petitions/{petition.slug}/text/en", form, headers=headers or {})


def numbers(petition: Petition) -> list[int]:
    return list(petition.revisions.order_by("number").values_list("number", flat=True))


def test_each_saved_text_is_a_revision_with_its_difference(carol: Person, petition: Petition) -> None:
    first = numbers(petition)
    assert len(first) == 1
    write(carol, petition, title="Keep the night bus")
    write(carol, petition, title="Keep the last bus")
    assert len(numbers(petition)) == 3
    page = carol.browser.get(f"/petitions/{petition.slug}/revisions").content.decode()
    assert page.count("Carol") >= 3 and "English" in page
    page = carol.browser.get(f"/petitions/{petition.slug}/revisions/{numbers(petition)[-1]}").content.decode()
    assert "night </del>" in page and "last </ins>" in page
    assert carol.browser.get(f"/petitions/{petition.slug}/revisions/999").status_code == 404


def test_a_revision_is_restored_as_a_new_one(carol: Person, petition: Petition) -> None:
    before = drafts.export_files(petition.slug)
    write(carol, petition)
    changed = drafts.export_files(petition.slug)
    oldest = numbers(petition)[0]
    path = f"/petitions/{petition.slug}/revisions"
    assert carol.browser.get(f"{path}/{oldest}/restore").status_code == 405
    petition.refresh_from_db()
    assert carol.browser.post(f"{path}/{oldest}/restore", {"revision": petition.revision}).status_code == 302
    assert drafts.export_files(petition.slug) == before
    assert len(numbers(petition)) == 3 and AuditEntry.objects.latest("pk").what == "draft-restored"
    petition.refresh_from_db()
    assert (
        carol.browser.post(
            f"{path}/{numbers(petition)[1]}/restore", {"revision": petition.revision}
        ).status_code
        == 302
    )
    assert drafts.export_files(petition.slug) == changed, "restoring can be undone"


@pytest.mark.parametrize("seen", ["0", "", "x", "-1", "999999999999999999999"])
def test_restoring_over_a_text_that_nobody_saw_is_refused(
    carol: Person, petition: Petition, seen: str
) -> None:
    write(carol, petition)
    before = drafts.export_files(petition.slug)
    path = f"/petitions/{petition.slug}/revisions/{numbers(petition)[0]}"
    answer = carol.browser.post(f"{path}/restore", {"revision": seen}, follow=True)
    assert "Somebody saved meanwhile" in answer.content.decode()
    assert drafts.export_files(petition.slug) == before


def test_restoring_changes_no_key(site: SiteOfTests, carol: Person, petition: Petition) -> None:
    """An editor without the right to publish could else bring back a key that was given up."""
    given_up, key = str(agefile.generate().recipient), str(site.identity.recipient)
    drafts.use_keys(petition.slug, (given_up,))
    with_key = numbers(petition)[-1]
    drafts.use_keys(petition.slug, (key,))
    path = f"/petitions/{petition.slug}/revisions"
    for number in (numbers(petition)[0], with_key):
        petition.refresh_from_db()
        carol.browser.post(f"{path}/{number}/restore", {"revision": petition.revision})
        assert drafts.definition(petition.slug).organiser_keys == (key,)


def test_a_command_on_the_server_leaves_a_revision_too(carol: Person, petition: Petition) -> None:
    files = drafts.export_files(petition.slug)
    drafts.import_files({**files, "en.md": files["en.md"].replace("2030", "2031")})
    last = petition.revisions.order_by("-number")[0]
    assert last.user is None and len(numbers(petition)) == 2
    assert (
        "the operator, on the server"
        in carol.browser.get(f"/petitions/{petition.slug}/revisions").content.decode()
    )
    drafts.import_files(drafts.export_files(petition.slug))
    assert len(numbers(petition)) == 2, "the same files are no new revision"


def test_only_so_many_are_kept(carol: Person, petition: Petition, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revisions, "MOST", 3)
    for number in range(5):
        write(carol, petition, title=f"Title {number}")
    assert len(numbers(petition)) == 3
    monkeypatch.setattr(revisions, "MOST_CHARACTERS", 10)
    write(carol, petition, title="The last one")
    assert len(numbers(petition)) == 1, "the newest one stays, whatever its size"
    assert carol.browser.get(f"/petitions/{petition.slug}/revisions").status_code == 200


def test_what_a_page_saves_by_itself_is_one_revision_and_one_line(carol: Person, petition: Petition) -> None:
    lines = AuditEntry.objects.count()
    for title in ("K", "Ke", "Keep"):
        answer = write(carol, petition, headers=BY_ITSELF, title=title)
        petition.refresh_from_db()
        assert answer.json() == {"fields": {"revision": petition.revision}}  # type: ignore[attr-defined]
    assert len(numbers(petition)) == 2 and AuditEntry.objects.count() == lines + 1
    assert ">Saved.<" not in carol.browser.get("/").content.decode(), "a message that nobody saw comes later"
    write(carol, petition, title="Keep")  # the button: nothing differs, and the step ends
    write(carol, petition, headers=BY_ITSELF, title="Keep it")
    assert len(numbers(petition)) == 3
    Revision.objects.update(began_at=timezone.now() - timedelta(minutes=11))
    write(carol, petition, headers=BY_ITSELF, title="Keep it all")
    assert len(numbers(petition)) == 4


def test_saving_by_itself_refuses_what_the_button_refuses(carol: Person, petition: Petition) -> None:
    old = petition.revision
    write(carol, petition, title="First")
    before = drafts.export_files(petition.slug)
    form = {**TEXT, "revision": old, "title": "Second"}
    answer = carol.browser.post(f"/petitions/{petition.slug}/text/en", form, headers=BY_ITSELF)
    assert answer.status_code == 409 and "Save" in answer.json()["problem"]
    answer = write(carol, petition, headers=BY_ITSELF, body="no list")
    assert answer.status_code == 409  # type: ignore[attr-defined]
    assert drafts.export_files(petition.slug) == before
    carol.browser.logout()
    answer = write(carol, petition, headers=BY_ITSELF, title="Third")
    assert answer.status_code == 401 and "signed out" in answer.json()["problem"]  # type: ignore[attr-defined]
    assert drafts.export_files(petition.slug) == before


def test_two_people_in_two_files_are_no_conflict(carol: Person, petition: Petition) -> None:
    """A translator who saves while Carol writes must not send her text back."""
    files = drafts.export_files(petition.slug)
    korean = {**pieces_of(folder.parse(files), "en"), "title": "심야버스", "purpose": "알리기 위함입니다."}
    drafts.import_files(with_pieces(files, "ko", korean))
    petition.refresh_from_db()
    shown = petition.revision
    files = drafts.export_files(petition.slug)
    drafts.import_files({**files, "ko.md": files["ko.md"].replace("심야버스", "심야버스를 지키자")})
    form = {**TEXT, "body": "## We ask that you\n\n- Keep the bus\n- Publish the numbers", "revision": shown}
    assert carol.browser.post(f"/petitions/{petition.slug}/text/en", form).status_code == 302
    definition = drafts.definition(petition.slug)
    assert (
        definition.texts["en"].title == TEXT["title"] and definition.texts["ko"].title == "심야버스를 지키자"
    )

    old = {**form, "title": "Another title"}
    assert carol.browser.post(f"/petitions/{petition.slug}/text/en", old).status_code == 422
    assert drafts.definition(petition.slug).texts["en"].title == TEXT["title"]


def test_a_lost_answer_is_no_conflict_with_oneself(carol: Person, petition: Petition) -> None:
    path, shown = f"/petitions/{petition.slug}/text/en", petition.revision
    page = {**TEXT, "revision": shown, "form": "0a1b"}
    assert carol.browser.post(path, page, headers=BY_ITSELF).status_code == 200
    again = {**page, "title": "Keep the last bus"}
    assert carol.browser.post(path, {**again, "form": "ffff"}).status_code == 422, "another page of Carol's"
    assert carol.browser.post(path, again, headers=BY_ITSELF).status_code == 200
    assert drafts.definition(petition.slug).texts["en"].title == "Keep the last bus"


def test_nobody_saves_by_itself_what_they_may_not_save(carol: Person, petition: Petition) -> None:
    max_ = person("max@example.org", TeamRole.VIEWER, petition=petition)
    eve = person("eve@example.org")
    before = drafts.export_files(petition.slug)
    for who in (max_, eve):
        assert write(who, petition, headers=BY_ITSELF).status_code == 409  # type: ignore[attr-defined]
    assert drafts.export_files(petition.slug) == before


def test_a_revision_of_another_petition_does_not_exist(carol: Person, petition: Petition) -> None:
    carol.browser.post("/new", {"organisation": "ours", "text": LETTER, "make": "1"})
    other = Petition.objects.latest("pk")
    write(carol, petition)
    number = numbers(petition)[-1]
    assert number not in numbers(other)
    assert carol.browser.get(f"/petitions/{other.slug}/revisions/{number}").status_code == 404
    assert (
        carol.browser.post(f"/petitions/{other.slug}/revisions/{number}/restore", {"revision": 1}).status_code
        == 404
    )


def test_a_discarded_draft_leaves_no_revision(carol: Person, petition: Petition) -> None:
    assert carol.browser.post(f"/petitions/{petition.slug}/discard").status_code == 302
    assert not Revision.objects.exists()


def test_script_in_a_text_is_shown_as_text(carol: Person, petition: Petition) -> None:
    write(carol, petition, title="<script>alert(1)</script>")
    page = carol.browser.get(f"/petitions/{petition.slug}/revisions/{numbers(petition)[-1]}").content.decode()
    assert "<script>alert" not in page and "&lt;script&gt;" in page


def test_restoring_gives_back_no_address(carol: Person, petition: Petition) -> None:
    """Else the text would overwrite the petition, perhaps of another organisation, that has the address by now."""
    first, given_up = numbers(petition)[0], petition.slug
    files = drafts.export_files(given_up)
    with transaction.atomic():
        renaming.rename(petition, "another-address")
        drafts.import_files(with_terms(files, {("slug",): "another-address"}))
    theirs = drafts.import_files(files)
    before = (theirs.revision, Petition.objects.count())
    petition.refresh_from_db()
    address = f"/petitions/another-address/revisions/{first}/restore"
    assert carol.browser.post(address, {"revision": petition.revision}).status_code == 302
    theirs.refresh_from_db()
    assert (theirs.revision, Petition.objects.count()) == before
    assert drafts.definition("another-address").slug == "another-address"
    assert AuditEntry.objects.latest("pk").what == "draft-restored"
