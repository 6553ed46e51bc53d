"""Translating a petition on the desk: what is missing, what is outdated, two people at once, and what nobody may do."""

import json

import pytest

from desk_clients import KOREAN, LETTER, Person, person
from sabal.accounts.acts import TeamRole
from sabal.accounts.models import AuditEntry, Organisation, Ownership
from sabal.desk import translating
from sabal.desk.models import Translation
from sabal.petitions import folder
from sabal.petitions.models import Petition
from sabal.publishing import drafts
from sites import EXAMPLE, SiteOfTests


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
    return Petition.objects.latest("pk")


@pytest.fixture
def max_(petition: Petition) -> Person:
    """Return a translator of the petition."""
    return person("max@example.org", TeamRole.TRANSLATOR, petition=petition, second_factor=False)


@pytest.fixture
def korean(carol: Person, petition: Petition) -> str:
    """Add Korean, and return the address of its page."""
    path = f"/petitions/{petition.slug}/languages"
    assert carol.browser.post(f"{path}/add", {"language": "ko"}).status_code == 302
    return f"{path}/ko"


@pytest.fixture
def example(carol: Person) -> Petition:
    """Return a draft in three languages."""
    petition = drafts.import_files(folder.read(EXAMPLE))
    Ownership.objects.create(petition=petition, organisation=Organisation.objects.get())
    return petition


def form(petition: Petition, language: str, **texts: str) -> dict[str, str]:
    """Return what the page of a language sends: these texts, and for each the two texts that it showed."""
    sheet = translating.sheet(petition, language)
    assert sheet is not None
    seen = {piece.key: piece.seen for piece in sheet.pieces}
    fields = {f"text:{key}": text for key, text in texts.items()}
    return fields | {f"seen:{key}": seen.get(key, "") for key in texts}


def states(petition: Petition, language: str) -> dict[str, str]:
    sheet = translating.sheet(petition, language)
    assert sheet is not None
    return {piece.key: piece.state for piece in sheet.pieces}


def text_of(petition: Petition, language: str, key: str) -> str:
    sheet = translating.sheet(petition, language)
    assert sheet is not None
    return next(piece.text for piece in sheet.pieces if piece.key == key)


def test_a_language_is_translated_piece_by_piece(
    carol: Person, petition: Petition, korean: str, max_: Person
) -> None:
    before = drafts.export_files(petition.slug)
    carried = {key for key, state in states(petition, "ko").items() if state == "done"}
    assert carried == {"organiser", "controller-name"}, "only what comes from the organisation is there"
    page = max_.browser.get(korean).content.decode()
    assert "The night bus must stay" in page and 'lang="ko"' in page and 'name="text:demand-2"' in page

    some = dict(list(KOREAN.items())[:4])
    assert max_.browser.post(korean, form(petition, "ko", **some)).status_code == 302
    assert list(states(petition, "ko").values()).count("done") == 4 + len(carried)
    assert drafts.export_files(petition.slug) == before, "an incomplete language is not in the files"
    page = carol.browser.get(f"/petitions/{petition.slug}/languages").content.decode()
    assert "6 of 13" in page and "Left out until complete" in page

    answer = max_.browser.post(korean, form(petition, "ko", **KOREAN), follow=True)
    assert "The language is complete" in answer.content.decode()
    definition = drafts.definition(petition.slug)
    assert definition.languages == ("en", "ko") and definition.texts["ko"].title == KOREAN["title"]
    assert definition.texts["ko"].demands[1].text == KOREAN["demand-2"]
    assert definition.recipients[0].name["ko"] == "시의회"
    row = Translation.objects.get()
    assert row.state == "joined" and row.pieces == {}
    assert AuditEntry.objects.filter(what="translated", user=max_.user).count() == 2


def test_the_files_say_nothing_of_it(petition: Petition, carol: Person, korean: str) -> None:
    carol.browser.post(korean, form(petition, "ko", **KOREAN))
    files = drafts.export_files(petition.slug)
    drafts.import_files(files)
    assert drafts.export_files(petition.slug) == files
    assert set(states(petition, "ko").values()) == {"done"}


