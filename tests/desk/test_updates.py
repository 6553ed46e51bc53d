"""Updates on the desk: written with a preview, published now or planned, corrected, taken back, and who may do what."""

import io
import time
import zipfile
from typing import Any

import pytest
from PIL import Image

from desk_clients import Person, person
from mailings.world import subscribe
from sabal.accounts.acts import TeamRole
from sabal.accounts.models import Organisation, Ownership
from sabal.desk.newsletters import readers_of_updates
from sabal.desk.updateforms import PublishUpdateForm
from sabal.petitions.models import Petition
from sabal.updates import writing
from sabal.updates.emailing import email_due
from sabal.updates.models import Pace, Post
from served import SLUG
from sites import SiteOfTests

LIST = f"/petitions/{SLUG}/updates"
TEXT = {"title:en": "The council answered", "body:en": "It says *no*.\r\n\r\n# Next\r\n\r\n- We ask again"}


def photo() -> io.BytesIO:
    file = io.BytesIO()
    Image.new("RGB", (640, 400), "teal").save(file, "PNG")
    file.seek(0)
    file.name = "x.png"
    return file


@pytest.fixture
def ours(site: SiteOfTests) -> Organisation:
    site.publish()
    found = Organisation.objects.create(key="ours", name="Ours")
    Ownership.objects.create(petition=Petition.objects.get(), organisation=found)
    return found


@pytest.fixture
def olga(ours: Organisation) -> Person:
    return person("olga@example.org", TeamRole.OWNER, organisation=ours)


def sent(who: Person, path: str, **fields: Any) -> Any:
    return who.browser.post(f"{LIST}/{path}", {"do": "save", **fields})


def write(who: Person, **fields: Any) -> Post:
    answer = sent(who, "new", **{**TEXT, **fields})
    assert answer.status_code == 302, answer.content.decode()
    post = Post.objects.latest("pk")
    assert answer["Location"] == f"{LIST}/{post.number}/review"
    return post


def test_the_page_of_an_open_petition_says_how_many_get_it(site: SiteOfTests) -> None:
    site.publish(profile='"open"')
    petition = Petition.objects.get()
    organisation = Organisation.objects.create(key="ours", name="Ours")
    Ownership.objects.create(petition=petition, organisation=organisation)
    olga = person("olga@example.org", TeamRole.OWNER, organisation=organisation)
    write(olga)
    subscribe(site, "suzie@example.org", "max@example.org", petition=petition.pk)
    assert "2 people asked for them." in olga.browser.get(f"{LIST}/1/review").content.decode()


def test_the_number_of_those_who_get_it_is_said(ours: Organisation) -> None:
    def help_of(readers: int | None) -> str:
        return str(PublishUpdateForm(has_updates=True, readers=readers)["emails"].help_text)

    assert readers_of_updates(Petition.objects.get()) is None, "the petition is guarded"
    assert help_of(1) == "1 person asked for them." and help_of(1_200) == "1,200 people asked for them."
    assert help_of(None) == ""


def test_an_update_is_written_previewed_published_corrected_and_taken_back(
    olga: Person, site: SiteOfTests
) -> None:
    assert b"There is no update yet" in olga.browser.get(LIST).content
    preview = sent(olga, "new", **{**TEXT, "do": "preview:ko"})
    page = preview.content.decode()
    assert preview.status_code == 200 and "It says <em>no</em>." in page and "<h3>Next</h3>" in page
    assert "<li>We ask again</li>" in page and not Post.objects.exists()

    post = write(olga)
    review = olga.browser.get(f"{LIST}/1/review").content.decode()
    assert "Email it to those who asked for updates" in review and f"{LIST}/1/preview/en" in review
    assert "asked for them" not in review, "the petition is guarded"
    assert "The council answered" in olga.browser.get(f"{LIST}/1/preview/ko").content.decode()
    assert sent(olga, "1/publish", revision=post.revision, when="now", emails="on").status_code == 302
    assert site.petition().progress.posts[0].texts["en"].title == "The council answered"
    assert email_due(int(time.time())) == 1

    post.refresh_from_db()
    changed = {**TEXT, "title:en": "The council said no"}
    assert sent(olga, "1", revision=post.revision, **changed).status_code == 302
    assert "a correction waits" in olga.browser.get(LIST).content.decode()
    post.refresh_from_db()
    why = {"why:en": "Clearer"}
    assert sent(olga, "1/publish", revision=post.revision, **why).status_code == 302
    (shown,) = site.petition().progress.posts
    assert shown.texts["en"].title == "The council said no"

    post.refresh_from_db()
    # Of a guarded petition the number is for those who may export the list of the organisation.
    of_petition = person("carol@example.org", TeamRole.OWNER, petition=Petition.objects.get())
    for who, said in (
        (of_petition, "Readers may have its email already."),
        (olga, "0 readers have its email"),
    ):
        assert said in who.browser.get(f"{LIST}/1/take-back").content.decode()
    assert "Who got it by email keeps that email" in olga.browser.get(f"{LIST}/1/take-back").content.decode()
    assert sent(olga, "1/take-back", revision=post.revision).status_code == 302
    assert site.petition().progress.posts == ()
    page = olga.browser.get(LIST).content.decode()
    assert "Taken back" in page and olga.browser.get(f"{LIST}/1/review").status_code == 200


