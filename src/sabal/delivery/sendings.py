"""What is sent to recipients: when, on which occasion, and what became of each email.

Times are Unix times in seconds; 0: not yet. The worker writes them with raw SQL in the commits of the outbox.
"""

from django.conf import settings
from django.db import models

from sabal.delivery.contact import Contact
from sabal.petitions.models import Petition


class SendingRules(models.Model):
    """When the server sends by itself. `reached` is the highest count that was looked at, so that none comes twice.

    `first` and `every` are numbers of signatures; None: never. `final`: when the petition has closed. `words` are the
    organiser's own, by language, and `reply_to` is where answers go.
    """

    petition = models.OneToOneField(Petition, on_delete=models.CASCADE, primary_key=True, related_name="+")
    first = models.PositiveIntegerField(null=True)
    every = models.PositiveIntegerField(null=True)
    final = models.BooleanField(default=False)
    days_between = models.PositiveSmallIntegerField(default=7)
    reached = models.PositiveIntegerField(default=0)
    reply_to = models.CharField(max_length=254, blank=True, default="")
    words = models.JSONField(default=dict)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    held = models.BooleanField(default=False)  # after a restore, until a person saves them again

    def __str__(self) -> str:
        return f"rules of {self.petition}"


class Occasion(models.Model):
    """One reason to send: asked for by a person, or a number that was reached. `key` is unique, so it comes once.

    `recipients` are keys of the text. `due` is when it begins. `opened` is when its emails were made, `cancelled` when
    it was cancelled.
    """

    class Kind(models.TextChoices):
        HAND = "hand"
        COUNT = "count"
        FINAL = "final"
        TEST = "test"  # to the person who asks

    petition = models.ForeignKey(Petition, on_delete=models.CASCADE, related_name="occasions")
    key = models.CharField(max_length=60)
    kind = models.CharField(max_length=5, choices=Kind.choices)
    number = models.PositiveIntegerField(default=0)  # the count that was reached
    recipients = models.JSONField(default=list)
    words = models.JSONField(default=dict)
    reply_to = models.CharField(max_length=254, blank=True, default="")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    asked = models.BigIntegerField()
    due = models.BigIntegerField()
    zone = models.CharField(max_length=60, default="UTC")  # of the clock that the person meant
    opened = models.BigIntegerField(default=0)
    cancelled = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["petition", "key"], name="one_occasion_of_a_key"),
        ]

    def __str__(self) -> str:
        return f"{self.petition} {self.key}"


class Enclosure(models.Model):
    """A PDF that is attached. Emails with the same file share it."""

    petition = models.ForeignKey(Petition, on_delete=models.CASCADE, related_name="+")
    digest = models.CharField(max_length=64)  # SHA-256 in hex
    name = models.CharField(max_length=200)
    data = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["petition", "digest"], name="one_enclosure_of_a_file")]

    def __str__(self) -> str:
        return self.name


class Dispatch(models.Model):
    """One email to one contact on one occasion. The constraint is why nothing goes twice.

    Its name, address, language and text are those with which it went, whatever changes later. `token` is its name in
    the outbox.
    """

    class State(models.TextChoices):
        WAITING = "waiting"  # for office hours, or for its turn
        QUEUED = "queued"  # in the outbox
        BEGUN = "begun"  # the mail server is being told
        ACCEPTED = "accepted"
        REFUSED = "refused"
        GIVEN_UP = "given-up"
        UNCLEAR = "unclear"  # the server stopped in the middle: it may have arrived, so it is not sent again
        FAILED = "failed"  # it could not be made
        RETURNED = "returned"  # it came back
        CANCELLED = "cancelled"
        REMOVED = "removed"  # the text no longer names the recipient, or it left its group
        REPLACED = "replaced"  # a later occasion says the same with newer numbers
        SAME = "same"  # another recipient of the occasion has the same address

    occasion = models.ForeignKey(Occasion, on_delete=models.CASCADE, related_name="dispatches")
    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="dispatches")
    token = models.CharField(max_length=26, unique=True)
    state = models.CharField(max_length=9, choices=State.choices, default=State.WAITING)
    reason = models.CharField(max_length=300, blank=True, default="")
    name = models.CharField(max_length=300, blank=True, default="")
    email = models.CharField(max_length=254, blank=True, default="")
    language = models.CharField(max_length=35, blank=True, default="")
    subject = models.TextField(blank=True, default="")
    text = models.TextField(blank=True, default="")
    sender_name = models.CharField(max_length=300, blank=True, default="")
    reply_to = models.CharField(max_length=254, blank=True, default="")
    enclosure = models.ForeignKey(Enclosure, on_delete=models.PROTECT, null=True, related_name="+")
    mail_id = models.BigIntegerField(default=0)  # its row of the outbox
    queued = models.BigIntegerField(default=0)
    begun = models.BigIntegerField(default=0)
    ended = models.BigIntegerField(default=0)
    recorded = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["occasion", "contact"], name="one_dispatch_of_an_occasion")
        ]

    def __str__(self) -> str:
        return f"{self.occasion}: {self.contact}"

    @property
    def attempt(self) -> str:
        """Return a key of this attempt. One that is sent again has another token, and so is recorded again."""
        return f"{self.pk}-{self.token[:8]}"


WAITS = (Dispatch.State.WAITING, Dispatch.State.QUEUED, Dispatch.State.BEGUN)
SENT = (Dispatch.State.ACCEPTED, Dispatch.State.RETURNED)
