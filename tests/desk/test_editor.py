"""The editor: rows that are moved without losing a word, a preview of what is typed, and what is refused."""

import re
import time
from html.parser import HTMLParser

import pytest

from desk_clients import LETTER, Person, person
from desk_drafts import TWO
from sabal.accounts.acts import TeamRole
from sabal.accounts.models import AuditEntry, Organisation, Ownership
from sabal.petitions.definition import TO_COMPLETE
from sabal.petitions.models import Petition
from sabal.publishing import drafts
from sites import SiteOfTests


class Fields(HTMLParser):
    """Reads what a browser would send of the form `edit`, and where the focus goes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.sent: dict[str, str] = {}
        self.buttons: list[str] = []
        self.focused = ""
        self._text = ""
        self._select = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        it = {name: value or "" for name, value in attributes}
        if "autofocus" in it:
            self.focused = it.get("value") if tag == "button" else it.get("name", "")  # type: ignore[assignment]
        if tag == "button":
            self.buttons.append(it.get("value", ""))
        elif tag == "textarea":
            self._text = it["name"]
            self.sent[self._text] = ""
        elif tag == "select":
            self._select = it["name"]
        elif tag == "option" and "selected" in it:
            self.sent[self._select] = it["value"]
        elif tag == "input" and "name" in it and it["name"] != "width":
            ticked = it.get("type") not in ("checkbox", "radio") or "checked" in it
            if ticked:
                box = it.get("type") == "checkbox"
                self.sent[it["name"]] = it.get("value", "on" if box else "")

    def handle_data(self, data: str) -> None:
        if self._text:
            self.sent[self._text] += data.removeprefix("\n") if not self.sent[self._text] else data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._text = ""


@pytest.fixture
def ed(site: SiteOfTests) -> Person:
    """Return the editor of an organisation."""
    ours = Organisation.objects.create(key="ours", name="Ours")
    return person("ed@example.org", TeamRole.EDITOR, organisation=ours)


@pytest.fixture
def bus(ed: Person) -> Petition:
    """Return a draft in two languages."""
    petition = drafts.import_files(TWO)
    Ownership.objects.create(petition=petition, organisation=Organisation.objects.get(key="ours"))
    return petition


def opened(ed: Person, path: str) -> Fields:
    return Fields(ed.browser.get(f"/petitions/night-bus/{path}").content.decode())


def sent(ed: Person, path: str, fields: dict[str, str], do: str = "save", status: int = 302) -> Fields:
    answer = ed.browser.post(f"/petitions/night-bus/{path}", {**fields, "do": do})
    assert answer.status_code == status, answer.content.decode()
    return Fields(answer.content.decode())


@pytest.mark.parametrize("path", ["text/en", "text/ko", "text/en?whole=1", "recipients", "terms"])
def test_saving_what_is_shown_changes_no_byte(ed: Person, bus: Petition, path: str) -> None:
    sent(ed, path, opened(ed, path).sent)
    assert drafts.export_files("night-bus") == TWO


@pytest.mark.parametrize("path", ["text/en", "recipients", "terms"])
def test_enter_in_a_field_saves(ed: Person, bus: Petition, path: str) -> None:
    """Browsers press the first button of a form then."""
    page = ed.browser.get(f"/petitions/night-bus/{path}").content.decode()
    assert Fields(page.partition('id="edit"')[2]).buttons[0] == "save"


def test_a_row_moves_and_nothing_typed_is_lost(ed: Person, bus: Petition) -> None:
    fields = opened(ed, "text/en").sent | {
        "title": "New <title>",
        "demand-2-text": "Publish *all*\r\nnumbers",
    }
    page = sent(ed, "text/en", fields, "up:demand:2", 200)
    assert page.sent["title"] == "New <title>" and page.focused == "up:demand:0"
    assert page.sent["demand-0-text"].split() == ["Publish", "*all*", "numbers"]
    assert page.sent["demand-2-text"] == "At night"
    assert drafts.export_files("night-bus") == TWO, "a button of a row must store nothing"

    page = sent(ed, "text/en", page.sent, "nest:demand:1", 200)
    assert [page.sent[f"demand-{n}-level"] for n in range(3)] == ["0", "1", "2"]
    sent(ed, "text/en", page.sent)
    files = drafts.export_files("night-bus")
    assert "- Publish *all* numbers\n  - Keep it\n    - At night\n" in files["en.md"]
    assert "- 숫자를 공개하라\n  - 유지하라\n    - 밤에도\n" in files["ko.md"], (
        "the other language must follow"
    )
    assert files["ko.md"].partition("## 요구")[0] == TWO["ko.md"].partition("## 요구")[0]
    assert AuditEntry.objects.latest("pk").what == "draft-changed"


def autosaved(ed: Person, path: str, fields: dict[str, str]) -> dict[str, str]:
    """Save as the page's script does, and return the fields that the page has then."""
    answer = ed.browser.post(
        f"/petitions/night-bus/{path}", {**fields, "do": "save", "form": "abc"}, headers={"X-Autosave": "1"}
    )
    assert answer.status_code == 200, answer.content.decode()
    return fields | {name: str(value) for name, value in answer.json()["fields"].items()}


