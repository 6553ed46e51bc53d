"""The state after a restore: read-only logs, and signatures that count without a record."""

from django.db import migrations

from sabal import hot_tables

SQL = """
-- read_only: the log was restored from a backup. Entries may have been published later, so appending could fork it.
-- seen_size: the size of the largest checkpoint seen elsewhere. The log does not continue with fewer entries.
ALTER TABLE ledger_log ADD COLUMN read_only BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE ledger_log ADD COLUMN seen_size BIGINT NOT NULL DEFAULT 0;

-- Sign entries that were adopted from the published log, and whose records were lost with the database.
CREATE TABLE ledger_lost (
    petition_id INTEGER NOT NULL,
    idx BIGINT NOT NULL,
    PRIMARY KEY (petition_id, idx)
);
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial")]
    operations = [hot_tables.create(SQL)]
