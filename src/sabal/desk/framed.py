"""Pages of the public site inside the desk: the page itself, in a frame that only the desk may use."""

from django.http import HttpResponse

from sabal.accounts.models import Organisation
from sabal.http import Response
from sabal.petitions.identity import Identity
from sabal.petitions.models import Petition


def framed(answer: Response) -> HttpResponse:
    """Return a public page as an answer of the desk. Its own policy stays, but the desk may frame it."""
    headers = {name.decode(): value.decode() for name, value in answer.headers if name != b"cache-control"}
    if policy := headers.get("content-security-policy"):
        headers["content-security-policy"] = policy.replace(
            "frame-ancestors 'none'", "frame-ancestors 'self'"
        )
    headers["X-Frame-Options"] = "SAMEORIGIN"
    return HttpResponse(answer.body, status=answer.status, headers=headers)


def identity_of(petition: Petition) -> Identity | None:
    """Return the identity with which a petition is shown: that of the organisation that owns it."""
    owner = Organisation.objects.filter(ownerships__petition=petition).first()
    if owner is None:
        return None
    size = owner.logo_width, owner.logo_height
    return Identity(owner.names, owner.imprint, owner.website, owner.accent, bytes(owner.logo), size)
