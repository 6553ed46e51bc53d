"""The doctor's checks over the network: the mail server, the DNS records of the sender, the addresses of the site."""

import http.client
import ipaddress
import smtplib
import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit

from sabal import settings
from sabal.configuration.hosts import LOOPBACK
from sabal.configuration.mail_url import MailUrl
from sabal.mail.answers import judge
from sabal.mail.dns_records import dkim_state
from sabal.mail.dns_records import look_up as _look_up
from sabal.mail.emails import Site
from sabal.mail.session import ServerRefusal, open_session
from sabal.operating.findings import Finding, is_development

WAIT = 10.0  # seconds for an answer of a mail server, a name server or the site
PORT = 8000  # the default port of `serve`


def mail() -> Iterator[Finding]:
    """Check whether the mail server would accept an email (none is sent), and the DNS records that emails need."""
    serious = "warning" if is_development() else "wrong"
    url, sender = settings.MAIL_URL, settings.MAIL_FROM
    if not url.scheme:
        yield Finding(serious, "D301", "No mail server is set.", "Set SABAL_MAIL_URL.")
        return
    if url.scheme == "folder":
        sentence = "Emails are written into a folder. That is for development only."
        yield Finding("warning", "D301", sentence, "For a public server set SABAL_MAIL_URL to a mail server.")
        return
    yield from _mail_server(url, sender.address)
    if sender.domain in ("", "localhost"):
        sentence = "SABAL_MAIL_FROM names no domain, so its DNS cannot be checked."
        yield Finding(serious, "D302", sentence, "Set SABAL_MAIL_FROM, such as petition@example.org")
        return
    yield from _dns(sender.domain, url)


def _mail_server(url: MailUrl, sender: str) -> Iterator[Finding]:
    """Open the session of the worker, name the sender of every email, and end it: nothing is sent."""
    try:
        smtp = open_session(url, Site(settings.BASE_URL).mail_domain, WAIT)
        with smtp:
            reply = smtp.mail(sender) if sender else (250, b"")
            takes_international = smtp.has_extn("smtputf8")
    except ServerRefusal as refusal:
        sentence = f"The mail server {url.host}:{url.port} refuses us: {refusal.answer.reason}."
        yield Finding("wrong", "D301", sentence, _remedy(refusal))
        return
    except (OSError, smtplib.SMTPException) as error:
        sentence = f"The mail server {url.host}:{url.port} cannot be used: {type(error).__name__}."
        yield Finding("wrong", "D301", sentence, _remedy(error))
        return
    safe = "in clear" if url.tls == "none" else "over TLS"
    known = " and knows us" if url.user else ""
    yield Finding("ok", "D301", f"The mail server {url.host} answers {safe}{known}. Nothing was sent.")
    yield _sender_finding(reply, sender)
    if takes_international:
        yield Finding("ok", "D307", "The mail server takes addresses in every script (SMTPUTF8).")
    else:
        sentence = (
            "The mail server takes no addresses with letters beyond ASCII before the @ (SMTPUTF8). The forms say so"
            " to people who type one."
        )
        yield Finding("ok", "D307", sentence)


def _sender_finding(reply: tuple[int, bytes], sender: str) -> Finding:
    if reply[0] == 250:
        return Finding("ok", "D306", f"The mail server accepts the sender {sender}.")
    reason = judge(*reply, named=False).reason
    hint = "Set SABAL_MAIL_FROM to an address that this user of the mail server may send from."
    return Finding("wrong", "D306", f"The mail server does not accept the sender {sender}: {reason}.", hint)


def _remedy(error: Exception) -> str:
    if isinstance(error, ServerRefusal):
        if error.code in (530, 534, 535, 538):
            return (
                "Check user and password in SABAL_MAIL_URL (any of / ? # @ : % in them is percent-encoded, other"
                " letters are sent as UTF-8)."
            )
        return "It says so itself. Ask its operator whether this machine may send emails through it."
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            "Its certificate is not for this name, or not trusted. Write the name that the certificate has."
        )
    if isinstance(error, smtplib.SMTPNotSupportedError | ssl.SSLError):
        return "It does not speak TLS in this way. Try tls=starttls with port 587, or tls=implicit with port 465."
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return (
            "It closed the connection. It may need another tls=, another user and password, or accept nothing from"
            " this machine."
        )
    return "Check host and port in SABAL_MAIL_URL, and whether a firewall lets this machine reach them."


def _dns(domain: str, url: MailUrl) -> Iterator[Finding]:
    sender = _sending_host(url)
    yield _record(
        "D302",
        domain,
        "v=spf1",
        "SPF says which servers may send for this domain",
        f'"v=spf1 {sender} -all", or with the include: that your mail relay names',
    )
    yield _dkim(domain)
    yield _record(
        "D304",
        f"_dmarc.{domain}",
        "v=DMARC1",
        "DMARC says what others should do with emails that fail both",
        f'"v=DMARC1; p=none; rua=mailto:postmaster@{domain}", later p=quarantine',
    )


