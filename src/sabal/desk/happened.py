"""The details of lines of the history in words: names of recipients, demands, updates and roles, not their codes."""

from collections.abc import Callable
from functools import cached_property

from django.utils.translation import get_language, gettext

from sabal.accounts.acts import NAMES, TeamRole
from sabal.accounts.models import AuditEntry
from sabal.delivery.contact import Contact
from sabal.desk.languagenames import name_of
from sabal.desk.sentpages import sends_by_itself
from sabal.desk.titles import public_definition_of
from sabal.desk.updateforms import PACE_NAMES
from sabal.pages.standings import STATES
from sabal.petitions.deliveries import DemandState
from sabal.petitions.models import Petition
from sabal.updates.models import PostVersion


class InWords:
    """Says the details of lines. `petitions` are theirs by number; one that was deleted is not among them."""

    def __init__(self, petitions: dict[int, Petition]) -> None:
        self._petitions = petitions

    def of(self, entry: AuditEntry) -> str:
        """Return the details of a line. What cannot be read is shown as it is stored."""
        say = _SAYERS.get(entry.what)
        if say is None or not entry.details:
            return entry.details
        try:
            return say(self, entry)
        except (ValueError, KeyError):
            return entry.details

    def recipient(self, entry: AuditEntry, path: str) -> str:
        """Return the name of a recipient, or of a member of one, such as "council/france"; else its key."""
        here = get_language() or ""
        contact = self._contacts.get((entry.petition_number or 0, path))
        if contact is not None:
            return contact.name_in(here)
        petition = self._petitions.get(entry.petition_number or 0)
        definition = public_definition_of(petition) if petition else None
        for one in definition.recipients if definition else ():
            if definition and one.key == path:
                return one.name.get(here) or one.name[definition.authoritative]
        return path

    def update(self, entry: AuditEntry) -> str:
        """Return the title of an update, in the reader's language if it has it; else its number."""
        texts = self._updates.get((entry.petition_number or 0, int(entry.details)), {})
        text = texts.get(get_language() or "") or next(iter(texts.values()), {})
        return str(text.get("title") or "") or entry.details

    @cached_property
    def _contacts(self) -> dict[tuple[int, str], Contact]:
        found = Contact.objects.filter(petition__in=self._petitions)
        return {(one.petition_id, one.path): one for one in found if one.names}

    @cached_property
    def _updates(self) -> dict[tuple[int, int], dict[str, dict[str, str]]]:
        rows = PostVersion.objects.filter(post__petition__in=self._petitions).order_by("number")
        found = rows.values_list("post__petition", "post__number", "texts")
        return {(petition, number): texts for petition, number, texts in found}


def _recipient(words: InWords, entry: AuditEntry) -> str:
    """Say a recipient, and what follows it: `council`, `council: 15`."""
    path, colon, rest = entry.details.partition(": ")
    return f"{words.recipient(entry, path)}{colon}{rest}"


def _recipients(words: InWords, entry: AuditEntry) -> str:
    return ", ".join(words.recipient(entry, path) for path in entry.details.split(", "))


def _first(words: InWords, entry: AuditEntry) -> str:
    """Say the recipient; the number of the proof behind it says nothing to a person."""
    return words.recipient(entry, entry.details.partition(" ")[0])


def _stated(words: InWords, entry: AuditEntry) -> str:
    """Say `council refused demand-1-1 demand-2`."""
    path, state, *anchors = entry.details.split(" ")
    demands = ", ".join(_demand(one) for one in anchors)
    return f"{words.recipient(entry, path)}: {STATES[DemandState(state)]} ({demands})"


def _corrected(words: InWords, entry: AuditEntry) -> str:
    path, anchor = entry.details.split(" ")
    return f"{words.recipient(entry, path)}: {_demand(anchor)}"


def _continued(words: InWords, entry: AuditEntry) -> str:
    """Say `v1 demand-1 → v2 demand-3`."""
    before, _arrow, now = entry.details.partition(" → ")
    return " → ".join(
        gettext("%(demand)s in version %(number)s") % {"demand": _demand(anchor), "number": version[1:]}
        for version, anchor in (before.split(" "), now.split(" "))
    )


def _numbers(words: InWords, entry: AuditEntry) -> str:
    """Say `1000 / 500 / final`; a dash is what was not chosen."""
    first, every, final = entry.details.split(" / ")
    numbers = [None if one == "–" else int(one) for one in (first, every)]
    return sends_by_itself(numbers[0], numbers[1], final == "final") or gettext("never")


def _role(words: InWords, entry: AuditEntry) -> str:
    person, _colon, role = entry.details.rpartition(": ")
    return f"{person}: {NAMES[TeamRole(role)]}"


def _demand(anchor: str) -> str:
    """Return the number of a demand as people say it: `demand-1-2` is 1.2."""
    return ".".join(anchor.split("-")[1:]) or anchor


Sayer = Callable[[InWords, AuditEntry], str]
_STEPS = ("delivered", "refused", "returned", "acknowledged", "asked", "answered", "corrected")
_UPDATES = ("written", "published", "planned", "corrected", "taken-back", "discarded")
_LANGUAGES = ("language-added", "language-removed", "language-left-out", "translated")
_SAYERS: dict[str, Sayer] = {
    **dict.fromkeys(_LANGUAGES, lambda words, entry: name_of(entry.details, get_language() or "en")),
    **dict.fromkeys((f"step-{one}" for one in _STEPS), _recipient),
    **dict.fromkeys((f"update-{one}" for one in _UPDATES), InWords.update),
    **dict.fromkeys(("contact-changed", "members-loaded", "delivery-again"), _recipient),
    # Their details are ids of rows, which say nothing to a person.
    **dict.fromkeys(("proof-shown", "proof-hidden", "delivery-cancelled"), lambda words, entry: ""),
    "role-changed": _role,
    "updates-pace": lambda words, entry: str(PACE_NAMES[int(entry.details)]),
    "proof-added": _first,
    "demand-stated": _stated,
    "statement-corrected": _corrected,
    "demand-continued": _continued,
    "delivery-asked": _recipients,
    "sending-rules": _numbers,
}
