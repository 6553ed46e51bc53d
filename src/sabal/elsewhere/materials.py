"""Keep the texts that came with a petition from another platform, until its organisation has made use of them."""

from datetime import date

from django.db import transaction

from sabal.accounts import audit
from sabal.accounts.models import User
from sabal.elsewhere.found import Arrival
from sabal.elsewhere.models import Material
from sabal.petitions.models import Petition


def keep(user: User, petition: Petition, arrival: Arrival) -> int:
    """Keep the answers, updates and notes of a petition, and return their number."""
    with transaction.atomic():
        rows = [
            Material(
                petition=petition,
                user=user,
                source=arrival.source,
                kind=one.kind,
                day=date.fromisoformat(one.day) if one.day else None,
                title=one.title,
                text=one.text,
                link=one.link,
            )
            for one in arrival.materials
        ]
        Material.objects.bulk_create(rows)
        audit.record(user, "came-from", petition=petition, details=f"{arrival.source} {arrival.link}".strip())
    return len(rows)


def forget(user: User, material: Material) -> None:
    """Delete a text that is not needed any more."""
    with transaction.atomic():
        material.delete()
        audit.record(user, "material-deleted", petition=material.petition, details=material.title[:200])
