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
