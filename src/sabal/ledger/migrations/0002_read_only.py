"""What a restore leaves behind: a log that nobody may append to, and signatures that are counted without a record."""

from django.db import migrations

from sabal import hot_tables

SQL = """
-- read_only: restored from a backup, and what was published after it is not known here: appending would fork the log.
-- seen_size: that of the largest checkpoint that was seen of it elsewhere; it goes on with no fewer entries.
ALTER TABLE ledger_log ADD COLUMN read_only BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE ledger_log ADD COLUMN seen_size BIGINT NOT NULL DEFAULT 0;

-- Sign entries that were adopted from the published log and whose records were lost with the database.
CREATE TABLE ledger_lost (
    petition_id INTEGER NOT NULL,
    idx BIGINT NOT NULL,
    PRIMARY KEY (petition_id, idx)
);
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial")]
    operations = [hot_tables.create(SQL)]