def test_a_changed_source_is_marked_until_somebody_looks(
    petition: Petition, carol: Person, korean: str
) -> None:
    carol.browser.post(korean, form(petition, "ko", **KOREAN))
    files = drafts.export_files(petition.slug)
    files["en.md"] = files["en.md"].replace("Keep the bus until 2030", "Keep the bus until 2040")
    drafts.import_files(files)
    assert states(petition, "ko")["demand-1"] == "outdated"
    assert list(states(petition, "ko").values()).count("outdated") == 1
    page = carol.browser.get(korean).content.decode()
    assert "2030</del>" in page and "2040</ins>" in page, "the page does not show what changed"

    fields = form(petition, "ko", **{"demand-1": KOREAN["demand-1"]})
    assert carol.browser.post(korean, {**fields, "right:demand-1": "on"}).status_code == 302
    assert states(petition, "ko")["demand-1"] == "done"
    assert drafts.export_files(petition.slug) == files, "saying that it is right changes no file"

    files["en.md"] = files["en.md"].replace("2040", "2050")
    drafts.import_files(files)
    assert states(petition, "ko")["demand-1"] == "outdated"
    assert carol.browser.post(korean, form(petition, "ko", **{"demand-1": "2050년까지"})).status_code == 302
    assert states(petition, "ko")["demand-1"] == "done"


def test_a_source_that_changes_while_one_translates_is_not_taken_for_seen(
    petition: Petition, carol: Person, korean: str
) -> None:
    carol.browser.post(korean, form(petition, "ko", **KOREAN))
    typed = form(petition, "ko", **{"demand-1": "2030년까지 꼭"})
    files = drafts.export_files(petition.slug)
    files["en.md"] = files["en.md"].replace("until 2030", "until 2040")
    drafts.import_files(files)
    assert carol.browser.post(korean, typed).status_code == 302
    assert text_of(petition, "ko", "demand-1") == "2030년까지 꼭"
    assert states(petition, "ko")["demand-1"] == "outdated"


@pytest.mark.parametrize("joined", [False, True])
def test_two_translators_never_overwrite_each_other(
    petition: Petition, carol: Person, max_: Person, korean: str, joined: bool
) -> None:
    first = KOREAN if joined else {"title": "처음"}
    carol.browser.post(korean, form(petition, "ko", **first))
    mine = form(petition, "ko", title="막스의 제목", summary="막스의 요약")
    assert carol.browser.post(korean, form(petition, "ko", title="캐럴의 제목")).status_code == 302

    answer = max_.browser.post(korean, mine)
    page = answer.content.decode()
    assert answer.status_code == 422 and "캐럴의 제목" in page and "막스의 제목" in page
    assert text_of(petition, "ko", "title") == "캐럴의 제목"
    assert text_of(petition, "ko", "summary") == "막스의 요약", "a piece without a conflict is saved"
    again = form(petition, "ko", title="막스의 제목")
    assert max_.browser.post(korean, again).status_code == 302
    assert text_of(petition, "ko", "title") == "막스의 제목"


def test_what_one_did_not_touch_is_no_conflict(
    petition: Petition, carol: Person, max_: Person, korean: str
) -> None:
    carol.browser.post(korean, form(petition, "ko", title="처음"))
    whole = form(petition, "ko", title="처음", summary="막스의 요약")
    carol.browser.post(korean, form(petition, "ko", title="캐럴의 제목"))
    assert max_.browser.post(korean, whole).status_code == 302
    assert (
        text_of(petition, "ko", "title") == "캐럴의 제목"
        and text_of(petition, "ko", "summary") == "막스의 요약"
    )


