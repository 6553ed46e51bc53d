"""A published text is changed on the desk: difference, reason, worker, and what can go wrong on the way."""

from datetime import timedelta

import pytest
from django.utils import timezone

import agefile
from desk_clients import Person, person
from sabal.accounts import invitations
from sabal.accounts.acts import TeamRole
from sabal.accounts.models import AuditEntry, Membership, Organisation, Ownership, User
from sabal.desk import tasks
from sabal.desk.models import Job
from sabal.desk.termseditor import TermsEditor
from sabal.desk.working import Tasks
from sabal.keys.keystore import KeyStore
from sabal.mail.emails import Email, Site
from sabal.mail.ids import TEAM_NEW_KEY
from sabal.mail.kinds import render
from sabal.mail.row import open_body
from sabal.petitions.models import Petition, Version
from sabal.publishing import drafts, states
from served import SLUG
from signing.steps import confirmed
from sites import NOW, TODAY, SiteOfTests

HERE = f"/petitions/{SLUG}/amendment"
WHY = {"kind": "correction", "why:en": "A word was missing.", "why:ko": "단어가 빠졌습니다."}


@pytest.fixture
def olga(site: SiteOfTests) -> Person:
    """Return an owner of the organisation of a published petition."""
    published = site.publish()
    ours = Organisation.objects.create(key="ours", name="Ours")
    Ownership.objects.create(petition_id=published.id, organisation=ours)
    return member("olga", TeamRole.OWNER)


def member(name: str, role: TeamRole, rights: tuple[str, ...] = ()) -> Person:
    """Return a person who joined long ago."""
    found = person(f"{name}@example.org", role, organisation=Organisation.objects.get(), rights=rights)
    long_ago = timezone.now() - timedelta(days=30)
    User.objects.filter(pk=found.user.pk).update(joined_at=long_ago)
    found.user.memberships.update(since=long_ago)
    found.user.refresh_from_db()
    return found


def change_title(olga: Person, title: str = "Let them live") -> None:
    petition = Petition.objects.get()
    form = {**wording("en"), "title": title, "revision": petition.revision}
    answer = olga.browser.post(f"/petitions/{SLUG}/text/en", form)
    assert answer.status_code == 302, answer.content.decode()


def wording(language: str) -> dict[str, str]:
    from sabal.petitions import editing

    front, body = editing.wording(drafts.export_files(SLUG)[f"{language}.md"])
    return {**front, "body": body}


def change_key(olga: Person) -> agefile.Identity:
    """Choose another key, and show that it opens."""
    identity = agefile.generate()
    assert olga.browser.post(f"/petitions/{SLUG}/key", {"key": str(identity.recipient)}).status_code == 302
    code = agefile.decrypt(olga.browser.post(f"/petitions/{SLUG}/key/check-file").content, [identity])
    answer = olga.browser.post(f"/petitions/{SLUG}/key/code", {"code": code.decode()})
    assert answer["Location"] == HERE
    return identity


def ask(who: Person, **form: str) -> str:
    """Ask to publish the change, and return the address that it leads to."""
    seen = {"revision": str(Petition.objects.get().revision)}
    answer = who.browser.post(f"{HERE}/publish", seen | WHY | form)
    assert answer.status_code == 302, answer.content.decode()
    return str(answer["Location"])


def work(site: SiteOfTests) -> None:
    while Tasks("a").work(site.database):
        pass


def test_a_typo_is_corrected_while_people_sign(site: SiteOfTests, olga: Person) -> None:
    before = site.petition()
    confirmed(site, before)
    assert b"Nothing is changed yet" in olga.browser.get(HERE).content
    change_title(olga)
    page = olga.browser.get(HERE).content.decode()
    assert "<ins>Let them live" in page.replace("\n", "") and "<del>" in page
    confirmed(site, site.petition(), "max@example.org")  # signing goes on
    assert site.petition().manifest == before.manifest
    job = ask(olga)
    work(site)
    done = olga.browser.get(job).content.decode()
    assert "The change is public" in done and f"/en/{SLUG}/versions" in done
    after = site.petition()
    assert after.state == "open" and after.definition.texts["en"].title == "Let them live"
    amendment = after.versions[-1].amendment
    assert amendment and amendment.why == {"en": "A word was missing.", "ko": "단어가 빠졌습니다."}
    line = AuditEntry.objects.latest("pk")
    assert (line.what, line.details) == ("amended", "A word was missing.")
    site.sequence(after, NOW + 604_800)
    assert site.petition().counts.counted == 2
    assert b"Nothing is changed yet" in olga.browser.get(HERE).content


