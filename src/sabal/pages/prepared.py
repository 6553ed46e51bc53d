"""Render pages ahead, once for each language. `front/prepared.py` fills them in for each reader.

The templates leave placeholders: ⟦token⟧, and the typed or ticked values: ⟦name⟧, ⟦country⟧, ⟦comment⟧, ⟦display⟧,
⟦updates⟧, ⟦newsletter⟧; on the receipt ⟦by⟧, ⟦batch⟧, ⟦day⟧. The text between ⟦?country⟧ and ⟦/country⟧ is left out
if the country is empty. The same holds for each of them.
"""

from sabal.http import Response
from sabal.pages import html
from sabal.pages.petition import about
from sabal.petitions.snapshot import PetitionSnapshot

OF_A_LINK = (
    "confirm",
    "not-me",
    "not-me-done",
    "receipt",
    "end-newsletter",
    "newsletter-ended",
    "withdraw",
    "withdrawn",
    "gone",
    "old-link",
)
OF_A_REFUSAL = (
    "busy",
    "too-many",
    "too-long",
    "forbidden",
    "not-found",
    "bad-request",
    "error",
    "incomplete",
    "newsletter-unknown",
)
OF_THE_NEWSLETTER = (
    "newsletter-confirm",
    "newsletter-unsubscribe",
    "invitation-refuse",
    "invitation-refused",
)
NAMES = (*OF_A_LINK, *OF_A_REFUSAL, *OF_THE_NEWSLETTER)


def prepared_page(name: str, language: str, petition: PetitionSnapshot | None = None) -> Response:
    """Return the page of this name, one of NAMES. It does not name a guarded petition."""
    context: dict[str, object] = {"guarded": petition is not None and petition.profile.guarded}
    if petition and not petition.profile.guarded and language in petition.definition.languages:
        context |= about(petition, language)
    context |= {
        "languages": (),
        "offers_newsletter": petition is not None and petition.definition.newsletter,
    }
    return html.page(f"prepared/{name}.html", context, language=language)
