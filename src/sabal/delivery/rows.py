"""What was delivered to the recipients of a petition, who answered, and what was said about each demand.

Rows are only added: a correction is a row that names the row it corrects. Public processes read them with raw SQL
(petitions/deliveries.py).
"""

from typing import Any, NoReturn

from django.conf import settings
from django.db import models

from sabal.petitions.deliveries import DemandState, StepKind, Way
from sabal.petitions.models import Petition


class Added(models.Model):
    """A row that is never changed. `user` is null for what the server did by itself."""

    petition = models.ForeignKey(Petition, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Add the row. Raises TypeError if it is there already."""
        if not self._state.adding:
            raise TypeError("this row is never changed; add one that corrects it")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError("this row is never deleted; add one that corrects it")


class Step(Added):
    """What happened between us and one recipient (petitions/deliveries.py has the meaning of each column).

    `occasion` is the key of what the server sent by itself, so that it is recorded once.
    """

    version = models.PositiveIntegerField()
    recipient = models.CharField(max_length=64)
    member = models.CharField(max_length=300, blank=True)  # of a group, if it was not all of it
    kind = models.CharField(max_length=12, choices=[(kind.value, kind.value) for kind in StepKind])
    happened_on = models.DateField()
    way = models.CharField(max_length=8, blank=True, choices=[(way.value, way.value) for way in Way])
    by_whom = models.CharField(max_length=200, blank=True)
    reference = models.CharField(max_length=200, blank=True)
    due_on = models.DateField(null=True)
    link = models.CharField(max_length=500, blank=True)
    language = models.CharField(max_length=35, blank=True)
    words = models.JSONField(default=dict)
    occasion = models.CharField(max_length=80, blank=True)
    corrects = models.OneToOneField("self", on_delete=models.CASCADE, null=True, related_name="corrected_by")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["petition", "recipient", "occasion"],
                condition=~models.Q(occasion=""),
                name="one_step_of_an_occasion",
            )
        ]

    def __str__(self) -> str:
        return f"{self.recipient} {self.kind} {self.happened_on}"


class Statement(Added):
    """Where one demand is with one recipient, on a day, with its source: a link, or a step."""

    version = models.PositiveIntegerField()
    recipient = models.CharField(max_length=64)
    anchor = models.CharField(max_length=80)  # of the demand in that version
    state = models.CharField(max_length=12, choices=[(state.value, state.value) for state in DemandState])
    happened_on = models.DateField()
    link = models.CharField(max_length=500, blank=True)
    step = models.ForeignKey(Step, on_delete=models.CASCADE, null=True, related_name="+")
    notes = models.JSONField(default=dict)
    corrects = models.OneToOneField("self", on_delete=models.CASCADE, null=True, related_name="corrected_by")

    def __str__(self) -> str:
        return f"{self.recipient} {self.anchor} {self.state}"


class Continuation(Added):
    """Where a demand of an earlier version is in a later one. `to_anchor` "": nowhere. The newest row counts."""

    version = models.PositiveIntegerField()
    anchor = models.CharField(max_length=80)
    to_version = models.PositiveIntegerField()
    to_anchor = models.CharField(max_length=80, blank=True)

    def __str__(self) -> str:
        return f"v{self.version} {self.anchor} → v{self.to_version} {self.to_anchor}"


class Proof(models.Model):
    """A file that shows that a step happened, as delivery/proofs.py made it. Only `is_public` ever changes."""

    petition = models.ForeignKey(Petition, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField(auto_now_add=True)
    step = models.ForeignKey(Step, on_delete=models.CASCADE, related_name="proofs")
    digest = models.CharField(max_length=64)  # SHA-256 in hex
    media = models.CharField(max_length=4)  # "pdf" or "webp"
    size = models.PositiveIntegerField()
    width = models.PositiveIntegerField(default=0)
    height = models.PositiveIntegerField(default=0)
    caption = models.JSONField(default=dict)
    is_public = models.BooleanField(default=False)
    data = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["step", "digest"], name="one_proof_of_a_file")]

    def __str__(self) -> str:
        return f"{self.digest[:12]}.{self.media}"


class Reminder(models.Model):
    """The team was told by email that an answer is due."""

    step = models.OneToOneField(Step, on_delete=models.CASCADE, primary_key=True, related_name="reminder")
    told_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"reminder of {self.step}"
