"""Publish: missing values are named, the signed text is fixed, and other processes notice every change."""

import hashlib
import json
from datetime import timedelta

import pytest

import agefile
from sabal.keys import signer
from sabal.keys.keystore import KeyMissing
from sabal.petitions import folder
from sabal.petitions.models import Petition, Version
from sabal.petitions.snapshots import Snapshots
from sabal.publishing import drafts, states, versions
from sabal.refusal import Refusal
from sites import EXAMPLE, NOW, TODAY, SiteOfTests

SLUG = "stop-forced-repatriation"


def draft(site: SiteOfTests) -> str:
    files = folder.read(EXAMPLE)
    return drafts.import_files(
        {n: t.replace("TO BE COMPLETED BEFORE PUBLISHING", "of the tests") for n, t in files.items()}
    ).slug


def test_carol_publishes(site: SiteOfTests) -> None:
    petition = site.publish()
    assert petition.state == "open" and petition.slug == SLUG
    document = json.loads(petition.manifest)
    terms = document["terms"]
    assert terms["organiser_keys"] == [str(site.identity.recipient)]
    assert terms["text"] == folder.read(EXAMPLE)["en.md"]
    assert (
        document["translations"]["ko"] == hashlib.sha256(folder.read(EXAMPLE)["ko.md"].encode()).hexdigest()
    )
    assert terms["log"]["origin"].endswith("/log") and SLUG not in terms["log"]["origin"]
    log_key = site.keystore.find(site.database, signer.log_key_name(petition.id))
    assert len(log_key) == 32 and terms["log"]["key"].startswith(terms["log"]["origin"] + "+")
    assert petition.consent["ko"] == terms["consent"]["ko"]


def test_closing_text_survives_export_and_import_and_is_signed(site: SiteOfTests) -> None:
    closing = "\nWe look forward to *each* answer.\n\n## Who we are\n\nPeople of the town.\n"
    files = {
        name: text + closing if name.endswith(".md") else text for name, text in folder.read(EXAMPLE).items()
    }
    drafts.import_files(files)
    exported = drafts.export_files(SLUG)
    drafts.import_files(exported)
    assert drafts.export_files(SLUG) == exported == files
    petition = site.publish_again(SLUG)
    document = json.loads(petition.manifest)
    assert document["terms"]["text"].endswith(closing)
    assert [section.heading for section in petition.definition.texts["ko"].closing] == ["", "Who we are"]
    signed = hashlib.sha256(files["ko.md"].encode()).hexdigest()
    assert document["translations"]["ko"] == signed


def test_the_manifest_says_whom_the_petition_warned_and_the_whole_consent(site: SiteOfTests) -> None:
    petition = site.publish(warn_residents='["TD", "XK"]')
    terms = json.loads(petition.manifest)["terms"]
    assert terms["warn_residents"] == ["TD", "XK"] and "share_without" not in terms
    assert terms["controller"]["name"] == petition.definition.controller.name["en"]
    for language in petition.definition.languages:
        assert petition.definition.controller.name[language] in terms["consent"][language]
        assert " ".join(petition.definition.purpose[language].split()) in terms["consent"][language]


def test_the_manifest_is_stored_and_not_rendered_again(site: SiteOfTests) -> None:
    petition = site.publish()
    assert bytes(Version.objects.get().manifest) == petition.manifest
    states.pause(SLUG)
    states.resume(SLUG, TODAY)
    assert site.petition().manifest == petition.manifest


def test_a_petition_without_a_key_cannot_be_published(site: SiteOfTests) -> None:
    slug = draft(site)
    with pytest.raises(Refusal, match="key"):
        versions.publish(slug, site.keystore, TODAY, NOW)
    with pytest.raises(Refusal, match="keys new"):
        drafts.key_check(slug)


def test_a_petition_without_its_key_check_cannot_be_published(site: SiteOfTests) -> None:
    slug = draft(site)
    drafts.use_keys(slug, (str(site.identity.recipient),))
    with pytest.raises(Refusal, match="key check"):
        versions.publish(slug, site.keystore, TODAY, NOW)
    sealed = drafts.key_check(slug)
    with pytest.raises(Refusal, match="does not fit"):
        drafts.answer_key_check(slug, "guess")
    drafts.key_check(slug)  # a newer one
    with pytest.raises(Refusal, match="does not fit"):
        drafts.answer_key_check(slug, agefile.decrypt(sealed, [site.identity]).decode())


