"""Fixtures for tests of the desk."""

from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.utils import translation

from desk_clients import Person, person
from sabal.accounts.acts import TeamRole
from sabal.accounts.models import Organisation
from sites import SiteOfTests


@pytest.fixture(autouse=True)
def no_limits_yet() -> None:
    """Forget the limits on guessing, which are in the memory of the process."""
    cache.clear()


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    """Let each test begin in English, whatever page in another language the last test asked for."""
    with translation.override("en"):
        yield


@pytest.fixture
def ed(site: SiteOfTests) -> Person:
    """Return the editor of an organisation, who may publish."""
    ours = Organisation.objects.create(key="ours", name="Ours")
    return person("ed@example.org", TeamRole.EDITOR, organisation=ours, rights=("publish",))