def test_a_lost_answer_is_no_conflict_with_oneself(petition: Petition, max_: Person, korean: str) -> None:
    page = {**form(petition, "ko", title="하나"), "form": "0a1b"}
    assert max_.browser.post(korean, page, headers={"x-autosave": "1"}).status_code == 200
    assert max_.browser.post(korean, {**page, "text:title": "하나 둘"}).status_code == 302
    assert text_of(petition, "ko", "title") == "하나 둘"
    assert max_.browser.post(korean, {**page, "form": "ffff", "text:title": "셋"}).status_code == 422


@pytest.mark.parametrize("joined", [False, True])
def test_a_piece_that_cannot_be_saved_keeps_no_other_from_it(
    petition: Petition, carol: Person, korean: str, joined: bool
) -> None:
    if joined:
        carol.browser.post(korean, form(petition, "ko", **KOREAN))
    bad = {"demand-1": "- 하나\n- 둘", "section-1": "<script>alert(1)</script>", "title": "새 제목"}
    answer = carol.browser.post(korean, form(petition, "ko", **bad))
    page = answer.content.decode()
    assert answer.status_code == 422 and "A list can only be among the demands" in page
    assert "HTML is not allowed" in page and "&lt;script&gt;" in page and "<script>alert" not in page
    assert text_of(petition, "ko", "title") == "새 제목"
    assert text_of(petition, "ko", "demand-1") == (KOREAN["demand-1"] if joined else "")


@pytest.mark.parametrize(
    "text", ["a\x00b", "\ud800".encode("utf-8", "replace").decode(), "AGE-SECRET-KEY-1", "⟦x⟧"]
)
def test_hostile_text_is_no_fault_of_the_server(
    petition: Petition, carol: Person, korean: str, text: str
) -> None:
    before = set(Translation.objects.get().pieces)
    assert carol.browser.post(korean, form(petition, "ko", title=text)).status_code in (302, 422)
    assert "\x00" not in json.dumps(Translation.objects.get().pieces)
    hostile = {
        "text:../x": "1",
        "text:recipient-": "1",
        "seen:title": "\x00",
        "text:title": "나",
        "form": "\x00'",
    }
    assert carol.browser.post(korean, hostile).status_code in (302, 422)
    assert set(Translation.objects.get().pieces) <= before | {"title"}


def test_a_form_sets_nothing_but_pieces_of_its_language(
    petition: Petition, carol: Person, korean: str
) -> None:
    carol.browser.post(korean, form(petition, "ko", **KOREAN))
    before = drafts.definition(petition.slug)
    more = {
        "text:slug": "other",
        "text:organiser_keys": "age1",
        "state": "removed",
        "language": "en",
        "text:en": "x",
    }
    assert carol.browser.post(korean, {**form(petition, "ko", title="새 제목"), **more}).status_code == 302
    after = drafts.definition(petition.slug)
    assert (after.slug, after.organiser_keys, after.texts["en"]) == (before.slug, (), before.texts["en"])


def test_a_language_is_found_by_any_of_its_names(petition: Petition, carol: Person) -> None:
    path = f"/petitions/{petition.slug}/languages/add"
    for words, tag in (
        ("korean", "ko"),
        ("한국", "ko"),
        ("العربية", "ar"),
        ("zh-hant", "zh-hant"),
        ("pt-br", "pt-br"),
    ):
        assert f'value="{tag}"' in carol.browser.get(path, {"q": words}).content.decode(), words
    carol.browser.post("/language", {"language": "ko", "next": "/"})
    assert 'value="de"' in carol.browser.get(path, {"q": "독일어"}).content.decode()
    nothing = carol.browser.get(path, {"q": "<script>alert(1)</script>"}).content.decode()
    assert "<script>alert" not in nothing and 'name="language" value="' not in nothing.partition("<footer")[0]


@pytest.mark.parametrize("tag", ["", "EN", "x", "../ko", "ko_KR", "a" * 40, "en", "한국어", "ko-" + "a" * 9])
def test_what_is_no_language_is_not_added(petition: Petition, carol: Person, tag: str) -> None:
    answer = carol.browser.post(f"/petitions/{petition.slug}/languages/add", {"language": tag})
    assert answer.status_code == (302 if tag == "en" else 409) and not Translation.objects.exists()


