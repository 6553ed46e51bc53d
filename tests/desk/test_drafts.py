"""From a letter to a published petition, and what can go wrong on the way."""

import io
import zipfile
from pathlib import Path

import pytest

import agefile
from desk_clients import LETTER, Person
from desk_drafts import TERMS, made, saved, with_key
from sabal import settings
from sabal.accounts.models import AuditEntry, Organisation, Ownership
from sabal.desk import tasks
from sabal.desk.models import Job
from sabal.desk.working import Tasks
from sabal.petitions import folder
from sabal.petitions.definition import TO_COMPLETE
from sabal.petitions.models import Petition
from sabal.publishing import drafts
from sites import SiteOfTests


def test_a_letter_is_shown_line_by_line_and_nothing_is_stored(ed: Person) -> None:
    page = ed.browser.post("/new", {"organisation": "ours", "text": LETTER, "read": "1"}).content.decode()
    for line in LETTER.splitlines():
        assert line.replace("'", "&#x27;") in page
    assert '<option value="title" selected>' in page and '<option value="demand" selected>' in page
    assert not Petition.objects.exists()


def test_a_corrected_role_is_the_one_that_counts(ed: Person) -> None:
    number = (
        LETTER.splitlines().index("The bus at one o'clock is the only way home for nurses of the hospital.")
        + 1
    )
    petition = made(
        ed, **{f"role-{number}": "left-out", "role-x": "title", "role-99999": "title", "role-1": "king"}
    )
    assert "nurses" not in drafts.export_files(petition.slug)["en.md"]
    assert Ownership.objects.get(petition=petition).organisation.key == "ours"
    assert AuditEntry.objects.latest("pk").what == "draft-made"


def test_two_petitions_of_one_letter_are_two(ed: Person) -> None:
    first, second = made(ed), made(ed)
    assert first.slug != second.slug and Petition.objects.count() == 2


def docx(text: str) -> bytes:
    paragraphs = "".join(f"<w:p><w:r><w:t>{line}</w:t></w:r></w:p>" for line in text.splitlines())
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(
            "[Content_Types].xml",
            '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Override'
            f' PartName="/word/document.xml" ContentType="{kind}"/></Types>',
        )
        archive.writestr(
            "word/document.xml",
            '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>'
            f"{paragraphs}</w:body></w:document>",
        )
    return out.getvalue()


def bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", "<w:document>" + " " * 60_000_000)
    return out.getvalue()


@pytest.mark.parametrize("name", ["letter.docx", "letter.txt"])
def test_a_file_is_read_like_pasted_text(ed: Person, name: str) -> None:
    file = io.BytesIO(docx(LETTER) if name.endswith("docx") else LETTER.encode())
    file.name = name
    page = ed.browser.post("/new", {"organisation": "ours", "file": file, "read": "1"}).content.decode()
    assert "Keep the bus until 2030" in page and '<option value="demand" selected>' in page


@pytest.mark.parametrize(
    "content",
    [b"", b"%PDF-1.7", b"\x00\x01\x02", bomb(), b"PK\x03\x04broken", b"x" * 13_000_000, b"<html><script>"],
    ids=["empty", "pdf", "binary", "bomb", "broken", "too large", "web page"],
)
def test_a_file_that_cannot_be_a_letter_is_refused_with_a_sentence(ed: Person, content: bytes) -> None:
    file = io.BytesIO(content)
    file.name = "<script>alert(1)</script>.docx"
    answer = ed.browser.post("/new", {"organisation": "ours", "file": file, "read": "1"})
    assert answer.status_code == 422 and b'role="alert"' in answer.content
    assert b"<script>" not in answer.content and not Petition.objects.exists()


@pytest.mark.parametrize("text", ["", "   \n", "AGE-SECRET-KEY-1QQQQ", "a\x00b", "⟦token⟧"])
def test_a_text_that_cannot_be_a_letter_is_refused(ed: Person, text: str) -> None:
    answer = ed.browser.post("/new", {"organisation": "ours", "text": text, "make": "1"})
    assert answer.status_code == 422 and not Petition.objects.exists()


def test_a_letter_makes_no_petition_of_others(ed: Person) -> None:
    Organisation.objects.create(key="theirs", name="Theirs")
    assert ed.browser.post("/new", {"organisation": "theirs", "text": LETTER, "make": "1"}).status_code == 422
    assert not Petition.objects.exists()


