"""Names of hosts, in the form that DNS, HTTP and SMTP use."""

import ipaddress
import re

import idna

_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
_LONGEST = 253
LOOPBACK = ("localhost", "127.0.0.1", "::1")


def ascii_host(host: str) -> str:
    """Return a host name in lower case and ASCII (IDNA 2008), without a final dot, or an IP address without brackets.

    Raises ValueError.
    """
    try:
        return ipaddress.ip_address(host.removeprefix("[").removesuffix("]")).compressed
    except ValueError:
        pass
    name = host if host.isascii() else idna.encode(host, uts46=True).decode("ascii")
    name = name.lower().removesuffix(".")
    labels = name.split(".")
    if len(name) > _LONGEST or not all(map(_LABEL.fullmatch, labels)) or labels[-1].isdigit():
        raise ValueError("not a host name")
    return name


def ascii_netloc(netloc: str) -> str:
    """Return `host[:port]`, the host as by `ascii_host`; IPv6 addresses keep brackets. Raises ValueError."""
    host, colon, port = netloc.rpartition(":")
    if not colon or netloc.endswith("]"):
        host, colon, port = netloc, "", ""
    if colon and not (port.isascii() and port.isdigit() and 0 < int(port) < 65_536 and len(port) <= 5):
        raise ValueError("not a port")
    if ":" in host and not (host.startswith("[") and host.endswith("]")):
        raise ValueError("not a host name")
    name = ascii_host(host)
    return (f"[{name}]" if ":" in name else name) + colon + port


def mail_domain(host: str) -> str:
    """Return the host as in an email address or an SMTP greeting: an IP address becomes a literal (RFC 5321, 4.1.3)."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    return f"[{address}]" if address.version == 4 else f"[IPv6:{address}]"
