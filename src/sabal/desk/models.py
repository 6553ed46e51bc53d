"""Requests of the desk to the worker: acts that need the server key."""

import uuid

from django.db import models

from sabal.accounts.models import User
from sabal.petitions.models import Petition


class Job(models.Model):
    """One act, with its progress and result. A background task does it (desk/tasks.py); `kind` says what.

    Exactly one of three is true: it waits (`ended_at` is null and `started_at` too), it runs, or it has ended.
    `refusal` is the sentence that says why it was not done; empty if it was.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    petition = models.ForeignKey(Petition, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=20)
    revision = models.PositiveIntegerField()  # of the petition, as the person saw it
    asked_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    refusal = models.TextField(blank=True)
    cancelled = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"{self.kind} {self.petition}"
