"""Whether emails would leave and arrive: the mail server, its view of the sender, and the sender's domain."""

import smtplib
from dataclasses import dataclass

from sabal import settings
from sabal.mail.dns_records import dkim_state, state_of
from sabal.mail.emails import Site
from sabal.mail.session import ServerRefusal, open_session

WAIT = 10.0  # seconds for each step of the mail server


@dataclass(frozen=True)
class Sending:
    """What was found. No secret is in it.

    `server` is "ok", "folder" (emails are files, for development), "none" (nothing is set), "refused" or "unreachable".
    `spf`, `dkim` and `dmarc` are as `state_of` returns them; "" if the sender has no domain, or DKIM no selector.
    """

    server: str
    sender: str
    takes_sender: bool
    domain: str = ""
    spf: str = ""
    dkim: str = ""
    dmarc: str = ""


def examine() -> Sending:
    """Greet the mail server, name the sender, send nothing, and look up the sender's domain. It may take 40 seconds."""
    url, sender = settings.MAIL_URL, settings.MAIL_FROM
    server, takes = _server(sender.address)
    if sender.domain in ("", "localhost") or not url.scheme:
        return Sending(server, sender.address, takes)
    return Sending(
        server,
        sender.address,
        takes,
        sender.domain,
        spf=state_of(sender.domain, "v=spf1"),
        dkim=dkim_state(sender.domain, settings.DKIM_SELECTOR),
        dmarc=state_of(f"_dmarc.{sender.domain}", "v=DMARC1"),
    )


def _server(sender: str) -> tuple[str, bool]:
    url = settings.MAIL_URL
    if not url.scheme:
        return "none", False
    if url.scheme == "folder":
        return "folder", True
    try:
        with open_session(url, Site(settings.BASE_URL).mail_domain, WAIT) as smtp:
            return "ok", bool(sender) and smtp.mail(sender)[0] == 250
    except ServerRefusal:
        return "refused", False
    except (OSError, smtplib.SMTPException):
        return "unreachable", False
