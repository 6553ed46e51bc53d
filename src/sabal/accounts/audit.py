"""The audit log: who did what when. `record` in the transaction of the change that it names."""

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from sabal.accounts import acting
from sabal.accounts.models import AuditEntry, Organisation, User
from sabal.petitions.models import Petition

WHAT = {
    "joined": _("joined"),
    "signed-in": _("signed in"),
    "reset": _("chose a new password with a link from the server"),
    "invited": _("invited"),
    "invitation-withdrawn": _("withdrew the invitation"),
    "role-changed": _("changed the role"),
    "removed": _("took the role away"),
    "link-made": _("made a sign-in link in the shell of the server"),
    "organisation-made": _("added the organisation"),
    "organisation-changed": _("changed the organisation"),
    "assigned": _("gave the petition to"),
    "draft-made": _("made the draft"),
    "draft-changed": _("changed the draft"),
    "draft-restored": _("restored a revision of the draft"),
    "language-added": _("added the language"),
    "language-removed": _("removed the language"),
    "language-left-out": _("left out the language until it is complete"),
    "translated": _("translated"),
    "key-chosen": _("chose the key"),
    "key-checked": _("checked the key"),
    "published": _("published"),
    "discarded": _("discarded the draft"),
    "paused": _("paused"),
    "resumed": _("opened again"),
    "closed": _("closed"),
    "names-fetched": _("downloaded the locked signatures"),
    "drain-planned": _("planned the deletion of the locked signatures"),
    "revoked": _("invalidated signatures"),
    "rule-allow": _("always lets through"),
    "rule-hold": _("holds for review"),
    "rule-refuse": _("refuses signatures from"),
    "rule-removed": _("removed the rule for"),
    "strictness": _("changed how strict the limits are"),
    "released": _("let held signatures count"),
    "dropped": _("dropped held signatures"),
    "drain-undone": _("cancelled the deletion of the locked signatures"),
    "ended": _("changed the closing words"),
    "finalise-asked": _("gave up opening again"),
    "amended": _("published a change of the text"),
    "amendment-discarded": _("deleted the change"),
    "planned": _("planned to publish"),
    "plan-cancelled": _("cancelled what was planned"),
    "keys-asked": _("asked for a new key"),
    "keys-agreed": _("agreed to the new key"),
}
"""What can happen, and how it is said. A line is: person, this, details."""


def owner_key(petition: Petition | None) -> str:
    """Return the key of the organisation that owns a petition; "" if none does."""
    owner = Organisation.objects.filter(ownerships__petition=petition).first() if petition else None
    return owner.key if owner else ""


def record(
    user: User | None,
    what: str,
    *,
    petition: Petition | None = None,
    organisation: Organisation | None = None,
    details: str = "",
) -> None:
    """Add a line. `user` None means the server's own shell. Raises KeyError if `what` is not a key of `WHAT`.

    What a page saves by itself while a person writes adds one line in ten minutes.
    """
    if what not in WHAT:
        raise KeyError(what)
    if acting.is_script() and _is_said(user, what, petition, details):
        return
    AuditEntry.objects.create(
        user=user,
        what=what,
        petition=petition.slug if petition else "",
        organisation=organisation.key if organisation else owner_key(petition),
        details=details[:400],
    )


def _is_said(user: User | None, what: str, petition: Petition | None, details: str) -> bool:
    """Return whether the newest line of this user about this petition says the same, and is not ten minutes old."""
    slug = petition.slug if petition else ""
    last = AuditEntry.objects.filter(user=user, petition=slug).order_by("-pk").first()
    return (
        last is not None
        and (last.what, last.details) == (what, details[:400])
        and timezone.now() - last.at < acting.ONE_STEP
    )
