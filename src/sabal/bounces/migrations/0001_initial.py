"""Create the tables of bounces."""

from django.db import migrations

from sabal import hot_tables

SQL = """
-- One row for each email to a list that came back, for 90 days: so a bounce that arrives twice counts once, and an address
-- whose emails come back again and again is found. occasion: the mailing (mail/verp.py). reason: bounces/reasons.py.
CREATE TABLE bounces_bounce (
    subscription_id BIGINT NOT NULL,
    occasion BIGINT NOT NULL,
    reason SMALLINT NOT NULL,
    day INTEGER NOT NULL,
    PRIMARY KEY (subscription_id, occasion)
) WITHOUT ROWID;

-- Totals by list, mailing and reason. They name nobody.
CREATE TABLE bounces_total (
    organisation VARCHAR(60) NOT NULL,
    petition_id BIGINT NOT NULL,
    occasion BIGINT NOT NULL,
    reason SMALLINT NOT NULL,
    n BIGINT NOT NULL,
    PRIMARY KEY (organisation, petition_id, occasion, reason)
) WITHOUT ROWID;
"""


class Migration(migrations.Migration):
    initial = True
    operations = [hot_tables.create(SQL)]
