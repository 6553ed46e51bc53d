"""The numbers of invalidated signatures by reason, which the log also shows."""

from django.db import migrations

from sabal import hot_tables

SQL = """
-- JSON objects: the number of invalidated signatures for each reason (docs/log-format.md "Reasons"). What was
-- invalidated before these columns existed is in no reason.
ALTER TABLE signing_total ADD COLUMN invalidated_by TEXT NOT NULL DEFAULT '{}';
ALTER TABLE signing_total ADD COLUMN published_invalidated_by TEXT NOT NULL DEFAULT '{}';
"""


class Migration(migrations.Migration):
    dependencies = [("signing", "0001_initial")]
    operations = [hot_tables.create(SQL)]
