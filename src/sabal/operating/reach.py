"""The doctor's look outwards: the mail server, what DNS says of the sender, and the addresses of the house."""

import http.client
import ipaddress
import re
import smtplib
import ssl
import time
from collections.abc import Iterator
from email.utils import parseaddr
from urllib.parse import urlsplit

import dns.exception
import dns.resolver

from sabal import settings
from sabal.mail.url import MailUrl, MailUrlError, parse_mail_url
from sabal.operating.findings import Finding, at_home

WAIT = 10.0  # seconds for a mail server, a name server or the house to answer
PORT = 8000  # where `serve` listens unless told otherwise
LOOPBACK = ("localhost", "127.0.0.1", "::1")
ONION = re.compile(r"[a-z2-7]{56}\.onion")
HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?")


def mail() -> Iterator[Finding]:
    """Whether the mail server would take a letter (none is sent), and the DNS records that let letters arrive."""
    serious = "warning" if at_home() else "wrong"
    try:
        url = parse_mail_url(settings.MAIL_URL)
    except MailUrlError as error:
        yield Finding(serious, "D301", str(error), "Set SABAL_MAIL_URL.")
        return
    if url.scheme == "folder":
        sentence = "Mail is written into a folder: good for development, for nothing else."
        yield Finding("warning", "D301", sentence, "For a public house set SABAL_MAIL_URL to a mail server.")
        return
    try:
        yield Finding("ok", "D301", _greet(url))
    except (OSError, smtplib.SMTPException, UnicodeError) as error:
        sentence = f"The mail server {url.host}:{url.port} cannot be used: {type(error).__name__}."
        yield Finding("wrong", "D301", sentence, _remedy(error))
    domain = parseaddr(settings.MAIL_FROM)[1].rpartition("@")[2].lower()
    if not domain or domain == "localhost":
        sentence = "SABAL_MAIL_FROM names no domain, so its DNS cannot be looked at."
        yield Finding(serious, "D302", sentence, "Set SABAL_MAIL_FROM, such as petition@example.org")
        return
    yield from _dns(domain, url)


def _greet(url: MailUrl) -> str:
    """EHLO, STARTTLS, AUTH and QUIT, all within WAIT seconds."""
    deadline = time.monotonic() + WAIT
    context = ssl.create_default_context()
    server = (
        smtplib.SMTP_SSL(url.host, url.port, timeout=WAIT, context=context)
        if url.tls == "implicit"
        else smtplib.SMTP(url.host, url.port, timeout=WAIT)
    )

    def hurry() -> None:
        if server.sock is not None:
            server.sock.settimeout(max(0.1, deadline - time.monotonic()))

    with server:
        hurry()
        server.ehlo_or_helo_if_needed()
        if url.tls == "starttls":
            hurry()
            server.starttls(context=context)
            server.ehlo()
        if url.user:
            hurry()
            server.login(url.user, url.password)
        hurry()
    safe = "in clear" if url.tls == "none" else "over TLS"
    return (
        f"The mail server {url.host} answers {safe}{' and knows us' if url.user else ''}; nothing was sent."
    )


