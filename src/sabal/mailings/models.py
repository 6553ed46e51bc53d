"""A mailing, its texts, and the tests of it. The rows of its recipients are in tables without the ORM (tables.py)."""

from django.db import models
from django.db.models import Q

from sabal.petitions.models import Petition


class Mailing(models.Model):
    """One text in some languages, sent once to the subscribers of one list.

    The list is the newsletter of `organisation` (its key), or the updates about `petition`. Only its subscribers with a
    language of `readers` get it; if that is empty, all. Those whose language has no text get `fallback`.

    Moments are Unix time (seconds), so that the worker compares them without the ORM. A moment says what happened:
    a mailing is a draft until it is `planned_for` a time or has `begun_at` one. It sends unless it is paused, was
    cancelled or has ended. `queued` recipients have their row; `queue_after` is the address hash of the last one.
    """

    organisation = models.CharField(max_length=60)
    petition = models.ForeignKey(Petition, on_delete=models.CASCADE, null=True, related_name="+")
    # Another package's name of what it announces; at most one mailing about a petition has it.
    occasion = models.CharField(max_length=60, blank=True, default="")
    readers = models.JSONField(default=list, blank=True)
    fallback = models.CharField(max_length=16)
    archived = models.BooleanField(
        default=True
    )  # shown on the public page of past newsletters, once it has begun
    number = models.PositiveIntegerField(
        null=True
    )  # of the newsletter of its organisation, given when it begins
    revision = models.PositiveIntegerField(default=1)  # grows with each change of the draft
    made_at = models.BigIntegerField()
    made_by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, null=True, related_name="+")
    planned_for = models.BigIntegerField(null=True)
    zone = models.CharField(max_length=40, blank=True, default="")
    sent_by = models.ForeignKey("accounts.User", on_delete=models.PROTECT, null=True, related_name="+")
    begun_at = models.BigIntegerField(null=True)
    queue_after = models.BinaryField(default=b"")
    queued = models.PositiveIntegerField(default=0)
    queued_at = models.BigIntegerField(null=True)  # when the last recipient got a row
    paused_at = models.BigIntegerField(null=True)
    cancelled_at = models.BigIntegerField(null=True)
    ended_at = models.BigIntegerField(null=True)
    forgotten_at = models.BigIntegerField(null=True)  # when its recipients' rows were deleted

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["petition", "occasion"], condition=~Q(occasion=""), name="one_mailing_of_an_occasion"
            ),
            models.UniqueConstraint(fields=["organisation", "number"], name="one_newsletter_of_a_number"),
        ]

    def __str__(self) -> str:
        return f"mailing {self.pk}"

    @property
    def state(self) -> str:
        """Return "draft", "planned", "sending", "paused", "cancelled" or "sent"."""
        if self.cancelled_at is not None:
            return "cancelled"
        if self.ended_at is not None:
            return "sent"
        if self.begun_at is not None:
            return "sending" if self.paused_at is None else "paused"
        return "draft" if self.planned_for is None else "planned"


class MailingText(models.Model):
    """What a mailing says in one language: a subject, and a body in Markdown. `digest` is of both."""

    mailing = models.ForeignKey(Mailing, on_delete=models.CASCADE, related_name="texts")
    language = models.CharField(max_length=16)
    subject = models.CharField(max_length=200)
    body = models.TextField()
    digest = models.CharField(max_length=32, db_index=True)  # finds an earlier mailing with the same text

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["mailing", "language"], name="one_text_of_a_mailing_in_a_language"
            )
        ]

    def __str__(self) -> str:
        return f"{self.mailing} ({self.language})"


class MailingTest(models.Model):
    """A test of a mailing to one person who works here. `ended_at` is null while it waits for the worker."""

    mailing = models.ForeignKey(Mailing, on_delete=models.CASCADE, related_name="tests")
    email = models.EmailField()
    asked_at = models.BigIntegerField()
    ended_at = models.BigIntegerField(null=True)
    refusal = models.TextField(blank=True, default="")

    def __str__(self) -> str:
        return f"test of {self.mailing}"


class Newsletter(models.Model):
    """The newsletter of an organisation (its key): how often it comes, a sentence by language, and who gets replies."""

    organisation = models.CharField(max_length=60, unique=True)
    how_often = models.JSONField(default=dict, blank=True)
    reply_to = models.EmailField(blank=True, default="")

    def __str__(self) -> str:
        return self.organisation
