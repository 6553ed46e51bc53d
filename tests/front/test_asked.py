"""Every form that is taken counts once, whatever is known about its address, and a stop loses none."""

import pytest

from front_end import open_client
from sabal.front import refresher
from signing.steps import SUZIE, confirmed
from sites import SiteOfTests

SLUG = "stop-forced-repatriation"


@pytest.mark.parametrize("profile", ["guarded", "open"])
def test_every_form_counts_alike(site: SiteOfTests, monkeypatch: pytest.MonkeyPatch, profile: str) -> None:
    """A fourth form of an address is ignored, and that of somebody who has signed makes no signature."""
    petition = site.publish(profile=f'"{profile}"')
    confirmed(site, petition, "max@example.org")
    path = f"/en/{SLUG}/sign"
    with open_client(site, monkeypatch) as client:
        for email in (SUZIE, SUZIE, SUZIE, SUZIE, "max@example.org"):
            form = {"name": "Suzie", "email": email, "consent": "1", "version": petition.version}
            assert client.post(path, form).status == 303
        assert client.post(path, {"name": "Suzie"}).status == 422
        assert site.rows("signing_asked") == 0
    assert site.database.query("SELECT petition_id, n FROM signing_asked") == [(petition.id, 5)]


def test_forms_are_stored_while_the_process_runs(site: SiteOfTests, monkeypatch: pytest.MonkeyPatch) -> None:
    petition = site.publish()
    monkeypatch.setattr(refresher, "ASKED_EVERY", 0.0)
    with open_client(site, monkeypatch) as client:
        for number in (1, 2):
            form = {"name": "Suzie", "email": SUZIE, "consent": "1", "version": petition.version}
            assert client.post(f"/en/{SLUG}/sign", form).status == 303
            client.refresh()
            assert site.database.query("SELECT SUM(n) FROM signing_asked") == [(number,)]