def test_the_list_of_what_is_missing_becomes_shorter(ed: Person) -> None:
    petition = made(ed)
    path = f"/petitions/{petition.slug}"
    assert ed.browser.get(path).content.count(b'<li class="open">') == 5
    assert saved(ed, petition, "terms", **TERMS) == 302
    assert ed.browser.get(path).content.count(b'<li class="open">') == 2
    definition = drafts.definition(petition.slug)
    assert definition.controller.address["en"] == "Hill Road 1\n1234 Town" and definition.fields.country


def test_a_form_with_mistakes_keeps_what_was_typed(ed: Person) -> None:
    petition = made(ed)
    before = drafts.export_files(petition.slug)
    form = {"revision": petition.revision, **TERMS, "retention": "tomorrow", "privacy_contact": "nobody"}
    page = ed.browser.post(f"/petitions/{petition.slug}/terms", form)
    assert page.status_code == 422 and b"Friends of the night bus e.V." in page.content
    assert drafts.export_files(petition.slug) == before


@pytest.mark.parametrize("value", ['x"\nslug = "y', "'''", '"""', "\\", "a = 1", "⟦x⟧", "AGE-SECRET-KEY-1"])
def test_no_text_breaks_out_of_its_value(ed: Person, value: str) -> None:
    petition = made(ed)
    slug = petition.slug
    status = saved(ed, petition, "terms", **{**TERMS, "organiser:en": value})
    definition = drafts.definition(slug)
    assert definition.slug == slug and definition.profile in ("guarded", "open")
    assert status == 422 or definition.organiser["en"] == " ".join(value.split())


def test_the_text_is_edited(ed: Person) -> None:
    petition = made(ed)
    form = {
        "title": "Keep the bus",
        "summary": "We ask the council.",
        "body": "## We ask\n\n- Keep it\n  - At night",
    }
    assert saved(ed, petition, "text/en", **form) == 302
    text = drafts.definition(petition.slug).texts["en"]
    assert text.title == "Keep the bus" and text.demands[0].parts[0].text == "At night"
    assert saved(ed, petition, "text/en", **{**form, "body": "no list"}) == 422
    assert drafts.definition(petition.slug).texts["en"] == text
    assert ed.browser.get(f"/petitions/{petition.slug}/text/ko").status_code == 404


def test_two_people_never_overwrite_each_other(ed: Person) -> None:
    petition = made(ed)
    old = petition.revision
    form = {"title": "First", "summary": "One.", "body": "## We ask\n\n- Keep it"}
    assert saved(ed, petition, "text/en", **form) == 302
    answer = ed.browser.post(
        f"/petitions/{petition.slug}/text/en", {**form, "revision": old, "title": "Second", "summary": "Two."}
    )
    page = answer.content.decode()
    assert answer.status_code == 422 and "Somebody else saved" in page
    assert 'value="Second"' in page and "title: First" in page, "one of the two texts is not shown"
    assert drafts.definition(petition.slug).texts["en"].title == "First"


def test_publishing_is_done_by_the_worker(site: SiteOfTests, ed: Person) -> None:
    petition = made(ed)
    assert saved(ed, petition, "terms", **TERMS) == 302
    with_key(ed, petition, site.identity)
    petition.refresh_from_db()
    form = {"revision": petition.revision}
    asked = ed.browser.post(f"/petitions/{petition.slug}/publish", form)
    again = ed.browser.post(f"/petitions/{petition.slug}/publish", form)
    assert asked["Location"] == again["Location"] and Job.objects.count() == 1
    waiting = ed.browser.get(asked["Location"])
    assert waiting.headers["Refresh"] == "1" and b"Waiting" in waiting.content

    assert Tasks("a").work(site.database) and not Tasks("a").work(site.database)
    done = ed.browser.get(asked["Location"])
    assert "Refresh" not in done.headers and b"It is published" in done.content
    petition.refresh_from_db()
    assert petition.state == "open" and AuditEntry.objects.latest("pk").what == "published"


def test_a_draft_that_lacks_something_is_refused_with_the_reason(site: SiteOfTests, ed: Person) -> None:
    petition = made(ed)
    asked = ed.browser.post(f"/petitions/{petition.slug}/publish", {"revision": petition.revision})
    assert Tasks("a").work(site.database)
    page = ed.browser.get(asked["Location"]).content.decode()
    assert "This was not done" in page and "cannot be published yet" in page
    petition.refresh_from_db()
    assert petition.state == "draft"


