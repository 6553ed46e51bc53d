"""To which organisation the lists of a key belong: the one to which their people subscribed."""

from collections.abc import Collection

from django.db import transaction
from django.db.models import F, Q, QuerySet

from sabal.accounts.models import ListOwner, Organisation, Ownership
from sabal.petitions.models import Petition


def keys_of(organisation: Organisation) -> list[str]:
    """Return the keys of the lists that are this organisation's alone, those of its newest petitions first.

    A petition's lists have the key that was chosen when it was published. They stay with the organisation that had it
    then, also if the petition is given to another one. If petitions of two organisations share a key, its lists belong
    to neither: nobody agreed to hear from both.
    """
    own = Petition.objects.filter(ownership__organisation=organisation).exclude(state=Petition.State.DRAFT)
    keys = list(own.exclude(organisation="").order_by("-pk").values_list("organisation", flat=True))
    keys += ListOwner.objects.filter(organisation=organisation).order_by("-pk").values_list("key", flat=True)
    claims = _claims(keys)
    return [
        key for key in dict.fromkeys(keys) if {one for to, one in claims if to == key} == {organisation.pk}
    ]


def owner_of(key: str) -> Organisation | None:
    """Return the organisation to which the lists of a key belong; None if there is none, or more than one."""
    owners = {owner for _, owner in _claims([key])}
    return Organisation.objects.get(pk=owners.pop()) if len(owners) == 1 else None


def petitions_with_lists_of(organisation: Organisation) -> QuerySet[Petition]:
    """Return the published petitions whose present lists are this organisation's: its own, and those given away."""
    given = ListOwner.objects.filter(key=F("petition__organisation"))  # of the keys that petitions have now
    kept = given.filter(organisation=organisation).values("petition")
    lost = given.filter(petition__ownership__organisation=organisation).exclude(organisation=organisation)
    own = Ownership.objects.filter(organisation=organisation).values("petition")
    found = Petition.objects.filter(Q(pk__in=own) | Q(pk__in=kept)).exclude(pk__in=lost.values("petition"))
    return found.exclude(state=Petition.State.DRAFT).exclude(organisation="")


def lists_belong_to_owner(petition: Petition) -> bool:
    """Return whether those who are in the lists of a petition subscribed to the organisation that has it now."""
    given = ListOwner.objects.filter(petition=petition, key=petition.organisation)
    return not given.exclude(organisation__ownerships__petition=petition).exists()


def give(petition: Petition, organisation: Organisation) -> None:
    """Give a petition to an organisation. Its lists stay where they are."""
    with transaction.atomic():
        before = Ownership.objects.select_for_update().filter(petition=petition).first()
        if before is not None and petition.organisation and petition.state != Petition.State.DRAFT:
            ListOwner.objects.get_or_create(
                petition=petition, key=petition.organisation, defaults={"organisation": before.organisation}
            )
        Ownership.objects.update_or_create(petition=petition, defaults={"organisation": organisation})
        petition.given_away = not lists_belong_to_owner(petition)
        petition.save(update_fields=["given_away"])


def _claims(keys: Collection[str]) -> set[tuple[str, int]]:
    """Return these keys with each organisation (its id) to which people in their lists subscribed."""
    given = ListOwner.objects.filter(key__in=keys)
    before = {(one.petition_id, one.key): one.organisation_id for one in given}
    petitions = Petition.objects.filter(organisation__in=keys).exclude(state=Petition.State.DRAFT)
    rows = petitions.values_list("pk", "organisation", "ownership__organisation_id")
    now = {(key, before.get((number, key), owner)) for number, key, owner in rows}
    return {(key, owner) for key, owner in now if owner is not None} | {
        (key, owner) for (_, key), owner in before.items()
    }
