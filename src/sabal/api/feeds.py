"""The feeds of a petition in each language: its updates, and its progress (what was delivered, answered and said).

An entry has the same id for as long as the petition's log has its name, also after a move to another domain.
"""

import uuid
from datetime import UTC, date, datetime

from django.template.loader import render_to_string
from django.utils import translation
from django.utils.html import format_html
from django.utils.translation import gettext

from sabal import settings
from sabal.api import syndication
from sabal.api.syndication import Entry, Feed, time_of
from sabal.http import Refused, Response
from sabal.pages import html
from sabal.pages.posts import visible
from sabal.pages.progressview import TimelineEntry, timeline_entries
from sabal.petitions.locales import isolated
from sabal.petitions.markdown import to_html
from sabal.petitions.posts import PostText, PublicPost
from sabal.petitions.snapshot import PetitionSnapshot

MOST = 50  # entries


def atom(snapshot: PetitionSnapshot, language: str) -> Response:
    """Return the newest updates as Atom."""
    return syndication.atom(_of_updates(snapshot, language))


def json_feed(snapshot: PetitionSnapshot, language: str) -> Response:
    """Return the newest updates as JSON Feed."""
    return syndication.json_feed(_of_updates(snapshot, language))


def progress_atom(snapshot: PetitionSnapshot, language: str) -> Response:
    """Return the newest deliveries, answers and statements as Atom."""
    return syndication.atom(_of_progress(snapshot, language))


def progress_json(snapshot: PetitionSnapshot, language: str) -> Response:
    """Return the newest deliveries, answers and statements as JSON Feed."""
    return syndication.json_feed(_of_progress(snapshot, language))


def updates(snapshot: PetitionSnapshot) -> list[dict[str, object]]:
    """Return all updates for the JSON of the petition, the newest first."""
    return [
        {
            "number": post.number,
            "published_at": time_of(post.public_at),
            "updated_at": time_of(post.changed_at),
            "corrections": [{"at": time_of(one.at), "why": dict(one.why)} for one in post.corrections],
            "picture": picture_address(snapshot, post) or None,
            "texts": {
                language: {
                    "url": f"{_address(snapshot, language, 'updates')}/{post.number}"
                    if language in snapshot.definition.languages
                    else None,
                    "title": text.title,
                    "body": text.body,
                    "picture_description": text.picture or None,
                }
                for language, text in post.texts.items()
            },
        }
        for post in visible(snapshot)
    ]


def picture_address(snapshot: PetitionSnapshot, post: PublicPost) -> str:
    """Return the absolute address of the picture of an update; empty if it has none."""
    return f"{settings.BASE_URL}/{snapshot.slug}/pictures/{post.picture.digest}.webp" if post.picture else ""


def _of_updates(snapshot: PetitionSnapshot, language: str) -> Feed:
    _refuse_unknown(snapshot, language)
    entries = [_of_post(snapshot, post, language) for post in visible(snapshot)[:MOST]]
    return _feed(snapshot, language, "updates", entries)


def _of_post(snapshot: PetitionSnapshot, post: PublicPost, language: str) -> Entry:
    spoken = post.language_for(language, snapshot.definition.authoritative)
    return Entry(
        id=_id(snapshot, "updates", language, str(post.number)),
        url=f"{_address(snapshot, language, 'updates')}/{post.number}",
        language=spoken,
        title=post.texts[spoken].title,
        content=_content(snapshot, post, post.texts[spoken]),
        published=post.public_at,
        changed=post.changed_at,
        image=picture_address(snapshot, post),
    )


def _content(snapshot: PetitionSnapshot, post: PublicPost, text: PostText) -> str:
    """Return an update as HTML, with its picture first."""
    body = to_html(text.body)
    if post.picture is None:
        return body
    shown = format_html(
        '<p><img src="{}" alt="{}" width="{}" height="{}"></p>\n',
        picture_address(snapshot, post),
        text.picture,
        post.picture.width,
        post.picture.height,
    )
    return f"{shown}{body}"


def _of_progress(snapshot: PetitionSnapshot, language: str) -> Feed:
    _refuse_unknown(snapshot, language)
    with translation.override(html.site_language(language)):
        newest = sorted(timeline_entries(snapshot, language), key=lambda one: one.recorded_on, reverse=True)
        entries = [_of_entry(snapshot, one, language) for one in newest[:MOST]]
    return _feed(snapshot, language, "progress", entries)


def _of_entry(snapshot: PetitionSnapshot, one: TimelineEntry, language: str) -> Entry:
    """Return an entry for a line of the timeline, dated by the day on which it was recorded."""
    page = _address(snapshot, language, "progress")
    return Entry(
        id=_id(snapshot, "progress", language, one.key),
        url=f"{page}#{one.anchor}" if one.anchor else page,
        language=language,
        title=one.title,
        content=html.without_double_stops(
            render_to_string(
                "petitions/_feed_entry.html",
                {"one": one.line, "row": one.row, "language": language, "base": settings.BASE_URL},
            )
        ),
        published=_moment(one.recorded_on),
        changed=_moment(one.changed_on),
    )


def _feed(snapshot: PetitionSnapshot, language: str, kind: str, entries: list[Entry]) -> Feed:
    own = html.site_language(language)
    title = isolated(" ".join(snapshot.definition.texts[language].title.split()), language, own)
    with translation.override(own):
        names = {"updates": gettext("Updates: %(title)s"), "progress": gettext("Progress: %(title)s")}
    page = _address(snapshot, language, kind)
    return Feed(
        id=_id(snapshot, kind, language, "0"),
        language=language,
        title=names[kind] % {"title": title},
        author=snapshot.definition.organiser[language],
        page=page,
        entries=entries,
        began=_moment(snapshot.opened_on) if snapshot.opened_on else 0,
    )


def _refuse_unknown(snapshot: PetitionSnapshot, language: str) -> None:
    if language not in snapshot.definition.languages:
        raise Refused(404, "not-found")


def _address(snapshot: PetitionSnapshot, language: str, kind: str) -> str:
    return f"{settings.BASE_URL}/{language}/{snapshot.slug}/{kind}"


def _id(snapshot: PetitionSnapshot, kind: str, language: str, key: str) -> str:
    return uuid.uuid5(uuid.NAMESPACE_URL, f"https://{snapshot.origin}/{kind}/{language}/{key}").urn


def _moment(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
