"""Machine views: the UK Parliament's JSON format, the count, and the exact bytes of the manifest."""

import hashlib
import json
from collections.abc import Callable

import pytest

from sabal import settings
from sabal.api import views
from sabal.front.routes import Route, Row
from sabal.http import PUBLIC, Refused, Response
from sabal.ledger import files
from sabal.petitions import folder
from sabal.publishing import drafts
from signing.steps import confirmed
from sites import EXAMPLE, NOW, SiteOfTests
from tlog import checkpoint

WEEK = 7 * 86_400
OURS = ("gathering", "confirmed", "withdrawn", "invalidated", "counted")


def test_a_petition_has_the_attributes_of_the_uk_format(site: SiteOfTests) -> None:
    petition = site.publish(profile='"open"')
    for i in range(3):
        confirmed(site, petition, f"suzie{i}@example.org")
    site.sequence(petition, NOW + WEEK)
    answer = views.petition(site.petition())
    assert answer.header(b"access-control-allow-origin") == b"*"
    assert answer.header(b"cache-control") == PUBLIC.encode()
    document = json.loads(answer.body)
    attributes = document["data"]["attributes"]
    assert document["data"]["type"] == "petition" and isinstance(document["data"]["id"], int)
    assert (attributes["state"], attributes["signature_count"], attributes["counted"]) == ("open", 3, 3)
    assert attributes["signatures_by_country"] == [
        {"name": "South Korea", "code": "KR", "signature_count": 3}
    ]
    assert len(attributes["departments"]) == 5 and attributes["signatures_by_constituency"] == []
    assert attributes["opened_at"] == "2026-11-24T00:00:00.000Z"


def test_a_guarded_petition_shows_no_number_below_its_threshold(site: SiteOfTests) -> None:
    petition = site.publish()
    for i in range(12):
        confirmed(site, petition, f"suzie{i}@example.org")
    site.sequence(petition, NOW + WEEK)
    numbers = json.loads(views.count(site.petition()).body)
    known = {name: numbers[name] for name in ("signature_count", *OURS)}
    assert known == {"gathering": True} | dict.fromkeys(known.keys() - {"gathering"})
    assert not [value for value in numbers.values() if isinstance(value, int) and value not in (True, False)]
    document = json.loads(views.petition(site.petition()).body)
    assert document["data"]["attributes"]["signatures_by_country"] == []


def test_the_views_name_the_log_of_the_checkpoint(site: SiteOfTests) -> None:
    petition = site.publish(profile='"open"')
    confirmed(site, petition)
    site.sequence(petition, NOW + WEEK)
    tree = checkpoint.peek(files.checkpoint(site.petition()).body)
    log = json.loads(views.count(site.petition()).body)["log"]
    assert log == {
        "origin": tree.origin,
        "size": tree.size,
        "root": tree.root.hex(),
        "checkpoint": f"{settings.BASE_URL}/{petition.slug}/log/checkpoint",
        "witnessed": None,
    }
    assert json.loads(views.petition(site.petition()).body)["data"]["attributes"]["log"] == log


def test_while_gathering_the_views_name_the_log_without_numbers(site: SiteOfTests) -> None:
    """The checkpoint has its size, so that it can be checked; our own numbers do not repeat it."""
    petition = site.publish()
    confirmed(site, petition)
    assert json.loads(views.count(site.petition()).body)["log"] is None  # no checkpoint yet
    site.sequence(petition, NOW + WEEK)
    for answer in (views.count(site.petition()), views.petition(site.petition())):
        document = json.loads(answer.body)
        log = document.get("log") or document["data"]["attributes"]["log"]
        assert (log["size"], log["root"], log["witnessed"]) == (None, None, None)
        assert log["origin"] == petition.origin and log["checkpoint"].endswith("/log/checkpoint")


def test_the_manifest_is_served_as_it_is_stored(site: SiteOfTests) -> None:
    petition = site.publish()
    body = views.manifest(site.petition()).body
    assert body == petition.manifest and hashlib.sha256(body).digest() == petition.manifest_hash


@pytest.mark.parametrize("view", [views.petition, views.count, views.manifest])
def test_drafts_and_unknown_slugs_are_not_found(site: SiteOfTests, view: Callable[..., Response]) -> None:
    slug = drafts.import_files(folder.read(EXAMPLE)).slug
    site.refresh()
    for name in (slug, "nowhere"):
        with pytest.raises(Refused) as refused:
            Route(Row("/{slug}.json", view), f"/{name}.json", slug=name).page(site.snapshots)
        assert refused.value.status == 404
