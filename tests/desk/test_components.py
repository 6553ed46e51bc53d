"""The page of the desk's components: owners see it on a real site, everybody who works here in development."""

import pytest

from desk_clients import person
from sabal import settings
from sabal.accounts.acts import TeamRole
from sites import SiteOfTests


@pytest.mark.parametrize("dev", [False, True])
def test_who_sees_the_components(site: SiteOfTests, dev: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "DEV", dev)
    olga = person("olga@example.org", TeamRole.OWNER).browser
    max_ = person("max@example.org", TeamRole.VIEWER).browser
    assert olga.get("/components").status_code == 200
    assert max_.get("/components").status_code == (200 if dev else 404)


def test_each_component_is_there(site: SiteOfTests) -> None:
    page = person("olga@example.org", TeamRole.OWNER).browser.get("/components").content.decode()
    for part in (
        'class="summary" role="alert"', 'class="field wrong"', 'class="rows"', 'class="chart"', 'class="danger"',
        'class="checks"', 'role="status"', 'class="facts sum"', "<fieldset",
    ):  # fmt: skip
        assert part in page, part
    assert page.count('class="chart"') == 3
