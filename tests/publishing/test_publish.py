"""Publish: what lacks is said, what is signed is fixed, and every change is noticed."""

import hashlib
import json
from datetime import timedelta

import pytest

import agefile
from houses import EXAMPLE, NOW, TODAY, HouseOfTests
from sabal.keys import signer
from sabal.keys.house import KeyMissing
from sabal.petitions import folder
from sabal.petitions.models import Petition, Version
from sabal.petitions.snapshot import Snapshots
from sabal.publishing import drafts, states, versions
from sabal.refusal import Refusal

SLUG = "stop-forced-repatriation"


def draft(house: HouseOfTests) -> str:
    files = folder.read(EXAMPLE)
    return drafts.import_files(
        {n: t.replace("TO BE COMPLETED BEFORE PUBLISHING", "of the tests") for n, t in files.items()}
    ).slug


def test_carol_publishes(house: HouseOfTests) -> None:
    petition = house.publish()
    assert petition.state == "open" and petition.slug == SLUG
    document = json.loads(petition.manifest)
    terms = document["terms"]
    assert terms["organiser_keys"] == [str(house.identity.recipient)]
    assert terms["text"] == folder.read(EXAMPLE)["en.md"]
    assert (
        document["translations"]["ko"] == hashlib.sha256(folder.read(EXAMPLE)["ko.md"].encode()).hexdigest()
    )
    assert terms["log"]["origin"].endswith("/log") and SLUG not in terms["log"]["origin"]
    log_key = house.house.find(house.database, signer.log_key_name(petition.id))
    assert len(log_key) == 32 and terms["log"]["key"].startswith(terms["log"]["origin"] + "+")
    assert petition.consent["ko"] == terms["consent"]["ko"]


def test_the_manifest_is_stored_and_never_made_again(house: HouseOfTests) -> None:
    petition = house.publish()
    assert bytes(Version.objects.get().manifest) == petition.manifest
    states.pause(SLUG)
    states.resume(SLUG, TODAY)
    assert house.petition().manifest == petition.manifest


def test_without_a_key_it_cannot_be_published(house: HouseOfTests) -> None:
    slug = draft(house)
    with pytest.raises(Refusal, match="key"):
        versions.publish(slug, house.house, TODAY, NOW)
    with pytest.raises(Refusal, match="keys new"):
        drafts.key_check(slug)


def test_without_its_key_check_it_cannot_be_published(house: HouseOfTests) -> None:
    slug = draft(house)
    drafts.use_keys(slug, (str(house.identity.recipient),))
    with pytest.raises(Refusal, match="key check"):
        versions.publish(slug, house.house, TODAY, NOW)
    sealed = drafts.key_check(slug)
    with pytest.raises(Refusal, match="not the newest code"):
        drafts.answer_key_check(slug, "guess")
    drafts.key_check(slug)  # a newer one
    with pytest.raises(Refusal, match="not the newest code"):
        drafts.answer_key_check(slug, agefile.decrypt(sealed, [house.identity]).decode())


def test_another_key_asks_for_another_key_check(house: HouseOfTests) -> None:
    slug = draft(house)
    drafts.use_keys(slug, (str(house.identity.recipient),))
    code = agefile.decrypt(drafts.key_check(slug), [house.identity]).decode()
    drafts.answer_key_check(slug, code)
    drafts.use_keys(slug, (str(agefile.generate().recipient),))
    with pytest.raises(Refusal, match="keys check"):
        versions.publish(slug, house.house, TODAY, NOW)


def test_keys_of_two_kinds_are_refused(house: HouseOfTests) -> None:
    slug = draft(house)
    both = (str(house.identity.recipient), str(agefile.generate(post_quantum=False).recipient))
    with pytest.raises(Refusal, match="one kind"):
        drafts.use_keys(slug, both)


def test_a_draft_is_replaced_and_a_published_petition_is_not(house: HouseOfTests) -> None:
    draft(house)
    draft(house)
    assert (Petition.objects.count(), Version.objects.count()) == (1, 1)
    house.publish()
    with pytest.raises(Refusal, match="is published"):
        draft(house)


