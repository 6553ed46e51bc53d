"""Addresses that get no emails of a list any more."""

from django.db import migrations

from sabal import hot_tables

SQL = """
-- address_hash: as in newsletter_subscription, so no address is here. organisation and petition_id: the list, or '' and 0
-- for every list of this server. reason: newsletter/suppression.py. day: since 1970.
CREATE TABLE newsletter_suppression (
    address_hash BLOB NOT NULL,
    organisation VARCHAR(60) NOT NULL,
    petition_id BIGINT NOT NULL,
    reason SMALLINT NOT NULL,
    day INTEGER NOT NULL,
    PRIMARY KEY (address_hash, organisation, petition_id)
) WITHOUT ROWID;
-- suppress: all lists of an address that bounces
CREATE INDEX newsletter_subscription_hash ON newsletter_subscription (address_hash);
"""


class Migration(migrations.Migration):
    dependencies = [("newsletter", "0001_initial")]
    operations = [hot_tables.create(SQL)]