def test_one_is_planned_on_the_clock_of_a_zone_and_cancelled(olga: Person, site: SiteOfTests) -> None:
    post = write(olga)
    when = {"when": "later", "day": "2027-01-31", "time": "09:00", "zone": "Asia/Seoul"}
    answer = sent(olga, "1/publish", revision=post.revision, **when)
    if answer.status_code == 422:  # the day of the tests' computer is after it
        pytest.skip("the clock is later than the plan")
    post.refresh_from_db()
    assert post.public_at == 1801353600 and post.zone == "Asia/Seoul"
    assert "31 January 2027, 09:00 (Asia/Seoul)" in olga.browser.get(LIST).content.decode()
    assert sent(olga, "1/take-back", revision=post.revision).status_code == 302
    assert "Draft" in olga.browser.get(LIST).content.decode()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"title:en": "", "body:en": ""}, "Write a title and a text in at least one language."),
        ({"title:en": ""}, "Give it a title."),
        ({"body:en": " "}, "Write the text, or empty the title too."),
        ({"file": "png"}, "Say what is to be seen in the picture"),
        ({"file": "html"}, "This is not a picture"),
        ({"title:en": "x" * 201}, "at most 200"),
        ({"body:en": "a\u202eb"}, "invisible character"),
        ({"body:en": "[" * 2001}, "too many opening brackets"),
        ({"body:en": "Read [the page](http://site.example/en)."}, "A link must begin with https://"),
    ],
)
def test_what_cannot_be_saved_is_said_and_stays(olga: Person, fields: dict[str, Any], said: str) -> None:
    files = {"png": photo, "html": lambda: io.BytesIO(b"<!doctype html><script>alert(1)</script>")}
    fields = {key: files[value]() if key == "file" else value for key, value in fields.items()}
    korean = {} if "title" in said and "language" in said else {"title:ko": "보존", "body:ko": "본문"}
    answer = sent(olga, "new", **{**TEXT, **korean, "picture:ko": "등불", **fields})
    page = answer.content.decode()
    assert answer.status_code == 422 and said in page and "등불" in page
    assert all(typed in page for typed in korean.values()), "what was typed stays"
    assert not Post.objects.exists()


def test_a_picture_is_kept_changed_and_removed(olga: Person) -> None:
    post = write(olga, file=photo(), **{"picture:en": "A lamp"})
    assert olga.browser.get(f"{LIST}/1/picture.webp").content[:4] == b"RIFF"
    assert b"data:image/webp;base64," in olga.browser.get(f"{LIST}/1/preview/en").content
    seen = {"revision": post.revision, "picture:en": "A lamp"}
    assert sent(olga, "1", **{**TEXT, "title:en": "New", **seen}).status_code == 302
    assert writing.newest(post).digest
    post.refresh_from_db()
    assert sent(olga, "1", **{**TEXT, "without": "on", "revision": post.revision}).status_code == 302
    assert not writing.newest(post).digest and olga.browser.get(f"{LIST}/1/picture.webp").status_code == 404


def test_an_editor_writes_and_one_who_may_publish_publishes(olga: Person, ours: Organisation) -> None:
    ed = person("ed@example.org", TeamRole.EDITOR, organisation=ours)
    post = write(ed)
    assert "Ask a person who may publish" in ed.browser.get(f"{LIST}/1/review").content.decode()
    assert sent(ed, "1/publish", revision=post.revision, when="now").status_code == 403
    assert sent(ed, "pace", days="7").status_code == 403
    max_ = person("max@example.org", TeamRole.EDITOR, organisation=ours, rights=("publish",))
    assert "that needs the right to send" in max_.browser.get(f"{LIST}/1/review").content.decode()
    assert sent(max_, "1/publish", revision=post.revision, when="now", emails="on").status_code == 302
    assert email_due(int(time.time())) == 0, "publishing alone does not give the right to email"


def test_two_people_do_not_overwrite_each_other(olga: Person) -> None:
    post = write(olga)
    assert sent(olga, "1", revision=post.revision, **{**TEXT, "title:en": "First"}).status_code == 302
    answer = sent(olga, "1", revision=post.revision, **{**TEXT, "title:en": "Second"})
    assert answer.status_code == 422 and b"Somebody else changed this update" in answer.content
    assert b"Second" in answer.content and writing.newest(post).texts["en"]["title"] == "First"
    assert sent(olga, "1/publish", revision=post.revision, when="now").status_code == 302
    assert not Post.objects.exclude(public_at=None).exists()


@pytest.mark.parametrize("days", ["3", "-1", "", "x"])
def test_the_pace_is_one_of_a_few(olga: Person, days: str) -> None:
    assert sent(olga, "pace", days=days).status_code == 409 and not Pace.objects.exists()
    assert sent(olga, "pace", days="7").status_code == 302 and Pace.objects.get().days == 7


def test_a_foreign_update_and_one_of_a_draft_do_not_exist(olga: Person, ours: Organisation) -> None:
    theirs = Petition.objects.create(slug="second", state="open")
    other = writing.begin(theirs, writing.WrittenPost({}), user=None, now=1)
    assert olga.browser.get(f"/petitions/second/updates/{other.number}").status_code == 404
    assert olga.browser.get(f"{LIST}/1").status_code == 404


def test_what_is_public_is_in_the_folder(olga: Person) -> None:
    post = write(olga)
    names = zipfile.ZipFile(io.BytesIO(olga.browser.get(f"/petitions/{SLUG}/folder.zip").content)).namelist()
    assert not [name for name in names if name.startswith("updates")]
    sent(olga, "1/publish", revision=post.revision, when="now")
    names = zipfile.ZipFile(io.BytesIO(olga.browser.get(f"/petitions/{SLUG}/folder.zip").content)).namelist()
    assert "updates/1/en.md" in names