def test_another_key_needs_another_key_check(site: SiteOfTests) -> None:
    slug = draft(site)
    drafts.use_keys(slug, (str(site.identity.recipient),))
    code = agefile.decrypt(drafts.key_check(slug), [site.identity]).decode()
    drafts.answer_key_check(slug, code)
    drafts.use_keys(slug, (str(agefile.generate().recipient),))
    with pytest.raises(Refusal, match="keys check"):
        versions.publish(slug, site.keystore, TODAY, NOW)


def test_keys_of_two_kinds_are_refused(site: SiteOfTests) -> None:
    slug = draft(site)
    both = (str(site.identity.recipient), str(agefile.generate(post_quantum=False).recipient))
    with pytest.raises(Refusal, match="one kind"):
        drafts.use_keys(slug, both)


def test_a_draft_is_replaced_and_a_published_text_is_not(site: SiteOfTests) -> None:
    draft(site)
    draft(site)
    assert (Petition.objects.count(), Version.objects.count()) == (1, 1)
    before = site.publish()
    draft(site)
    assert site.petition().manifest == before.manifest


def test_a_new_key_of_a_published_petition_is_a_public_change_of_keys(site: SiteOfTests) -> None:
    before = site.publish()
    states.pause(SLUG)
    new = agefile.generate()
    drafts.use_keys(SLUG, (str(new.recipient),))
    assert site.petition().manifest == before.manifest  # nothing changes before it is published
    drafts.answer_key_check(SLUG, agefile.decrypt(drafts.key_check(SLUG), [new]).decode())
    versions.publish(SLUG, site.keystore, TODAY, NOW)
    after = site.petition()
    assert after.state == "open" and after.version_id != before.version_id
    was, now = (json.loads(snapshot.manifest) for snapshot in (before, after))
    assert now["terms"].pop("organiser_keys") != was["terms"].pop("organiser_keys") and now == was
    assert (after.pepper_epoch, after.pepper) == (before.pepper_epoch, before.pepper)
    terms = json.loads(after.manifest)["terms"], json.loads(before.manifest)["terms"]
    assert terms[0]["log"] == terms[1]["log"]


def test_reopening_is_possible_for_fourteen_days(site: SiteOfTests) -> None:
    site.publish()
    states.close(SLUG, TODAY)
    assert site.petition().state == "closed"
    states.resume(SLUG, TODAY + timedelta(days=14))
    states.close(SLUG, TODAY)
    with pytest.raises(Refusal, match="14 days"):
        states.resume(SLUG, TODAY + timedelta(days=15))


@pytest.mark.parametrize("verb", [states.pause, drafts.export_files, drafts.key_check])
def test_an_unknown_slug_is_named(site: SiteOfTests, verb: object) -> None:
    with pytest.raises(Refusal, match="no petition 'nowhere'"):
        verb("nowhere")  # type: ignore[operator]


def test_export_returns_the_imported_folder(site: SiteOfTests) -> None:
    files = folder.read(EXAMPLE)
    drafts.import_files(files)
    assert drafts.export_files(SLUG) == files


def test_every_change_is_noticed_by_other_processes(site: SiteOfTests) -> None:
    revisions = [site.publish().revision]
    for verb in (
        lambda: states.pause(SLUG),
        lambda: states.resume(SLUG, TODAY),
        lambda: states.close(SLUG, TODAY),
    ):
        verb()
        revisions.append(site.petition().revision)
    assert revisions == sorted(set(revisions))


def test_another_server_key_opens_nothing(site: SiteOfTests) -> None:
    from sabal.keys.keystore import KeyStore

    petition = site.publish()
    with pytest.raises(KeyMissing):
        KeyStore(bytes(32)).find(site.database, signer.log_key_name(petition.id))


def test_unreadable_files_hide_only_their_own_petition(site: SiteOfTests) -> None:
    petition = site.publish()
    site.database.execute("UPDATE petitions_version SET files = ?", ('{"petition.toml": "slug = 1"}',))
    site.database.execute("UPDATE petitions_petition SET revision = revision + 1")
    known = Snapshots()
    known.know([petition])
    known.refresh(site.database, site.keystore)  # the old snapshot stays
    assert known.by_slug(petition.slug) is not None
    fresh = Snapshots()
    fresh.refresh(site.database, site.keystore)
    assert fresh.published() == []


def test_a_key_swapped_in_the_database_is_not_used(site: SiteOfTests) -> None:
    petition = site.publish()
    evil = agefile.generate()
    (files,) = site.database.query("SELECT files FROM petitions_version")[0]
    swapped = files.replace(str(site.identity.recipient), str(evil.recipient))
    assert swapped != files
    site.database.execute("UPDATE petitions_version SET files = ?", (swapped,))
    site.database.execute("UPDATE petitions_petition SET revision = revision + 1")
    assert site.petition().organiser_keys == petition.organiser_keys