def test_a_right_to_left_language_is_shown_so(petition: Petition, carol: Person) -> None:
    path = f"/petitions/{petition.slug}/languages"
    carol.browser.post(f"{path}/add", {"language": "ar"})
    page = carol.browser.get(f"{path}/ar").content.decode()
    assert page.count('lang="ar" dir="rtl"') >= 11 and 'lang="en" dir="ltr"' in page


def test_a_removed_language_comes_back_with_its_words(example: Petition, carol: Person) -> None:
    path = f"/petitions/{example.slug}/languages"
    before = drafts.export_files(example.slug)
    assert carol.browser.get(f"{path}/ko/remove").status_code == 200
    assert carol.browser.post(f"{path}/ko/remove").status_code == 302
    definition = drafts.definition(example.slug)
    assert definition.languages == ("en", "zh-hans", "ja") and "ko" not in definition.organiser
    assert carol.browser.get(f"{path}/ko").status_code == 404
    assert carol.browser.post(f"{path}/add", {"language": "ko"}).status_code == 302
    assert set(states(example, "ko").values()) == {"done"}
    assert carol.browser.post(f"{path}/ko", {}).status_code == 302  # nothing is missing, so it joins
    after = folder.parse(drafts.export_files(example.slug))
    assert after.texts["ko"] == folder.parse(before).texts["ko"]
    assert after.recipients == folder.parse(before).recipients


def test_an_incomplete_language_is_left_out_so_that_the_rest_can_be_published(
    example: Petition, carol: Person
) -> None:
    files = drafts.export_files(example.slug)
    title = folder.parse(files).texts["ko"].title
    drafts.import_files(
        {
            **files,
            "ko.md": files["ko.md"].replace(f"title: {title}", "title: TO BE COMPLETED BEFORE PUBLISHING"),
        }
    )
    assert states(example, "ko")["title"] == "missing"
    assert any("ko.md" in sentence for sentence in folder.lacking(drafts.definition(example.slug)))
    path = f"/petitions/{example.slug}/languages"
    assert carol.browser.post(f"{path}/ko/leave-out").status_code == 302
    assert not any("ko.md" in sentence for sentence in folder.lacking(drafts.definition(example.slug)))
    assert list(states(example, "ko").values()).count("missing") == 1
    assert carol.browser.post(f"{path}/ko", form(example, "ko", title=title)).status_code == 302
    assert drafts.definition(example.slug).texts["ko"].title == title


def test_a_published_language_stays(site: SiteOfTests, carol: Person) -> None:
    slug = site.publish().slug
    petition = Petition.objects.get(slug=slug)
    Ownership.objects.create(petition=petition, organisation=Organisation.objects.get())
    path = f"/petitions/{slug}/languages/ko"
    for act in ("remove", "leave-out"):
        assert carol.browser.post(f"{path}/{act}").status_code == 409
    assert drafts.definition(slug).languages == ("en", "ko", "zh-hans", "ja")


def test_a_translation_of_a_published_petition_is_an_amendment(site: SiteOfTests, carol: Person) -> None:
    """People sign the published text until somebody who may publish has published the change."""
    slug = site.publish().slug
    petition = Petition.objects.get(slug=slug)
    Ownership.objects.create(petition=petition, organisation=Organisation.objects.get())
    max_ = person("max@example.org", TeamRole.TRANSLATOR, petition=petition, second_factor=False)
    path = f"/petitions/{slug}/languages"
    assert max_.browser.post(f"{path}/ko", form(petition, "ko", title="새 제목")).status_code == 302
    petition.refresh_from_db()
    assert drafts.has_amendment(petition) and petition.state == "open"
    assert site.petition(slug).definition.texts["ko"].title != "새 제목"

    assert carol.browser.post(f"{path}/add", {"language": "de"}).status_code == 302
    sheet = translating.sheet(petition, "de")
    assert sheet is not None
    german = {piece.key: f"{piece.source.rstrip('.')} (de)" for piece in sheet.pieces}
    assert max_.browser.post(f"{path}/de", form(petition, "de", **german)).status_code == 302
    assert drafts.definition(slug).languages == ("en", "ko", "zh-hans", "ja", "de")
    assert site.petition(slug).definition.languages == ("en", "ko", "zh-hans", "ja")


