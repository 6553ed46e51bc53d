"""The form that says where demands are with a recipient."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _

from sabal.delivery.record import Said
from sabal.delivery.rows import Statement, Step
from sabal.desk.recordfields import NOTE_LENGTH, Dated, line, this_day
from sabal.pages.standings import STATES
from sabal.petitions.definition import Definition, Demand
from sabal.petitions.deliveries import DemandState
from sabal.petitions.markdown import inline_html


class StatementForm(Dated):
    """Where demands are with a recipient, since when, and how that is known."""

    state = forms.ChoiceField(
        label=_("What is their state?"), choices=list(STATES.items()), widget=forms.RadioSelect()
    )
    source = forms.ChoiceField(label=_("How is it known?"), required=False)
    link = line(_("Or an address where it can be read"), _("Beginning with https://"), 500)

    def __init__(
        self,
        *args: Any,
        definition: Definition,
        demands: Sequence[Demand] = (),
        steps: Sequence[tuple[int, str]] = (),
        statement: Statement | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        kept = statement.notes if statement else {}
        self.add_words(
            definition, _("Note"), _("Why you say so, in a sentence. It is public."), NOTE_LENGTH, kept
        )
        self.fields["day"].label = _("Since when?")
        self.fields["day"].initial = this_day()
        offered = [("", _("From none of these")), *((str(pk), said) for pk, said in steps)]
        self.fields["source"].choices = offered  # type: ignore[attr-defined]
        if not steps:
            del self.fields["source"]
            self.fields["link"].label = _("Where it can be read")
        if demands:
            self.fields["demands"] = forms.MultipleChoiceField(
                label=_("Which demands?"),
                choices=[(one.anchor, _demand(one)) for one in demands],
                widget=forms.CheckboxSelectMultiple(),
                error_messages={"required": _("Choose at least one demand.")},
            )
        if statement is not None:
            self.fields["day"].initial = statement.happened_on
            self.fields["state"].initial, self.fields["link"].initial = statement.state, statement.link
            if "source" in self.fields:
                self.fields["source"].initial = str(statement.step_id or "")
        self.order_fields(["demands", "state", "day", "source", "link"])

    def clean_link(self) -> str:
        return self.link_of()

    def said(self) -> Said:
        """Return what is said."""
        cleaned = self.cleaned_data
        pk = cleaned.get("source")
        return Said(
            DemandState(cleaned["state"]),
            cleaned["day"],
            link=cleaned["link"],
            step=Step.objects.get(pk=pk) if pk else None,
            notes=self.words(),
        )


def _demand(one: Demand) -> SafeString:
    number = ".".join(one.anchor.split("-")[1:])
    return mark_safe(f"<b>{number}</b> {inline_html(one.text)}")  # noqa: S308 - digits, and sanitised there