def test_what_was_changed_after_it_was_looked_at_is_not_published(site: SiteOfTests, ed: Person) -> None:
    """An editor without the right to publish could else change the text at the last moment."""
    petition = made(ed)
    assert saved(ed, petition, "terms", **TERMS) == 302
    with_key(ed, petition, site.identity)
    petition.refresh_from_db()
    seen = petition.revision
    assert saved(ed, petition, "terms", **{**TERMS, "retention": "2031-01-31"}) == 302
    asked = ed.browser.post(f"/petitions/{petition.slug}/publish", {"revision": seen})
    assert Tasks("a").work(site.database)
    assert b"was changed after you looked at it" in ed.browser.get(asked["Location"]).content
    petition.refresh_from_db()
    assert petition.state == "draft"


def test_a_task_that_fails_unexpectedly_can_be_asked_for_again(
    site: SiteOfTests, ed: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    petition = made(ed)

    def fails(job: Job) -> None:
        raise OSError("the disk")

    monkeypatch.setitem(tasks.KINDS, "publish", fails)
    first = ed.browser.post(f"/petitions/{petition.slug}/publish", {"revision": petition.revision})[
        "Location"
    ]
    assert Tasks("a").work(site.database)
    assert b"Something on the server failed" in ed.browser.get(first).content
    second = ed.browser.post(f"/petitions/{petition.slug}/publish", {"revision": petition.revision})[
        "Location"
    ]
    assert second != first


def test_a_job_can_be_cancelled_until_it_begins(site: SiteOfTests, ed: Person) -> None:
    petition = made(ed)
    asked = ed.browser.post(f"/petitions/{petition.slug}/publish")["Location"]
    assert ed.browser.post(f"{asked}/cancel").status_code == 302
    Tasks("a").work(site.database)
    assert b"Cancelled" in ed.browser.get(asked).content
    assert Job.objects.get().started_at is None


def test_a_worker_that_was_killed_is_followed_by_one_that_does_it_again(
    site: SiteOfTests, ed: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after it had published, before it could say so: the next one sees that, and publishes nothing twice."""
    petition = made(ed)
    assert saved(ed, petition, "terms", **TERMS) == 302
    with_key(ed, petition, site.identity)
    petition.refresh_from_db()
    ed.browser.post(f"/petitions/{petition.slug}/publish", {"revision": petition.revision})
    job = Job.objects.get()

    from django_tasks_db.models import DBTaskResult

    tasks.publish(job)
    DBTaskResult.objects.get().claim("the one that was killed")
    assert Tasks("the next").work(site.database)
    job.refresh_from_db()
    assert job.ended_at and not job.refusal
    assert petition.versions.count() == 1
    assert [entry.what for entry in AuditEntry.objects.all()].count("published") == 1


def test_a_job_of_another_petition_does_not_exist(ed: Person) -> None:
    first, second = made(ed), made(ed)
    job = tasks.ask(ed.user, "publish", first, first.revision)
    assert ed.browser.get(f"/petitions/{first.slug}/jobs/{job.pk}").status_code == 200
    assert ed.browser.get(f"/petitions/{second.slug}/jobs/{job.pk}").status_code == 404
    assert ed.browser.post(f"/petitions/{second.slug}/jobs/{job.pk}/cancel").status_code == 404


def test_a_secret_key_is_neither_stored_nor_shown_again(site: SiteOfTests, ed: Person) -> None:
    petition = made(ed)
    answer = ed.browser.post(f"/petitions/{petition.slug}/key", {"key": f"# my key\n{site.identity}\n"})
    assert answer.status_code == 422 and b"Make a new key" in answer.content
    secret = str(site.identity)[:40].encode()
    assert secret not in answer.content
    for file in site.data.rglob("*"):
        assert not file.is_file() or secret not in file.read_bytes(), file
    assert "AGE-SECRET" not in str(list(Petition.objects.values())) + str(drafts.export_files(petition.slug))


@pytest.mark.parametrize("key", ["", "age1", "hello", "age1qqqq", "ssh-ed25519 AAAA", "age1" + "q" * 58])
def test_what_is_no_key_is_refused(ed: Person, key: str) -> None:
    petition = made(ed)
    assert ed.browser.post(f"/petitions/{petition.slug}/key", {"key": key}).status_code == 422
    assert drafts.definition(petition.slug).organiser_keys == ()


def test_a_wrong_code_is_said(site: SiteOfTests, ed: Person) -> None:
    petition = made(ed)
    assert saved(ed, petition, "key", key=str(site.identity.recipient)) == 302
    assert saved(ed, petition, "key/code", code="wrong") == 422
    petition.refresh_from_db()
    assert not petition.key_check_answered


@pytest.mark.parametrize("typed", ["ko", "Korean", "korean", "한국어", ""])
def test_a_language_is_named_as_people_name_it(ed: Person, typed: str) -> None:
    page = ed.browser.post("/new", {"organisation": "ours", "text": LETTER, "language": typed})
    shown = "Language: Korean." if typed else "Language: English."
    assert page.status_code == 200 and shown in page.content.decode()


def test_a_name_that_no_language_has_is_refused_and_the_letter_kept(ed: Person) -> None:
    page = ed.browser.post("/new", {"organisation": "ours", "text": LETTER, "language": "Klingonish"})
    assert page.status_code == 422 and "No language has this name." in page.content.decode()
    assert "The night bus must stay" in page.content.decode()


def test_a_code_is_taken_as_people_type_it(site: SiteOfTests, ed: Person) -> None:
    petition = made(ed)
    assert saved(ed, petition, "key", key=str(site.identity.recipient)) == 302
    sealed = ed.browser.post(f"/petitions/{petition.slug}/key/check-file").content
    code = agefile.decrypt(sealed, [site.identity]).decode().strip()
    typed = " ".join([code[:4].upper(), code[4:8], f"{code[8:12]}-{code[12:]}"])
    assert saved(ed, petition, "key/code", code=f" {typed} ") == 302
    petition.refresh_from_db()
    assert petition.key_check_answered


@pytest.mark.parametrize("goal", ["10,000", "10.000", "10 000", "10’000", "10\u202f000", "10000"])
def test_a_goal_is_taken_as_people_write_it(ed: Person, goal: str) -> None:
    petition = made(ed)
    assert saved(ed, petition, "terms", **TERMS, goal=goal) == 302
    assert drafts.definition(petition.slug).goal == 10_000


def test_a_goal_with_a_fraction_is_no_other_goal(ed: Person) -> None:
    assert saved(ed, made(ed), "terms", **TERMS, goal="10.5") == 422


def test_the_preview_says_what_is_missing_in_the_language_of_the_page(ed: Person) -> None:
    petition = made(ed)
    files = drafts.export_files(petition.slug)
    files["petition.toml"] = files["petition.toml"].replace('"Ours"', f'"{TO_COMPLETE}"')
    drafts.import_files(files)
    page = ed.browser.get(f"/en/{petition.slug}").content.decode()
    assert "(still to be written)" in page and "TO BE COMPLETED" not in page
    assert "(still to be chosen)" in page and "1969" not in page and "1970" not in page


def test_after_publishing_the_way_leads_to_the_public_page(site: SiteOfTests, ed: Person) -> None:
    published = site.publish()
    Ownership.objects.create(petition_id=published.id, organisation=Organisation.objects.get(key="ours"))
    public = f"{settings.BASE_URL}/en/{published.slug}"
    overview = ed.browser.get(f"/petitions/{published.slug}").content.decode()
    assert f'<a class="button" href="{public}">' in overview and "See it as the public will" not in overview
    assert f'href="{public}"' in ed.browser.get(f"/petitions/{published.slug}/preview").content.decode()


def test_a_draft_is_discarded_and_a_published_petition_is_not(site: SiteOfTests, ed: Person) -> None:
    petition = made(ed)
    assert ed.browser.get(f"/petitions/{petition.slug}/discard").status_code == 200
    assert Petition.objects.exists()
    assert ed.browser.post(f"/petitions/{petition.slug}/discard").status_code == 302
    assert not Petition.objects.exists()
    published = site.publish()
    Ownership.objects.create(petition_id=published.id, organisation=Organisation.objects.get(key="ours"))
    assert ed.browser.post(f"/petitions/{published.slug}/discard").status_code == 404
    assert ed.browser.post(f"/petitions/{published.slug}/terms", {**TERMS, "revision": 1}).status_code in (
        409,
        422,
    )


def test_the_preview_of_a_draft_is_its_newest_text(ed: Person) -> None:
    petition = made(ed)
    assert b"The night bus must stay" in ed.browser.get(f"/en/{petition.slug}").content
    form = {"title": "Keep the bus", "summary": "We ask.", "body": "## We ask\n\n- Keep it"}
    assert saved(ed, petition, "text/en", **form) == 302
    assert b"Keep the bus" in ed.browser.get(f"/en/{petition.slug}").content


def test_an_export_of_what_the_desk_made_is_imported_unchanged(ed: Person, tmp_path: Path) -> None:
    petition = made(ed)
    assert saved(ed, petition, "terms", **TERMS) == 302
    files = drafts.export_files(petition.slug)
    folder.write(files, tmp_path / "out")
    again = folder.read(tmp_path / "out")
    assert again == files
    drafts.import_files(again)
    assert drafts.export_files(petition.slug) == files
