"""Give a draft another slug. A published petition keeps its own: links and emails lead to it."""

from sabal.petitions.models import Petition
from sabal.refusal import Refusal


def rename(petition: Petition, slug: str) -> None:
    """Change the slug of a draft's row. The caller stores files with the same slug in the same transaction."""
    if petition.state != Petition.State.DRAFT:
        raise Refusal("%(slug)s was published, so its address can no longer change.", slug=petition.slug)
    if Petition.objects.filter(slug=slug).exists():
        raise Refusal("Another petition has the address %(slug)s. Choose another one.", slug=slug)
    petition.slug = slug
    petition.save(update_fields=["slug"])
