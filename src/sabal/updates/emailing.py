"""Send posts to those who asked for updates about a petition, at most as often as its organisers chose.

Posts that become public before that are gathered into one email. A post is marked in the transaction that makes its
mailing, which has a name of its own, so that nothing is sent twice after a crash.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.db import transaction
from django.db.models import Max

from sabal import settings
from sabal.accounts import listowners
from sabal.mailings.control import announce, cancel, store_texts
from sabal.mailings.models import Mailing
from sabal.mailings.rendering import MailingWords
from sabal.petitions.definition import Definition, FolderError
from sabal.petitions.models import Petition
from sabal.petitions.posts import PostText
from sabal.publishing import drafts
from sabal.updates.models import Pace, Post, PostVersion

DAY = 86_400


def email_due(now: int) -> int:
    """Make the mailings of the posts that are to be sent now, and return their number. `now` is Unix time (seconds)."""
    waiting = Post.objects.filter(emails=True, emailed_at=None, withdrawn_at=None, public_at__lte=now)
    petitions = Petition.objects.filter(pk__in=waiting.values("petition")).exclude(state=Petition.State.DRAFT)
    return sum(_email_or_skip(petition, now) for petition in petitions)


def _email_or_skip(petition: Petition, now: int) -> bool:
    """Email the posts of one petition. One that this version of Sabal cannot read waits, and stops no other."""
    try:
        return _email(petition, now)
    except FolderError:
        return False


def next_email(petition: Petition, now: int) -> int:
    """Return when the next email can be sent (Unix time in seconds). In the past: at once.

    At least a second after the last one: the moment tells which posts are in which email.
    """
    days = Pace.objects.filter(petition=petition).values_list("days", flat=True).first() or 0
    last = Post.objects.filter(petition=petition).aggregate(last=Max("emailed_at"))["last"]
    return now if last is None else int(last) + max(days * DAY, 1)


@dataclass(frozen=True)
class Emailed:
    """The email that has a post, and the other posts in it that are still public."""

    mailing: Mailing
    others: Sequence[Post]


def email_with(post: Post, now: int) -> Emailed | None:
    """Return the email that has a post; None if it was not emailed. `now` is Unix time (seconds).

    One of the others that was taken back may be planned anew, or be a draft again: it is not public either.
    """
    if post.emailed_at is None:
        return None
    same = Post.objects.filter(petition=post.petition, emailed_at=post.emailed_at)
    names = [_occasion(number, post.emailed_at) for number in same.values_list("number", flat=True)]
    mailing = Mailing.objects.filter(petition=post.petition, occasion__in=names).first()
    public = same.filter(withdrawn_at=None, public_at__lte=now)
    others = public.exclude(pk=post.pk).order_by("public_at", "number")
    return None if mailing is None else Emailed(mailing, list(others))


def take_out(post: Post, now: int) -> bool:
    """Take a post out of the email that has it, and return whether that was still being sent.

    Those who do not have the email yet get it without this post, or none if no other is in it. Runs in the transaction
    that takes the post back, with the petition locked, so no crash can come between the two.
    """
    found = email_with(post, now)
    if found is None or found.mailing.state not in ("sending", "paused"):
        return False
    try:
        definition = drafts.published_definition(post.petition)
    except FolderError:  # what would be sent cannot be known
        return cancel(found.mailing, now)
    if not found.others:
        return cancel(found.mailing, now)
    spoken = {
        one: one if one in definition.languages else definition.authoritative for one in _languages(found)
    }
    texts = {one: _words(definition, found.others, shown) for one, shown in spoken.items()}
    store_texts(found.mailing, {one: replace(words, language=one) for one, words in texts.items()})
    return True


def _languages(found: Emailed) -> list[str]:
    """Return the languages of an email, in their order. Its recipients are queued with them."""
    return list(found.mailing.texts.order_by("pk").values_list("language", flat=True))


def _occasion(number: int, now: int) -> str:
    """Return the name of the email whose last post has this number."""
    return f"update-{number}-{now}"


def _email(petition: Petition, now: int) -> bool:
    with transaction.atomic():
        Petition.objects.select_for_update().get(pk=petition.pk)
        due = Post.objects.filter(
            petition=petition, emails=True, emailed_at=None, withdrawn_at=None, public_at__lte=now
        )
        if not listowners.lists_belong_to_owner(petition):  # its readers subscribed to another organisation
            due.update(emails=False)
            return False
        posts = list(due.order_by("public_at", "number"))
        if not posts or next_email(petition, now) > now:
            return False
        Post.objects.filter(pk__in=[post.pk for post in posts]).update(emailed_at=now)
        definition = drafts.published_definition(petition)
        if definition.updates:
            announce(
                petition,
                _occasion(posts[-1].number, now),
                _texts(definition, posts),
                now=now,
                by=posts[-1].published_by_id,
            )
    return True


def _texts(definition: Definition, posts: Sequence[Post]) -> dict[str, MailingWords]:
    """Return the words of the email in each language of the petition, the one that decides first."""
    others = [one for one in definition.languages if one != definition.authoritative]
    return {one: _words(definition, posts, one) for one in (definition.authoritative, *others)}


def _words(definition: Definition, posts: Sequence[Post], language: str) -> MailingWords:
    found = []
    for post in posts:
        public = PostVersion.objects.filter(post=post, published_at__isnull=False).latest("number")
        texts = {one: PostText(**text) for one, text in public.texts.items()}
        spoken = next(
            (one for one in (language, definition.authoritative) if one in texts), next(iter(texts))
        )
        found.append(
            (texts[spoken], f"{settings.BASE_URL}/{language}/{definition.slug}/updates/{post.number}")
        )
    if len(found) == 1:
        text, address = found[0]
        return MailingWords(language, text.title, f"{text.body}\n\n{_link(address)}")
    bodies = [f"### {text.title}\n\n{text.body}\n\n{_link(address)}" for text, address in found]
    title = definition.texts[language].title
    return MailingWords(language, title, "\n\n---\n\n".join(bodies))


def _link(address: str) -> str:
    """Return Markdown of a link that shows its address. A site in development may have one without encryption."""
    return f"<{address}>" if address.startswith("https://") else address
