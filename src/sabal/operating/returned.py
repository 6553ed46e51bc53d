"""The doctor's checks of bounces: whether they would come back, and whether somebody reads them."""

import smtplib
import time
from collections.abc import Iterator

import dns.exception
import dns.resolver

from sabal import settings
from sabal.bounces.collector import own_folder, source_of
from sabal.bounces.imap import ERRORS, Mailbox
from sabal.bounces.maildir import Maildir
from sabal.mail.dns_records import WAIT
from sabal.mail.emails import Site
from sabal.mail.session import ServerRefusal, open_session
from sabal.mail.verp import Sent, Verp
from sabal.operating.findings import Finding

LATE = 3_600  # seconds after which a message that waits shows that nobody reads


def bounces() -> Iterator[Finding]:
    """Check the bounce address, the mail server's view of it, its domain, and where bounces are read."""
    address = settings.BOUNCE_ADDRESS
    if not address:
        if settings.BOUNCES.scheme:
            sentence = "SABAL_BOUNCES is set without SABAL_BOUNCE_ADDRESS, so nothing comes back to it."
            yield Finding("wrong", "D308", sentence, "Set SABAL_BOUNCE_ADDRESS, such as bounces@example.org")
        else:
            sentence = "Bounces are not read. Emails of newsletters go to mailboxes that no longer exist."
            hint = "Set SABAL_BOUNCE_ADDRESS before you send a newsletter (docs/operating.md, Bounces)."
            yield Finding("ok", "D308", sentence, hint)
        return
    yield _takes_sender()
    yield _domain(address.domain)
    yield _read()


def _takes_sender() -> Finding:
    """Name an envelope sender to the mail server, as emails to lists have it. Nothing is sent."""
    sender = Verp.of(settings.BOUNCE_ADDRESS, bytes(32)).sender(Sent(0, 0, 0))
    if settings.MAIL_URL.scheme != "smtp":
        return Finding("ok", "D308", f"Bounces come back to {settings.BOUNCE_ADDRESS.with_token('…')}.")
    try:
        with open_session(settings.MAIL_URL, Site(settings.BASE_URL).mail_domain, WAIT) as smtp:
            code = smtp.mail(sender)[0]
    except (ServerRefusal, OSError, smtplib.SMTPException):
        return Finding(
            "warning", "D308", "The mail server cannot be asked about the bounce address.", "See D301."
        )
    if code == 250:
        return Finding("ok", "D308", "The mail server accepts the envelope senders of emails to lists.")
    hint = "Let it send from every address of that form, or set another SABAL_BOUNCE_ADDRESS."
    return Finding("wrong", "D308", f"The mail server refuses the envelope sender {sender}.", hint)


def _domain(domain: str) -> Finding:
    """Check whether a mail server takes emails for the domain (RFC 5321, section 5.1)."""
    try:
        for kind in ("MX", "A", "AAAA"):
            try:
                dns.resolver.resolve(domain, kind, lifetime=WAIT)
            except dns.resolver.NoAnswer:
                continue
            return Finding("ok", "D309", f"DNS names a mail server for {domain}.")
    except dns.resolver.NXDOMAIN:
        pass
    except (dns.exception.DNSException, OSError):
        sentence = f"DNS did not answer, so check yourself which mail server takes emails for {domain}."
        return Finding("warning", "D309", sentence, f"Look: dig +short MX {domain}")
    hint = f"Set: {domain}. MX 10 NAME-OF-YOUR-MAIL-SERVER"
    return Finding("wrong", "D309", f"No mail server takes emails for {domain}, so no bounce arrives.", hint)


def _read() -> Finding:
    """Check whether the folder or mailbox can be read, and whether messages wait there for too long."""
    url, source = settings.BOUNCES, source_of(settings.BOUNCES)
    try:
        if isinstance(source, Mailbox):
            source.look()
            return Finding("ok", "D310", f"The mailbox {url.mailbox} at {url.host} can be read.")
        if not url.scheme and not own_folder().is_dir():
            hint = "Let your mail server pipe them to: sabal bounces (docs/operating.md, Bounces)."
            return Finding("warning", "D310", "No bounce has come yet.", hint)
        oldest = Maildir(url.path if url.scheme else own_folder(), is_ours=not url.scheme).oldest()
    except ERRORS as error:
        hint = "Check SABAL_BOUNCES, and whether the user of the worker may read and change it."
        return Finding("wrong", "D310", f"Bounces cannot be read: {type(error).__name__}.", hint)
    if oldest is not None and time.time() - oldest > LATE:
        hint = "Is the worker running, and may its user read and delete these files?"
        return Finding("wrong", "D310", "Bounces wait for more than an hour.", hint)
    return Finding("ok", "D310", "The folder of bounces can be read.")
