"""A petition that comes from another platform: recognised, shown, chosen, made; and what came with it."""

import html
import io
import json
import re
from typing import Any

import pytest

from desk_clients import Person, person
from elsewhere.test_arrivals import OSDI, UK
from sabal.accounts.acts import TeamRole
from sabal.accounts.models import AuditEntry, Organisation, Ownership
from sabal.api import views as api
from sabal.elsewhere.models import Material, OtherCount
from sabal.petitions.models import Petition
from sabal.publishing import drafts
from sites import SiteOfTests


def upload(who: Person, content: bytes | str | dict[str, Any], organisation: str = "ours") -> Any:
    raw = json.dumps(content) if isinstance(content, dict) else content
    file = io.BytesIO(raw.encode() if isinstance(raw, str) else raw)
    file.name = "export.bin"
    return who.browser.post("/new/elsewhere", {"organisation": organisation, "file": file})


def carried(answer: Any) -> dict[str, str]:
    """Return the fields of the form on a page, as a browser sends them."""
    page = answer.content.decode()
    found = re.search(r'<textarea name="found" hidden>\n(.*?)</textarea>', page, re.DOTALL)
    assert found, page
    roles = dict(
        re.findall(r'<select name="(role-\d+)".*?<option value="([a-z-]+)" selected', page, re.DOTALL)
    )
    return {"organisation": "ours", "found": html.unescape(found[1]), **roles}


def test_a_petition_is_shown_and_then_made(ed: Person) -> None:
    answer = upload(ed, UK)
    page = answer.content.decode()
    assert answer.status_code == 200 and not Petition.objects.exists()
    for said in (
        "UK petitions JSON",
        "12,345",
        "Department for Buses",
        "Government response",
        "creator_name",
        "topics",
    ):
        assert said in page, said
    assert "Suzie" not in page
    made = ed.browser.post("/new/elsewhere", carried(answer) | {"make": "1", "count": "on"})
    petition = Petition.objects.get()
    assert (
        made["Location"] == f"/petitions/{petition.slug}"
        and Ownership.objects.get().organisation.key == "ours"
    )
    assert drafts.definition(petition.slug).texts["en"].demands[0].text == "Keep the night bus to Hill Road"
    count = OtherCount.objects.get()
    assert (count.signatures, count.place, count.confirmed) == (12345, "petition.parliament.example", False)
    assert (
        count.link == "https://petition.parliament.example/petitions/300" and str(count.day) == "2020-03-06"
    )
    assert [m.kind for m in Material.objects.order_by("pk")] == ["answer", "answer", "update"]
    assert "3 texts came with it" in ed.browser.get(made["Location"]).content.decode()
    shown = ed.browser.get(f"/petitions/{petition.slug}/elsewhere").content.decode()
    assert "We will not." in shown and "Because of money." in shown and "alert(1)" not in shown
    assert AuditEntry.objects.filter(what="came-from", details__contains="UK petitions JSON").exists()
    first = Material.objects.earliest("pk")
    assert (
        ed.browser.post(f"/petitions/{petition.slug}/elsewhere/materials/{first.pk}/delete").status_code
        == 302
    )
    assert Material.objects.count() == 2


def test_without_the_tick_nothing_is_counted(ed: Person) -> None:
    ed.browser.post("/new/elsewhere", carried(upload(ed, UK)) | {"make": "1"})
    assert Petition.objects.count() == 1 and not OtherCount.objects.exists()


def test_who_may_not_publish_enters_no_count(ed: Person) -> None:
    tara = person("tara@example.org", TeamRole.EDITOR, organisation=Organisation.objects.get())
    answer = upload(tara, UK)
    assert b'name="count"' not in answer.content
    tara.browser.post("/new/elsewhere", carried(answer) | {"make": "1", "count": "on"})
    assert Petition.objects.count() == 1 and not OtherCount.objects.exists()


def test_roles_are_corrected_before_the_draft(ed: Person) -> None:
    form = carried(upload(ed, UK))
    last = max(int(name.removeprefix("role-")) for name in form if name.startswith("role-"))
    assert form[f"role-{last}"] == "demand"
    cheap = next(n for n in range(1, last) if form.get(f"role-{n}") == "background")
    form[f"role-{cheap}"] = "demand"
    again = ed.browser.post("/new/elsewhere", form | {"read": "1", "count": "on"})
    assert carried(again)[f"role-{cheap}"] == "demand"
    ed.browser.post("/new/elsewhere", carried(again) | {"make": "1"})
    demands = [one.text for one in drafts.definition(Petition.objects.get().slug).texts["en"].demands]
    assert demands == ["Three hundred people take it each night.", "Keep the night bus to Hill Road"]