@pytest.mark.parametrize("answers", ["arrive", "is lost"])
def test_a_row_that_was_saved_by_itself_is_not_moved_again(ed: Person, bus: Petition, answers: str) -> None:
    """The page stays open after its script has saved it, and does not have the new order of the files."""
    fields = sent(ed, "text/en", opened(ed, "text/en").sent, "up:demand:2", 200).sent
    for title in ("One", "Two", "Three") if answers == "arrive" else ("One",):
        saved = autosaved(ed, "text/en", fields | {"title": title})
        fields = saved if answers == "arrive" else fields
    fields = sent(ed, "text/en", fields, "add:demand", 200).sent | {"demand-3-text": "New"}
    fields = autosaved(ed, "text/en", fields)
    sent(ed, "text/en", sent(ed, "text/en", fields, "up:demand:3", 200).sent | {"form": "abc"})
    definition = drafts.definition("night-bus")
    english, korean = (definition.texts[one].demands for one in ("en", "ko"))
    assert [one.text for one in english] == ["Publish the numbers", "New", "Keep it"]
    assert [one.text for one in korean][::2] == ["숫자를 공개하라", "유지하라"]
    assert TO_COMPLETE in korean[1].text and korean[2].parts[0].text == "밤에도"


def test_a_recipient_that_was_saved_by_itself_is_not_moved_again(ed: Person, bus: Petition) -> None:
    fields = sent(ed, "recipients", opened(ed, "recipients").sent, "up:recipient:1", 200).sent
    fields = autosaved(ed, "recipients", fields)
    sent(ed, "recipients", autosaved(ed, "recipients", fields) | {"form": "abc"})
    terms = drafts.export_files("night-bus")["petition.toml"]
    assert '# at the station\n[[recipients]]\nname = "The Bus Company"\n' in terms
    assert [one.name["ko"] for one in drafts.definition("night-bus").recipients] == [
        "The Bus Company",
        "시의회",
    ]


def test_a_new_demand_must_be_written_in_every_language(ed: Person, bus: Petition) -> None:
    page = sent(ed, "text/en", opened(ed, "text/en").sent, "add:demand", 200)
    assert page.focused == "demand-3-text"
    page = sent(ed, "text/en", page.sent | {"demand-3-text": "1. Run it"}, "part:demand:3", 200)
    sent(ed, "text/en", page.sent | {"demand-4-text": "at <night>"}, status=422)
    sent(ed, "text/en", page.sent | {"demand-4-text": "at night"})
    definition = drafts.definition("night-bus")
    assert definition.texts["en"].demands[2].text == "1\\. Run it"
    assert TO_COMPLETE in definition.texts["ko"].demands[2].parts[0].text
    assert opened(ed, "text/ko").sent["demand-4-text"] == ""


