"""The name of the site, which readers see in place of its address."""

import ipaddress
from contextlib import suppress
from urllib.parse import urlsplit

from django.utils.translation import gettext

from sabal import settings


def site_name(base_url: str = "") -> str:
    """Return SABAL_SITE_NAME. If it is not set, return the host name of the base URL, or words if that is a number.

    The words are in the language of the current translation.
    """
    if settings.SITE_NAME:
        return settings.SITE_NAME
    host = urlsplit(base_url or settings.BASE_URL).hostname or "localhost"
    return gettext("Petition site") if is_number(host) else host


def is_number(host: str) -> bool:
    """Return whether a host is an IP address, or this machine, and so says nothing to a reader."""
    with suppress(ValueError):
        ipaddress.ip_address(host)
        return True
    return host == "localhost"
