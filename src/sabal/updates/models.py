"""A post, its versions, and how often posts are sent by email. Moments are Unix time (seconds).

Public processes read these tables with raw SQL (petitions/posts.py).
"""

from django.conf import settings
from django.db import models

from sabal.petitions.models import Petition


class Post(models.Model):
    """One post about a petition. A draft has no `public_at`; a planned one has a moment that is still to come.

    `withdrawn_at`: it was public, and is not any more. `emailed_at`: those who asked for updates were sent it.
    """

    petition = models.ForeignKey(Petition, on_delete=models.CASCADE, related_name="+")
    number = models.PositiveIntegerField()
    revision = models.PositiveIntegerField(
        default=1
    )  # grows with each change, so that nobody overwrites another
    made_at = models.BigIntegerField()
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    public_at = models.BigIntegerField(null=True)
    zone = models.CharField(max_length=40, blank=True, default="")  # of the clock that was meant
    withdrawn_at = models.BigIntegerField(null=True)
    was_public = models.BooleanField(default=False)  # before it was taken back: its versions are history
    emails = models.BooleanField(default=True)  # whether it is sent to those who asked for updates
    emailed_at = models.BigIntegerField(null=True)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["petition", "number"], name="one_post_of_a_number")]

    def __str__(self) -> str:
        return f"{self.petition}/updates/{self.number}"


class PostVersion(models.Model):
    """What a post says. One without `published_at` is being written; a published one never changes.

    `texts` has title, body (Markdown) and what is to be seen in the picture, by language. `why` says by language why
    it replaced the one before. `digest` is the SHA-256 of the picture in hex, "" if there is none.
    """

    post = models.ForeignKey(Post, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    made_at = models.BigIntegerField()
    published_at = models.BigIntegerField(null=True)
    texts = models.JSONField(default=dict)
    picture = models.BinaryField(default=b"", blank=True)
    digest = models.CharField(max_length=64, blank=True, default="")
    width = models.PositiveIntegerField(default=0)
    height = models.PositiveIntegerField(default=0)
    why = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["post", "number"], name="one_version_of_a_post_number")
        ]

    def __str__(self) -> str:
        return f"{self.post} v{self.number}"


class Pace(models.Model):
    """How often those who asked for updates about a petition get an email at most: once in `days`; 0: for each post."""

    petition = models.OneToOneField(Petition, on_delete=models.CASCADE, primary_key=True, related_name="+")
    days = models.PositiveSmallIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.petition}: {self.days}"