def test_a_mistake_is_shown_at_its_field(ed: Person, bus: Petition) -> None:
    fields = opened(ed, "text/en").sent
    for change, where in (
        ({"demand-1-text": "<b>at night</b>"}, "demand-1-text"),
        ({"section-0-body": "![x](y)"}, "section-0-body"),
        ({"section-0-body": "- a list"}, "section-0-body"),
        ({"section-0-body": "```\nnever ends"}, "section-0-body"),
        ({"section-0-heading": ""}, "section-0-heading"),
        ({"closing": "[a](javascript:alert(1))"}, "closing"),
        ({"title": "⟦token⟧"}, None),
        ({"title": "x" * 201}, "title"),
    ):
        answer = ed.browser.post("/petitions/night-bus/text/en", {**fields, **change})
        page = answer.content.decode()
        assert answer.status_code == 422 and 'role="alert"' in page, change
        assert where is None or f'href="#id_{where}"' in page, (
            change,
            page.partition('class="summary"')[2][:800],
        )
        for name, value in change.items():
            assert Fields(page).sent[name] == value, "what was typed is lost"
    assert drafts.export_files("night-bus") == TWO


def test_sections_are_added_moved_removed_and_put_back(ed: Person, bus: Petition) -> None:
    page = sent(ed, "text/en", opened(ed, "text/en").sent, "add:section", 200)
    page = sent(
        ed,
        "text/en",
        page.sent | {"section-1-heading": "Why & how", "section-1-body": "So."},
        "up:section:1",
        200,
    )
    assert page.focused == "up:section:0"
    page = sent(ed, "text/en", page.sent, "remove:section:0", 200)
    assert "section-1-body" not in page.sent and page.focused == "undo"
    page = sent(ed, "text/en", page.sent, "undo", 200)
    assert page.sent["section-0-heading"] == "Why & how"
    sent(ed, "text/en", page.sent)
    text = drafts.export_files("night-bus")["en.md"]
    assert text == TWO["en.md"].replace("## Background", "## Why & how\n\nSo.\n\n## Background")


def test_recipients_in_rows(ed: Person, bus: Petition) -> None:
    page = sent(ed, "recipients", opened(ed, "recipients").sent, "add:recipient", 200)
    new = {
        "recipient-2-name:en": 'The "Mayor"',
        "recipient-2-name:ko": "시장",
        "recipient-2-group": "on",
        "recipient-2-language": "en",
        "recipient-2-address": "mayor@example.org",
    }
    page = sent(ed, "recipients", page.sent | new, "up:recipient:2", 200)
    page = sent(ed, "recipients", page.sent, "remove:recipient:0", 200)
    sent(ed, "recipients", page.sent)
    found = drafts.definition("night-bus").recipients
    assert [(one.name["ko"], one.group) for one in found] == [("시장", True), ("The Bus Company", False)]
    assert found[0].name["en"] == 'The "Mayor"' and found[0].address == "mayor@example.org"
    assert (
        '# at the station\n[[recipients]]\nname = "The Bus Company"\n'
        in drafts.export_files("night-bus")["petition.toml"]
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("address", "nobody"),
        ("language", "English"),
        ("key", "A b"),
        ("name:en", "⟦x⟧"),
        ("name:en", "x" * 301),
    ],
)
def test_a_recipient_that_cannot_be_is_refused(ed: Person, bus: Petition, field: str, value: str) -> None:
    fields = opened(ed, "recipients").sent | {f"recipient-0-{field}": value}
    page = sent(ed, "recipients", fields, status=422)
    assert page.sent[f"recipient-0-{field}"] == value
    assert drafts.export_files("night-bus") == TWO


