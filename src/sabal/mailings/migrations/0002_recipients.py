"""Create the tables of recipients, which the worker uses without the ORM."""

from django.db import migrations

from sabal import hot_tables

SQL = """
-- One recipient of a mailing. id: the mailing's number, then 32 bits of a serial number, so that the rows of a mailing
-- lie together. address_hash: the keyed hash of the address, as in newsletter_subscription. provider: a large email
-- provider, or "other-" and 8 bits of the domain's keyed hash. language: that of the text. due: the Unix time of the next
-- attempt; the process that claims a row moves it. state: mailings/states.py.
CREATE TABLE mailings_recipient (
    id INTEGER NOT NULL PRIMARY KEY,
    mailing_id BIGINT NOT NULL,
    address_hash BLOB NOT NULL,
    subscription_id BIGINT NOT NULL,
    provider VARCHAR(16) NOT NULL,
    language VARCHAR(16) NOT NULL,
    state SMALLINT NOT NULL DEFAULT 0,
    attempts SMALLINT NOT NULL DEFAULT 0,
    due BIGINT NOT NULL DEFAULT 0
);
-- queueing again after a crash: one row for each address and mailing
CREATE UNIQUE INDEX mailings_recipient_address ON mailings_recipient (mailing_id, address_hash);
-- claiming: what is still to be sent
CREATE INDEX mailings_recipient_due ON mailings_recipient (mailing_id, due, id) WHERE state < 2;
-- somebody unsubscribes, or an email bounces
CREATE INDEX mailings_recipient_subscription ON mailings_recipient (subscription_id);

-- The numbers of recipients, which stay when their rows are deleted.
CREATE TABLE mailings_sum (
    mailing_id BIGINT NOT NULL,
    provider VARCHAR(16) NOT NULL,
    language VARCHAR(16) NOT NULL,
    state SMALLINT NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (mailing_id, provider, language, state)
);

-- How fast a provider takes emails: milliseconds between two of them, and the Unix time (milliseconds) of the next and
-- of the last that was put off. The provider "" is the whole site. changed: when the interval was last changed.
CREATE TABLE mailings_pace (
    provider VARCHAR(16) NOT NULL PRIMARY KEY,
    interval_ms INTEGER NOT NULL,
    next_ms BIGINT NOT NULL,
    planned_ms BIGINT NOT NULL,
    changed BIGINT NOT NULL
);
"""


class Migration(migrations.Migration):
    dependencies = [("mailings", "0001_initial")]
    operations = [hot_tables.create(SQL)]
