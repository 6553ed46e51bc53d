"""Outgoing mail is a table first; nothing in it says when a letter was written but the day of its key."""

from django.db import migrations

from sabal import hot_tables

SQL = """
-- kind: 1 confirm a signature, 2 signed already (open petitions), 3 confirm a subscription.
-- lane: 0 normal, 1 slow. network: 16 bits of a keyed hash whose key lives a day in memory, for fairness in the slow lane.
CREATE TABLE mail_letter (
    id BIGINT NOT NULL PRIMARY KEY,
    petition_id BIGINT,
    kind SMALLINT NOT NULL,
    mail_key INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    lane SMALLINT NOT NULL DEFAULT 0,
    network INTEGER NOT NULL DEFAULT 0,
    claimed_until BIGINT NOT NULL DEFAULT 0,
    not_before BIGINT NOT NULL DEFAULT 0,
    attempts SMALLINT NOT NULL DEFAULT 0
);
-- send: the next letters of a lane
CREATE INDEX mail_letter_next ON mail_letter (lane, mail_key, id);

-- Hourly totals by class of provider; hour counts from 1970.
CREATE TABLE mail_traffic (
    hour BIGINT NOT NULL,
    provider VARCHAR(32) NOT NULL,
    outcome VARCHAR(16) NOT NULL,
    n BIGINT NOT NULL,
    PRIMARY KEY (hour, provider, outcome)
) WITHOUT ROWID;
"""


class Migration(migrations.Migration):
    initial = True
    operations = [hot_tables.create(SQL)]
