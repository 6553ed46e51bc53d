"""How recipients are reached. The signed text names them; what is here is not signed, and may change at any time."""

from datetime import date, time

from django.db import models

from sabal.delivery.hours import OfficeHours
from sabal.petitions.models import Petition


class Contact(models.Model):
    """One recipient of a petition (`group` is ""), or a member beneath one that is a group.

    `key` is the recipient's key in the signed text; a row stays when an amendment removes its recipient. `names` is by
    language. A member belongs to its group from `since` to `until`, both included; None: no such end.
    """

    class Kind(models.TextChoices):
        GOVERNMENT = "government"
        UN_BODY = "un-body"
        MEMBER_STATES = "member-states"
        GROUP = "group"
        COMPANY = "company"
        COUNCIL = "council"
        OTHER = "other"

    class Way(models.TextChoices):
        LETTER = "letter"  # a free letter, by email or post
        MISSION = "mission"  # by post, carried by a mission
        FORM = "form"  # a form on its website
        PROCEDURE = "procedure"  # a formal procedure that needs names; where there are none, an open letter
        THROUGH = "through"  # through an organisation
        SYMBOLIC = "symbolic"  # nobody to write to

    petition = models.ForeignKey(Petition, on_delete=models.CASCADE, related_name="contacts")
    group = models.SlugField(max_length=64, blank=True, default="")
    key = models.SlugField(max_length=64)
    names = models.JSONField(default=dict)
    kind = models.CharField(max_length=14, choices=Kind.choices, default=Kind.OTHER)
    way = models.CharField(max_length=9, choices=Way.choices, default=Way.LETTER)
    language = models.CharField(max_length=35, blank=True, default="")
    email = models.CharField(max_length=254, blank=True, default="")
    postal = models.TextField(blank=True, default="")
    form = models.URLField(max_length=500, blank=True, default="")
    through = models.CharField(max_length=200, blank=True, default="")  # the mission or organisation
    days = models.CharField(max_length=27, default="mon tue wed thu fri")
    opens = models.TimeField(default=time(9))
    closes = models.TimeField(default=time(17))
    zone = models.CharField(max_length=60, default="UTC")
    note = models.TextField(blank=True, default="")  # for the team
    since = models.DateField(null=True)
    until = models.DateField(null=True)
    # Of a group: where its list of members is from, the day for which it was made, and the last day it is complete for.
    members_from = models.CharField(max_length=300, blank=True, default="")
    members_as_of = models.DateField(null=True)
    members_until = models.DateField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["petition", "group", "key"], name="one_contact_of_a_recipient")
        ]

    def __str__(self) -> str:
        return self.path

    @property
    def path(self) -> str:
        """Return its place: "council", or "council/france" for a member."""
        return f"{self.group}/{self.key}" if self.group else self.key

    @property
    def office_hours(self) -> OfficeHours:
        """Return when somebody is there to read an email."""
        return OfficeHours(frozenset(self.days.split()), self.opens, self.closes, self.zone)

    @property
    def takes_email(self) -> bool:
        """Return whether an email can go to it."""
        return bool(self.email) and self.way not in (self.Way.FORM, self.Way.SYMBOLIC)

    def belongs_on(self, day: date) -> bool:
        """Return whether a member belongs to its group on a day. A recipient of the text always does."""
        return (self.since is None or self.since <= day) and (self.until is None or day <= self.until)

    def name_in(self, *languages: str) -> str:
        """Return its name in the first of these languages that it has, else in any, else its key."""
        found = next((self.names[one] for one in languages if self.names.get(one)), "")
        return found or next(iter(self.names.values()), "") or self.key
