"""What was gathered elsewhere, as rows. Public processes read the counts in SQL (petitions/othercounts.py)."""

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from sabal.accounts.models import User
from sabal.petitions.models import Petition


class Material(models.Model):
    """A text that came with a petition from another platform, kept until its organisation has made use of it."""

    class Kind(models.TextChoices):
        ANSWER = "answer"
        UPDATE = "update"
        NOTE = "note"

    petition = models.ForeignKey(Petition, on_delete=models.CASCADE, related_name="materials")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    source = models.CharField(max_length=60)  # the platform
    kind = models.CharField(max_length=6, choices=Kind.choices)
    day = models.DateField(null=True)
    title = models.TextField(blank=True)
    text = models.TextField(blank=True)
    link = models.URLField(max_length=500, blank=True)

    def __str__(self) -> str:
        return f"{self.petition}: {self.title}"


class SealingKey(models.Model):
    """One row: the public half of the key to which the desk seals addresses. The worker alone can open them."""

    recipient = models.TextField()

    def __str__(self) -> str:
        return "the key of invitations"


class InvitationList(models.Model):
    """People who signed elsewhere, to be invited once. Their addresses are in its parts, sealed, until they are used.

    `organisation` is the key of the one that invites. `ground` and `ground_text` say what allows it by law. Exactly one
    of these is true: it was not begun, it runs, or it has ended. `queued` emails are in the outbox or sent.
    """

    class Ground(models.TextChoices):
        CONSENT = "consent"
        INTEREST = "interest"
        OTHER = "other"

    petition = models.ForeignKey(Petition, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    organisation = models.CharField(max_length=60)
    platform = models.CharField(max_length=60)
    title = models.CharField(max_length=200, blank=True)  # of the petition there
    ground = models.CharField(max_length=8, choices=Ground.choices)
    ground_text = models.TextField()
    language = models.CharField(max_length=35)  # of those whose language is not known
    numbers = models.JSONField(default=dict)  # what was in the file
    addresses = models.PositiveIntegerField(default=0)
    queued = models.PositiveIntegerField(default=0)
    left_out = models.PositiveIntegerField(default=0)  # invited before, or want no emails
    made_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    stopped = models.BooleanField(default=False)  # before all were written to
    next_at = models.BigIntegerField(default=0)  # Unix time (seconds) before which no further part is taken

    def __str__(self) -> str:
        return f"{self.petition}: {self.addresses} from {self.platform}"


class InvitationPart(models.Model):
    """Some addresses of a list with their languages, sealed to the worker. Deleted when their emails are queued."""

    list = models.ForeignKey(InvitationList, on_delete=models.CASCADE, related_name="parts")
    sealed = models.BinaryField()

    def __str__(self) -> str:
        return f"a part of {self.list}"


class Invited(models.Model):
    """An address that an organisation has invited, as its keyed hash (newsletter/subscription.py). It stays for ever.

    `id` is random, and in the link with which the reader refuses further emails.
    """

    id = models.BigIntegerField(primary_key=True)
    organisation = models.CharField(max_length=60)
    address_hash = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "address_hash"], name="one_invitation_of_an_address"
            )
        ]

    def __str__(self) -> str:
        return f"invited by {self.organisation}"


class OtherCount(models.Model):
    """Signatures on paper or on another platform, as one person counted them.

    A second person agrees or disagrees, once. Nothing else of a row changes: a correction is a row of its own. It names
    the row that it replaces as soon as somebody has agreed to it. A correction to 0 takes the other row back.
    """

    class Kind(models.TextChoices):
        PAPER = "paper"
        PLATFORM = "platform"

    petition = models.ForeignKey(Petition, on_delete=models.CASCADE, related_name="other_counts")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    place = models.CharField(max_length=200)  # a town, an event, the name of a platform
    signatures = models.PositiveIntegerField()
    day = models.DateField()  # on which it was counted
    link = models.URLField(max_length=500, blank=True)  # evidence that the public can look at
    note = models.TextField(blank=True)  # for the team alone
    corrects = models.ForeignKey("self", on_delete=models.RESTRICT, null=True, related_name="corrections")
    entered_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    entered_at = models.DateTimeField(default=timezone.now)
    decided_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    confirmed = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(decided_by=F("entered_by")), name="a_second_person_decides_about_a_count"
            ),
            models.CheckConstraint(
                condition=Q(confirmed=False) | Q(decided_by__isnull=False),
                name="a_confirmed_count_was_decided",
            ),
            models.UniqueConstraint(
                fields=["corrects"],
                condition=Q(confirmed=True) | Q(decided_at=None),
                name="one_correction_of_a_count",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.petition}: {self.signatures} {self.place}"

    @property
    def waits(self) -> bool:
        """Return whether nobody has decided about it yet."""
        return self.decided_at is None
