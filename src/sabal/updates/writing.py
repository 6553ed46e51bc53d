"""Write a post, publish it now or at a time, correct it, take it back. Each verb is a transaction with its audit line.

A verb changes the post only as the person saw it (its `revision`), and returns whether it did.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from django.db import transaction
from django.db.models import Max

from sabal.accounts import audit
from sabal.accounts.models import User
from sabal.petitions.models import Petition
from sabal.petitions.posts import PostText
from sabal.updates import emailing
from sabal.updates.models import Pace, Post, PostVersion
from sabal.webp import Webp

PACES = (0, 1, 7, 30)  # days


@dataclass(frozen=True)
class WrittenPost:
    """What a post says: its texts by language, and its picture."""

    texts: Mapping[str, PostText]
    picture: Webp | None = None


def begin(petition: Petition, written: WrittenPost, *, user: User | None, now: int) -> Post:
    """Store a new post, which nobody sees yet, and return it. `user` None means the server itself."""
    with transaction.atomic():
        # Two who begin at once get two numbers.
        Petition.objects.select_for_update().get(pk=petition.pk)
        last = Post.objects.filter(petition=petition).aggregate(last=Max("number"))["last"] or 0
        post = Post.objects.create(petition=petition, number=last + 1, made_at=now, made_by=user)
        PostVersion.objects.create(post=post, number=1, user=user, made_at=now, **_columns(written))
        audit.record(user, "update-written", petition=petition, details=str(post.number))
    return post


def save(post: Post, written: WrittenPost, *, revision: int, user: User, now: int) -> bool:
    """Store what a post says. Of a published one it becomes a correction, which nobody sees before it is published."""
    with transaction.atomic():
        found = _locked(post, revision)
        if found is None:
            return False
        last = newest(found)
        if read(last) == written:
            return True
        if last.published_at is None:
            PostVersion.objects.filter(pk=last.pk).update(user=user, made_at=now, **_columns(written))
        else:
            PostVersion.objects.create(
                post=found, number=last.number + 1, user=user, made_at=now, **_columns(written)
            )
        _changed(found, "update-written", user)
    return True


def publish(
    post: Post,
    *,
    revision: int,
    user: User | None,
    now: int,
    at: int | None = None,
    zone: str = "",
    emails: bool = True,
    why: Mapping[str, str] | None = None,
) -> bool:
    """Let the public see the newest version of a post: now, or from `at` on (Unix time in seconds).

    A post that is public already is corrected at once; `why` says the reason to its readers. It is not emailed again.
    """
    with transaction.atomic():
        found = _locked(post, revision)
        if found is None or not newest(found).texts:
            return False
        was_public = found.public_at is not None and found.public_at <= now and found.withdrawn_at is None
        waiting = found.versions.filter(published_at=None)
        waiting.update(published_at=now, why=dict(why or {}) if was_public else {})
        found.withdrawn_at, found.published_by = None, user
        if not was_public:
            found.public_at, found.zone, found.emails = max(now, at or now), zone if at else "", emails
        found.save()
        what = "update-corrected" if was_public else "update-planned" if at else "update-published"
        _changed(found, what, user)
    return True


def unpublish(post: Post, *, revision: int, user: User, now: int) -> bool:
    """Take a post back: the public does not see it any more, or will not see it. Its versions stay on the desk.

    Those who do not have its email yet get it without this post, or none if no other is in it.
    """
    with transaction.atomic():
        found = _locked(post, revision)
        if found is None or found.public_at is None or found.withdrawn_at is not None:
            return False
        if found.public_at > now:
            found.public_at = None
            if not found.was_public:
                found.versions.update(published_at=None)  # nobody has seen it
        else:
            found.withdrawn_at, found.was_public = now, True
            emailing.take_out(found, now)
        found.save()
        _changed(found, "update-taken-back", user)
    return True


def discard(post: Post, *, revision: int, user: User) -> bool:
    """Delete what is not published: a draft as a whole, of a published post the correction."""
    with transaction.atomic():
        found = _locked(post, revision)
        if found is None:
            return False
        found.versions.filter(published_at=None).delete()
        _changed(found, "update-discarded", user)
        if not found.versions.exists():
            found.delete()
    return True


def set_pace(petition: Petition, days: int, *, user: User) -> None:
    """Say how often updates are sent by email at most: once in so many days, 0 for each."""
    with transaction.atomic():
        Pace.objects.update_or_create(petition=petition, defaults={"days": days})
        audit.record(user, "updates-pace", petition=petition, details=str(days))


def newest(post: Post) -> PostVersion:
    """Return the newest version of a post, published or not."""
    return post.versions.order_by("-number")[0]


def read(version: PostVersion) -> WrittenPost:
    """Return what a version says."""
    picture = Webp(bytes(version.picture), version.width, version.height) if version.digest else None
    return WrittenPost({language: PostText(**text) for language, text in version.texts.items()}, picture)


def _columns(written: WrittenPost) -> dict[str, object]:
    shown = written.picture
    return {
        "texts": {language: asdict(text) for language, text in written.texts.items()},
        "picture": shown.data if shown else b"",
        "digest": hashlib.sha256(shown.data).hexdigest() if shown else "",
        "width": shown.width if shown else 0,
        "height": shown.height if shown else 0,
    }


def _locked(post: Post, revision: int) -> Post | None:
    """Return the post, locked, if it is still as the person saw it.

    Its petition is locked first, as where emails are made: no email is made of a post while it is taken back.
    """
    Petition.objects.select_for_update().get(pk=post.petition_id)
    return Post.objects.select_for_update().filter(pk=post.pk, revision=revision).first()


def _changed(post: Post, what: str, user: User | None) -> None:
    """Count the change, let public processes read it, and add the line of the audit log."""
    Post.objects.filter(pk=post.pk).update(revision=post.revision + 1)
    post.petition.progressed()
    audit.record(user, what, petition=post.petition, details=str(post.number))