def test_without_any_recipient_the_check_list_says_so(ed: Person, bus: Petition) -> None:
    fields = {"revision": opened(ed, "recipients").sent["revision"]}
    sent(ed, "recipients", fields)
    page = ed.browser.get("/petitions/night-bus").content.decode()
    assert re.search(r'<li class="open">(?:(?!</li>).)*/petitions/night-bus/recipients', page, re.S)


def test_nothing_else_of_a_request_is_stored(ed: Person, bus: Petition) -> None:
    more = {
        "organiser_keys": "age1x",
        "recipient-0-owner": "eve",
        "recipient-0-origin": "999",
        "demand-0-origin": "-1",
        "languages": "fr",
        "state": "open",
    }
    for path in ("recipients", "terms", "text/en"):
        answer = ed.browser.post(f"/petitions/night-bus/{path}", {**opened(ed, path).sent, **more})
        assert answer.status_code in (302, 422)
    definition = drafts.definition("night-bus")
    assert definition.organiser_keys == () and definition.languages == ("en", "ko")
    assert "eve" not in "".join(drafts.export_files("night-bus").values())
    assert Petition.objects.get(slug="night-bus").state == "draft"


def test_two_people_keep_both_texts(ed: Person, bus: Petition) -> None:
    mine, theirs = (opened(ed, "recipients").sent for _ in range(2))
    sent(ed, "recipients", theirs | {"recipient-0-name:en": "Theirs"})
    answer = ed.browser.post("/petitions/night-bus/recipients", {**mine, "recipient-0-name:en": "Mine"})
    page = answer.content.decode()
    assert answer.status_code == 422 and "Somebody else saved" in page
    assert Fields(page).sent["recipient-0-name:en"] == "Mine" and "Theirs" in page
    assert drafts.definition("night-bus").recipients[0].name["en"] == "Theirs"


@pytest.mark.parametrize("path", ["text/en", "recipients", "terms"])
def test_the_preview_shows_what_is_typed_and_stores_nothing(ed: Person, bus: Petition, path: str) -> None:
    typed = {"title": "Typed <b>", "recipient-0-name:ko": "Typed &lt;b>", "organiser:ko": "Typed <b>"}
    fields = opened(ed, path).sent
    fields |= {name: value for name, value in typed.items() if name in fields}
    language = "en" if path == "text/en" else "ko"
    answer = ed.browser.post(f"/petitions/night-bus/{path}", {**fields, "do": f"preview:{language}"})
    page = answer.content.decode()
    assert answer.status_code == 200 and f'<html lang="{language}"' in page
    assert "Typed &lt;b&gt;" in page or "Typed &amp;lt;b&gt;" in page
    assert "frame-ancestors 'self'" in answer.headers["Content-Security-Policy"]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert (
        drafts.export_files("night-bus") == TWO
        and not AuditEntry.objects.filter(what="draft-changed").exists()
    )


def test_a_preview_of_what_cannot_be_says_why(ed: Person, bus: Petition) -> None:
    fields = opened(ed, "text/en").sent | {"demand-0-text": "<script>alert(1)</script>"}
    answer = ed.browser.post("/petitions/night-bus/text/en", {**fields, "do": "preview:en"})
    assert answer.status_code == 422 and b"HTML is not allowed" in answer.content
    assert b"<script" not in answer.content and answer.headers["X-Frame-Options"] == "SAMEORIGIN"
    for language in ("fr", "../x", "ko/../../etc"):
        answer = ed.browser.post(
            "/petitions/night-bus/text/en", {**opened(ed, "text/en").sent, "do": f"preview:{language}"}
        )
        assert answer.status_code in (302, 404), language


