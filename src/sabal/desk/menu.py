"""The menu of a petition: the pages that this person can open of it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from sabal.accounts.acts import Act
from sabal.petitions.models import Petition

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

State = Petition.State
ENDED = {State.CLOSED, State.FINALISED}
PUBLISHED = {*State} - {State.DRAFT}


@dataclass(frozen=True)
class Item:
    """A page: the name of its address, its label, the act that opens it, and in which states there is something to see.

    `parts` are the names of further addresses that belong to it.
    """

    name: str
    label: "StrOrPromise"
    act: Act
    states: frozenset[str]
    parts: tuple[str, ...] = ()


ANY = frozenset(State)
MENU = (
    Item(
        "petition",
        _("Overview"),
        Act.VIEW,
        ANY,
        ("publish", "sending", "job", "pause", "resume", "close", "ending", "finalise", "discard"),
    ),
    Item(
        "text-start",
        _("Text"),
        Act.EDIT,
        ANY - ENDED,
        ("text", "recipients", "picture", "terms", "drafts", "draft", "amendment", "amend"),
    ),
    Item(
        "languages",
        _("Languages"),
        Act.TRANSLATE,
        ANY - ENDED,
        ("translate", "language-table", "add-language", "remove-language"),
    ),
    Item("preview", _("Preview"), Act.READ, ANY - ENDED),
    Item("key", _("Key"), Act.PUBLISH, frozenset({State.DRAFT}), ("check-code",)),
    Item("numbers", _("Numbers"), Act.VIEW, frozenset(PUBLISHED), ("sources",)),
    Item(
        "elsewhere",
        _("Signed elsewhere"),
        Act.VIEW,
        ANY,
        ("count-enter", "count-correct", "people-elsewhere", "invitation"),
    ),
    Item(
        "updates",
        _("Updates"),
        Act.VIEW,
        frozenset(PUBLISHED),
        ("update", "update-new", "update-review", "update-take-back", "update-discard"),
    ),
    Item("emails", _("Confirmation email"), Act.VIEW, ANY - ENDED),
    Item(
        "contacts",
        _("Delivery"),
        Act.VIEW,
        ANY,
        (
            *("contact", "contact-member", "contact-member-add", "contact-members"),
            *("papers", "letter", "sheets-file"),
            *("sendings", "send", "sending-rules", "dispatch"),
        ),
    ),
    Item(
        "answers",
        _("Deliveries and answers"),
        Act.VIEW,
        frozenset(PUBLISHED),
        (
            *("recipient-record", "step-add", "step-correct", "proof-add"),
            *("demands-state", "statement-correct", "answers-earlier"),
        ),
    ),
    Item("names", _("Signers’ names"), Act.EXPORT, frozenset(PUBLISHED)),
    Item(
        "held",
        _("Review"),
        Act.MODERATE,
        frozenset(PUBLISHED),
        ("held-release", "held-drop", "limits", "revocations", "moderation"),
    ),
)


def menu_of(request: HttpRequest) -> list[dict[str, object]]:
    """Return the items with address, label and whether the page is theirs; empty where the page is of no petition."""
    petition, acts = getattr(request, "petition_and_acts", (None, frozenset()))
    here = request.resolver_match.url_name if request.resolver_match else ""
    if petition is None:
        return []
    return [
        {
            "url": reverse(item.name, args=[petition.slug]),
            "label": item.label,
            "current": here == item.name or here in item.parts,
        }
        for item in MENU
        if item.act in acts and petition.state in item.states
    ]
