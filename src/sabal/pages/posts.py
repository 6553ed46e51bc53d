"""What pages and feeds show of the updates about a petition: those of this moment, each in the reader's language."""

import base64
import time
from collections.abc import Mapping
from datetime import UTC, date, datetime

from sabal import settings
from sabal.pages.html import site_language
from sabal.petitions.locales import direction, locale_of, own_name
from sabal.petitions.posts import SHOWN, PostPicture, Posts, PublicPost, public_posts
from sabal.petitions.snapshot import PetitionSnapshot


def latest(snapshot: PetitionSnapshot, language: str) -> dict[str, object]:
    """Return what the petition's own page shows: the newest few, and how many there are in all."""
    posts = visible(snapshot)
    return {
        "newest_posts": [shown(snapshot, post, language) for post in posts[:SHOWN]],
        "all_posts": len(posts),
        "feeds": feeds(snapshot, language) if posts else (),
    }


def feeds(snapshot: PetitionSnapshot, language: str, of: str = "updates") -> tuple[tuple[str, str], ...]:
    """Return type and absolute address of each feed, of "updates" or of "progress"."""
    address = f"{settings.BASE_URL}/{language}/{snapshot.slug}/{of}"
    return (("application/atom+xml", f"{address}.atom"), ("application/feed+json", f"{address}.json"))


def visible(snapshot: PetitionSnapshot) -> Posts:
    """Return the updates that the public can read now; in a preview of one also that one."""
    return (
        snapshot.progress.posts
        if snapshot.state == "draft"
        else public_posts(snapshot.progress.posts, time.time())
    )


def shown(snapshot: PetitionSnapshot, post: PublicPost, language: str) -> dict[str, object]:
    """Return what the templates show of an update for readers of a language."""
    spoken = post.language_for(language, snapshot.definition.authoritative)
    text = post.texts[spoken]
    return {
        "number": post.number,
        "path": f"/{language}/{snapshot.slug}/updates/{post.number}",
        "text": text,
        "language": spoken,
        "dir": direction(spoken),
        "elsewhere": _named(spoken, language) if spoken != language else "",
        "day": day_of(post.public_at),
        "picture": _picture(snapshot, post.picture),
        "corrections": [
            {"day": day_of(one.at), "why": why, "language": said}
            for one in post.corrections
            for why, said in [_said(one.why, language, snapshot.definition.authoritative)]
        ],
    }


def _named(language: str, reader: str) -> str:
    """Return the name of a language for readers of another one."""
    shown = locale_of(language).get_display_name(locale_of(site_language(reader)))
    return str(shown or own_name(language))


def day_of(moment: int) -> date:
    """Return the day (UTC) of a moment in Unix time (seconds)."""
    return datetime.fromtimestamp(moment, UTC).date()


def _said(texts: Mapping[str, str], language: str, authoritative: str) -> tuple[str, str]:
    """Return the words in the reader's language, or else another, with their language."""
    spoken = next((one for one in (language, authoritative, *texts) if texts.get(one)), language)
    return texts.get(spoken, ""), spoken


def _picture(snapshot: PetitionSnapshot, found: PostPicture | None) -> dict[str, object] | None:
    if found is None:
        return None
    address = f"/{snapshot.slug}/pictures/{found.digest}.webp"
    if found.data:  # a preview shows what is not published yet, so no address has it
        address = f"data:image/webp;base64,{base64.b64encode(found.data).decode()}"
    return {"address": address, "width": found.width, "height": found.height}