def test_the_address_of_a_draft_changes(ed: Person, bus: Petition) -> None:
    drafts.import_files({**TWO, "petition.toml": TWO["petition.toml"].replace("night-bus", "taken")})
    fields = opened(ed, "terms").sent
    for slug in ("taken", "en", "newsletter", "../x", "a--b", "<b>"):
        sent(ed, "terms", fields | {"slug": slug}, status=422)
    sent(ed, "terms", fields | {"slug": "day-bus"})
    renamed = Petition.objects.get(pk=bus.pk)
    assert renamed.slug == "day-bus" and drafts.definition("day-bus").slug == "day-bus"
    assert Petition.objects.count() == 2 and ed.browser.get("/petitions/day-bus/terms").status_code == 200


def test_the_address_does_not_change_while_it_is_typed(ed: Person, bus: Petition) -> None:
    fields = autosaved(ed, "terms", opened(ed, "terms").sent | {"slug": "day", "goal": "500"})
    assert drafts.definition("night-bus").goal == 500
    assert fields["slug"] == "day" and not Petition.objects.filter(slug="day").exists()
    sent(ed, "terms", fields | {"slug": "day-bus", "form": "abc"})
    assert Petition.objects.get().slug == "day-bus"


def test_a_harmful_petition_offers_no_names(ed: Person, bus: Petition) -> None:
    fields = opened(ed, "terms").sent | {"comment": "on", "display": "on", "recipients_get": "names"}
    sent(ed, "terms", fields)
    assert drafts.definition("night-bus").fields.display
    fields = opened(ed, "terms").sent
    sent(ed, "terms", fields | {"profile": "guarded", "hint": ""}, status=422)
    page = sent(
        ed, "terms", fields | {"profile": "guarded", "hint": "Lantern", "warn_more": "TD"}, "add:place", 200
    )
    page = sent(ed, "terms", page.sent | {"warn_more": "XK"}, "save")
    definition = drafts.definition("night-bus")
    assert definition.profile == "guarded" and definition.hint == "lantern"
    assert definition.warn_residents == ("TD", "XK")
    assert not definition.fields.display and definition.recipients_get == "count"


def test_many_rows_are_bounded(ed: Person, bus: Petition) -> None:
    fields = opened(ed, "text/en").sent
    fields |= {f"demand-{n}-text": "x" for n in range(400)}
    sent(ed, "text/en", fields, "up:demand:399", 200)
    page = ed.browser.post("/petitions/night-bus/text/en", fields)
    assert page.status_code == 422 and b"more than 200 demands" in page.content
    assert drafts.export_files("night-bus") == TWO


@pytest.mark.parametrize("bomb", ["[", "> ", "*_", "`", "<", "&#0;", "a\n", "- "])
@pytest.mark.parametrize("sections", [1, 20])
def test_a_bomb_of_markdown_is_answered_at_once(ed: Person, bus: Petition, bomb: str, sections: int) -> None:
    fields = opened(ed, "text/en").sent
    for number in range(sections):
        fields |= {
            f"section-{number}-heading": "Bomb",
            f"section-{number}-body": bomb * (59_000 // len(bomb)),
        }
    begun = time.process_time()
    answer = ed.browser.post("/petitions/night-bus/text/en", {**fields, "do": "preview:en"})
    assert time.process_time() - begun < 8 and answer.status_code in (200, 422)
    assert drafts.export_files("night-bus") == TWO


def test_a_text_that_is_too_long_is_still_there(ed: Person, bus: Petition) -> None:
    fields = opened(ed, "text/en").sent
    fields |= {f"section-{number}-body": "long " * 11_000 for number in range(4)}
    answer = ed.browser.post("/petitions/night-bus/text/en", fields)
    assert answer.status_code == 422 and b"This is too long" in answer.content
    assert Fields(answer.content.decode()).sent["section-3-body"] == "long " * 11_000


def test_a_letter_makes_a_draft_whose_recipients_are_rows(ed: Person) -> None:
    ed.browser.post("/new", {"organisation": "ours", "text": LETTER, "make": "1"})
    slug = Petition.objects.latest("pk").slug
    page = Fields(ed.browser.get(f"/petitions/{slug}/recipients").content.decode())
    assert page.sent["recipient-0-name:en"] == "The Town Council"
