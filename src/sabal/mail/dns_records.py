"""DNS records of the domain that emails come from."""

import dns.exception
import dns.resolver

WAIT = 5.0  # seconds for an answer of the name servers


def look_up(name: str) -> list[str] | None:
    """Return the TXT records of a name; None if DNS does not answer."""
    try:
        answer = dns.resolver.resolve(name, "TXT", lifetime=WAIT)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    except (dns.exception.DNSException, OSError):
        return None
    return [b"".join(record.strings).decode("utf-8", "replace") for record in answer]


def state_of(name: str, marker: str) -> str:
    """Return "ok" if a name has one TXT record that begins with `marker`, else "missing", "several" or "silent"."""
    texts = look_up(name)
    if texts is None:
        return "silent"
    found = [text for text in texts if text.lower().startswith(marker.lower())]
    return "ok" if len(found) == 1 else "several" if found else "missing"


def dkim_state(domain: str, selector: str) -> str:
    """Return whether the key is there by which emails of `domain` are signed: as `state_of`, or "" without a selector.

    A record without a key revokes it (RFC 6376, section 3.6.1), so it is "missing".
    """
    if not selector:
        return ""
    texts = look_up(f"{selector}._domainkey.{domain}")
    if texts is None:
        return "silent"
    found = [text for text in texts if _has_key(text)]
    return "ok" if len(found) == 1 else "several" if found else "missing"


def _has_key(record: str) -> bool:
    """Return whether the text of a DKIM record has a public key."""
    tags = {
        name.strip(): "".join(value.split())
        for name, equals, value in (part.partition("=") for part in record.split(";"))
        if equals
    }
    return tags.get("v", "DKIM1") == "DKIM1" and bool(tags.get("p"))
