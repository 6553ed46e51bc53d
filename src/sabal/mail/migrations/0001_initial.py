"""The outbox and its totals. Only the day of an email's key shows when the email was written."""

from django.db import migrations

from sabal import hot_tables

SQL = """
-- kind: 1 confirm a signature, 2 signed already (open petitions), 3 confirm a subscription, 4 to the team (mail/ids.py).
-- network: 16 bits of a keyed hash whose key is kept in memory for a day, for fairness in the slow lane.
-- id: lane, day and random bits (mail/ids.py), so that the primary key is the order of sending and no other index is needed.
CREATE TABLE mail_email (
    id INTEGER NOT NULL PRIMARY KEY,
    petition_id BIGINT,
    kind SMALLINT NOT NULL,
    mail_key INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    network INTEGER NOT NULL DEFAULT 0,
    claimed_until BIGINT NOT NULL DEFAULT 0,
    not_before BIGINT NOT NULL DEFAULT 0,
    attempts SMALLINT NOT NULL DEFAULT 0
);

-- Hourly totals by provider; hour is in hours since 1970.
CREATE TABLE mail_traffic (
    hour BIGINT NOT NULL,
    provider VARCHAR(32) NOT NULL,
    outcome VARCHAR(16) NOT NULL,
    n BIGINT NOT NULL,
    PRIMARY KEY (hour, provider, outcome)
) WITHOUT ROWID;

-- One row: what the greeting of the mail server said (mail/relay.py).
CREATE TABLE mail_relay (
    id SMALLINT NOT NULL PRIMARY KEY,
    takes_international SMALLINT NOT NULL
);
"""


class Migration(migrations.Migration):
    initial = True
    operations = [hot_tables.create(SQL)]