def test_a_paused_petition_stays_paused(site: SiteOfTests, olga: Person) -> None:
    states.pause(SLUG)
    change_title(olga)
    ask(olga)
    work(site)
    assert site.petition().state == "paused" and len(site.petition().versions) == 2


def test_the_change_is_deleted(site: SiteOfTests, olga: Person) -> None:
    before = site.petition()
    change_title(olga)
    assert b"Delete this change?" in olga.browser.get(f"/petitions/{SLUG}/discard").content
    assert olga.browser.post(f"/petitions/{SLUG}/discard")["Location"] == HERE
    assert site.petition().manifest == before.manifest and Version.objects.count() == 1
    assert olga.browser.get(f"/petitions/{SLUG}/discard").status_code == 404
    assert AuditEntry.objects.latest("pk").what == "amendment-discarded"


def test_what_was_promised_to_signers_is_kept_and_nothing_typed_is_lost(
    site: SiteOfTests, olga: Person
) -> None:
    petition = Petition.objects.get()
    values = TermsEditor(drafts.export_files(SLUG), petition.revision, may_rename=False).main.initial
    form = {key: value for key, value in values.items() if value not in (False, None)}
    form |= {"retention": "2031-01-31", "goal": 4321}
    answer = olga.browser.post(f"/petitions/{SLUG}/terms", form)
    page = answer.content.decode()
    assert (
        answer.status_code == 422
        and "Only an earlier day is possible" in page
        and "2031-01-31" in page
        and "4321" in page
    )
    assert not drafts.has_amendment(Petition.objects.get())


@pytest.mark.parametrize(
    "form",
    [
        {"kind": "keys"},
        {"kind": "anything"},
        {"kind": ""},
        {"why:en": ""},
        {"why:en": " \r\n "},
        {"why:en": "x" * 301},
    ],
)
def test_a_change_needs_its_kind_and_its_reason(
    site: SiteOfTests, olga: Person, form: dict[str, str]
) -> None:
    change_title(olga)
    answer = olga.browser.post(f"{HERE}/publish", {"revision": "1", **WHY, **form})
    assert answer.status_code == 422 and "단어가 빠졌습니다." in answer.content.decode()
    assert not Job.objects.exists()


def test_a_change_of_what_is_asked_is_no_correction(site: SiteOfTests, olga: Person) -> None:
    files = drafts.export_files(SLUG)
    for name in files:
        if name.endswith(".md"):  # every language has the same demands
            files[name] = files[name].replace("\n- ", "\n- One demand more.\n- ", 1)
    drafts.import_files(files)
    page = olga.browser.get(f"{HERE}/publish").content.decode()
    assert 'value="correction"' not in page and 'value="meaning"' in page
    assert olga.browser.post(f"{HERE}/publish", {"revision": "1", **WHY}).status_code == 422
    ask(olga, kind="meaning")
    work(site)
    amendment = site.petition().versions[-1].amendment
    assert amendment and amendment.kind == "meaning"


def test_what_was_changed_after_it_was_looked_at_is_not_published(site: SiteOfTests, olga: Person) -> None:
    change_title(olga)
    seen = str(Petition.objects.get().revision)
    change_title(olga, "Something else entirely")
    job = ask(olga, revision=seen)
    work(site)
    assert b"was changed after you looked at it" in olga.browser.get(job).content
    assert len(site.petition().versions) == 1
    job = ask(olga)
    change_title(olga, "And again")  # between the request and the worker
    work(site)
    assert b"was changed after you looked at it" in olga.browser.get(job).content
    assert len(site.petition().versions) == 1