def _dkim(domain: str) -> Finding:
    """Return whether the key by which the mail server signs is in DNS, as far as its selector is known."""
    selector = settings.DKIM_SELECTOR
    name = f"{selector or 'SELECTOR'}._domainkey.{domain}"
    meaning = f"DKIM signs each email, so that others see that it is from {domain} and unchanged"
    set_it = f'Set: {name}. TXT "v=DKIM1; k=rsa; p=PUBLIC-KEY"\nLook: dig +short TXT {name}'
    if not selector:
        told = (
            "The mail server tells you a selector and a public key. Name the selector in SABAL_DKIM_SELECTOR."
        )
        return Finding("ok", "D303", f"{meaning}. Your mail server does it.", f"{told}\n{set_it}")
    state = dkim_state(domain, selector)
    if state == "ok":
        return Finding("ok", "D303", f"{meaning}: {name} has the key.")
    if state == "several":
        return Finding("wrong", "D303", f"{meaning}. {name} has several keys, so none counts.", set_it)
    if state == "silent":
        return Finding("warning", "D303", f"{meaning}. DNS did not answer, so check {name} yourself.", set_it)
    return Finding(
        "warning", "D303", f"{meaning}. {name} has no key, so emails may be taken for spam.", set_it
    )


def _sending_host(url: MailUrl) -> str:
    """Return the machine that sends the emails, as a mechanism of an SPF record (RFC 7208, section 5)."""
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
        return Finding("warning", id_, f"{meaning}. DNS did not answer, so check {name} yourself.", set_it)
    found = [text for text in texts if text.lower().startswith(marker.lower())]
    if len(found) == 1:
        return Finding("ok", id_, f"{meaning}: {found[0]}")
    if found:
        return Finding("wrong", id_, f"{meaning}. {name} has {len(found)} of them, so none counts.", set_it)
    return Finding("warning", id_, f"{meaning}. {name} has none, so emails may be taken for spam.", set_it)


def addresses() -> Iterator[Finding]:
    """Check the public address, the running server, proxies, further hosts and the onion service."""
    address = settings.served_address()
    base = urlsplit(address)
    yield Finding("ok", "D501", f"The public address is {address}.")
    yield _running(base.port if base.scheme == "http" and base.port else PORT)
    yield _hops(base.scheme)
    for host in settings.HOSTS:
        yield Finding("ok", "D504", f"The server also answers to {host}.")
    if settings.ONION:
        yield Finding("ok", "D505", f"The server is also {settings.ONION}.")
    if settings.TRUSTED_HOPS and (settings.ONION or (base.hostname or "").endswith(".onion")):
        yield _onion_reminder()


def _onion_reminder() -> Finding:
    """Remind of the onion service's target whenever it matters, because the server cannot see the target."""
    sentence = (
        "The onion service must lead to the proxy. At the server's own port its clients could choose Host and"
        " address."
    )
    hint = (
        "In torrc, HiddenServicePort must lead to the proxy's site for the onion (127.0.0.1:8081 in"
        " docs/operating/) and never to the server's own port. If it already does, this is only a reminder."
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
        return Finding("warning", "D502", f"No Sabal server answers on port {port} of this machine.", hint)
    finally:
        connection.close()
    if (answer.status, says) == (200, "ok"):
        return Finding("ok", "D502", f"The server on port {port} of this machine says ok.")
    if (answer.status, says) == (503, "busy"):
        hint = "It has more to do than it can, or has lost its database. Its messages say which (journalctl -u sabal)."
        return Finding("warning", "D502", f"The server on port {port} of this machine says busy.", hint)
    hint = "Is another program running there? Choose another port: sabal serve --port PORT"
    return Finding("warning", "D502", f"The program on port {port} of this machine is not Sabal.", hint)


def _hops(scheme: str) -> Finding:
    """Report the trusted proxies, and how to check them, because the server cannot see what is in front of it."""
    hops = settings.TRUSTED_HOPS
    count = (
        "Count your own machines between readers and the server that add to X-Forwarded-For: 1 for Caddy or nginx"
        " here, 2 with a shield before it. If the number is too high, anybody can use a false address. If it is"
        " too low, all visitors share one limit."
    )
    if hops == 0 and scheme == "https":
        return Finding(
            "warning",
            "D503",
            "No proxy is trusted, but the address is https: all visitors look like one, the proxy that ends TLS.",
            f"Set SABAL_TRUSTED_HOPS, usually to 1. {count}\nTo check: open the public address once; the server"
            " then warns about X-Forwarded-For (journalctl -u sabal).",
        )
    if hops == 0:
        sentence = "No proxy is trusted: a client's address is that of its connection."
        return Finding("ok", "D503", sentence)
    which = "last" if hops == 1 else f"number {hops} from the right"
    sentence = f"A client's address is the {which} in X-Forwarded-For. Everything left of it is ignored."
    return Finding("ok", "D503", sentence, count)
