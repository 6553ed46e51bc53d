"""The numbers of each batch, which the log also shows."""

from django.db import migrations

from sabal import hot_tables

SQL = """
-- The totals that the checkpoint of a batch proves. NULL: the batch is older than these columns, or was adopted.
ALTER TABLE ledger_batch ADD COLUMN confirmed BIGINT;
ALTER TABLE ledger_batch ADD COLUMN withdrawn BIGINT;
ALTER TABLE ledger_batch ADD COLUMN invalidated BIGINT;
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0002_read_only"), ("signing", "0001_initial")]
    operations = [hot_tables.create(SQL)]
