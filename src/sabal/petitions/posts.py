"""The updates about a petition: public posts, each in one or more of its languages. Read with raw SQL.

The desk stores them (`updates`). A post is public from its moment on, by the clock alone, so that no process has to do
anything then. A published version of a post never changes: a correction is a further version.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sabal.database import Database

TITLE_LENGTH, BODY_LENGTH = 200, 20_000
SHOWN = 3  # of the newest, on the petition's own page


@dataclass(frozen=True)
class PostText:
    """A post in one language. `body` is Markdown, `picture` says what is to be seen in the picture."""

    title: str
    body: str
    picture: str = ""


@dataclass(frozen=True)
class PostPicture:
    """The picture of a post: the SHA-256 of its bytes in hex, and its size in pixels. `data` only in a preview."""

    digest: str
    width: int
    height: int
    data: bytes = field(default=b"", repr=False)


@dataclass(frozen=True)
class Correction:
    """When a post that was public was corrected (Unix time in seconds), and why, by language."""

    at: int
    why: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PublicPost:
    """One post. `number` is in its address. It is public from `public_at` on (Unix time in seconds)."""

    number: int
    public_at: int
    texts: Mapping[str, PostText]
    picture: PostPicture | None = None
    corrections: tuple[Correction, ...] = ()

    @property
    def changed_at(self) -> int:
        """Return when it was corrected last, or else when it became public (Unix time in seconds)."""
        return self.corrections[-1].at if self.corrections else self.public_at

    def language_for(self, language: str, authoritative: str) -> str:
        """Return the language in which a reader gets it: their own, the one that decides, or else the first."""
        return next((one for one in (language, authoritative) if one in self.texts), next(iter(self.texts)))


Posts = tuple[PublicPost, ...]


def public_posts(posts: Sequence[PublicPost], now: float) -> Posts:
    """Return those that are public at a moment (Unix time in seconds), the newest first."""
    return tuple(post for post in posts if post.public_at <= now)


_QUERY = (
    "SELECT p.number, p.public_at, v.published_at, v.texts, v.digest, v.width, v.height, v.why"
    " FROM updates_post p JOIN updates_postversion v ON v.post_id = p.id"
    " WHERE p.petition_id = ? AND p.public_at IS NOT NULL AND p.withdrawn_at IS NULL AND v.published_at IS NOT NULL"
    " ORDER BY p.public_at DESC, p.number DESC, v.number"
)


def posts_of(database: Database, petition_id: int) -> Posts:
    """Return the published posts of a petition, also those whose moment is still to come, the newest first."""
    found: dict[int, PublicPost] = {}
    for number, public_at, published_at, texts, digest, width, height, why in database.query(
        _QUERY, (petition_id,)
    ):
        before = found.get(number)
        corrections = before.corrections if before else ()
        if before and published_at > public_at:
            corrections = (*corrections, Correction(published_at, _mapping(why)))
        picture = PostPicture(digest, width, height) if digest else None
        written = {language: PostText(**text) for language, text in _mapping(texts).items()}
        found[number] = PublicPost(number, public_at, written, picture, corrections)
    return tuple(found.values())


def picture_data(database: Database, petition_id: int, digest: str) -> bytes | None:
    """Return the bytes of the picture of a published post by their SHA-256 in hex; None if there is none."""
    rows = database.query(
        "SELECT v.picture FROM updates_postversion v JOIN updates_post p ON p.id = v.post_id"
        " WHERE p.petition_id = ? AND v.digest = ? AND v.published_at IS NOT NULL ORDER BY v.id LIMIT 1",
        (petition_id, digest),
    )
    return bytes(rows[0][0]) if rows else None


def _mapping(column: Any) -> Any:
    return json.loads(column) if isinstance(column, str) else column
