"""A petition and the versions of its text. A published version never changes."""

from django.db import models
from django.db.models import F


class Petition(models.Model):
    """One petition of this server. `revision` grows with every change that other processes must notice."""

    class State(models.TextChoices):
        DRAFT = "draft"
        OPEN = "open"
        PAUSED = "paused"
        CLOSED = "closed"
        FINALISED = "finalised"

    slug = models.SlugField(max_length=80, unique=True)
    state = models.CharField(max_length=9, choices=State.choices, default=State.DRAFT)
    revision = models.PositiveIntegerField(default=1)
    version = models.ForeignKey("Version", on_delete=models.PROTECT, null=True, related_name="+")
    # The epoch of the pepper: a growing number, and the day (days since 1970) on which it began.
    pepper_epoch = models.PositiveIntegerField(default=0)
    pepper_epoch_since = models.PositiveIntegerField(default=0)
    # The log's origin is made once, at publishing, so that it stays the same after a move to another domain.
    origin = models.CharField(max_length=120, default="", blank=True)
    # The key of its organisation (petitions/organisation.py), chosen when it is published; empty for a draft.
    organisation = models.CharField(max_length=60, default="", blank=True)
    # Another organisation has it now than the one to which the people in the lists of that key subscribed
    # (accounts/listowners.py). So the key goes on only while the text names the same organisation.
    given_away = models.BooleanField(default=False)
    # `serve --dev` made the organiser key and keeps it on the server: never serve such a petition in production.
    key_made_by_dev = models.BooleanField(default=False)
    # SHA-256 of the code and of the organiser keys that it was sealed to. `key_check_answered`: the code came back.
    key_check = models.BinaryField(default=b"")
    key_check_answered = models.BooleanField(default=False)
    opened_on = models.DateField(null=True)
    closed_on = models.DateField(null=True)
    # How it ended (petitions/ending.py), shown while it is closed; empty if nothing was said.
    ending = models.TextField(default="", blank=True)
    # The organiser gave up opening again, so it is finalised as soon as no email can be confirmed any more.
    finalise_early = models.BooleanField(default=False)
    # Grows with every change of what happened to the petition after publishing (petitions/progress.py). The signed text
    # has the other number, so that a delivery or a post is no conflict with a person who edits the text.
    progress = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return self.slug

    def progressed(self) -> None:
        """Let other processes read anew what happened, inside the caller's transaction."""
        Petition.objects.filter(pk=self.pk).update(progress=F("progress") + 1)


class Version(models.Model):
    """The files of a petition folder (name → text, as JSON) and, after publishing, the exact manifest bytes."""

    petition = models.ForeignKey(Petition, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    files = models.TextField()
    manifest = models.BinaryField(default=b"")
    published_on = models.DateField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["petition", "number"], name="one_version_of_a_number")]

    def __str__(self) -> str:
        return f"{self.petition.slug} v{self.number}"
