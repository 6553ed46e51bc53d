"""Updates as the pages of the desk show them."""

import time
from datetime import UTC, datetime

from django.http import Http404
from django.utils.translation import gettext

from sabal.accounts import listowners
from sabal.desk.moments import on_clocks
from sabal.desk.titles import public_definition_of
from sabal.petitions.definition import Definition
from sabal.petitions.models import Petition
from sabal.publishing import drafts
from sabal.refusal import Refusal
from sabal.updates.models import Post
from sabal.updates.writing import WrittenPost


def definition_of(petition: Petition) -> Definition:
    """Return what the public reads. Raises Refusal for a draft, about which there is nothing to tell yet."""
    if petition.state == Petition.State.DRAFT:
        raise Refusal(gettext("Updates can be written once the petition is published."))
    return public_definition_of(petition) or drafts.published_definition(petition)


def are_emailed(petition: Petition) -> bool:
    """Return whether updates are emailed: to people who subscribed to the organisation that has the petition now."""
    return definition_of(petition).updates and listowners.lists_belong_to_owner(petition)


def find_post(petition: Petition, number: int) -> Post:
    """Return an update. Raises Http404."""
    post = Post.objects.filter(petition=petition, number=number).first()
    if post is None:
        raise Http404
    return post


def is_public(post: Post) -> bool:
    """Return whether the public sees an update now."""
    return post.public_at is not None and post.withdrawn_at is None and post.public_at <= time.time()


def languages_of(definition: Definition, written: WrittenPost) -> list[str]:
    """Return the languages of the petition, those that the update has first."""
    first = definition.authoritative
    languages = (first, *(one for one in definition.languages if one != first))
    return sorted(languages, key=lambda one: one not in written.texts)


def row_of(post: Post, definition: Definition, now: int) -> dict[str, object]:
    """Return what the list shows of an update."""
    versions = sorted(post.versions.all(), key=lambda one: -one.number)
    newest = versions[0]
    language = next((one for one in (definition.authoritative, *newest.texts) if one in newest.texts), "")
    if post.withdrawn_at is not None:
        state = "withdrawn"
    elif post.public_at is None:
        state = "draft"
    else:
        state = "public" if post.public_at <= now else "planned"
    return {
        "post": post,
        "title": newest.texts[language]["title"] if language else "",
        "language": language,
        "languages": list(newest.texts),
        "state": state,
        "at": on_clocks(datetime.fromtimestamp(post.public_at, UTC), post.zone or "UTC")
        if post.public_at
        else None,
        "zone": post.zone or "UTC",
        "correction": state == "public" and newest.published_at is None,
        "deletable": newest.published_at is None,
        "versions": [
            {"version": one, "at": datetime.fromtimestamp(one.published_at or one.made_at, UTC)}
            for one in versions
        ],
        "emailed": datetime.fromtimestamp(post.emailed_at, UTC) if post.emailed_at else None,
        "waits": post.emails
        and post.emailed_at is None
        and state in ("public", "planned")
        and definition.updates,
        "address": f"{address_of(post.petition, definition.authoritative)}/{post.number}",
    }


def address_of(petition: Petition, language: str) -> str:
    """Return the path of the public page of updates."""
    return f"/{language}/{petition.slug}/updates"
