"""Posts about a petition: public from their moment on, corrected in the open, taken back; everywhere they are shown."""

import gzip
import io
import json
import uuid
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from PIL import Image

from desk_clients import person
from sabal import settings
from sabal.accounts.models import AuditEntry, User
from sabal.api import feeds
from sabal.api import views as api
from sabal.checking import mirrorupdates
from sabal.http import Refused
from sabal.pages import petition as petition_page
from sabal.pages import posts as now_shown
from sabal.pages import updates as pages
from sabal.petitions.folderzip import as_zip, from_zip
from sabal.petitions.models import Petition
from sabal.petitions.postfiles import post_files
from sabal.petitions.posts import PostText, picture_data, posts_of
from sabal.petitions.snapshot import PetitionSnapshot
from sabal.pictures import PICTURE, encoded
from sabal.publishing import drafts
from sabal.updates import writing
from sabal.updates.models import Post, PostVersion
from sabal.updates.writing import WrittenPost
from sites import NOW, SiteOfTests

ATOM = "{http://www.w3.org/2005/Atom}"
HOUR, DAY = 3600, 86_400
EVIL = "<script>alert(1)</script>"


def photo() -> Any:
    out = io.BytesIO()
    Image.new("RGB", (640, 400), "teal").save(out, "PNG")
    return encoded(out.getvalue(), PICTURE)


FIRST = WrittenPost(
    {"en": PostText("The council answered", "It says *no*."), "ko": PostText("의회의 답", "거절했습니다.")}
)


@pytest.fixture
def carol(site: SiteOfTests) -> User:
    site.publish()
    return person("carol@example.org").user


