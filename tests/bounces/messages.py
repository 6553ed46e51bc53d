"""Messages that come to a bounce address, as different mail servers write them."""

DSN = """\
From: MAILER-DAEMON@mx.example (Mail Delivery System)
To: {to}
Return-Path: <>
Auto-Submitted: auto-replied
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b1"

--b1
Content-Type: text/plain

I could not deliver it.

--b1
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; {about}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; {diagnostic}

--b1
Content-Type: text/rfc822-headers

From: mail@petition.example
To: {about}

--b1--
"""


def dsn(
    to: str,
    status: str = "5.1.1",
    *,
    action: str = "failed",
    about: str = "suzie@example.org",
    diagnostic: str = "550 no",
) -> bytes:
    """Return a report of RFC 3464."""
    return DSN.format(to=to, status=status, action=action, about=about, diagnostic=diagnostic).encode()


ARF = """\
From: abuse@provider.example
To: {to}
Subject: FW: News
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b1"

--b1
Content-Type: text/plain

This is an email abuse report.

--b1
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: Provider/1
Version: 1
{more}
--b1
Content-Type: message/rfc822

{headers}From: mail@petition.example
Subject: News

Hello.
--b1--
"""


def arf(
    headers: str = "", *, more: str = "", kind: str = "abuse", to: str = "feedback@petition.example"
) -> bytes:
    """Return a report of RFC 5965: a reader pressed "spam"."""
    return ARF.format(to=to, headers=headers, more=more, kind=kind).encode()


def out_of_office(to: str) -> bytes:
    """Return the automatic answer of a person who is away, which quotes words of a bounce."""
    return (
        f"From: suzie@example.org\nTo: {to}\nAuto-Submitted: auto-replied\nSubject: Out of office\n\n"
        "I am away. Your message could not be delivered to me: <suzie@example.org> user unknown.\n"
    ).encode()


def qmail(to: str) -> bytes:
    """Return a bounce of qmail, which is older than RFC 3464."""
    return (
        f"Return-Path: <>\nFrom: MAILER-DAEMON@mx.example\nTo: {to}\nSubject: failure notice\n\n"
        "Hi. This is the qmail-send program at mx.example.\n"
        "I'm afraid I wasn't able to deliver your message to the following addresses.\n"
        "This is a permanent error; I've given up. Sorry it didn't work out.\n\n"
        "<suzie@example.org>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n"
        "--- Below this line is a copy of the message.\n"
    ).encode()
