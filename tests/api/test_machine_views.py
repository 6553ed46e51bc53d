"""Machine views: the UK Parliament's JSON shape, the count, and exactly the bytes that are signed."""

import hashlib
import json

import pytest
from django.http import Http404
from django.test import RequestFactory

from sabal import settings
from sabal.api import views
from sabal.ledger import views as ledger
from sabal.petitions import folder, snapshot
from sabal.publishing import drafts
from signing.steps import confirmed
from sites import EXAMPLE, NOW, SiteOfTests
from tlog import checkpoint

WEEK = 7 * 86_400
OURS = ("gathering", "confirmed", "withdrawn", "invalidated", "counted")
REQUEST = RequestFactory().get("/")


@pytest.fixture
def shown(site: SiteOfTests, monkeypatch: pytest.MonkeyPatch) -> SiteOfTests:
    """A house whose snapshots the views see."""
    monkeypatch.setattr(snapshot, "_CURRENT", site.snapshots)
    return site


def test_a_petition_has_the_attributes_that_readers_of_that_site_expect(shown: SiteOfTests) -> None:
    petition = shown.publish(profile='"open"')
    for i in range(3):
        confirmed(shown, petition, f"suzie{i}@example.org")
    shown.sequence(petition, NOW + WEEK)
    shown.refresh()
    answer = views.petition(REQUEST, petition.slug)
    assert answer["Access-Control-Allow-Origin"] == "*" and answer["Cache-Control"].startswith("public")
    document = json.loads(answer.content)
    attributes = document["data"]["attributes"]
    assert document["data"]["type"] == "petition" and isinstance(document["data"]["id"], int)
    assert (attributes["state"], attributes["signature_count"], attributes["counted"]) == ("open", 3, 3)
    assert attributes["signatures_by_country"] == [
        {"name": "South Korea", "code": "KR", "signature_count": 3}
    ]
    assert len(attributes["departments"]) == 5 and attributes["signatures_by_constituency"] == []
    assert attributes["opened_at"] == "2026-11-24T00:00:00.000Z"


def test_a_guarded_petition_says_no_number_below_its_threshold(shown: SiteOfTests) -> None:
    petition = shown.publish()
    for i in range(12):
        confirmed(shown, petition, f"suzie{i}@example.org")
    shown.sequence(petition, NOW + WEEK)
    shown.refresh()
    numbers = json.loads(views.count(REQUEST, petition.slug).content)
    known = {name: numbers[name] for name in ("signature_count", *OURS)}
    assert known == {"gathering": True} | dict.fromkeys(known.keys() - {"gathering"})
    assert not [value for value in numbers.values() if isinstance(value, int) and value not in (True, False)]
    document = json.loads(views.petition(REQUEST, petition.slug).content)
    assert document["data"]["attributes"]["signatures_by_country"] == []


def test_the_log_that_is_named_is_that_of_the_checkpoint(shown: SiteOfTests) -> None:
    petition = shown.publish(profile='"open"')
    confirmed(shown, petition)
    shown.sequence(petition, NOW + WEEK)
    shown.refresh()
    tree = checkpoint.peek(ledger.checkpoint(REQUEST, petition.slug).content)
    log = json.loads(views.count(REQUEST, petition.slug).content)["log"]
    assert log == {
        "origin": tree.origin,
        "size": tree.size,
        "root": tree.root.hex(),
        "checkpoint": f"{settings.BASE_URL}/{petition.slug}/log/checkpoint",
        "witnessed": None,
    }
    assert json.loads(views.petition(REQUEST, petition.slug).content)["data"]["attributes"]["log"] == log


def test_while_gathering_the_log_is_named_without_numbers(shown: SiteOfTests) -> None:
    """The checkpoint says its size, or nobody could check; our own numbers do not say it in other words."""
    petition = shown.publish()
    confirmed(shown, petition)
    assert json.loads(views.count(REQUEST, petition.slug).content)["log"] is None  # no checkpoint yet
    shown.sequence(petition, NOW + WEEK)
    shown.refresh()
    for answer in (views.count(REQUEST, petition.slug), views.petition(REQUEST, petition.slug)):
        document = json.loads(answer.content)
        log = document.get("log") or document["data"]["attributes"]["log"]
        assert (log["size"], log["root"], log["witnessed"]) == (None, None, None)
        assert log["origin"] == petition.origin and log["checkpoint"].endswith("/log/checkpoint")


def test_the_manifest_is_served_as_it_is_stored(shown: SiteOfTests) -> None:
    petition = shown.publish()
    body = views.manifest(REQUEST, petition.slug).content
    assert body == petition.manifest and hashlib.sha256(body).digest() == petition.manifest_hash


@pytest.mark.parametrize("view", [views.petition, views.count, views.manifest])
def test_drafts_and_unknown_slugs_are_not_there(shown: SiteOfTests, view: object) -> None:
    slug = drafts.import_files(folder.read(EXAMPLE)).slug
    shown.refresh()
    for name in (slug, "nowhere"):
        with pytest.raises(Http404):
            view(REQUEST, name)  # type: ignore[operator]