def test_one_of_several_is_chosen(ed: Person) -> None:
    many = {"_embedded": {"osdi:petitions": [OSDI, OSDI | {"title": "Open the library"}]}}
    answer = upload(ed, many)
    assert b"Open the library" in answer.content
    shown = ed.browser.post("/new/elsewhere", carried(answer) | {"chosen": "1", "read": "1"})
    assert b"Open the library" in shown.content and b"Make the draft" in shown.content
    ed.browser.post("/new/elsewhere", carried(shown) | {"make": "1"})
    assert drafts.definition(Petition.objects.get().slug).texts["en"].title == "Open the library"


def test_our_own_petition_comes_in_whole(site: SiteOfTests, ed: Person) -> None:
    petition = site.publish()
    answer = upload(ed, api.petition(petition).body)
    assert b"ko" in answer.content and b"letter-lines" not in answer.content
    ed.browser.post("/new/elsewhere", carried(answer) | {"make": "1"})
    copy = Petition.objects.latest("pk")
    assert (
        copy.slug != petition.slug and drafts.definition(copy.slug).languages == petition.definition.languages
    )


def test_a_list_of_people_is_counted_and_nothing_is_stored(ed: Person) -> None:
    rows = "".join(f"S,{n},suzie{n}@example.org\n" for n in range(30)) + 'Eve,"broken\n'
    answer = upload(ed, f"\ufefffirst_name;last_name;email\n{rows.replace(',', ';')}".encode("utf-16"))
    page = answer.content.decode()
    assert answer.status_code == 200 and ">30<" in page and "Line 32" in page and "suzie1@" not in page
    assert not Petition.objects.exists() and not Material.objects.exists() and not OtherCount.objects.exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"%PDF-1.7", "picture"),
        (b'{"a": 1', "damaged"),
        (b'{"a": 1}', "neither a petition"),
        (b"x" * 12_100_000, "too large"),
        (json.dumps(UK).replace("Three hundred", "AGE-SECRET-KEY-1QQ"), "secret key"),
        (json.dumps(UK).replace("Three hundred people take it each night.", "long " * 15_000), "60 kB"),
    ],
)
def test_what_cannot_be_used_is_refused_in_a_sentence(ed: Person, content: bytes | str, said: str) -> None:
    answer = upload(ed, content)
    assert answer.status_code == 422 and said in answer.content.decode() and b'role="alert"' in answer.content
    assert not Petition.objects.exists()


def test_nothing_of_a_file_is_markup(ed: Person) -> None:
    evil = "</textarea><script>alert(1)</script>"
    text = (
        json.dumps(UK)
        .replace("Asked again", evil)
        .replace("Department for Buses", evil)
        .replace("Buses", evil)
    )
    answer = upload(ed, text)
    assert answer.status_code == 200 and b"<script>alert" not in answer.content
    ed.browser.post("/new/elsewhere", carried(answer) | {"make": "1"})
    petition = Petition.objects.get()
    assert b"<script>alert" not in ed.browser.get(f"/petitions/{petition.slug}/elsewhere").content


@pytest.mark.parametrize("found", ["", "null", "[]", "[[]]", '[{"own": 1}]', "{", "[" * 9_000])
def test_what_a_page_never_sent_makes_nothing(ed: Person, found: str) -> None:
    answer = ed.browser.post("/new/elsewhere", {"organisation": "ours", "found": found, "make": "1"})
    assert answer.status_code == 422 and b"Choose the file again" in answer.content
    assert not Petition.objects.exists()


def test_a_foreign_organisation_gets_nothing(ed: Person) -> None:
    Organisation.objects.create(key="theirs", name="Theirs")
    form = carried(upload(ed, UK)) | {"organisation": "theirs", "make": "1"}
    assert ed.browser.post("/new/elsewhere", form).status_code == 422
    assert upload(ed, UK, "theirs").status_code == 422
    assert not Petition.objects.exists()


def test_a_text_of_another_petition_is_not_deleted(ed: Person) -> None:
    ed.browser.post("/new/elsewhere", carried(upload(ed, UK)) | {"make": "1"})
    ed.browser.post("/new/elsewhere", carried(upload(ed, OSDI)) | {"make": "1"})
    first, second = Petition.objects.order_by("pk")
    pk = Material.objects.filter(petition=first).earliest("pk").pk
    assert ed.browser.post(f"/petitions/{second.slug}/elsewhere/materials/{pk}/delete").status_code == 404
    assert Material.objects.filter(pk=pk).exists()


@pytest.mark.parametrize("second_factor", [False, True])
def test_a_session_without_its_second_factor_enters_no_count(site: SiteOfTests, second_factor: bool) -> None:
    ours = Organisation.objects.create(key="ours", name="Ours")
    ed = person(
        "ed@example.org",
        TeamRole.EDITOR,
        organisation=ours,
        rights=("publish",),
        second_factor=second_factor,
    )
    answer = upload(ed, UK)
    assert (b'name="count"' in answer.content) is second_factor
    ed.browser.post("/new/elsewhere", carried(answer) | {"make": "1", "count": "on"})
    assert Petition.objects.count() == 1 and OtherCount.objects.exists() is second_factor
