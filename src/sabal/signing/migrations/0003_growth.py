"""The numbers of the past, and the forms that were sent: what charts and the confirmation rate are made of."""

from django.db import migrations

from sabal import hot_tables

SQL = """
-- The published numbers at the end of each day (since 1970) on which they were published: totals, each of which pages
-- showed on that day.
CREATE TABLE signing_history (
    petition_id INTEGER NOT NULL,
    day INTEGER NOT NULL,
    confirmed BIGINT NOT NULL,
    withdrawn BIGINT NOT NULL,
    invalidated BIGINT NOT NULL,
    PRIMARY KEY (petition_id, day)
) WITHOUT ROWID;

-- The number of forms that were sent, without a time. Public processes add to it every few seconds; each adds to a row
-- of its own (shard), so that none waits for another.
CREATE TABLE signing_asked (
    petition_id INTEGER NOT NULL,
    shard SMALLINT NOT NULL,
    n BIGINT NOT NULL,
    PRIMARY KEY (petition_id, shard)
) WITHOUT ROWID;

-- The numbers by language, published together with those by country and by the same rule.
ALTER TABLE signing_total ADD COLUMN published_languages TEXT NOT NULL DEFAULT '[]';
"""


class Migration(migrations.Migration):
    dependencies = [("signing", "0002_invalidated_by")]
    operations = [hot_tables.create(SQL)]
