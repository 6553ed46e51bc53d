"""Users, organisations, memberships, invitations and the audit log.

The email addresses of the people who work here are in clear: they sign in with them. They are no signers.
"""

from datetime import datetime

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import get_language

from sabal.accounts.acts import TeamRole
from sabal.petitions.models import Petition


class Users(BaseUserManager["User"]):
    """Finds a user by email, whatever its case."""

    def get_by_natural_key(self, email: str | None) -> "User":
        return self.get(email__iexact=email)


class User(AbstractBaseUser):
    """A person who works here. One who leaves is made inactive, never deleted: the audit log names them."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120, blank=True)
    language = models.CharField(max_length=12, blank=True)
    is_active = models.BooleanField(default=True)
    joined_at = models.DateTimeField(auto_now_add=True)

    objects = Users()
    USERNAME_FIELD = "email"

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="one_user_of_an_email")]

    def __str__(self) -> str:
        return self.name or self.email


class Organisation(models.Model):
    """An organisation that owns petitions. `key` is in its addresses on the desk.

    Its lists have keys of their own, those of its petitions (desk/newsletters.py).

    `names` and `imprint` are by language. Public processes read the identity in SQL (petitions/identity.py).
    """

    key = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=200)
    contact = models.CharField(max_length=200, blank=True)
    website = models.URLField(blank=True)
    names = models.JSONField(default=dict, blank=True)
    imprint = models.JSONField(default=dict, blank=True)
    accent = models.CharField(max_length=7, blank=True, default="")  # "#rrggbb"
    logo = models.BinaryField(blank=True, default=b"")  # a WebP that pictures.py made
    logo_width = models.PositiveIntegerField(default=0)
    logo_height = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return self.names.get(get_language() or "") or self.name


class Ownership(models.Model):
    """The organisation that owns a petition. A petition made by a command has none until a person chooses it."""

    petition = models.OneToOneField(Petition, on_delete=models.CASCADE, primary_key=True)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="ownerships")

    def __str__(self) -> str:
        return f"{self.organisation}: {self.petition}"


class ListOwner(models.Model):
    """The organisation that had a petition while people joined the lists of `key`, the petition's key at that time.

    Stored when the petition is given away: these people subscribed to that organisation, and to no other.
    """

    petition = models.ForeignKey(Petition, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=60)
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="list_owners")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["petition", "key"], name="one_owner_of_a_petitions_lists")
        ]

    def __str__(self) -> str:
        return f"{self.organisation}: lists of {self.key}"


class Scope(models.Model):
    """A role in the whole site (neither is set), in an organisation, or in one petition."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, null=True, blank=True)
    petition = models.ForeignKey(Petition, on_delete=models.CASCADE, null=True, blank=True)
    role = models.CharField(max_length=12, choices=[(role.value, role.value) for role in TeamRole])
    rights = models.JSONField(default=list, blank=True)  # of acts.RIGHTS
    language = models.CharField(max_length=20, blank=True, default="")  # into which a translator translates

    class Meta:
        abstract = True

    @property
    def place(self) -> str:
        """Return the name of the organisation or petition; empty for the whole site."""
        return str(self.petition or self.organisation or "")


class Membership(Scope):
    """What one user is in one place. `since`: when they got this role."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    since = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            # One constraint for each kind of place: in SQL two empty values differ.
            models.UniqueConstraint(
                fields=["user"],
                condition=Q(organisation=None, petition=None),
                name="one_role_in_the_site",
            ),
            models.UniqueConstraint(
                fields=["user", "organisation"],
                condition=Q(petition=None),
                name="one_role_in_an_organisation",
            ),
            models.UniqueConstraint(
                fields=["user", "petition"], condition=Q(organisation=None), name="one_role_in_a_petition"
            ),
            models.CheckConstraint(
                condition=Q(organisation=None) | Q(petition=None), name="a_role_has_one_place"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.role}"

    def give(self, role: str, rights: list[str], now: datetime) -> None:
        """Store another role and other rights. `since` changes with the role alone."""
        if role != self.role:
            self.since = now
        self.role, self.rights = role, rights
        self.save(update_fields=["role", "rights", "since"])


class Invitation(Scope):
    """A link that lets one person in, once. Only the hash of its token is kept.

    `resets`: the link was made in the shell of the server, and lets an existing user choose a new password.
    """

    token_hash = models.BinaryField(unique=True)
    email = models.EmailField()
    invited_by = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="+")
    made_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    resets = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"{self.email}: {self.role}"


class AuditEntry(models.Model):
    """One line of the audit log. Lines are only added. `user` is null for the server's own shell.

    `petition` is its address then, `petition_number` its id: a draft can get another address, and be deleted. Ids are
    never used again.
    """

    at = models.DateTimeField(auto_now_add=True, db_index=True)
    user = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    what = models.CharField(max_length=40)
    petition = models.CharField(max_length=80, blank=True)  # its slug
    petition_number = models.BigIntegerField(
        null=True, db_index=True
    )  # no foreign key: lines outlive a draft
    organisation = models.CharField(max_length=60, blank=True)  # its key
    details = models.CharField(max_length=400, blank=True)

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.user or 'shell'}: {self.what}"