def _remedy(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return "It does not take this user and password: look at SABAL_MAIL_URL (a @ or : in them is percent-encoded)."
    if isinstance(error, ssl.SSLCertVerificationError):
        return "Its certificate is not for this name or not trusted: write the name that the certificate has."
    if isinstance(error, smtplib.SMTPNotSupportedError | ssl.SSLError):
        return "It does not speak TLS in this way: try tls=starttls with port 587, or tls=implicit with port 465."
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return (
            "It hung up: it may want another tls=, another user and password, or nothing from this machine."
        )
    return "Look at host and port in SABAL_MAIL_URL, and whether a firewall lets this machine out to them."


def _dns(domain: str, url: MailUrl) -> Iterator[Finding]:
    sender = _sending_host(url)
    yield _record(
        "D302",
        domain,
        "v=spf1",
        "SPF says which servers may send for this domain",
        f'"v=spf1 {sender} -all", or with the include: that your mail relay names',
    )
    yield Finding(
        "ok",
        "D303",
        f"DKIM signs each letter, so that others see that it is from {domain} and unchanged; your mail server does it.",
        "It tells you a selector and a public key. Set:"
        f' SELECTOR._domainkey.{domain}. TXT "v=DKIM1; k=rsa; p=PUBLIC-KEY"\n'
        f"Look: dig +short TXT SELECTOR._domainkey.{domain}",
    )
    yield _record(
        "D304",
        f"_dmarc.{domain}",
        "v=DMARC1",
        "DMARC says what others should do with letters that fail both",
        f'"v=DMARC1; p=none; rua=mailto:postmaster@{domain}", later p=quarantine',
    )


def _sending_host(url: MailUrl) -> str:
    """The machine that hands letters on, in the words of an SPF record (RFC 7208, section 5)."""
    try:
        address = ipaddress.ip_address(url.host)
    except ValueError:
        pass
    else:
        if not address.is_loopback:
            return f"ip{address.version}:{address}"
    host = urlsplit(settings.BASE_URL).hostname if url.host in LOOPBACK else url.host
    return f"a:{host}"


def _record(id_: str, name: str, marker: str, meaning: str, wanted: str) -> Finding:
    set_it = f"Set: {name}. TXT {wanted}\nLook: dig +short TXT {name}"
    texts = _look_up(name)
    if texts is None:
        return Finding("warning", id_, f"{meaning}; DNS did not answer, so look yourself at {name}.", set_it)
    found = [text for text in texts if text.lower().startswith(marker.lower())]
    if len(found) == 1:
        return Finding("ok", id_, f"{meaning}: {found[0]}")
    if found:
        return Finding("wrong", id_, f"{meaning}; {name} has {len(found)} of them, and none counts.", set_it)
    return Finding("warning", id_, f"{meaning}; {name} has none, so letters may end among spam.", set_it)


def _look_up(name: str) -> list[str] | None:
    """The TXT records of a name; None where it could not be asked (no answer)."""
    try:
        answer = dns.resolver.resolve(name, "TXT", lifetime=WAIT / 2)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return []
    except (dns.exception.DNSException, OSError):
        return None
    return [b"".join(record.strings).decode("utf-8", "replace") for record in answer]


def addresses() -> Iterator[Finding]:
    """The public address, the running house, proxies, further hosts, the onion service."""
    base = urlsplit(settings.BASE_URL)
    if base.scheme not in ("http", "https") or not base.hostname or base.path or base.query or base.fragment:
        hint = "Set SABAL_BASE_URL to scheme and host alone, such as https://petition.example.org"
        yield Finding("wrong", "D501", f"The public address {settings.BASE_URL} is none.", hint)
        return
    yield Finding("ok", "D501", f"The public address is {settings.BASE_URL}.")
    yield _running(base.port if base.scheme == "http" and base.port else PORT)
    yield _hops(base.scheme)
    for host in settings.HOSTS:
        if not HOST.fullmatch(host):
            hint = "SABAL_HOSTS takes names alone, without https:// and paths: www.example.org,example.net"
            yield Finding("wrong", "D504", f"{host!r} in SABAL_HOSTS is no host name.", hint)
        else:
            yield Finding("ok", "D504", f"The house also answers to {host}.")
    onion = urlsplit(settings.ONION)
    if settings.ONION and (onion.scheme != "http" or not ONION.fullmatch(onion.netloc) or onion.path):
        hint = "Set it to http:// and what Tor wrote into the service's hostname file."
        yield Finding("wrong", "D505", f"SABAL_ONION, {settings.ONION}, is no onion address.", hint)
    elif settings.ONION:
        yield Finding("ok", "D505", f"The house is also {settings.ONION}.")
    if settings.TRUSTED_HOPS and (settings.ONION or (base.hostname or "").endswith(".onion")):
        yield _onion_past_the_proxy()


def _onion_past_the_proxy() -> Finding:
    """From in here nobody can see where Tor leads, so it is said whenever it would matter."""
    sentence = "The onion must come through the proxy: at the house's own port it chooses Host and address."
    hint = (
        "In torrc, HiddenServicePort must lead to the proxy's site for the onion (127.0.0.1:8081 in docs/operating/)"
        " and never to the port of the house; where it does, this is only a reminder."
    )
    return Finding("warning", "D506", sentence, hint)


def _running(port: int) -> Finding:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT)
    try:
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        says = answer.read(100).decode("utf-8", "replace").strip()
    except (OSError, http.client.HTTPException):
        hint = f"Start it (sabal serve). If it listens elsewhere: curl http://127.0.0.1:{port}/healthz with its port."
        return Finding("warning", "D502", f"No house answers on port {port} of this machine.", hint)
    finally:
        connection.close()
    if (answer.status, says) == (200, "ok"):
        return Finding("ok", "D502", f"The house on port {port} of this machine says ok.")
    if (answer.status, says) == (503, "busy"):
        hint = "It has more to do than it can, or has lost its database; its log says which."
        return Finding("warning", "D502", f"The house on port {port} of this machine says busy.", hint)
    hint = "Is that another program? Choose another port: sabal serve --port PORT"
    return Finding("warning", "D502", f"What answers on port {port} of this machine is not the house.", hint)


def _hops(scheme: str) -> Finding:
    """What is set, and how to find out whether it is right: from in here nobody can see what stands in front."""
    hops = settings.TRUSTED_HOPS
    count = (
        "Count your own machines between readers and the house that add to X-Forwarded-For: 1 for Caddy or nginx here,"
        " 2 with a shield before it. Too many, and anybody can pose as somebody else; too few, and all share one limit."
    )
    if hops == 0 and scheme == "https":
        return Finding(
            "warning",
            "D503",
            "No proxy is trusted, yet the address is https: whoever ends TLS looks like the only visitor.",
            f"Set SABAL_TRUSTED_HOPS, usually to 1. {count}\n"
            "To see it: open the public address once; the house then warns in its log of X-Forwarded-For.",
        )
    if hops == 0:
        sentence = "No proxy is trusted: a client's address is that of its connection."
        return Finding("ok", "D503", sentence)
    which = "last" if hops == 1 else f"number {hops} from the right"
    sentence = (
        f"A client's address is the {which} in X-Forwarded-For; what stands left of it is not believed."
    )
    return Finding("ok", "D503", sentence, count)
