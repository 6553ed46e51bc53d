"""The editor of the text in one language, with sections and demands as rows."""

from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

from django import forms

from sabal.desk import origins, rows
from sabal.desk.editforms import DemandForm, PartsForm, SectionForm, TextForm
from sabal.desk.editors import SAVE, Editor
from sabal.desk.rows import Action, Row
from sabal.petitions import editing
from sabal.petitions.definition import TO_COMPLETE, Problem, Section
from sabal.petitions.frontmatter import join_lines
from sabal.petitions.letters.words import own_words
from sabal.petitions.textparts import DemandLine, Parts, Written, parts_of, with_demands_like, with_parts

Form = forms.BaseForm
F = TypeVar("F", bound=forms.BaseForm)


class LanguageEditor(Editor):
    """An editor of the file of one language."""

    def __init__(
        self,
        files: Mapping[str, str],
        revision: int,
        data: Any = None,
        action: Action = SAVE,
        *,
        language: str,
    ) -> None:
        self.language, self.name = language, f"{language}.md"
        super().__init__(files, revision, data, action)


class TextEditor(LanguageEditor):
    """The text in one language, in parts."""

    kinds: ClassVar[tuple[str, ...]] = ("section", "demand")
    template: ClassVar[str] = "desk/edit_text.html"

    def load(self) -> None:
        self.front, self.body = editing.wording(self.before[self.name])
        self.parts = parts_of(self.body)
        self._written: Written | None = None

    def saved(self) -> Row:
        return {
            **self.front,
            "demands_heading": self.parts.demands_heading,
            "closing": self.parts.closing,
            "order": origins.as_order(range(len(self.parts.demands)), _words(self.parts)),
        }

    def saved_rows(self, kind: str) -> list[Row]:
        if kind == "section":
            return [{"heading": one.heading, "body": one.body} for one in self.parts.sections]
        return [
            {"text": one.text, "level": one.level, "origin": place}
            for place, one in enumerate(self.parts.demands)
        ]

    def main_form(self, **given: Any) -> PartsForm:
        return in_language(PartsForm(**given), self.language)

    def row_form(self, kind: str, **given: Any) -> forms.Form:
        form = SectionForm(**given) if kind == "section" else DemandForm(**given)
        return in_language(form, self.language)

    def empty(self, kind: str) -> Row:
        return {"heading": "", "body": ""} if kind == "section" else {"text": "", "level": 0, "origin": ""}

    def files(self) -> dict[str, str]:
        cleaned, words = self.main.cleaned_data, own_words(self.language)
        self._sections = [form for form in self.rows["section"] if form.cleaned_data["heading"]]
        demands = self._kept_demands()
        parts = Parts(
            tuple(Section(one.cleaned_data["heading"], one.cleaned_data["body"]) for one in self._sections),
            cleaned["demands_heading"] or words["demands"],
            tuple(DemandLine(level, text or words["complete"]) for text, level, _ in demands),
            cleaned["closing"],
        )
        self._written = with_parts(self.body, parts)
        front = front_of(self.before[self.name], cleaned, self.language)
        changed = editing.with_wording(self.before[self.name], front, self._written.body)
        self._first_line = editing.first_line_of_body(changed)
        order = [(origin, level) for _, level, origin in demands]
        if order == [(place, one.level) for place, one in enumerate(self.parts.demands)]:
            return {**self.before, self.name: changed}
        return {**with_demands_like(self.before, self.language, order), self.name: changed}

    def _kept_demands(self) -> list[tuple[str, int, int | None]]:
        """Return text, level and place before of each demand that stays. A new one without any text is left out."""
        found: list[Row] = []
        self._demands: list[forms.Form] = []
        given = self.rows["demand"]
        levels = [form.depth for form in given]  # type: ignore[attr-defined]
        texts = [join_lines(form.cleaned_data["text"]) for form in given]
        ids = [form.cleaned_data["origin"] for form in given]
        said = [f"{level} {text}" for level, text in zip(levels, texts, strict=True)]
        places = origins.places(self.main.cleaned_data["order"], ids, said, _words(self.parts))
        for index, form in enumerate(given):
            has_parts = levels[index + 1 : index + 2] > [levels[index]]
            if texts[index] or has_parts or places[index] is not None:
                found.append({"text": texts[index], "level": levels[index], "origin": places[index]})
                self._demands.append(form)
        empty = {"text": "", "level": 0, "origin": None}
        return [(row["text"], row["level"], row["origin"]) for row in rows.in_levels(found or [empty])]

    def saved_fields(self) -> dict[str, str]:
        ids = [form.cleaned_data["origin"] for form in self._demands] or [None]
        return {"order": origins.as_order(ids, _words(parts_of(self._written.body)))} if self._written else {}

    def place_of(self, problem: Problem) -> tuple[Form, str | None]:
        if problem.file != self.name or self._written is None:
            return self.main, None
        if problem.line < self._first_line:
            return self.main, next((key for key in self.main.fields if f"`{key}`" in problem.sentence), None)
        kind, index = self._written.part_at(problem.line - self._first_line)
        if kind == "demand" and index < len(self._demands):
            return self._demands[index], "text"
        if kind == "section" and index < len(self._sections):
            heading = "heading" in problem.sentence.lower()
            return self._sections[index], "heading" if heading else "body"
        return self.main, {"heading": "demands_heading", "closing": "closing"}.get(kind)


class WholeTextEditor(LanguageEditor):
    """The text in one language as one Markdown text, for those who prefer that, or paste it."""

    template: ClassVar[str] = "desk/edit_whole.html"

    def saved(self) -> Row:
        front, body = editing.wording(self.before[self.name])
        return {**front, "body": body}

    def main_form(self, **given: Any) -> TextForm:
        return in_language(TextForm(**given), self.language)

    def files(self) -> dict[str, str]:
        cleaned = self.main.cleaned_data
        front = front_of(self.before[self.name], cleaned, self.language)
        changed = editing.with_wording(self.before[self.name], front, cleaned["body"])
        return {**self.before, self.name: changed}


def _words(parts: Parts) -> list[str]:
    """Return what identifies each saved demand: its level and text, with what is missing as an empty text."""
    return [f"{one.level} {'' if TO_COMPLETE in one.text else one.text}" for one in parts.demands]


def front_of(source: str, cleaned: Mapping[str, str], language: str) -> dict[str, str]:
    """Return the values above a text. What its page does not ask for stays as it was."""
    return with_marks({**editing.wording(source)[0], **cleaned}, language)


def with_marks(cleaned: Mapping[str, str], language: str) -> dict[str, str]:
    """Return the values above a text. What is needed before publishing and still empty is marked as missing."""
    marks = {key: own_words(language)["complete"] for key in ("title", "summary") if not cleaned[key]}
    return {**cleaned, **marks}


def in_language(form: F, language: str) -> F:
    """Let browsers and screen readers know in which language its fields are written."""
    for field in form.fields.values():
        if not field.widget.is_hidden:
            field.widget.attrs |= {"lang": language, "dir": "auto"}
    return form