def test_what_is_saved_while_the_worker_publishes_is_not_published(
    site: SiteOfTests, olga: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An editor may save, and not publish: a text that nobody looked at must not slip in behind the checks."""
    change_title(olga)
    ask(olga)
    before, opened = site.petition().manifest, tasks.open_keystore

    def slowly() -> KeyStore:
        change_title(olga, "Something else")
        return opened()

    monkeypatch.setattr(tasks, "open_keystore", slowly)
    work(site)
    assert "in the meantime" in Job.objects.get().refusal and site.petition().manifest == before


def test_two_owners_who_publish_at_once_publish_once(site: SiteOfTests, olga: Person) -> None:
    carol = member("carol", TeamRole.OWNER)
    change_title(olga)
    assert ask(olga) == ask(carol, **{"why:en": "Another reason."})
    work(site)
    assert len(site.petition().versions) == 2 and Job.objects.count() == 1


def test_a_worker_that_was_killed_publishes_nothing_twice(site: SiteOfTests, olga: Person) -> None:
    from django_tasks_db.models import DBTaskResult

    change_title(olga)
    ask(olga)
    tasks.amend(Job.objects.get())
    AuditEntry.objects.filter(what="amended").delete()  # it was killed before this line
    DBTaskResult.objects.get().claim("the one that was killed")
    work(site)
    job = Job.objects.get()
    assert job.ended_at and not job.refusal
    assert [version.number for version in site.petition().versions] == [1, 2]
    assert AuditEntry.objects.filter(what="amended").count() == 1


def test_who_may_not_publish_can_change_and_look_only(site: SiteOfTests, olga: Person) -> None:
    ed, max_ = member("ed", TeamRole.EDITOR), member("max", TeamRole.VIEWER)
    change_title(ed)
    assert b"Ask a person who may publish" in ed.browser.get(HERE).content
    assert ed.browser.post(f"{HERE}/publish", {"revision": "1", **WHY}).status_code == 403
    assert max_.browser.get(HERE).status_code == 403
    assert not Job.objects.exists()


def test_a_person_who_lost_the_right_publishes_nothing(site: SiteOfTests, olga: Person) -> None:
    ed = member("ed", TeamRole.EDITOR, ("publish",))
    change_title(ed)
    job = ask(ed)
    ed.user.memberships.update(rights=[])
    work(site)
    assert len(site.petition().versions) == 1
    assert b"no right to publish any more" in olga.browser.get(job).content


def test_a_petition_that_has_ended_is_not_changed(site: SiteOfTests, olga: Person) -> None:
    change_title(olga)
    states.close(SLUG, TODAY)
    assert b"can no longer be changed" in olga.browser.get(HERE).content
    assert olga.browser.get(f"/petitions/{SLUG}/text/en").status_code == 409
    ask(olga)
    work(site)
    assert len(site.petition().versions) == 1 and site.petition().state == "closed"


@pytest.mark.parametrize("bad", ["<script>alert(1)</script>", "{{ title }}", "a\x00b", "⟦token⟧"])
def test_no_reason_is_more_than_text(site: SiteOfTests, olga: Person, bad: str) -> None:
    from sabal.pages.petition import petition as public_page
    from sabal.pages.versions import versions as public_versions

    change_title(olga)
    answer = olga.browser.post(
        f"{HERE}/publish", {**WHY, "why:en": bad, "revision": Petition.objects.get().revision}
    )
    work(site)
    if answer.status_code == 422:
        return
    after = site.petition()
    for body in (public_page(after, "en").body, public_versions(after, "en").body):
        assert b"<script>alert" not in body and "⟦".encode() not in body and b"Why: " in body


def test_the_public_reads_what_when_and_why(site: SiteOfTests, olga: Person) -> None:
    from sabal.pages.petition import petition as public_page
    from sabal.pages.versions import versions as public_versions

    change_title(olga)
    ask(olga, **{"why:ko": ""})
    work(site)
    after = site.petition()
    for page in (public_page, public_versions):
        assert b"Why: A word was missing." in page(after, "en").body
        assert '<bdi lang="en" dir="ltr">A word was missing.</bdi>' in page(after, "ko").body.decode()


def test_a_new_key_waits_for_a_second_owner(site: SiteOfTests, olga: Person) -> None:
    before = site.petition()
    carol, ed = member("carol", TeamRole.OWNER), member("ed", TeamRole.EDITOR, ("publish",))
    eve = person("eve@example.org", TeamRole.OWNER, organisation=Organisation.objects.get())  # joined today
    identity = change_key(olga)
    assert ask(olga, kind="keys") == HERE
    work(site)
    job = Job.objects.get()
    assert job.planned and site.petition().manifest == before.manifest
    agree = f"/petitions/{SLUG}/jobs/{job.pk}/agree"
    for who, said in ((olga, "Another owner"), (ed, "Only an owner"), (eve, "less than 72 hours")):
        answer = who.browser.post(agree)
        assert answer.status_code == 409 and said in answer.content.decode(), who.user
    work(site)
    assert site.petition().manifest == before.manifest
    assert carol.browser.post(agree).status_code == 302
    work(site)
    assert [str(key) for key in site.petition().organiser_keys] == [str(identity.recipient)]
    assert carol.browser.post(agree).status_code == 409


@pytest.mark.parametrize("way", ["role", "invitation", "organisation"])
def test_nobody_is_made_a_second_owner_for_a_new_key(site: SiteOfTests, olga: Person, way: str) -> None:
    """One who has joined long ago, perhaps elsewhere on the site, is made an owner and agrees at once."""
    petition, ours = Petition.objects.get(), Organisation.objects.get()
    max_ = member("max", TeamRole.VIEWER)
    if way == "role":
        form = {"role": "owner"}
        assert olga.browser.post(f"/people/{max_.user.memberships.get().pk}", form).status_code == 302
    elif way == "invitation":
        now = timezone.now()
        token = invitations.invite("max@example.org", "owner", now, invited_by=olga.user, organisation=ours)
        invitations.accept(invitations.find(token, now), now, expected=max_.user)
    else:
        other = Organisation.objects.create(key="other", name="Other")
        long_ago = timezone.now() - timedelta(days=30)
        for one in (olga, max_):
            Membership.objects.create(user=one.user, organisation=other, role=TeamRole.OWNER, since=long_ago)
        answer = olga.browser.post(f"/petitions/{SLUG}/organisation", {"organisation": "other"})
        assert answer.status_code == 302
    change_key(olga)
    ask(olga, kind="keys")
    answer = max_.browser.post(f"/petitions/{SLUG}/jobs/{Job.objects.get().pk}/agree")
    assert answer.status_code == 409 and "less than 72 hours" in answer.content.decode()
    work(site)
    assert drafts.published_definition(Petition.objects.get()) == drafts.published_definition(petition)


def test_a_new_key_is_used_after_72_hours(site: SiteOfTests, olga: Person) -> None:
    before = site.petition()
    change_key(olga)
    ask(olga, kind="keys")
    from django_tasks_db.models import DBTaskResult

    job = Job.objects.get()
    assert job.due_at and abs(job.due_at - job.asked_at - timedelta(hours=72)) < timedelta(minutes=1)
    # One who can make it due early cannot make it be used early.
    Job.objects.update(due_at=timezone.now())
    DBTaskResult.objects.update(run_after=timezone.now())
    work(site)
    job.refresh_from_db()
    assert "second owner, or 72 hours" in job.refusal and site.petition().manifest == before.manifest
    ask(olga, kind="keys")
    long_ago = timezone.now() - timedelta(hours=73)
    Job.objects.filter(ended_at=None).update(asked_at=long_ago, due_at=timezone.now())
    DBTaskResult.objects.update(run_after=timezone.now())
    work(site)
    assert site.petition().manifest != before.manifest


def test_a_new_key_is_stopped(site: SiteOfTests, olga: Person) -> None:
    carol = member("carol", TeamRole.OWNER)
    before = site.petition()
    change_key(olga)
    ask(olga, kind="keys")
    job = Job.objects.get()
    for page in (HERE, f"/petitions/{SLUG}"):
        assert b"Stop it" in carol.browser.get(page).content and b"Agree" in carol.browser.get(page).content
        assert b"Agree" not in olga.browser.get(page).content
    viewer = member("max", TeamRole.VIEWER).browser.get(f"/petitions/{SLUG}").content
    assert b"asked for a new key" in viewer and b"Stop it" not in viewer
    assert carol.browser.post(f"/petitions/{SLUG}/jobs/{job.pk}/cancel").status_code == 302
    assert carol.browser.post(f"/petitions/{SLUG}/jobs/{job.pk}/agree").status_code == 409
    work(site)
    assert site.petition().manifest == before.manifest
    assert AuditEntry.objects.latest("pk").what == "plan-cancelled"


def test_a_new_key_comes_alone_and_was_checked(site: SiteOfTests, olga: Person) -> None:
    identity = agefile.generate()
    olga.browser.post(f"/petitions/{SLUG}/key", {"key": str(identity.recipient)})
    form = {"revision": str(Petition.objects.get().revision), **WHY, "kind": "keys"}
    assert olga.browser.post(f"{HERE}/publish", form).status_code == 409
    change_key(olga)
    change_title(olga)
    assert b"something else at once" in olga.browser.get(HERE).content
    assert olga.browser.post(f"{HERE}/publish", form).status_code == 409
    assert not Job.objects.exists()


def test_the_whole_team_is_told_of_a_new_key_once(site: SiteOfTests, olga: Person) -> None:
    member("carol", TeamRole.OWNER)
    member("max", TeamRole.VIEWER)
    gone = member("gone", TeamRole.VIEWER)
    User.objects.filter(pk=gone.user.pk).update(is_active=False)
    person("stranger@example.org")
    change_key(olga)
    ask(olga, kind="keys")
    work(site)
    tasks.tell.func(str(Job.objects.get().pk))  # a crash does it again
    rows = site.database.query("SELECT id, petition_id, kind, mail_key, sealed FROM mail_email")
    told = []
    for id_, petition_id, kind, day, sealed in rows:
        assert (petition_id, kind) == (Petition.objects.get().pk, TEAM_NEW_KEY)
        body = open_body(site.keystore.mail_key(site.database, day), bytes(sealed))
        told.append(body.to.typed)
        email = Email(id_, kind, body.to, "en", body.token)
        content = render(email, site.petition().definition, Site(), NOW).content.decode()
        assert "72 hours" in content and SLUG not in content and "lantern" in content  # it is guarded
    assert sorted(told) == ["carol@example.org", "max@example.org", "olga@example.org"]


def test_who_was_removed_just_before_is_told_of_a_new_key(site: SiteOfTests, olga: Person) -> None:
    """Else one owner could remove the others first, and nobody would stop the key."""
    carol, max_ = member("carol", TeamRole.OWNER), member("max", TeamRole.VIEWER)
    for one in (carol, max_):
        answer = olga.browser.post(f"/people/{one.user.memberships.get().pk}/remove")
        assert answer.status_code == 302
    AuditEntry.objects.filter(details="max@example.org").update(at=timezone.now() - timedelta(days=4))
    change_key(olga)
    ask(olga, kind="keys")
    work(site)
    rows = site.database.query("SELECT mail_key, sealed FROM mail_email")
    told = [open_body(site.keystore.mail_key(site.database, day), bytes(body)).to.typed for day, body in rows]
    assert sorted(told) == ["carol@example.org", "olga@example.org"]


@pytest.mark.parametrize("state", ["open", "paused"])
def test_the_way_of_a_first_publication_publishes_no_change(
    site: SiteOfTests, olga: Person, state: str
) -> None:
    """It would need no reason, and for a new key no second owner."""
    before = site.petition()
    if state == "paused":
        states.pause(SLUG)
    change_key(olga)
    answer = olga.browser.post(
        f"/petitions/{SLUG}/publish", {"revision": str(Petition.objects.get().revision)}
    )
    work(site)
    assert b"published already" in olga.browser.get(answer["Location"]).content
    assert site.petition().manifest == before.manifest and site.petition().state == state


def test_a_new_key_does_not_pass_as_another_kind(site: SiteOfTests, olga: Person) -> None:
    before = site.petition()
    change_key(olga)
    for kind in ("correction", "meaning"):
        form = {"revision": str(Petition.objects.get().revision), **WHY, "kind": kind}
        assert olga.browser.post(f"{HERE}/publish", form).status_code == 422
        details = {"amendment": {"kind": kind, "why": {"en": "A typo."}}}
        petition = Petition.objects.get()
        tasks.ask(olga.user, "amend", petition, petition.revision, details=details)  # past the form
        work(site)
        assert "of another kind" in Job.objects.latest("asked_at").refusal
    assert site.petition().manifest == before.manifest
