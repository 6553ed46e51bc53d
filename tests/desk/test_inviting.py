"""Inviting a translator: the language is there when they come in, and they are told who asks for what."""

import pytest
from django.test import Client

from desk_clients import PASSWORD, Person, person
from sabal.accounts.acts import TeamRole
from sabal.accounts.models import Invitation, Membership, Organisation, Ownership, User
from sabal.petitions.models import Petition
from sites import SiteOfTests

TITLE = "Stop forced repatriation"
TARA = "tara@example.org"


@pytest.fixture
def olga(site: SiteOfTests) -> Person:
    ours = Organisation.objects.create(key="ours", name="Ours")
    petition = Petition.objects.get(slug=site.publish().slug)
    Ownership.objects.create(petition=petition, organisation=ours)
    return person("olga@example.org", TeamRole.OWNER)


def invited(olga: Person, **form: str) -> tuple[int, str]:
    """Invite Tara; return the status and the link or the page."""
    petition = Petition.objects.get()
    data = {"email": TARA, "place": f"petition:{petition.slug}", "role": "translator", **form}
    answer = olga.browser.post("/people/invite", data)
    page = answer.content.decode()
    if answer.status_code != 200:
        return answer.status_code, page
    return 200, answer.context["link"].partition("/welcome/")[2]


def came_in(token: str) -> tuple[Client, str]:
    """Let Tara come in; return her browser and the first page."""
    browser = Client()
    form = {"name": "Tara", "password1": PASSWORD, "password2": PASSWORD}
    answer = browser.post(f"/welcome/{token}", form)
    assert answer.status_code == 302
    return browser, answer["Location"]


def test_the_narrowest_place_is_offered_first_by_its_title(olga: Person) -> None:
    page = olga.browser.get("/people/invite")
    places = page.context["form"]["place"].field.choices
    slug = Petition.objects.get().slug
    assert [key for key, _name in places] == [f"petition:{slug}", "organisation:ours", "site"]
    first = page.content.decode().partition('value="petition:')[2].partition("</p>")[0]
    assert "checked" in first and slug in first and f'<label for="id_place_0">{slug}' not in first


def test_a_title_is_text_not_html(olga: Person) -> None:
    Organisation.objects.filter(key="ours").update(name="<script>alert(1)</script>")
    page = olga.browser.get("/people/invite").content.decode()
    assert "<script>alert" not in page and "&lt;script&gt;alert(1)" in page


def test_a_translator_begins_in_her_language(olga: Person) -> None:
    slug = Petition.objects.get().slug
    status, token = invited(olga, language="de")
    assert status == 200 and Invitation.objects.get().language == "de"
    page = Client().get(f"/welcome/{token}").content.decode()
    assert "Olga (olga@example.org)" in page and "Translator" in page and "Deutsch" in page
    assert slug not in page.partition("<main")[2].partition("<form")[0], "the address stands for the title"
    browser, first = came_in(token)
    assert first == f"/petitions/{slug}/languages/de"
    assert browser.get(first).status_code == 200
    page = browser.get(f"/petitions/{slug}/preview").content.decode()
    assert f'src="/de/{slug}"' in page, "the preview opens in another language than hers"
    assert f'{first}"' in browser.get("/").content.decode()
    assert Membership.objects.get(user__email=TARA).language == "de"


def test_a_desk_that_speaks_her_language_speaks_it_at_once(olga: Person) -> None:
    slug = Petition.objects.get().slug
    status, token = invited(olga, language="ko")
    assert status == 200
    assert "초대한 사람" in Client().get(f"/welcome/{token}").content.decode()
    browser, first = came_in(token)
    assert first == f"/petitions/{slug}/languages/ko"
    page = browser.get(first).content.decode()
    assert '<html lang="ko">' in page and "표에서 번역하기" in page
    table = browser.get(f"{first}/table").content.decode()
    assert "“번역” 열" in table and "“식별자” 열" in table
    assert User.objects.get(email=TARA).language == "ko"


@pytest.mark.parametrize("language", ["", "en", "not-a-language", "../x"])
def test_no_invitation_without_something_to_translate(olga: Person, language: str) -> None:
    status, page = invited(olga, language=language)
    assert status == 422 and TARA in page and not Invitation.objects.exists()
    assert not Petition.objects.get().translations.filter(language=language or "x").exists()


def test_a_language_is_not_added_by_a_person_who_may_not_edit(olga: Person) -> None:
    """Max may invite to the petition as a moderator, and translates it: neither lets him add a language."""
    petition = Petition.objects.get()
    max_ = person(
        "max@example.org", TeamRole.MODERATOR, organisation=Organisation.objects.get(), rights=("invite",)
    )
    Membership.objects.create(user=max_.user, role=TeamRole.TRANSLATOR, petition=petition)
    status, page = invited(max_, language="de")
    assert status == 422 and "Ask an editor" in page
    assert not petition.translations.filter(language="de").exists() and not Invitation.objects.exists()
    status, _token = invited(max_, language="ko")  # the petition has it
    assert status == 200


def test_a_role_without_a_language_keeps_none(olga: Person) -> None:
    status, token = invited(olga, role="viewer", language="de")
    assert status == 200 and Invitation.objects.get().language == ""
    assert not Petition.objects.get().translations.filter(language="de").exists()
    _browser, first = came_in(token)
    assert first == f"/petitions/{Petition.objects.get().slug}"


def test_columns_in_korean_are_known_again(olga: Person) -> None:
    slug = Petition.objects.get().slug
    browser = olga.browser
    browser.cookies["django_language"] = "ko"
    table = browser.get(f"/petitions/{slug}/languages/ko/table.csv").content.decode("utf-8-sig")
    head, _line, rest = table.partition("\n")
    assert head.strip().split(",")[0] == "식별자" and "번역: 한국어" in head
    from django.core.files.uploadedfile import SimpleUploadedFile

    for heading in (head, "key,part,source: x,translation: y,state\r", "Key,Part,Source,번역,State\r"):
        file = SimpleUploadedFile("table.csv", f"{heading}\n{rest}".encode())
        answer = browser.post(f"/petitions/{slug}/languages/ko/table", {"file": file})
        assert answer.status_code == 200 and answer.context["changes"] == [], heading
