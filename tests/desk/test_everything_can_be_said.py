"""What the folder format can say the desk can say: each key of the format has a field, and the field sets it."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.http import QueryDict

from sabal.desk.editors import Editor
from sabal.desk.forms import PublicKey
from sabal.desk.problems import SENTENCES
from sabal.desk.recipientforms import RecipientEditor
from sabal.desk.rows import action_of
from sabal.desk.termseditor import TermsEditor
from sabal.desk.texteditor import TextEditor
from sabal.petitions import folder
from sabal.petitions.definition import Controller, Definition, Fields, Recipient, Terms, Text
from sabal.petitions.frontmatter import FRONT_MATTER
from sabal.petitions.picture import DESCRIPTION
from sabal.petitions.terms import KEYS

EXAMPLE = folder.read(Path(__file__).parents[2] / "petitions" / "stop-forced-repatriation")
IS_OPEN = {**EXAMPLE, "petition.toml": EXAMPLE["petition.toml"].replace('"guarded"', '"open"')}
SOURCES = Path(__file__).parents[2] / "src" / "sabal" / "petitions"
OPEN = {"profile": "open"}
ELSEWHERE = {"organiser_keys", "languages"}
"""Keys with a page of their own: the key, and the languages of the text."""

TERMS: Mapping[str, tuple[dict[str, Any], Any]] = {
    "slug": ({}, EXAMPLE and "stop-forced-repatriation"),
    "authoritative": ({"authoritative": "ko"}, "ko"),
    "organiser": ({"organiser:ko": "우리"}, "우리"),
    "profile": (OPEN, "open"),
    "dedupe": ({"dedupe": "offline"}, "offline"),
    "hint": ({"hint": "cedar"}, "cedar"),
    "retention": ({"retention": "2031-05-01"}, date(2031, 5, 1)),
    "purpose": ({"purpose:ko": "알리려고."}, "알리려고."),
    "goal": ({"goal": "5000"}, 5000),
    "closes": ({"closes": "2028-01-31"}, date(2028, 1, 31)),
    "recipients_get": ({**OPEN, "recipients_get": "names"}, "names"),
    "sample_audit": ({"sample_audit": None}, False),
    "endorsers": ({"endorsers": "Sparrow House\r\n\r\nCarol"}, ("Sparrow House", "Carol")),
    "newsletter": ({"newsletter": None}, False),
    "updates": ({"updates": None}, False),
    "reminder": ({**OPEN, "reminder": "on"}, True),
    "warn_residents": ({"warn_residents": ["KP"], "warn_more": "XK"}, ("KP", "XK")),
    "share_without": ({"share_without": ["qq", "line"]}, ("qq", "line")),
    "controller.name": ({"name:ko": "우리 단체"}, "우리 단체"),
    "controller.address": ({"address:ko": "길 1\r\n도시"}, "길 1\n도시"),
    "controller.privacy_contact": ({"privacy_contact": "us@example.org"}, "us@example.org"),
    "controller.key": ({"controller_key": "sparrow"}, "sparrow"),
    "fields.country": ({"country": None}, False),
    "fields.comment": ({**OPEN, "comment": "on"}, True),
    "fields.display": ({**OPEN, "display": "on"}, True),
}
RECIPIENTS: Mapping[str, tuple[dict[str, Any], Any]] = {
    "key": ({"recipient-0-key": "peking"}, "peking"),
    "name": ({"recipient-0-name:ko": "중국"}, "중국"),
    "language": ({"recipient-0-language": "fr"}, "fr"),
    "address": ({"recipient-0-address": "a@example.org"}, "a@example.org"),
    "group": ({"recipient-0-group": "on"}, True),
}
TEXT: Mapping[str, tuple[dict[str, Any], Any]] = {
    **{key: ({key: f"New {key[:5]}"}, f"New {key[:5]}") for key in FRONT_MATTER if key != DESCRIPTION},
    "sections": ({"section-0-heading": "New"}, "New"),
    "demands_heading": ({"demands_heading": "We demand"}, "We demand"),
    "demands": ({"demand-1-text": "New part"}, "New part"),
    "closing": ({"closing": "## Bye\n\nNew"}, "Bye"),
}


def names(kind: type) -> set[str]:
    return {one.name for one in fields(kind)}


def test_every_key_of_the_format_has_a_field() -> None:
    tables = {"controller": Controller, "fields": Fields}
    inner = {f"{table}.{key}" for table, kind in tables.items() for key in names(kind)}
    plain = set(KEYS) - set(tables) - {"recipients"}
    assert plain | inner == set(TERMS) | ELSEWHERE
    assert names(Terms) - {"profile_chosen"} == set(KEYS), "a value that no key sets"
    assert names(Recipient) == set(RECIPIENTS)
    assert names(Text) - {"language", DESCRIPTION} == set(TEXT)
    assert DESCRIPTION in FRONT_MATTER  # set on the page of the picture: test_picture.py
    assert names(Definition) - names(Terms) == {"texts", "picture"}
    assert set(PublicKey.base_fields) == {"key"}


def posted(editor: Editor, changes: Mapping[str, Any]) -> QueryDict:
    """Return what a browser sends of the page, with changed fields. None is a box that is not ticked."""
    data = QueryDict(mutable=True)
    for form in [editor.main, *(row for rows in editor.rows.values() for row in rows)]:
        for field in form:
            value = field.value()
            if value is True:
                data[field.html_name] = "on"
            elif isinstance(value, list | tuple):
                data.setlist(field.html_name, list(value))
            elif value not in (None, False):
                data[field.html_name] = str(value)
    for name, value in changes.items():
        if value is None:
            del data[name]
        else:
            data.setlist(name, value if isinstance(value, list) else [value])
    return data


def after(
    make: Any, changes: Mapping[str, Any], files: Mapping[str, str] = EXAMPLE, **given: Any
) -> Definition:
    data = posted(make(files, 1, **given), changes)
    editor = make(files, 1, data, action_of(data), **given)
    assert editor.is_valid(), [str(one.sentence) for one in editor.mistakes()]
    return folder.parse(editor.files())


def cases() -> Iterator[Any]:
    for page, table in (("terms", TERMS), ("recipients", RECIPIENTS), ("text", TEXT)):
        for key, (changes, wanted) in table.items():
            yield pytest.param(page, key, changes, wanted, id=f"{page}: {key}")


@pytest.mark.parametrize(("page", "key", "changes", "wanted"), list(cases()))
def test_a_field_sets_its_key_and_nothing_else(
    page: str, key: str, changes: dict[str, Any], wanted: object
) -> None:
    if page == "text":
        found = getattr(after(TextEditor, changes, IS_OPEN, language="en").texts["en"], key)
        first = found[0] if isinstance(found, tuple) else found
        value = {"sections": "heading", "closing": "heading"}.get(key)
        assert (
            getattr(first, value) if value else first.parts[0].text if key == "demands" else first
        ) == wanted
        return
    definition = after(TermsEditor if page == "terms" else RecipientEditor, changes)
    value: Any = definition if page == "terms" else definition.recipients[0]
    for step in key.split("."):
        value = getattr(value, step)
    assert (value["ko"] if isinstance(value, Mapping) else value) == wanted
    others = (
        names(Terms) - {key.split(".")[0], *changes} if page == "terms" else names(Terms) - {"recipients"}
    )
    before = folder.parse(EXAMPLE)
    for other in others - ({"fields", "recipients_get"} if "profile" in changes else set()):
        assert getattr(definition, other) == getattr(before, other), other


def test_every_translated_sentence_is_one_that_is_said() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in SOURCES.rglob("*.py"))
    joined = "".join(part for part in sources.replace('"\n', "").split())
    for sentence in SENTENCES:
        known = "".join(sentence.replace("petition.toml", "{FILE}").split())
        assert "".join(sentence.split()) in joined or known in joined, sentence
