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
    "link-made": _("made a sign-in link on the server"),
    "organisation-made": _("added the organisation"),
    "organisation-changed": _("changed the organisation"),
    "assigned": _("gave the petition to"),
    "draft-made": _("made the draft"),
    "draft-changed": _("changed the draft"),
    "draft-restored": _("restored a revision of the draft"),
    "language-added": _("added the language"),
    "language-removed": _("removed the language"),
    "language-left-out": _("left out the language until it is complete"),
    "translated": _("translated into"),
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
    "source-started": _("counts the forms of the link"),
    "source-stopped": _("stopped counting the forms of the link"),
    "source-deleted": _("deleted the link"),
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
    "update-written": _("wrote the update"),
    "update-published": _("published the update"),
    "update-planned": _("planned the update"),
    "update-corrected": _("corrected the update"),
    "update-taken-back": _("took back the update"),
    "update-discarded": _("deleted what was not published of the update"),
    "updates-pace": _("chose how often updates are sent"),
    "keys-asked": _("asked for a new key"),
    "keys-agreed": _("agreed to the new key"),
    "mailing-made": _("began an email to subscribers"),
    "mailing-discarded": _("discarded an email to subscribers"),
    "mailing-planned": _("planned an email to subscribers"),
    "mailing-unplanned": _("cancelled the plan of an email to subscribers"),
    "mailing-begun": _("sent an email to subscribers"),
    "mailing-paused": _("paused an email to subscribers"),
    "mailing-resumed": _("continued an email to subscribers"),
    "mailing-cancelled": _("cancelled an email to subscribers"),
    "newsletter-changed": _("changed what is said about the newsletter"),
    "list-imported": _("imported subscribers"),
    "list-exported": _("exported the subscribers"),
    "list-downloaded": _("downloaded a file of subscribers"),
    "step-delivered": _("recorded a delivery"),
    "step-refused": _("recorded that receipt was refused"),
    "step-returned": _("recorded that it came back"),
    "step-acknowledged": _("recorded that it was received"),
    "step-asked": _("recorded that an answer was asked for"),
    "step-answered": _("recorded an answer"),
    "step-corrected": _("corrected what was recorded of"),
    "proof-added": _("added a proof"),
    "proof-shown": _("let the public see the proof"),
    "proof-hidden": _("hid the proof from the public"),
    "demand-stated": _("recorded the progress of demands"),
    "statement-corrected": _("corrected the progress of a demand"),
    "demand-continued": _("said which demand an earlier one is now"),
    "invitations-made": _("uploaded a list of people to invite, from"),
    "invitations-started": _("began to invite people from"),
    "invitations-stopped": _("stopped inviting people from"),
    "came-from": _("took the petition over from"),
    "material-deleted": _("deleted a text that came from elsewhere"),
    "count-entered": _("entered a count from elsewhere"),
    "count-confirmed": _("confirmed the count from elsewhere"),
    "count-refused": _("did not confirm the count from elsewhere"),
    "count-taken-back": _("took back the count from elsewhere"),
    "contact-changed": _("changed how a recipient is reached"),
    "members-loaded": _("loaded a list of members"),
    "delivery-asked": _("asked to send the letter to"),
    "delivery-again": _("sent the letter again to"),
    "delivery-cancelled": _("cancelled what was to be sent"),
    "sending-rules": _("chose at which numbers the letter is sent"),
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
        petition_number=petition.pk if petition else None,
        organisation=organisation.key if organisation else owner_key(petition),
        details=details[:400],
    )


def _is_said(user: User | None, what: str, petition: Petition | None, details: str) -> bool:
    """Return whether the newest line of this user about this petition says the same, and is not ten minutes old."""
    number = petition.pk if petition else None
    last = AuditEntry.objects.filter(user=user, petition_number=number).order_by("-pk").first()
    return (
        last is not None
        and (last.what, last.details) == (what, details[:400])
        and timezone.now() - last.at < acting.ONE_STEP
    )
