"""Make the page of a petition's versions: what each amendment changed, and the older texts."""

from sabal.http import Response
from sabal.pages import html
from sabal.pages.changes import names_of, reason
from sabal.pages.petition import about
from sabal.petitions.history import difference
from sabal.petitions.snapshot import PetitionSnapshot


def versions(snapshot: PetitionSnapshot, language: str) -> Response:
    """Return the versions of a petition, the newest first, each with its differences from the one before."""
    context = about(snapshot, language)
    slug = snapshot.definition.slug
    context["languages"] = html.languages(snapshot.definition.languages, f"/{slug}/versions")
    context["entries"] = _entries(snapshot, language)
    return html.page("petitions/versions.html", context, language=language)


def _entries(snapshot: PetitionSnapshot, language: str) -> list[dict[str, object]]:
    entries: list[dict[str, object]] = []
    before = None
    for version in snapshot.versions:
        if language in version.definition.languages:
            changes = difference(before, version, language) if before else None
            entries.append(
                {
                    "version": version,
                    "text": version.definition.texts[language],
                    "changes": changes,
                    "reason": reason(version, language),
                    "changed": names_of(changes, language) if changes else "",
                }
            )
        before = version
    return entries[::-1]