def test_what_cannot_be_saved_now_stays_in_the_page(site: SiteOfTests, carol: Person) -> None:
    """The text of a closed petition cannot change any more."""
    slug = site.publish().slug
    Petition.objects.filter(slug=slug).update(state="closed")
    petition = Petition.objects.get(slug=slug)
    Ownership.objects.create(petition=petition, organisation=Organisation.objects.get())
    answer = carol.browser.post(f"/petitions/{slug}/languages/ko", form(petition, "ko", title="새 제목"))
    assert answer.status_code == 422 and "새 제목" in answer.content.decode()
    assert drafts.definition(slug).texts["ko"].title != "새 제목"


def test_a_language_that_waits_is_previewed_with_the_source_where_it_lacks_words(
    petition: Petition, max_: Person, korean: str
) -> None:
    max_.browser.post(korean, form(petition, "ko", title=KOREAN["title"]))
    page = max_.browser.get(f"/ko/{petition.slug}").content.decode()
    assert KOREAN["title"] in page and "Keep the bus until 2030" in page and 'lang="ko"' in page
    around = max_.browser.get(f"/petitions/{petition.slug}/preview?language=ko").content.decode()
    assert "This language is not complete" in around
    assert "ko.md" not in drafts.export_files(petition.slug)


def test_a_translator_sees_only_the_languages(
    site: SiteOfTests, petition: Petition, max_: Person, korean: str
) -> None:
    home = max_.browser.get("/").content.decode()
    assert f'href="/petitions/{petition.slug}/languages"' in home and "New petition" not in home
    assert f'href="/petitions/{petition.slug}"' not in home and "/people" not in home
    own = f"/petitions/{petition.slug}"
    for path in (
        own,
        f"{own}/terms",
        f"{own}/text/en",
        f"{own}/key",
        f"{own}/publish",
        f"{own}/revisions",
        "/people",
    ):
        assert max_.browser.get(path).status_code == 403, path
        assert max_.browser.post(path).status_code in (403, 405), path
    for path in (f"{own}/languages/add", f"{korean}/remove", f"{korean}/leave-out"):
        assert max_.browser.post(path, {"language": "de"}).status_code == 403, path
    page = max_.browser.get(f"{own}/languages").content.decode()
    assert "Add a language" not in page and "Remove" not in page
    for path in (f"{own}/languages", korean, f"{korean}/table", f"{own}/preview", f"/en/{petition.slug}"):
        assert max_.browser.get(path).status_code == 200, path


def test_a_translator_of_one_petition_knows_no_other(
    petition: Petition, example: Petition, max_: Person
) -> None:
    for path in ("languages", "languages/ko", "languages/ko/table", "languages/ko/table.xlsx", "preview"):
        assert max_.browser.get(f"/petitions/{example.slug}/{path}").status_code == 404, path
    answer = max_.browser.post(f"/petitions/{example.slug}/languages/ko", form(example, "ko", title="침입"))
    assert answer.status_code == 404
    assert example.slug not in max_.browser.get("/").content.decode()


def test_the_authoritative_language_is_no_translation(example: Petition, carol: Person, max_: Person) -> None:
    path = f"/petitions/{example.slug}/languages/en"
    for more in ("", "/remove", "/leave-out", "/table", "/table.csv"):
        for method in ("get", "post"):
            status = getattr(carol.browser, method)(f"{path}{more}").status_code
            assert status in (404, 405), (more, method)
