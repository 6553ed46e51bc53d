"""Machine views over HTTP: open to every origin, cacheable, the exact bytes in every coding."""

import gzip
import hashlib
import json

import pytest

from front_end import open_client
from sabal.petitions import folder
from sabal.publishing import drafts
from sites import EXAMPLE, SiteOfTests, replace_key

SLUG = "stop-forced-repatriation"
VIEWS = (f"/{SLUG}.json", f"/{SLUG}/count.json", f"/{SLUG}/manifest.json")
# The attributes of the UK Parliament's petitions site.
UK_ATTRIBUTES = {
    "action", "background", "additional_details", "committee_note", "state", "signature_count", "closing_date",
    "created_at", "updated_at", "rejected_at", "opened_at", "closed_at", "moderation_threshold_reached_at",
    "response_threshold_reached_at", "government_response_at", "debate_threshold_reached_at", "debate_scheduled_on",
    "scheduled_debate_date", "debate_outcome_at", "creator_name", "rejection", "government_response", "debate",
    "departments", "topics", "signatures_by_country", "signatures_by_constituency", "signatures_by_region",
    "other_parliamentary_business",
}  # fmt: skip


def test_machine_views_allow_every_origin_and_caching(
    site: SiteOfTests, monkeypatch: pytest.MonkeyPatch
) -> None:
    petition = site.publish()
    with open_client(site, monkeypatch) as client:
        for path in VIEWS:
            answer = client.get(path, (b"origin", b"https://press.example"), (b"cookie", b"a=b"))
            assert answer.status == 200 and answer["access-control-allow-origin"] == "*"
            assert answer["content-type"] == "application/json; charset=utf-8"
            assert (
                answer["cache-control"] == "public, max-age=1, stale-while-revalidate=10, stale-if-error=600"
            )
            assert answer["set-cookie"] is None
            tag = answer["etag"]
            assert tag
            unchanged = client.get(path, (b"if-none-match", tag.encode()))
            assert unchanged.status == 304 and unchanged["access-control-allow-origin"] == "*"
            assert client.post(path).status == 405
        attributes = json.loads(client.get(VIEWS[0]).body)["data"]["attributes"]
        assert attributes.keys() >= UK_ATTRIBUTES
        assert json.loads(client.get(VIEWS[1]).body).keys() >= {"signature_count", "opened_at", "debated"}
        for accepted, opened in ((b"identity", bytes), (b"gzip", gzip.decompress)):
            body = opened(client.get(VIEWS[2], (b"accept-encoding", accepted)).body)
            assert body == petition.manifest and hashlib.sha256(body).digest() == petition.manifest_hash


def test_a_draft_has_no_machine_views(site: SiteOfTests, monkeypatch: pytest.MonkeyPatch) -> None:
    site.publish()
    files = folder.read(EXAMPLE)
    drafts.import_files(files | {"petition.toml": replace_key(files["petition.toml"], "slug", '"a-draft"')})
    site.refresh()
    with open_client(site, monkeypatch) as client:
        for path in VIEWS:
            assert client.get(path).status == 200
            assert client.get(path.replace(SLUG, "a-draft")).status == 404
