"""One page of the editor: a form and its rows, as saved, as typed, or after a button of a row was used."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from sabal.desk import origins, rows
from sabal.desk.editforms import Saved
from sabal.desk.problems import said
from sabal.desk.rows import Action, Row
from sabal.petitions.definition import FILE_BYTES, FolderError, Problem

SAVE = Action("save")
CHECKED = ("save", "preview")
"""What is done only with a form that is right. All other actions keep whatever was typed."""
KINDS = {"section": _("Section"), "demand": _("Demand"), "recipient": _("Recipient")}
NOTES = {
    "add": _("Added. Nothing is saved yet."),
    "part": _("Added. Nothing is saved yet."),
    "remove": _("Removed. Nothing is saved yet."),
    "undo": _("It is back. Nothing is saved yet."),
}


@dataclass(frozen=True)
class Mistake:
    """One line of the summary of mistakes, with the field that it leads to."""

    field: str
    label: str | Promise
    sentence: str


class Editor:
    """A form and its rows. A subclass says what is saved, and makes the files of what was typed.

    `data` is what was sent, None for the page as saved. `files` are those of the petition.
    """

    kinds: ClassVar[tuple[str, ...]] = ()
    template: ClassVar[str]

    def __init__(
        self, files: Mapping[str, str], revision: int, data: Any = None, action: Action = SAVE
    ) -> None:
        self.before, self.revision = dict(files), revision
        self.note: Any = ""
        self.undo = ""
        self.rows: dict[str, list[forms.Form]] = {}
        self.load()
        # Longer than its file can be. Nothing of it is read: parsing it would cost more than a page is worth.
        self.too_long = data is not None and sum(len(str(value)) for value in data.values()) > FILE_BYTES
        if data is None:
            initial = {**self.saved(), "revision": revision}
            self.main = self.main_form(initial=initial)
            self._show({kind: self.saved_rows(kind) for kind in self.kinds})
        elif action.verb in CHECKED and not self.too_long:
            self.main = self.main_form(data=data)
            for kind in self.kinds:
                prefixes = [f"{kind}-{index}" for index in rows.indexes(data, kind)]
                self.rows[kind] = [self.row_form(kind, data=data, prefix=prefix) for prefix in prefixes]
            self._number()
        else:
            self._act(data, action)

    # What a subclass says

    def load(self) -> None:
        """Read from `before` what the other methods need."""

    def saved(self) -> Row:
        """Return the values of the form as saved."""
        raise NotImplementedError

    def saved_rows(self, kind: str) -> list[Row]:
        """Return the values of the rows as saved."""
        raise NotImplementedError

    def main_form(self, **given: Any) -> Saved:
        """Make the form."""
        raise NotImplementedError

    def row_form(self, kind: str, **given: Any) -> forms.Form:
        """Make the form of one row."""
        raise NotImplementedError

    def empty(self, kind: str) -> Row:
        """Return the values of a new row."""
        return dict.fromkeys(self.row_form(kind).fields, "")

    def check(self) -> None:
        """Add the mistakes that no single field shows."""

    def files(self) -> dict[str, str]:
        """Return the files of the petition with what was typed. The form must be valid."""
        raise NotImplementedError

    def place_of(self, problem: Problem) -> tuple[forms.BaseForm, str | None]:
        """Return the form and field in which a problem of the files is corrected."""
        return self.main, None

    def saved_fields(self) -> dict[str, str]:
        """Return fields of the page that are different after `files` was saved, while the page stays open."""
        return {}

    def act(self, values: Row, action: Action) -> None:
        """Do what a button of the form itself asks for, with what was typed."""

    # What every page does

    def is_valid(self) -> bool:
        """Return whether all is right. The mistakes are in the forms."""
        if self.too_long:
            return False
        valid = [form.is_valid() for form in self._all()]
        if all(valid):
            self.check()
        return not any(form.errors for form in self._all())

    def refuse(self, error: FolderError) -> None:
        """Show the problems of the files at the fields in which they are corrected."""
        for problem in error.problems:
            form, field = self.place_of(problem)
            form.add_error(field, said(problem))

    def mistakes(self) -> Iterator[Mistake]:
        """Yield the mistakes in the order of the page."""
        if self.too_long:
            yield Mistake(
                "", "", str(_("This is too long: a text has at most 200 kB in one language. Shorten it."))
            )
        for form in self._all():
            if form.errors:
                for sentence in form.non_field_errors():
                    yield Mistake("", "", str(sentence))
                for field in form:
                    label = self._label(form, field)
                    for sentence in field.errors:
                        yield Mistake(field.id_for_label or field.auto_id, label, str(sentence))

    def _label(self, form: Any, field: forms.BoundField) -> str:
        kind = str(form.prefix or "").partition("-")[0]
        if kind not in KINDS:
            return str(field.label)
        label = f"{KINDS[kind]} {form.number}"
        return label if field.label == KINDS[kind] else f"{label}, {field.label}"

    def _all(self) -> Iterator[Any]:
        yield self.main
        for forms_of_kind in self.rows.values():
            yield from forms_of_kind

    def _act(self, data: Any, action: Action) -> None:
        values = rows.typed(self.main_form(data=data))
        found = {
            kind: [
                rows.typed(self.row_form(kind, data=data, prefix=f"{kind}-{index}"))
                for index in rows.indexes(data, kind)
            ]
            for kind in self.kinds
        }
        changed, before = None, []
        undone = rows.read_undo(str(data.get("undo", ""))[:200_000], {k: self.empty(k) for k in self.kinds})
        if action.verb == "undo" and undone:
            action = Action("undo", undone[0], undone[1])
            changed = rows.put_back(found[action.kind], undone[1], undone[2])
        elif action.kind in self.kinds:
            before = rows.in_levels(found[action.kind])
            empty = self.empty(action.kind)
            if "origin" in empty:
                ids = [origins.number(row["origin"]) for row in found[action.kind]]
                empty["origin"] = origins.next_id(str(values.get("order") or ""), ids)
            changed = rows.after(found[action.kind], action, empty)
            self.undo = rows.as_undo(action.kind, action.index, changed.removed)
        else:
            self.act(values, action)
        if changed:
            found[action.kind] = changed.rows
        self.main = self.main_form(initial=values)
        self._show(found)
        self.note = NOTES.get(action.verb, _("Moved. Nothing is saved yet."))
        if changed and action.verb in ("up", "down", "nest", "unnest") and changed.rows == before:
            self.note = _("It cannot be moved further in this direction.")
        if changed and changed.focus is not None and not changed.removed:
            self._focus(self.rows[action.kind][changed.focus], action.verb)

    def _show(self, found: Mapping[str, Sequence[Row]]) -> None:
        for kind, values in found.items():
            self.rows[kind] = [
                self.row_form(kind, initial=row, prefix=f"{kind}-{index}") for index, row in enumerate(values)
            ]
        self._number()

    def _number(self) -> None:
        """Give each row its number, as "2" or "1.3", and its depth."""
        for forms_of_kind in self.rows.values():
            if forms_of_kind and "level" in forms_of_kind[0].fields:
                found = rows.in_levels([{"level": form["level"].value()} for form in forms_of_kind])
                levels = [int(row["level"]) for row in found]
            else:
                levels = [0] * len(forms_of_kind)
            for index, (form, number) in enumerate(zip(forms_of_kind, rows.numbers(levels), strict=True)):
                form.index, form.depth, form.number = index, levels[index], number  # type: ignore[attr-defined]

    def _focus(self, form: forms.Form, verb: str) -> None:
        """Let the row keep the focus: its button, or its first field if it is new."""
        form.focus = verb  # type: ignore[attr-defined]
        if verb in ("add", "part", "undo"):
            first = next(field for field in form if not field.is_hidden)
            first.field.widget.attrs["autofocus"] = True
