"""Send what is in the outbox to an SMTP server, and end with SIGKILL as soon as it has accepted one email."""

import os
import signal
import sys

import django

django.setup()

from sabal import settings  # noqa: E402 - after Django, as in the worker
from sabal.configuration.mail_url import MailUrl  # noqa: E402
from sabal.configuration.sender import Sender  # noqa: E402
from sabal.database import connect  # noqa: E402
from sabal.delivery.outgoing import DeliveryEmails  # noqa: E402
from sabal.keys.keystore import open_keystore  # noqa: E402
from sabal.mail import outbox  # noqa: E402
from sabal.mail.answers import Answer  # noqa: E402
from sabal.mail.emails import Site  # noqa: E402
from sabal.mail.ids import DELIVERY  # noqa: E402
from sabal.mail.message import Message  # noqa: E402
from sabal.mail.smtp import SmtpTransport  # noqa: E402
from sabal.petitions.snapshots import Snapshots  # noqa: E402
from sabal.signing import reminder  # noqa: E402


class Killed(SmtpTransport):
    """A transport whose process ends before its answer is stored."""

    def send(self, message: Message, to: str) -> Answer:
        super().send(message, to)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("unreachable")


port, now = int(sys.argv[1]), int(sys.argv[2])
database, keystore, snapshots = connect(settings.DATABASE_URL), open_keystore(), Snapshots()
snapshots.refresh(database, keystore)
outbox.send_due(
    database,
    keystore,
    Killed(MailUrl("smtp", "127.0.0.1", port), "petition.example"),
    lambda: now,
    petitions=snapshots,
    accepted=reminder.note_accepted,
    site=Site("https://petition.example", Sender("Petitions", "petition@site.example")),
    writers={DELIVERY: DeliveryEmails()},
)
