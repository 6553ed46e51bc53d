"""Let people in: a link that works once, for one email address, for a few days.

Nobody can sign up without one. The token is random (32 bytes) and only its hash is kept, so that a copy of the database
lets nobody in.
"""

import hashlib
import secrets
from datetime import datetime, timedelta

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.db import transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from sabal.accounts import audit, roles
from sabal.accounts.acts import Act, TeamRole, acts_of
from sabal.accounts.models import Invitation, Membership, Organisation, User
from sabal.petitions.models import Petition
from sabal.refusal import Refusal

LASTS = timedelta(days=7)
SHELL_LASTS = timedelta(hours=24)
NOT_GOOD = _(
    "This link is not valid. It works once, for a few days, and a newer one replaces it. Ask for a new one."
)


def invite(
    email: str,
    role: str,
    now: datetime,
    *,
    invited_by: User | None,
    rights: tuple[str, ...] = (),
    organisation: Organisation | None = None,
    petition: Petition | None = None,
    language: str = "",
) -> str:
    """Make an invitation and return its token. It replaces an older one of the same person there.

    `language` is the one into which a translator translates. An empty `role` gives no new role: the link only lets a
    person who has an account sign in again.
    """
    token = secrets.token_urlsafe(32)
    shell = invited_by is None
    with transaction.atomic():
        older = Invitation.objects.filter(
            email__iexact=email, organisation=organisation, petition=petition, used_at=None
        )
        (older if shell else older.filter(invited_by=invited_by)).delete()
        Invitation.objects.create(
            token_hash=_hash(token),
            email=email.lower(),
            role=role,
            rights=list(rights),
            organisation=organisation,
            petition=petition,
            language=language,
            invited_by=invited_by,
            expires_at=now + (SHELL_LASTS if shell else LASTS),
            resets=shell,
        )
        audit.record(
            invited_by,
            "link-made" if shell else "invited",
            petition=petition,
            organisation=organisation,
            details=email,
        )
    return token


def find(token: str, now: datetime) -> Invitation:
    """Return the invitation of a token. Raises Refusal if it is unknown, used or expired: the same for all three."""
    found = Invitation.objects.select_related("organisation", "petition__version", "invited_by").filter(
        token_hash=_hash(token), used_at=None, expires_at__gt=now
    )
    invitation = found.first()
    if invitation is None or not _may_still_invite(invitation):
        raise Refusal(str(NOT_GOOD))
    return invitation


def _may_still_invite(invitation: Invitation) -> bool:
    """Return whether the person who invited still has all that the invitation gives; always for a link of the shell."""
    user = invitation.invited_by
    if user is None:
        return invitation.resets
    own = roles.in_scope(user, invitation.organisation, invitation.petition)
    return acts_of(TeamRole(invitation.role), invitation.rights) <= own and Act.INVITE in own


def user_of(invitation: Invitation) -> User | None:
    """Return the user who has the address of an invitation already."""
    return User.objects.filter(email__iexact=invitation.email).first()


def accept(
    invitation: Invitation, now: datetime, *, expected: User | None, name: str = "", password: str = ""
) -> User:
    """Use an invitation: make the user if there is none, and give the role.

    `expected` is the user that the person saw: if another request has made one meanwhile, nothing is done. Raises
    Refusal for that, if it was used meanwhile, or if the person has more than the invitation gives.

    An existing user keeps their password, unless the link came from the server's shell: then the new password replaces
    it, and second factors are removed, as they may be lost.
    """
    with transaction.atomic():
        used = Invitation.objects.filter(pk=invitation.pk, used_at=None).update(used_at=now)
        if not used:
            raise Refusal(str(NOT_GOOD))
        user = user_of(invitation)
        if user != expected:
            raise Refusal(str(NOT_GOOD))
        if user is None:
            user = User(email=invitation.email, name=name)
            user.set_password(password)
            user.save()
            EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
            audit.record(
                user,
                "joined",
                petition=invitation.petition,
                organisation=invitation.organisation,
                details=user.email,
            )
        elif invitation.resets or not user.is_active:
            user.is_active = True
            user.set_password(password)
            user.save()
            Authenticator.objects.filter(user=user).delete()
            audit.record(user, "reset", details=user.email)
        if invitation.role:
            _refuse_less(user, invitation)
            membership, _made = Membership.objects.get_or_create(
                user=user,
                organisation=invitation.organisation,
                petition=invitation.petition,
                defaults={"role": invitation.role, "since": now},
            )
            membership.give(invitation.role, invitation.rights, now)
            if invitation.language:
                Membership.objects.filter(pk=membership.pk).update(language=invitation.language)
    return user


def _refuse_less(user: User, invitation: Invitation) -> None:
    """Refuse an invitation that would take something away from a person who has a role there."""
    present = Membership.objects.filter(
        user=user, organisation=invitation.organisation, petition=invitation.petition
    ).first()
    given = acts_of(TeamRole(invitation.role), invitation.rights)
    if present is not None and not acts_of(TeamRole(present.role), present.rights) <= given:
        raise Refusal(
            gettext("You already have more rights here than this invitation gives. Nothing was changed.")
        )


def _hash(token: str) -> bytes:
    return hashlib.sha256(b"sabal invitation " + token.encode()).digest()
