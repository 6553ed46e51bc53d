"""Make the pages of a petition's updates: all of them, each one, and their pictures."""

from contextlib import closing

from sabal import settings
from sabal.database import connect
from sabal.http import Refused, Response, file
from sabal.pages import html
from sabal.pages.petition import about
from sabal.pages.posts import feeds, shown, visible
from sabal.petitions.posts import PublicPost, picture_data
from sabal.petitions.snapshot import PetitionSnapshot

FOR_A_YEAR = "public, max-age=31536000, immutable"  # the name of a picture is the hash of its bytes


def updates(snapshot: PetitionSnapshot, language: str) -> Response:
    """Return all updates about a petition, the newest first."""
    posts = visible(snapshot)
    context = about(snapshot, language) | {
        "languages": html.languages(snapshot.definition.languages, f"/{snapshot.slug}/updates"),
        "posts": [shown(snapshot, post, language) for post in posts],
        "feeds": feeds(snapshot, language),
    }
    return html.page("petitions/updates.html", context, language=language)


def update(snapshot: PetitionSnapshot, language: str, number: str) -> Response:
    """Return one update. Raise `Refused` (404) if there is none of that number, or not yet."""
    post = _find(snapshot, number)
    if post is None:
        raise Refused(404, "not-found")
    context = about(snapshot, language) | {
        "languages": html.languages(snapshot.definition.languages, f"/{snapshot.slug}/updates/{post.number}"),
        "post": shown(snapshot, post, language),
        "feeds": feeds(snapshot, language),
        "address": f"{settings.BASE_URL}/{language}/{snapshot.slug}/updates/{post.number}",
    }
    return html.page("petitions/update.html", context, language=language)


def has_post(snapshot: PetitionSnapshot, number: str) -> bool:
    """Return whether the public can read an update of that number now."""
    return _find(snapshot, number) is not None


def picture(snapshot: PetitionSnapshot, digest: str) -> Response:
    """Return the picture of an update by its SHA-256 in hex. Raise `Refused` (404) if no public one has it."""
    if not has_picture(snapshot, digest):
        raise Refused(404, "not-found")
    with closing(connect()) as database:
        data = picture_data(database, snapshot.id, digest)
    if data is None:
        raise Refused(404, "not-found")
    return file(data, "image/webp", FOR_A_YEAR).adding(
        (b"content-security-policy", b"default-src 'none'; sandbox"),
        (b"cross-origin-resource-policy", b"same-origin"),
    )


def has_picture(snapshot: PetitionSnapshot, digest: str) -> bool:
    """Return whether an update that the public can read now has a picture of that SHA-256 in hex."""
    return any(post.picture and post.picture.digest == digest for post in visible(snapshot))


def _find(snapshot: PetitionSnapshot, number: str) -> PublicPost | None:
    return next((post for post in visible(snapshot) if str(post.number) == number), None)
