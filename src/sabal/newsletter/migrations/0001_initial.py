"""Create the tables of subscribers.

Unlike signatures, the server can read them. They are sealed under its key in case the disk is stolen.
"""

from django.db import migrations

from sabal import hot_tables

SQL = """
-- A row is in one list of an organisation (its key): the newsletter (petition_id is 0), or updates about a petition.
-- state: 1 asked for, 2 confirmed.
-- address_hash: keyed hash, so that an address is in a list only once. confirm_hash: of the last emailed link; it stays
-- after the click, so that clicking twice is harmless. consent: first 16 hex digits of the SHA-256 of the sentence that
-- was ticked; expires: day number while not confirmed; asked: the number of emails that were sent for it.
CREATE TABLE newsletter_subscription (
    id INTEGER NOT NULL PRIMARY KEY,
    petition_id BIGINT NOT NULL DEFAULT 0,
    organisation VARCHAR(60) NOT NULL,
    address_hash BLOB NOT NULL,
    sealed_address BLOB NOT NULL,
    language VARCHAR(16) NOT NULL,
    state SMALLINT NOT NULL,
    consent VARCHAR(16) NOT NULL,
    confirm_hash BLOB,
    expires INTEGER,
    asked SMALLINT NOT NULL DEFAULT 0
);
-- ask: one row for each address and list
CREATE UNIQUE INDEX newsletter_subscription_address ON newsletter_subscription (petition_id, organisation, address_hash);
-- confirm: by the emailed link
CREATE INDEX newsletter_subscription_confirm ON newsletter_subscription (confirm_hash) WHERE confirm_hash IS NOT NULL;

-- The sentences that were ticked, by their version.
CREATE TABLE newsletter_consent (
    version VARCHAR(16) NOT NULL PRIMARY KEY,
    sentence TEXT NOT NULL
);
"""


class Migration(migrations.Migration):
    initial = True
    operations = [hot_tables.create(SQL)]
