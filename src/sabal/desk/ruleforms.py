"""The forms of rules against floods."""

import re

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from sabal.limits.rules import DOMAIN, NETWORK, Effect, NoNetwork, network_of
from sabal.mail.address import EmailAddress
from sabal.mail.providers import is_large

AT_ONCE = 200  # lines of one form
LONGEST = 300  # characters of a line
EFFECTS = {
    Effect.HOLD: _("hold for review"),
    Effect.REFUSE: _("refuse"),
    Effect.ALLOW: _("always let through"),
}
MEANINGS = [
    (
        Effect.HOLD.value,
        _("Hold for review: the signature is taken, and counts when you release it or after 7 days."),
    ),
    (
        Effect.REFUSE.value,
        _("Refuse: nothing is stored, and the person is asked for another address or network."),
    ),
    (Effect.ALLOW.value, _("Always let through: for a school or a meeting from which many sign at once.")),
]
_NETWORK = re.compile(r"[0-9a-fA-F:.]*(:|\d\.\d)[0-9a-fA-F:.]*(/.*)?|.*/\d+")


class NewRules(forms.Form):
    """Domains and networks, one a line, that get one effect."""

    values = forms.CharField(
        label=_("Email domains or networks, one a line"),
        help_text=_(
            "Such as mail.example or 203.0.113.0/24. A domain includes those below it. A single address becomes its"
            " network (/24, or /64 for IPv6), so that no person's address is stored."
        ),
        max_length=60_000,
        widget=forms.Textarea(attrs={"rows": 4, "autocomplete": "off", "spellcheck": "false"}),
    )
    effect = forms.ChoiceField(
        label=_("What happens to signatures from there"),
        choices=MEANINGS,
        initial=Effect.HOLD.value,
        widget=forms.RadioSelect(),
    )

    def clean_effect(self) -> Effect:
        return Effect(self.cleaned_data["effect"])

    def clean_values(self) -> list[tuple[str, str]]:
        """Return pairs of kind and value."""
        lines = list(dict.fromkeys(self.cleaned_data["values"].split()))
        if len(lines) > AT_ONCE:
            raise ValidationError(_("Add at most %(most)s at once.") % {"most": AT_ONCE})
        return [_rule(line) for line in lines]

    def clean(self) -> dict[str, object]:
        cleaned = super().clean() or {}
        if cleaned.get("effect") == Effect.REFUSE:
            large = [value for kind, value in cleaned.get("values", ()) if kind == DOMAIN and is_large(value)]
            if large:
                self.add_error(
                    "values",
                    _("Thousands of people have an address of %(domain)s. Hold them for review instead.")
                    % {"domain": large[0]},
                )
        return cleaned


class Strictness(forms.Form):
    """How many signatures of one network count at once."""

    strictness = forms.TypedChoiceField(
        label=_("Limits for one network"),
        coerce=float,
        choices=[
            ("1.0", _("Usual: 60 signatures a minute, 1,000 an hour and 3,000 a day count at once")),
            ("10.0", _("Strict: 6 a minute, 100 an hour, 300 a day")),
            ("0.1", _("Wide: 600 a minute, 10,000 an hour, 30,000 a day")),
        ],
        widget=forms.RadioSelect(),
        help_text=_("More are held for review. From ten times as many on, nothing is stored for a while."),
    )


def _rule(line: str) -> tuple[str, str]:
    try:
        if len(line) > LONGEST:  # the pattern would take seconds for it
            raise ValueError
        if _NETWORK.fullmatch(line):
            return NETWORK, network_of(line)
        return DOMAIN, EmailAddress.parse(f"a@{line.removeprefix('@').removeprefix('*.')}").domain
    except NoNetwork:
        raise ValidationError(
            _("%(line)s is no network, or too wide. The widest are /8, and /16 for IPv6."),
            params={"line": line[:60]},
        ) from None
    except ValueError:
        raise ValidationError(
            _("%(line)s is neither an email domain nor a network."), params={"line": line[:60]}
        ) from None