def test_a_new_key_on_a_paused_petition_is_a_public_change_of_keys(house: HouseOfTests) -> None:
    before = house.publish()
    with pytest.raises(Refusal, match="Pause it first"):
        drafts.use_keys(SLUG, (str(agefile.generate().recipient),))
    states.pause(SLUG)
    new = agefile.generate()
    drafts.use_keys(SLUG, (str(new.recipient),))
    assert house.petition().manifest == before.manifest  # nothing moves before it is published
    with pytest.raises(Refusal, match="not published"):
        states.resume(SLUG, TODAY)
    drafts.answer_key_check(SLUG, agefile.decrypt(drafts.key_check(SLUG), [new]).decode())
    versions.publish(SLUG, house.house, TODAY, NOW)
    after = house.petition()
    assert after.state == "open" and after.version_id != before.version_id
    was, now = (json.loads(shown.manifest) for shown in (before, after))
    assert now["terms"].pop("organiser_keys") != was["terms"].pop("organiser_keys") and now == was
    assert (after.pepper_epoch, after.pepper) == (before.pepper_epoch, before.pepper)
    terms = json.loads(after.manifest)["terms"], json.loads(before.manifest)["terms"]
    assert terms[0]["log"] == terms[1]["log"]


def test_reopening_is_possible_for_fourteen_days(house: HouseOfTests) -> None:
    house.publish()
    states.close(SLUG, TODAY)
    assert house.petition().state == "closed"
    states.resume(SLUG, TODAY + timedelta(days=14))
    states.close(SLUG, TODAY)
    with pytest.raises(Refusal, match="14 days"):
        states.resume(SLUG, TODAY + timedelta(days=15))


@pytest.mark.parametrize("verb", [states.pause, drafts.export_files, drafts.key_check])
def test_an_unknown_slug_is_named(house: HouseOfTests, verb: object) -> None:
    with pytest.raises(Refusal, match="no petition 'nowhere'"):
        verb("nowhere")  # type: ignore[operator]


def test_export_gives_the_folder_back(house: HouseOfTests) -> None:
    files = folder.read(EXAMPLE)
    drafts.import_files(files)
    assert drafts.export_files(SLUG) == files


def test_every_change_is_noticed_by_other_processes(house: HouseOfTests) -> None:
    revisions = [house.publish().revision]
    for verb in (
        lambda: states.pause(SLUG),
        lambda: states.resume(SLUG, TODAY),
        lambda: states.close(SLUG, TODAY),
    ):
        verb()
        revisions.append(house.petition().revision)
    assert revisions == sorted(set(revisions))


def test_a_house_key_that_is_another_opens_nothing(house: HouseOfTests) -> None:
    from sabal.keys.house import House

    petition = house.publish()
    with pytest.raises(KeyMissing):
        House(bytes(32)).find(house.database, signer.log_key_name(petition.id))


def test_files_that_cannot_be_read_any_more_take_only_their_own_petition_away(house: HouseOfTests) -> None:
    petition = house.publish()
    house.database.execute("UPDATE petitions_version SET files = ?", ('{"petition.toml": "slug = 1"}',))
    house.database.execute("UPDATE petitions_petition SET revision = revision + 1")
    known = Snapshots()
    known.know([petition])
    known.refresh(house.database, house.house)  # what was known before stays
    assert known.by_slug(petition.slug) is not None
    fresh = Snapshots()
    fresh.refresh(house.database, house.house)
    assert fresh.published() == []


def test_a_key_swapped_in_the_database_seals_nothing(house: HouseOfTests) -> None:
    petition = house.publish()
    evil = agefile.generate()
    (files,) = house.database.query("SELECT files FROM petitions_version")[0]
    swapped = files.replace(str(house.identity.recipient), str(evil.recipient))
    assert swapped != files
    house.database.execute("UPDATE petitions_version SET files = ?", (swapped,))
    house.database.execute("UPDATE petitions_petition SET revision = revision + 1")
    assert house.petition().organiser_keys == petition.organiser_keys
