"""Ask for the newsletter of an organisation: store the request and its email in one commit."""

from sabal import days, settings
from sabal import token as tokens
from sabal.database import Database
from sabal.keys.keyring import Keyring
from sabal.limits.networks import Limits
from sabal.mail.address import EmailAddress
from sabal.mail.ids import CONFIRM_NEWSLETTER, SLOW, email_id
from sabal.mail.row import ListName, delete_again, email_row, seal_body, store
from sabal.newsletter import consent
from sabal.newsletter import subscription as subscriptions
from sabal.newsletter.lists import MailingList
from sabal.petitions.organisation import PublicOrganisation, organiser_name

KEEP_DAYS = 7


def ask(
    database: Database,
    keyring: Keyring,
    limits: Limits,
    address: EmailAddress,
    language: str,
    organisation: PublicOrganisation,
    now: float,
) -> None:
    """Store the request and its email. If no email may be sent, delete the email again, and do not reveal it.

    `now` is Unix time (seconds). The commit does the same work in the same time for an address that is new, is in the
    list, or refused to be asked. Raises `KeyMissing`.
    """
    # As for signing, a development server has no limits, because it answers only its own machine.
    # Each list has limits of its own, so that one reveals nothing about another.
    mailbox = f"newsletter/{organisation.key}/{address.mailbox}".encode()
    quota_left = settings.DEV or limits.emails_left(mailbox, now)
    key, (mail_day, mail_key) = keyring.need_subscribers(), keyring.need_mail()
    t = tokens.new()
    definition, of = organisation.definition, MailingList(organisation.key)
    row = subscriptions.subscription(
        key, of, address, language, consent.sentence("newsletter", definition, language)
    )
    with database.transaction():
        may_email = quota_left and subscriptions.ask(
            database, row, subscriptions.confirm_hash(t), days.number_at(now) + KEEP_DAYS + 1
        )
        unsubscribe = subscriptions.unsubscribe_token(key, subscriptions.stored_id(database, row))
        from_whom = ListName(organisation.key, organiser_name(definition, language))
        sealed = seal_body(mail_key, address, language, t, unsubscribe, from_whom)
        email = email_row(email_id(SLOW, mail_day), None, CONFIRM_NEWSLETTER, mail_day, sealed)
        store(database, [email])
        if not may_email:
            # Insert and delete in the same commit, so that timing does not reveal which addresses are in the list.
            delete_again(database, [email])
    if may_email:
        limits.count_email(mailbox, now)
