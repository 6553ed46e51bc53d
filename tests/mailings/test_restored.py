"""A restored backup sends nothing by itself, because it does not know what was sent after it was made."""

from pathlib import Path

from mailings.world import Post, Recorder, begun, subscribe, write
from sabal import database as raw
from sabal.mailings import control, tables
from sabal.mailings.running import cancel_unended
from sabal.operating.backup import backup
from sites import NOW, SiteOfTests


def test_what_was_being_sent_is_cancelled_and_a_plan_is_a_draft(site: SiteOfTests) -> None:
    site.publish()
    subscribe(site, "suzie@example.org")
    running, planned, ended = begun(), write(), begun(now=NOW - 9, organisation="another")
    control.plan(planned, NOW + 60, "UTC", None)
    ended.ended_at = NOW
    ended.save()
    with site.database.transaction():
        cancel_unended(site.database, NOW)
    for mailing in (running, planned, ended):
        mailing.refresh_from_db()
    assert [one.state for one in (running, planned, ended)] == ["cancelled", "draft", "sent"]
    recorder = Recorder()
    post = Post(site, [recorder])
    post.until_idle()
    post.close()
    assert recorder.sent == []


def test_a_backup_has_the_texts_and_numbers_and_not_the_recipients(site: SiteOfTests, tmp_path: Path) -> None:
    site.publish()
    subscribe(site, "suzie@example.org")
    mailing, recorder = begun(), Recorder()
    post = Post(site, [recorder])
    post.until_idle()
    post.close()
    rows = backup(tmp_path / "copy")
    assert (
        rows["mailings_mailing"] == 1 and rows["mailings_mailingtext"] == 2 and rows["mailings_sum"] == 1 + 1
    )
    assert "mailings_recipient" not in rows
    assert sum(tables.sums(site.database, mailing.pk).values()) == 1
    if site.vendor == "sqlite":
        copy = raw.connect(f"sqlite://{tmp_path / 'copy' / 'sabal.sqlite3'}")
        assert copy.query("SELECT COUNT(*) FROM mailings_recipient") == [(0,)]
        copy.close()
