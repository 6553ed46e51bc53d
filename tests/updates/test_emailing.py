"""Posts by email: once, gathered as often as the organisers chose, and neutral for a guarded petition."""

import pytest

from desk_clients import person
from sabal.accounts.models import User
from sabal.mail.emails import Site
from sabal.mailings.models import Mailing, MailingText
from sabal.mailings.rendering import MailingContext, render
from sabal.mailings.running import one as running
from sabal.petitions.models import Petition
from sabal.petitions.posts import PostText
from sabal.updates import writing
from sabal.updates.emailing import email_due
from sabal.updates.models import Post
from sabal.updates.writing import WrittenPost
from sites import NOW, SiteOfTests

DAY = 86_400


@pytest.fixture
def carol(site: SiteOfTests) -> User:
    site.publish()
    return person("carol@example.org").user


@pytest.fixture
def petition(carol: User) -> Petition:
    return Petition.objects.get()


def published(petition: Petition, carol: User, title: str, now: int = NOW, **how: object) -> Post:
    written = WrittenPost({"en": PostText(title, f"Text of {title}.")})
    post = writing.begin(petition, written, user=carol, now=now)
    assert writing.publish(post, revision=1, user=carol, now=now, **how)  # type: ignore[arg-type]
    return Post.objects.get(pk=post.pk)


def test_a_post_is_emailed_once_when_it_is_public(petition: Petition, carol: User) -> None:
    published(petition, carol, "Planned", at=NOW + 60)
    assert email_due(NOW) == 0 and not Mailing.objects.exists()
    assert email_due(NOW + 60) == 1 and email_due(NOW + 60) == 0 and email_due(NOW + 10 * DAY) == 0
    mailing = Mailing.objects.get()
    assert (mailing.petition, mailing.fallback, mailing.made_by, mailing.archived) == (
        petition,
        "en",
        carol,
        False,
    )
    text = mailing.texts.get(language="en")
    assert text.subject == "Planned" and text.body.startswith("Text of Planned.")
    assert f"/en/{petition.slug}/updates/1" in text.body
    assert f"/ko/{petition.slug}/updates/1" in mailing.texts.get(language="ko").body


def test_posts_within_the_pace_are_gathered_into_one_email(petition: Petition, carol: User) -> None:
    writing.set_pace(petition, 7, user=carol)
    published(petition, carol, "One")
    assert email_due(NOW) == 1
    published(petition, carol, "Two", NOW + DAY)
    published(petition, carol, "Three", NOW + 2 * DAY)
    assert email_due(NOW + 2 * DAY) == 0 and email_due(NOW + 7 * DAY - 1) == 0
    assert email_due(NOW + 7 * DAY) == 1 and Mailing.objects.count() == 2
    body = MailingText.objects.get(mailing=Mailing.objects.latest("pk"), language="en").body
    assert "Text of One" not in body and body.index("Text of Two") < body.index("Text of Three")
    assert email_due(NOW + 30 * DAY) == 0


@pytest.mark.parametrize("how", ["taken back", "not wanted", "corrected"])
def test_what_is_not_to_be_emailed_is_not(petition: Petition, carol: User, how: str) -> None:
    post = published(petition, carol, "One", emails=how != "not wanted")
    if how == "taken back":
        assert writing.unpublish(post, revision=post.revision, user=carol, now=NOW)
    if how == "corrected":
        assert email_due(NOW) == 1
        writing.save(
            post, WrittenPost({"en": PostText("Better", "x")}), revision=post.revision, user=carol, now=NOW
        )
        post.refresh_from_db()
        assert writing.publish(post, revision=post.revision, user=carol, now=NOW + 1)
    assert email_due(NOW + DAY) == 0
    assert Mailing.objects.count() == (how == "corrected")


@pytest.mark.parametrize("gathered", [False, True])
def test_taking_a_post_back_stops_an_email_that_has_it_alone(
    petition: Petition, carol: User, gathered: bool
) -> None:
    posts = [published(petition, carol, title) for title in ("One", "Two")[: 1 + gathered]]
    other = published(petition, carol, "Later", NOW + DAY)
    assert email_due(NOW) == 1 and email_due(NOW + DAY) == 1
    post = Post.objects.get(pk=posts[-1].pk)
    assert writing.unpublish(post, revision=post.revision, user=carol, now=NOW + DAY)
    first, later = Mailing.objects.order_by("pk")
    assert first.cancelled_at == (None if gathered else NOW + DAY)
    assert later.occasion.startswith(f"update-{other.number}-") and later.cancelled_at is None


def test_a_petition_that_offers_no_updates_emails_nobody(site: SiteOfTests) -> None:
    site.publish(updates="false")
    carol = person("carol@example.org").user
    published(Petition.objects.get(), carol, "One")
    email_due(NOW)
    assert not Mailing.objects.exists()


def test_the_email_of_a_guarded_petition_says_nothing_of_it(
    site: SiteOfTests, petition: Petition, carol: User
) -> None:
    snapshot = site.petition()
    assert snapshot.profile.guarded
    published(petition, carol, "The embassy answered")
    assert email_due(NOW) == 1
    mailing = running(site.database, Mailing.objects.get().pk)
    occasion = MailingContext(snapshot.definition, snapshot.definition, snapshot.organisation, mailing.id)
    for language in snapshot.definition.languages:
        email = render(mailing.texts[language], occasion, Site())
        everything = f"{email.subject}\n{email.text}\n{email.html}\n{email.head.decode()}"
        text = snapshot.definition.texts[language]
        for secret in (
            "embassy",
            "answered",
            text.title,
            snapshot.slug,
            snapshot.definition.organiser[language],
        ):
            assert secret not in everything, secret
        assert snapshot.definition.hint in everything
