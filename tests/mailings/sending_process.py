"""A process that sends mailings until it is killed. Its argument is the port of the SMTP server.

It ends by itself when nothing is left to send.
"""

import sys
import time

from mail.world import SITE
from sabal import database, settings
from sabal.configuration.mail_url import MailUrl
from sabal.keys.keystore import open_keystore
from sabal.mail.smtp import SmtpTransport
from sabal.mailings import claims
from sabal.mailings.sending import MailingSender
from sabal.petitions.snapshots import Snapshots

CONNECTIONS = 4


def main() -> None:
    claims.CLAIM, claims_left = 3, 0  # what a killed process had claimed is due again after seconds
    from sabal.mailings import delivering

    delivering.CLAIM_LEFT = claims_left
    url = MailUrl("smtp", "127.0.0.1", int(sys.argv[1]))
    sender = MailingSender(
        [SmtpTransport(url, "petition.example") for _ in range(CONNECTIONS)], settings.DATA
    )
    connection, keystore, snapshots = database.connect(), open_keystore(), Snapshots()
    while connection.query("SELECT 1 FROM mailings_mailing WHERE ended_at IS NULL"):
        snapshots.refresh(connection, keystore)
        time.sleep(min(sender.round(connection, keystore, snapshots, SITE), 0.2))
    sender.close()


if __name__ == "__main__":
    main()
