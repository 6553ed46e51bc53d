"""Limits on guessing are kept in the memory of the process: each test begins without any."""

import pytest
from django.core.cache import cache


@pytest.fixture(autouse=True)
def no_limits_yet() -> None:
    cache.clear()
