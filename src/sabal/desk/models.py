"""Requests of the desk to the worker: acts that need the server key."""

import uuid

from django.db import models
from django.utils import timezone

from sabal.accounts.models import User
from sabal.petitions.models import Petition


class Job(models.Model):
    """One act, with its progress and result. A background task does it (desk/tasks.py); `kind` says what.

    Exactly one of three is true: it waits (`ended_at` is null and `started_at` too), it runs, or it has ended.
    `refusal` is the sentence that says why it was not done; empty if it was. `due_at` is null for what is done at once.
    `details` is what was asked for and what was found, by the kind.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    petition = models.ForeignKey(Petition, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=20)
    revision = models.PositiveIntegerField()  # of the petition, as the person saw it
    details = models.JSONField(default=dict)
    asked_at = models.DateTimeField(auto_now_add=True)
    due_at = models.DateTimeField(null=True)
    # A change of keys: when the team was told by email, and the second owner who agreed.
    told_at = models.DateTimeField(null=True)
    agreed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    refusal = models.TextField(blank=True)
    cancelled = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"{self.kind} {self.petition}"

    @property
    def planned(self) -> bool:
        """Return whether it waits for its time."""
        waits = self.started_at is None and self.ended_at is None
        return waits and self.due_at is not None and self.due_at > timezone.now()


class Moderation(models.Model):
    """What a moderator wants done with signatures that came in. Its job does it, a part at a time.

    `content` is the checked file of revocations, until the job has ended. `total` signatures were concerned when it was
    checked, and `before` of the file did not count any more. `done` grows while the job runs, until `stop` is set.
    """

    class Verb(models.TextChoices):
        REVOKE = "revoke"
        RELEASE = "release"
        DROP = "drop"

    petition = models.ForeignKey(Petition, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    verb = models.CharField(max_length=8, choices=Verb.choices)
    why = models.PositiveSmallIntegerField(
        default=0
    )  # of held signatures: the reason why they are held; 0: all
    reason = models.PositiveSmallIntegerField(default=0)  # the public reason of all; 0: as the file says
    content = models.TextField(blank=True)
    before = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    stop = models.BooleanField(default=False)
    made_at = models.DateTimeField(auto_now_add=True)
    job = models.OneToOneField(Job, on_delete=models.CASCADE, null=True, related_name="moderation")

    def __str__(self) -> str:
        return f"{self.verb} {self.total} of {self.petition}"


class Translation(models.Model):
    """A language of a petition beside the authoritative one.

    While it waits, `pieces` has its words by key (petitions/pieces.py). Once it is complete, it is in the files of the
    petition, which alone have its words then. `marks` says of each piece what it was made from: the words of the
    authoritative language, a hash of the translation, and the page that saved it. So the files need not say it.
    """

    class State(models.TextChoices):
        WAITING = "waiting"
        JOINED = "joined"  # it is in the files
        REMOVED = "removed"  # kept, in case it is added again

    petition = models.ForeignKey(Petition, on_delete=models.CASCADE, related_name="translations")
    language = models.CharField(max_length=35)
    state = models.CharField(max_length=7, choices=State.choices, default=State.WAITING)
    pieces = models.JSONField(default=dict)
    marks = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["petition", "language"], name="one_translation_of_a_language")
        ]

    def __str__(self) -> str:
        return f"{self.petition} ({self.language})"


class Revision(models.Model):
    """The files of a draft as they were saved once. `number` is the petition's revision then.

    `user` is null for a command on the server. `script`: the page saved by itself, and may save into the same row again
    for ten minutes from `began_at`. `form` names the open page that saved. `touched` has for each file the number of
    the revision that changed it last.
    """

    petition = models.ForeignKey(Petition, on_delete=models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()
    user = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    began_at = models.DateTimeField()
    at = models.DateTimeField()
    script = models.BooleanField(default=False)
    form = models.CharField(max_length=40, blank=True)
    files = models.TextField()
    touched = models.JSONField(default=dict)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["petition", "number"], name="one_revision_of_a_number")
        ]

    def __str__(self) -> str:
        return f"{self.petition} r{self.number}"
