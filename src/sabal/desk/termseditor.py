"""The editor of the terms: it reads them from petition.toml, and sets those that were changed."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from django import forms

from sabal.desk.editors import Editor
from sabal.desk.rows import Action, Row
from sabal.desk.termsforms import TEXTS, TermsForm
from sabal.petitions.definition import NO_DATE, TO_COMPLETE, Definition, Problem
from sabal.petitions.editing import with_terms
from sabal.petitions.folder import parse
from sabal.petitions.letters.words import own_words


class TermsEditor(Editor):
    """All values of petition.toml that have no page of their own."""

    template: ClassVar[str] = "desk/edit_terms.html"

    def __init__(self, *args: Any, may_rename: bool = True, **kwargs: Any) -> None:
        self.may_rename = may_rename
        super().__init__(*args, **kwargs)

    main: TermsForm

    def load(self) -> None:
        self.definition = parse(self.before)

    def main_form(self, **given: Any) -> TermsForm:
        return TermsForm(definition=self.definition, may_rename=self.may_rename, **given)

    def saved(self) -> Row:
        it = self.definition
        values: Row = {
            **{name: _value(it, path) for name, path in PATHS.items()},
            "profile": it.profile if it.profile_chosen else "",
            "retention": "" if it.retention == NO_DATE else it.retention,
            "endorsers": "\n".join(it.endorsers),
        }
        for key, _label, _rows in TEXTS:
            for language, text in _of_text(it, key).items():
                values[f"{key}:{language}"] = text
        return values

    def act(self, values: Row, action: Action) -> None:
        if action == Action("add", "place") and values.get("warn_more"):
            values["warn_residents"] = [*(values["warn_residents"] or ()), values["warn_more"]]
            values["warn_more"] = ""

    def files(self) -> dict[str, str]:
        return with_terms(self.before, dict(self._changes()))

    def _changes(self) -> Iterator[tuple[tuple[str, ...], object]]:
        """Yield each value that differs from the saved one, by its path. None removes it."""
        it, typed = self.definition, self._typed()
        for name, path in PATHS.items():
            if name in typed and (typed[name] or None) != (_value(it, path) or None):
                value = typed[name]
                yield path, list(value) if isinstance(value, tuple) else value if value != "" else None
        if typed.get("profile") and (not it.profile_chosen or typed["profile"] != it.profile):
            yield ("profile",), typed["profile"]
        if "retention" in typed and (typed["retention"] or NO_DATE) != it.retention:
            yield ("retention",), typed["retention"] or NO_DATE
        for key, _label, _rows in TEXTS:
            for language, text in _of_text(it, key).items():
                new = str(typed.get(f"{key}:{language}", text)).replace("\r\n", "\n").strip()
                if key != "address":
                    new = new.replace("\n", " ")
                if not new:
                    new = text if TO_COMPLETE in text else _unwritten(key, language)
                if new != text:
                    yield (*PREFIX.get(key, ()), key, language), new

    def _typed(self) -> Row:
        """Return the values by field. A field that was not sent is not among them, so that it stays as it is."""
        form = self.main
        typed = {name: value for name, value in form.cleaned_data.items() if form.was_sent(name)}
        more = [typed["warn_more"]] if typed.get("warn_more") else []
        typed["warn_residents"] = tuple(dict.fromkeys([*typed["warn_residents"], *more]))
        # The order of the file stays; the boxes have an order of their own.
        chosen = [*self.definition.share_without, *typed["share_without"]]
        typed["share_without"] = tuple(dict.fromkeys(one for one in chosen if one in typed["share_without"]))
        if "endorsers" in typed:
            supporters = (" ".join(line.split()) for line in typed["endorsers"].splitlines())
            typed["endorsers"] = tuple(dict.fromkeys(line for line in supporters if line))
        if typed.get("privacy_contact") == "":
            typed["privacy_contact"] = _mark(self.definition)
        for key in ("recipients_get", "dedupe", "authoritative", "slug"):
            typed[key] = typed.get(key) or getattr(self.definition, key)
        if typed.get("profile") == "guarded":
            # Nothing of these can be offered then. The page says so, and hides them.
            typed |= {"comment": False, "display": False, "reminder": False, "recipients_get": "count"}
        return typed

    def place_of(self, problem: Problem) -> tuple[forms.BaseForm, str | None]:
        """Find the field by the key that the sentence names first."""
        found = re.search(r"`([a-z_]+)(?:\.([a-z-]+))?`", problem.sentence)
        names = (f"{found[1]}:{found[2]}", found[1]) if found else ()
        return self.main, next((name for name in names if name in self.main.fields), None)


PATHS: Mapping[str, tuple[str, ...]] = {
    **{
        key: (key,)
        for key in (
            "slug", "authoritative", "dedupe", "hint", "goal", "closes", "recipients_get", "sample_audit", "endorsers",
            "newsletter", "updates", "reminder", "warn_residents", "share_without",
        )
    },
    **{key: ("fields", key) for key in ("country", "comment", "display")},
    "privacy_contact": ("controller", "privacy_contact"),
    "controller_key": ("controller", "key"),
}  # fmt: skip
"""Where in petition.toml each field is. Those of `TEXTS` have a text for each language below it."""

PREFIX = {"name": ("controller",), "address": ("controller",)}


def _value(definition: Definition, path: tuple[str, ...]) -> Any:
    found: Any = definition
    for key in path:
        found = getattr(found, key)
    return found


def _of_text(definition: Definition, key: str) -> Mapping[str, str]:
    found: Mapping[str, str] = _value(definition, (*PREFIX.get(key, ()), key))
    return {language: found[language] for language in definition.languages}


def _unwritten(key: str, language: str) -> str:
    """Return what stands for a text that is not written yet. The purpose has a usual one."""
    return own_words(language)["purpose" if key == "purpose" else "complete"]


def _mark(definition: Definition) -> str:
    was = definition.controller.privacy_contact
    return was if TO_COMPLETE in was else own_words(definition.authoritative)["complete"]
