"""`sabal mailing`: for operators who have a shell and no browser."""

import pytest
from click.testing import CliRunner
from django.db.models import F

from mailings.world import CAROLS, Post, Recorder, begun, subscribe, write
from sabal.cli import main
from sabal.mailings.models import MailingTest
from sabal.petitions.models import Petition
from sites import SiteOfTests


def run(*arguments: object, answer: str = "") -> tuple[int, str]:
    done = CliRunner().invoke(main, ["mailing", *map(str, arguments)], input=answer)
    return done.exit_code, done.output


def test_send_pause_continue_and_status(site: SiteOfTests) -> None:
    site.publish()
    assert "No mailing yet" in run("status")[1]
    subscribe(site, "suzie@example.org", "max@example.net")
    mailing = write()
    assert "draft" in run("status")[1]
    assert run("send", mailing.pk, answer="n\n")[0] == 1
    mailing.refresh_from_db()
    assert mailing.state == "draft"
    code, said = run("send", mailing.pk, answer="y\n")
    assert code == 0 and "2 readers (en 2)" in said
    assert run("pause", mailing.pk)[0] == 0 and run("pause", mailing.pk)[0] == 2
    assert "continues" in run("send", mailing.pk)[1]
    recorder = Recorder()
    post = Post(site, [recorder])
    post.until_idle()
    post.close()
    assert len(recorder.sent) == 2
    said = run("status", mailing.pk)[1]
    assert "accepted  2" in said and "sent" in said and "example" not in said
    assert run("pause", mailing.pk, "--for-good")[0] == 2 and run("send", mailing.pk)[0] == 2


def test_a_newsletter_without_a_published_petition_is_not_sent(site: SiteOfTests) -> None:
    site.publish()
    subscribe(site, "suzie@example.org", organisation="gone")
    mailing = write(organisation="gone")
    code, said = run("send", mailing.pk, "--yes")
    mailing.refresh_from_db()
    assert mailing.state == "draft" and code == 2 and "No published petition has the key gone" in said


@pytest.mark.parametrize("about", ["a petition", "its organisation"])
def test_status_says_why_a_mailing_waits_and_how_to_cancel_it(site: SiteOfTests, about: str) -> None:
    petition = site.publish()
    subscribe(site, "suzie@example.org", petition=petition.id if about == "a petition" else 0)
    mailing = begun(petition_id=petition.id if about == "a petition" else None)
    assert "waits" not in run("status")[1] + run("status", mailing.pk)[1]
    if about == "a petition":
        Petition.objects.update(state=Petition.State.DRAFT, revision=F("revision") + 1)
    else:
        Petition.objects.update(
            organisation="another", revision=F("revision") + 1
        )  # given away, and its text names the new one
    recorder = Recorder()
    post = Post(site, [recorder])
    post.until_idle()
    assert recorder.sent == [] and "it waits" in run("status")[1]
    said = run("status", mailing.pk)[1]
    assert "It waits, and nothing more is sent" in said and "Cancel it: sabal mailing pause" in said
    assert (
        "is not published any more" if about == "a petition" else f"has the key {CAROLS} any more"
    ) in said
    assert run("pause", mailing.pk, "--for-good")[0] == 0
    post.until_idle()
    post.close()
    said = run("status", mailing.pk)[1]
    assert "cancelled" in said and "waits" not in said


@pytest.mark.parametrize("address", ["", "suzie", "a@example.org, b@example.org"])
def test_a_test_goes_to_one_address(site: SiteOfTests, address: str) -> None:
    mailing = write()
    assert run("test", mailing.pk, "--to", address)[0] == 2 and not MailingTest.objects.exists()
    assert run("test", mailing.pk, "--to", "olga@example.org")[0] == 0
    assert MailingTest.objects.get().email == "olga@example.org"


def test_an_unknown_number_is_refused(site: SiteOfTests) -> None:
    for command in (
        ["status", 9],
        ["send", 9, "--yes"],
        ["pause", 9],
        ["test", 9, "--to", "olga@example.org"],
    ):
        code, said = run(*command)
        assert code == 2 and "There is no mailing 9" in said
