"""After a restore nobody is invited twice, no list goes on by itself, and the link in each email still works."""

from pathlib import Path

import pytest

from desk_clients import Person
from elsewhere.test_inviting import begin, made, olga, queue_all, table
from operating.test_restore import empty_database
from sabal import database as raw
from sabal.elsewhere import invitations, inviting, people, tables
from sabal.elsewhere.models import InvitationList, Invited
from sabal.keys.keyring import SUBSCRIBERS
from sabal.mail.address import EmailAddress
from sabal.newsletter import suppression
from sabal.newsletter.subscription import address_hash
from sabal.operating.backup import backup
from sabal.operating.erasures import apply_journal
from sabal.operating.restore import restore
from sites import NOW, SiteOfTests

__all__ = ["olga"]


def test_a_restore_invites_nobody_twice(
    site: SiteOfTests,
    olga: Person,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    running, waiting = made(olga, table(70)), made(olga, table(20, first=200))
    begin(olga, running)
    assert queue_all(site, rounds=1) == inviting.PART
    backup(tmp_path / "copy")
    assert queue_all(site, NOW + inviting.PAUSE) == 20  # after the backup
    begin(olga, waiting)
    assert queue_all(site, NOW + 10 * inviting.PAUSE) == 20
    before = set(Invited.objects.values_list("id", flat=True))
    assert len(before) == 90

    empty_database(site, request, monkeypatch)
    restore(tmp_path / "copy")
    site.database = raw.connect()
    assert queue_all(site, NOW + 20 * inviting.PAUSE) == 0
    assert not InvitationList.objects.exclude(stopped=True, ended_at__isnull=False).exists()
    assert set(Invited.objects.values_list("id", flat=True)) == before, "their links work"

    numbers = people.Numbers()
    reason = invitations.Reason("Change.org", "", "consent", "They agreed.", "en")
    user, petition = running.user, running.petition
    again = invitations.make(
        user, petition, tables.read([table(70) + b"\nx,new@example.org,en"]), numbers, reason
    )
    invitations.begin(user, again)
    assert queue_all(site, NOW + 30 * inviting.PAUSE) == 1, "only who is new"

    key = site.keystore.find(site.database, SUBSCRIBERS)
    hashed = address_hash(key, EmailAddress.parse("suzie69@example.org"))
    inviting.refuse(site.database, Invited.objects.get(address_hash=hashed).pk, 20_000)
    assert suppression.suppressed(site.database, [hashed]) == {hashed}


def test_the_last_line_of_an_address_has_its_link(site: SiteOfTests, olga: Person) -> None:
    """A crash between the journal and the commit leaves a line of an email that was never queued."""
    begin(olga, made(olga, table(1)))
    site.refresh()
    with pytest.MonkeyPatch.context() as patch, pytest.raises(OSError, match="disk"):

        def fails(*_: object) -> None:
            raise OSError("the disk is full")

        patch.setattr(inviting, "store", fails)
        inviting.queue_due(site.database, site.keystore, site.snapshots, NOW)
    assert queue_all(site) == 1
    kept = Invited.objects.get().pk
    Invited.objects.all().delete()
    for _ in range(2):
        with site.database.transaction():
            assert apply_journal(site.database) == (2, 0)
        assert Invited.objects.get().pk == kept
