"""SABAL_BASE_URL, SABAL_DESK_URL, SABAL_ONION and SABAL_HOSTS: the addresses that a site answers to."""

import re
from urllib.parse import SplitResult, urlsplit

from sabal.configuration.errors import SettingError
from sabal.configuration.hosts import ascii_netloc

_ONION = re.compile(r"[a-z2-7]{56}\.onion", re.ASCII)
_DEFAULT_PORTS = {"https": ":443", "http": ":80"}
_BASE_HINT = "Set it to scheme and host alone, such as https://petition.example.org"
_ONION_HINT = "Set it to http:// and what Tor wrote into the service's hostname file."


def parse_base_url(text: str, name: str = "SABAL_BASE_URL") -> str:
    """Return the public address as `scheme://host[:port]` in ASCII and lower case. Raises SettingError."""
    parts = _split(name, text, _BASE_HINT)
    if parts.scheme not in ("http", "https"):
        raise SettingError(
            f"{name} does not begin with https:// (or http:// for an onion service).", _BASE_HINT
        )
    if "@" in parts.netloc:
        raise SettingError(f"{name} contains a user name or a password.", _BASE_HINT)
    if parts.path not in ("", "/") or "?" in text or "#" in text:
        raise SettingError(
            f"{name} has something after the host. The site's pages begin at the root of a host name of their own.",
            _BASE_HINT,
        )
    try:
        netloc = ascii_netloc(parts.netloc)
    except ValueError:
        raise SettingError(f"{name} names no host that can exist, or a wrong port.", _BASE_HINT) from None
    return f"{parts.scheme}://{netloc.removesuffix(_DEFAULT_PORTS[parts.scheme])}"


def parse_desk_url(text: str) -> str:
    """Return the address of the desk, in the same form. Raises SettingError."""
    return parse_base_url(text, "SABAL_DESK_URL")


def parse_onion(text: str) -> str:
    """Return the address of an onion service, `http://….onion`. Raises SettingError."""
    parts = _split("SABAL_ONION", text, _ONION_HINT)
    host = parts.netloc.lower()
    if parts.scheme != "http" or not _ONION.fullmatch(host) or parts.path not in ("", "/") or parts.query:
        raise SettingError("SABAL_ONION is not the address of an onion service (version 3).", _ONION_HINT)
    return f"http://{host}"


def parse_hosts(text: str) -> tuple[str, ...]:
    """Return the further hosts, `host[:port]`, in ASCII and lower case. Raises SettingError."""
    hosts = []
    for number, one in enumerate((part.strip() for part in text.split(",")), start=1):
        try:
            hosts += [ascii_netloc(one)] if one else []
        except ValueError:
            raise SettingError(
                f"SABAL_HOSTS: name {number} is not a host name.",
                "Write names only, without https:// and paths, with commas between: www.example.org,example.net",
            ) from None
    return tuple(hosts)


def _split(name: str, text: str, hint: str) -> SplitResult:
    # urlsplit would drop line ends and tabs silently. Its own errors show the text.
    try:
        if re.search(r"[\s\x00-\x1f\x7f]", text):
            raise ValueError
        return urlsplit(text)
    except ValueError:
        raise SettingError(f"{name} cannot be read as an address.", hint) from None


def parse_source_url(text: str) -> str:
    """Return SABAL_SOURCE_URL, a web address in ASCII. Raises SettingError."""
    try:
        parts = urlsplit(text)
        if parts.scheme in ("https", "http") and parts.hostname and text.isprintable() and " " not in text:
            return parts._replace(netloc=ascii_netloc(parts.netloc)).geturl()
    except (ValueError, SettingError):
        pass
    raise SettingError("SABAL_SOURCE_URL is no web address.", "Write it like https://code.example.org/sabal")
