"""Asking for the newsletter of the house: what was asked for and its email, in one commit."""

from sabal import days, settings
from sabal import token as tokens
from sabal.database import Database
from sabal.keys.keyring import Keyring
from sabal.limits.networks import Limits
from sabal.mail.address import EmailAddress
from sabal.mail.ids import CONFIRM_NEWSLETTER, SLOW, email_id
from sabal.mail.row import close_body, delete_again, email_row, store
from sabal.newsletter import subscription as rows

KEEP_DAYS = 7


def ask(
    database: Database,
    keyring: Keyring,
    limits: Limits,
    address: EmailAddress,
    language: str,
    organiser: str,
    now: float,
) -> None:
    """Store what was asked for and its email; in silence where no email may go out. Raises KeyMissing.

    `now` in Unix time (seconds). What is committed, and how long it takes, is the same whether the mailbox is new, on
    the list, or wants no emails.
    """
    # As for signing: on a development server, which answers this machine alone, nothing is limited.
    box = b"newsletter/" + address.mailbox.encode()
    spare = settings.DEV or limits.letters_left(box, now)
    key, (mail_day, mail_key) = keyring.need_subscribers(), keyring.need_mail()
    t = tokens.new()
    row = rows.subscription(key, rows.SITE, address, language, organiser)
    with database.transaction():
        may_write = spare and rows.ask(
            database, row, rows.confirm_hash(t), days.number_at(now) + KEEP_DAYS + 1
        )
        way_out = rows.unsubscribe_token(key, rows.stored_id(database, row))
        sealed = close_body(mail_key, address, language, t, way_out)
        email = email_row(email_id(SLOW, mail_day), None, CONFIRM_NEWSLETTER, mail_day, sealed)
        store(database, [email])
        if not may_write:
            # Written and struck out: a commit without it is quicker, and a clock would tell who is in the list.
            delete_again(database, [email])
    if may_write:
        limits.letter(box, now)