@pytest.fixture
def petition(carol: User) -> Petition:
    return Petition.objects.get()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the time that public pages see, which the test moves."""
    now = [float(NOW)]
    monkeypatch.setattr(now_shown, "time", type("clock", (), {"time": staticmethod(lambda: now[0])}))
    return now


def published(petition: Petition, carol: User, written: WrittenPost = FIRST, **how: Any) -> Post:
    post = writing.begin(petition, written, user=carol, now=NOW)
    assert writing.publish(post, revision=1, user=carol, now=NOW, **how)
    return Post.objects.get(pk=post.pk)


def everything(snapshot: PetitionSnapshot) -> str:
    """Return all that the public can read about the updates."""
    answers = [
        petition_page.petition(snapshot, "en"),
        pages.updates(snapshot, "en"),
        feeds.atom(snapshot, "en"),
        feeds.json_feed(snapshot, "en"),
        api.petition(snapshot),
    ]
    return "".join(answer.body.decode() for answer in answers)


def test_a_draft_is_seen_by_nobody_and_a_published_one_by_all(
    site: SiteOfTests, petition: Petition, carol: User, clock: list[float]
) -> None:
    post = writing.begin(petition, FIRST, user=carol, now=NOW)
    assert "answered" not in everything(site.petition())
    with pytest.raises(Refused):
        pages.update(site.petition(), "en", "1")
    before = site.petition().progress.number
    assert writing.publish(post, revision=1, user=carol, now=NOW)
    snapshot = site.petition()
    assert snapshot.progress.number > before
    for page in (petition_page.petition, pages.updates, feeds.atom, feeds.json_feed):
        assert "The council answered" in page(snapshot, "en").body.decode(), page
    page = pages.update(snapshot, "en", "1").body.decode()
    assert "It says <em>no</em>." in page and "24 November 2026" in page
    assert "의회의 답" in pages.update(snapshot, "ko", "1").body.decode()
    assert [one.what for one in AuditEntry.objects.order_by("pk")][-2:] == [
        "update-written",
        "update-published",
    ]


def test_a_planned_one_is_public_from_its_second_on(
    site: SiteOfTests, petition: Petition, carol: User, clock: list[float]
) -> None:
    """No process does anything then: the clock alone decides, in every place that shows a post."""
    written = WrittenPost({"en": PostText("Embargoed", "Not yet.", "A lamp")}, photo())
    published(petition, carol, written, at=NOW + HOUR, zone="Europe/Berlin")
    snapshot = site.petition()
    digest = PostVersion.objects.get().digest
    for moment, there in ((NOW + HOUR - 1, False), (NOW + HOUR, True)):
        clock[0] = moment
        assert ("Embargoed" in everything(snapshot)) == there
        assert pages.has_post(snapshot, "1") == there and pages.has_picture(snapshot, digest) == there
    assert pages.picture(snapshot, digest).body == written.picture.data  # type: ignore[union-attr]
    clock[0] = NOW
    with pytest.raises(Refused):
        pages.picture(snapshot, digest)


def test_a_correction_is_public_with_its_day_and_reason_and_the_first_text_is_kept(
    site: SiteOfTests, petition: Petition, carol: User, clock: list[float]
) -> None:
    post = published(petition, carol)
    better = WrittenPost({"en": PostText("The council answered", "It says **maybe**.")})
    assert writing.save(post, better, revision=post.revision, user=carol, now=NOW + DAY)
    clock[0] = NOW + 2 * DAY
    assert "<em>no</em>" in pages.update(site.petition(), "en", "1").body.decode()
    post.refresh_from_db()
    why = {"en": "We had misread <it>."}
    assert writing.publish(post, revision=post.revision, user=carol, now=NOW + DAY, why=why)
    snapshot = site.petition()
    page = pages.update(snapshot, "en", "1").body.decode()
    assert "<strong>maybe</strong>" in page and "Corrected on 25 November 2026." in page
    assert "We had misread &lt;it&gt;." in page and "24 November 2026" in page
    assert PostVersion.objects.get(number=1).texts["en"]["body"] == "It says *no*."
    updated = ElementTree.fromstring(feeds.atom(snapshot, "en").body).find(f"{ATOM}entry/{ATOM}updated")
    assert updated is not None and updated.text == "2026-11-25T12:00:00Z"


def test_what_is_taken_back_is_gone_and_its_history_stays(
    site: SiteOfTests, petition: Petition, carol: User, clock: list[float]
) -> None:
    post = published(petition, carol, WrittenPost({"en": PostText("Wrong", "No.", "A lamp")}, photo()))
    clock[0] = NOW + HOUR
    digest = PostVersion.objects.get().digest
    assert writing.unpublish(post, revision=post.revision, user=carol, now=NOW + HOUR)
    snapshot = site.petition()
    assert "Wrong" not in everything(snapshot) and not pages.has_picture(snapshot, digest)
    assert PostVersion.objects.filter(published_at__isnull=False).count() == 1
    post.refresh_from_db()
    assert writing.publish(post, revision=post.revision, user=carol, now=NOW + HOUR)
    assert "Wrong" in everything(site.petition())


def test_a_plan_that_is_cancelled_leaves_a_draft_that_can_be_deleted(
    site: SiteOfTests, petition: Petition, carol: User, clock: list[float]
) -> None:
    post = published(petition, carol, at=NOW + HOUR)
    assert writing.unpublish(post, revision=post.revision, user=carol, now=NOW)
    clock[0] = NOW + DAY
    assert "answered" not in everything(site.petition())
    post.refresh_from_db()
    assert writing.discard(post, revision=post.revision, user=carol)
    assert not Post.objects.exists() and not PostVersion.objects.exists()


def test_nobody_overwrites_another(petition: Petition, carol: User) -> None:
    post = writing.begin(petition, FIRST, user=carol, now=NOW)
    other = WrittenPost({"en": PostText("Other", "Text")})
    assert writing.save(post, other, revision=1, user=carol, now=NOW)
    for verb in (
        lambda: writing.save(post, FIRST, revision=1, user=carol, now=NOW),
        lambda: writing.publish(post, revision=1, user=carol, now=NOW),
        lambda: writing.unpublish(post, revision=1, user=carol, now=NOW),
        lambda: writing.discard(post, revision=1, user=carol),
    ):
        assert not verb()
    assert writing.read(writing.newest(post)) == other


def test_a_missing_language_is_shown_in_the_one_that_decides_and_marked(
    site: SiteOfTests, petition: Petition, carol: User, clock: list[float]
) -> None:
    published(petition, carol, WrittenPost({"en": PostText("Only here", "Text.")}))
    snapshot = site.petition()
    assert snapshot.definition.authoritative == "en"
    page = pages.update(snapshot, "ko", "1").body.decode()
    assert '<h1 lang="en" dir="ltr">Only here</h1>' in page and "이 소식은 영어로만" in page
    assert "in English only" not in pages.update(snapshot, "en", "1").body.decode()
    entry = ElementTree.fromstring(feeds.atom(snapshot, "ko").body).find(f"{ATOM}entry")
    assert entry is not None and entry.get("{http://www.w3.org/XML/1998/namespace}lang") == "en"
    item = json.loads(feeds.json_feed(snapshot, "ko").body)["items"][0]
    assert item["language"] == "en" and "/ko/" in item["url"]


def test_the_page_shows_the_newest_three_and_stays_small(
    site: SiteOfTests, petition: Petition, carol: User, clock: list[float]
) -> None:
    for number in range(5):
        published(petition, carol, WrittenPost({"en": PostText(f"News {number}", "Text")}), at=NOW + number)
    clock[0] = NOW + 10
    answer = petition_page.petition(site.petition(), "en")
    page = answer.body.decode()
    assert [f"News {n}" in page for n in range(5)] == [False, False, True, True, True]
    assert page.index("News 4") < page.index("News 3") and "All 5 updates" in page
    assert 'type="application/atom+xml"' in page and 'type="application/feed+json"' in page
    assert len(gzip.compress(answer.body, 9)) <= 14_000


@pytest.mark.parametrize(
    "evil", [EVIL, "]]>" + EVIL, "&lt;b&gt; <b>", '"><img src=x onerror=alert(1)>', "\ufffe\x0b"]
)
def test_nothing_that_is_written_becomes_markup(
    site: SiteOfTests, petition: Petition, carol: User, clock: list[float], evil: str
) -> None:
    """Even what no form lets through."""
    body = f"{evil}\n\n[click](javascript:alert(1))\n\n![x](https://evil.example/x.png)"
    post = published(petition, carol, WrittenPost({"en": PostText(evil, body, evil)}, photo()))
    PostVersion.objects.filter(post=post).update(why={"en": evil})
    PostVersion.objects.create(
        post=post,
        number=2,
        made_at=NOW,
        published_at=NOW + 1,
        texts=PostVersion.objects.get().texts,
        why={"en": evil},
    )
    clock[0] = NOW + HOUR
    snapshot = site.petition()
    for page in (petition_page.petition, pages.updates, lambda s, language: pages.update(s, language, "1")):
        html = page(snapshot, "en").body.decode()
        assert EVIL not in html and "<img src=x" not in html and 'src="https://evil' not in html
        assert 'href="javascript' not in html
    root = ElementTree.fromstring(feeds.atom(snapshot, "en").body)
    content = root.find(f"{ATOM}entry/{ATOM}content")
    assert content is not None and EVIL not in str(content.text) and "<img src=x" not in str(content.text)
    item = json.loads(feeds.json_feed(snapshot, "en").body)["items"][0]
    assert EVIL not in item["content_html"] and 'javascript:alert(1)"' not in item["content_html"]


def test_the_feeds_are_valid_absolute_and_their_ids_stay(
    site: SiteOfTests, petition: Petition, carol: User, clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    published(petition, carol, WrittenPost({"en": PostText("One", "Text.", "A lamp")}, photo()))
    published(petition, carol)
    clock[0] = NOW + HOUR
    snapshot = site.petition()
    answer = feeds.atom(snapshot, "en")
    assert answer.header(b"content-type") == b"application/atom+xml; charset=utf-8"
    root = ElementTree.fromstring(answer.body)
    assert root.tag == f"{ATOM}feed"
    for element in (root, *root.findall(f"{ATOM}entry")):  # RFC 4287, sections 4.1.1 and 4.1.2
        for needed in ("id", "title", "updated"):
            assert len(element.findall(f"{ATOM}{needed}")) == 1, needed
        assert uuid.UUID(str(element.findtext(f"{ATOM}id")))
        datetime.strptime(str(element.findtext(f"{ATOM}updated")), "%Y-%m-%dT%H:%M:%SZ").astimezone(UTC)
    assert root.find(f"{ATOM}author/{ATOM}name") is not None
    base = settings.BASE_URL
    links = {(one.get("rel"), one.get("href")) for one in root.iter(f"{ATOM}link")}
    assert ("self", f"{base}/en/{snapshot.slug}/updates.atom") in links
    assert ("alternate", f"{base}/en/{snapshot.slug}/updates/2") in links
    assert all(str(address).startswith(base) for _rel, address in links)
    document = json.loads(feeds.json_feed(snapshot, "en").body)
    assert document["version"] == "https://jsonfeed.org/version/1.1"
    assert document["feed_url"] == f"{base}/en/{snapshot.slug}/updates.json"
    assert document["items"][1]["image"].startswith(f"{base}/{snapshot.slug}/pictures/")
    ids = [one["id"] for one in document["items"]]
    assert ids == [one.text for one in root.findall(f"{ATOM}entry/{ATOM}id")] and len(set(ids)) == 2
    monkeypatch.setattr(settings, "BASE_URL", "https://moved.example")
    moved = json.loads(feeds.json_feed(snapshot, "en").body)["items"]
    assert [one["id"] for one in moved] == ids and moved[0]["url"].startswith("https://moved.example/")
    others = [one["id"] for one in json.loads(feeds.json_feed(snapshot, "ko").body)["items"]]
    assert not set(others) & set(ids)


def test_a_feed_without_a_post_is_a_feed(site: SiteOfTests, petition: Petition) -> None:
    root = ElementTree.fromstring(feeds.atom(site.petition(), "en").body)
    assert root.findtext(f"{ATOM}updated") and not root.findall(f"{ATOM}entry")
    assert "There is no update yet" in pages.updates(site.petition(), "en").body.decode()
    with pytest.raises(Refused):
        feeds.atom(site.petition(), "fr")


def test_the_json_of_the_petition_names_each(
    site: SiteOfTests, petition: Petition, carol: User, clock: list[float]
) -> None:
    published(petition, carol)
    (found,) = json.loads(api.petition(site.petition()).body)["data"]["attributes"]["updates"]
    assert found["number"] == 1 and found["published_at"] == "2026-11-24T12:00:00Z"
    assert found["texts"]["ko"]["title"] == "의회의 답" and found["texts"]["ko"]["url"].endswith(
        "/ko/" + site.petition().slug + "/updates/1"
    )


def test_they_are_in_the_exported_folder_and_an_import_leaves_them_out(
    site: SiteOfTests, petition: Petition, carol: User
) -> None:
    published(petition, carol, WrittenPost({"en": PostText("One", "Text.", "A lamp")}, photo()))
    posts = posts_of(site.database, petition.pk)
    found = post_files(posts, lambda digest: picture_data(site.database, petition.pk, digest))
    assert sorted(found) == ["updates/1/en.md", "updates/1/picture.webp", "updates/1/update.toml"]
    assert b"title: One\npicture_description: A lamp\n---\n\nText.\n" in found["updates/1/en.md"]
    files = drafts.export_files(petition.slug)
    content = as_zip(files, found)
    assert content == as_zip(files, found)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.read("updates/1/picture.webp")[:4] == b"RIFF"
    assert from_zip(content, "x.zip") == files, "export, import, export gives the same texts"


def test_a_mirror_lists_them_and_forgets_what_was_taken_back(
    site: SiteOfTests, petition: Petition, carol: User, clock: list[float], tmp_path: Path
) -> None:
    published(petition, carol, WrittenPost({"en": PostText("One", "Text.", "A lamp")}, photo()))
    document = api.petition(site.petition()).body
    listed = mirrorupdates.listed(document)
    assert listed.numbers == (1,) and len(listed.pictures) == 1
    assert listed.pages("trees") == ["trees/updates", "trees/updates/1"]
    page, picture = (
        tmp_path / "en/trees/updates/1/index.html",
        tmp_path / "trees/pictures" / listed.pictures[0],
    )
    for path in (page, picture):
        path.parent.mkdir(parents=True)
        path.write_text("x")
    assert mirrorupdates.remove_old(tmp_path, "trees", ["en"], listed) == 0 and page.exists()
    assert mirrorupdates.remove_old(tmp_path, "trees", ["en"], mirrorupdates.Updates()) == 2
    assert not page.exists() and not picture.exists()


@pytest.mark.parametrize(
    "updates",
    [
        None, 1, [1], [{"number": "../../x", "picture": None}], [{"number": -1, "picture": "../../etc/passwd"}],
        [{"number": True, "picture": "https://x/" + "0" * 64 + ".webp/../x"}], [{"number": 10**9, "picture": 7}],
    ],
)  # fmt: skip
def test_a_hostile_list_leads_nowhere(updates: object) -> None:
    document = json.dumps({"data": {"attributes": {"updates": updates}}}).encode()
    assert mirrorupdates.listed(document) == mirrorupdates.Updates()
