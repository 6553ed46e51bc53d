"""What a user may do where: the union of their roles in the site, the organisation and the petition."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q, QuerySet

from sabal.accounts.acts import NEED_SECOND_FACTOR, Act, TeamRole, acts_of
from sabal.accounts.models import AuditEntry, Membership, Organisation, User
from sabal.petitions.models import Petition

SITE = Q(organisation=None, petition=None)


def in_petition(user: User, petition: Petition) -> frozenset[Act]:
    """Return what a user may do with a petition."""
    owned = Q(organisation__ownerships__petition=petition, petition=None)
    return _union(_memberships(user).filter(SITE | owned | Q(petition=petition)))


def in_organisation(user: User, organisation: Organisation) -> frozenset[Act]:
    """Return what a user may do in a whole organisation."""
    return _union(_memberships(user).filter(SITE | Q(organisation=organisation, petition=None)))


def in_site(user: User) -> frozenset[Act]:
    """Return what a user may do in the whole site."""
    return _union(_memberships(user).filter(SITE))


def in_scope(user: User, organisation: Organisation | None, petition: Petition | None) -> frozenset[Act]:
    """Return what a user may do in a petition, an organisation, or the whole site if neither is given."""
    if petition is not None:
        return in_petition(user, petition)
    return in_organisation(user, organisation) if organisation else in_site(user)


def anywhere(user: User) -> frozenset[Act]:
    """Return what a user may do in at least one place. It decides only which menus are shown."""
    return _union(_memberships(user))


def team(petition: Petition) -> QuerySet[User]:
    """Return everybody with a role that reaches a petition."""
    owned = Q(organisation__ownerships__petition=petition, petition=None)
    reaching = Membership.objects.filter(SITE | owned | Q(petition=petition))
    return User.objects.filter(is_active=True, pk__in=reaching.values("user")).order_by("pk")


def team_since(petition: Petition, moment: datetime) -> QuerySet[User]:
    """Return the team of a petition, with those who lost a role that reached it after that moment."""
    owner = Organisation.objects.filter(ownerships__petition=petition).values("key")
    site, owned = Q(petition="", organisation=""), Q(petition="", organisation__in=owner)
    lost = AuditEntry.objects.filter(
        site | owned | Q(petition_number=petition.pk), what="removed", at__gt=moment
    )
    gone = Q(email__in=lost.values("details"))
    return User.objects.filter(Q(pk__in=team(petition).values("pk")) | gone).order_by("pk")


def petitions(user: User) -> QuerySet[Petition]:
    """Return the petitions that a user may see, the newest first."""
    found = Petition.objects.select_related("ownership__organisation").order_by("-pk")
    if in_site(user):
        return found
    memberships = _memberships(user)
    return found.filter(
        Q(ownership__organisation__in=memberships.filter(petition=None).values("organisation"))
        | Q(pk__in=memberships.exclude(petition=None).values("petition"))
    )


def language_in(user: User, petition: Petition) -> str:
    """Return the language into which a user translates a petition; "" if none was agreed."""
    owned = Q(organisation__ownerships__petition=petition, petition=None)
    reaching = _memberships(user).filter(SITE | owned | Q(petition=petition)).exclude(language="")
    return max(reaching, key=lambda one: one.petition_id is not None).language if reaching else ""


def organisations(user: User) -> QuerySet[Organisation]:
    """Return the organisations in which a user has a role."""
    found = Organisation.objects.order_by("name")
    if in_site(user):
        return found
    return found.filter(pk__in=_memberships(user).filter(petition=None).values("organisation"))


def organisations_where(user: User, act: Act) -> list[Organisation]:
    """Return the organisations in which a user may do `act`. It asks for all at once, not for each."""
    found = Organisation.objects.order_by("name")
    if act in in_site(user):
        return list(found)
    return list(found.filter(pk__in=_places(user, act)[0]))


def petitions_where(user: User, act: Act) -> list[Petition]:
    """Return the petitions with which a user may do `act`, the newest first. It asks for all at once, not for each."""
    found = Petition.objects.select_related("ownership__organisation").order_by("-pk")
    if act in in_site(user):
        return list(found)
    organisations, petitions = _places(user, act)
    return list(found.filter(Q(ownership__organisation__in=organisations) | Q(pk__in=petitions)))


def _places(user: User, act: Act) -> tuple[set[int], set[int]]:
    """Return the ids of the organisations and of the single petitions for which a user has a role with `act`."""
    those = [one for one in _memberships(user) if act in acts_of(TeamRole(one.role), one.rights)]
    petitions = {one.petition_id for one in those if one.petition_id is not None}
    organisations = {
        one.organisation_id for one in those if one.organisation_id is not None and one.petition_id is None
    }
    return organisations, petitions


def is_last_owner(membership: Membership) -> bool:
    """Return whether nobody else owns the same place, or the whole site."""
    same = Q(organisation=membership.organisation, petition=membership.petition)
    owners = Membership.objects.select_for_update().filter(
        same | SITE, role=TeamRole.OWNER, user__is_active=True
    )
    others = [
        owner for owner in owners if owner.pk != membership.pk
    ]  # locked, so that two cannot leave at once
    return membership.role == TeamRole.OWNER and not others


def owned_before(user: User, petition: Petition, moment: datetime) -> bool:
    """Return whether a user owns a petition, its organisation or the site, and did already at that moment.

    The owners of an organisation own what was given to it since it was given.
    """
    where = SITE | Q(petition=petition)
    given = AuditEntry.objects.filter(what="assigned", petition_number=petition.pk, at__gt=moment)
    if not given.exists():
        where |= Q(organisation__ownerships__petition=petition, petition=None)
    return _memberships(user).filter(where, role=TeamRole.OWNER, since__lte=moment).exists()


def needs_second_factor(acts: Iterable[Act]) -> bool:
    """Return whether one of these acts needs a second factor."""
    return not NEED_SECOND_FACTOR.isdisjoint(acts)


def _memberships(user: User) -> QuerySet[Membership]:
    return Membership.objects.filter(user=user, user__is_active=True)


def _union(memberships: Iterable[Membership]) -> frozenset[Act]:
    return frozenset().union(*(acts_of(TeamRole(one.role), one.rights) for one in memberships))
