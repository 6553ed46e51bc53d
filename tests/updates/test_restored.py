"""After a restore no update is emailed by itself, and one that was planned is a draft again."""

from pathlib import Path

import pytest

from desk_clients import person
from operating.test_restore import empty_database
from sabal import database as raw
from sabal.mailings.models import Mailing
from sabal.operating.backup import backup
from sabal.operating.restore import restore
from sabal.petitions.models import Petition
from sabal.petitions.posts import posts_of
from sabal.updates import writing
from sabal.updates.emailing import email_due
from sabal.updates.models import Post
from sites import NOW, SiteOfTests
from updates.test_emailing import published

FAR = 4_000_000_000  # Unix time, in seconds: after every backup of a test


def test_a_restore_emails_no_update_again(
    site: SiteOfTests, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.publish()
    petition, carol = Petition.objects.get(), person("carol@example.org").user
    published(petition, carol, "Emailed")
    assert email_due(NOW) == 1
    published(petition, carol, "Waiting")
    published(petition, carol, "Planned", at=FAR)
    backup(tmp_path / "copy")
    empty_database(site, request, monkeypatch)
    restore(tmp_path / "copy")
    assert email_due(FAR + 1) == 0 and Mailing.objects.count() == 1
    emailed, waiting, planned = Post.objects.order_by("number")
    assert (emailed.emailed_at, emailed.emails) == (NOW, True)
    assert (waiting.public_at, waiting.emails, planned.public_at) == (NOW, False, None)
    site.database = raw.connect()
    assert [post.number for post in posts_of(site.database, petition.pk)] == [2, 1]
    assert writing.publish(planned, revision=planned.revision, user=carol, now=FAR)
    assert email_due(FAR) == 1  # because a person says so
